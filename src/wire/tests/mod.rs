//! Tests across the dialects.

mod answers;
mod captures;
mod hostile;
mod requests;
mod round_trip;

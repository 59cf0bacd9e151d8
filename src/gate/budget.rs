//! Keeps a run below its caps: no tail starts that would exceed them, and no request goes out once they
//! are reached.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt as _};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::plan::Caps;
use crate::model::{Ancillary, Call, MicroUsd};
use crate::price::PriceTable;
use crate::proxy::{Backend, BackendError, Incoming, Reply};
use crate::record::{Sink, SinkError};
use crate::replay::Tally;

/// What a run has spent, and what it has set aside for tails under way.
#[derive(Debug, Default)]
struct Spent {
    paid: Tally,
    reserved: Tally,
}

/// The money and the tokens of a run.
#[derive(Debug)]
pub struct Budget {
    caps: Caps,
    prices: Arc<PriceTable>,
    spent: Mutex<Spent>,
}

/// Money that is set aside for a tail; given back when it has ended, since then it is paid or not needed.
#[derive(Debug)]
pub(super) struct Reserved<'b> {
    budget: &'b Budget,
    what: Tally,
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        self.budget.with(|spent| {
            let (reserved, what) = (spent.reserved, self.what);
            spent.reserved.cost = MicroUsd(reserved.cost.0.saturating_sub(what.cost.0));
            spent.reserved.input_tokens = reserved.input_tokens.saturating_sub(what.input_tokens);
            spent.reserved.output_tokens =
                reserved.output_tokens.saturating_sub(what.output_tokens);
        });
    }
}

impl Budget {
    /// Returns a budget of which nothing is spent.
    pub fn new(caps: Caps, prices: Arc<PriceTable>) -> Self {
        Self {
            caps,
            prices,
            spent: Mutex::default(),
        }
    }

    /// Returns the caps.
    pub fn caps(&self) -> Caps {
        self.caps
    }

    /// Sets aside what a tail is expected to cost.
    ///
    /// # Errors
    /// There is not so much left; says what is missing.
    pub(super) fn reserve(&self, what: Tally) -> Result<Reserved<'_>, String> {
        self.with(|spent| {
            let after = spent.paid + spent.reserved + what;
            if let Some(cap) = self.exceeded(&after, false) {
                return Err(format!("not run: {cap} leaves no room for it"));
            }
            spent.reserved = spent.reserved + what;
            Ok(())
        })?;
        Ok(Reserved { budget: self, what })
    }

    fn pay(&self, call: &Call) {
        let one = Tally::of(std::iter::once((call, 0)), &self.prices);
        self.with(|spent| spent.paid = spent.paid + one);
    }

    /// Returns the cap that is reached.
    fn reached(&self) -> Option<String> {
        self.with(|spent| self.exceeded(&spent.paid, true))
    }

    fn exceeded(&self, tally: &Tally, is_reached: bool) -> Option<String> {
        let is_over = |used: u64, cap: u64| used > cap || (is_reached && used >= cap);
        if let Some(usd) = self.caps.usd.filter(|usd| is_over(tally.cost.0, usd.0)) {
            return Some(format!("the cap `max_usd` = {usd}"));
        }
        let tokens = self.caps.tokens;
        tokens
            .filter(|tokens| is_over(tally.tokens(), *tokens))
            .map(|tokens| format!("the cap `max_tokens` = {tokens}"))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Spent) -> T) -> T {
        act(&mut self.spent.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Tells the budget of every live call.
pub(super) struct Cashier(pub(super) Arc<Budget>);

impl Sink for Cashier {
    fn call(&self, call: &Arc<Call>) -> Result<(), SinkError> {
        if call.served.is_none() && !call.is_remembered() {
            self.0.pay(call);
        }
        Ok(())
    }

    fn ancillary(&self, _ancillary: &Ancillary) -> Result<(), SinkError> {
        Ok(())
    }
}

/// The way out of one tail, closed once a cap is reached.
pub(super) struct Capped {
    inner: Arc<dyn Backend>,
    budget: Arc<Budget>,
    has_refused: AtomicBool,
}

impl Capped {
    pub(super) fn new(inner: Arc<dyn Backend>, budget: Arc<Budget>) -> Self {
        Self {
            inner,
            budget,
            has_refused: AtomicBool::new(false),
        }
    }

    /// Returns why a request was refused, if one was.
    pub(super) fn refused(&self) -> Option<String> {
        if !self.has_refused.load(Ordering::Relaxed) {
            return None;
        }
        let cap = self.budget.reached().unwrap_or_else(|| "a cap".to_owned());
        Some(format!("{cap} was reached while it ran"))
    }
}

impl Backend for Capped {
    fn send(&self, incoming: &Incoming) -> BoxFuture<'static, Result<Reply, BackendError>> {
        match self.budget.reached() {
            None => self.inner.send(incoming),
            Some(cap) => {
                self.has_refused.store(true, Ordering::Relaxed);
                async move { Ok(refusal(&cap)) }.boxed()
            }
        }
    }
}

/// Returns an answer that clients do not try again.
fn refusal(cap: &str) -> Reply {
    let body = serde_json::json!({
        "error": { "type": "rewind_budget", "message": format!("rewind: {cap} is reached") }
    });
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert("x-should-retry", HeaderValue::from_static("false"));
    let bytes = Bytes::from(body.to_string());
    Reply {
        status: StatusCode::FORBIDDEN,
        headers,
        body: stream::iter([Ok(bytes)]).boxed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(cost: u64, tokens: u64) -> Tally {
        Tally {
            cost: MicroUsd(cost),
            input_tokens: tokens,
            ..Tally::default()
        }
    }

    #[test]
    fn what_is_set_aside_is_not_there_for_others_until_given_back() {
        let caps = Caps {
            usd: Some(MicroUsd(100)),
            tokens: Some(1_000),
        };
        let budget = Budget::new(caps, Arc::new(PriceTable::built_in()));
        let first = budget.reserve(tally(60, 10)).unwrap();
        let refused = budget.reserve(tally(60, 10)).unwrap_err();
        assert!(refused.contains("max_usd"), "{refused}");
        let refused = budget.reserve(tally(1, 2_000)).unwrap_err();
        assert!(refused.contains("max_tokens"), "{refused}");
        drop(first);
        drop(budget.reserve(tally(100, 1_000)).unwrap());
        assert_eq!(budget.reached(), None);
    }

    #[test]
    fn without_caps_there_is_no_end() {
        let budget = Budget::new(Caps::default(), Arc::new(PriceTable::built_in()));
        drop(budget.reserve(tally(u64::MAX, u64::MAX)).unwrap());
        assert_eq!(budget.reached(), None);
    }
}

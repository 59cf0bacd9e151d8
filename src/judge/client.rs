//! Asks the judge: at most so many at once and in a minute, again where that may help, never beyond its
//! time or its budget.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use futures_util::future::BoxFuture;
use http::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::dialect::{self, MAX_TOKENS, Said};
use super::{JudgeSettings, Malformed, Prompt, Unmeasured};
use crate::model::{Body, MicroUsd, Usage};
use crate::price::PriceTable;
use crate::proxy::{Backend, BackendError, Incoming, Reply, decode};
use crate::wire::parse_response;

/// What the judge of a run took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ledger {
    /// Calls that went out, repeated ones included.
    pub calls: u32,
    /// Their tokens, as far as the provider counts them.
    pub usage: Usage,
    /// What they cost, as far as prices are known.
    pub cost: MicroUsd,
    /// Answered calls without a known price.
    pub unpriced: u32,
    /// What the calls under way may cost.
    reserved: MicroUsd,
}

/// What a judge answered, and what was read in it.
pub(super) struct Answered<T> {
    pub(super) read: T,
    pub(super) said: Value,
    /// What it cost, with what had to be repaired; `None` where that is not known.
    pub(super) cost: Option<MicroUsd>,
}

impl<T> Answered<T> {
    /// Returns an answer that was given before, if it can still be read.
    pub(super) fn known(
        said: Value,
        read: impl Fn(&Value) -> Result<T, Malformed>,
    ) -> Option<Self> {
        let read = read(&said).ok()?;
        let cost = None;
        Some(Self { read, said, cost })
    }
}

/// A model that judges.
pub struct Judge {
    backend: Arc<dyn Backend>,
    settings: JudgeSettings,
    prices: PriceTable,
    key: Option<SecretString>,
    slots: Semaphore,
    /// When the next call may go out.
    next: Mutex<Option<Instant>>,
    ledger: Arc<Mutex<Ledger>>,
}

impl Judge {
    /// Returns a judge that is asked through `backend`; `key` is taken out of whatever comes back.
    pub fn new(
        backend: Arc<dyn Backend>,
        settings: JudgeSettings,
        prices: PriceTable,
        key: Option<SecretString>,
    ) -> Self {
        Self {
            slots: Semaphore::new(settings.max_concurrent.max(1)),
            backend,
            settings,
            prices,
            key,
            next: Mutex::new(None),
            ledger: Arc::default(),
        }
    }

    /// Returns the judge where no model is asked: who asks it all the same is told so.
    pub fn nobody() -> Self {
        let settings = JudgeSettings::new("none");
        Self::new(Arc::new(Nobody), settings, PriceTable::built_in(), None)
    }

    /// Returns the judge with its calls booked, and its budget kept, together with those of another one.
    #[must_use]
    pub(super) fn with_ledger_of(self, other: &Self) -> Self {
        Self {
            ledger: Arc::clone(&other.ledger),
            ..self
        }
    }

    /// Returns how it is asked.
    pub fn settings(&self) -> &JudgeSettings {
        &self.settings
    }

    /// Returns what it took so far.
    pub fn ledger(&self) -> Ledger {
        *lock(&self.ledger)
    }

    /// Returns the answer to one prompt; `read` says what is wrong with it, and then it is asked once more.
    pub(super) async fn ask<T>(
        &self,
        prompt: &Prompt,
        ordinal: u32,
        read: impl Fn(&Value) -> Result<T, Malformed>,
    ) -> Result<Answered<T>, Unmeasured> {
        let _slot = self.slots.acquire().await;
        let deadline = Instant::now() + self.settings.timeout;
        let mut repaired = None;
        let mut cost = Some(MicroUsd::default());
        loop {
            let (said, paid) = self
                .reply(repaired.as_ref().unwrap_or(prompt), ordinal, deadline)
                .await?;
            cost = cost.zip(paid).map(|(cost, paid)| cost + paid);
            let found = said.answer.and_then(|said| {
                let read = read(&said)?;
                Ok(Answered { read, said, cost })
            });
            match found {
                Ok(found) => return Ok(found),
                Err(wrong) if repaired.is_some() => return Err(Unmeasured::Malformed(wrong)),
                Err(wrong) => repaired = Some(prompt.repaired(&wrong.to_string())),
            }
        }
    }

    /// Sends a request until there is an answer, it is of no use, or the time is over.
    async fn reply(
        &self,
        prompt: &Prompt,
        ordinal: u32,
        deadline: Instant,
    ) -> Result<(Said, Option<MicroUsd>), Unmeasured> {
        let mut attempt = 0_u32;
        let mut last: Option<Unmeasured> = None;
        loop {
            let too_late = |last: &Option<Unmeasured>| Unmeasured::Deadline {
                seconds: self.settings.timeout.as_secs(),
                last: last
                    .as_ref()
                    .map(|why| format!("; {why}"))
                    .unwrap_or_default(),
            };
            let Some(slot) = self.slot(deadline) else {
                return Err(too_late(&last));
            };
            sleep_until(slot).await;
            let reserved = self.reserve(prompt)?;
            let result = timeout_at(deadline, self.once(prompt, ordinal)).await;
            self.release(reserved);
            if is_billed_unseen(&result) {
                // It may have cost as much, and nobody said how much it did.
                let mut ledger = lock(&self.ledger);
                ledger.cost = ledger.cost + reserved;
            }
            let (why, wait) = match result {
                Err(_elapsed) => return Err(too_late(&last)),
                Ok(Ok(said)) => return Ok(said),
                Ok(Err(Failed::Final(why))) => return Err(why),
                Ok(Err(Failed::Passing { why, wait })) => (why, wait),
            };
            attempt += 1;
            if attempt >= ATTEMPTS {
                return Err(why);
            }
            let again = Instant::now() + wait.unwrap_or_else(|| pause(attempt));
            last = Some(why);
            if again >= deadline {
                return Err(too_late(&last));
            }
            sleep_until(again).await;
        }
    }

    /// Sends a request once; returns also what it cost, where that is known.
    async fn once(
        &self,
        prompt: &Prompt,
        ordinal: u32,
    ) -> Result<(Said, Option<MicroUsd>), Failed> {
        lock(&self.ledger).calls += 1;
        let request = dialect::request(&self.settings, prompt, ordinal);
        let reply = self
            .backend
            .send(&request)
            .await
            .map_err(|error| self.lost(&error))?;
        let status = reply.status.as_u16();
        let pieces = reply
            .body
            .try_fold(Vec::new(), |mut all, piece| async move {
                all.extend_from_slice(&piece);
                Ok(all)
            });
        let body = pieces.await.map_err(|error| self.lost(&error))?;
        let body = decode(&reply.headers, &Bytes::from(body), BODY_LIMIT)
            .map_err(|error| self.lost(&error))?;
        let text = self.without_key(&String::from_utf8_lossy(&body));
        let body = Body::Whole(Bytes::from(text.clone()));
        // What is no answer of the dialect tells neither its tokens nor its error.
        let response = parse_response(self.settings.dialect.wire(), status, &body);
        let response = response.unwrap_or_default();
        if !reply.status.is_success() {
            let why = Unmeasured::Status {
                status,
                message: dialect::error_message(&response),
            };
            return Err(match status {
                408 | 409 | 425 | 429 | 500..=599 => Failed::Passing {
                    why,
                    wait: retry_after(&reply.headers),
                },
                _ => Failed::Final(why),
            });
        }
        let value: Value = serde_json::from_str(&text).map_err(|error| self.lost(&error))?;
        let cost = self.count(response.usage);
        let said = dialect::read(self.settings.dialect, &response, &value);
        Ok((said.map_err(Failed::Final)?, cost))
    }

    /// Books what an answer cost, and returns it.
    fn count(&self, usage: Option<Usage>) -> Option<MicroUsd> {
        let cost = usage.and_then(|usage| self.prices.price(&self.settings.model, &usage));
        let mut ledger = lock(&self.ledger);
        ledger.usage = ledger.usage + usage.unwrap_or_default();
        match cost {
            Some(cost) => ledger.cost = ledger.cost + cost,
            None => ledger.unpriced += 1,
        }
        cost
    }

    /// Sets aside what a call may cost, if there is as much.
    fn reserve(&self, prompt: &Prompt) -> Result<MicroUsd, Unmeasured> {
        let Some(most) = self.settings.max_cost else {
            return Ok(MicroUsd::default());
        };
        let letters = prompt.system.len() + prompt.user.len() + prompt.schema.to_string().len();
        let usage = Usage {
            input: (letters as u64) / 3,
            output: MAX_TOKENS,
            ..Usage::default()
        };
        let cost = self.prices.price(&self.settings.model, &usage);
        let cost = cost.ok_or(Unmeasured::Budget)?;
        let mut ledger = lock(&self.ledger);
        if ledger.cost + ledger.reserved + cost > most {
            return Err(Unmeasured::Budget);
        }
        ledger.reserved = ledger.reserved + cost;
        Ok(cost)
    }

    /// Gives back what was set aside.
    fn release(&self, reserved: MicroUsd) {
        let mut ledger = lock(&self.ledger);
        ledger.reserved = MicroUsd(ledger.reserved.0.saturating_sub(reserved.0));
    }

    /// Returns when this call may go out; `None` where that is too late.
    fn slot(&self, deadline: Instant) -> Option<Instant> {
        let now = Instant::now();
        let Some(most) = self.settings.requests_per_minute.filter(|most| *most > 0) else {
            return (now < deadline).then_some(now);
        };
        let mut next = lock(&self.next);
        let slot = next.unwrap_or(now).max(now);
        if slot >= deadline {
            return None;
        }
        *next = Some(slot + Duration::from_mins(1) / most);
        Some(slot)
    }

    fn lost(&self, error: &dyn std::error::Error) -> Failed {
        Failed::Passing {
            why: Unmeasured::NoReply(self.without_key(&error.to_string())),
            wait: None,
        }
    }

    fn without_key(&self, text: &str) -> String {
        match &self.key {
            Some(key) if !key.expose_secret().is_empty() => {
                text.replace(key.expose_secret(), "[redacted:judge-key]")
            }
            Some(_) | None => text.to_owned(),
        }
    }
}

/// Where no judge is.
struct Nobody;

impl Backend for Nobody {
    fn send(&self, _request: &Incoming) -> BoxFuture<'static, Result<Reply, BackendError>> {
        Box::pin(async { Err(BackendError::Unknown("judge".to_owned())) })
    }
}

/// Why one request brought nothing.
enum Failed {
    /// Another one would bring nothing either.
    Final(Unmeasured),
    /// Another one may succeed, after this time where the provider says so.
    Passing {
        why: Unmeasured,
        wait: Option<Duration>,
    },
}

/// Returns how long the provider asks to wait; dates are overlooked.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let seconds = number("retry-after-ms")
        .map(|millis| millis / 1000.0)
        .or_else(|| number("retry-after"))?;
    Duration::try_from_secs_f64(seconds.clamp(0.0, 86_400.0)).ok()
}

/// Returns how long to wait after so many failures: twice as long each time, give or take a half.
fn pause(attempt: u32) -> Duration {
    let usual = FIRST_PAUSE * 2_u32.saturating_pow(attempt.saturating_sub(1)).min(64);
    let share = RandomState::new().hash_one(attempt) % 1024;
    let share = u32::try_from(share).unwrap_or_default();
    usual / 2 + usual * share / 1024
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How often a request is sent.
const ATTEMPTS: u32 = 4;

/// How long to wait before the second time.
const FIRST_PAUSE: Duration = Duration::from_millis(400);

/// The most bytes of an answer.
const BODY_LIMIT: usize = 8 << 20;

/// Returns whether a call may have been paid for though its price is not known: it was broken off, or nothing told its tokens.
fn is_billed_unseen<T, E>(result: &Result<Result<(T, Option<MicroUsd>), Failed>, E>) -> bool {
    match result {
        Err(_elapsed) => true,
        Ok(Ok((_said, cost))) => cost.is_none(),
        Ok(Err(Failed::Final(why) | Failed::Passing { why, .. })) => {
            !matches!(why, Unmeasured::Status { .. })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_go_out_evenly_over_the_minute_and_none_too_late() {
        let settings = JudgeSettings {
            requests_per_minute: Some(60),
            ..JudgeSettings::new("m")
        };
        let judge = Judge::new(Arc::new(Nobody), settings, PriceTable::built_in(), None);
        let deadline = Instant::now() + Duration::from_mins(1);
        let slots: Vec<Instant> = (0..5).filter_map(|_nth| judge.slot(deadline)).collect();
        assert_eq!(slots.len(), 5);
        for pair in slots.windows(2) {
            assert_eq!(pair[1] - pair[0], Duration::from_secs(1));
        }
        // The sixth may go out five seconds after the first, and not before.
        let soon = slots[0] + Duration::from_secs(5);
        assert_eq!(judge.slot(soon), None);
        assert_eq!(judge.slot(deadline), Some(soon));
    }
}

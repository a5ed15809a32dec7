//! Faults that a test injects: looked up once per request, before the request is decoded.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::ApiKey;

use crate::broker::lock;

/// Rules waiting at once; the oldest gives way.
const RULES_MAX: usize = 1_000;

/// What happens to a request instead of, or besides, its normal handling.
#[derive(Clone)]
#[non_exhaustive]
pub enum Fault {
    /// Answer with this Kafka error code in every place the request names, doing nothing.
    ErrorCode(i16),
    /// Close the connection without handling the request.
    Drop,
    /// Handle the request, then close the connection without answering: the lost acknowledgement.
    DropAfterHandling,
    /// Wait, then handle the request.
    Delay(Duration),
    /// Write exactly these bytes on the socket, with no frame around them.
    Raw(Bytes),
    /// Ask a function for the answer's body (what follows the response header). `None` handles the
    /// request as usual. The function must not block.
    Custom(Arc<CustomAnswer>),
}

/// A test's own answer to a request.
pub type CustomAnswer = dyn Fn(&RequestView<'_>) -> Option<Bytes> + Send + Sync;

impl Fault {
    /// A [`Fault::Custom`] from a closure.
    pub fn custom(
        answer: impl Fn(&RequestView<'_>) -> Option<Bytes> + Send + Sync + 'static,
    ) -> Self {
        Self::Custom(Arc::new(answer))
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ErrorCode(code) => f.debug_tuple("ErrorCode").field(code).finish(),
            Self::Drop => f.write_str("Drop"),
            Self::DropAfterHandling => f.write_str("DropAfterHandling"),
            Self::Delay(time) => f.debug_tuple("Delay").field(time).finish(),
            Self::Raw(bytes) => f.debug_tuple("Raw").field(&bytes.len()).finish(),
            Self::Custom(_) => f.write_str("Custom"),
        }
    }
}

/// A request as a [`Fault::Custom`] sees it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct RequestView<'a> {
    /// Which request it is.
    pub api_key: ApiKey,
    /// Its version, which the answer must be encoded for.
    pub api_version: i16,
    /// The client's number for it.
    pub correlation_id: i32,
    /// The client's name for itself.
    pub client_id: Option<&'a str>,
    /// The encoded request after its header.
    pub body: &'a Bytes,
}

/// How often a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// The next request only.
    Once,
    /// The next so many requests.
    N(u32),
    /// Every request until the faults are cleared.
    Always,
}

/// The faults of one broker. Rules for the same request strike in the order they were injected,
/// each until it is used up.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Mutex<Vec<Rule>>,
}

#[derive(Debug)]
struct Rule {
    api_key: ApiKey,
    fault: Fault,
    times: Times,
}

impl Faults {
    /// Adds a fault for requests of one kind.
    pub fn inject(&self, api_key: ApiKey, fault: Fault, times: Times) {
        let mut rules = lock(&self.rules);
        if rules.len() >= RULES_MAX {
            rules.remove(0);
        }
        rules.push(Rule {
            api_key,
            fault,
            times,
        });
    }

    /// Removes every fault.
    pub fn clear(&self) {
        lock(&self.rules).clear();
    }

    /// How many rules have not been used up; zero means every finite fault has struck.
    #[must_use]
    pub fn pending(&self) -> usize {
        lock(&self.rules).len()
    }

    /// The fault that strikes this request, counted as used.
    pub(crate) fn strike(&self, api_key: ApiKey) -> Option<Fault> {
        let mut rules = lock(&self.rules);
        rules.retain(|rule| rule.times != Times::N(0));
        let index = rules.iter().position(|rule| rule.api_key == api_key)?;
        let rule = rules.get_mut(index)?;
        let fault = rule.fault.clone();
        match rule.times {
            Times::Always => {}
            Times::N(left) if left > 1 => rule.times = Times::N(left - 1),
            Times::Once | Times::N(_) => drop(rules.remove(index)),
        }
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_strike_in_order_and_are_used_up() {
        let faults = Faults::default();
        faults.inject(ApiKey::Fetch, Fault::ErrorCode(1), Times::N(2));
        faults.inject(ApiKey::Fetch, Fault::Drop, Times::Once);
        faults.inject(ApiKey::Fetch, Fault::ErrorCode(9), Times::N(0));
        assert!(faults.strike(ApiKey::Produce).is_none());
        let struck: Vec<String> = std::iter::from_fn(|| faults.strike(ApiKey::Fetch))
            .map(|fault| format!("{fault:?}"))
            .collect();
        assert_eq!(struck, ["ErrorCode(1)", "ErrorCode(1)", "Drop"]);
        assert_eq!(faults.pending(), 0);
    }

    #[test]
    fn an_endless_fault_stays_until_cleared() {
        let faults = Faults::default();
        faults.inject(ApiKey::Fetch, Fault::Drop, Times::Always);
        assert!((0..5).all(|_| faults.strike(ApiKey::Fetch).is_some()));
        faults.clear();
        assert!(faults.strike(ApiKey::Fetch).is_none());
    }
}

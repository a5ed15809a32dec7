//! InitProducerId: a producer takes a transactional id over, and whoever had it before is fenced.

use std::time::Duration;

use kafka_protocol::ResponseError;

use super::{LAST_EPOCH, NONE, Phase, ProducerKey, Transaction};

/// What comes of a wish for a transactional id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Init {
    Granted(ProducerKey),
    /// A transaction is in progress: it is to be aborted first, and the client asks again.
    AbortFirst,
}

impl Transaction {
    /// A producer wants this id. `expected` is who it has been up to now, if it says so (KIP-360);
    /// `fresh_id` gives a producer id never used before.
    ///
    /// # Errors
    /// `ProducerFenced` if it is not who it was any more, `ConcurrentTransactions` while a
    /// transaction is ending.
    pub(crate) fn on_init(
        &mut self,
        expected: Option<ProducerKey>,
        timeout: Duration,
        fresh_id: impl FnOnce() -> i64,
    ) -> Result<Init, ResponseError> {
        let exhausted = self.is_exhausted();
        let standing = &mut self.standing;
        let current = standing.producer;
        if expected.is_some_and(|expected| !may_be(current, standing.previous_id, expected)) {
            return Err(ResponseError::ProducerFenced);
        }
        match standing.phase {
            Phase::Prepare(_) => return Err(ResponseError::ConcurrentTransactions),
            Phase::Ongoing => return Ok(Init::AbortFirst),
            Phase::Empty | Phase::Complete(_) => {}
        }
        if exhausted && expected.is_none_or(|expected| expected.epoch == current.epoch) {
            standing.previous_id = current.id;
            standing.last_epoch = expected.map_or(NONE, |expected| expected.epoch);
            standing.producer = ProducerKey {
                id: fresh_id(),
                epoch: 0,
            };
        } else {
            let repeated = current.epoch != NONE
                && expected.is_some_and(|expected| expected.epoch != current.epoch);
            if repeated {
                // The answer to the last such request was lost; anything else is a zombie's.
                if expected.is_some_and(|expected| expected.epoch != standing.last_epoch) {
                    return Err(ResponseError::ProducerFenced);
                }
            } else {
                standing.last_epoch = expected.map_or(NONE, |_| current.epoch);
                standing.producer.epoch = current.epoch.saturating_add(1);
            }
        }
        standing.timeout = timeout;
        standing.phase = Phase::Empty;
        Ok(Init::Granted(standing.producer))
    }
}

/// Whether a producer that says it is `expected` can be the one that owns the id: by its producer
/// id, or because it has not heard yet of the id that followed when its epochs were used up.
fn may_be(current: ProducerKey, previous_id: i64, expected: ProducerKey) -> bool {
    current.epoch == NONE
        || expected.id == current.id
        || (expected.id == previous_id && expected.epoch >= LAST_EPOCH)
}

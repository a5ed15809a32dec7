//! How a transaction ends: by its producer, by a successor that fences it, or by its timeout.

use std::mem;

use kafka_protocol::ResponseError;

use super::{Contents, LAST_EPOCH, NONE, Phase, ProducerKey, Protocol, Transaction};
use crate::log::marker::Outcome;

/// What comes of the wish to end a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The decision stands; the markers are to be written now.
    Prepared,
    /// It has ended before: the client missed the answer.
    Repeated,
}

impl Transaction {
    /// The producer ends its transaction. `fresh_id` gives a producer id never used before.
    ///
    /// # Errors
    /// `InvalidProducerIdMapping` and `ProducerFenced` for anyone but the owner,
    /// `ConcurrentTransactions` while it is ending so, `InvalidTxnState` where it cannot end so.
    pub(crate) fn on_end(
        &mut self,
        producer: ProducerKey,
        outcome: Outcome,
        protocol: Protocol,
        fresh_id: impl FnOnce() -> i64,
    ) -> Result<End, ResponseError> {
        match protocol {
            Protocol::One => self.end_one(producer, outcome),
            Protocol::Two => self.end_two(producer, outcome, fresh_id),
        }
    }

    fn end_one(&mut self, producer: ProducerKey, outcome: Outcome) -> Result<End, ResponseError> {
        self.check_owner(producer)?;
        match self.standing.phase {
            Phase::Ongoing => {
                self.standing.phase = Phase::Prepare(outcome);
                self.standing.protocol = Protocol::One;
                self.started = None;
                Ok(End::Prepared)
            }
            Phase::Complete(past) if past == outcome => Ok(End::Repeated),
            Phase::Prepare(past) if past == outcome => Err(ResponseError::ConcurrentTransactions),
            _ => Err(ResponseError::InvalidTxnState),
        }
    }

    fn end_two(
        &mut self,
        producer: ProducerKey,
        outcome: Outcome,
        fresh_id: impl FnOnce() -> i64,
    ) -> Result<End, ResponseError> {
        let owner = self.standing.producer;
        let ended_so = self.standing.protocol == Protocol::Two;
        let after_rotation = ended_so
            && self.standing.previous_id == producer.id
            && producer.epoch == LAST_EPOCH
            && owner.epoch == 0;
        let after_bump = ended_so
            && owner.id == producer.id
            && producer.epoch.checked_add(1) == Some(owner.epoch);
        if producer.id != owner.id && !after_rotation {
            return Err(ResponseError::InvalidProducerIdMapping);
        }
        let repeated = after_bump || after_rotation;
        let valid = match self.standing.phase {
            Phase::Prepare(_) if ended_so => repeated,
            Phase::Complete(_) if ended_so => repeated || producer.epoch == owner.epoch,
            _ => producer.epoch == owner.epoch,
        };
        if !valid {
            return Err(ResponseError::ProducerFenced);
        }
        match (self.standing.phase, outcome) {
            (Phase::Ongoing, _) => self.prepare_two(outcome, fresh_id),
            (Phase::Prepare(past), _) if past == outcome => {
                return Err(ResponseError::ConcurrentTransactions);
            }
            (Phase::Complete(past), _) if repeated && past == outcome => return Ok(End::Repeated),
            // Nothing was written, but the producer may have sent something: its epoch has to rise.
            (Phase::Empty | Phase::Complete(_), Outcome::Abort) if !repeated => {
                self.prepare_two(outcome, fresh_id);
            }
            _ => return Err(ResponseError::InvalidTxnState),
        }
        Ok(End::Prepared)
    }

    fn prepare_two(&mut self, outcome: Outcome, fresh_id: impl FnOnce() -> i64) {
        if self.is_exhausted() {
            self.standing.next_id = fresh_id();
        }
        self.raise_epoch();
        self.standing.phase = Phase::Prepare(outcome);
        self.standing.protocol = Protocol::Two;
        self.started = None;
    }

    /// Aborts the ongoing transaction and fences its producer: the timeout, or a successor. False if
    /// there is none.
    pub(crate) fn on_fence(&mut self, protocol: Protocol) -> bool {
        if !self.is_ongoing() {
            return false;
        }
        self.raise_epoch();
        if protocol == Protocol::One {
            self.standing.last_epoch = NONE;
        }
        self.standing.phase = Phase::Prepare(Outcome::Abort);
        self.standing.protocol = protocol;
        self.started = None;
        true
    }

    /// Closes a transaction whose markers have been written; gives what it held.
    pub(crate) fn complete(&mut self) -> Contents {
        let standing = &mut self.standing;
        if let Phase::Prepare(outcome) = standing.phase {
            standing.phase = Phase::Complete(outcome);
            let next_id = mem::replace(&mut standing.next_id, NONE.into());
            if next_id >= 0 {
                standing.previous_id = standing.producer.id;
                standing.producer = ProducerKey {
                    id: next_id,
                    epoch: 0,
                };
            }
        }
        mem::take(&mut self.contents)
    }

    fn raise_epoch(&mut self) {
        let producer = &mut self.standing.producer;
        self.standing.last_epoch = producer.epoch;
        producer.epoch = producer.epoch.saturating_add(1);
    }
}

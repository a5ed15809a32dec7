//! What a transactional producer asks its coordinator, when, and what the answers mean.
//!
//! A machine: no socket, no clock. It asks one thing at a time. Where the cluster's
//! `transaction.version` is 2 or more (KIP-890), partitions join by themselves and each end is a new
//! epoch; else partitions are added before their first batch leaves, and a new epoch is asked for
//! wherever an old request could still arrive late.
//!
//! # Source
//! `org.apache.kafka.clients.producer.internals.TransactionManager`. Beyond it, an EndTxn or
//! AddPartitionsToTxn whose answer was lost is followed by a new epoch, so that a late copy cannot
//! touch the next transaction (KAFKA-17754).

mod answer;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::produce::error::ProduceError;
use crate::produce::stamp::ProducerIdentity;
use crate::topic_partition::TopicPartition;
use crate::wire::error_code::ErrorCode;

/// One producer's transactions, one after the other.
#[derive(Debug)]
pub(in crate::produce) struct Machine {
    transactional_id: Arc<str>,
    retry_backoff: Duration,
    state: State,
    identity: Option<ProducerIdentity>,
    /// The protocol of this transaction.
    protocol: Protocol,
    /// The newest protocol that the coordinator has offered.
    offered: Protocol,
    /// Partitions that batches may be sent to.
    admitted: BTreeSet<TopicPartition>,
    /// Partitions that the coordinator has to be told about first.
    to_add: BTreeSet<TopicPartition>,
    /// Whether the coordinator has to be told of the end: it has confirmed a partition, or a leader
    /// may have added one. Where the answer to an AddPartitionsToTxn was lost, the new epoch ends
    /// what may have begun.
    has_begun: bool,
    needs_new_epoch: bool,
    is_asking: bool,
    not_before: Option<Instant>,
    /// Failures since the last request that succeeded.
    failures: u32,
    /// The end of the call that is under way: start, commit or abort.
    outcome: Option<Result<(), ProduceError>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// Waits for a producer id or a new epoch.
    Initializing,
    Ready,
    Open,
    Committing,
    Aborting,
    /// Only an abort helps.
    Abortable(ProduceError),
    /// Nothing helps.
    Fatal(ProduceError),
}

/// How partitions and coordinator come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::produce) enum Protocol {
    /// Partitions are added to the transaction by the producer.
    V1,
    /// Leaders add them, and each end of a transaction gives out a new epoch.
    V2,
}

impl Protocol {
    pub(in crate::produce) fn of(transaction_version: i16) -> Self {
        if transaction_version >= 2 {
            Self::V2
        } else {
            Self::V1
        }
    }
}

/// Something to ask the coordinator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::produce) enum Request {
    /// InitProducerId; with its own identity a producer asks for the next epoch (KIP-360).
    Init(Option<ProducerIdentity>),
    /// AddPartitionsToTxn
    Add(ProducerIdentity, BTreeSet<TopicPartition>),
    /// EndTxn
    End {
        identity: ProducerIdentity,
        commits: bool,
        protocol: Protocol,
    },
}

/// What the coordinator said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::produce) enum Reply {
    Init(Result<ProducerIdentity, ErrorCode>),
    Added(BTreeMap<TopicPartition, ErrorCode>),
    /// With the identity for the next transaction, where the broker gives one out.
    Ended(Result<Option<ProducerIdentity>, ErrorCode>),
}

/// What the driver has to do after an answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::produce) struct Consequence {
    /// Look the coordinator up again.
    pub(in crate::produce) forget_coordinator: bool,
    /// Start all sequence numbers over with this identity.
    pub(in crate::produce) start_over: Option<ProducerIdentity>,
    /// Tell the operator of a failure after which the request goes again.
    pub(in crate::produce) retry: Option<ProduceError>,
}

/// Batches that are not to be sent any more.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::produce) struct Unwanted {
    /// What their senders are told.
    pub(in crate::produce) error: ProduceError,
    /// Whether that goes for those too that have left before and wait to go again.
    pub(in crate::produce) with_sent_ones: bool,
}

impl Machine {
    /// Begins by asking for a producer id, which fences all older producers of the same
    /// transactional id.
    pub(in crate::produce) fn new(transactional_id: Arc<str>, retry_backoff: Duration) -> Self {
        Self {
            transactional_id,
            retry_backoff,
            state: State::Initializing,
            identity: None,
            protocol: Protocol::V1,
            offered: Protocol::V1,
            admitted: BTreeSet::new(),
            to_add: BTreeSet::new(),
            has_begun: false,
            needs_new_epoch: false,
            is_asking: false,
            not_before: None,
            failures: 0,
            outcome: None,
        }
    }

    /// Notes what protocol the coordinator offers. It counts from the next transaction on.
    pub(in crate::produce) fn on_offer(&mut self, offered: Protocol) {
        self.offered = offered;
    }

    /// Whether a transaction can begin, or no other ever will.
    pub(in crate::produce) fn is_at_rest(&self) -> bool {
        matches!(self.state, State::Ready | State::Fatal(_))
    }

    /// Whether there is a transaction that nobody has begun to end.
    pub(in crate::produce) fn is_open(&self) -> bool {
        matches!(self.state, State::Open | State::Abortable(_))
    }

    /// The protocol of this transaction's requests.
    pub(in crate::produce) fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Begins a transaction. The coordinator hears of it with the first partition.
    ///
    /// # Errors
    /// The producer has failed.
    pub(in crate::produce) fn begin(&mut self) -> Result<(), ProduceError> {
        self.refuse_after_failure()?;
        self.state = State::Open;
        Ok(())
    }

    /// Makes a partition part of the transaction.
    ///
    /// # Errors
    /// The transaction has failed, or is not open (any more).
    pub(in crate::produce) fn on_batch(
        &mut self,
        partition: &TopicPartition,
    ) -> Result<(), ProduceError> {
        self.refuse_after_failure()?;
        if self.state != State::Open {
            return Err(ProduceError::Aborted);
        }
        if self.admitted.contains(partition) {
            return Ok(());
        }
        match self.protocol {
            Protocol::V1 => {
                self.to_add.insert(partition.clone());
            }
            Protocol::V2 => {
                self.admitted.insert(partition.clone());
                self.has_begun = true;
            }
        }
        Ok(())
    }

    /// Begins to commit or abort. `take_outcome` tells the end.
    ///
    /// # Errors
    /// A failed transaction cannot be committed, a failed producer can do nothing.
    /// [`ProduceError::Aborted`] where there is nothing to end (any more): the call was given up and
    /// the transaction aborted before it came to its turn.
    pub(in crate::produce) fn end(&mut self, commits: bool) -> Result<(), ProduceError> {
        match (&self.state, commits) {
            (State::Open, true) => self.state = State::Committing,
            (State::Open | State::Abortable(_) | State::Aborting, false) => {
                self.state = State::Aborting;
                self.to_add.clear();
            }
            _ => {
                self.refuse_after_failure()?;
                return Err(ProduceError::Aborted);
            }
        }
        Ok(())
    }

    /// A batch of this transaction was given up.
    pub(in crate::produce) fn on_batch_failed(&mut self, error: &ProduceError) {
        if error.is_fatal() {
            let error = match error.code() {
                Some(ErrorCode::PRODUCER_FENCED) => self.fenced(),
                _ => error.clone(),
            };
            self.fail(error);
        } else if self.identity.is_some() {
            self.fail_transaction(error.clone());
        }
    }

    /// The end of the call under way, once.
    pub(in crate::produce) fn take_outcome(&mut self) -> Option<Result<(), ProduceError>> {
        self.outcome.take()
    }

    /// Where batches may be sent to.
    pub(in crate::produce) fn admitted(&self) -> &BTreeSet<TopicPartition> {
        &self.admitted
    }

    /// What has to be given up, if anything has.
    pub(in crate::produce) fn unwanted(&self) -> Option<Unwanted> {
        let (error, with_sent_ones) = match &self.state {
            State::Aborting => (ProduceError::Aborted, false),
            State::Abortable(cause) => (cause.clone(), false),
            State::Fatal(cause) => (cause.clone(), true),
            State::Initializing | State::Ready | State::Open | State::Committing => return None,
        };
        Some(Unwanted {
            error,
            with_sent_ones,
        })
    }

    /// What to ask next, unless an answer is due. The end is asked for when no batch is under way.
    pub(in crate::produce) fn next_request(
        &mut self,
        has_batches: bool,
        now: Instant,
    ) -> Option<Request> {
        if self.is_asking || self.not_before.is_some_and(|at| at > now) {
            return None;
        }
        let is_adding = matches!(self.state, State::Open | State::Committing);
        let request = match (&self.state, self.identity) {
            (State::Initializing, own) => Request::Init(own),
            (_, Some(identity)) if is_adding && !self.to_add.is_empty() => {
                Request::Add(identity, self.to_add.clone())
            }
            (State::Committing | State::Aborting, Some(identity)) if !has_batches => {
                if !self.has_begun {
                    self.complete();
                    return self.next_request(has_batches, now);
                }
                Request::End {
                    identity,
                    commits: self.state == State::Committing,
                    protocol: self.protocol,
                }
            }
            _ => return None,
        };
        self.is_asking = true;
        Some(request)
    }

    /// The end of a pause between attempts.
    pub(in crate::produce) fn wake_at(&self, now: Instant) -> Option<Instant> {
        self.not_before.filter(|at| *at > now && !self.is_asking)
    }

    /// The transaction is over, and its call with it. A new epoch, where one is needed, is only
    /// waited for by the next transaction: it must not make a commit that happened look undone.
    fn complete(&mut self) {
        self.outcome = Some(Ok(()));
        // A newer protocol begins with an epoch of its own, so that the two cannot be mixed up.
        self.needs_new_epoch |= self.protocol == Protocol::V1 && self.offered == Protocol::V2;
        self.admitted.clear();
        self.to_add.clear();
        self.has_begun = false;
        if std::mem::take(&mut self.needs_new_epoch) {
            self.state = State::Initializing;
        } else {
            self.rest();
        }
    }

    fn rest(&mut self) {
        self.protocol = self.offered;
        self.state = State::Ready;
    }

    fn fail(&mut self, error: ProduceError) {
        if matches!(self.state, State::Fatal(_)) {
            return;
        }
        tracing::info!(transactional_id = %self.transactional_id, %error, "transactional producer failed");
        if self.has_call() {
            self.outcome = Some(Err(error.clone()));
        }
        self.state = State::Fatal(error);
    }

    fn fail_transaction(&mut self, error: ProduceError) {
        // The fate of a batch that was given up is open, so its sequence number is of no more use.
        self.needs_new_epoch |= self.protocol == Protocol::V1;
        match self.state {
            State::Open => self.state = State::Abortable(error),
            State::Committing => {
                let cause = Box::new(error.clone());
                self.outcome = Some(Err(ProduceError::Abortable { cause }));
                self.state = State::Abortable(error);
            }
            _ => {}
        }
    }

    fn has_call(&self) -> bool {
        match self.state {
            // Later ones go on behind the end of a transaction.
            State::Initializing => self.identity.is_none(),
            State::Committing | State::Aborting => true,
            _ => false,
        }
    }

    fn refuse_after_failure(&self) -> Result<(), ProduceError> {
        match &self.state {
            State::Fatal(cause @ ProduceError::Fenced { .. }) => Err(cause.clone()),
            State::Fatal(cause) => Err(ProduceError::Fatal {
                cause: Box::new(cause.clone()),
            }),
            State::Abortable(cause) => Err(ProduceError::Abortable {
                cause: Box::new(cause.clone()),
            }),
            _ => Ok(()),
        }
    }

    fn fenced(&self) -> ProduceError {
        ProduceError::Fenced {
            transactional_id: Arc::clone(&self.transactional_id),
            identity: self.identity,
        }
    }
}

#[cfg(test)]
mod tests;

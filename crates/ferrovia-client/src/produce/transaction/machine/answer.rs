//! The coordinator's answers, request by request.
//!
//! # Source
//! `TransactionManager.InitProducerIdHandler`, `AddPartitionsToTxnHandler` and `EndTxnHandler`

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use super::{Consequence, Machine, Protocol, Reply, Request, State};
use crate::error::ClientError;
use crate::produce::error::ProduceError;
use crate::produce::stamp::ProducerIdentity;
use crate::topic_partition::TopicPartition;
use crate::wire::error_code::ErrorCode;

/// What an error code means for the producer.
enum Meaning {
    Again,
    Fenced,
    Abortable,
    Fatal,
}

impl Machine {
    /// Takes the answer to the request under way.
    pub(in crate::produce) fn on_answer(
        &mut self,
        request: &Request,
        outcome: Result<Reply, ClientError>,
        now: Instant,
    ) -> Consequence {
        self.is_asking = false;
        self.not_before = None;
        if matches!(self.state, State::Fatal(_)) {
            return Consequence::default();
        }
        let consequence = self.consider(request, outcome, now);
        if self.not_before.is_none() {
            self.failures = 0;
        }
        consequence
    }

    fn consider(
        &mut self,
        request: &Request,
        outcome: Result<Reply, ClientError>,
        now: Instant,
    ) -> Consequence {
        match (outcome, request) {
            (Ok(Reply::Init(outcome)), _) => self.on_init(outcome, now),
            (Ok(Reply::Added(codes)), Request::Add(_, asked)) => self.on_added(asked, codes, now),
            (Ok(Reply::Ended(outcome)), Request::End { commits, .. }) => {
                self.on_ended(outcome, *commits, now)
            }
            (Ok(_), _) => Consequence::default(),
            (Err(error), request) => self.on_failure(&error, request, now),
        }
    }

    /// No answer. The request may have been carried out, or may still be.
    fn on_failure(&mut self, error: &ClientError, request: &Request, now: Instant) -> Consequence {
        if !error.is_retriable() {
            // Java knows refusals of FindCoordinator as errors of the id itself, and no others.
            self.fail(ProduceError::Client(error.clone()));
            return Consequence::default();
        }
        let is_open = !matches!(request, Request::Init(_));
        self.needs_new_epoch |= is_open && self.protocol == Protocol::V1;
        Consequence {
            forget_coordinator: true,
            ..self.again(ProduceError::Client(error.clone()), self.retry_backoff, now)
        }
    }

    fn on_init(
        &mut self,
        outcome: Result<ProducerIdentity, ErrorCode>,
        now: Instant,
    ) -> Consequence {
        let code = match outcome {
            Ok(identity) => {
                if self.has_call() {
                    self.outcome = Some(Ok(()));
                }
                self.identity = Some(identity);
                self.rest();
                return Consequence {
                    start_over: Some(identity),
                    ..Consequence::default()
                };
            }
            Err(code) => code,
        };
        match meaning(code) {
            Meaning::Again => return self.ask_again("InitProducerId", code, now),
            Meaning::Fenced => self.fail(self.fenced()),
            // There is no transaction that an abort could save.
            Meaning::Abortable | Meaning::Fatal => self.fail(refused("InitProducerId", code)),
        }
        Consequence::default()
    }

    fn on_added(
        &mut self,
        asked: &BTreeSet<TopicPartition>,
        mut codes: BTreeMap<TopicPartition, ErrorCode>,
        now: Instant,
    ) -> Consequence {
        for partition in asked {
            // A partition without an answer was not added.
            let missing = ErrorCode::OPERATION_NOT_ATTEMPTED;
            codes.entry(partition.clone()).or_insert(missing);
        }
        let is_first = self.admitted.is_empty();
        let mut worst = None;
        for (partition, code) in codes {
            if code.is_none() || !asked.contains(&partition) {
                continue;
            }
            if code == ErrorCode::CONCURRENT_TRANSACTIONS && is_first {
                // The transaction before is about to be completed, which takes no time to speak of.
                let pause = self.retry_backoff.min(FIRST_ADD_BACKOFF);
                return self.again(refused("AddPartitionsToTxn", code), pause, now);
            }
            let error = refused("AddPartitionsToTxn", code);
            match meaning(code) {
                Meaning::Again => return self.ask_again("AddPartitionsToTxn", code, now),
                Meaning::Fenced => {
                    self.fail(self.fenced());
                    return Consequence::default();
                }
                Meaning::Fatal if is_fatal_to_transactions(code) => {
                    self.fail(error);
                    return Consequence::default();
                }
                _ if code == ErrorCode::OPERATION_NOT_ATTEMPTED => {
                    worst.get_or_insert(error);
                }
                // The partition that is at fault says more than those that were left out for it.
                _ => worst = Some(error),
            }
        }
        if let Some(error) = worst {
            self.fail_transaction(error);
            return Consequence::default();
        }
        self.has_begun = true;
        self.to_add.retain(|partition| !asked.contains(partition));
        self.admitted.extend(asked.iter().cloned());
        Consequence::default()
    }

    fn on_ended(
        &mut self,
        outcome: Result<Option<ProducerIdentity>, ErrorCode>,
        commits: bool,
        now: Instant,
    ) -> Consequence {
        let code = match outcome {
            Ok(next) => {
                self.identity = next.or(self.identity);
                self.complete();
                return Consequence {
                    start_over: next,
                    ..Consequence::default()
                };
            }
            Err(code) => code,
        };
        let error = refused("EndTxn", code);
        match meaning(code) {
            Meaning::Again => return self.ask_again("EndTxn", code, now),
            Meaning::Fenced => self.fail(self.fenced()),
            // Aborting once more would only go round in circles.
            Meaning::Abortable if commits => self.fail_transaction(error),
            Meaning::Abortable | Meaning::Fatal => self.fail(error),
        }
        Consequence::default()
    }

    fn ask_again(&mut self, api: &'static str, code: ErrorCode, now: Instant) -> Consequence {
        Consequence {
            forget_coordinator: code.needs_coordinator_refresh(),
            ..self.again(refused(api, code), self.retry_backoff, now)
        }
    }

    /// The operator hears of it less and less often, and not at all of a transaction before that
    /// takes its usual time to be completed.
    fn again(&mut self, error: ProduceError, pause: Duration, now: Instant) -> Consequence {
        self.not_before = Some(now + pause);
        self.failures = self.failures.saturating_add(1);
        let is_usual = error.code() == Some(ErrorCode::CONCURRENT_TRANSACTIONS)
            && self.failures < CONCURRENT_USUALLY;
        let is_told = self.failures.is_power_of_two() && !is_usual;
        Consequence {
            retry: is_told.then_some(error),
            ..Consequence::default()
        }
    }
}

fn refused(api: &'static str, code: ErrorCode) -> ProduceError {
    ProduceError::Coordinator { api, code }
}

fn meaning(code: ErrorCode) -> Meaning {
    match code {
        // Older coordinators say the first where they mean the second.
        ErrorCode::INVALID_PRODUCER_EPOCH | ErrorCode::PRODUCER_FENCED => Meaning::Fenced,
        ErrorCode::TRANSACTION_ABORTABLE | ErrorCode::UNKNOWN_PRODUCER_ID => Meaning::Abortable,
        code if code.is_retriable() => Meaning::Again,
        _ => Meaning::Fatal,
    }
}

/// Codes after which AddPartitionsToTxn is not asked again in any transaction of this producer.
fn is_fatal_to_transactions(code: ErrorCode) -> bool {
    [
        ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        ErrorCode::INVALID_TXN_STATE,
        ErrorCode::INVALID_PRODUCER_ID_MAPPING,
    ]
    .contains(&code)
}

/// How often a coordinator usually says that the transaction before is not yet completed.
const CONCURRENT_USUALLY: u32 = 16;
/// `ADD_PARTITIONS_RETRY_BACKOFF_MS`
const FIRST_ADD_BACKOFF: Duration = Duration::from_millis(20);

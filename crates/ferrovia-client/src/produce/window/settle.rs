//! What becomes of batches: by an answer, by the lack of one, or by time.
//!
//! # Source
//! `Sender.completeBatch`, `Sender.failExpiredBatches`, `TransactionManager.canRetry` and
//! `TransactionManager.maybeResolveSequences`. Unlike there, a batch whose time is up while a request
//! holds it is given up when that request ends, at most `request.timeout.ms` later.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use super::lane::Lane;
use super::{Batch, Dispatch, Numbering, Window, WindowSettings};
use crate::error::ClientError;
use crate::produce::error::ProduceError;
use crate::produce::message::{Answer, Produced, Refusal};
use crate::topic_partition::TopicPartition;
use crate::wire::error_code::ErrorCode;

/// Batches whose outcome is known.
pub(in crate::produce) type Done<T> = Vec<(Batch<T>, Result<Produced, ProduceError>)>;

/// What an answer settled.
#[derive(Debug)]
pub(in crate::produce) struct Settled<T> {
    pub(in crate::produce) done: Done<T>,
    /// Failures to tell the operator of.
    pub(in crate::produce) retries: Vec<Retry>,
    /// Whether a leader was not where the metadata says.
    pub(in crate::produce) needs_refresh: bool,
}

/// A failure after which a partition's batches go again.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::produce) struct Retry {
    pub(in crate::produce) partition: TopicPartition,
    pub(in crate::produce) attempts_left: u32,
    pub(in crate::produce) error: ProduceError,
    /// Whether it goes in parts.
    pub(in crate::produce) is_divided: bool,
}

/// Where a batch goes from here.
enum Verdict {
    Produced(Produced),
    /// It goes again, after a pause.
    Again(ProduceError),
    /// It goes again as soon as those before it are settled.
    AgainInOrder(ProduceError),
    /// One before it will never be in the log: the partition starts over.
    AgainAfterGap(ProduceError),
    /// It goes again at once, in two parts.
    Divided(ProduceError, [Bytes; 2]),
    Refused(ProduceError),
}

impl<T> Window<T> {
    /// Settles a request. Batches that may succeed later go back to where they came from.
    pub(in crate::produce) fn on_answer(
        &mut self,
        dispatch: Dispatch<T>,
        outcome: Result<Answer, ClientError>,
        now: Instant,
        random: f64,
    ) -> Settled<T> {
        if let Some(open) = self.requests.get_mut(&dispatch.node_id) {
            *open = open.saturating_sub(1);
        }
        let mut settled = Settled {
            done: Vec::new(),
            retries: Vec::new(),
            needs_refresh: false,
        };
        for (partition, batch) in dispatch.batches {
            let outcome = outcome_of(&partition, &outcome);
            let Some(lane) = self.lanes.get_mut(&partition) else {
                continue;
            };
            lane.on_the_way.remove(&batch.number);
            settled.needs_refresh |= outcome.as_ref().is_err_and(needs_refresh);
            let verdict = judge(&self.settings, lane, &batch, outcome);
            let verdict = verdict.within_limits(&self.settings, &partition, &batch, now);
            let attempts_left = self.settings.retries.saturating_sub(batch.attempts);
            let before = Counts::of(lane);
            if let Some(done) = apply(verdict, &self.settings, lane, batch, now, random) {
                settled.done.push(done);
            }
            if let Some(is_divided) = before.news(lane)
                && let Some(error) = lane.trouble.clone()
            {
                settled.retries.push(Retry {
                    partition: partition.clone(),
                    attempts_left,
                    error,
                    is_divided,
                });
            }
            let needs_id = resolve(self.settings.numbering, lane);
            if !lane.waiting.is_empty() {
                self.busy.insert(partition);
            }
            self.drop_identity_if(needs_id);
        }
        self.unsettled -= settled.done.len();
        settled
    }

    /// Gives up on batches that have waited too long. The reason is what their partition failed with
    /// last, or else what `obstacle` says of it.
    pub(in crate::produce) fn expire(
        &mut self,
        now: Instant,
        obstacle: impl Fn(&TopicPartition) -> Option<Arc<str>>,
    ) -> Done<T> {
        let mut done = Vec::new();
        let mut needs_id = false;
        let patience = self.settings.delivery_timeout;
        for (partition, lane) in &mut self.lanes {
            let is_over = |batch: &Batch<T>| batch.created + patience <= now;
            while lane.waiting.front().is_some_and(is_over)
                && let Some(batch) = lane.waiting.pop_front()
            {
                lane.is_unresolved |= batch.stamp.is_some();
                let trouble = lane.trouble.as_ref().map(|it| it.to_string().into());
                let reason = trouble.or_else(|| obstacle(partition));
                let error = expired(partition, &batch, now, reason);
                done.push((batch, Err(error)));
            }
            needs_id |= resolve(self.settings.numbering, lane);
        }
        self.drop_identity_if(needs_id);
        self.unsettled -= done.len();
        self.tidy_busy();
        done
    }

    /// Gives up what waits for a producer id, because there is none to be had.
    pub(in crate::produce) fn fail_waiting(&mut self, error: &ProduceError) -> Done<T> {
        let mut done = Vec::new();
        for lane in self.lanes.values_mut().filter(|it| it.identity.is_none()) {
            for batch in lane.waiting.drain(..) {
                done.push((batch, Err(error.clone())));
            }
        }
        self.unsettled -= done.len();
        self.tidy_busy();
        done
    }

    /// Epochs of an id are used up: all partitions change to another one as they get to it.
    fn drop_identity_if(&mut self, is_used_up: bool) {
        if is_used_up {
            self.identity = None;
        }
    }
}

fn resolve<T>(numbering: Numbering, lane: &mut Lane<T>) -> bool {
    // A transaction with a gap has failed, and its end starts all partitions over.
    numbering == Numbering::Idempotent && lane.resolve()
}

/// What went wrong with a partition's batches so far.
struct Counts {
    failures: u32,
    divisions: u64,
}

impl Counts {
    fn of<T>(lane: &Lane<T>) -> Self {
        Self {
            failures: lane.backoff.failures(),
            divisions: lane.divisions,
        }
    }

    /// Whether there is more now that the operator is to hear of, and then whether a batch was divided.
    fn news<T>(&self, lane: &Lane<T>) -> Option<bool> {
        let now = Self::of(lane);
        let has_failed = now.failures > self.failures && now.failures.is_power_of_two();
        let is_divided = now.divisions > self.divisions && now.divisions.is_power_of_two();
        (has_failed || is_divided).then_some(is_divided)
    }
}

fn judge<T>(
    settings: &WindowSettings,
    lane: &Lane<T>,
    batch: &Batch<T>,
    outcome: Result<Produced, ProduceError>,
) -> Verdict {
    let error = match outcome {
        Ok(produced) => return Verdict::Produced(produced),
        Err(error) => error,
    };
    if batch.stamp.is_some() {
        match error.code() {
            Some(ErrorCode::DUPLICATE_SEQUENCE_NUMBER) => {
                return Verdict::Produced(Produced::SOMEWHERE);
            }
            Some(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER | ErrorCode::UNKNOWN_PRODUCER_ID) => {
                return match settings.numbering {
                    _ if !lane.is_oldest(batch.number) => Verdict::AgainInOrder(error),
                    Numbering::Transactional => Verdict::Refused(error),
                    _ => Verdict::AgainAfterGap(error),
                };
            }
            _ => {}
        }
    }
    if error.code() == Some(ErrorCode::MESSAGE_TOO_LARGE)
        && batch.records > 1
        && let Some(divider) = settings.divider
        && let Some(halves) = divider.halves(&batch.bytes, settings.compression)
    {
        return Verdict::Divided(error, halves);
    }
    if error.is_retriable() {
        Verdict::Again(error)
    } else {
        Verdict::Refused(error)
    }
}

impl Verdict {
    /// Time or attempts may be used up.
    fn within_limits<T>(
        self,
        settings: &WindowSettings,
        partition: &TopicPartition,
        batch: &Batch<T>,
        now: Instant,
    ) -> Self {
        let (Self::Again(error) | Self::AgainInOrder(error) | Self::AgainAfterGap(error)) = &self
        else {
            return self;
        };
        if now >= batch.created + settings.delivery_timeout {
            let last = Some(error.to_string().into());
            return Self::Refused(expired(partition, batch, now, last));
        }
        if batch.attempts > settings.retries {
            return Self::Refused(error.clone());
        }
        self
    }
}

fn apply<T>(
    verdict: Verdict,
    settings: &WindowSettings,
    lane: &mut Lane<T>,
    mut batch: Batch<T>,
    now: Instant,
    random: f64,
) -> Option<(Batch<T>, Result<Produced, ProduceError>)> {
    match verdict {
        Verdict::Produced(produced) => {
            lane.acknowledge(&batch);
            lane.backoff.reset();
            lane.trouble = None;
            lane.not_before = None;
            if let Some(outcome) = batch.pass(Ok(produced)) {
                return Some((batch, outcome));
            }
            lane.take_back(batch);
            None
        }
        Verdict::Refused(error) => {
            lane.is_unresolved |= batch.stamp.is_some();
            lane.backoff.reset();
            lane.not_before = None;
            // A transaction that lacks a part needs no others.
            if settings.numbering == Numbering::Transactional {
                return Some((batch, Err(error)));
            }
            if let Some(outcome) = batch.pass(Err(error)) {
                return Some((batch, outcome));
            }
            // Behind a gap it cannot keep its numbers.
            batch.stamp = None;
            lane.take_back(batch);
            None
        }
        Verdict::Divided(error, halves) => {
            if !batch.divide(halves) {
                let refused = Verdict::Refused(error);
                return apply(refused, settings, lane, batch, now, random);
            }
            lane.trouble = Some(error);
            lane.divisions += 1;
            lane.take_back(batch);
            None
        }
        Verdict::AgainInOrder(_) => {
            // What its partition failed with says more.
            lane.take_back(batch);
            None
        }
        Verdict::Again(error) => {
            lane.trouble = Some(error);
            // One lost connection is one failure, however many batches it takes with it.
            if lane.is_oldest(batch.number) {
                lane.not_before = Some(now + lane.backoff.next(random));
            }
            lane.take_back(batch);
            None
        }
        Verdict::AgainAfterGap(error) => {
            lane.trouble = Some(error);
            lane.has_gap = true;
            lane.not_before = Some(now + lane.backoff.next(random));
            lane.take_back(batch);
            None
        }
    }
}

fn expired<T>(
    partition: &TopicPartition,
    batch: &Batch<T>,
    now: Instant,
    last: Option<Arc<str>>,
) -> ProduceError {
    ProduceError::Expired {
        records: batch.unsettled_records(),
        partition: partition.clone(),
        waited: now.duration_since(batch.created),
        last,
    }
}

fn needs_refresh(error: &ProduceError) -> bool {
    let is_lost = matches!(error, ProduceError::Client(error) if error.is_connection_lost());
    is_lost || error.code().is_some_and(ErrorCode::needs_metadata_refresh)
}

fn outcome_of(
    partition: &TopicPartition,
    outcome: &Result<Answer, ClientError>,
) -> Result<Produced, ProduceError> {
    let answer = outcome.as_ref().map_err(Clone::clone)?;
    let missing = || {
        Err(Refusal {
            code: ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
            detail: None,
        })
    };
    answer
        .get(partition)
        .cloned()
        .unwrap_or_else(missing)
        .map_err(|Refusal { code, detail }| ProduceError::Refused {
            partition: partition.clone(),
            code,
            detail,
        })
}

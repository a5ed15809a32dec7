//! Puts converted records into open batches, and keeps what is to be known of them: how far they reach in their part of the
//! source, and what was wrong with those that go nowhere.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use ferrovia_client::TopicPartition;
use ferrovia_client::cluster::MetadataView;
use ferrovia_client::produce::ProduceError;
use ferrovia_pipeline::batch::Fields;
use ferrovia_pipeline::data::Map;
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::errors::{Failure, Stage};

use crate::task::source::batch::{LaneId, Reach};
use crate::task::source::flow::{Breath, Flow, SOURCE_TASK};

/// What became of a record.
pub(super) enum Fate<T> {
    /// It goes on.
    Goes(T),
    /// A transformation dropped it, or it is bad, which is tolerated. As in Java its offset is not stored.
    Dropped,
    /// Kafka does not take it, which is tolerated: its offset is stored.
    Refused,
    /// The task stops before it could be sent.
    Left,
}

/// What the records of a poll are placed by.
pub(super) struct Moment {
    pub(super) view: Arc<MetadataView>,
    pub(super) now: Instant,
    pub(super) now_ms: i64,
}

/// A record as it is to be produced.
pub(super) struct Produce<'r> {
    pub(super) topic: &'r str,
    pub(super) partition: Option<i32>,
    pub(super) timestamp: i64,
    pub(super) fields: &'r Fields<'r>,
}

impl Flow {
    /// The partition of a record, if the brokers know of it.
    pub(super) fn lane(&mut self, record: &Produce<'_>, moment: &Moment) -> Option<LaneId> {
        let topic = self.batches.topic(record.topic)?;
        let random = |below: usize| fastrand::usize(..below.max(1));
        let Moment { view, now, .. } = moment;
        let key = record.fields.key().filter(|_| !self.outlet.ignores_keys());
        self.batches
            .lane(topic, record.partition, key, view, *now, random)
    }

    /// Appends a record to the open batch of its partition, if that can be at once.
    pub(super) fn put(&mut self, record: &Produce<'_>, moment: &Moment) -> Option<LaneId> {
        let Produce {
            timestamp, fields, ..
        } = record;
        let lane = self.lane(record, moment)?;
        let may_go = self.outlet.check_size(fields).is_ok()
            && self.batches.has_room(lane, fields)
            && !self.outlet.is_too_much(self.batches.open_bytes());
        let appended = may_go.then(|| self.batches.append(lane, *timestamp, fields))?;
        appended.is_ok().then_some(lane)
    }

    /// Appends a record to the open batch of its partition, once there is room. Within, why it cannot be produced.
    pub(super) async fn append(
        &mut self,
        mut lane: LaneId,
        record: &Produce<'_>,
        moment: &mut Moment,
        reach: &mut Reach<'_>,
    ) -> Result<Result<Fate<LaneId>, ConnectError>, ConnectError> {
        let Produce {
            timestamp, fields, ..
        } = record;
        if let Err(too_large) = self.outlet.check_size(fields) {
            return Ok(Err(too_large));
        }
        loop {
            let to_send = if !self.batches.has_room(lane, fields) {
                Some(lane)
            } else if self.outlet.is_too_much(self.batches.open_bytes()) {
                self.batches.oldest()
            } else {
                None
            };
            let Some(to_send) = to_send else {
                break;
            };
            if !self.send(to_send, reach).await? {
                return Ok(Ok(Fate::Left));
            }
            // Where the record says nothing of its partition, the next batch is another one's.
            moment.now = Instant::now();
            lane = self.lane(record, moment).unwrap_or(lane);
        }
        let appended = self.batches.append(lane, *timestamp, fields);
        let appended = appended.map_err(|error| ConnectError::failed(error.to_string()));
        Ok(appended.map(|()| Fate::Goes(lane)))
    }

    /// A record of this part of the source has gone into the open batch of a partition.
    pub(super) fn submit<'a>(
        &mut self,
        lane: LaneId,
        partition: &Arc<Map<'static>>,
        offset: Map<'a>,
        reach: &mut Reach<'a>,
    ) {
        let source = self.submitted.source(partition);
        if let Some((span, end)) = reach.end(lane, source) {
            self.submitted.extend(source, span);
            *end = offset;
            return;
        }
        let span = match self.batches.span(lane, source) {
            Some(mut known) => {
                self.submitted.extend(source, &mut known);
                Some(known)
            }
            None => self.submitted.submit(source, 1),
        };
        if let Some(span) = span {
            reach.begin(lane, source, span, offset);
        }
    }

    /// A record of this part of the source goes nowhere, but its offset counts.
    pub(super) fn pass(&mut self, partition: &Arc<Map<'static>>, offset: Map<'_>) {
        let source = self.submitted.source(partition);
        if let Some(span) = self.submitted.submit(source, 1) {
            self.submitted
                .acknowledge(source, span, offset.into_owned());
        }
    }

    /// A record goes nowhere.
    pub(super) fn skip(&mut self, tag: Option<u64>) {
        self.metrics.on_skipped(1);
        self.heard.on_records(tag.map(|tag| (tag, None)));
    }

    /// Why a record is given up whose partition the brokers do not know of.
    pub(super) fn not_known(&self, topic: &Arc<str>, partition: Option<i32>) -> ConnectError {
        let error = ProduceError::NotInMetadata {
            partition: TopicPartition::new(Arc::clone(topic), partition.unwrap_or(0)),
            partition_count: self.outlet.metadata().partition_count(topic),
            waited: self.outlet.max_block(),
        };
        ConnectError::java(error.java_class(), error.to_string())
    }

    /// Tells of a bad record.
    ///
    /// # Errors
    /// Bad records are not tolerated.
    pub(super) fn judge(
        &self,
        failure: Failure,
        text: impl FnOnce() -> String,
    ) -> Result<(), ConnectError> {
        let text = self.reporter.wants_text().then(text);
        self.reporter.judge(failure, text.as_deref())
    }

    /// Tells of a record that Kafka would not take.
    ///
    /// # Errors
    /// That is not tolerated.
    pub(super) fn judge_refused(
        &mut self,
        topic: &str,
        error: ConnectError,
        text: impl FnOnce() -> String,
    ) -> Result<(), ConnectError> {
        let shown = self.reports.redact(&error.to_string());
        tracing::error!(error = shown, "failed to send record to {topic}: ");
        if let Some(exactly_once) = &self.exactly_once {
            return Err(exactly_once.refusal(error));
        }
        if self.reporter.is_tolerant() {
            let failure = Failure {
                stage: Stage::KafkaProduce,
                class: SOURCE_TASK,
                error,
            };
            return self.judge(failure, text);
        }
        self.refuse(error);
        self.check()
    }

    /// Lets the record at hand wait until something has happened, while those before it go. Whether the task goes on.
    pub(super) async fn wait_behind(
        &mut self,
        reach: &mut Reach<'_>,
        by: Option<Instant>,
    ) -> Result<bool, ConnectError> {
        self.check()?;
        if !self.send_ripe(reach).await? {
            return Ok(false);
        }
        self.machine.hold();
        let by = [self.batches.ripe_at(), by].into_iter().flatten().min();
        Ok(self.breathe(by).await != Breath::Stop)
    }

    /// Lets the record at hand wait for so long, while those before it go. Whether the task goes on.
    pub(super) async fn hold_for(
        &mut self,
        delay: Duration,
        reach: &mut Reach<'_>,
    ) -> Result<bool, ConnectError> {
        let since = Instant::now();
        loop {
            self.check()?;
            if !self.send_ripe(reach).await? {
                return Ok(false);
            }
            self.machine.hold_for(since, delay);
            match self.breathe(self.batches.ripe_at()).await {
                Breath::Happened => {}
                Breath::TryAgain => return Ok(true),
                Breath::Stop => return Ok(false),
            }
        }
    }
}

impl Moment {
    pub(super) fn new(flow: &Flow) -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now_ms = since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(0));
        Self {
            view: flow.outlet.metadata(),
            now: Instant::now(),
            now_ms,
        }
    }
}

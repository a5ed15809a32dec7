//! Takes the records of a poll: each is transformed, converted and put into the open batch of its partition.
//!
//! # Source
//! `org.apache.kafka.connect.runtime.AbstractWorkerSourceTask`, `sendRecords` and `convertTransformedRecord`

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use ferrovia_client::cluster::MetadataView;
use ferrovia_pipeline::batch::HeaderRef;
use ferrovia_pipeline::data::{Origin, Record};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::errors::{Failure, Stage};
use ferrovia_pipeline::source::{Boundary, SourceRecord};

use crate::task::source::batch::{LaneId, Reach};
use crate::task::source::convert::{self, Shaper};
use crate::task::source::flow::{Breath, Flow, SOURCE_TASK};
use crate::task::source::machine::Step;
use crate::task::source::topics::Creation;

/// The way of records from the connector's task into batches.
pub(super) struct Intake {
    pub(super) shaper: Shaper,
    pub(super) creation: Creation,
    pub(super) flow: Flow,
}

/// What became of a record.
enum Fate<T> {
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
struct Moment {
    view: Arc<MetadataView>,
    now: Instant,
    now_ms: i64,
}

/// A record as it is to be produced.
struct Produce<'r> {
    topic: &'r str,
    partition: Option<i32>,
    timestamp: i64,
    key: Option<&'r [u8]>,
    value: Option<&'r [u8]>,
    headers: &'r [HeaderRef<'r>],
}

impl Intake {
    /// Takes these records, behind which the task may have asked for the end of the transaction. When the task is told to stop, those that cannot be sent are left: the source will hand them
    /// out again.
    ///
    /// # Errors
    /// A record is bad, and that is not tolerated; or one before was refused by Kafka. The records before it are on their
    /// way.
    pub(super) async fn take(
        &mut self,
        records: Vec<SourceRecord<'_>>,
        asked: Option<Boundary>,
    ) -> Result<(), ConnectError> {
        let mut reach = Reach::default();
        let mut taken = self.take_each(records, &mut reach).await;
        if matches!(taken, Ok(true)) {
            taken = self.flow.end_poll(asked, &mut reach).await;
        }
        self.flow.batches.keep(reach);
        if taken? {
            self.flow.send_ripe(&mut Reach::default()).await?;
        }
        self.flow.machine.on_sent();
        Ok(())
    }

    async fn take_each<'a>(
        &mut self,
        records: Vec<SourceRecord<'a>>,
        reach: &mut Reach<'a>,
    ) -> Result<bool, ConnectError> {
        let mut moment = Moment::new(&self.flow);
        for record in records {
            let SourceRecord {
                source_partition,
                source_offset,
                topic,
                partition,
                key,
                value,
                timestamp,
                headers,
                tag,
                boundary,
            } = record;
            let record = Record {
                topic,
                partition,
                key,
                value,
                timestamp,
                headers,
                origin: Origin::Source {
                    partition: &source_partition,
                    offset: &source_offset,
                },
            };
            self.flow.check()?;
            let fate = self.take_one(record, tag, &mut moment, reach).await?;
            let goes = matches!(fate, Fate::Goes(_));
            let submitted = &mut self.flow.submitted;
            match fate {
                Fate::Left => return Ok(false),
                Fate::Dropped => self.flow.metrics.on_skipped(1),
                Fate::Refused => {
                    self.flow.metrics.on_skipped(1);
                    let source = submitted.source(&source_partition);
                    if let Some(span) = submitted.submit(source, None) {
                        submitted.acknowledge(source, span, source_offset.into_owned());
                    }
                }
                Fate::Goes(lane) => {
                    let source = submitted.source(&source_partition);
                    match reach.end(lane, source) {
                        Some((span, offset)) => {
                            *span = submitted.submit(source, Some(*span)).unwrap_or(*span);
                            *offset = source_offset;
                        }
                        None => {
                            let known = self.flow.batches.span(lane, source);
                            if let Some(span) = submitted.submit(source, known) {
                                reach.begin(lane, source, span, source_offset);
                            }
                        }
                    }
                }
            }
            if !goes {
                self.flow.heard.records.extend(tag.map(|tag| (tag, None)));
            }
            if boundary.is_some() && !self.flow.end_record(boundary, reach).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes one record into the open batch of its partition.
    async fn take_one(
        &mut self,
        record: Record<'_>,
        tag: Option<u64>,
        moment: &mut Moment,
        reach: &mut Reach<'_>,
    ) -> Result<Fate<LaneId>, ConnectError> {
        let spare = self.shaper.spare(&record);
        let record = match self.transform(record, spare.as_ref(), reach).await? {
            Fate::Goes(record) => record,
            Fate::Left => return Ok(Fate::Left),
            _ => return Ok(Fate::Dropped),
        };
        let text = || spare.as_ref().unwrap_or(&record).to_string();
        let bytes = match self.shaper.plan.convert(&record) {
            Ok(bytes) => bytes,
            Err(failure) => {
                self.flow.judge(failure, text)?;
                return Ok(Fate::Dropped);
            }
        };
        let headers = bytes.headers.iter().map(|(key, value)| HeaderRef {
            key: key.as_bytes(),
            value: value.as_deref(),
        });
        let headers: Vec<HeaderRef<'_>> = headers.collect();
        let produce = Produce {
            topic: &record.topic,
            partition: convert::partition(&record)?,
            timestamp: convert::timestamp(&record)?.unwrap_or(moment.now_ms),
            key: bytes.key.as_deref(),
            value: bytes.value.as_deref(),
            headers: &headers,
        };
        if let Some(exactly_once) = &mut self.flow.exactly_once {
            exactly_once.admit(produce.topic)?;
        }
        let fate = match self.flow.lane(&produce, moment) {
            Some(lane) => Ok(Fate::Goes(lane)),
            None => self.find_lane(&produce, moment, reach).await?,
        };
        let appended = match fate {
            Ok(Fate::Goes(lane)) => self.flow.append(lane, &produce, reach).await?,
            Ok(_) => return Ok(Fate::Left),
            Err(refused) => Err(refused),
        };
        match appended {
            Ok(Fate::Goes(lane)) => {
                let shown = self.flow.reporter.wants_text_of_refused().then(text);
                self.flow.batches.remember(lane, tag, shown);
                Ok(Fate::Goes(lane))
            }
            Ok(fate) => Ok(fate),
            Err(refused) => {
                self.flow.judge_refused(&record.topic, refused, text)?;
                Ok(Fate::Refused)
            }
        }
    }

    /// Transforms a record, again and again where that is asked for and helps.
    async fn transform<'r>(
        &mut self,
        record: Record<'r>,
        spare: Option<&Record<'r>>,
        reach: &mut Reach<'_>,
    ) -> Result<Fate<Record<'r>>, ConnectError> {
        if !self.shaper.plan.has_transformations() {
            return Ok(Fate::Goes(record));
        }
        let mut record = record;
        loop {
            let failure = match self.shaper.plan.transform(record) {
                Ok(Some(record)) => {
                    self.shaper.retries.on_success();
                    return Ok(Fate::Goes(record));
                }
                Ok(None) => {
                    self.shaper.retries.on_success();
                    return Ok(Fate::Dropped);
                }
                Err(failure) => failure,
            };
            let again = spare.filter(|_| failure.error.is_retriable());
            let now = Instant::now();
            let delay = again.and_then(|_| self.shaper.retries.on_failure(now, fastrand::f64()));
            let (Some(again), Some(delay)) = (again, delay) else {
                let text = || spare.map(ToString::to_string).unwrap_or_default();
                self.flow.judge(failure, text)?;
                return Ok(Fate::Dropped);
            };
            self.flow
                .metrics
                .activity()
                .retry("a transformation asks for it");
            if !self.flow.hold_for(delay, reach).await? {
                return Ok(Fate::Left);
            }
            self.flow.metrics.activity().progress();
            record = again.clone();
        }
    }

    /// Waits until the brokers know of the partition of a record; makes its topic if it is the task's to make it.
    ///
    /// # Errors
    /// The topic cannot be made. Within, why Kafka does not take the record.
    async fn find_lane(
        &mut self,
        record: &Produce<'_>,
        moment: &mut Moment,
        reach: &mut Reach<'_>,
    ) -> Result<Result<Fate<LaneId>, ConnectError>, ConnectError> {
        let topic: Arc<str> = record.topic.into();
        if !self.ensure_topic(&topic, record.partition, reach).await? {
            return Ok(Ok(Fate::Left));
        }
        if self.flow.batches.topic(&topic).is_none() {
            self.flow.batches.add_topic(Arc::clone(&topic));
        }
        self.flow.outlet.want_topic(&topic);
        let mut has_warned = false;
        loop {
            *moment = Moment::new(&self.flow);
            if let Some(lane) = self.flow.lane(record, moment) {
                return Ok(Ok(Fate::Goes(lane)));
            }
            let known = moment.view.topics.get(&topic);
            if let Some(known) = known
                && !known.error.is_none()
            {
                let error = known.error;
                if !error.is_retriable() {
                    let text = format!("{}: {} [{topic}]", error.name(), error.message());
                    return Ok(Err(ConnectError::failed(text)));
                }
                if !std::mem::replace(&mut has_warned, true) {
                    tracing::warn!("Topic {topic} cannot be written to yet: {}", error.name());
                }
            }
            if !self.flow.wait_behind(reach).await? {
                return Ok(Ok(Fate::Left));
            }
        }
    }

    /// Makes a topic that is not there. Whether the task goes on.
    async fn ensure_topic(
        &mut self,
        topic: &Arc<str>,
        partition: Option<i32>,
        reach: &mut Reach<'_>,
    ) -> Result<bool, ConnectError> {
        loop {
            let Self { creation, flow, .. } = self;
            if !flow.send_ripe(reach).await? {
                return Ok(false);
            }
            flow.machine.hold();
            let ensured = {
                let mut ensuring = pin!(creation.ensure(topic));
                loop {
                    let step = flow.machine.next_step(Instant::now());
                    let wake = match step {
                        Step::Stop => return Ok(false),
                        Step::Wait => tokio::select! {
                            biased;
                            ensured = &mut ensuring => break ensured,
                            wake = flow.wait(flow.batches.ripe_at()) => wake,
                        },
                        step => {
                            flow.perform(step, None).await;
                            continue;
                        }
                    };
                    flow.on_wake(wake).await;
                    if !flow.send_ripe(reach).await? {
                        return Ok(false);
                    }
                    flow.machine.hold();
                }
            };
            match ensured {
                Ok(()) => return Ok(true),
                Err(error) if error.is_retriable() => {
                    let partition =
                        partition.map_or_else(|| "null".to_owned(), |number| number.to_string());
                    tracing::warn!(
                        trace = flow.reports.redact(&error.trace()),
                        "Failed to send record to topic '{topic}' and partition '{partition}'. Backing off before retrying: "
                    );
                    if !flow.hold_for(SEND_FAILED_BACKOFF, reach).await? {
                        return Ok(false);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl Flow {
    /// The partition of a record, if the brokers know of it.
    fn lane(&mut self, record: &Produce<'_>, moment: &Moment) -> Option<LaneId> {
        let topic = self.batches.topic(record.topic)?;
        let random = |below: usize| fastrand::usize(..below.max(1));
        let Moment { view, now, .. } = moment;
        self.batches
            .lane(topic, record.partition, record.key, view, *now, random)
    }

    /// Appends a record to the open batch of its partition, once there is room. Within, why it cannot be produced.
    async fn append(
        &mut self,
        lane: LaneId,
        record: &Produce<'_>,
        reach: &mut Reach<'_>,
    ) -> Result<Result<Fate<LaneId>, ConnectError>, ConnectError> {
        let Produce {
            key,
            value,
            headers,
            ..
        } = *record;
        if let Err(too_large) = self.outlet.check_size(key, value, headers) {
            return Ok(Err(too_large));
        }
        if !self.batches.has_room(lane, key, value, headers) && !self.send(lane, reach).await? {
            return Ok(Ok(Fate::Left));
        }
        let appended = self
            .batches
            .append(lane, record.timestamp, key, value, headers);
        let appended = appended.map_err(|error| ConnectError::failed(error.to_string()));
        Ok(appended.map(|()| Fate::Goes(lane)))
    }

    /// Tells of a bad record.
    ///
    /// # Errors
    /// Bad records are not tolerated.
    fn judge(&self, failure: Failure, text: impl FnOnce() -> String) -> Result<(), ConnectError> {
        let text = self.reporter.wants_text().then(text);
        self.reporter.judge(failure, text.as_deref())
    }

    /// Tells of a record that Kafka would not take.
    ///
    /// # Errors
    /// That is not tolerated.
    fn judge_refused(
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
    async fn wait_behind(&mut self, reach: &mut Reach<'_>) -> Result<bool, ConnectError> {
        self.check()?;
        if !self.send_ripe(reach).await? {
            return Ok(false);
        }
        self.machine.hold();
        Ok(self.breathe(self.batches.ripe_at()).await != Breath::Stop)
    }

    /// Lets the record at hand wait for so long, while those before it go. Whether the task goes on.
    async fn hold_for(
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
    fn new(flow: &Flow) -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now_ms = since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(0));
        Self {
            view: flow.outlet.metadata(),
            now: Instant::now(),
            now_ms,
        }
    }
}

/// How long a topic that could not be looked at is left alone, as in Java.
const SEND_FAILED_BACKOFF: Duration = Duration::from_millis(100);

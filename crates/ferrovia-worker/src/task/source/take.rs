//! Takes the records of a poll: each is transformed, converted and put into the open batch of its partition.
//!
//! # Source
//! `org.apache.kafka.connect.runtime.AbstractWorkerSourceTask`, `sendRecords` and `convertTransformedRecord`

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ferrovia_pipeline::data::{Origin, Record};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::source::{Boundary, SourceRecord};

use crate::task::guarded::Polled;
use crate::task::source::batch::{LaneId, Reach};
use crate::task::source::convert::{self, Shaper};
use crate::task::source::flow::Flow;
use crate::task::source::machine::Step;
use crate::task::source::place::{Fate, Moment, Produce};
use crate::task::source::topics::Creation;

/// The way of records from the connector's task into batches.
pub(super) struct Intake {
    pub(super) shaper: Shaper,
    pub(super) creation: Creation,
    pub(super) flow: Flow,
}

impl Intake {
    /// Takes these records, behind which the task may have asked for the end of the transaction. When it is told to stop,
    /// those that cannot be sent are left: the source will hand them out again.
    ///
    /// # Errors
    /// A record is bad, and that is not tolerated; or one before was refused by Kafka. The records before it are on their
    /// way.
    pub(super) async fn take(
        &mut self,
        polled: Polled<'_>,
        asked: Option<Boundary>,
    ) -> Result<(), ConnectError> {
        let mut reach = Reach::default();
        let mut taken = match polled {
            Polled::Records(records) => self.take_each(records, &mut reach).await,
            Polled::Batches(batches) => self.take_batches(batches, &mut reach).await,
        };
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
        let mut room = Vec::new();
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
            self.flow.check()?;
            let end = boundary.map(|boundary| (boundary, topic.clone()));
            let fate = 'one: {
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
                // A record is large: it is moved only where a transformation wants it.
                if !self.shaper.plan.has_transformations() {
                    break 'one self
                        .place(&record, &record, tag, &mut room, &mut moment, reach)
                        .await?;
                }
                let spare = self.shaper.spare(&record);
                let record = match self.transform(record, spare.as_ref(), reach).await? {
                    Fate::Goes(record) => record,
                    Fate::Left => break 'one Fate::Left,
                    _ => break 'one Fate::Dropped,
                };
                let shown = spare.as_ref().unwrap_or(&record);
                self.place(&record, shown, tag, &mut room, &mut moment, reach)
                    .await?
            };
            match fate {
                Fate::Left => return Ok(false),
                Fate::Goes(lane) => {
                    self.flow
                        .submit(lane, &source_partition, source_offset, reach);
                }
                Fate::Refused => {
                    self.flow.pass(&source_partition, source_offset);
                    self.flow.skip(tag);
                }
                Fate::Dropped => self.flow.skip(tag),
            }
            if let Some((boundary, topic)) = end
                && !self.flow.end_record(boundary, &topic, reach).await?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Puts a record into the open batch of its partition, with what is converted in `room` meanwhile. The log shows it as `shown`.
    async fn place(
        &mut self,
        record: &Record<'_>,
        shown: &Record<'_>,
        tag: Option<u64>,
        room: &mut Vec<u8>,
        moment: &mut Moment,
        reach: &mut Reach<'_>,
    ) -> Result<Fate<LaneId>, ConnectError> {
        let text = || shown.to_string();
        let bytes = match self.shaper.plan.convert(record, room) {
            Ok(bytes) => bytes,
            Err(failure) => {
                self.flow.judge(failure, text)?;
                return Ok(Fate::Dropped);
            }
        };
        let produce = Produce {
            topic: &record.topic,
            partition: convert::partition(record)?,
            timestamp: convert::timestamp(record)?.unwrap_or(moment.now_ms),
            key: bytes.key,
            value: bytes.value,
            headers: &bytes.headers,
        };
        if let Some(exactly_once) = &mut self.flow.exactly_once {
            exactly_once.admit(produce.topic)?;
        }
        let fate = match self.flow.lane(&produce, moment) {
            Some(lane) => Ok(Fate::Goes(lane)),
            None => self.find_lane(&produce, moment, reach).await?,
        };
        let appended = match fate {
            Ok(Fate::Goes(lane)) => self.flow.append(lane, &produce, moment, reach).await?,
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
    pub(super) async fn find_lane(
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
        let give_up = Instant::now().checked_add(self.flow.outlet.max_block());
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
                    let text = format!("{} [{topic}]", error.message());
                    return Ok(Err(ConnectError::java(error.java_class(), text)));
                }
                if !std::mem::replace(&mut has_warned, true) {
                    tracing::warn!("Topic {topic} cannot be written to yet: {}", error.name());
                }
            }
            if give_up.is_some_and(|at| at <= moment.now) {
                return Ok(Err(self.flow.not_known(&topic, record.partition)));
            }
            if !self.flow.wait_behind(reach, give_up).await? {
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

/// How long a topic that could not be looked at is left alone, as in Java.
const SEND_FAILED_BACKOFF: Duration = Duration::from_millis(100);

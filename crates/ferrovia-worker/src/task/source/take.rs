//! Takes the records of a poll: each is transformed, converted and put into the open batch of its partition.
//!
//! # Source
//! `org.apache.kafka.connect.runtime.AbstractWorkerSourceTask`, `sendRecords` and `convertTransformedRecord`

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ferrovia_pipeline::data::{Map, Origin, Record, SchemaAndValue};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::source::{Boundary, SourceRecord};

use crate::task::guarded::Polled;
use crate::task::source::batch::{LaneId, Reach};
use crate::task::source::convert::{self, Shaper};
use crate::task::source::flow::Flow;
use crate::task::source::machine::Step;
use crate::task::source::parts::Parts;
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
        mut records: Vec<SourceRecord<'a>>,
        reach: &mut Reach<'a>,
    ) -> Result<bool, ConnectError> {
        let mut moment = Moment::new(&self.flow);
        let mut room = Vec::new();
        let transforms = self.shaper.plan.has_transformations();
        // A record is large: it is moved only where a transformation wants it.
        for record in &mut records {
            self.flow.check()?;
            let tag = record.tag;
            let end = record
                .boundary
                .map(|boundary| (boundary, record.topic.clone()));
            let fate = if transforms {
                self.take_transformed(record, &mut room, &mut moment, reach)
                    .await?
            } else {
                let parts = Parts::from(&*record);
                self.place(&parts, &parts, tag, &mut room, &mut moment, reach)
                    .await?
            };
            let SourceRecord {
                source_partition,
                source_offset,
                ..
            } = record;
            let mut offset = || std::mem::replace(source_offset, Map::new());
            match fate {
                Fate::Left => return Ok(false),
                Fate::Goes(lane) => self.flow.submit(lane, source_partition, offset(), reach),
                Fate::Refused => {
                    self.flow.pass(source_partition, offset());
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

    /// Takes a record out, and places what transformations make of it.
    async fn take_transformed<'a>(
        &mut self,
        record: &mut SourceRecord<'a>,
        room: &mut Vec<u8>,
        moment: &mut Moment,
        reach: &mut Reach<'a>,
    ) -> Result<Fate<LaneId>, ConnectError> {
        let taken = Record {
            topic: std::mem::take(&mut record.topic),
            partition: record.partition,
            key: std::mem::replace(&mut record.key, SchemaAndValue::NULL),
            value: std::mem::replace(&mut record.value, SchemaAndValue::NULL),
            timestamp: record.timestamp,
            headers: std::mem::take(&mut record.headers),
            origin: Origin::Source {
                partition: &record.source_partition,
                offset: &record.source_offset,
            },
        };
        let spare = self.shaper.spare(&taken);
        let transformed = match self.transform(taken, spare.as_ref(), reach).await? {
            Fate::Goes(transformed) => transformed,
            Fate::Left => return Ok(Fate::Left),
            _ => return Ok(Fate::Dropped),
        };
        let parts = Parts::from(&transformed);
        let shown = spare.as_ref().map_or(parts, Parts::from);
        self.place(&parts, &shown, record.tag, room, moment, reach)
            .await
    }

    /// Puts a record into the open batch of its partition, with what is converted in `room` meanwhile. The log shows it as `shown`.
    async fn place(
        &mut self,
        record: &Parts<'_>,
        shown: &Parts<'_>,
        tag: Option<u64>,
        room: &mut Vec<u8>,
        moment: &mut Moment,
        reach: &mut Reach<'_>,
    ) -> Result<Fate<LaneId>, ConnectError> {
        let text = || shown.to_string();
        let plan = &self.shaper.plan;
        let converted = plan.convert(record.key, record.value, record.headers, room);
        let fields = match converted {
            Ok(ref fields) => fields,
            Err(failure) => {
                self.flow.judge(failure, text)?;
                return Ok(Fate::Dropped);
            }
        };
        let produce = Produce {
            topic: record.topic,
            partition: convert::partition(record.partition)?,
            timestamp: convert::timestamp(record.timestamp)?.unwrap_or(moment.now_ms),
            fields,
        };
        if let Some(exactly_once) = &mut self.flow.exactly_once {
            exactly_once.admit(produce.topic)?;
        }
        let lane = match self.flow.put(&produce, moment) {
            Some(lane) => lane,
            None => match self.put_late(&produce, moment, reach).await? {
                Ok(Fate::Goes(lane)) => lane,
                Ok(fate) => return Ok(fate),
                Err(refused) => {
                    self.flow.judge_refused(record.topic, refused, text)?;
                    return Ok(Fate::Refused);
                }
            },
        };
        let shown = self.flow.reporter.wants_text_of_refused().then(text);
        if tag.is_some() || shown.is_some() {
            self.flow.batches.remember(lane, tag, shown);
        }
        Ok(Fate::Goes(lane))
    }

    /// Puts a record into the open batch of its partition, once the brokers know of it and there is room. Within, why it
    /// cannot be produced.
    async fn put_late(
        &mut self,
        record: &Produce<'_>,
        moment: &mut Moment,
        reach: &mut Reach<'_>,
    ) -> Result<Result<Fate<LaneId>, ConnectError>, ConnectError> {
        let lane = match self.flow.lane(record, moment) {
            Some(lane) => lane,
            None => match self.find_lane(record, moment, reach).await? {
                Ok(Fate::Goes(lane)) => lane,
                other => return Ok(other),
            },
        };
        self.flow.append(lane, record, moment, reach).await
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

//! A source that hands out what a test gives it, and keeps a diary of every call.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use ferrovia_pipeline::data::{Map, SchemaAndValue, Value};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::sink::Placement;
use ferrovia_pipeline::source::{
    BatchForm, Boundary, Landed, OutputForm, SourceBatch, SourceContext, SourceRecord, SourceTask,
};

/// What one poll gives.
pub(crate) enum Given {
    Records(Vec<Line>),
    /// Records behind which the transaction ends.
    Last(Vec<Line>, Boundary),
    /// Batches, from a task with the setting `output=batches`.
    Batches(Vec<SourceBatch>),
    Error(ConnectError),
    Panic(&'static str),
    /// No records, and a wait.
    Wait(Duration),
}

/// A record of a file, and how it is to be produced.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) file: &'static str,
    pub(crate) position: i64,
    pub(crate) topic: String,
    pub(crate) partition: Option<i32>,
    pub(crate) key: Option<String>,
    pub(crate) value: Value<'static>,
    pub(crate) timestamp: Option<i64>,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) tag: Option<u64>,
    pub(crate) boundary: Option<Boundary>,
}

/// The record of a file at a position, for the topic `t`.
pub(crate) fn at(file: &'static str, position: i64) -> Line {
    Line {
        file,
        position,
        topic: "t".to_owned(),
        partition: None,
        key: None,
        value: Value::String(format!("{file}{position}").into()),
        timestamp: None,
        headers: Vec::new(),
        tag: None,
        boundary: None,
    }
}

impl Line {
    pub(crate) fn to(mut self, partition: i32) -> Self {
        self.partition = Some(partition);
        self
    }

    pub(crate) fn topic(mut self, topic: &str) -> Self {
        topic.clone_into(&mut self.topic);
        self
    }

    pub(crate) fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    pub(crate) fn value(mut self, value: Value<'static>) -> Self {
        self.value = value;
        self
    }

    pub(crate) fn tag(mut self, tag: u64) -> Self {
        self.tag = Some(tag);
        self
    }

    /// The transaction ends behind it.
    pub(crate) fn ends(mut self, boundary: Boundary) -> Self {
        self.boundary = Some(boundary);
        self
    }

    fn record(&self, partition: Arc<Map<'static>>) -> SourceRecord<'_> {
        let mut offset = Map::new();
        offset.put("position", Value::Int64(self.position));
        let value = match &self.value {
            Value::String(text) => Value::text(text),
            other => other.clone(),
        };
        let value = SchemaAndValue::new(None, value);
        let mut record = SourceRecord::new(partition, offset, self.topic.as_str(), value);
        record.partition = self.partition;
        record.timestamp = self.timestamp;
        record.tag = self.tag;
        record.boundary = self.boundary;
        if let Some(key) = &self.key {
            record.key = SchemaAndValue::new(None, Value::text(key));
        }
        for (key, value) in &self.headers {
            let value = SchemaAndValue::new(None, Value::text(value));
            record.headers.add(*key, value);
        }
        record
    }
}

/// What a task was called for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Call {
    /// With the positions that it found stored, by file.
    Start(Vec<Option<i64>>),
    /// A poll that handed out so many records.
    Poll(usize),
    CommitRecord(u64, Option<Landed>),
    Commit,
    Stop,
}

/// The files of which a task asks when it starts.
pub(crate) const FILES: [&str; 2] = ["a", "b"];

/// What a test has in common with its tasks.
#[derive(Default)]
pub(crate) struct Probe {
    given: Mutex<VecDeque<Given>>,
    diary: Mutex<Vec<Call>>,
    polls: AtomicU64,
    batch_form: Mutex<Option<BatchForm>>,
    waker: Mutex<Option<Waker>>,
}

impl Probe {
    /// What the task was told that batches have to be like.
    pub(crate) fn batch_form(&self) -> Option<BatchForm> {
        *lock(&self.batch_form)
    }

    /// Ends the task's wait.
    pub(crate) fn wake(&self) {
        let waker = lock(&self.waker).clone();
        waker.unwrap().wake();
    }

    /// Gives the next polls something.
    pub(crate) fn give(&self, given: Given) {
        lock(&self.given).push_back(given);
    }

    pub(crate) fn give_records(&self, records: impl IntoIterator<Item = Line>) {
        self.give(Given::Records(records.into_iter().collect()));
    }

    /// All calls so far but for polls that handed out nothing.
    pub(crate) fn calls(&self) -> Vec<Call> {
        lock(&self.diary).clone()
    }

    /// How often a task was polled.
    pub(crate) fn polls(&self) -> u64 {
        self.polls.load(Ordering::Relaxed)
    }

    /// The records that tasks were told of.
    pub(crate) fn told(&self) -> Vec<(u64, Option<Landed>)> {
        let calls = self.calls().into_iter();
        let told = calls.filter_map(|call| match call {
            Call::CommitRecord(tag, landed) => Some((tag, landed)),
            _ => None,
        });
        told.collect()
    }

    fn note(&self, call: Call) {
        lock(&self.diary).push(call);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The partition of the source that a file is.
pub(crate) fn partition_of(file: &str) -> Map<'static> {
    let mut map = Map::new();
    map.put("file", Value::String(file.to_owned().into()));
    map
}

/// The position in a stored offset.
pub(crate) fn position_in(offset: &Map<'_>) -> i64 {
    match offset.get("position") {
        Some(Value::Int64(position)) => *position,
        other => panic!("no position: {other:?}"),
    }
}

/// Longer than any test.
const LONG: Duration = Duration::from_secs(3600);

pub(crate) struct ProbeTask {
    probe: Arc<Probe>,
    placement: Placement,
    output: OutputForm,
    partitions: BTreeMap<&'static str, Arc<Map<'static>>>,
    /// What the last poll handed out borrows from here.
    current: Vec<Line>,
}

impl ProbeTask {
    pub(crate) fn new(probe: Arc<Probe>, placement: Placement) -> Self {
        Self {
            probe,
            placement,
            output: OutputForm::Records,
            partitions: BTreeMap::new(),
            current: Vec::new(),
        }
    }
}

impl SourceTask for ProbeTask {
    fn placement(&self) -> Placement {
        self.placement
    }

    fn start(&mut self, context: &mut SourceContext) -> Result<(), ConnectError> {
        let mut found = Vec::new();
        for file in FILES {
            let offset = context.offset(&partition_of(file))?;
            found.push(offset.as_ref().map(position_in));
        }
        self.probe.note(Call::Start(found));
        *lock(&self.probe.batch_form) = context.batch_form();
        *lock(&self.probe.waker) = Some(context.waker().clone());
        if context.setting("output") == Some("batches") {
            self.output = OutputForm::Batches;
        }
        match context.setting("fails.to.start") {
            Some(why) => Err(ConnectError::failed(why.to_owned())),
            None => Ok(()),
        }
    }

    fn output(&self) -> OutputForm {
        self.output
    }

    fn poll_batches(
        &mut self,
        context: &mut SourceContext,
    ) -> Result<Vec<SourceBatch>, ConnectError> {
        match lock(&self.probe.given).pop_front() {
            Some(Given::Batches(batches)) => Ok(batches),
            _ => {
                context.wait(LONG);
                Ok(Vec::new())
            }
        }
    }

    fn poll(&mut self, context: &mut SourceContext) -> Result<Vec<SourceRecord<'_>>, ConnectError> {
        self.probe.polls.fetch_add(1, Ordering::Relaxed);
        let given = lock(&self.probe.given).pop_front();
        self.current = match given {
            Some(Given::Records(records)) => records,
            Some(Given::Last(records, boundary)) => {
                context.end_transaction(boundary);
                records
            }
            Some(Given::Batches(_)) => panic!("asked for records"),
            Some(Given::Error(error)) => return Err(error),
            Some(Given::Panic(text)) => panic!("{text}"),
            Some(Given::Wait(pause)) => {
                context.wait(pause);
                Vec::new()
            }
            None => {
                context.wait(Duration::from_millis(2));
                Vec::new()
            }
        };
        if !self.current.is_empty() {
            self.probe.note(Call::Poll(self.current.len()));
        }
        let mut records = Vec::new();
        for line in &self.current {
            let partition = self
                .partitions
                .entry(line.file)
                .or_insert_with(|| Arc::new(partition_of(line.file)));
            records.push(line.record(Arc::clone(partition)));
        }
        Ok(records)
    }

    fn commit_record(&mut self, tag: u64, landed: Option<Landed>) -> Result<(), ConnectError> {
        self.probe.note(Call::CommitRecord(tag, landed));
        Ok(())
    }

    fn commit(&mut self) -> Result<(), ConnectError> {
        self.probe.note(Call::Commit);
        Ok(())
    }

    fn stop(&mut self) -> Result<(), ConnectError> {
        self.probe.note(Call::Stop);
        Ok(())
    }
}

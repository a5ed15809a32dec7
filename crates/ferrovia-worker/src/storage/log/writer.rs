//! Writes records to an internal topic: in order, with the copies of all in-sync replicas.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use ferrovia_client::produce::Producer;
use ferrovia_client::produce::partitioner::partition_for_key;
use ferrovia_client::settings::ProducerSettings;
use ferrovia_client::{Cluster, TopicPartition};
use ferrovia_pipeline::batch::{BatchOptions, BatchWriter, Seal, WriteError};
use tokio::sync::{mpsc, oneshot};

use crate::storage::log::TopicLogError;

/// A record to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRecord {
    /// Its key, which decides on its partition as Java's producer does.
    pub key: Bytes,
    /// Its value; `None` for a tombstone.
    pub value: Option<Bytes>,
}

impl NewRecord {
    /// A record of this key and value.
    pub fn new(key: impl Into<Bytes>, value: Option<impl Into<Bytes>>) -> Self {
        Self {
            key: key.into(),
            value: value.map(Into::into),
        }
    }
}

/// The way to the writer.
#[derive(Clone, Debug)]
pub(super) struct Requests(mpsc::Sender<Request>);

/// Records of one call, and who waits for them.
#[derive(Debug)]
struct Request {
    records: Vec<NewRecord>,
    outcome: oneshot::Sender<Result<(), TopicLogError>>,
}

impl Requests {
    pub(super) fn append(
        &self,
        records: Vec<NewRecord>,
    ) -> impl Future<Output = Result<(), TopicLogError>> + Send + 'static + use<> {
        let requests = self.0.clone();
        async move {
            let (outcome, answered) = oneshot::channel();
            let request = Request { records, outcome };
            if requests.send(request).await.is_err() {
                return Err(TopicLogError::Closed);
            }
            answered.await.unwrap_or(Err(TopicLogError::Closed))
        }
    }
}

/// The task that writes, a few calls' records at a time.
pub(super) struct Writer {
    topic: Arc<str>,
    partitions: i32,
    options: BatchOptions,
    producer: Producer,
    requests: mpsc::Receiver<Request>,
}

/// Records of one partition, sealed, with the calls that they come from.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) bytes: Bytes,
    calls: Vec<usize>,
}

/// A call whose records are being written.
struct Call {
    outcome: oneshot::Sender<Result<(), TopicLogError>>,
    error: Option<TopicLogError>,
}

impl Writer {
    /// A writer and the way to it. It sends on the current runtime.
    pub(super) fn new(
        cluster: Cluster,
        topic: Arc<str>,
        partitions: i32,
        options: BatchOptions,
    ) -> (Self, Requests) {
        let (sender, requests) = mpsc::channel(QUEUED_REQUESTS);
        let client = cluster.settings().clone();
        let settings = ProducerSettings {
            requests_in_flight_max: REQUESTS_IN_FLIGHT,
            is_idempotent: false,
            ..ProducerSettings::with_defaults(client)
        };
        let producer = Producer::new(cluster, settings);
        let writer = Self {
            topic,
            partitions,
            options,
            producer,
            requests,
        };
        (writer, Requests(sender))
    }

    /// Writes until nobody can ask for it any more.
    pub(super) async fn run(mut self) {
        let mut requests = Vec::new();
        while self.requests.recv_many(&mut requests, TOGETHER_MAX).await > 0 {
            let (mut calls, records) = split(requests.drain(..));
            let queues = match seal(&records, self.partitions, self.options) {
                Ok(queues) => queues,
                Err(source) => {
                    let topic = Arc::clone(&self.topic);
                    let error = TopicLogError::TooLarge { topic, source };
                    for call in &mut calls {
                        call.error = Some(error.clone());
                    }
                    BTreeMap::new()
                }
            };
            self.write(queues, &mut calls).await;
            for call in calls {
                // Nobody has to wait for it.
                let _ = call.outcome.send(call.error.map_or(Ok(()), Err));
            }
        }
    }

    /// Sends the first batch of every partition, then the second, and so on: none overtakes another of its partition, even
    /// if it has to be sent again.
    async fn write(&self, mut queues: BTreeMap<i32, VecDeque<Sealed>>, calls: &mut [Call]) {
        loop {
            let mut acks = Vec::new();
            for (partition, queue) in &queues {
                let Some(first) = queue.front() else { continue };
                let to = TopicPartition::new(Arc::clone(&self.topic), *partition);
                acks.push((
                    *partition,
                    self.producer.send(to, first.bytes.clone()).await,
                ));
            }
            if acks.is_empty() {
                return;
            }
            for (partition, ack) in acks {
                let outcome = ack.await;
                let Some(queue) = queues.get_mut(&partition) else {
                    continue;
                };
                if let Err(error) = &outcome
                    && error.is_retriable()
                    && is_awaited(queue.front(), calls)
                {
                    tracing::warn!(
                        topic = &*self.topic, partition, %error,
                        "cannot write to an internal topic; trying again"
                    );
                    continue;
                }
                let Some(sealed) = queue.pop_front() else {
                    continue;
                };
                if let Err(source) = outcome {
                    let topic = Arc::clone(&self.topic);
                    let error = TopicLogError::Refused { topic, source };
                    for call in &sealed.calls {
                        if let Some(call) = calls.get_mut(*call) {
                            call.error = Some(error.clone());
                        }
                    }
                }
            }
        }
    }
}

/// Puts records into batches of their partitions, in order.
pub(super) fn seal(
    records: &[(usize, NewRecord)],
    partitions: i32,
    options: BatchOptions,
) -> Result<BTreeMap<i32, VecDeque<Sealed>>, WriteError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = i64::try_from(now.unwrap_or_default().as_millis()).unwrap_or(i64::MAX);
    let mut open: BTreeMap<i32, (BatchWriter, Vec<usize>)> = BTreeMap::new();
    let mut queues: BTreeMap<i32, VecDeque<Sealed>> = BTreeMap::new();
    for (call, NewRecord { key, value }) in records {
        let partition = partition_for_key(key, partitions);
        let (writer, calls) = open
            .entry(partition)
            .or_insert_with(|| (BatchWriter::new(options), Vec::new()));
        let (key, value) = (Some(&**key), value.as_deref());
        if !writer.is_empty() && !writer.has_room_for(key, value, &[]) {
            let bytes = writer.seal(Seal::default())?;
            let calls = std::mem::take(calls);
            let queue = queues.entry(partition).or_default();
            queue.push_back(Sealed { bytes, calls });
        }
        writer.append(now, key, value, &[])?;
        calls.push(*call);
    }
    for (partition, (mut writer, calls)) in open {
        let bytes = writer.seal(Seal::default())?;
        let queue = queues.entry(partition).or_default();
        queue.push_back(Sealed { bytes, calls });
    }
    Ok(queues)
}

/// The calls that somebody still waits for, and their records with the calls' places.
fn split(requests: impl Iterator<Item = Request>) -> (Vec<Call>, Vec<(usize, NewRecord)>) {
    let mut calls = Vec::new();
    let mut records = Vec::new();
    for request in requests.filter(|request| !request.outcome.is_closed()) {
        let place = calls.len();
        records.extend(request.records.into_iter().map(|record| (place, record)));
        calls.push(Call {
            outcome: request.outcome,
            error: None,
        });
    }
    (calls, records)
}

fn is_awaited(sealed: Option<&Sealed>, calls: &[Call]) -> bool {
    let mut of_batch = sealed.into_iter().flat_map(|sealed| &sealed.calls);
    of_batch.any(|call| {
        let call = calls.get(*call);
        call.is_some_and(|call| !call.outcome.is_closed())
    })
}

/// Calls that may wait for the writer.
const QUEUED_REQUESTS: usize = 256;
/// Calls whose records are written together.
const TOGETHER_MAX: usize = 64;
/// Requests per broker that may be on their way (`max.in.flight.requests.per.connection`), as Java sets it for these
/// topics.
const REQUESTS_IN_FLIGHT: usize = 1;

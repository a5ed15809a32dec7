//! Sends sealed batches by the client's producer, and hears what became of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ferrovia_client::budget::FramePool;
use ferrovia_client::cluster::{Cluster, MetadataView};
use ferrovia_client::produce::{ProduceError, Produced, Producer};
use ferrovia_pipeline::batch::{BatchOptions, HeaderRef};
use ferrovia_pipeline::error::ConnectError;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::task::sink::LetterOptions;
use crate::task::source::batch::{Contents, LaneId, Sealed};

/// How a source task produces.
#[derive(Clone, Debug)]
pub struct ProduceSpec {
    /// How it reaches the brokers and how it writes.
    pub options: ProduceOptions,
    /// The event loop that sends. `None` where that is the task's own: a task that blocks must not stop what is on its
    /// way.
    pub event_loop: Option<Handle>,
}

/// What `producer.*` of the worker and `producer.override.*` of the connector say.
#[derive(Clone, Debug)]
pub struct ProduceOptions {
    /// The producer's settings, and how its batches are written.
    pub records: LetterOptions,
    /// `linger.ms`: how long a batch that is not full waits for more records, if it has to wait for nothing else. 0 unless
    /// it is set.
    pub linger: Duration,
}

impl ProduceOptions {
    /// Reads them from a producer's settings. Defaults are those of Connect's producers.
    ///
    /// # Errors
    /// The first that is unusable, in Java's words.
    pub fn from_properties(mut properties: BTreeMap<String, String>) -> Result<Self, ConnectError> {
        let linger = properties.entry("linger.ms".to_owned());
        linger.or_insert_with(|| "0".to_owned());
        let records = LetterOptions::from_properties(properties)?;
        Ok(Self {
            linger: records.producer.linger.min(LINGER_MAX),
            records,
        })
    }
}

/// The way to Kafka.
pub(super) struct Outlet {
    cluster: Cluster,
    producer: Producer,
    options: ProduceOptions,
    /// Batches that Kafka has not acknowledged.
    on_the_way: JoinSet<Outcome>,
    bytes_on_the_way: usize,
}

/// What became of one batch.
pub(super) struct Outcome {
    pub(super) lane: LaneId,
    pub(super) contents: Contents,
    pub(super) produced: Result<Produced, ProduceError>,
    bytes: usize,
}

impl Outlet {
    /// Connects on the event loop that is to send.
    pub(super) fn open(spec: ProduceSpec) -> Self {
        let _inside = spec.event_loop.as_ref().map(Handle::enter);
        let settings = spec.options.records.producer.clone();
        let cluster = Cluster::new(settings.client.clone(), FramePool::new(IDLE_BUFFERS_BYTES));
        // As Java's producer asks; the brokers have the last word (`auto.create.topics.enable`).
        cluster.set_auto_create_topics(true);
        let producer = Producer::new(cluster.clone(), settings);
        Self {
            cluster,
            producer,
            options: spec.options,
            on_the_way: JoinSet::new(),
            bytes_on_the_way: 0,
        }
    }

    /// How batches are written.
    pub(super) fn batch_options(&self) -> BatchOptions {
        self.options.records.batch
    }

    /// What is known of the brokers and topics.
    pub(super) fn metadata(&self) -> Arc<MetadataView> {
        self.cluster.metadata()
    }

    /// Asks for what is known of a topic.
    pub(super) fn want_topic(&self, topic: &Arc<str>) {
        self.cluster.add_topics([Arc::clone(topic)]);
    }

    /// Checks that a record is not larger than a request or the buffer may be.
    ///
    /// # Errors
    /// It is, in Java's words.
    pub(super) fn check_size(
        &self,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[HeaderRef<'_>],
    ) -> Result<(), ConnectError> {
        self.options.records.check_size(key, value, headers)
    }

    /// Whether a batch of so many bytes has to wait until others are acknowledged.
    pub(super) fn is_full_for(&self, bytes: usize) -> bool {
        self.bytes_on_the_way > 0
            && self.bytes_on_the_way.saturating_add(bytes)
                > self.options.records.producer.buffer_bytes
    }

    /// Whether nothing is on its way.
    pub(super) fn is_idle(&self) -> bool {
        self.on_the_way.is_empty()
    }

    /// Sends a batch on its way. Ask [`is_full_for`](Self::is_full_for) first.
    pub(super) async fn send(&mut self, sealed: Sealed) {
        let Sealed {
            lane,
            partition,
            bytes,
            contents,
        } = sealed;
        let size = bytes.len();
        let ack = self.producer.send(partition, bytes).await;
        self.bytes_on_the_way += size;
        self.on_the_way.spawn(async move {
            Outcome {
                lane,
                contents,
                produced: ack.await,
                bytes: size,
            }
        });
    }

    /// The next batch whose fate is known; waits for ever where none is on its way.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub(super) async fn next(&mut self) -> Outcome {
        loop {
            match self.on_the_way.join_next().await {
                Some(Ok(outcome)) => return self.settled(outcome),
                // What waits for an acknowledgement neither panics nor is cancelled while this lives.
                Some(Err(_)) => {}
                None => std::future::pending().await,
            }
        }
    }

    /// Waits for a batch whose fate is known, or, with `None`, until there is more to know than
    /// [`metadata`](Self::metadata) said last.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub(super) async fn wait(&mut self) -> Option<Outcome> {
        let cluster = self.cluster.clone();
        tokio::select! {
            outcome = self.next() => Some(outcome),
            () = cluster.changed() => None,
        }
    }

    /// A batch whose fate is known already.
    pub(super) fn try_next(&mut self) -> Option<Outcome> {
        let outcome = self.on_the_way.try_join_next()?.ok()?;
        Some(self.settled(outcome))
    }

    fn settled(&mut self, outcome: Outcome) -> Outcome {
        self.bytes_on_the_way = self.bytes_on_the_way.saturating_sub(outcome.bytes);
        outcome
    }
}

/// The longest time that a batch is left open: a day.
const LINGER_MAX: Duration = Duration::from_secs(86_400);
/// Idle buffers of the connections.
const IDLE_BUFFERS_BYTES: usize = 1 << 20;

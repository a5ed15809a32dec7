//! Sends sealed batches by the client's producer, and hears what became of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ferrovia_client::TopicPartition;
use ferrovia_client::budget::FramePool;
use ferrovia_client::cluster::{Cluster, MetadataView};
use ferrovia_client::produce::{Ack, Part, Producer};
use ferrovia_pipeline::batch::{BatchOptions, Fields};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::source::BatchForm;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::task::produce_options::ProduceOptions;
use crate::task::source::batch::{Contents, LaneId, Sealed};
use crate::task::source::exactly_once::orders::{Ended, Ending, Orders, Ready, Sending};

/// How a source task produces.
#[derive(Clone, Debug)]
pub struct ProduceSpec {
    /// What `producer.*` of the worker and `producer.override.*` of the connector say.
    pub options: ProduceOptions,
    /// The event loop that sends. `None` where that is the task's own: a task that blocks must not stop what is on its
    /// way.
    pub event_loop: Option<Handle>,
    /// Whether somebody has set `compression.type`.
    chooses_codec: bool,
}

impl ProduceSpec {
    /// How a task produces with these properties. Defaults are those of Connect's producers, but for `linger.ms`, which is
    /// 0 unless it is set.
    ///
    /// # Errors
    /// The first that is unusable, in Java's words.
    ///
    /// # Source
    /// `Worker.baseProducerConfigs`
    pub fn from_properties(
        mut properties: BTreeMap<String, String>,
        event_loop: Option<Handle>,
    ) -> Result<Self, ConnectError> {
        for (name, value) in CONNECT_DEFAULTS {
            let entry = properties.entry((*name).to_owned());
            entry.or_insert_with(|| (*value).to_owned());
        }
        Ok(Self {
            chooses_codec: properties.contains_key("compression.type"),
            options: ProduceOptions::from_properties(properties)?,
            event_loop,
        })
    }

    /// As [`from_properties`](Self::from_properties), for the one producer of a transactional id.
    ///
    /// # Errors
    /// The first that is unusable, in Java's words.
    ///
    /// # Source
    /// `Worker.exactlyOnceSourceTaskProducerConfigs`
    pub fn in_transactions(
        mut properties: BTreeMap<String, String>,
        event_loop: Option<Handle>,
        transactional_id: String,
    ) -> Result<Self, ConnectError> {
        let forced = [
            ("enable.idempotence", "true".to_owned()),
            ("transactional.id", transactional_id),
        ];
        for (name, value) in forced {
            if let Some(given) = properties.get(name).filter(|given| **given != value) {
                tracing::warn!(
                    "The value '{given}' for the '{name}' property will be ignored as it is not compatible with \
                     connectors when exactly-once source support is enabled; the value '{value}' will be used instead"
                );
            }
            properties.insert(name.to_owned(), value);
        }
        Self::from_properties(properties, event_loop)
    }

    /// `linger.ms`
    pub(super) fn linger(&self) -> Duration {
        self.options.producer.linger
    }
}

/// The way to Kafka.
pub(super) struct Outlet {
    cluster: Cluster,
    way: Way,
    options: ProduceOptions,
    chooses_codec: bool,
    /// Batches that Kafka has not acknowledged.
    on_the_way: JoinSet<Outcome>,
    bytes_on_the_way: usize,
}

enum Way {
    /// Each batch on its own.
    Plain(Box<Producer>),
    InTransactions(Orders),
}

/// A batch that was handed over.
enum Sent {
    Queued(Ack),
    Ordered(Sending),
}

/// What became of one batch.
pub(super) struct Outcome {
    pub(super) lane: LaneId,
    pub(super) contents: Contents,
    /// One, or more where Kafka took the batch in parts only.
    pub(super) parts: Vec<Part>,
    bytes: usize,
}

impl Outlet {
    /// Connects on the event loop that is to send. Where records go in transactions, the settings name a transactional id.
    pub(super) fn open(spec: ProduceSpec, in_transactions: bool) -> Self {
        let _inside = spec.event_loop.as_ref().map(Handle::enter);
        let settings = spec.options.producer.clone();
        let cluster = Cluster::new(settings.client.clone(), FramePool::new(IDLE_BUFFERS_BYTES));
        // As Java's producer asks; the brokers have the last word (`auto.create.topics.enable`).
        cluster.set_auto_create_topics(true);
        let way = match in_transactions {
            false => Way::Plain(Box::new(Producer::new(cluster.clone(), settings))),
            true => Way::InTransactions(Orders::open(cluster.clone(), settings)),
        };
        Self {
            cluster,
            way,
            options: spec.options,
            chooses_codec: spec.chooses_codec,
            on_the_way: JoinSet::new(),
            bytes_on_the_way: 0,
        }
    }

    /// How batches are written.
    pub(super) fn batch_options(&self) -> BatchOptions {
        self.options.batch
    }

    /// What batches have to be like that the task does not write.
    pub(super) fn batch_form(&self) -> BatchForm {
        BatchForm {
            codec: self.chooses_codec.then_some(self.options.batch.codec),
            level: self
                .chooses_codec
                .then_some(self.options.batch.level)
                .flatten(),
            bytes_max: self.options.producer.request_bytes_max,
        }
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
    pub(super) fn check_size(&self, record: &Fields<'_>) -> Result<(), ConnectError> {
        self.options.check_size(record)
    }

    /// Whether keys say nothing of partitions (`partitioner.ignore.keys`).
    pub(super) fn ignores_keys(&self) -> bool {
        self.options.producer.ignores_keys
    }

    /// How long a record may wait for what the brokers know of its topic (`max.block.ms`).
    pub(super) fn max_block(&self) -> Duration {
        self.options.producer.max_block
    }

    /// Whether a batch of so many bytes has to wait until others are acknowledged.
    pub(super) fn is_full_for(&self, bytes: usize) -> bool {
        let bytes = credit(bytes);
        self.bytes_on_the_way > 0
            && self.bytes_on_the_way.saturating_add(bytes) > self.options.producer.buffer_bytes
    }

    /// Whether open batches of so many bytes are too much: they may be as much as those on their way, `buffer.memory`
    /// each. With less, every batch that was acknowledged would make room for one of a few records.
    pub(super) fn is_too_much(&self, open_bytes: usize) -> bool {
        open_bytes > self.options.producer.buffer_bytes
    }

    /// Whether the brokers know of a partition at the moment. What is sent to another waits in the producer, which hears
    /// no commands.
    pub(super) fn knows(&self, partition: &TopicPartition) -> bool {
        self.cluster.metadata().partition(partition).is_some()
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
        let size = credit(bytes.len());
        let sent = match &self.way {
            Way::Plain(producer) => Sent::Queued(producer.send(partition, bytes).await),
            Way::InTransactions(orders) => Sent::Ordered(orders.send(partition, bytes).await),
        };
        self.bytes_on_the_way += size;
        self.on_the_way.spawn(async move {
            let parts = match sent {
                Sent::Queued(ack) => ack.parts().await,
                Sent::Ordered(sending) => sending.parts().await,
            };
            Outcome {
                lane,
                contents,
                parts,
                bytes: size,
            }
        });
    }

    /// Takes the transactional id over; answers what tells that this is done. Without transactions there is none.
    pub(super) fn initialize(&mut self) -> Option<Ready> {
        match &mut self.way {
            Way::Plain(_) => None,
            Way::InTransactions(orders) => orders.initialize(),
        }
    }

    /// Ends the transaction with these batches of offsets in it. Without transactions there is nothing to end.
    pub(super) async fn end_transaction(&self, ending: Ending) -> Option<Ended> {
        match &self.way {
            Way::Plain(_) => None,
            Way::InTransactions(orders) => Some(orders.end(ending).await),
        }
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

/// What a batch takes of the producer's memory, which is given out by the KiB.
fn credit(bytes: usize) -> usize {
    bytes.div_ceil(CREDIT_UNIT).saturating_mul(CREDIT_UNIT)
}

const CREDIT_UNIT: usize = 1024;
/// What Connect sets for the producers of its tasks before the user does: they wait without end.
const CONNECT_DEFAULTS: [(&str, &str); 3] = [
    ("delivery.timeout.ms", "2147483647"),
    ("max.block.ms", "9223372036854775807"),
    ("linger.ms", "0"),
];
/// Idle buffers of the connections.
const IDLE_BUFFERS_BYTES: usize = 1 << 20;

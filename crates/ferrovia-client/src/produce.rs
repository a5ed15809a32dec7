//! Sends sealed record batches to the partitions' leaders and tells where they landed.
//!
//! It never opens a batch. Each partition has one batch on its way at a time, so order holds
//! without idempotence, also when a batch is sent again; an answer that was lost means that a
//! batch may be in the log twice.

mod message;
mod window;
pub mod partitioner;

pub use self::message::Produced;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

use self::message::Answer;
use self::window::{Batch, Dispatch, Window, WindowSettings};
use crate::budget::{Credit, MemoryBudget};
use crate::cluster::Cluster;
use crate::error::ClientError;
use crate::topic_partition::TopicPartition;

/// How many copies a batch needs before it counts as produced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acks {
    /// The leader's (`acks=1`).
    Leader,
    /// All in-sync replicas' (`acks=all`).
    All,
}

impl Acks {
    fn wire_value(self) -> i16 {
        match self {
            Self::Leader => 1,
            Self::All => -1,
        }
    }
}

/// Sends batches. Dropping it abandons what has not been acknowledged.
#[derive(Debug)]
pub struct Producer {
    cluster: Cluster,
    buffer: MemoryBudget,
    batches: mpsc::Sender<Sent>,
    task: AbortHandle,
}

/// What becomes of one batch. Resolves when the brokers have acknowledged or refused it.
#[derive(Debug)]
pub struct Ack {
    outcome: oneshot::Receiver<Result<Produced, ClientError>>,
    partition: TopicPartition,
}

struct Sent {
    partition: TopicPartition,
    bytes: Bytes,
    ticket: Ticket,
}

/// Goes with a batch and is torn up when its outcome is known.
struct Ticket {
    outcome: oneshot::Sender<Result<Produced, ClientError>>,
    _credit: Credit,
}

impl Producer {
    /// A producer on the current runtime, with at most `in_flight_max` requests per broker.
    #[must_use]
    pub fn new(cluster: Cluster, acks: Acks, in_flight_max: usize) -> Self {
        let settings = cluster.settings();
        let window = Window::new(WindowSettings {
            requests_per_node: in_flight_max.max(1),
            request_bytes: REQUEST_BYTES,
            retry_backoff: settings.retry_backoff,
            retry_backoff_max: settings.retry_backoff_max,
            delivery_timeout: DELIVERY_TIMEOUT,
        });
        let (batches, sent) = mpsc::channel(QUEUED_BATCHES);
        let driver = Driver {
            cluster: cluster.clone(),
            acks,
            window,
            work: JoinSet::new(),
        };
        let task = tokio::spawn(driver.run(sent)).abort_handle();
        Self {
            cluster,
            buffer: MemoryBudget::new(BUFFER_BYTES),
            batches,
            task,
        }
    }

    /// Queues one sealed record batch. Waits while [`BUFFER_BYTES`] are unacknowledged.
    ///
    /// # Cancel safety
    /// A dropped future has sent nothing.
    pub async fn send(&self, partition: TopicPartition, batch: Bytes) -> Ack {
        let credit = self.buffer.reserve(batch.len()).await;
        let (sender, outcome) = oneshot::channel();
        self.cluster.add_topics([Arc::clone(&partition.topic)]);
        let ticket = Ticket {
            outcome: sender,
            _credit: credit,
        };
        let ack = Ack {
            outcome,
            partition: partition.clone(),
        };
        // If the task is gone, so is the ticket, and the acknowledgement says so.
        let _queued = self
            .batches
            .send(Sent {
                partition,
                bytes: batch,
                ticket,
            })
            .await;
        ack
    }

    /// Bytes that wait for an acknowledgement.
    #[must_use]
    pub fn unacknowledged_bytes(&self) -> usize {
        self.buffer.used_bytes()
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Future for Ack {
    type Output = Result<Produced, ClientError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.outcome).poll(context).map(|outcome| {
            outcome.unwrap_or_else(|_| {
                Err(ClientError::GaveUp {
                    operation: "Produce",
                    timeout: Duration::ZERO,
                    last: format!(
                        "the producer was dropped before {} answered",
                        self.partition
                    )
                    .into(),
                })
            })
        })
    }
}

/// Does what the window decides.
struct Driver {
    cluster: Cluster,
    acks: Acks,
    window: Window<Ticket>,
    work: JoinSet<(Dispatch<Ticket>, Result<Answer, ClientError>)>,
}

impl Driver {
    async fn run(mut self, mut sent: mpsc::Receiver<Sent>) {
        loop {
            self.dispatch();
            let cluster = self.cluster.clone();
            let wake_at = self.window.wake_at(Instant::now());
            let timer = async {
                match wake_at {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                batch = sent.recv() => match batch {
                    Some(batch) => self.queue(batch),
                    None => return,
                },
                Some(done) = self.work.join_next() => {
                    if let Ok((dispatch, outcome)) = done {
                        self.settle(dispatch, outcome);
                    }
                }
                () = cluster.changed() => {}
                () = timer => self.expire(),
            }
        }
    }

    fn queue(&mut self, sent: Sent) {
        let Sent {
            partition,
            bytes,
            ticket,
        } = sent;
        self.window.push(partition, bytes, ticket, Instant::now());
    }

    fn dispatch(&mut self) {
        let view = self.cluster.metadata();
        while let Some(dispatch) = self.window.next_dispatch(&view, Instant::now()) {
            let (cluster, acks) = (self.cluster.clone(), self.acks.wire_value());
            self.work.spawn(async move {
                let request = message::request(&dispatch, acks, cluster.settings());
                let outcome = match cluster.node(dispatch.node_id).await {
                    Ok(connection) => connection.call(request).await,
                    Err(error) => Err(error),
                };
                (dispatch, outcome.map(|answer| message::answer(&answer)))
            });
        }
    }

    fn settle(&mut self, dispatch: Dispatch<Ticket>, outcome: Result<Answer, ClientError>) {
        let (now, random) = (Instant::now(), fastrand::f64());
        let settled = self.window.on_answer(dispatch, outcome, now, random);
        if settled.needs_refresh {
            self.cluster.request_refresh();
        }
        tell(settled.done);
    }

    fn expire(&mut self) {
        let expired = self.window.expire(Instant::now());
        tell(expired);
    }
}

fn tell(done: Vec<(Batch<Ticket>, Result<Produced, ClientError>)>) {
    for (batch, outcome) in done {
        // Nobody listens when the acknowledgement was dropped.
        let _unheard = batch.ticket.outcome.send(outcome);
    }
}

/// Unacknowledged bytes per producer (`buffer.memory`).
pub const BUFFER_BYTES: usize = 32 << 20;
/// Batches between `send` and the window.
const QUEUED_BATCHES: usize = 256;
/// Batches are put together in requests of about this size; brokers take up to 100 MiB.
const REQUEST_BYTES: usize = 8 << 20;
/// How long a batch is tried (`delivery.timeout.ms`).
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(120);

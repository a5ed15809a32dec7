//! Starting and stopping a broker: the listener, its connections, and the clocks.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use crate::broker::{Broker, lock};
use crate::config::BrokerConfig;
use crate::connection::{Connection, ConnectionError};
use crate::error::BrokerError;
use crate::faults::Faults;

/// Pause after the operating system failed to accept a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// A running broker on the current tokio runtime.
///
/// Dropping it stops it too, but only [`Self::stop`] waits until everything has ended.
#[derive(Debug)]
pub struct EmbeddedBroker {
    broker: Arc<Broker>,
    address: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
}

impl EmbeddedBroker {
    /// Listens, restores what the data folder holds, and serves clients.
    ///
    /// # Errors
    /// The address cannot be bound or the data folder not used.
    pub async fn start(config: BrokerConfig) -> Result<Self, BrokerError> {
        let listen = config.listen.clone();
        let failed = |source| BrokerError::Listen {
            address: listen.clone(),
            source,
        };
        let listener = TcpListener::bind(&listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let broker = Arc::new(Broker::open(config, address)?);
        let group_clock = Arc::clone(&broker);
        let transaction_clock = Arc::clone(&broker);
        let tasks = vec![
            tokio::spawn(accept(Arc::clone(&broker), listener)),
            tokio::spawn(async move { group_clock.run_group_clock().await }),
            tokio::spawn(async move { transaction_clock.run_transaction_clock().await }),
        ];
        Ok(Self {
            broker,
            address,
            tasks,
        })
    }

    /// Starts a broker on a thread and runtime of its own, for callers without one.
    ///
    /// # Errors
    /// As [`Self::start`]; or the thread cannot be started.
    pub fn start_blocking(config: BrokerConfig) -> Result<BlockingBroker, BrokerError> {
        BlockingBroker::start(config)
    }

    /// Where clients connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The faults to inject.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.broker.faults
    }

    /// The offset after the last record of each partition of a topic; empty if unknown.
    #[must_use]
    pub fn topic_end_offsets(&self, topic: &str) -> Vec<i64> {
        end_offsets(&self.broker, topic)
    }

    /// The offset of the first record kept in each partition of a topic; empty if unknown.
    #[must_use]
    pub fn topic_start_offsets(&self, topic: &str) -> Vec<i64> {
        let topics = lock(&self.broker.topics);
        let Some(topic) = topics.get(topic) else {
            return Vec::new();
        };
        let logs = topic
            .partition_indexes()
            .filter_map(|index| topic.partition(index));
        logs.map(crate::log::PartitionLog::start_offset).collect()
    }

    /// Bytes of record batches that a topic holds.
    #[must_use]
    pub fn topic_bytes(&self, topic: &str) -> u64 {
        let topics = lock(&self.broker.topics);
        let Some(topic) = topics.get(topic) else {
            return 0;
        };
        let logs = topic
            .partition_indexes()
            .filter_map(|index| topic.partition(index));
        logs.map(crate::log::PartitionLog::bytes).sum()
    }

    /// What a group has committed for a partition.
    #[must_use]
    pub fn committed_offset(&self, group: &str, topic: &str, partition: i32) -> Option<i64> {
        committed_offset(&self.broker, group, topic, partition)
    }

    /// Member ids of a group, in order.
    #[must_use]
    pub fn group_members(&self, group: &str) -> Vec<String> {
        let groups = lock(&self.broker.groups);
        groups
            .get(group)
            .map(|g| g.machine.members().keys().cloned().collect())
            .unwrap_or_default()
    }

    /// Creates a topic without a client; false if it could not be created.
    pub fn create_topic(&self, name: &str, partitions: i32) -> bool {
        let mut topics = lock(&self.broker.topics);
        self.broker
            .create_topic(&mut topics, name, partitions, Default::default())
            .is_ok()
    }

    /// Stops accepting, closes every connection, and waits until all tasks have ended.
    pub async fn stop(mut self) {
        self.broker.stopping.send_replace(true);
        for task in self.tasks.drain(..) {
            if let Err(error) = task.await {
                tracing::error!(%error, "broker task failed");
            }
        }
    }
}

impl Drop for EmbeddedBroker {
    fn drop(&mut self) {
        self.broker.stopping.send_replace(true);
    }
}

/// A running broker on a thread of its own.
#[derive(Debug)]
pub struct BlockingBroker {
    broker: Arc<Broker>,
    address: SocketAddr,
    thread: Option<thread::JoinHandle<()>>,
}

impl BlockingBroker {
    fn start(config: BrokerConfig) -> Result<Self, BrokerError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(BrokerError::Thread)?;
        let (sender, receiver) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("ferrovia-broker".to_owned())
            .spawn(move || runtime.block_on(serve(config, sender)))
            .map_err(BrokerError::Thread)?;
        let started = receiver.blocking_recv().map_err(io::Error::other);
        let (broker, address) = started.map_err(BrokerError::Thread)??;
        Ok(Self {
            broker,
            address,
            thread: Some(thread),
        })
    }

    /// Where clients connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The faults to inject.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.broker.faults
    }

    /// The offset after the last record of each partition of a topic; empty if unknown.
    #[must_use]
    pub fn topic_end_offsets(&self, topic: &str) -> Vec<i64> {
        end_offsets(&self.broker, topic)
    }

    /// What a group has committed for a partition.
    #[must_use]
    pub fn committed_offset(&self, group: &str, topic: &str, partition: i32) -> Option<i64> {
        committed_offset(&self.broker, group, topic, partition)
    }

    /// Stops the broker and joins its thread. Dropping does the same.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for BlockingBroker {
    fn drop(&mut self) {
        self.broker.stopping.send_replace(true);
        if self
            .thread
            .take()
            .is_some_and(|thread| thread.join().is_err())
        {
            tracing::error!("broker thread failed");
        }
    }
}

/// What the thread of a blocking broker tells the one that started it.
type Started = Result<(Arc<Broker>, SocketAddr), BrokerError>;

async fn serve(config: BrokerConfig, started: oneshot::Sender<Started>) {
    let server = match EmbeddedBroker::start(config).await {
        Ok(server) => server,
        Err(error) => {
            let _ = started.send(Err(error));
            return;
        }
    };
    let broker = Arc::clone(&server.broker);
    if started
        .send(Ok((Arc::clone(&broker), server.address)))
        .is_ok()
    {
        broker.stopped().await;
    }
    server.stop().await;
}

async fn accept(broker: Arc<Broker>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            () = broker.stopped() => break,
        };
        match accepted {
            Ok(_) if connections.len() >= broker.config.connections_max => {
                tracing::warn!("connection refused: too many");
            }
            Ok((socket, peer)) => {
                let connection = Connection::new(Arc::clone(&broker), socket, peer);
                connections.spawn(run(Arc::clone(&broker), connection, peer));
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                // Most likely out of file descriptors: trying again at once would only spin.
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn run(broker: Arc<Broker>, connection: Connection, peer: SocketAddr) {
    let ended = tokio::select! {
        ended = connection.run() => ended,
        () = broker.stopped() => return,
    };
    match ended {
        Ok(()) | Err(ConnectionError::Socket(_) | ConnectionError::Fault) => {}
        Err(error) => {
            tracing::warn!(%peer, error = &error as &dyn std::error::Error, "connection closed");
        }
    }
}

fn end_offsets(broker: &Broker, topic: &str) -> Vec<i64> {
    let topics = lock(&broker.topics);
    let Some(topic) = topics.get(topic) else {
        return Vec::new();
    };
    let logs = topic
        .partition_indexes()
        .filter_map(|index| topic.partition(index));
    logs.map(crate::log::PartitionLog::end_offset).collect()
}

fn committed_offset(broker: &Broker, group: &str, topic: &str, partition: i32) -> Option<i64> {
    let groups = lock(&broker.groups);
    let committed = groups
        .get(group)?
        .offsets
        .get(&(topic.to_owned(), partition))?;
    Some(committed.offset)
}

//! A handle of a Kafka cluster: who its brokers are, who leads what, and a connection to each.
//!
//! One task keeps the metadata fresh. Everybody else reads the newest view without waiting, and
//! says so when it turns out to be wrong.

mod coordinator;
mod metadata;
mod nodes;
mod refresh;
mod schedule;

pub use self::metadata::{
    BrokerMetadata, MetadataView, PartitionMetadata, TopicMetadata, TopicSelection,
};

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use self::coordinator::Coordinators;
use self::nodes::{Nodes, Purpose};
use crate::budget::FramePool;
use crate::error::ClientError;
use crate::net::Connection;
use crate::settings::{BrokerAddress, ClientSettings};
use crate::topic_partition::TopicPartition;

/// A handle of a cluster. Clones share metadata and connections; with the last one the connections
/// close, as far as nobody else holds them.
pub struct Cluster {
    core: Arc<Core>,
    refresh_task: Arc<RefreshTask>,
    /// The generation that this handle's owner has seen.
    seen: AtomicU64,
}

struct Core {
    settings: Arc<ClientSettings>,
    nodes: Nodes,
    coordinators: Coordinators,
    state: watch::Sender<State>,
    wanted: Mutex<TopicSelection>,
    auto_create_topics: AtomicBool,
    wake: Notify,
    /// As `wake`, by somebody who waits for the answer.
    awaited: Notify,
    attempts_started: AtomicU64,
}

/// What the refreshing task publishes.
struct State {
    view: Arc<MetadataView>,
    /// Number of the last attempt that ended.
    attempts: u64,
    /// Why that attempt failed, if it did.
    failure: Option<ClientError>,
}

/// Ends the refreshing task with the last handle.
struct RefreshTask(AbortHandle);

impl Drop for RefreshTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Core {
    fn wanted(&self) -> TopicSelection {
        self.wanted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Cluster {
    /// Starts to look for the cluster, on the current runtime. Shared connections live on that
    /// runtime too, whoever asks for them. No topic is wanted yet.
    #[must_use]
    pub fn new(settings: ClientSettings, pool: FramePool) -> Self {
        let settings = Arc::new(settings);
        let state = State {
            view: Arc::default(),
            attempts: 0,
            failure: None,
        };
        let core = Arc::new(Core {
            nodes: Nodes::new(Arc::clone(&settings), pool),
            settings,
            coordinators: Coordinators::default(),
            state: watch::Sender::new(state),
            wanted: Mutex::new(TopicSelection::Named(BTreeSet::new())),
            auto_create_topics: AtomicBool::new(false),
            wake: Notify::new(),
            awaited: Notify::new(),
            attempts_started: AtomicU64::new(0),
        });
        let task = tokio::spawn(refresh::keep_fresh(Arc::clone(&core)));
        let refresh_task = Arc::new(RefreshTask(task.abort_handle()));
        Self {
            core,
            refresh_task,
            seen: AtomicU64::new(0),
        }
    }

    /// The settings this handle was made with.
    #[must_use]
    pub fn settings(&self) -> &ClientSettings {
        &self.core.settings
    }

    /// The newest view. Empty until the first answer is there.
    #[must_use]
    pub fn metadata(&self) -> Arc<MetadataView> {
        let view = Arc::clone(&self.core.state.borrow().view);
        self.seen.store(view.generation, Ordering::Relaxed);
        view
    }

    /// Waits until there is another view than the one this handle gave out last. A clone has seen
    /// what the original had seen when it was cloned.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn changed(&self) {
        let seen = self.seen.load(Ordering::Relaxed);
        let mut state = self.core.state.subscribe();
        // An error means that the sender is gone, which `self` rules out.
        let _view = state.wait_for(|state| state.view.generation > seen).await;
    }

    /// Sets the topics to know about, in place of those before, and asks for them.
    pub fn want_topics(&self, topics: TopicSelection) {
        let mut wanted = self
            .core
            .wanted
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if *wanted != topics {
            *wanted = topics;
            self.core.wake.notify_one();
        }
    }

    /// Adds topics to know about, and asks for them if they are new.
    pub fn add_topics(&self, topics: impl IntoIterator<Item = Arc<str>>) {
        let mut wanted = self
            .core
            .wanted
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let TopicSelection::Named(names) = &mut *wanted else {
            return;
        };
        let before = names.len();
        names.extend(topics);
        if names.len() > before {
            self.core.wake.notify_one();
        }
    }

    /// Whether brokers may make wanted topics that do not exist (`allow.auto.create.topics`).
    /// They may not unless told so.
    pub fn set_auto_create_topics(&self, allowed: bool) {
        self.core
            .auto_create_topics
            .store(allowed, Ordering::Relaxed);
    }

    /// Says that the metadata is out of date. Cheap, and many calls make one request.
    pub fn request_refresh(&self) {
        self.core.wake.notify_one();
    }

    /// Asks for metadata now and waits for the answer to a request that starts after this call.
    ///
    /// # Errors
    /// [`ClientError::NoBroker`] when no broker answered; a later attempt may succeed.
    pub async fn refresh(&self) -> Result<Arc<MetadataView>, ClientError> {
        let target = self.core.attempts_started.load(Ordering::SeqCst) + 1;
        self.core.awaited.notify_one();
        let mut updates = self.core.state.subscribe();
        let failure = match updates.wait_for(|state| state.attempts >= target).await {
            Ok(state) => state.failure.clone(),
            Err(_) => None,
        };
        failure.map_or_else(|| Ok(self.metadata()), Err)
    }

    /// Waits until the cluster has answered for the first time, for at most `limit`.
    ///
    /// # Errors
    /// The last attempt's error.
    pub async fn ready(&self, limit: Duration) -> Result<Arc<MetadataView>, ClientError> {
        let mut updates = self.core.state.subscribe();
        let answered = updates.wait_for(|state| state.view.generation > 0);
        if timeout(limit, answered).await.is_ok() {
            return Ok(self.metadata());
        }
        let failure = self.core.state.borrow().failure.clone();
        let last = failure.map_or_else(|| "no answer yet".to_owned(), |error| error.to_string());
        Err(ClientError::GaveUp {
            operation: "metadata",
            timeout: limit,
            last: last.into(),
        })
    }

    /// The cluster's id, once a broker has told it.
    #[must_use]
    pub fn cluster_id(&self) -> Option<Arc<str>> {
        self.core.state.borrow().view.cluster_id.clone()
    }

    /// Where a broker says it can be reached.
    #[must_use]
    pub fn address_of(&self, node_id: i32) -> Option<BrokerAddress> {
        let state = self.core.state.borrow();
        state
            .view
            .brokers
            .get(&node_id)
            .map(|broker| broker.address.clone())
    }

    /// The shared connection to a broker.
    ///
    /// # Errors
    /// [`ClientError::UnknownNode`] when the metadata does not name the broker; else those of a
    /// connection.
    pub async fn node(&self, node_id: i32) -> Result<Connection, ClientError> {
        let address = self.known_address(node_id)?;
        self.core
            .nodes
            .get(Purpose::Broker(node_id), &address)
            .await
    }

    /// The shared connection to the leader of a partition.
    ///
    /// # Errors
    /// [`ClientError::NoLeader`], or those of a connection.
    pub async fn leader(&self, partition: &TopicPartition) -> Result<Connection, ClientError> {
        let leader = self.core.state.borrow().view.leader(partition);
        let leader = leader.ok_or_else(|| ClientError::NoLeader {
            partition: partition.clone(),
        })?;
        self.node(leader).await
    }

    /// A shared connection to some broker: an open one, else to a known broker, else to a
    /// bootstrap server.
    ///
    /// # Errors
    /// [`ClientError::NoBroker`] when none can be reached.
    pub async fn any_node(&self) -> Result<Connection, ClientError> {
        if let Some(open) = self.core.nodes.open_broker() {
            return Ok(open);
        }
        let mut node_ids: Vec<i32> = self
            .core
            .state
            .borrow()
            .view
            .brokers
            .keys()
            .copied()
            .collect();
        fastrand::shuffle(&mut node_ids);
        let mut last = None;
        for node_id in node_ids {
            match self.node(node_id).await {
                Ok(connection) => return Ok(connection),
                Err(error) => last = Some(error),
            }
        }
        for (index, address) in self.core.settings.bootstrap_servers.iter().enumerate() {
            match self
                .core
                .nodes
                .get(Purpose::Bootstrap(index), address)
                .await
            {
                Ok(connection) => return Ok(connection),
                Err(error) => last = Some(error),
            }
        }
        let last = last.map_or_else(String::new, |error| error.to_string());
        Err(ClientError::NoBroker { last: last.into() })
    }

    /// A connection of the caller's own to a broker, on the current runtime, that reads into
    /// buffers of `pool`. The caller drops it when it is lost, and asks again.
    ///
    /// # Errors
    /// As for [`Cluster::node`].
    pub async fn open_connection(
        &self,
        node_id: i32,
        pool: FramePool,
    ) -> Result<Connection, ClientError> {
        let address = self.known_address(node_id)?;
        Connection::connect(&address, &self.core.settings, pool).await
    }

    fn known_address(&self, node_id: i32) -> Result<BrokerAddress, ClientError> {
        self.address_of(node_id)
            .ok_or(ClientError::UnknownNode { node_id })
    }
}

impl Clone for Cluster {
    fn clone(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
            refresh_task: Arc::clone(&self.refresh_task),
            seen: AtomicU64::new(self.seen.load(Ordering::Relaxed)),
        }
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("bootstrap_servers", &self.core.settings.bootstrap_servers)
            .field("cluster_id", &self.cluster_id())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

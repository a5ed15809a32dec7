//! What all connections of one broker share.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::BrokerId;
use kafka_protocol::protocol::StrBytes;
use tokio::sync::{Notify, watch};
use uuid::Uuid;

use crate::api::Sessions;
use crate::config::BrokerConfig;
use crate::coordinator::{Groups, Transactions};
use crate::error::BrokerError;
use crate::faults::Faults;
use crate::journal::{Entry, Journal, Known};
use crate::log::LEADER_EPOCH;
use crate::topics::Topics;

/// Producer ids noted as used at a time, so that not each one costs a journal entry.
const PRODUCER_ID_BLOCK: i64 = 1_000;

/// State of one broker. The locks are held for moments only, never across an await; where two are
/// needed they are taken in the order transactions, topics, groups, journal.
#[derive(Debug)]
pub(crate) struct Broker {
    pub(crate) config: BrokerConfig,
    pub(crate) host: StrBytes,
    pub(crate) port: i32,
    pub(crate) cluster_id: StrBytes,
    pub(crate) transactions: Mutex<Transactions>,
    pub(crate) topics: Mutex<Topics>,
    pub(crate) groups: Mutex<Groups>,
    pub(crate) sessions: Mutex<Sessions>,
    pub(crate) faults: Faults,
    /// Notified after every append: waiting fetches look again.
    pub(crate) appended: Notify,
    /// Notified when a group's next deadline may have come nearer.
    pub(crate) groups_changed: Notify,
    /// Notified when a transaction has begun.
    pub(crate) transactions_changed: Notify,
    /// True once the broker is to stop.
    pub(crate) stopping: watch::Sender<bool>,
    journal: Mutex<Journal>,
    producer_ids: Mutex<ProducerIds>,
}

#[derive(Debug, Default)]
struct ProducerIds {
    next: i64,
    noted: i64,
}

/// Locks a mutex; a panic elsewhere does not make its data unusable here.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Broker {
    /// Restores a broker that will be reachable at `address`.
    ///
    /// # Errors
    /// A file below the data folder that cannot be read or written.
    pub(crate) fn open(config: BrokerConfig, address: SocketAddr) -> Result<Self, BrokerError> {
        let (mut journal, entries) = Journal::open(config.data_dir.as_deref())?;
        let mut known = Known::default();
        entries.into_iter().for_each(|entry| known.replay(entry));
        let cluster_id = known
            .cluster_id
            .get_or_insert_with(|| Uuid::new_v4().to_string())
            .clone();
        if let Some(data_dir) = &config.data_dir {
            journal.rewrite(data_dir, known.clone())?;
        }
        let mut topics = Topics::new(&config);
        for (id, topic) in known.topics {
            topics.open(id, &topic.name, topic.partitions, topic.configs)?;
        }
        let mut groups = Groups::new(&config);
        for entry in known.offsets.into_values() {
            let Entry::OffsetCommitted {
                group,
                topic,
                partition,
                committed,
            } = entry
            else {
                continue;
            };
            if let Err(error) = groups.commit(&group, &topic, partition, committed) {
                tracing::warn!(%error, group, topic, partition, "committed offset not kept");
            }
        }
        let (host, port) = config
            .advertised
            .clone()
            .unwrap_or_else(|| (address.ip().to_string(), address.port()));
        let broker = Self {
            host: host.into(),
            port: i32::from(port),
            cluster_id: cluster_id.into(),
            transactions: Mutex::new(Transactions::restored(&config, known.transactions, now())),
            topics: Mutex::new(topics),
            groups: Mutex::new(groups),
            sessions: Mutex::default(),
            faults: Faults::default(),
            appended: Notify::new(),
            groups_changed: Notify::new(),
            transactions_changed: Notify::new(),
            stopping: watch::Sender::new(false),
            journal: Mutex::new(journal),
            producer_ids: Mutex::new(ProducerIds {
                next: known.next_producer_id,
                noted: known.next_producer_id,
            }),
            config,
        };
        broker.settle_transactions();
        Ok(broker)
    }

    pub(crate) fn id(&self) -> BrokerId {
        BrokerId(self.config.broker_id)
    }

    /// Notes something that must outlive the process.
    pub(crate) fn note(&self, entry: &Entry) {
        lock(&self.journal).append(entry);
    }

    /// A producer id never given out before.
    pub(crate) fn next_producer_id(&self) -> i64 {
        let mut ids = lock(&self.producer_ids);
        if ids.next >= ids.noted {
            ids.noted = ids.next + PRODUCER_ID_BLOCK;
            self.note(&Entry::ProducerIdsUsed { next: ids.noted });
        }
        ids.next += 1;
        ids.next - 1
    }

    /// Creates a topic and notes it.
    ///
    /// # Errors
    /// The Kafka error for the client.
    pub(crate) fn create_topic(
        &self,
        topics: &mut Topics,
        name: &str,
        partitions: i32,
        configs: BTreeMap<String, String>,
    ) -> Result<Uuid, ResponseError> {
        let id = Uuid::new_v4();
        topics.create(id, name, partitions, configs.clone())?;
        let partitions = u32::try_from(partitions).unwrap_or_default();
        self.note(&Entry::TopicCreated {
            id,
            name: name.to_owned(),
            partitions,
            configs,
        });
        Ok(id)
    }

    /// Whether the broker has been told to stop; resolves once it has.
    pub(crate) async fn stopped(&self) {
        let mut stopping = self.stopping.subscribe();
        // An error would mean that the sender is gone, which `self` holds.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    }

    /// Runs the groups' clocks until the broker stops.
    pub(crate) async fn run_group_clock(&self) {
        loop {
            let deadline = lock(&self.groups).next_deadline();
            let sleep = async {
                match deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = sleep => lock(&self.groups).tick(now()),
                () = self.groups_changed.notified() => {}
                () = self.stopped() => return,
            }
        }
    }
}

/// The time for group machines; follows tokio's clock, so tests may pause it.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Checks the leader epoch that a client believes in.
///
/// # Errors
/// `FencedLeaderEpoch` or `UnknownLeaderEpoch`.
pub(crate) fn check_leader_epoch(epoch: i32) -> Result<(), ResponseError> {
    match epoch {
        i32::MIN..=-1 | LEADER_EPOCH => Ok(()),
        _ => Err(ResponseError::UnknownLeaderEpoch),
    }
}

#[cfg(test)]
mod tests;

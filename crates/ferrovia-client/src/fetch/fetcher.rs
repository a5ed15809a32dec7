//! Does what the fetch machine decides: connections, requests, credit for their answers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use bytes::Bytes;
use kafka_protocol::messages::FetchRequest;
use tokio::task::JoinSet;

use crate::TopicPartition;
use crate::budget::{Credit, FramePool, MemoryBudget};
use crate::cluster::Cluster;
use crate::error::ClientError;
use crate::fetch::machine::{
    FetchAction, FetchAnswer, FetchError, FetchMachine, FetchSettings, Fetched,
};
use crate::fetch::message::{self, TopicNames};
use crate::fetch::offsets;
use crate::fetch::position::{Leader, OffsetReset, Start};
use crate::net::Connection;
use crate::wire::api::Api;
use crate::wire::message::{decode_body, encode_body};

/// Reads partitions. It lives on the thread that processes what it reads, and holds connections of its own there.
///
/// One fetch per broker is in flight. After [`next`](Self::next) its owner walks the batches, [`advance`](Self::advance)s
/// the positions and calls [`send`](Self::send), so that the brokers work while the records are processed.
#[derive(Debug)]
pub struct Fetcher {
    machine: FetchMachine,
    settings: FetchSettings,
    cluster: Cluster,
    budget: MemoryBudget,
    pool: FramePool,
    connections: BTreeMap<i32, Connection>,
    /// Nodes whose next fetch waits for credit.
    waiting: BTreeSet<i32>,
    work: JoinSet<Done>,
}

/// Something that was under way has ended.
enum Done {
    Connected {
        node: i32,
        result: Result<Connection, ClientError>,
    },
    Credited {
        node: i32,
        credit: Credit,
    },
    Answered {
        node: i32,
        result: Result<FetchAnswer, ClientError>,
    },
    OffsetsFound {
        found: Vec<(TopicPartition, Option<Start>)>,
    },
}

impl Fetcher {
    /// A fetcher that reads nothing yet. Its answers take credit of `budget` and buffers of `pool`.
    pub fn new(
        cluster: Cluster,
        settings: FetchSettings,
        budget: MemoryBudget,
        pool: FramePool,
    ) -> Self {
        Self {
            machine: FetchMachine::new(settings.clone()),
            settings,
            cluster,
            budget,
            pool,
            connections: BTreeMap::new(),
            waiting: BTreeSet::new(),
            work: JoinSet::new(),
        }
    }

    /// Reads these partitions too, each from its start.
    pub fn assign(&mut self, partitions: impl IntoIterator<Item = (TopicPartition, Start)>) {
        for (partition, start) in partitions {
            self.machine.assign(partition, start);
        }
        self.on_metadata();
    }

    /// No longer reads these partitions.
    pub fn unassign<'a>(&mut self, partitions: impl IntoIterator<Item = &'a TopicPartition>) {
        for partition in partitions {
            self.machine.unassign(partition);
        }
    }

    /// Reads `partition` from `start`; what is in flight for it is dropped.
    pub fn seek(&mut self, partition: &TopicPartition, start: Start) {
        self.machine.seek(partition, start);
    }

    /// Stops or resumes fetching of `partition`.
    pub fn set_paused(&mut self, partition: &TopicPartition, paused: bool) {
        self.machine.set_paused(partition, paused);
    }

    /// Everything before `next_offset` has been taken over; the last batch had leader epoch `epoch`.
    pub fn advance(&mut self, partition: &TopicPartition, next_offset: i64, epoch: Option<i32>) {
        self.machine.advance(partition, next_offset, epoch);
    }

    /// The offset that is fetched next, once one is known.
    pub fn position(&self, partition: &TopicPartition) -> Option<i64> {
        self.machine.position(partition)
    }

    /// Starts every fetch that can be sent now and lets it reach the socket. Call it before processing what
    /// [`next`](Self::next) has brought.
    ///
    /// # Errors
    /// A partition has no offset and may not be given one.
    pub async fn send(&mut self) -> Result<(), FetchError> {
        self.start_work(Instant::now())?;
        // The requests are written by tasks of this thread, which have to get their turn before the thread is kept busy.
        for _ in 0..YIELDS_TO_SEND {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Waits for the next answer that holds records.
    ///
    /// # Errors
    /// A partition cannot be read any further without somebody's decision. What came for others with the same answer is
    /// handed out before, and they are read on when this is called again.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped: answers wait for the next call.
    pub async fn next(&mut self) -> Result<Vec<Fetched>, FetchError> {
        loop {
            if let Some(fault) = self.machine.take_fault() {
                return Err(fault);
            }
            let now = Instant::now();
            self.start_work(now)?;
            let deadline = self.machine.next_deadline(now);
            let deadline = async move {
                match deadline {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            let Self { cluster, work, .. } = self;
            tokio::select! {
                Some(done) = work.join_next() => {
                    // A panic in a fetch is a bug; it surfaces on this thread.
                    let Ok(done) = done else { continue };
                    let fetched = self.on_done(done);
                    if !fetched.is_empty() {
                        return Ok(fetched);
                    }
                }
                () = cluster.changed() => self.on_metadata(),
                () = deadline => {}
            }
        }
    }

    fn start_work(&mut self, now: Instant) -> Result<(), FetchError> {
        for action in self.machine.actions(now)? {
            match action {
                FetchAction::RefreshMetadata => self.cluster.request_refresh(),
                FetchAction::Connect { node } => self.connect(node),
                FetchAction::FindOffsets { partitions, reset } => {
                    self.find_offsets(partitions, reset);
                }
            }
        }
        for (node, bytes) in self.machine.idle_nodes(now) {
            if self.waiting.contains(&node) {
                continue;
            }
            let bytes = usize::try_from(bytes)
                .unwrap_or(usize::MAX)
                .min(self.share());
            match self.budget.try_reserve(bytes) {
                Some(credit) => self.fetch(node, credit, now),
                None => self.wait_for_credit(node, bytes),
            }
        }
        Ok(())
    }

    /// The most that one answer may take of the budget: several tasks have two answers each, one in work and one on its way.
    fn share(&self) -> usize {
        self.budget.total_bytes() / BUDGET_SHARES
    }

    fn connect(&mut self, node: i32) {
        let (cluster, pool) = (self.cluster.clone(), self.pool.clone());
        self.work.spawn(async move {
            Done::Connected {
                node,
                result: cluster.open_connection(node, pool).await,
            }
        });
    }

    fn wait_for_credit(&mut self, node: i32, bytes: usize) {
        self.waiting.insert(node);
        let budget = self.budget.clone();
        self.work.spawn(async move {
            Done::Credited {
                node,
                credit: budget.reserve(bytes).await,
            }
        });
    }

    fn find_offsets(&mut self, partitions: Vec<TopicPartition>, reset: OffsetReset) {
        let cluster = self.cluster.clone();
        let isolation = self.settings.isolation;
        self.work.spawn(async move {
            let found = offsets::find(&cluster, partitions, reset, isolation).await;
            Done::OffsetsFound { found }
        });
    }

    fn fetch(&mut self, node: i32, credit: Credit, now: Instant) {
        let Some(connection) = self.connections.get(&node).cloned() else {
            return;
        };
        let Some(request) = self.machine.begin_fetch(node, now) else {
            return;
        };
        let names = TopicNames::of(self.machine.asked(node));
        let encoded = connection.negotiated::<FetchRequest>().and_then(|newest| {
            let version = names.version_for(newest);
            let bytes_max = credit.bytes() as u64;
            let request = message::encode(&request, &self.settings, bytes_max, version);
            Ok((version, encode_body(&request, version)?))
        });
        self.work.spawn(async move {
            let result = match encoded {
                Ok((version, body)) => ask(&connection, version, body, credit, &names).await,
                Err(error) => Err(error),
            };
            Done::Answered { node, result }
        });
    }

    fn on_metadata(&mut self) {
        let metadata = self.cluster.metadata();
        self.machine.on_metadata(|partition| {
            let known = metadata.partition(partition)?;
            Some(Leader {
                node: known.leader?,
                epoch: known.leader_epoch,
                topic_id: known.topic_id,
            })
        });
    }

    fn on_done(&mut self, done: Done) -> Vec<Fetched> {
        let (now, jitter) = (Instant::now(), fastrand::f64());
        match done {
            Done::Connected {
                node,
                result: Ok(connection),
            } => {
                self.connections.insert(node, connection);
                self.machine.on_connected(node);
            }
            Done::Connected {
                node,
                result: Err(error),
            } => {
                tracing::warn!(node, %error, "cannot fetch from this broker; trying again");
                self.machine.on_disconnected(node, now, jitter);
            }
            Done::Credited { node, credit } => {
                self.waiting.remove(&node);
                self.fetch(node, credit, now);
            }
            Done::Answered {
                node,
                result: Ok(answer),
            } => {
                return self.machine.on_answer(node, answer, now, jitter);
            }
            Done::Answered {
                node,
                result: Err(error),
            } => {
                tracing::warn!(node, %error, "fetch failed; trying again");
                self.connections.remove(&node);
                self.machine.on_disconnected(node, now, jitter);
            }
            Done::OffsetsFound { found } => {
                for (partition, start) in found {
                    self.machine.on_offset_found(&partition, start, now, jitter);
                }
            }
        }
        Vec::new()
    }
}

async fn ask(
    connection: &Connection,
    version: i16,
    body: Bytes,
    credit: Credit,
    names: &TopicNames,
) -> Result<FetchAnswer, ClientError> {
    let key = FetchRequest::INFO.key;
    let answer = connection
        .call_frame(key, version, body, Some(credit))
        .await?;
    let response = decode_body::<FetchRequest>(answer, version, connection.address())?;
    Ok(message::decode(response, version, names))
}

/// One answer may take this part of the budget at most: several tasks have two answers each, one in work and one on
/// its way.
const BUDGET_SHARES: usize = 8;

/// A request passes through two tasks on its way to the socket: the one that waits for its answer, and the
/// connection's.
const YIELDS_TO_SEND: usize = 2;

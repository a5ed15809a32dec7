//! Does what the window and the transaction decide: connects, sends, listens.

mod transact;

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::messages::ProduceResponse;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::warn;

pub(super) use self::transact::{Abandonment, Transacting};

use super::error::ProduceError;
use super::idempotence::ask_identity;
use super::message::{self, Answer, Part, Produced, RequestHead};
use super::stamp::ProducerIdentity;
use super::transaction::driver::Told;
use super::transaction::machine::{Protocol, Request};
use super::window::{Batch, Dispatch, Done, Outlook, Retry, Window};
use crate::budget::Credit;
use crate::cluster::Cluster;
use crate::error::ClientError;
use crate::net::{ANY_VERSION, Connection};
use crate::topic_partition::TopicPartition;

/// What a producer's owner wants. Commands are taken in the order they came.
pub(super) enum Command {
    Send(Sent),
    /// A batch was given up before it came here.
    Lost(ProduceError),
    Begin(Call),
    End {
        commits: bool,
        call: Call,
    },
}

/// Where the end of a call is told.
pub(super) type Call = oneshot::Sender<Result<(), ProduceError>>;

/// A batch on its way to the window.
pub(super) struct Sent {
    pub(super) partition: TopicPartition,
    pub(super) bytes: Bytes,
    pub(super) records: i32,
    pub(super) ticket: Ticket,
}

/// Goes with a batch and is torn up when its outcome is known.
pub(super) struct Ticket {
    pub(super) outcome: oneshot::Sender<Vec<Part>>,
    pub(super) _credit: Credit,
}

/// The task behind a producer.
pub(super) struct Driver {
    cluster: Cluster,
    head: RequestHead,
    window: Window<Ticket>,
    transacting: Option<Transacting>,
    connections: BTreeMap<i32, Connection>,
    connecting: BTreeSet<i32>,
    is_asking_identity: bool,
    /// Brokers that could not be reached, and why.
    unreachable: BTreeMap<i32, ClientError>,
    /// Why there is no producer id.
    no_identity: Option<ProduceError>,
    work: JoinSet<Event>,
}

/// The end of something under way.
enum Event {
    Answered(Dispatch<Ticket>, Result<ProduceResponse, ClientError>),
    Connected(i32, Result<Connection, ClientError>),
    Identity(Result<ProducerIdentity, ProduceError>),
    Told(Request, Result<Told, ClientError>),
}

impl Driver {
    pub(super) fn new(
        cluster: Cluster,
        head: RequestHead,
        window: Window<Ticket>,
        transacting: Option<Transacting>,
    ) -> Self {
        Self {
            cluster,
            head,
            window,
            transacting,
            connections: BTreeMap::new(),
            connecting: BTreeSet::new(),
            is_asking_identity: false,
            unreachable: BTreeMap::new(),
            no_identity: None,
            work: JoinSet::new(),
        }
    }

    /// Runs until nobody can give commands any more.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut taken = Vec::new();
        loop {
            self.transact();
            self.ask_identity();
            self.dispatch();
            let cluster = self.cluster.clone();
            let wake_at = self.wake_at();
            let timer = async {
                match wake_at {
                    Some(at) => sleep_until(at).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                count = commands.recv_many(&mut taken, COMMANDS_TOGETHER) => {
                    if count == 0 {
                        return;
                    }
                    for command in taken.drain(..) {
                        self.obey(command);
                    }
                }
                Some(Ok(event)) = self.work.join_next() => self.take(event),
                () = cluster.changed() => {}
                () = Transacting::abandoned(self.transacting.as_ref()) => {}
                () = timer => self.expire(),
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match (command, &mut self.transacting) {
            (Command::Send(sent), None) => self.push(sent),
            (Command::Send(sent), Some(transacting)) => {
                match transacting.machine.on_batch(&sent.partition) {
                    Ok(()) => self.push(sent),
                    Err(error) => sent.ticket.tell(Part::all(Err(error))),
                }
            }
            (Command::Lost(error), Some(transacting)) => {
                transacting.machine.on_batch_failed(&error);
            }
            (Command::Begin(call), Some(transacting)) => transacting.begin(call),
            (Command::End { commits, call }, Some(transacting)) => transacting.end(commits, call),
            // Producers without transactions have no such calls.
            (Command::Lost(_) | Command::Begin(_) | Command::End { .. }, None) => {}
        }
    }

    fn push(&mut self, sent: Sent) {
        let Sent {
            partition,
            bytes,
            records,
            ticket,
        } = sent;
        self.window
            .push(partition, bytes, records, ticket, Instant::now());
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Answered(dispatch, outcome) => {
                let outcome = outcome.map(|response| message::answer(&response));
                self.settle(dispatch, outcome);
            }
            Event::Connected(node_id, outcome) => {
                self.connecting.remove(&node_id);
                match outcome {
                    Ok(connection) => {
                        self.unreachable.remove(&node_id);
                        self.connections.insert(node_id, connection);
                    }
                    Err(error) => {
                        if self.unreachable.get(&node_id) != Some(&error) {
                            warn!(node_id, %error, "no connection for produce requests, retrying");
                        }
                        self.unreachable.insert(node_id, error);
                        self.cluster.request_refresh();
                    }
                }
            }
            Event::Identity(outcome) => self.take_identity(outcome),
            Event::Told(request, outcome) => self.take_reply(&request, outcome),
        }
    }

    fn settle(&mut self, dispatch: Dispatch<Ticket>, outcome: Result<Answer, ClientError>) {
        let (now, random) = (Instant::now(), fastrand::f64());
        let settled = self.window.on_answer(dispatch, outcome, now, random);
        if settled.needs_refresh {
            self.cluster.request_refresh();
        }
        for retry in &settled.retries {
            warn_of(retry);
        }
        self.report(settled.done);
    }

    fn expire(&mut self) {
        let view = self.cluster.metadata();
        let obstacle = |partition: &TopicPartition| -> Option<Arc<str>> {
            let Some(leader) = view.leader(partition) else {
                let partition = partition.clone();
                return Some(ClientError::NoLeader { partition }.to_string().into());
            };
            let unreachable = self.unreachable.get(&leader).map(ToString::to_string);
            let reason = unreachable.or_else(|| self.no_identity.as_ref().map(ToString::to_string));
            reason.map(Arc::from)
        };
        let expired = self.window.expire(Instant::now(), obstacle);
        self.report(expired);
    }

    /// Tells senders what became of their batches, and the transaction of those that failed.
    fn report(&mut self, done: Done<Ticket>) {
        for (batch, outcome) in done {
            if let (Err(error), Some(transacting)) = (&outcome, &mut self.transacting) {
                transacting.machine.on_batch_failed(error);
            }
            tell(batch, outcome);
        }
    }

    fn dispatch(&mut self) {
        self.connections
            .retain(|_, connection| !connection.is_closed());
        let (view, now) = (self.cluster.metadata(), Instant::now());
        let connected: BTreeSet<i32> = self.connections.keys().copied().collect();
        let transacting = self.transacting.as_ref();
        // Without transactions all versions say the same.
        let versions = transacting.map_or(ANY_VERSION, |it| produce_versions(it.protocol()));
        let outlook = Outlook {
            view: &view,
            connected: &connected,
            admitted: transacting.map(|it| it.machine.admitted()),
        };
        let mut failed = Vec::new();
        while let Some(dispatch) = self.window.next_dispatch(outlook, now) {
            let started = match self.connections.get(&dispatch.node_id) {
                Some(connection) => self.head.start(connection, &dispatch, versions),
                None => Err(ClientError::UnknownNode {
                    node_id: dispatch.node_id,
                }),
            };
            match started {
                Ok(answer) => {
                    let answered = async move { Event::Answered(dispatch, answer.await) };
                    self.work.spawn(answered);
                }
                Err(error) => failed.push((dispatch, error)),
            }
        }
        let unconnected = self.window.unconnected(outlook, now);
        for node_id in unconnected {
            self.connect(node_id);
        }
        for (dispatch, error) in failed {
            self.settle(dispatch, Err(error));
        }
    }

    fn connect(&mut self, node_id: i32) {
        if !self.connecting.insert(node_id) {
            return;
        }
        let cluster = self.cluster.clone();
        self.work.spawn(async move {
            let outcome = cluster.node(node_id).await;
            if outcome.is_err() {
                sleep(cluster.settings().reconnect_backoff).await;
            }
            Event::Connected(node_id, outcome)
        });
    }

    fn ask_identity(&mut self) {
        if self.is_asking_identity || !self.window.needs_identity() {
            return;
        }
        self.is_asking_identity = true;
        let cluster = self.cluster.clone();
        self.work.spawn(async move {
            let outcome = ask_identity(&cluster).await;
            if outcome.is_err() {
                sleep(cluster.settings().retry_backoff).await;
            }
            Event::Identity(outcome)
        });
    }

    fn take_identity(&mut self, outcome: Result<ProducerIdentity, ProduceError>) {
        self.is_asking_identity = false;
        match outcome {
            Ok(identity) => {
                self.no_identity = None;
                self.window.set_identity(identity);
            }
            Err(error) if error.is_retriable() => {
                if self.no_identity.as_ref() != Some(&error) {
                    warn!(%error, "no producer id yet, retrying");
                }
                self.no_identity = Some(error);
            }
            Err(error) => {
                let failed = self.window.fail_waiting(&error);
                self.report(failed);
            }
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        let now = Instant::now();
        let transacting = self.transacting.as_ref();
        let coordinator = transacting.and_then(|it| it.machine.wake_at(now));
        let batches = self.window.wake_at(now);
        coordinator.into_iter().chain(batches).min()
    }
}

/// A transaction's batches go out in versions that agree with its protocol.
fn produce_versions(protocol: Protocol) -> (i16, i16) {
    match protocol {
        Protocol::V1 => (0, LAST_PRODUCE_OF_V1),
        Protocol::V2 => (LAST_PRODUCE_OF_V1 + 1, i16::MAX),
    }
}

/// Java's words, as its users look for them.
fn warn_of(retry: &Retry) {
    let Retry {
        partition,
        attempts_left,
        error,
        is_divided,
    } = retry;
    let what = match is_divided {
        true => "splitting and retrying",
        false => "retrying",
    };
    warn!(
        "Got error produce response on topic-partition {partition}, {what} ({attempts_left} attempts left). Error: {error}"
    );
}

impl Ticket {
    fn tell(self, parts: Vec<Part>) {
        // Nobody listens when the acknowledgement was dropped.
        let _unheard = self.outcome.send(parts);
    }
}

fn tell(batch: Batch<Ticket>, outcome: Result<Produced, ProduceError>) {
    let (ticket, parts) = batch.into_parts(outcome);
    ticket.tell(parts);
}

/// Commands taken before the window is looked at, so that one request can hold many batches.
const COMMANDS_TOGETHER: usize = 64;
/// The newest Produce with which partitions do not join a transaction by themselves.
const LAST_PRODUCE_OF_V1: i16 = 11;

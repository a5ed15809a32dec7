//! The herder's way to the other workers: the topics in which they keep what they know, their group, and the REST
//! interface of their leader.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ferrovia_client::group::cohort::CohortSettings;
use ferrovia_client::group::cohort::driver::{
    AssignmentsWanted, CohortEvent, CohortMembership, OffersWanted,
};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use self::config::{ConfigWriter, WriteError};
use self::journal::StatusJournal;
use super::machine::{Action, FencingAction, ForwardFailure, HerderMachine, Moment, Ticket};
use crate::config::SignatureConfig;
use crate::signature;
use crate::storage::config::{ConfigRecord, SessionKey};
use crate::storage::log::{
    LogEvent, LogEvents, PrivilegedWriter, ReadMark, TopicLog, TopicLogError,
};

mod config;
mod journal;

/// How long the status topic may take to get the last words of a worker that ends.
const LAST_WORDS_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the group may take to let a worker go.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(5);

/// What can be asked of the group's leader.
pub trait Leader: Send + Sync {
    /// Has the tasks of a connector written. `key` signs the request.
    fn put_tasks(
        &self,
        url: &str,
        connector: &str,
        tasks: &[BTreeMap<String, String>],
        key: Option<&SessionKey>,
    ) -> Pin<Box<dyn Future<Output = Result<(), ForwardFailure>> + Send>>;

    /// Has older tasks of a source fenced. `key` signs the request.
    fn fence(
        &self,
        url: &str,
        connector: &str,
        key: Option<&SessionKey>,
    ) -> Pin<Box<dyn Future<Output = Result<(), ForwardFailure>> + Send>>;
}

/// What a worker of a cluster works with.
pub struct ClusterParts {
    /// The config topic.
    pub config: (TopicLog, LogEvents),
    /// The status topic.
    pub status: (TopicLog, LogEvents),
    /// The client of the group.
    pub client: ferrovia_client::Cluster,
    /// The group.
    pub group: CohortSettings,
    /// The way to its leader.
    pub leader: Arc<dyn Leader>,
    /// How session keys are made.
    pub signatures: SignatureConfig,
}

/// The way to a cluster while it is being found: brokers may be slow to answer, or be away. Ends with one line that says
/// why there is none.
pub type Opening = Pin<Box<dyn Future<Output = Result<Box<Cluster>, String>>>>;

/// A worker's connections to its cluster.
pub struct Cluster {
    config: ConfigWriter,
    config_events: LogEvents,
    statuses: StatusJournal,
    status_events: LogEvents,
    /// How many of the two topics have not been read to the end they had when this worker came up.
    unread: u8,
    client: ferrovia_client::Cluster,
    settings: CohortSettings,
    /// The group, once the topics were read.
    group: Option<(CohortMembership, mpsc::Receiver<CohortEvent>)>,
    offers: Option<OffersWanted>,
    assignments: Option<AssignmentsWanted>,
    leader: Arc<dyn Leader>,
    signatures: SignatureConfig,
    errands: JoinSet<ClusterEvent>,
}

impl std::fmt::Debug for ClusterParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClusterParts").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").finish_non_exhaustive()
    }
}

/// What is heard of the cluster.
#[derive(Debug)]
pub(super) enum ClusterEvent {
    Config(LogEvent),
    Status(LogEvent),
    Group(CohortEvent),
    Written(Ticket, Result<(), WriteError>),
    Claimed(Ticket, u64, Result<PrivilegedWriter, TopicLogError>),
    ReadToEnd(Ticket),
    Flushed(Ticket),
    Forwarded(Ticket, Result<(), ForwardFailure>),
    RoundForwarded(Ticket, Result<(), ForwardFailure>),
    /// A topic is not read any more.
    Closed(&'static str),
}

impl Cluster {
    /// Joins the group when both topics are read.
    pub fn new(parts: ClusterParts) -> Self {
        let (config, config_events) = parts.config;
        let (status, status_events) = parts.status;
        Self {
            config: ConfigWriter::new(config),
            config_events,
            statuses: StatusJournal::new(status),
            status_events,
            unread: 2,
            client: parts.client,
            settings: parts.group,
            group: None,
            offers: None,
            assignments: None,
            leader: parts.leader,
            signatures: parts.signatures,
            errands: JoinSet::new(),
        }
    }

    /// The next thing that is heard.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub(super) async fn next_event(&mut self) -> ClusterEvent {
        let group = async {
            match &mut self.group {
                Some((_, events)) => events.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            event = self.config_events.next() => {
                event.map_or(ClusterEvent::Closed("config"), ClusterEvent::Config)
            }
            event = self.status_events.next() => {
                event.map_or(ClusterEvent::Closed("status"), ClusterEvent::Status)
            }
            Some(event) = group => ClusterEvent::Group(event),
            event = next_errand(&mut self.errands) => event,
        }
    }

    /// Tells the machine what was heard.
    pub(super) fn tell(
        &mut self,
        event: ClusterEvent,
        machine: &mut HerderMachine,
        at: Moment,
    ) -> Vec<Action> {
        match event {
            ClusterEvent::Config(LogEvent::Record(record)) => {
                let (key, value) = (record.key.as_deref(), record.value.as_deref());
                machine.on_config_record(record.offset, key, value, at)
            }
            ClusterEvent::Status(LogEvent::Record(record)) => {
                let (key, value) = (record.key.as_deref(), record.value.as_deref());
                machine.on_status_record(key, value, at)
            }
            ClusterEvent::Config(LogEvent::ReachedEnd(_)) if !machine.is_caught_up() => {
                info!("Started KafkaConfigBackingStore");
                let actions = machine.on_config_caught_up(at);
                self.topic_was_read(actions)
            }
            ClusterEvent::Status(LogEvent::ReachedEnd(mark)) if mark == ReadMark::OPENED => {
                self.topic_was_read(Vec::new())
            }
            ClusterEvent::Config(LogEvent::ReachedEnd(_))
            | ClusterEvent::Status(LogEvent::ReachedEnd(_)) => Vec::new(),
            ClusterEvent::Config(lost @ LogEvent::Lost { .. })
            | ClusterEvent::Status(lost @ LogEvent::Lost { .. }) => {
                warn!("Records of an internal topic were lost or come again: {lost:?}");
                Vec::new()
            }
            ClusterEvent::Group(event) => self.tell_group(event, machine, at),
            ClusterEvent::Written(ticket, outcome) => {
                let outcome = outcome.map_err(|error| self.config.failure(error));
                machine.on_written(ticket, outcome, at)
            }
            ClusterEvent::Claimed(ticket, claim, outcome) => {
                let outcome = self.config.take(claim, outcome);
                machine.on_claimed(ticket, outcome, at)
            }
            ClusterEvent::ReadToEnd(ticket) => machine.on_read_to_end(ticket, at),
            ClusterEvent::Flushed(ticket) => machine.on_statuses_flushed(ticket, at),
            ClusterEvent::Forwarded(ticket, outcome) => machine.on_forwarded(ticket, outcome, at),
            ClusterEvent::RoundForwarded(ticket, outcome) => {
                machine.on_round_forwarded(ticket, outcome, at)
            }
            ClusterEvent::Closed(topic) => {
                vec![Action::Fail(format!(
                    "the {topic} topic is not read any more"
                ))]
            }
        }
    }

    fn tell_group(
        &mut self,
        event: CohortEvent,
        machine: &mut HerderMachine,
        at: Moment,
    ) -> Vec<Action> {
        match event {
            CohortEvent::OffersWanted(question) => {
                self.offers = Some(question);
                machine.on_offers_wanted(at)
            }
            CohortEvent::AssignmentsWanted(question) => {
                let election = question.election().clone();
                self.assignments = Some(question);
                machine.on_assignments_wanted(&election, at)
            }
            CohortEvent::Assigned(given) => machine.on_assigned(&given, at),
            CohortEvent::Lost(cause) => machine.on_lost(&cause, at),
            CohortEvent::Failed(reason) => vec![Action::Fail(reason.to_string())],
        }
    }

    /// Joins the group when there is nothing left to read.
    fn topic_was_read(&mut self, mut actions: Vec<Action>) -> Vec<Action> {
        self.unread = self.unread.saturating_sub(1);
        if self.unread == 0 && self.group.is_none() {
            match CohortMembership::join(self.client.clone(), self.settings.clone()) {
                Ok(group) => self.group = Some(group),
                Err(reason) => actions.push(Action::Fail(reason.to_string())),
            }
        }
        actions
    }

    /// Does what the machine wants of the cluster.
    pub(super) fn perform(&mut self, action: Action) {
        match action {
            Action::WriteConfig(ticket, records) => self.write_config(ticket, &records),
            Action::ClaimPrivileges(ticket) => self.claim_privileges(ticket),
            Action::ReadConfig(ticket) => {
                let read = self.config.log.read_to_end();
                self.errands.spawn(async move {
                    if let Err(error) = read.await {
                        error!("The config topic could not be read to its end: {error}");
                    }
                    ClusterEvent::ReadToEnd(ticket)
                });
            }
            Action::WriteStatus(record) => self.statuses.write(record),
            Action::FlushStatuses(ticket) => {
                let flushed = self.statuses.flushed();
                self.errands.spawn(async move {
                    let _ = flushed.await;
                    ClusterEvent::Flushed(ticket)
                });
            }
            Action::MakeSessionKey(ticket) => self.make_session_key(ticket),
            Action::ForwardTasks {
                ticket,
                url,
                connector,
                tasks,
                key,
            } => {
                let asked = self
                    .leader
                    .put_tasks(&url, &connector, &tasks, key.as_ref());
                self.errands
                    .spawn(async move { ClusterEvent::Forwarded(ticket, asked.await) });
            }
            Action::Fencing(FencingAction::Forward {
                ticket,
                url,
                connector,
                key,
            }) => {
                let asked = self.leader.fence(&url, &connector, key.as_ref());
                self.errands
                    .spawn(async move { ClusterEvent::RoundForwarded(ticket, asked.await) });
            }
            Action::Offer(offers) => {
                if let Some(question) = self.offers.take() {
                    question.answer(offers);
                }
            }
            Action::Assign(assignments) => {
                if let Some(question) = self.assignments.take() {
                    question.answer(assignments);
                }
            }
            Action::Rejoin(reason) => {
                if let Some((group, _)) = &self.group {
                    group.request_rejoin(&reason);
                }
            }
            Action::StepOut(reason) => {
                if let Some((group, _)) = &self.group {
                    group.step_out(&reason);
                }
            }
            // The herder's own.
            _ => {}
        }
    }

    /// Says the last words, and leaves.
    pub(super) async fn leave(self) {
        let flushed = self.statuses.flushed();
        let _ = tokio::time::timeout(LAST_WORDS_TIMEOUT, flushed).await;
        if let Some((group, events)) = self.group {
            let _ = tokio::time::timeout(LEAVE_TIMEOUT, group.leave()).await;
            drop(events);
        }
    }

    fn claim_privileges(&mut self, ticket: Ticket) {
        let Some((number, claimed)) = self.config.claim() else {
            return;
        };
        let claimed = async move { ClusterEvent::Claimed(ticket, number, claimed.await) };
        self.config.claiming = Some(self.errands.spawn(claimed));
    }

    fn write_config(&mut self, ticket: Ticket, records: &[ConfigRecord]) {
        let written = self.config.write(records);
        self.errands
            .spawn(async move { ClusterEvent::Written(ticket, written.await) });
    }

    fn make_session_key(&mut self, ticket: Ticket) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let created_ms = now.map_or(0, |now| i64::try_from(now.as_millis()).unwrap_or(i64::MAX));
        match signature::generate_key(self.signatures.key_bytes) {
            Ok(key) => {
                let key = SessionKey {
                    key: key.into(),
                    algorithm: self.signatures.key_algorithm.name().into(),
                    created_ms,
                };
                self.write_config(ticket, &[ConfigRecord::SessionKey(key)]);
            }
            Err(error) => {
                let event = ClusterEvent::Written(ticket, Err(WriteError::from(error.to_string())));
                self.errands.spawn(async move { event });
            }
        }
    }
}

/// The end of the next errand that comes to one: a claim may be given up. Pends where there is none.
async fn next_errand(errands: &mut JoinSet<ClusterEvent>) -> ClusterEvent {
    while let Some(ended) = errands.join_next().await {
        if let Ok(event) = ended {
            return event;
        }
    }
    std::future::pending().await
}

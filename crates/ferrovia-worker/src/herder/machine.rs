//! The herder's rules, without doing: what runs on this worker, and what follows from what happens.
//!
//! Events come in by `on_…` with a [`Moment`], and what is to be done comes out as [`Action`]s, in order. Nothing here
//! waits, calls a connector or reads a clock, so thousands of workers can be simulated in one process.
//!
//! The same machine herds a worker that is alone and one of a cluster. A worker that is alone reads its own writes at
//! once and is its own leader; one of a cluster writes to topics, reads what it and others wrote, and follows the
//! assignments of its group.
//!
//! In reading order: `changes` is what users want, `writes` what follows when it is written, and `news` what follows
//! when it is read. `group` is membership, with its `rounds`, the `sync` with the others and its `stage` in words, `lead`
//! what a leader does, with the `privileges` that it may need, and `follow` how an assignment becomes work. `publish` makes
//! tasks of a connector, `fencing` and `permits` see to it that a source's tasks are alone, `restart` and `revive` restart,
//! `statuses` tells how it goes, and `reads` answers users.
//!
//! # Source
//! `DistributedHerder`, `StandaloneHerder`, `AbstractHerder` and `WorkerCoordinator` of Kafka 4.2

mod changes;
mod fencing;
mod follow;
mod group;
mod lead;
mod news;
mod permits;
mod privileges;
mod publish;
mod reads;
mod restart;
mod revive;
mod rounds;
mod rules;
mod stage;
mod statuses;
mod sync;
mod writes;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ferrovia_client::group::cohort::Offer;

use self::changes::Step;
use self::fencing::FencingRounds;
use self::group::Group;
use self::news::News;
use self::permits::Applicants;
use self::publish::{Named, Publishing};
use self::revive::Revivals;
use self::writes::{TasksWrite, Then};
use super::catalog::ConnectorCatalog;
use super::request::{ConnectorOffset, HerderError, Outcome};
use super::runner::TaskEvent;
use super::validation::GivenSettings;
use super::work::{Run, Work, WorkAction};
use crate::config::Settings;
use crate::logging::Level;
use crate::status::TaskId;
use crate::storage::config::{ConfigFold, ConfigRecord, RestartRequest, SessionKey};
use crate::storage::status::{StatusFold, StatusRecord};

pub use self::fencing::{FencingAction, FencingFailure};
pub use self::privileges::WriteFailure;
pub use self::publish::ForwardFailure;
pub use self::rules::{ClusterRules, Rules};

/// When something happened. Machines have no clock of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Time since any fixed point.
    pub now: Duration,
    /// Milliseconds since 1970.
    pub wall_ms: i64,
}

/// Which request an answer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// Ties an event to the action that it is the end of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// What the driver is to do.
#[derive(Clone, Debug)]
pub enum Action {
    /// For the connectors and tasks of this worker.
    Work(WorkAction),
    /// Write to the config topic, read it to its end, then call [`HerderMachine::on_written`].
    WriteConfig(Ticket, Vec<ConfigRecord>),
    /// Read the config topic to its end, then call [`HerderMachine::on_read_to_end`].
    ReadConfig(Ticket),
    /// Write to the status topic. Nobody waits for it.
    WriteStatus(StatusRecord),
    /// Call [`HerderMachine::on_statuses_flushed`] when all statuses so far are written.
    FlushStatuses(Ticket),
    /// Take the right to write to the config topic as the leader, then call [`HerderMachine::on_claimed`].
    ClaimPrivileges(Ticket),
    /// Make a session key and write it to the config topic, then call [`HerderMachine::on_written`].
    MakeSessionKey(Ticket),
    /// Check settings, then call [`HerderMachine::on_checked`].
    Check(Ticket, GivenSettings),
    /// Ask the leader to write the tasks of a connector, then call [`HerderMachine::on_forwarded`].
    ForwardTasks {
        /// Goes back with the answer.
        ticket: Ticket,
        /// The leader's REST address.
        url: Arc<str>,
        /// The connector.
        connector: Arc<str>,
        /// The settings of each task.
        tasks: Vec<BTreeMap<String, String>>,
        /// What signs the request, if there is a key.
        key: Option<SessionKey>,
    },
    /// For sources that are exactly once.
    Fencing(FencingAction),
    /// Join the group with this.
    Offer(Vec<Offer>),
    /// Tell the group's members what they get.
    Assign(Vec<(Arc<str>, Bytes)>),
    /// Ask for another round.
    Rejoin(String),
    /// Stay out of the group until the next [`Rejoin`](Self::Rejoin).
    StepOut(String),
    /// Set the level of loggers.
    SetLogLevel(Arc<str>, Level),
    /// Change the offsets of a stopped connector, and answer the request; no offsets means all of them are forgotten.
    ModifyOffsets {
        /// Whom to answer.
        request: RequestId,
        /// The connector.
        connector: Arc<str>,
        /// Its settings as written.
        settings: Arc<Settings>,
        /// The offsets.
        offsets: Option<Vec<ConnectorOffset>>,
    },
    /// Answer a request.
    Reply(RequestId, Result<Outcome, HerderError>),
    /// The worker cannot go on.
    Fail(String),
    /// All has ended: leave the group, answer those who wait for the end, and end too.
    Finish,
}

/// Where the worker is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// The topics are being read, or the connectors of the command line made.
    Starting,
    Ready,
    /// Everything is being stopped.
    Stopping,
    Finished,
}

/// A request that waits for the group to settle.
#[derive(Debug)]
struct Parked {
    request: RequestId,
    step: Step,
    until: Duration,
}

/// What a herder knows.
pub struct HerderMachine {
    rules: Rules,
    catalog: Arc<dyn ConnectorCatalog>,
    config: ConfigFold,
    statuses: StatusFold,
    work: Work,
    group: Group,
    phase: Phase,
    /// What was read and not yet acted on.
    news: News,
    /// Why what runs has to be shared out anew.
    needs_rebalance: Option<&'static str>,
    parked: Vec<Parked>,
    pending: BTreeMap<Ticket, Then>,
    last_ticket: u64,
    publishing: BTreeMap<Arc<str>, Publishing>,
    named: Named,
    /// Connectors whose tasks are being written, with those tasks that are to be written next.
    writing_tasks: BTreeMap<Arc<str>, VecDeque<TasksWrite>>,
    rounds: FencingRounds,
    applicants: Applicants,
    restarts: BTreeMap<Arc<str>, RestartRequest>,
    revivals: Revivals,
    /// Those who wait for a connector to have started.
    starting: BTreeMap<Arc<str>, Vec<(RequestId, Started)>>,
    /// Those who wait for a task to have begun.
    beginning: BTreeMap<TaskId, Vec<RequestId>>,
    /// Those who wait until nothing of a connector runs; of a worker alone.
    ending: Vec<(RequestId, Arc<str>)>,
    has_orphans: bool,
    actions: Vec<Action>,
}

/// What is answered when a connector has started.
#[derive(Clone, Copy, Debug)]
enum Started {
    Done,
    Connector { is_new: bool },
}

impl std::fmt::Debug for HerderMachine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HerderMachine")
            .field("group", &self.group)
            .field("phase", &self.phase)
            .field("config", &self.config)
            .field("work", &self.work)
            .finish_non_exhaustive()
    }
}

impl HerderMachine {
    /// A worker that comes up.
    pub fn new(rules: Rules, catalog: Arc<dyn ConnectorCatalog>) -> Self {
        let mut config = ConfigFold::new();
        if rules.cluster.is_none() {
            // There is no history.
            config.catch_up();
        }
        Self {
            catalog,
            config,
            statuses: StatusFold::new(),
            work: Work::new(rules.task_stop_timeout),
            group: Group::new(&rules),
            phase: Phase::Starting,
            news: News::default(),
            needs_rebalance: None,
            parked: Vec::new(),
            pending: BTreeMap::new(),
            last_ticket: 0,
            publishing: BTreeMap::new(),
            named: Named::default(),
            writing_tasks: BTreeMap::new(),
            rounds: FencingRounds::new(),
            applicants: Applicants::default(),
            restarts: BTreeMap::new(),
            revivals: Revivals::default(),
            starting: BTreeMap::new(),
            beginning: BTreeMap::new(),
            ending: Vec::new(),
            has_orphans: false,
            actions: Vec::new(),
            rules,
        }
    }

    /// The worker has come up: its topics were read, and all connectors of the command line made.
    pub fn on_ready(&mut self, at: Moment) -> Vec<Action> {
        if self.phase == Phase::Starting {
            self.phase = Phase::Ready;
        }
        self.finish(at)
    }

    /// Whether the history of the config topic was read.
    pub fn is_caught_up(&self) -> bool {
        self.config.is_caught_up()
    }

    /// Whether the worker has come up and, in a cluster, has joined it.
    pub fn is_ready(&self) -> bool {
        self.phase == Phase::Ready && self.group.has_settled_once()
    }

    /// Something happened to the work.
    pub fn on_work(&mut self, event: WorkEvent, at: Moment) -> Vec<Action> {
        match event {
            WorkEvent::ConnectorStarted(name, run, outcome) => {
                let failure = outcome.clone().err();
                let work = self.work.on_connector_started(&name, run, outcome, at.now);
                self.do_work(work);
                if let Some(trace) = failure {
                    self.tell_start_failed(&name, &trace);
                    if !self.work.will_connector_run(&name) {
                        self.forget_publishing(&name);
                    }
                }
            }
            WorkEvent::ConnectorStopped(name, run, outcome) => {
                let work = self.work.on_connector_stopped(&name, run, outcome);
                self.do_work(work);
            }
            WorkEvent::TasksNamed(name, run, outcome) => {
                // Tasks of older settings may be named late.
                if self.work.is_connector_in(&name, run) {
                    self.on_tasks_named(&name, outcome, at);
                } else if !self.work.will_connector_run(&name) {
                    self.forget_publishing(&name);
                }
            }
            WorkEvent::TasksOutdated(name, run) => {
                if self.work.is_connector_in(&name, run) {
                    let asked = self.work.ask_tasks(&name);
                    self.do_work(asked.into_iter().collect());
                }
            }
            WorkEvent::ConnectorFailed(name, run, trace) => {
                if self.work.is_connector_in(&name, run) {
                    // It did start.
                    self.tell_started(&name);
                    let work = self.work.fail_connector(&name, trace);
                    self.do_work(work);
                }
            }
            WorkEvent::Task(id, run, TaskEvent::Asks(permission)) => {
                self.on_permission_asked(&id, run, permission, at);
            }
            WorkEvent::Task(id, run, event) => {
                let work = self.work.on_task_event(&id, run, event);
                self.note_failures(&work, at);
                self.do_work(work);
            }
            WorkEvent::UsedTopic(id, topic) => self.on_topic_used(&id, &topic, at),
        }
        self.finish(at)
    }

    /// The worker shall end.
    pub fn on_stop(&mut self, at: Moment) -> Vec<Action> {
        if self.phase < Phase::Stopping {
            self.phase = Phase::Stopping;
            self.revivals = Revivals::default();
            for parked in std::mem::take(&mut self.parked) {
                self.reply(parked.request, Err(HerderError::Stopping));
            }
            for (request, _) in std::mem::take(&mut self.starting).into_values().flatten() {
                self.reply(request, Err(HerderError::Stopping));
            }
            self.follow(&[], &[], at);
        }
        self.finish(at)
    }

    /// A deadline of [`next_deadline`](Self::next_deadline) may have passed. Calling it too often does no harm.
    pub fn on_time(&mut self, at: Moment) -> Vec<Action> {
        let work = self.work.on_time(at.now);
        self.do_work(work);
        self.check_group(at);
        self.check_publishing(at);
        self.check_rounds(at);
        self.revive(at);
        let (late, parked) = std::mem::take(&mut self.parked)
            .into_iter()
            .partition(|parked| parked.until <= at.now);
        self.parked = parked;
        for Parked { request, .. } in late {
            self.reply(request, Err(HerderError::TimedOut(None)));
        }
        self.finish(at)
    }

    /// When [`on_time`](Self::on_time) has something to do next.
    pub fn next_deadline(&self) -> Option<Duration> {
        let parked = self.parked.iter().map(|parked| parked.until).min();
        let all = [
            self.work.next_deadline(),
            self.group_deadline(),
            self.claim_deadline(),
            self.publishing_deadline(),
            self.revivals.deadline(),
            self.rounds_deadline(),
            self.applicants.deadline(),
            parked,
        ];
        all.into_iter().flatten().min()
    }

    /// Every event ends here: whatever can follow now does, and what is to be done is handed out.
    fn finish(&mut self, at: Moment) -> Vec<Action> {
        if self.phase < Phase::Stopping {
            self.take_news(at);
            self.mend_tasks(at);
            self.share_out(at);
            self.advance_group();
            self.claim_privileges(at);
            self.lead(at);
            self.process_restarts(at);
            self.retry_rounds(at);
            self.unpark(at);
        }
        self.tell_of_ends();
        self.tell_of_lost_starts();
        self.bury_orphans();
        if self.phase == Phase::Stopping && self.work.is_over() {
            self.phase = Phase::Finished;
            self.actions.push(Action::Finish);
        }
        std::mem::take(&mut self.actions)
    }

    fn reply(&mut self, request: RequestId, answer: Result<Outcome, HerderError>) {
        self.actions.push(Action::Reply(request, answer));
    }

    fn ticket(&mut self, then: Then) -> Ticket {
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        self.pending.insert(ticket, then);
        ticket
    }

    /// Has work done, and tells those who wait for a task to begin.
    fn do_work(&mut self, work: Vec<WorkAction>) {
        for action in work {
            match action {
                WorkAction::ConnectorIs(name, state, trace) => {
                    self.tell_connector(&name, state, trace);
                }
                WorkAction::TaskIs(id, state, trace) => self.tell_task(&id, state, trace),
                WorkAction::StartTask { id, run, wish } => {
                    self.revivals.on_begun(&id);
                    if self.is_exactly_once(&id.connector) {
                        self.applicants.on_begun(&id, run, wish.generation);
                    }
                    for request in self.beginning.remove(&id).unwrap_or_default() {
                        self.reply(request, Ok(Outcome::Done));
                    }
                    let start = WorkAction::StartTask { id, run, wish };
                    self.actions.push(Action::Work(start));
                }
                action => self.actions.push(Action::Work(action)),
            }
        }
    }
}

/// What happened to the work of this worker.
#[derive(Clone, Debug)]
pub enum WorkEvent {
    /// A connector was started, or failed to with a trace.
    ConnectorStarted(Arc<str>, Run, Result<(), String>),
    /// A connector was stopped, or failed to with a trace.
    ConnectorStopped(Arc<str>, Run, Result<(), String>),
    /// A connector said which tasks it wants, or failed to with a trace.
    TasksNamed(Arc<str>, Run, Result<WantedTasks, String>),
    /// A connector wants to name its tasks anew.
    TasksOutdated(Arc<str>, Run),
    /// A connector that runs says that it has failed.
    ConnectorFailed(Arc<str>, Run, String),
    /// A task said something.
    Task(TaskId, Run, TaskEvent),
    /// A task used a topic.
    UsedTopic(TaskId, Arc<str>),
}

/// The tasks that a connector wants to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedTasks {
    /// The settings of each.
    pub configs: Vec<BTreeMap<String, String>>,
    /// How many it may have.
    pub max: usize,
    /// Whether it fails when it wants more.
    pub is_max_enforced: bool,
}

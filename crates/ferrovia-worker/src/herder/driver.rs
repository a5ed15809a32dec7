//! Runs a [`HerderMachine`]: takes requests, reports and what the cluster says, and does what the machine wants.
//!
//! One loop on the control thread. It never waits for anything but the next event, so users are answered at once from
//! what the worker knows, however slow a connector, a broker or another worker is.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::info;

use super::cluster::{Cluster, ClusterEvent, Opening};
use super::crew::{Crew, CrewEvent};
use super::handle::{HerderHandle, Reply, Request};
use super::machine::{
    Action, FencingAction, FencingFailure, HerderMachine, Moment, RequestId, Rules, Ticket,
};
use super::offsets::ConnectorOffsets;
use super::request::{ConnectorOffset, HerderError, Outcome};
use super::runner::TaskRunner;
use super::stage::Stages;
use super::validation::{Admission, ConfigInfos, ConnectorValidator};
use crate::config::{InitialState, Settings};
use crate::logging::Loggers;
use crate::storage::offsets::OffsetStore;

/// The longest sleep of a herder that waits for nothing.
const LONGEST_SLEEP: Duration = Duration::from_secs(3600);

/// Runs connectors on this worker. Made with its handle, then [run](Self::run) until it is told to stop.
pub struct Herder<R> {
    machine: HerderMachine,
    crew: Crew<R>,
    validator: Arc<ConnectorValidator>,
    offsets: ConnectorOffsets,
    loggers: Loggers,
    requests: mpsc::Receiver<Request>,
    replies: BTreeMap<RequestId, Reply<Result<Outcome, HerderError>>>,
    last_request: u64,
    /// What is under way beside the loop.
    errands: JoinSet<Done>,
    /// The way to the other workers that is not there yet.
    opening: Option<Opening>,
    cluster: Option<Box<Cluster>>,
    stages: Stages,
    stoppers: Vec<Reply<()>>,
    started: Instant,
    is_finished: bool,
    failure: Option<String>,
}

/// What an errand came to.
enum Done {
    Admitted(Ticket, Result<Admission, HerderError>),
    Validated(
        Reply<Result<ConfigInfos, HerderError>>,
        Result<ConfigInfos, HerderError>,
    ),
    OffsetsRead(
        Reply<Result<Vec<ConnectorOffset>, HerderError>>,
        Result<Vec<ConnectorOffset>, HerderError>,
    ),
    OffsetsModified(RequestId, Result<Outcome, HerderError>),
    Fenced(Ticket, Result<(), FencingFailure>),
}

enum Event {
    Request(Request),
    Crew(CrewEvent),
    Done(Done),
    Opened(Result<Box<Cluster>, String>),
    Cluster(ClusterEvent),
    Time,
}

/// What a herder works with.
pub struct HerderParts<R> {
    /// What it goes by.
    pub rules: Rules,
    /// Runs its tasks.
    pub runner: R,
    /// Checks settings.
    pub validator: Arc<ConnectorValidator>,
    /// Reads and changes the offsets of connectors.
    pub offsets: ConnectorOffsets,
    /// Where the offsets of sources are kept.
    pub source_offsets: OffsetStore,
    /// The levels of loggers.
    pub loggers: Loggers,
    /// The way to the other workers; `None` for a worker that is alone. Users are answered while it is found.
    pub cluster: Option<Opening>,
}

impl<R> std::fmt::Debug for HerderParts<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HerderParts").finish_non_exhaustive()
    }
}

impl<R> std::fmt::Debug for Herder<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Herder")
            .field("machine", &self.machine)
            .finish_non_exhaustive()
    }
}

impl<R: TaskRunner> Herder<R> {
    /// A herder without connectors.
    pub fn new(parts: HerderParts<R>) -> (Self, HerderHandle) {
        let (handle, requests) = HerderHandle::channel();
        let validator = parts.validator;
        let machine = HerderMachine::new(parts.rules, validator.catalog());
        let herder = Self {
            machine,
            crew: Crew::new(parts.runner, Arc::clone(&validator), parts.source_offsets),
            validator,
            offsets: parts.offsets,
            loggers: parts.loggers,
            requests,
            replies: BTreeMap::new(),
            last_request: 0,
            errands: JoinSet::new(),
            opening: parts.cluster,
            cluster: None,
            stages: handle.stages().clone(),
            stoppers: Vec::new(),
            started: Instant::now(),
            is_finished: false,
            failure: None,
        };
        (herder, handle)
    }

    /// Works until somebody asks it to stop and everything has stopped, or nobody can ask any more.
    ///
    /// # Errors
    /// Why it could not go on.
    pub async fn run(mut self) -> Result<(), String> {
        info!("Herder started");
        while !self.is_finished && self.failure.is_none() {
            let Some(event) = self.next_event().await else {
                break;
            };
            let actions = self.handle(event).await;
            for action in actions {
                self.perform(action).await;
            }
        }
        if let Some(cluster) = self.cluster.take() {
            cluster.leave().await;
        }
        self.crew.dismiss();
        info!("Herder stopped");
        for stopper in self.stoppers {
            // Whoever asked may be gone.
            let _ = stopper.send(());
        }
        self.failure.map_or(Ok(()), Err)
    }

    async fn next_event(&mut self) -> Option<Event> {
        let elapsed = self.started.elapsed();
        let deadline = self.machine.next_deadline().unwrap_or(Duration::MAX);
        let rest = deadline.saturating_sub(elapsed).min(LONGEST_SLEEP);
        let opening = async {
            match &mut self.opening {
                Some(opening) => opening.await,
                None => std::future::pending().await,
            }
        };
        let cluster = async {
            match &mut self.cluster {
                Some(cluster) => cluster.next_event().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            event = self.crew.next() => Some(Event::Crew(event)),
            opened = opening => Some(Event::Opened(opened)),
            event = cluster => Some(Event::Cluster(event)),
            Some(Ok(done)) = self.errands.join_next() => Some(Event::Done(done)),
            request = self.requests.recv() => request.map(Event::Request),
            () = tokio::time::sleep(rest) => Some(Event::Time),
        }
    }

    async fn handle(&mut self, event: Event) -> Vec<Action> {
        let at = self.moment();
        // Time first: what comes late must not look as if it came in time.
        let mut actions = self.machine.on_time(at);
        actions.extend(match event {
            Event::Time => Vec::new(),
            Event::Crew(event) => match self.crew.take(event).await {
                Some(event) => self.machine.on_work(event, at),
                None => Vec::new(),
            },
            Event::Request(request) => self.on_request(request, at),
            Event::Cluster(event) => match &mut self.cluster {
                Some(cluster) => cluster.tell(event, &mut self.machine, at),
                None => Vec::new(),
            },
            Event::Opened(opened) => self.on_opened(opened),
            Event::Done(done) => self.on_done(done, at),
        });
        self.stages.tell(self.machine.stage(), at.wall_ms);
        actions
    }

    fn on_opened(&mut self, opened: Result<Box<Cluster>, String>) -> Vec<Action> {
        self.opening = None;
        match opened {
            Ok(cluster) => {
                self.cluster = Some(cluster);
                Vec::new()
            }
            Err(reason) => vec![Action::Fail(reason)],
        }
    }

    fn on_done(&mut self, done: Done, at: Moment) -> Vec<Action> {
        // Whoever asked may be gone; then nobody misses the answer.
        match done {
            Done::Admitted(ticket, admission) => {
                return self.machine.on_checked(ticket, admission, at);
            }
            Done::Validated(reply, infos) => drop(reply.send(infos)),
            Done::OffsetsRead(reply, offsets) => drop(reply.send(offsets)),
            Done::OffsetsModified(request, outcome) => self.reply(request, outcome),
            Done::Fenced(ticket, outcome) => return self.machine.on_fenced(ticket, outcome, at),
        }
        Vec::new()
    }

    fn on_request(&mut self, request: Request, at: Moment) -> Vec<Action> {
        let machine = &mut self.machine;
        match request {
            Request::Overview(reply) => drop(reply.send(machine.overview())),
            Request::Info(name, reply) => drop(reply.send(machine.info(&name))),
            Request::Tasks(name, reply) => drop(reply.send(machine.tasks(&name))),
            Request::Status(name, reply) => drop(reply.send(machine.status(&name))),
            Request::TaskStatus(id, reply) => drop(reply.send(machine.task_status(&id).cloned())),
            Request::Topics(name, reply) => drop(reply.send(machine.topics(&name))),
            Request::Offsets(name, reply) => self.read_offsets(&name, reply),
            Request::Plugins(reply) => drop(reply.send(self.validator.plugins().all().to_vec())),
            Request::PluginConfig(name, version, reply) => {
                drop(reply.send(self.validator.plugin_config(&name, &version)));
            }
            Request::Validate(settings, reply) => {
                let validator = Arc::clone(&self.validator);
                self.errands.spawn_blocking(move || {
                    let infos = guarded(|| validator.validate(&settings));
                    Done::Validated(reply, infos)
                });
            }
            Request::Change(change, reply) => {
                self.last_request += 1;
                let request = RequestId(self.last_request);
                self.replies.insert(request, reply);
                return self.machine.on_change(request, change, at);
            }
            Request::IsReady(reply) => drop(reply.send(machine.is_ready())),
            Request::Ready(reply) => {
                let actions = machine.on_ready(at);
                let _ = reply.send(());
                return actions;
            }
            Request::Stop(reply) => {
                info!("Herder stopping");
                self.stoppers.push(reply);
                return machine.on_stop(at);
            }
        }
        Vec::new()
    }

    async fn perform(&mut self, action: Action) {
        match action {
            Action::Work(work) => self.crew.perform(work).await,
            Action::Fencing(FencingAction::Answer(id, outcome)) => {
                self.crew.permit_task(&id, outcome).await;
            }
            Action::Fencing(FencingAction::Fence {
                ticket,
                connector,
                settings,
                tasks,
            }) => {
                let fenced = self.offsets.fence(connector, settings, tasks);
                self.errands
                    .spawn(async move { Done::Fenced(ticket, fenced.await) });
            }
            Action::Check(ticket, settings) => {
                let validator = Arc::clone(&self.validator);
                self.errands.spawn_blocking(move || {
                    let admit = || validator.admit(&settings, InitialState::default());
                    Done::Admitted(ticket, guarded(admit))
                });
            }
            Action::Reply(request, answer) => self.reply(request, answer),
            Action::SetLogLevel(namespace, level) => {
                self.loggers.set(&namespace, level);
            }
            Action::ModifyOffsets {
                request,
                connector,
                settings,
                offsets,
            } => self.modify_offsets(request, &connector, settings, offsets),
            // Whoever runs this says why.
            Action::Fail(reason) => self.failure = Some(reason),
            Action::Finish => self.is_finished = true,
            action => {
                if let Some(cluster) = &mut self.cluster {
                    cluster.perform(action);
                }
            }
        }
    }

    fn read_offsets(
        &mut self,
        name: &str,
        reply: Reply<Result<Vec<ConnectorOffset>, HerderError>>,
    ) {
        let settings = match self.machine.settings(name) {
            Ok(settings) => Settings::from(settings.as_ref().clone()),
            Err(error) => return drop(reply.send(Err(error))),
        };
        let read = self.offsets.read(Arc::from(name), settings);
        self.errands
            .spawn(async move { Done::OffsetsRead(reply, read.await) });
    }

    fn modify_offsets(
        &mut self,
        request: RequestId,
        connector: &Arc<str>,
        settings: Arc<Settings>,
        offsets: Option<Vec<ConnectorOffset>>,
    ) {
        let connector = Arc::clone(connector);
        let modified = self.offsets.modify(connector, settings, offsets);
        self.errands.spawn(async move {
            let outcome = modified.await.map(Outcome::Message);
            Done::OffsetsModified(request, outcome)
        });
    }

    fn reply(&mut self, request: RequestId, answer: Result<Outcome, HerderError>) {
        if let Some(reply) = self.replies.remove(&request) {
            let answer = match answer {
                Err(HerderError::TimedOut(None)) => {
                    Err(HerderError::TimedOut(self.stages.summary()))
                }
                answer => answer,
            };
            let _ = reply.send(answer);
        }
    }

    fn moment(&self) -> Moment {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH);
        let wall_ms = wall.map_or(0, |wall| wall.as_millis());
        Moment {
            now: self.started.elapsed(),
            wall_ms: i64::try_from(wall_ms).unwrap_or(i64::MAX),
        }
    }
}

/// Calls code of plugins, which may panic.
fn guarded<T>(call: impl FnOnce() -> Result<T, HerderError>) -> Result<T, HerderError> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| {
        Err(HerderError::Failed(
            "a plugin panicked while its settings were checked".to_owned(),
        ))
    })
}

#[cfg(test)]
mod tests;

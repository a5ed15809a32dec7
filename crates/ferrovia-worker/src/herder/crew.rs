//! Does what the work needs: calls connectors on threads that may block, and has tasks run.
//!
//! Nothing here waits for a connector's code: it may hang, and the thread that runs this keeps the heartbeats of all.

mod start;

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use ferrovia_pipeline::error::ConnectError;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tracing::{Instrument, error, info};

use self::start::Start;
use super::code::ConnectorCode;
use super::machine::{WantedTasks, WorkEvent};
use super::request::HerderError;
use super::runner::{REPORTS_MAX, TaskEvent, TaskReport, TaskReports, TaskRunner, TaskStart};
use super::signals::Signals;
use super::validation::ConnectorValidator;
use super::work::{Run, TaskWish, WorkAction};
use crate::config::Settings;
use crate::logging::{connector_span, task_span};
use crate::status::{State, TaskId};
use crate::storage::offsets::OffsetStore;

/// A connector that was made. Its code is called by one thread at a time.
type Shared = Arc<Mutex<ConnectorCode>>;

/// Those who do the work.
pub(super) struct Crew<R> {
    runner: R,
    validator: Arc<ConnectorValidator>,
    /// Where the offsets of sources are kept.
    offsets: OffsetStore,
    /// What connectors say by themselves.
    signals: Signals,
    /// The connectors that are naming their tasks, and with which settings they are to do so once more.
    naming: BTreeMap<Run, Option<Arc<Settings>>>,
    /// The connectors that were started.
    connectors: BTreeMap<Arc<str>, (Run, Shared)>,
    /// The starts that somebody waits for. One that is dropped waits for no offsets any more.
    starting: BTreeMap<Run, oneshot::Sender<Infallible>>,
    calls: JoinSet<Called>,
    /// Tasks whose settings are being looked up, and whether they begin waiting.
    preparing: BTreeMap<TaskId, (Run, bool)>,
    /// What happened and was not told yet.
    to_tell: VecDeque<WorkEvent>,
    reports: mpsc::Receiver<TaskReport>,
    /// For the tasks that are begun.
    reporting: mpsc::Sender<TaskReport>,
    /// Whether something was given up that did not end in time.
    has_abandoned: bool,
}

/// What is heard of those who work.
pub(super) enum CrewEvent {
    Told(WorkEvent),
    Called(Called),
}

/// What a call to a connector's code came to.
pub(super) enum Called {
    Started(Arc<str>, Run, Result<Shared, String>),
    Named(Arc<str>, Run, Result<WantedTasks, String>),
    Other(WorkEvent),
    Prepared(TaskId, Run, Result<Box<TaskStart>, String>),
}

impl<R: TaskRunner> Crew<R> {
    pub(super) fn new(runner: R, validator: Arc<ConnectorValidator>, offsets: OffsetStore) -> Self {
        let (reporting, reports) = mpsc::channel(REPORTS_MAX);
        Self {
            runner,
            validator,
            offsets,
            signals: Signals::default(),
            naming: BTreeMap::new(),
            connectors: BTreeMap::new(),
            starting: BTreeMap::new(),
            calls: JoinSet::new(),
            preparing: BTreeMap::new(),
            to_tell: VecDeque::new(),
            reports,
            reporting,
            has_abandoned: false,
        }
    }

    /// Begins to do it.
    pub(super) async fn perform(&mut self, action: WorkAction) {
        match action {
            WorkAction::StartConnector {
                name,
                run,
                settings,
            } => self.start_connector(name, run, settings),
            WorkAction::AskTasks {
                name,
                run,
                settings,
            } => self.ask_tasks(name, run, settings),
            WorkAction::StopConnector(name, run) => self.stop_connector(name, run),
            WorkAction::AbandonConnector(name, run) => self.abandon_connector(name, run),
            WorkAction::StartTask { id, run, wish } => self.prepare_task(id, run, wish),
            WorkAction::StopTask(id, run) => {
                let span = task_span(&id);
                self.stop_task(id, run).instrument(span).await;
            }
            WorkAction::PauseTask(id, run) => self.pause_task(&id, run, true).await,
            WorkAction::ResumeTask(id, run) => self.pause_task(&id, run, false).await,
            WorkAction::AbandonTask(id, _) => {
                error!("Graceful stop of task {id} failed.");
                self.has_abandoned = true;
            }
            // The machine tells these itself.
            WorkAction::ConnectorIs(..) | WorkAction::TaskIs(..) => {}
        }
    }

    /// Tells a task that it has what it asked for, or why not.
    pub(super) async fn permit_task(&mut self, id: &TaskId, outcome: Result<(), String>) {
        self.runner.permit_task(id, outcome).await;
    }

    /// Waits for the next thing that happens. Never ends by itself.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub(super) async fn next(&mut self) -> CrewEvent {
        if let Some(event) = self.to_tell.pop_front() {
            return CrewEvent::Told(event);
        }
        tokio::select! {
            Some(report) = self.reports.recv() => CrewEvent::Told(of_report(report)),
            Some(Ok(called)) = self.calls.join_next() => CrewEvent::Called(called),
            said = self.signals.next(|run| self.starting.contains_key(run)) => CrewEvent::Told(said),
        }
    }

    /// What an event means for the work, if anything. A task that is ready is begun.
    pub(super) async fn take(&mut self, event: CrewEvent) -> Option<WorkEvent> {
        match event {
            CrewEvent::Told(event) | CrewEvent::Called(Called::Other(event)) => Some(event),
            CrewEvent::Called(Called::Started(name, run, Ok(connector)))
                if self.starting.remove(&run).is_none() =>
            {
                info!("Connector {name} was given up while it started");
                self.stop(name, run, connector);
                None
            }
            CrewEvent::Called(Called::Started(name, run, Ok(connector))) => {
                self.connectors.insert(Arc::clone(&name), (run, connector));
                Some(WorkEvent::ConnectorStarted(name, run, Ok(())))
            }
            CrewEvent::Called(Called::Started(name, run, Err(trace))) => {
                self.starting.remove(&run);
                let span = connector_span(&name);
                span.in_scope(|| error!("Error while starting connector {name}: {trace}"));
                Some(WorkEvent::ConnectorStarted(name, run, Err(trace)))
            }
            CrewEvent::Called(Called::Named(name, run, wanted)) => {
                if let Some(settings) = self.naming.remove(&run).flatten() {
                    self.ask_tasks(Arc::clone(&name), run, settings);
                }
                Some(WorkEvent::TasksNamed(name, run, wanted))
            }
            CrewEvent::Called(Called::Prepared(id, run, prepared)) => {
                self.start_task(id, run, prepared).await;
                None
            }
        }
    }

    /// Everything has ended that was not given up.
    pub(super) fn dismiss(self) {
        if self.has_abandoned {
            // Dropping a runner waits for its threads, and these may never end.
            std::mem::forget(self.runner);
        }
    }

    fn start_connector(&mut self, name: Arc<str>, run: Run, settings: Arc<Settings>) {
        let span = connector_span(&name);
        let class = settings.text("connector.class").unwrap_or_default();
        span.in_scope(|| info!("Creating connector {name} of type {class}"));
        let (waiting, given_up) = oneshot::channel();
        self.starting.insert(run, waiting);
        let voice = self.signals.clone();
        let start = Start {
            name: Arc::clone(&name),
            settings,
            validator: Arc::clone(&self.validator),
            offsets: self.offsets.clone(),
            voice: move |name, redactor| voice.voice(name, run, redactor),
            given_up,
        };
        self.calls.spawn(async move {
            let started = start.perform().instrument(span).await;
            Called::Started(name, run, started)
        });
    }

    /// Asks a connector for its tasks. One that is at it already is asked once more when it has answered, however often
    /// it is to be asked until then.
    fn ask_tasks(&mut self, name: Arc<str>, run: Run, settings: Arc<Settings>) {
        let Some(connector) = self.connector(&name, run) else {
            return;
        };
        if let Some(again) = self.naming.get_mut(&run) {
            *again = Some(settings);
            return;
        }
        self.naming.insert(run, None);
        let validator = Arc::clone(&self.validator);
        let span = connector_span(&name);
        self.calls.spawn_blocking(move || {
            let ask = || span.in_scope(|| wanted_tasks(&connector, &settings, &validator));
            let wanted = guarded("it named its tasks", ask);
            Called::Named(name, run, wanted)
        });
    }

    fn stop_connector(&mut self, name: Arc<str>, run: Run) {
        let Some(connector) = self.connector(&name, run) else {
            return;
        };
        self.connectors.remove(&name);
        self.stop(name, run, connector);
    }

    fn stop(&mut self, name: Arc<str>, run: Run, connector: Shared) {
        let span = connector_span(&name);
        self.calls.spawn_blocking(move || {
            let stop = || {
                span.in_scope(|| {
                    info!("Stopping connector {name}");
                    let mut connector = connector.lock().unwrap_or_else(PoisonError::into_inner);
                    connector.stop().map_err(|error| error.trace())
                })
            };
            let stopped = guarded("it stopped", stop);
            if let Err(trace) = &stopped {
                span.in_scope(|| error!("Error while shutting down connector {name}: {trace}"));
            }
            Called::Other(WorkEvent::ConnectorStopped(Arc::clone(&name), run, stopped))
        });
    }

    /// Nobody waits for a connector any more. One that runs failed: it still gets to release what it has.
    fn abandon_connector(&mut self, name: Arc<str>, run: Run) {
        self.starting.remove(&run);
        self.stop_connector(name, run);
    }

    fn connector(&self, name: &str, run: Run) -> Option<Shared> {
        let known = self.connectors.get(name);
        known
            .filter(|(known, _)| *known == run)
            .map(|(_, connector)| Arc::clone(connector))
    }

    /// Looks up the task's settings, with the values of its variables as they are now.
    fn prepare_task(&mut self, id: TaskId, run: Run, wish: TaskWish) {
        let span = task_span(&id);
        span.in_scope(|| info!("Creating task {id}"));
        self.preparing.insert(id.clone(), (run, wish.is_paused));
        let reports = TaskReports::new(id.clone(), run, self.reporting.clone());
        let validator = Arc::clone(&self.validator);
        self.calls.spawn_blocking(move || {
            let prepare = || span.in_scope(|| prepare(&id, &wish, reports, &validator));
            let prepared = guarded("its task was made", prepare);
            Called::Prepared(id, run, prepared.map(Box::new))
        });
    }

    /// Begins a task, unless it was told to stop meanwhile.
    async fn start_task(&mut self, id: TaskId, run: Run, prepared: Result<Box<TaskStart>, String>) {
        let known = self.preparing.get(&id).copied();
        let Some((_, is_paused)) = known.filter(|(known, _)| *known == run) else {
            let ended = WorkEvent::Task(id, run, TaskEvent::Ended);
            return self.to_tell.push_back(ended);
        };
        self.preparing.remove(&id);
        let span = task_span(&id);
        match prepared {
            Ok(start) => {
                let start = TaskStart {
                    is_paused,
                    ..*start
                };
                self.runner.start_task(start).instrument(span).await;
            }
            Err(trace) => {
                span.in_scope(|| error!("Failed to start task {id}: {trace}"));
                let failed = TaskEvent::State(State::Failed, trace);
                let events = [failed, TaskEvent::Ended];
                let told = events.map(|event| WorkEvent::Task(id.clone(), run, event));
                self.to_tell.extend(told);
            }
        }
    }

    async fn stop_task(&mut self, id: TaskId, run: Run) {
        info!("Stopping task {id}");
        if self
            .preparing
            .get(&id)
            .is_some_and(|(known, _)| *known == run)
        {
            // Its end is told when the look-up returns.
            self.preparing.remove(&id);
        } else {
            self.runner.stop_task(&id).await;
        }
    }

    async fn pause_task(&mut self, id: &TaskId, run: Run, pause: bool) {
        match self.preparing.get_mut(id) {
            Some((known, is_paused)) if *known == run => *is_paused = pause,
            _ => self.runner.pause_task(id, pause).await,
        }
    }
}

fn of_report(report: TaskReport) -> WorkEvent {
    match report.event {
        TaskEvent::UsedTopic(topic) => WorkEvent::UsedTopic(report.id, topic),
        event => WorkEvent::Task(report.id, report.run, event),
    }
}

fn make(settings: &Settings, validator: &ConnectorValidator) -> Result<ConnectorCode, String> {
    let class = settings.text("connector.class").unwrap_or_default();
    let plugin = validator.connector(class).map_err(|error| trace(&error))?;
    ConnectorCode::new(plugin.factory)
        .ok_or_else(|| format!("{class} is not a connector that this worker can run"))
}

fn wanted_tasks(
    connector: &Shared,
    settings: &Settings,
    validator: &ConnectorValidator,
) -> Result<WantedTasks, String> {
    let resolved = validator
        .resolve(settings.as_map())
        .map_err(|error| trace(&error))?;
    let config = &resolved.config;
    let connector = connector.lock().unwrap_or_else(PoisonError::into_inner);
    let configs = connector
        .task_configs(config.tasks_max)
        .map_err(|error| resolved.redactor.redact(&error.trace()))?;
    Ok(WantedTasks {
        configs,
        max: config.tasks_max,
        is_max_enforced: config.tasks_max_enforce,
    })
}

fn prepare(
    id: &TaskId,
    wish: &TaskWish,
    reports: TaskReports,
    validator: &ConnectorValidator,
) -> Result<TaskStart, String> {
    let made = make(&wish.connector, validator)?;
    let (connector, settings) = validator
        .resolve_task(wish.connector.as_map(), &wish.settings)
        .map_err(|error| trace(&error))?;
    Ok(TaskStart {
        id: id.clone(),
        connector: Arc::new(connector.config),
        settings,
        task: made.task(),
        is_paused: wish.is_paused,
        reports: reports.redacting(connector.redactor),
    })
}

/// An error as statuses show it: with the class that Java throws.
fn trace(error: &HerderError) -> String {
    let text = error.to_string();
    match error {
        HerderError::Config(_) => ConnectError::config(text).trace(),
        _ => ConnectError::failed(text).trace(),
    }
}

/// Calls code of a connector, which may panic.
fn guarded<T>(what: &str, call: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|_| Err(format!("the connector panicked while {what}")))
}

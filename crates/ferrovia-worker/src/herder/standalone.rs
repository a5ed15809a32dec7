//! The driver of a worker that is alone: receives requests and reports, and does what the machine says.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use ferrovia_pipeline::connector::{ConnectorFactory, ConnectorPlugin, SinkConnector};
use ferrovia_pipeline::error::ConnectError;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{Instrument, error, info, warn};

use super::handle::{HerderHandle, Reply, Request};
use super::machine::{Action, HerderMachine, RequestId, WantedTasks};
use super::request::{ActiveTopics, Change, HerderError, Outcome};
use super::runner::{REPORTS_MAX, TaskEvent, TaskReport, TaskReports, TaskRunner, TaskStart};
use super::validation::{Admission, ConfigInfos, ConnectorValidator};
use crate::config::Settings;
use crate::logging::{connector_span, task_span};
use crate::status::{State, TaskId};

/// Runs connectors on this worker alone. Made with its handle, then [run](Self::run) until it is told to stop.
pub struct StandaloneHerder<R> {
    machine: HerderMachine,
    runner: R,
    validator: Arc<ConnectorValidator>,
    requests: mpsc::Receiver<Request>,
    reports: mpsc::Receiver<TaskReport>,
    /// For the tasks that are begun.
    reporting: mpsc::Sender<TaskReport>,
    /// What is started; connectors that are just starting are in `starting`.
    connectors: BTreeMap<Arc<str>, Box<dyn SinkConnector>>,
    starting: JoinSet<Started>,
    /// Settings that are being checked, which may read files.
    checking: JoinSet<Checked>,
    creators: BTreeMap<RequestId, Reply<Result<Outcome, HerderError>>>,
    requests_seen: u64,
    stoppers: Vec<Reply<()>>,
    stop_timeout: Duration,
    stop_deadline: Option<Instant>,
    is_finished: bool,
    /// Whether tasks were given up that did not end in time.
    has_left_tasks: bool,
    /// What followed from tasks that could not begin.
    late: Vec<Action>,
}

/// A connector that was started, with its tasks, or the trace of its failure.
struct Started {
    name: Arc<str>,
    connector: Option<Box<dyn SinkConnector>>,
    tasks: Result<WantedTasks, String>,
}

/// Settings that were checked, for whoever asked.
enum Checked {
    Admission(RequestId, Result<Admission, HerderError>),
    Infos(
        Reply<Result<ConfigInfos, HerderError>>,
        Result<ConfigInfos, HerderError>,
    ),
}

enum Event {
    Request(Request),
    Report(TaskReport),
    Started(Started),
    Checked(Checked),
    StopDeadline,
}

impl<R> std::fmt::Debug for StandaloneHerder<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StandaloneHerder")
            .field("machine", &self.machine)
            .finish_non_exhaustive()
    }
}

impl<R: TaskRunner> StandaloneHerder<R> {
    /// A herder without connectors. `stop_timeout` is what all tasks together have to stop.
    pub fn new(
        worker_id: impl Into<Arc<str>>,
        runner: R,
        validator: ConnectorValidator,
        stop_timeout: Duration,
    ) -> (Self, HerderHandle) {
        let (handle, requests) = HerderHandle::channel();
        let (reporting, reports) = mpsc::channel(REPORTS_MAX);
        let herder = Self {
            machine: HerderMachine::new(worker_id),
            runner,
            validator: Arc::new(validator),
            requests,
            reports,
            reporting,
            connectors: BTreeMap::new(),
            starting: JoinSet::new(),
            checking: JoinSet::new(),
            creators: BTreeMap::new(),
            requests_seen: 0,
            stoppers: Vec::new(),
            stop_timeout,
            stop_deadline: None,
            is_finished: false,
            has_left_tasks: false,
            late: Vec::new(),
        };
        (herder, handle)
    }

    /// Works until somebody asks it to stop and everything has stopped, or nobody can ask any more.
    pub async fn run(mut self) {
        info!("Herder started");
        while !self.is_finished {
            let Some(event) = self.next_event().await else {
                break;
            };
            let actions = self.handle(event);
            self.perform(actions).await;
            while !self.late.is_empty() {
                let late = std::mem::take(&mut self.late);
                self.perform(late).await;
            }
        }
        if self.has_left_tasks {
            // Dropping a runner waits for its threads, and these may never end.
            std::mem::forget(self.runner);
        }
        info!("Herder stopped");
        for stopper in self.stoppers {
            let _ = stopper.send(());
        }
    }

    async fn next_event(&mut self) -> Option<Event> {
        let deadline = self.stop_deadline;
        let at_deadline = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(report) = self.reports.recv() => Some(Event::Report(report)),
            Some(Ok(started)) = self.starting.join_next() => Some(Event::Started(started)),
            Some(Ok(checked)) = self.checking.join_next() => Some(Event::Checked(checked)),
            request = self.requests.recv() => request.map(Event::Request),
            () = at_deadline => Some(Event::StopDeadline),
        }
    }

    fn handle(&mut self, event: Event) -> Vec<Action> {
        match event {
            Event::Request(request) => self.on_request(request),
            Event::Report(report) => self.machine.on_task_event(&report.id, report.event),
            Event::Started(Started {
                name,
                connector,
                tasks,
            }) => {
                if let Some(connector) = connector {
                    self.connectors.insert(Arc::clone(&name), connector);
                }
                if let Err(trace) = &tasks {
                    let _span = connector_span(&name).entered();
                    error!("Error while starting connector {name}: {trace}");
                }
                self.machine.on_connector_started(&name, tasks)
            }
            Event::Checked(Checked::Admission(request, admission)) => {
                self.machine.on_create(request, admission)
            }
            Event::Checked(Checked::Infos(reply, infos)) => {
                let _ = reply.send(infos);
                Vec::new()
            }
            Event::StopDeadline => {
                self.stop_deadline = None;
                let (left, actions) = self.machine.on_stop_deadline();
                self.has_left_tasks = !left.is_empty();
                for id in left {
                    error!("Graceful stop of task {id} failed.");
                }
                actions
            }
        }
    }

    fn on_request(&mut self, request: Request) -> Vec<Action> {
        // Whoever asked may be gone; then nobody misses the answer.
        match request {
            Request::Overview(reply) => drop(reply.send(self.machine.overview())),
            Request::Info(name, reply) => drop(reply.send(self.machine.info(&name))),
            Request::Tasks(name, reply) => drop(reply.send(self.machine.tasks(&name))),
            Request::Status(name, reply) => drop(reply.send(self.machine.status(&name))),
            Request::TaskStatus(id, reply) => {
                drop(reply.send(self.machine.task_status(&id).cloned()));
            }
            Request::IsReady(reply) => drop(reply.send(self.machine.is_ready())),
            Request::Ready(reply) => {
                self.machine.on_ready();
                let _ = reply.send(());
            }
            Request::Change(
                Change::Create {
                    settings,
                    initial_state,
                    ..
                },
                reply,
            ) => {
                self.requests_seen += 1;
                let id = RequestId(self.requests_seen);
                self.creators.insert(id, reply);
                let initial_state = initial_state.unwrap_or_default();
                self.check(move |validator| {
                    let admission = guarded(|| validator.admit(&settings, initial_state));
                    Checked::Admission(id, admission)
                });
            }
            Request::Change(_, reply) => {
                let refusal = HerderError::Unavailable("not in standalone mode yet".to_owned());
                let _ = reply.send(Err(refusal));
            }
            Request::Offsets(name, reply) => {
                let refusal = HerderError::NotFound(format!("Connector {name} not found"));
                let _ = reply.send(Err(refusal));
            }
            Request::Topics(name, reply) => {
                let _ = reply.send(ActiveTopics {
                    connector: name.into(),
                    topics: BTreeSet::new(),
                });
            }
            Request::Validate(settings, reply) => self.check(move |validator| {
                Checked::Infos(reply, guarded(|| validator.validate(&settings)))
            }),
            Request::Plugins(reply) => {
                drop(reply.send(self.validator.plugins().all().to_vec()));
            }
            Request::PluginConfig(name, version, reply) => {
                drop(reply.send(self.validator.plugin_config(&name, &version)));
            }
            Request::Stop(reply) => {
                info!("Herder stopping");
                self.stoppers.push(reply);
                self.stop_deadline = Some(Instant::now() + self.stop_timeout);
                return self.machine.on_stop();
            }
        }
        Vec::new()
    }

    async fn perform(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::StartConnector {
                    name,
                    plugin,
                    settings,
                } => {
                    self.start_connector(name, plugin, settings);
                }
                Action::StopConnector(name) => self.stop_connector(&name),
                Action::StartTask {
                    id,
                    connector,
                    settings,
                } => {
                    let span = task_span(&id);
                    self.start_task(id, connector, settings)
                        .instrument(span)
                        .await;
                }
                Action::StopTask(id) => {
                    let span = task_span(&id);
                    async {
                        info!("Stopping task {id}");
                        self.runner.stop_task(&id).await;
                    }
                    .instrument(span)
                    .await;
                }
                Action::Reply(id, answer) => {
                    if let Some(creator) = self.creators.remove(&id) {
                        let answer = answer.map(|info| Outcome::Connector { info, is_new: true });
                        let _ = creator.send(answer);
                    }
                }
                Action::Finish => self.is_finished = true,
            }
        }
    }

    /// Checks settings on a thread that may block.
    fn check(&mut self, check: impl FnOnce(&ConnectorValidator) -> Checked + Send + 'static) {
        let validator = Arc::clone(&self.validator);
        self.checking.spawn_blocking(move || check(&validator));
    }

    fn start_connector(
        &mut self,
        name: Arc<str>,
        plugin: ConnectorPlugin,
        settings: Arc<Settings>,
    ) {
        let span = connector_span(&name);
        let _entered = span.enter();
        let class = settings.text("connector.class").unwrap_or_default();
        info!("Creating connector {name} of type {class}");
        let entered = span.clone();
        let validator = Arc::clone(&self.validator);
        // The connector's code may block, so it gets a thread on which it may; and it may panic.
        self.starting.spawn_blocking(move || {
            let begin =
                || entered.in_scope(|| start(Arc::clone(&name), plugin, &settings, &validator));
            catch_unwind(AssertUnwindSafe(begin)).unwrap_or_else(|_| {
                let trace = format!("{} panicked while it started", plugin.class);
                Started {
                    name,
                    connector: None,
                    tasks: Err(trace),
                }
            })
        });
    }

    /// Begins a task, with the values of its variables as they are now.
    async fn start_task(
        &mut self,
        id: TaskId,
        connector: Arc<Settings>,
        settings: BTreeMap<String, String>,
    ) {
        let Some(made) = self.connectors.get(&id.connector) else {
            return;
        };
        info!("Creating task {id}");
        let task = made.task();
        let reports = TaskReports::new(id.clone(), self.reporting.clone());
        let validator = Arc::clone(&self.validator);
        let resolving = tokio::task::spawn_blocking(move || {
            guarded(|| validator.resolve_task(connector.as_map(), &settings))
        });
        let resolved = resolving.await.unwrap_or(Err(HerderError::Stopping));
        match resolved {
            Ok((connector, settings)) => {
                let start = TaskStart {
                    id,
                    connector: Arc::new(connector.config),
                    settings,
                    task,
                    reports: reports.redacting(connector.redactor),
                };
                self.runner.start_task(start).await;
            }
            Err(error) => {
                let trace = trace(&error);
                error!("Failed to start task {id}: {trace}");
                self.reporting_directly(&id, trace);
            }
        }
    }

    /// The task never began. Its reports do not go through the queue, which this herder alone empties.
    fn reporting_directly(&mut self, id: &TaskId, trace: String) {
        for event in [TaskEvent::State(State::Failed, trace), TaskEvent::Ended] {
            self.late.extend(self.machine.on_task_event(id, event));
        }
    }

    fn stop_connector(&mut self, name: &str) {
        let span = connector_span(name);
        if let Some(mut connector) = self.connectors.remove(name) {
            let name = name.to_owned();
            span.in_scope(|| info!("Stopping connector {name}"));
            // The connector's code may block or panic, and this thread keeps the heartbeats of all tasks.
            tokio::task::spawn_blocking(move || {
                let _span = span.entered();
                if let Err(error) = connector.stop() {
                    warn!("Error while stopping connector {name}: {}", error.trace());
                }
            });
        }
    }
}

fn start(
    name: Arc<str>,
    plugin: ConnectorPlugin,
    settings: &Settings,
    validator: &ConnectorValidator,
) -> Started {
    let failed = |name, trace| Started {
        name,
        connector: None,
        tasks: Err(trace),
    };
    let ConnectorFactory::Sink(make) = plugin.factory else {
        let class = plugin.class;
        return failed(
            name,
            format!("{class} is not a connector that this worker can run"),
        );
    };
    let resolved = match validator.resolve(settings.as_map()) {
        Ok(resolved) => resolved,
        Err(error) => return failed(name, trace(&error)),
    };
    let config = &resolved.config;
    let mut connector = make();
    let started = connector.start(config.originals.as_map());
    let tasks = started.and_then(|()| connector.task_configs(config.tasks_max));
    info!(
        "Finished creating connector {name}, version {}",
        plugin.version
    );
    let wanted = tasks.map(|configs| WantedTasks {
        configs,
        max: config.tasks_max,
        is_max_enforced: config.tasks_max_enforce,
    });
    Started {
        name,
        connector: Some(connector),
        tasks: wanted.map_err(|error| resolved.redactor.redact(&error.trace())),
    }
}

/// An error as statuses show it: with the class that Java throws.
fn trace(error: &HerderError) -> String {
    let text = error.to_string();
    match error {
        HerderError::Config(_) => ConnectError::config(text).trace(),
        _ => ConnectError::failed(text).trace(),
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

//! The driver of a worker that is alone: receives requests and reports, and does what the machine says.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use ferrovia_pipeline::connector::{ConnectorFactory, ConnectorPlugin, SinkConnector};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{Instrument, error, info, warn};

use super::catalog::ConnectorCatalog;
use super::machine::{Action, HerderMachine, RequestId};
use super::request::{ConnectorInfo, HerderError, HerderHandle, Reply, Request};
use super::runner::{REPORTS_MAX, TaskReport, TaskReports, TaskRunner, TaskStart};
use crate::config::ConnectorConfig;
use crate::logging::{connector_span, task_span};

/// Runs connectors on this worker alone. Made with its handle, then [run](Self::run) until it is told to stop.
pub struct StandaloneHerder<R> {
    machine: HerderMachine,
    runner: R,
    catalog: Arc<dyn ConnectorCatalog>,
    requests: mpsc::Receiver<Request>,
    reports: mpsc::Receiver<TaskReport>,
    /// For the tasks that are begun.
    reporting: mpsc::Sender<TaskReport>,
    /// What is started; connectors that are just starting are in `starting`.
    connectors: BTreeMap<Arc<str>, Box<dyn SinkConnector>>,
    starting: JoinSet<Started>,
    creators: BTreeMap<RequestId, Reply<Result<ConnectorInfo, HerderError>>>,
    requests_seen: u64,
    stoppers: Vec<Reply<()>>,
    stop_timeout: Duration,
    stop_deadline: Option<Instant>,
    is_finished: bool,
    /// Whether tasks were given up that did not end in time.
    has_left_tasks: bool,
}

/// A connector that was started, with its tasks, or the trace of its failure.
struct Started {
    name: Arc<str>,
    connector: Option<Box<dyn SinkConnector>>,
    tasks: Result<Vec<BTreeMap<String, String>>, String>,
}

enum Event {
    Request(Request),
    Report(TaskReport),
    Started(Started),
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
        catalog: Arc<dyn ConnectorCatalog>,
        stop_timeout: Duration,
    ) -> (Self, HerderHandle) {
        let (handle, requests) = HerderHandle::channel();
        let (reporting, reports) = mpsc::channel(REPORTS_MAX);
        let herder = Self {
            machine: HerderMachine::new(worker_id),
            runner,
            catalog,
            requests,
            reports,
            reporting,
            connectors: BTreeMap::new(),
            starting: JoinSet::new(),
            creators: BTreeMap::new(),
            requests_seen: 0,
            stoppers: Vec::new(),
            stop_timeout,
            stop_deadline: None,
            is_finished: false,
            has_left_tasks: false,
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
            Request::Create(file, reply) => {
                self.requests_seen += 1;
                let id = RequestId(self.requests_seen);
                self.creators.insert(id, reply);
                return self.machine.on_create(id, file, self.catalog.as_ref());
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
                    config,
                } => {
                    self.start_connector(name, plugin, config);
                }
                Action::StopConnector(name) => self.stop_connector(&name),
                Action::StartTask {
                    id,
                    connector,
                    settings,
                } => {
                    let span = task_span(&id);
                    let Some(made) = self.connectors.get(&id.connector) else {
                        continue;
                    };
                    let reports = TaskReports::new(id.clone(), self.reporting.clone());
                    let task = made.task();
                    let start = TaskStart {
                        id,
                        connector,
                        settings,
                        task,
                        reports,
                    };
                    async {
                        info!("Creating task {}", start.id);
                        self.runner.start_task(start).await;
                    }
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
                        let _ = creator.send(answer);
                    }
                }
                Action::Finish => self.is_finished = true,
            }
        }
    }

    fn start_connector(
        &mut self,
        name: Arc<str>,
        plugin: ConnectorPlugin,
        config: Arc<ConnectorConfig>,
    ) {
        let span = connector_span(&name);
        let _entered = span.enter();
        info!("Creating connector {name} of type {}", config.class);
        let entered = span.clone();
        // The connector's code may block, so it gets a thread on which it may; and it may panic.
        self.starting.spawn_blocking(move || {
            let begin = || entered.in_scope(|| start(Arc::clone(&name), plugin, &config));
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

fn start(name: Arc<str>, plugin: ConnectorPlugin, config: &ConnectorConfig) -> Started {
    let ConnectorFactory::Sink(make) = plugin.factory else {
        let trace = format!(
            "{} is not a connector that this worker can run",
            plugin.class
        );
        return Started {
            name,
            connector: None,
            tasks: Err(trace),
        };
    };
    let mut connector = make();
    let started = connector.start(config.originals.as_map());
    let tasks = started.and_then(|()| connector.task_configs(config.tasks_max));
    info!(
        "Finished creating connector {name}, version {}",
        plugin.version
    );
    Started {
        name,
        connector: Some(connector),
        tasks: tasks.map_err(|error| error.trace()),
    }
}

#[cfg(test)]
mod tests;

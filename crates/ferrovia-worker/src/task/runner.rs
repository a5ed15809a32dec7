//! Begins and ends tasks on the worker's data threads.

mod counts;
mod source;

pub use counts::TaskMetrics;
pub use source::transactional_id;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use ferrovia_client::budget::{FramePool, MemoryBudget};
use ferrovia_client::cluster::Cluster;
use ferrovia_client::group::Subscription as GroupSubscription;
use ferrovia_client::settings::{ClientSettings, ConsumerSettings};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::sink::Placement;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::config::connector::{SinkConfig, Subscription};
use crate::config::worker::ClientKind;
use crate::config::{ConnectorConfig, WorkerConfig};
use crate::herder::{TaskCode, TaskRunner, TaskStart};
use crate::runtime::{Job, Shards};
use crate::status::{State, TaskId};
use crate::storage::offsets::OffsetStore;
use crate::task::command::Command;
use crate::task::life;
use crate::task::produce_options::ProduceOptions;
use crate::task::sink::{self, DeadLetterSpec, ReportSpec, SinkTaskSpec};
use crate::task::source as task_source;

/// Commands that a task has not yet seen. An operator who gives more waits.
const COMMANDS_MAX: usize = 16;

/// The share of the memory budget that idle buffers may keep.
const IDLE_BUFFERS_SHARE: usize = 2;

/// Runs tasks on data threads, and those that may block on threads of their own.
#[derive(Debug)]
pub struct ThreadedRunner {
    worker: Arc<WorkerConfig>,
    shards: Shards,
    budget: MemoryBudget,
    pool: FramePool,
    commands: BTreeMap<TaskId, mpsc::Sender<Command>>,
    metrics: TaskMetrics,
    /// Where the offsets of sources are kept.
    offsets: OffsetStore,
    /// The group of workers that give sources exactly-once guarantees.
    exactly_once_group: Option<String>,
    /// Warns of tasks that stand still.
    _watching: JoinSet<()>,
}

impl ThreadedRunner {
    /// Starts the data threads. Call it on the control thread, inside its event loop.
    ///
    /// # Errors
    /// The operating system refuses a thread.
    pub fn start(worker: Arc<WorkerConfig>, offsets: OffsetStore) -> io::Result<Self> {
        let budget = MemoryBudget::new(worker.memory_bytes);
        let metrics = TaskMetrics::default();
        let mut watching = JoinSet::new();
        if let Some(warn_after) = worker.task_progress_warn {
            watching.spawn(metrics.clone().watch(warn_after, budget.clone()));
        }
        Ok(Self {
            shards: Shards::start(worker.threads)?,
            budget,
            pool: FramePool::new(worker.memory_bytes / IDLE_BUFFERS_SHARE),
            worker,
            commands: BTreeMap::new(),
            metrics,
            offsets,
            exactly_once_group: None,
            _watching: watching,
        })
    }

    /// Gives sources exactly-once guarantees, as a worker of this group.
    #[must_use]
    pub fn exactly_once(mut self, group: impl Into<String>) -> Self {
        self.exactly_once_group = Some(group.into());
        self
    }

    /// The counters of its tasks.
    pub fn metrics(&self) -> TaskMetrics {
        self.metrics.clone()
    }

    async fn try_start(
        &mut self,
        start: TaskStart,
    ) -> Result<(), (ConnectError, crate::herder::TaskReports)> {
        let TaskStart {
            id,
            connector,
            settings,
            task,
            is_paused,
            reports,
        } = start;
        let (commands, queue) = mpsc::channel(COMMANDS_MAX);
        let span = tracing::Span::current();
        let ending = reports.clone();
        let (placement, job) = match task {
            TaskCode::Sink(task) => {
                let placement = task.placement();
                let spec = match self.spec(&id, &connector, settings, task, is_paused) {
                    Ok(spec) => spec,
                    Err(error) => return Err((error, reports)),
                };
                let run = move || {
                    let life = sink::run(spec, queue, reports.clone());
                    life::report_panics(life, reports).instrument(span)
                };
                (placement, Job::new(run))
            }
            TaskCode::Source(task) => {
                let placement = task.placement();
                let spec = match self.source_spec(&id, &connector, settings, task, is_paused) {
                    Ok(spec) => spec,
                    Err(error) => return Err((error, reports)),
                };
                let run = move || {
                    let life = task_source::run(spec, queue, reports.clone());
                    life::report_panics(life, reports).instrument(span)
                };
                (placement, Job::new(run))
            }
        };
        let given = match placement {
            Placement::Shared => self.shards.run(job).await,
            _ => Shards::run_alone(&format!("task-{id}"), job),
        };
        given.map_err(|error| {
            (
                ConnectError::failed_by("cannot start the task's thread", error),
                ending,
            )
        })?;
        self.commands.insert(id, commands);
        Ok(())
    }

    fn spec(
        &self,
        id: &TaskId,
        connector: &ConnectorConfig,
        settings: BTreeMap<String, String>,
        task: Box<dyn ferrovia_pipeline::sink::SinkTask>,
        starts_paused: bool,
    ) -> Result<SinkTaskSpec, ConnectError> {
        let worker = &self.worker;
        let Some(config) = connector.sink_config() else {
            return Err(ConnectError::config("this is not a sink"));
        };
        let plan = sink::compile(connector, worker)?;
        let reports = self.reports(id, connector, config)?;
        let consumer = self.consumer(id, connector)?;
        let cluster = Cluster::new(consumer.client.clone(), self.pool.clone());
        cluster.set_auto_create_topics(consumer.allow_auto_create_topics);
        Ok(SinkTaskSpec {
            name: id.to_string(),
            settings,
            task,
            plan,
            reports,
            subscription: subscription(&config.subscription, &consumer),
            cluster,
            consumer,
            commit_interval: worker.offset_flush_interval,
            commit_timeout: worker.offset_flush_timeout,
            budget: self.budget.clone(),
            pool: self.pool.clone(),
            control: tokio::runtime::Handle::current(),
            metrics: self.metrics.register_sink(id.clone()),
            starts_paused,
        })
    }

    fn reports(
        &self,
        id: &TaskId,
        connector: &ConnectorConfig,
        config: &SinkConfig,
    ) -> Result<ReportSpec, ConnectError> {
        let dead_letters = match &config.dead_letters {
            None => None,
            Some(config) => Some(DeadLetterSpec {
                config: config.clone(),
                admin: self.client(connector, ClientKind::Admin, "dlq-adminclient", id)?,
                options: ProduceOptions::from_properties(self.properties(
                    connector,
                    ClientKind::Producer,
                    "dlq-producer",
                    id,
                ))?,
                task: id.clone(),
            }),
        };
        Ok(ReportSpec {
            errors: connector.errors.clone(),
            dead_letters,
            task: id.clone(),
        })
    }

    /// A client that works for a task, by the worker's settings for its kind with the connector's overrides.
    fn client(
        &self,
        connector: &ConnectorConfig,
        kind: ClientKind,
        role: &str,
        id: &TaskId,
    ) -> Result<ClientSettings, ConnectError> {
        ClientSettings::from_properties(&self.properties(connector, kind, role, id))
            .map_err(|error| ConnectError::config(error.to_string()))
    }

    fn properties(
        &self,
        connector: &ConnectorConfig,
        kind: ClientKind,
        role: &str,
        id: &TaskId,
    ) -> BTreeMap<String, String> {
        let servers = self.worker.bootstrap_servers.join(",");
        let mut properties = BTreeMap::from([
            ("bootstrap.servers".to_owned(), servers),
            ("client.id".to_owned(), format!("connector-{role}-{id}")),
        ]);
        properties.extend(
            connector
                .client_settings(kind, &self.worker)
                .as_map()
                .clone(),
        );
        properties
    }

    /// # Source
    /// `org.apache.kafka.connect.runtime.Worker`, `baseConsumerConfigs`
    fn consumer(
        &self,
        id: &TaskId,
        connector: &ConnectorConfig,
    ) -> Result<ConsumerSettings, ConnectError> {
        let mut properties = BTreeMap::from([
            (
                "bootstrap.servers".to_owned(),
                self.worker.bootstrap_servers.join(","),
            ),
            ("group.id".to_owned(), format!("connect-{}", connector.name)),
            ("client.id".to_owned(), format!("connector-consumer-{id}")),
            ("auto.offset.reset".to_owned(), "earliest".to_owned()),
        ]);
        let chosen = connector.client_settings(ClientKind::Consumer, &self.worker);
        properties.extend(chosen.as_map().clone());
        ConsumerSettings::from_properties(&properties)
            .map_err(|error| ConnectError::config(error.to_string()))
    }
}

fn subscription(configured: &Subscription, consumer: &ConsumerSettings) -> GroupSubscription {
    match configured {
        Subscription::Topics(topics) => GroupSubscription::Topics(topics.clone()),
        Subscription::Pattern(pattern) => {
            let pattern = pattern.clone();
            GroupSubscription::Pattern {
                matches: Arc::new(move |topic: &str| pattern.matches(topic)),
                exclude_internal: consumer.exclude_internal_topics,
            }
        }
    }
}

impl TaskRunner for ThreadedRunner {
    async fn start_task(&mut self, start: TaskStart) {
        if let Err((error, reports)) = self.try_start(start).await {
            let trace = reports.redact(&error.trace());
            tracing::error!(trace, "Couldn't instantiate task");
            reports.state(State::Failed, trace).await;
            reports.ended().await;
        }
    }

    async fn stop_task(&mut self, id: &TaskId) {
        // A task that has ended has closed its queue.
        if let Some(commands) = self.commands.remove(id) {
            let _ = commands.send(Command::Stop).await;
        }
    }

    async fn permit_task(&mut self, id: &TaskId, outcome: Result<(), String>) {
        if let Some(commands) = self.commands.get(id) {
            let _ = commands.send(Command::Permitted(outcome)).await;
        }
    }

    async fn pause_task(&mut self, id: &TaskId, is_paused: bool) {
        let command = match is_paused {
            true => Command::Pause,
            false => Command::Resume,
        };
        if let Some(commands) = self.commands.get(id) {
            let _ = commands.send(command).await;
        }
    }
}

//! Runs one sink task: does what the machine says, and tells it what came of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ferrovia_client::budget::{FramePool, MemoryBudget};
use ferrovia_client::cluster::Cluster;
use ferrovia_client::fetch::{FetchSettings, Fetched, Fetcher, Start};
use ferrovia_client::group::{GroupEvent, GroupMembership, Subscription};
use ferrovia_client::settings::{ConsumerSettings, IsolationLevel};
use ferrovia_pipeline::batch::{InflateLimits, Inflater};
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::errors::ErrorLog;
use ferrovia_pipeline::plan::Plan;
use ferrovia_pipeline::sink::{InputForm, SinkBatch, SinkContext, SinkTask};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::herder::TaskReports;
use crate::status::State;
use crate::task::command::Command;
use crate::task::guarded::Guarded;
use crate::task::life::{self, Life};
use crate::task::metrics::SinkTaskMetrics;
use crate::task::retry::Retries;
use crate::task::sink::commit::{Commit, CommitPosition, Commits};
use crate::task::sink::fetch::Intake;
use crate::task::sink::machine::{SinkMachine, Step};
use crate::task::sink::partition;
use crate::task::sink::report::{ReportSpec, Reporters};

/// Everything a sink task needs to run. It is made on the control thread and goes to the task's own.
pub struct SinkTaskSpec {
    /// Connector and task, as logs name them: `connector-0`.
    pub name: String,
    /// The task's settings, with variables of configuration providers filled in.
    pub settings: BTreeMap<String, String>,
    /// The task, not yet started.
    pub task: Box<dyn SinkTask>,
    /// How its records are converted and transformed.
    pub plan: Plan,
    /// Who is told of bad records.
    pub reports: ReportSpec,
    /// What it reads.
    pub subscription: Subscription,
    /// How it reads: the worker's `consumer.` settings with the connector's overrides.
    pub consumer: ConsumerSettings,
    /// `offset.flush.interval.ms`
    pub commit_interval: Duration,
    /// `offset.flush.timeout.ms`
    pub commit_timeout: Duration,
    /// The brokers.
    pub cluster: Cluster,
    /// What the fetched bytes of all tasks may take.
    pub budget: MemoryBudget,
    /// Where their buffers come from.
    pub pool: FramePool,
    /// The control thread's event loop, where heartbeats run.
    pub control: tokio::runtime::Handle,
    /// What the task counts.
    pub metrics: Arc<SinkTaskMetrics>,
    /// Whether to wait for a resume before anything else.
    pub starts_paused: bool,
}

impl std::fmt::Debug for SinkTaskSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SinkTaskSpec")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Runs a task until it is told to stop or fails. Closing `commands` stops it too.
pub async fn run(spec: SinkTaskSpec, mut commands: mpsc::Receiver<Command>, reports: TaskReports) {
    let activity = spec.metrics.activity();
    if spec.starts_paused && !life::wait_for_resume(activity, &mut commands, &reports).await {
        return;
    }
    let driver = Driver::new(spec, commands, reports.clone());
    life::live(driver, &reports).await;
}

/// A task that runs.
pub(super) struct Driver {
    pub(super) task: Guarded<dyn SinkTask>,
    pub(super) context: SinkContext,
    pub(super) batch: SinkBatch,
    pub(super) retries: Retries,
    pub(super) reporters: Reporters,
    pub(super) reports: TaskReports,
    pub(super) machine: SinkMachine,
    pub(super) commits: Commits,
    pub(super) intake: Intake,
    pub(super) fetcher: Fetcher,
    pub(super) cluster: Cluster,
    pub(super) consumer: ConsumerSettings,
    pub(super) metrics: Arc<SinkTaskMetrics>,
    /// Commits that the group has not answered yet.
    pub(super) under_way: JoinSet<(Commit, bool)>,
    pub(super) group: Option<GroupMembership>,
    group_events: Option<mpsc::Receiver<GroupEvent>>,
    subscription: Option<Subscription>,
    control: tokio::runtime::Handle,
    commands: mpsc::Receiver<Command>,
}

/// What a wait ended by.
enum Wake {
    Command(Option<Command>),
    Group(Option<GroupEvent>),
    Committed(Commit, bool),
    Fetched(Vec<Fetched>),
    Deadline,
}

impl Life for Driver {
    const KIND: &'static str = "Sink";

    async fn start(&mut self) -> Result<bool, ConnectError> {
        self.reporters.prepare(&self.control).await?;
        let Self { task, context, .. } = self;
        let input = task.call("start", |task| task.start(context).map(|()| task.input()))??;
        if input == InputForm::Batches && !self.batch.keeps_batches() {
            return Err(ConnectError::config(
                "this task takes whole record batches, which needs ByteArrayConverter for keys and values and no \
                 transformations",
            ));
        }
        Ok(true)
    }

    async fn run_until_stopped(&mut self) -> Result<(), ConnectError> {
        self.join()?;
        loop {
            if let Some(group) = &self.group {
                group.poll_marker();
            }
            match self.machine.next_step(Instant::now()) {
                Step::Put => self.put().await?,
                Step::Commit => {
                    self.reporters.settle().await?;
                    self.intake.forget_topics();
                    self.begin_commit()?;
                }
                Step::CommitTimedOut => {
                    tracing::warn!("Commit of offsets timed out");
                    self.metrics.on_commit(false);
                }
                Step::Wait => {
                    let wake = self.wait().await?;
                    self.on_wake(wake).await?;
                }
                Step::Stop => return Ok(()),
            }
        }
    }

    /// Ends the task: a last commit, all partitions closed, the group left, the connector's task stopped.
    async fn finish(&mut self, _has_failed: bool) -> Result<(), ConnectError> {
        if !self.task.has_panicked() {
            self.close_all().await;
        }
        if let Some(group) = self.group.take() {
            group.leave().await;
        }
        let stopped = self.task.call("stop", |task| task.stop());
        if let Err(error) | Ok(Err(error)) = stopped {
            tracing::error!(trace = self.trace(&error), "task failed to stop cleanly");
        }
        Ok(())
    }
}

impl Driver {
    fn new(spec: SinkTaskSpec, commands: mpsc::Receiver<Command>, reports: TaskReports) -> Self {
        let mut context = SinkContext::new(spec.settings);
        context.report_to(ErrorLog::new(spec.reports.policy()));
        let inflater = Inflater::new(InflateLimits::default());
        let errors = ErrorLog::new(spec.reports.policy());
        let batch = SinkBatch::new(spec.plan, inflater, errors, spec.consumer.check_crcs);
        let settings = FetchSettings::of(&spec.consumer);
        Self {
            task: Guarded::new(spec.task, Arc::clone(spec.metrics.activity())),
            context,
            batch,
            retries: Retries::new(&spec.reports.errors),
            reporters: Reporters::new(spec.reports, reports.clone()),
            reports,
            machine: SinkMachine::new(spec.commit_interval, spec.commit_timeout, Instant::now()),
            commits: Commits::default(),
            intake: Intake::default(),
            fetcher: Fetcher::new(spec.cluster.clone(), settings, spec.budget, spec.pool),
            cluster: spec.cluster,
            consumer: spec.consumer,
            metrics: spec.metrics,
            under_way: JoinSet::new(),
            group: None,
            group_events: None,
            subscription: Some(spec.subscription),
            control: spec.control,
            commands,
        }
    }

    /// An error and its causes as they may be logged: without values that came from configuration providers.
    pub(super) fn trace(&self, error: &ConnectError) -> String {
        self.reports.redact(&error.trace())
    }

    /// Joins the group, whose heartbeats run on the control thread.
    fn join(&mut self) -> Result<(), ConnectError> {
        let Some(subscription) = self.subscription.take() else {
            return Ok(());
        };
        let _control = self.control.enter();
        let joined = GroupMembership::join(self.cluster.clone(), &self.consumer, subscription);
        let (group, events) = joined.map_err(|error| ConnectError::config(error.to_string()))?;
        self.group = Some(group);
        self.group_events = Some(events);
        Ok(())
    }

    async fn wait(&mut self) -> Result<Wake, ConnectError> {
        let wants_records = self.machine.wants_records();
        // The group is told of a task that waits as of one that works: it is alive.
        let deadline = self
            .machine
            .deadline()
            .min(Instant::now() + self.consumer.max_poll_interval / 3);
        let Some(group_events) = &mut self.group_events else {
            return Ok(Wake::Deadline);
        };
        tokio::select! {
            biased;
            command = self.commands.recv() => Ok(Wake::Command(command)),
            event = group_events.recv() => Ok(Wake::Group(event)),
            Some(Ok((commit, is_taken))) = self.under_way.join_next() => Ok(Wake::Committed(commit, is_taken)),
            fetched = self.fetcher.next(), if wants_records => match fetched {
                Ok(fetched) => Ok(Wake::Fetched(fetched)),
                Err(error) => Err(ConnectError::failed(error.to_string())),
            },
            () = tokio::time::sleep_until(deadline.into()) => Ok(Wake::Deadline),
        }
    }

    async fn on_wake(&mut self, wake: Wake) -> Result<(), ConnectError> {
        match wake {
            Wake::Deadline => Ok(()),
            Wake::Fetched(fetched) => self.on_fetched(fetched).await,
            Wake::Committed(commit, is_taken) => {
                self.on_commit_answer(&commit, is_taken);
                Ok(())
            }
            Wake::Group(Some(event)) => self.on_group_event(event).await,
            Wake::Group(None) => Err(ConnectError::failed("the consumer group membership ended")),
            Wake::Command(Some(Command::Pause)) => {
                self.machine.pause();
                self.metrics.activity().pause();
                self.reports.state(State::Paused, "").await;
                Ok(())
            }
            // No sink asks for any.
            Wake::Command(Some(Command::Permitted(_))) => Ok(()),
            Wake::Command(Some(Command::Resume)) => {
                self.machine.resume();
                self.metrics.activity().resume();
                self.reports.state(State::Running, "").await;
                Ok(())
            }
            Wake::Command(Some(Command::Stop) | None) => {
                self.machine.stop();
                Ok(())
            }
        }
    }

    async fn on_fetched(&mut self, fetched: Vec<Fetched>) -> Result<(), ConnectError> {
        for fetched in &fetched {
            // Where reading began is where it goes back to if the task cannot make its first records safe.
            let partition = partition::from_client(&fetched.partition);
            if !self.commits.has_started(&partition) {
                let position = CommitPosition {
                    offset: fetched.from_offset,
                    epoch: None,
                };
                self.commits.start(partition, position);
            }
        }
        let read_committed = self.consumer.isolation_level == IsolationLevel::ReadCommitted;
        let taken =
            self.intake
                .take(fetched, read_committed, &mut self.fetcher, &mut self.batch)?;
        let (records, bytes) = taken;
        self.metrics.on_read(records, bytes, self.intake.lag());
        // The brokers work on the next answer while this one is processed.
        self.fetcher
            .send()
            .await
            .map_err(|error| ConnectError::failed(error.to_string()))?;
        self.machine.on_records();
        Ok(())
    }

    /// Does what the task asked for in its last call.
    pub(super) fn apply(&mut self, requests: ferrovia_pipeline::sink::SinkRequests) {
        for (topic_partition, offset) in &requests.rewinds {
            if !self.context.assignment().contains(topic_partition) {
                tracing::warn!(partition = %topic_partition, offset, "ignoring offset to read from: the partition is not assigned to this task");
                continue;
            }
            let start = Start::At {
                offset: *offset,
                epoch: None,
            };
            self.fetcher
                .seek(&partition::to_client(topic_partition), start);
            self.commits.rewind(topic_partition, *offset);
            self.intake.forget(topic_partition);
            self.batch.retain(|delivered| delivered != topic_partition);
        }
        for topic_partition in &requests.pause {
            self.fetcher
                .set_paused(&partition::to_client(topic_partition), true);
        }
        for topic_partition in &requests.resume {
            self.fetcher
                .set_paused(&partition::to_client(topic_partition), false);
        }
        if requests.commit {
            self.machine.request_commit();
        }
    }
}

//! Runs one source task: does what the machine says, and tells it what came of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::plan::source::SourcePlan;
use ferrovia_pipeline::source::{Boundary, OutputForm, SourceContext, SourceTask};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::config::connector::{ErrorsConfig, TransactionBoundary};
use crate::herder::TaskReports;
use crate::status::{State, TaskId};
use crate::storage::offsets::OffsetStore;
use crate::task::command::Command;
use crate::task::guarded::Guarded;
use crate::task::life::{self, Life};
use crate::task::metrics::SourceTaskMetrics;
use crate::task::source::batch::{Batches, Gathering, Reach};
use crate::task::source::commit::Submitted;
use crate::task::source::convert::Shaper;
use crate::task::source::exactly_once::ExactlyOnce;
use crate::task::source::flow::Flow;
use crate::task::source::heard::Heard;
use crate::task::source::machine::{SourceMachine, Step, Timing};
use crate::task::source::produce::{Outlet, ProduceSpec};
use crate::task::source::report::Reporter;
use crate::task::source::take::Intake;
use crate::task::source::told_topics::ToldTopics;
use crate::task::source::topics::{Creation, CreationSpec};

/// Everything a source task needs to run. It is made on the control thread and goes to the task's own.
pub struct SourceTaskSpec {
    /// Which task it is.
    pub id: TaskId,
    /// The task's settings, with variables of configuration providers filled in.
    pub settings: BTreeMap<String, String>,
    /// The task, not yet started.
    pub task: Box<dyn SourceTask>,
    /// How its records are transformed and converted.
    pub plan: SourcePlan,
    /// What is done about bad records.
    pub errors: ErrorsConfig,
    /// How it produces.
    pub produce: ProduceSpec,
    /// How topics are made, if they are.
    pub creation: Option<CreationSpec>,
    /// Where its offsets are kept.
    pub offsets: OffsetStore,
    /// Where transactions end, if records go in transactions.
    pub boundary: Option<TransactionBoundary>,
    /// How long after a commit the next one begins: `offset.flush.interval.ms`, or what transactions go by.
    pub commit_interval: Duration,
    /// After how long the herder hears again of a topic that is written to: `offset.flush.interval.ms`.
    pub tell_topics_interval: Duration,
    /// `offset.flush.timeout.ms`
    pub commit_timeout: Duration,
    /// `task.shutdown.graceful.timeout.ms`
    pub stop_timeout: Duration,
    /// What the task counts.
    pub metrics: Arc<SourceTaskMetrics>,
    /// Whether to wait for a resume before anything else.
    pub starts_paused: bool,
}

impl std::fmt::Debug for SourceTaskSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SourceTaskSpec")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Runs a task until it is told to stop or fails. Closing `commands` stops it too.
pub async fn run(
    spec: SourceTaskSpec,
    mut commands: mpsc::Receiver<Command>,
    reports: TaskReports,
) {
    let activity = spec.metrics.activity();
    if spec.starts_paused && !life::wait_for_resume(activity, &mut commands, &reports).await {
        return;
    }
    let driver = Driver::new(spec, commands, reports.clone());
    life::live(driver, &reports).await;
}

/// A task that runs.
pub(super) struct Driver {
    pub(super) task: Guarded<dyn SourceTask>,
    /// What it is started with; gone once it has been.
    settings: Option<BTreeMap<String, String>>,
    /// There as soon as it is to be started.
    pub(super) context: Option<SourceContext>,
    /// How the connector's task hands out records.
    pub(super) output: OutputForm,
    has_started: bool,
    pub(super) intake: Intake,
    commit_timeout: Duration,
    stop_timeout: Duration,
}

impl Life for Driver {
    const KIND: &'static str = "Source";

    /// Starts the connector's task. Whether it is to run at all.
    async fn start(&mut self) -> Result<bool, ConnectError> {
        let flow = &mut self.intake.flow;
        // Before offsets are read: an older instance may have left a transaction open.
        if !flow.until_ready().await? {
            return Ok(false);
        }
        let defines_boundaries = flow.exactly_once.as_ref();
        let defines_boundaries = defines_boundaries.is_some_and(ExactlyOnce::is_by_connector);
        let (store, connector) = (flow.offsets.clone(), Arc::clone(&flow.connector));
        let reading = async move { store.read(&connector).await };
        let Some(offsets) = flow.beside_commands(reading).await else {
            return Ok(false);
        };
        let offsets = offsets.map_err(|error| ConnectError::failed_by(error.to_string(), error))?;
        let settings = self.settings.take().unwrap_or_default();
        let mut context = SourceContext::new(settings, offsets, defines_boundaries)
            .with_waker(Arc::clone(&flow.bell).into());
        if self.intake.shaper.plan.is_verbatim() {
            context = context.with_batches(flow.outlet.batch_form());
        }
        let context = self.context.insert(context);
        self.output = self.task.call("start", |task| {
            task.start(context)?;
            Ok::<_, ConnectError>(task.output())
        })??;
        self.has_started = true;
        Ok(true)
    }

    async fn run_until_stopped(&mut self) -> Result<(), ConnectError> {
        let flow = &self.intake.flow;
        if flow.machine.is_paused() {
            // That was heard before there was anything that runs.
            flow.reports.state(State::Paused, "").await;
        }
        loop {
            let flow = &mut self.intake.flow;
            flow.hear().await;
            flow.send_ripe(&mut Reach::default()).await?;
            flow.machine.on_sent();
            self.tell()?;
            let flow = &mut self.intake.flow;
            let step = flow.machine.next_step(Instant::now());
            if step == Step::Stop {
                return Ok(());
            }
            flow.check()?;
            match step {
                Step::Poll => self.poll().await?,
                Step::Commit if flow.exactly_once.is_some() => {
                    let reach = &mut Reach::default();
                    flow.end_transaction(Boundary::Commit, reach).await?;
                }
                step => {
                    flow.perform(step, flow.batches.ripe_at()).await;
                }
            }
        }
    }

    /// Ends the task: what it has handed out is produced and its offsets are stored, as far as there is time; then the
    /// connector's task is stopped, unless it was never to be started.
    ///
    /// # Errors
    /// The last transaction could not be committed.
    async fn finish(&mut self, has_failed: bool) -> Result<(), ConnectError> {
        let mut outcome = Ok(());
        if self.has_started {
            let forced_at = Instant::now() + self.stop_timeout;
            let by = |now: Instant| (now + self.commit_timeout).min(forced_at);
            let flow = &mut self.intake.flow;
            if flow.exactly_once.is_some() {
                outcome = flow.end_last(has_failed, by(Instant::now())).await;
            } else {
                flow.finish(by(Instant::now())).await;
                // A task that has taken too long may be running elsewhere by now, and have stored later offsets.
                if Instant::now() < forced_at {
                    flow.commit_last(by(Instant::now())).await;
                }
            }
            if let Err(error) = self.tell() {
                tracing::error!(
                    trace = self.trace(&error),
                    "Failed to commit offsets for already-failing task"
                );
            }
        }
        if self.context.is_none() {
            return outcome;
        }
        let stopped = self.task.call("stop", |task| task.stop());
        if let Err(error) | Ok(Err(error)) = stopped {
            tracing::error!(trace = self.trace(&error), "task failed to stop cleanly");
        }
        outcome
    }
}

impl Driver {
    fn new(spec: SourceTaskSpec, commands: mpsc::Receiver<Command>, reports: TaskReports) -> Self {
        let gathering = Gathering {
            from: match spec.produce.event_loop {
                None => GATHER_FROM,
                Some(_) => GATHER_FROM_OF_BLOCKING,
            },
            linger: spec.produce.linger(),
        };
        let outlet = Outlet::open(spec.produce, spec.boundary.is_some());
        let reporter = Reporter::new(spec.errors.clone(), spec.id.clone(), reports.clone());
        let timing = Timing {
            commit_interval: spec.commit_interval,
            commit_timeout: spec.commit_timeout,
            stop_grace: spec.commit_timeout,
            ends_transactions: spec.boundary.is_some(),
        };
        let exactly_once = spec
            .boundary
            .map(|boundary| ExactlyOnce::new(spec.id.clone(), boundary, &spec.offsets));
        Self {
            task: Guarded::new(spec.task, Arc::clone(spec.metrics.activity())),
            settings: Some(spec.settings),
            context: None,
            output: OutputForm::Records,
            has_started: false,
            intake: Intake {
                shaper: Shaper::new(spec.plan, &spec.errors, reporter.wants_text()),
                creation: Creation::new(spec.creation),
                flow: Flow {
                    connector: Arc::clone(&spec.id.connector),
                    machine: SourceMachine::new(timing, Instant::now()),
                    batches: Batches::new(outlet.batch_options(), gathering),
                    outlet,
                    submitted: Submitted::default(),
                    exactly_once,
                    reporter,
                    reports,
                    metrics: spec.metrics,
                    offsets: spec.offsets,
                    commands: Some(commands),
                    storing: JoinSet::new(),
                    bell: Arc::default(),
                    heard: Heard::new(spec.boundary.is_some()),
                    failure: None,
                    told_topics: ToldTopics::new(spec.tell_topics_interval, Instant::now()),
                },
            },
            commit_timeout: spec.commit_timeout,
            stop_timeout: spec.stop_timeout,
        }
    }

    /// An error and its causes as they may be logged: without values that came from configuration providers.
    pub(super) fn trace(&self, error: &ConnectError) -> String {
        self.intake.flow.reports.redact(&error.trace())
    }
}

/// Batches of a partition on their way from which on records gather, in a task that never blocks.
const GATHER_FROM: usize = 1;
/// And in one that may, which may keep what has gathered waiting while it blocks.
const GATHER_FROM_OF_BLOCKING: usize = 4;

//! Between the herder and the tasks: how a task is begun and ended, and what it reports.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use ferrovia_pipeline::sink::{Placement, SinkTask};
use ferrovia_pipeline::source::SourceTask;
use tokio::sync::mpsc;

use super::work::Run;
use crate::config::ConnectorConfig;
use crate::config::providers::Redactor;
use crate::status::{State, TaskId};

/// Reports that wait for the herder. A task that has more to say waits.
pub const REPORTS_MAX: usize = 1024;

/// Runs tasks somewhere: on threads of this worker, or not at all in tests.
pub trait TaskRunner {
    /// Begins a task and returns at once. From then on the task reports what it does by `start.reports`, and as its
    /// last word, however it ends, [`TaskEvent::Ended`].
    fn start_task(&mut self, start: TaskStart) -> impl Future<Output = ()>;

    /// Asks a task to end in order: last commit, close, stop. It reports [`TaskEvent::Ended`] when it has. A task that
    /// has ended already is left alone.
    fn stop_task(&mut self, id: &TaskId) -> impl Future<Output = ()>;

    /// Tells a task that it has what it asked for by [`TaskReports::ask`], or why not.
    fn permit_task(
        &mut self,
        _id: &TaskId,
        _outcome: Result<(), String>,
    ) -> impl Future<Output = ()> {
        async {}
    }

    /// Lets a task wait, which keeps its partitions, or go on.
    fn pause_task(&mut self, id: &TaskId, is_paused: bool) -> impl Future<Output = ()>;
}

/// All that a task needs to run.
pub struct TaskStart {
    /// Which one it is.
    pub id: TaskId,
    /// Its connector's settings.
    pub connector: Arc<ConnectorConfig>,
    /// Its own settings, with `task.class` and the topics.
    pub settings: BTreeMap<String, String>,
    /// The task, not yet started.
    pub task: TaskCode,
    /// Whether it waits from the start.
    pub is_paused: bool,
    /// The way to the herder.
    pub reports: TaskReports,
}

impl std::fmt::Debug for TaskStart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskStart")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A task's own code.
pub enum TaskCode {
    /// Takes records.
    Sink(Box<dyn SinkTask>),
    /// Hands them out.
    Source(Box<dyn SourceTask>),
}

impl std::fmt::Debug for TaskCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sink(_) => "Sink",
            Self::Source(_) => "Source",
        })
    }
}

impl TaskCode {
    /// Where the task runs.
    pub fn placement(&self) -> Placement {
        match self {
            Self::Sink(task) => task.placement(),
            Self::Source(task) => task.placement(),
        }
    }
}

/// What happened to a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskEvent {
    /// It is in this state now. The trace says why it failed and is empty otherwise.
    State(State, String),
    /// It has records of this topic.
    UsedTopic(Arc<str>),
    /// It waits until it is allowed to go on: a source's task that writes in transactions.
    Asks(Permission),
    /// It has ended, by itself or because it was asked to. Nothing comes after this.
    Ended,
}

/// What a source's task may not do without asking, where sources are exactly once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Take over its transactional id: older tasks are fenced first.
    Initialize,
    /// Start, which it may if it is still wanted as it is.
    Start,
}

/// What happened to which task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskReport {
    /// The task.
    pub id: TaskId,
    /// Its life, which tells it from those before and after it.
    pub run: Run,
    /// What happened.
    pub event: TaskEvent,
}

/// One task's way to the herder.
#[derive(Clone, Debug)]
pub struct TaskReports {
    id: TaskId,
    run: Run,
    queue: mpsc::Sender<TaskReport>,
    redactor: Redactor,
}

impl TaskReports {
    /// Reports for one task into a queue.
    pub fn new(id: TaskId, run: Run, queue: mpsc::Sender<TaskReport>) -> Self {
        Self {
            id,
            run,
            queue,
            redactor: Redactor::default(),
        }
    }

    /// Keeps these values out of all that is reported.
    #[must_use]
    pub fn redacting(mut self, redactor: Redactor) -> Self {
        self.redactor = redactor;
        self
    }

    /// The text without values that came from providers: for log lines that repeat what a connector says.
    pub fn redact(&self, text: &str) -> String {
        self.redactor.redact(text)
    }

    /// Tells the state that the task is in; `trace` says why it failed.
    pub async fn state(&self, state: State, trace: impl Into<String>) {
        let trace = self.redact(&trace.into());
        self.send(TaskEvent::State(state, trace)).await;
    }

    /// Tells that the task has records of this topic.
    pub async fn used_topic(&self, topic: Arc<str>) {
        self.send(TaskEvent::UsedTopic(topic)).await;
    }

    /// Asks for a permission. The answer comes by [`TaskRunner::permit_task`].
    pub async fn ask(&self, permission: Permission) {
        self.send(TaskEvent::Asks(permission)).await;
    }

    /// Tells that the task has ended.
    pub async fn ended(&self) {
        self.send(TaskEvent::Ended).await;
    }

    /// As [`state`](Self::state) and [`ended`](Self::ended), from a thread that may block.
    pub fn send_blocking(&self, event: TaskEvent) {
        let event = match event {
            TaskEvent::State(state, trace) => TaskEvent::State(state, self.redact(&trace)),
            event => event,
        };
        // A herder that is gone needs no reports: the worker is ending.
        let _ = self.queue.blocking_send(TaskReport {
            id: self.id.clone(),
            run: self.run,
            event,
        });
    }

    async fn send(&self, event: TaskEvent) {
        let _ = self
            .queue
            .send(TaskReport {
                id: self.id.clone(),
                run: self.run,
                event,
            })
            .await;
    }
}

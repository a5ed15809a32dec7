//! How the tasks that a connector wants come to be: completed, compared, and written by the leader.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ferrovia_pipeline::error::ConnectError;

use super::writes::{AfterTasks, Then};
use super::{Action, HerderMachine, Moment, Started, Ticket, WantedTasks};
use crate::config::providers::has_variable;
use crate::herder::request::{HerderError, Outcome};
use crate::storage::config::{ConfigSnapshot, TargetState};

/// The first pause before tasks are made again that could not be written.
///
/// # Source
/// `DistributedHerder.RECONFIGURE_CONNECTOR_TASKS_BACKOFF_INITIAL_MS`
const BACKOFF_MIN: Duration = Duration::from_millis(250);
/// The longest such pause.
const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// How long a refused signature is taken for one of a key that has just expired.
const EXPIRED_KEY_WINDOW: Duration = Duration::from_secs(60);

/// Tasks on their way to the config topic.
#[derive(Debug)]
pub(super) struct Publishing {
    since: Duration,
    attempts: u32,
    /// When to try again; `None` while an attempt is under way.
    retry_at: Option<Duration>,
}

/// The tasks that the connectors of this worker have named last.
///
/// A request to write tasks may reach the leader late, when the connector, maybe at another worker by then, has named
/// others: the older ones take their place. Java's workers leave it at that, so that tasks run with settings of old
/// until somebody restarts their connector.
#[derive(Debug, Default)]
pub(super) struct Named {
    tasks: BTreeMap<Arc<str>, Vec<BTreeMap<String, String>>>,
    /// Connectors of which others were committed since.
    overtaken: BTreeSet<Arc<str>>,
}

impl Named {
    pub(super) fn forget(&mut self, name: &str) {
        self.tasks.remove(name);
        self.overtaken.remove(name);
    }

    fn is_committed(&self, name: &str, config: &ConfigSnapshot) -> bool {
        self.tasks
            .get(name)
            .is_none_or(|named| are_tasks_of(config, name, named))
    }
}

/// Why the leader did not do what it was asked for.
#[derive(Clone, Debug)]
pub struct ForwardFailure {
    /// Its HTTP status, if it answered.
    pub status: Option<u16>,
    /// Whether it may do it later.
    pub is_retriable: bool,
    /// What is wrong.
    pub reason: String,
}

impl HerderMachine {
    /// The leader wrote the tasks of a connector, or did not.
    pub fn on_forwarded(
        &mut self,
        ticket: Ticket,
        outcome: Result<(), ForwardFailure>,
        at: Moment,
    ) -> Vec<Action> {
        if let Some(Then::Forwarded(name)) = self.pending.remove(&ticket) {
            match outcome {
                Ok(()) => self.published(&name),
                Err(failure) if self.is_key_of_old(&name, &failure, at) => {
                    tracing::debug!(
                        "Failed to reconfigure connector's tasks ({name}), possibly due to expired session key. \
                         Retrying after backoff"
                    );
                    self.publish_later(&name, at);
                }
                Err(failure) => self.publishing_failed(&name, &failure.reason, at),
            }
        }
        self.finish(at)
    }

    pub(super) fn on_tasks_named(
        &mut self,
        name: &Arc<str>,
        outcome: Result<WantedTasks, String>,
        at: Moment,
    ) {
        match outcome {
            Err(trace) if self.is_alone() => self.fail_connector(name, &trace),
            Err(trace) => self.publishing_failed(name, &trace, at),
            Ok(wanted) => match check_count(name, wanted) {
                Err(reason) => {
                    let trace = ConnectError::failed(reason).trace();
                    self.fail_connector(name, &trace);
                }
                Ok(tasks) => self.publish(name, tasks, at),
            },
        }
        self.tell_started(name);
    }

    /// Tasks of a connector were committed.
    pub(super) fn note_commit(&mut self, name: &Arc<str>) {
        if self.named.is_committed(name, &self.config.snapshot()) {
            self.named.overtaken.remove(name);
        } else {
            self.named.overtaken.insert(Arc::clone(name));
        }
    }

    /// Asks connectors again whose tasks were overtaken by older ones.
    pub(super) fn mend_tasks(&mut self, at: Moment) {
        if self.named.overtaken.is_empty() {
            return;
        }
        let overtaken = std::mem::take(&mut self.named.overtaken);
        for name in overtaken {
            if self.publishing.contains_key(&name) {
                // What is on its way may be newer.
                self.named.overtaken.insert(name);
            } else if self.work.is_connector_running(&name) {
                // None are left as well where a user stops it: it does not run any more when it would be asked.
                if self.config.snapshot().task_count(&name) > 0 {
                    tracing::warn!("Older tasks of connector {name} have replaced newer ones");
                }
                self.publish_later(&name, at);
            }
        }
    }

    /// Tasks were written. Where others are to be made, they were older ones, and the others are still to come.
    pub(super) fn published(&mut self, name: &str) {
        let publishing = self.publishing.get(name);
        if publishing.is_some_and(|publishing| publishing.retry_at.is_none()) {
            self.publishing.remove(name);
        }
    }

    /// No tasks of the connector are to be written any more.
    pub(super) fn forget_publishing(&mut self, name: &str) {
        self.publishing.remove(name);
    }

    pub(super) fn publishing_failed(&mut self, name: &Arc<str>, reason: &str, at: Moment) {
        tracing::error!(
            "Failed to reconfigure connector's tasks ({name}), retrying after backoff: {reason}"
        );
        self.publish_later(name, at);
    }

    pub(super) fn check_publishing(&mut self, at: Moment) {
        let is_due = |publishing: &Publishing| publishing.retry_at.is_some_and(|due| due <= at.now);
        let due = self
            .publishing
            .iter()
            .filter(|(_, publishing)| is_due(publishing));
        for name in due.map(|(name, _)| Arc::clone(name)).collect::<Vec<_>>() {
            match self.work.ask_tasks(&name) {
                Some(ask) => {
                    if let Some(publishing) = self.publishing.get_mut(&name) {
                        publishing.retry_at = None;
                    }
                    self.actions.push(Action::Work(ask));
                }
                None => {
                    tracing::info!(
                        "Skipping reconfiguration of connector {name} since it is not running"
                    );
                    self.publishing.remove(&name);
                }
            }
        }
    }

    pub(super) fn publishing_deadline(&self) -> Option<Duration> {
        let retries = self.publishing.values();
        retries.filter_map(|publishing| publishing.retry_at).min()
    }

    /// Answers those who wait for a connector to start, because it did not.
    pub(super) fn tell_start_failed(&mut self, name: &Arc<str>, trace: &str) {
        let first_line = trace.lines().next().unwrap_or_default();
        let text = format!("Failed to start connector: {name}: {first_line}");
        for (request, _) in self.starting.remove(name).unwrap_or_default() {
            self.reply(request, Err(HerderError::Failed(text.clone())));
        }
    }

    /// Answers those who wait for what is not going to start any more: it was given up, deleted, or paused meanwhile.
    pub(super) fn tell_of_lost_starts(&mut self) {
        let work = &self.work;
        let names = self.starting.keys();
        let lost = names.filter(|name| !work.will_connector_run(name));
        for name in lost.cloned().collect::<Vec<_>>() {
            let text = "Could not begin changing connector state to STARTED as the connector has been scheduled for \
                        shutdown";
            for (request, _) in self.starting.remove(&name).unwrap_or_default() {
                self.reply(request, Err(HerderError::Failed(text.to_owned())));
            }
        }
        let work = &self.work;
        let ids = self.beginning.keys();
        let lost = ids.filter(|id| !work.will_task_begin(id));
        for id in lost.cloned().collect::<Vec<_>>() {
            let error = HerderError::Failed(format!("Failed to start task: {id}"));
            for request in self.beginning.remove(&id).unwrap_or_default() {
                self.reply(request, Err(error.clone()));
            }
        }
    }

    /// Answers those who wait for a connector to start, because it has.
    pub(super) fn tell_started(&mut self, name: &Arc<str>) {
        for (request, answer) in self.starting.remove(name).unwrap_or_default() {
            let answer = match answer {
                Started::Done => Ok(Outcome::Done),
                Started::Connector { is_new } => self
                    .info(name)
                    .map(|info| Outcome::Connector { info, is_new }),
            };
            self.reply(request, answer);
        }
    }

    fn fail_connector(&mut self, name: &Arc<str>, trace: &str) {
        let work = self.work.fail_connector(name, trace.to_owned());
        self.do_work(work);
        self.tell_start_failed(name, trace);
    }

    /// Has the tasks written if they are other ones than those that are there, or were made of other settings.
    ///
    /// # Source
    /// `AbstractHerder.taskConfigsChanged`
    fn publish(&mut self, name: &Arc<str>, tasks: Vec<BTreeMap<String, String>>, at: Moment) {
        let config = self.config.snapshot();
        let target = config.target_state(name);
        let Some(settings) = config
            .connector_config(name)
            .filter(|_| target == Some(TargetState::Started))
        else {
            return self.forget_publishing(name);
        };
        let class = self.task_class_of(name);
        let tasks: Vec<_> = tasks
            .into_iter()
            .map(|task| complete(settings, class, task))
            .collect();
        let are_same = are_tasks_of(&config, name, &tasks)
            && config.applied_config(name) == Some(settings)
            && !config.is_inconsistent(name);
        self.named.tasks.insert(Arc::clone(name), tasks.clone());
        if are_same {
            self.named.overtaken.remove(name);
            return self.forget_publishing(name);
        }
        let publishing = self.publishing.entry(Arc::clone(name));
        let publishing = publishing.or_insert(Publishing {
            since: at.now,
            attempts: 0,
            retry_at: None,
        });
        publishing.retry_at = None;
        if self.group.is_leader() {
            if let Err(error) = self.write_tasks(name, tasks, AfterTasks::Published) {
                self.publishing_failed(name, &error.to_string(), at);
            }
        } else if let Some(url) = self.group.leader_url() {
            let key = config.session_key().cloned();
            let ticket = self.ticket(Then::Forwarded(Arc::clone(name)));
            self.actions.push(Action::ForwardTasks {
                ticket,
                url,
                connector: Arc::clone(name),
                tasks,
                key,
            });
        } else {
            self.publishing_failed(name, "the leader's address is not known", at);
        }
    }

    fn publish_later(&mut self, name: &Arc<str>, at: Moment) {
        let publishing = self.publishing.entry(Arc::clone(name));
        let publishing = publishing.or_insert(Publishing {
            since: at.now,
            attempts: 0,
            retry_at: None,
        });
        let factor = 2_u32.saturating_pow(publishing.attempts);
        publishing.attempts = publishing.attempts.saturating_add(1);
        let pause = BACKOFF_MIN.saturating_mul(factor).min(BACKOFF_MAX);
        publishing.retry_at = Some(at.now + pause);
    }

    fn is_key_of_old(&self, name: &str, failure: &ForwardFailure, at: Moment) -> bool {
        let publishing = self.publishing.get(name);
        failure.status == Some(403)
            && publishing.is_some_and(|p| at.now <= p.since + EXPIRED_KEY_WINDOW)
    }
}

/// KIP-1004: a connector that makes more tasks than it may has a fault.
fn check_count(name: &str, tasks: WantedTasks) -> Result<Vec<BTreeMap<String, String>>, String> {
    let (count, max) = (tasks.configs.len(), tasks.max);
    if count <= max || !tasks.is_max_enforced {
        return Ok(tasks.configs);
    }
    Err(format!(
        "The connector {name} has generated {count} tasks, which is greater than {max}, the maximum number of tasks it \
         is configured to create. This behaviour should be considered a bug and is disallowed."
    ))
}

/// Whether these are the tasks that a connector has.
fn are_tasks_of(config: &ConfigSnapshot, name: &str, tasks: &[BTreeMap<String, String>]) -> bool {
    let ids = config.tasks(name);
    let mut both = ids.iter().zip(tasks);
    ids.len() == tasks.len()
        && both.all(|(id, task)| config.task_config(id).is_some_and(|known| **known == *task))
}

/// A task's settings with what the worker adds, its class and the topics, and with the connector's variables where the
/// connector handed on their values.
///
/// # Source
/// `Worker.connectorTaskConfigs`, `AbstractHerder.reverseTransform`
fn complete(
    connector: &BTreeMap<String, String>,
    class: Option<&str>,
    mut task: BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    for (key, text) in connector {
        if let Some(value) = task.get_mut(key).filter(|_| has_variable(text)) {
            value.clone_from(text);
        }
    }
    if let Some(class) = class {
        task.insert("task.class".to_owned(), class.to_owned());
    }
    for key in ["topics", "topics.regex"] {
        if let Some(text) = connector.get(key) {
            task.insert(key.to_owned(), text.clone());
        }
    }
    task
}

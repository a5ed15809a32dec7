//! Tasks of this worker that ask whether they may start, where sources are exactly once: before they take over their
//! transactional id, and after it, before the connector's code is called.
//!
//! # Source
//! `DistributedHerder.fenceZombieSourceTasks` and `DistributedHerder.verifyTaskGenerationAndOwnership` of Kafka 4.2

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::fencing::{Asker, Awaited, FencingAction, backoff, failed_fencing};
use super::writes::Then;
use super::{Action, ForwardFailure, HerderMachine, Moment, Ticket};
use crate::herder::request::{ConnectorKind, HerderError};
use crate::herder::runner::Permission;
use crate::herder::work::Run;
use crate::status::TaskId;

/// A task that has begun where sources are exactly once.
#[derive(Debug)]
struct Applicant {
    run: Run,
    /// Of which of its connector's sets of tasks it is.
    generation: Option<u32>,
    /// When it asked first.
    since: Option<Duration>,
    failures: u32,
    /// Why the last try failed, until it is decided whether there is another.
    failed: Option<String>,
    retry_at: Option<Duration>,
}

/// Tasks that were begun, until they may start.
#[derive(Debug, Default)]
pub(super) struct Applicants(BTreeMap<TaskId, Applicant>);

impl Applicants {
    /// A task is begun.
    pub(super) fn on_begun(&mut self, id: &TaskId, run: Run, generation: Option<u32>) {
        let applicant = Applicant {
            run,
            generation,
            since: None,
            failures: 0,
            failed: None,
            retry_at: None,
        };
        self.0.insert(id.clone(), applicant);
    }

    fn get_mut(&mut self, id: &TaskId, run: Run) -> Option<&mut Applicant> {
        self.0.get_mut(id).filter(|known| known.run == run)
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.0.values().filter_map(|known| known.retry_at).min()
    }
}

impl HerderMachine {
    /// A task asks whether it may go on.
    pub(super) fn on_permission_asked(
        &mut self,
        id: &TaskId,
        run: Run,
        permission: Permission,
        at: Moment,
    ) {
        match permission {
            Permission::Initialize => {
                if let Some(applicant) = self.applicants.get_mut(id, run) {
                    applicant.since = Some(at.now);
                }
                self.ask_for_round(id, run);
            }
            Permission::Start => self.read_config(Awaited::Checked(id.clone(), run)),
        }
    }

    /// The leader had a round of fencing, or refused.
    pub fn on_round_forwarded(
        &mut self,
        ticket: Ticket,
        outcome: Result<(), ForwardFailure>,
        at: Moment,
    ) -> Vec<Action> {
        if let Some(Then::Fencing(Awaited::Forwarded(id, run))) = self.pending.remove(&ticket) {
            match outcome {
                Ok(()) => self.answer_task(&id, run, Ok(())),
                Err(failure) => {
                    self.note_failed_round(&id, run, failure.reason, failure.is_retriable);
                }
            }
        }
        self.finish(at)
    }

    /// A round of this worker's own has ended.
    pub(super) fn on_round_ended(
        &mut self,
        id: &TaskId,
        run: Run,
        outcome: Result<(), HerderError>,
    ) {
        match outcome {
            Ok(()) => self.answer_task(id, run, Ok(())),
            Err(error) => {
                let is_final =
                    matches!(error, HerderError::BadRequest(_) | HerderError::Refused(_));
                self.note_failed_round(id, run, error.to_string(), !is_final);
            }
        }
    }

    /// The config topic was read: a task may start if it is still wanted as it is.
    pub(super) fn check_task(&mut self, id: &TaskId, run: Run) {
        let Some(applicant) = self.applicants.get_mut(id, run) else {
            return;
        };
        let current = self.config.snapshot().task_config_generation(&id.connector);
        let outcome = if applicant.generation != current {
            Err(format!(
                "Cannot start source task {id} with exactly-once support as the connector has already generated a new set \
                 of task configs"
            ))
        } else {
            Ok(())
        };
        self.answer_task(id, run, outcome);
        self.applicants.0.remove(id);
    }

    /// Tries again what failed, and has waited or need not.
    pub(super) fn retry_rounds(&mut self, at: Moment) {
        let work = &self.work;
        self.applicants.0.retain(|id, _| work.has_task(id));
        let mut due = Vec::new();
        for (id, applicant) in &mut self.applicants.0 {
            if applicant
                .retry_at
                .take_if(|retry| *retry <= at.now)
                .is_some()
            {
                due.push((id.clone(), applicant.run));
            }
        }
        for (id, run) in due {
            self.ask_for_round(&id, run);
        }
        let mut given_up = Vec::new();
        for (id, applicant) in &mut self.applicants.0 {
            if let Some(reason) = applicant.failed.take() {
                let since = applicant.since.unwrap_or(at.now);
                if at.now >= since + ASKING_TIMEOUT {
                    given_up.push((id.clone(), applicant.run, reason));
                    continue;
                }
                tracing::warn!(
                    "Task {id} waits for older tasks to be fenced; trying again: {reason}"
                );
                applicant.retry_at = Some(at.now + backoff(applicant.failures));
                applicant.failures += 1;
            }
        }
        for (id, run, reason) in given_up {
            self.answer_task(&id, run, Err(failed_fencing(&reason)));
        }
    }

    /// Whether a connector's tasks write in transactions, and have to ask before they start.
    pub(super) fn is_exactly_once(&self, connector: &str) -> bool {
        let cluster = self.rules.cluster.as_ref();
        cluster.is_some_and(|rules| rules.gives_exactly_once)
            && self.kind_of(connector) == ConnectorKind::Source
    }

    fn ask_for_round(&mut self, id: &TaskId, run: Run) {
        if self.applicants.get_mut(id, run).is_none() {
            return;
        }
        if self.group.is_leader() {
            let asked = self.ask_round(&id.connector, Asker::Task(id.clone(), run));
            if let Err(error) = asked {
                self.on_round_ended(id, run, Err(error));
            }
            return;
        }
        match self.group.leader_url() {
            Some(url) => {
                let key = self.config.snapshot().session_key().cloned();
                let then = Awaited::Forwarded(id.clone(), run);
                let ticket = self.ticket(Then::Fencing(then));
                self.actions.push(Action::Fencing(FencingAction::Forward {
                    ticket,
                    url,
                    connector: Arc::clone(&id.connector),
                    key,
                }));
            }
            None => {
                let reason = "the leader's address is not known".to_owned();
                self.note_failed_round(id, run, reason, true);
            }
        }
    }

    fn note_failed_round(&mut self, id: &TaskId, run: Run, reason: String, may_pass: bool) {
        if !may_pass {
            return self.answer_task(id, run, Err(failed_fencing(&reason)));
        }
        if let Some(applicant) = self.applicants.get_mut(id, run) {
            applicant.failed = Some(reason);
        }
    }

    fn answer_task(&mut self, id: &TaskId, run: Run, outcome: Result<(), String>) {
        if self.applicants.get_mut(id, run).is_none() {
            // A later life of the task must not hear what an earlier one asked for.
            return;
        }
        let answer = FencingAction::Answer(id.clone(), outcome);
        self.actions.push(Action::Fencing(answer));
    }
}

/// For how long a task asks for a round again when one has failed: a group finds a new leader in that time.
const ASKING_TIMEOUT: Duration = Duration::from_secs(300);

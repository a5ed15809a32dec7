//! Rounds of fencing (KIP-618): before the tasks of a source begin where sources are exactly once, the leader takes the
//! transactional ids away from the tasks that there were before, and writes down how many there are now.
//!
//! What may pass is tried again, some times: Java's tasks fail at once.
//!
//! # Source
//! `DistributedHerder.doFenceZombieSourceTasks` and `DistributedHerder.ZombieFencing` of Kafka 4.2

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::changes::not_found;
use super::writes::Then;
use super::{Action, HerderMachine, Moment, RequestId, Ticket};
use crate::config::Settings;
use crate::herder::request::{ConnectorKind, ConnectorOffset, HerderError, Outcome, Signature};
use crate::herder::work::Run;
use crate::status::TaskId;
use crate::storage::config::{ConfigRecord, SessionKey};

/// What is to be done about older tasks, and about those that wait for it.
#[derive(Clone, Debug)]
pub enum FencingAction {
    /// Take the transactional ids of the first so many tasks of a connector away from whoever has them, then call
    /// [`HerderMachine::on_fenced`].
    Fence {
        /// Goes back with the outcome.
        ticket: Ticket,
        /// The connector.
        connector: Arc<str>,
        /// Its settings as written: its own admin client is asked.
        settings: Arc<Settings>,
        /// How many tasks.
        tasks: u32,
    },
    /// Ask the leader for a round, then call [`HerderMachine::on_round_forwarded`].
    Forward {
        /// Goes back with the answer.
        ticket: Ticket,
        /// The leader's REST address.
        url: Arc<str>,
        /// The connector.
        connector: Arc<str>,
        /// What signs the request, if there is a key.
        key: Option<SessionKey>,
    },
    /// Tell a task that it may go on, or why not.
    Answer(TaskId, Result<(), String>),
}

/// Why transactional ids could not be taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FencingFailure {
    /// Whether it may pass.
    pub is_retriable: bool,
    /// What is wrong.
    pub reason: String,
}

/// What follows when an action of a round has ended.
#[derive(Clone, Debug)]
pub(super) enum Awaited {
    /// The config topic was read, so that the round begins with what is true.
    Read(Arc<str>),
    /// The ids were taken away for tasks of this generation.
    Fenced(Arc<str>, Option<u32>),
    /// The config topic was read again: tasks of this generation are to be written down.
    ReadAgain(Arc<str>, Option<u32>),
    /// The number of tasks was written.
    Written(Arc<str>),
    /// The leader has had a round for a task of this worker.
    Forwarded(TaskId, Run),
    /// The config topic was read for a task of this worker that is about to start.
    Checked(TaskId, Run),
}

/// Who waits for a round.
#[derive(Clone, Debug)]
pub(super) enum Asker {
    Request(RequestId),
    Task(TaskId, Run),
    /// Offsets that a user wants changed; `None` to have all forgotten.
    Offsets(RequestId, Option<Vec<ConnectorOffset>>),
}

/// A round that is under way.
#[derive(Debug, Default)]
pub(super) struct FencingRound {
    askers: Vec<Asker>,
    failures: u32,
    /// When to try again what failed.
    retry_at: Option<Duration>,
}

/// The rounds of a leader, by connector.
pub(super) type FencingRounds = BTreeMap<Arc<str>, FencingRound>;

impl HerderMachine {
    /// Another worker wants older tasks of a source fenced.
    pub(super) fn fence(
        &mut self,
        request: RequestId,
        name: &str,
        signature: &Signature,
    ) -> Result<(), HerderError> {
        if self.is_alone() {
            let text =
                "Kafka Connect in standalone mode does not support exactly-once source connectors.";
            return Err(HerderError::Failed(text.to_owned()));
        }
        self.check_signature(signature)?;
        self.ask_round(name, Asker::Request(request))
    }

    /// Has a round, or joins the one that is under way.
    pub(super) fn ask_round(&mut self, name: &str, asker: Asker) -> Result<(), HerderError> {
        self.check_leads("Only the leader may perform zombie fencing.")?;
        if !self.config.snapshot().contains(name) {
            return Err(not_found(name));
        }
        if self.kind_of(name) != ConnectorKind::Source {
            let text = format!("Connector {name} is not a source connector");
            return Err(HerderError::BadRequest(text));
        }
        let name: Arc<str> = name.into();
        let is_new = !self.rounds.contains_key(&name);
        let round = self.rounds.entry(Arc::clone(&name)).or_default();
        round.askers.push(asker);
        if is_new {
            self.begin_round(name);
        }
        Ok(())
    }

    /// Transactional ids were taken away, or not for this reason.
    pub fn on_fenced(
        &mut self,
        ticket: Ticket,
        outcome: Result<(), FencingFailure>,
        at: Moment,
    ) -> Vec<Action> {
        if let Some(Then::Fencing(Awaited::Fenced(name, generation))) = self.pending.remove(&ticket)
        {
            match outcome {
                Ok(()) => self.read_config(Awaited::ReadAgain(name, generation)),
                Err(failure) if failure.is_retriable => {
                    self.round_failed(&name, &failure.reason, at);
                }
                Err(failure) => {
                    let text = failed_fencing(&failure.reason);
                    self.end_round(&name, &Err(HerderError::Refused(text)));
                }
            }
        }
        self.finish(at)
    }

    /// What a round, or a task, waited for has come.
    pub(super) fn fencing_goes_on(&mut self, awaited: Awaited) {
        match awaited {
            Awaited::Read(name) => self.decide_round(name),
            Awaited::ReadAgain(name, generation) => self.write_round(name, generation),
            Awaited::Written(name) => self.end_round(&name, &Ok(())),
            Awaited::Checked(id, run) => self.check_task(&id, run),
            // These end by events of their own.
            Awaited::Fenced(..) | Awaited::Forwarded(..) => {}
        }
    }

    /// What failed is tried again later, a limited number of times.
    pub(super) fn round_failed(&mut self, name: &Arc<str>, reason: &str, at: Moment) {
        let Some(round) = self.rounds.get_mut(name) else {
            return;
        };
        if round.failures < ROUND_RETRIES_MAX {
            tracing::warn!("Failed to fence older tasks of {name}; trying again: {reason}");
            round.retry_at = Some(at.now + backoff(round.failures));
            round.failures += 1;
            return;
        }
        let text = failed_fencing(reason);
        self.end_round(name, &Err(HerderError::Failed(text)));
    }

    /// Tries again what is due.
    pub(super) fn check_rounds(&mut self, at: Moment) {
        let mut due = Vec::new();
        for (name, round) in &mut self.rounds {
            if round.retry_at.take_if(|retry| *retry <= at.now).is_some() {
                due.push(Arc::clone(name));
            }
        }
        for name in due {
            self.begin_round(name);
        }
    }

    pub(super) fn rounds_deadline(&self) -> Option<Duration> {
        self.rounds
            .values()
            .filter_map(|round| round.retry_at)
            .min()
    }

    pub(super) fn read_config(&mut self, then: Awaited) {
        let ticket = self.ticket(Then::Fencing(then));
        self.actions.push(Action::ReadConfig(ticket));
    }

    fn begin_round(&mut self, name: Arc<str>) {
        self.read_config(Awaited::Read(name));
    }

    /// Whether this worker may go on with a round; else whoever waits is told so.
    fn may_go_on(&mut self, name: &Arc<str>) -> bool {
        let leads = self.check_leads("Only the leader may perform zombie fencing.");
        let known = leads.and_then(|()| match self.config.snapshot().contains(name) {
            true => Ok(()),
            false => Err(not_found(name)),
        });
        match known {
            Ok(()) => self.rounds.contains_key(name),
            Err(error) => {
                self.end_round(name, &Err(error));
                false
            }
        }
    }

    fn decide_round(&mut self, name: Arc<str>) {
        if !self.may_go_on(&name) {
            return;
        }
        let config = self.config.snapshot();
        if !config.is_fencing_pending(&name) {
            tracing::debug!("All older tasks of connector {name} are fenced out already");
            return self.end_round(&name, &Ok(()));
        }
        match (config.task_count_record(&name), config.task_count(&name)) {
            // Nobody was ever there, or the one task takes its id from the one before.
            (None, _) | (Some(1), 1) => {
                let generation = config.task_config_generation(&name);
                self.write_round(name, generation);
            }
            (Some(tasks), _) => {
                let settings = config.connector_config(&name);
                let settings = settings.map(|settings| settings.as_ref().clone());
                let settings = Arc::new(Settings::from(settings.unwrap_or_default()));
                let generation = config.task_config_generation(&name);
                let then = Awaited::Fenced(Arc::clone(&name), generation);
                let ticket = self.ticket(Then::Fencing(then));
                self.actions.push(Action::Fencing(FencingAction::Fence {
                    ticket,
                    connector: name,
                    settings,
                    tasks,
                }));
            }
        }
    }

    /// Writes down how many tasks there are, unless they have become others meanwhile.
    fn write_round(&mut self, name: Arc<str>, generation: Option<u32>) {
        if !self.may_go_on(&name) {
            return;
        }
        let config = self.config.snapshot();
        if config.task_config_generation(&name) != generation {
            let text =
                "Fencing failed because new task configurations were generated for the connector";
            return self.end_round(&name, &Err(HerderError::Conflict(text.to_owned())));
        }
        let record = ConfigRecord::TasksFencing {
            name: Arc::clone(&name),
            tasks: config.task_count(&name),
        };
        self.write(vec![record], Then::Fencing(Awaited::Written(name)));
    }

    fn end_round(&mut self, name: &Arc<str>, outcome: &Result<(), HerderError>) {
        let round = self.rounds.remove(name).unwrap_or_default();
        for asker in round.askers {
            match asker {
                Asker::Request(request) => {
                    self.reply(request, outcome.clone().map(|()| Outcome::Done));
                }
                Asker::Task(id, run) => self.on_round_ended(&id, run, outcome.clone()),
                Asker::Offsets(request, offsets) => {
                    let fenced = outcome.as_ref().map_err(before_offsets);
                    let begun = fenced.and_then(|()| self.change_offsets(request, name, offsets));
                    if let Err(error) = begun {
                        self.reply(request, Err(error));
                    }
                }
            }
        }
    }
}

/// What a user is told who wants offsets changed, and the log besides.
fn before_offsets(error: &HerderError) -> HerderError {
    let text = "Failed to perform zombie fencing for source connector prior to modifying offsets";
    tracing::error!("{text}: {error}");
    HerderError::Failed(text.to_owned())
}

/// What whoever waits for fencing is told, once however often it is told on.
pub(super) fn failed_fencing(reason: &str) -> String {
    match reason.starts_with(FAILED) {
        true => reason.to_owned(),
        false => format!("{FAILED}: {reason}"),
    }
}

/// How long to wait after so many failures.
pub(super) fn backoff(failures: u32) -> Duration {
    let factor = 2_u32.saturating_pow(failures);
    BACKOFF_MIN.saturating_mul(factor).min(BACKOFF_MAX)
}

const FAILED: &str = "Failed to perform zombie fencing";
/// How often a round is tried again for those who wait for it.
const ROUND_RETRIES_MAX: u32 = 5;
/// The first pause before something is tried again.
const BACKOFF_MIN: Duration = Duration::from_millis(250);
/// The longest such pause.
const BACKOFF_MAX: Duration = Duration::from_secs(10);

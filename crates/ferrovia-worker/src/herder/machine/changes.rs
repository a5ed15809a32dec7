//! What users, and other workers, want changed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::fencing::Asker;
use super::writes::{AfterTasks, Then};
use super::{Action, HerderMachine, Moment, Parked, Phase, RequestId, Started, Ticket};
use crate::config::{InitialState, Settings};
use crate::herder::request::{Change, HerderError, Outcome, Signature};
use crate::herder::validation::{Admission, GivenSettings};
use crate::status::TaskId;
use crate::storage::config::{ConfigRecord, RestartRequest, TargetState};
use crate::storage::status::StatusRecord;

/// How long a request waits for the group to settle.
const PARKED_MAX: Duration = Duration::from_secs(85);

/// A change, or the rest of one whose settings were checked.
#[derive(Debug)]
pub(super) enum Step {
    Change(Change),
    Save(Save),
}

/// Settings that were checked, to be written.
#[derive(Debug)]
pub(super) struct Save {
    pub(super) name: Arc<str>,
    pub(super) settings: Arc<BTreeMap<String, String>>,
    pub(super) target: Option<TargetState>,
    pub(super) may_replace: bool,
}

impl HerderMachine {
    /// Somebody wants a change.
    pub fn on_change(&mut self, request: RequestId, change: Change, at: Moment) -> Vec<Action> {
        match change {
            Change::Create {
                name,
                settings,
                initial_state,
            } => {
                let target = initial_state.map(target_of);
                self.check(request, &name, settings, target, false);
            }
            Change::Put { name, settings } => self.check(request, &name, settings, None, true),
            change => self.step(request, Step::Change(change), at.now + PARKED_MAX, at),
        }
        self.finish(at)
    }

    /// Settings were checked.
    pub fn on_checked(
        &mut self,
        ticket: Ticket,
        admission: Result<Admission, HerderError>,
        at: Moment,
    ) -> Vec<Action> {
        if let Some(Then::Save {
            request,
            name,
            target,
            may_replace,
        }) = self.pending.remove(&ticket)
        {
            match admission {
                Err(error) => self.reply(request, Err(error)),
                Ok(admission) => {
                    let save = Save {
                        name,
                        settings: Arc::new(admission.settings.as_map().clone()),
                        target,
                        may_replace,
                    };
                    self.step(request, Step::Save(save), at.now + PARKED_MAX, at);
                }
            }
        }
        self.finish(at)
    }

    /// Takes up what had to wait, once the group has settled.
    pub(super) fn unpark(&mut self, at: Moment) {
        if self.parked.is_empty() || !self.is_settled() {
            return;
        }
        for Parked {
            request,
            step,
            until,
        } in std::mem::take(&mut self.parked)
        {
            self.step(request, step, until, at);
        }
    }

    fn check(
        &mut self,
        request: RequestId,
        name: &str,
        settings: GivenSettings,
        target: Option<TargetState>,
        may_replace: bool,
    ) {
        let ticket = self.ticket(Then::Save {
            request,
            name: name.into(),
            target,
            may_replace,
        });
        self.actions.push(Action::Check(ticket, settings));
    }

    /// Does what is wanted, now or when the group has settled.
    fn step(&mut self, request: RequestId, step: Step, until: Duration, at: Moment) {
        if self.phase >= Phase::Stopping {
            return self.reply(request, Err(HerderError::Stopping));
        }
        // Every worker may write these, whoever leads.
        let is_free = matches!(
            step,
            Step::Change(
                Change::Pause(_)
                    | Change::Resume(_)
                    | Change::ResetTopics(_)
                    | Change::LogLevel { .. }
            )
        );
        let is_possible = self.is_settled() || (is_free && self.config.is_caught_up());
        if !is_possible {
            let parked = Parked {
                request,
                step,
                until,
            };
            return self.parked.push(parked);
        }
        let done = match step {
            Step::Save(save) => self.save(request, save),
            Step::Change(change) => self.change(request, change, at),
        };
        if let Err(error) = done {
            self.reply(request, Err(error));
        }
    }

    fn change(
        &mut self,
        request: RequestId,
        change: Change,
        at: Moment,
    ) -> Result<(), HerderError> {
        match change {
            // They are checked first.
            Change::Create { .. } | Change::Put { .. } => Ok(()),
            Change::Patch { name, patch } => self.patch(request, &name, patch),
            Change::Delete(name) => self.delete(request, &name),
            Change::Pause(name) => self.aim(request, &name, TargetState::Paused),
            Change::Resume(name) => self.aim(request, &name, TargetState::Started),
            Change::Stop(name) => self.stop(request, &name),
            Change::Restart(name) => self.restart(request, &name, at),
            Change::RestartTask { connector, task } => {
                self.restart_task(request, &connector, task, at)
            }
            Change::RestartMany {
                name,
                only_failed,
                include_tasks,
            } => {
                let wanted = RestartRequest {
                    connector: name.into(),
                    only_failed,
                    include_tasks,
                };
                self.restart_many(request, wanted)
            }
            Change::ResetTopics(name) => self.reset_topics(request, &name),
            Change::AlterOffsets { name, offsets } => {
                self.modify_offsets(request, &name, Some(offsets))
            }
            Change::ResetOffsets(name) => self.modify_offsets(request, &name, None),
            Change::PutTasks {
                name,
                tasks,
                signature,
            } => self.put_tasks(request, &name, tasks, &signature),
            Change::Fence { name, signature } => self.fence(request, &name, &signature),
            Change::LogLevel { namespace, level } => {
                let namespace = Arc::from(namespace);
                self.write(
                    vec![ConfigRecord::LoggerLevel { namespace, level }],
                    Then::Reply(request),
                );
                Ok(())
            }
        }
    }

    fn save(&mut self, request: RequestId, save: Save) -> Result<(), HerderError> {
        self.check_leads("Only the leader can set connector configs.")?;
        let Save {
            name,
            settings,
            target,
            may_replace,
        } = save;
        let is_new = !self.config.snapshot().contains(&name);
        if !is_new && !may_replace {
            return Err(HerderError::AlreadyExists(format!(
                "Connector {name} already exists"
            )));
        }
        let holds_tasks = target == Some(TargetState::Stopped) && self.hold_tasks(&name);
        let target = target.map(|state| ConfigRecord::Target {
            name: Arc::clone(&name),
            state: Some(state),
        });
        let connector = ConfigRecord::Connector {
            name: Arc::clone(&name),
            settings: Some(Arc::clone(&settings)),
        };
        let records = target.into_iter().chain([connector]).collect();
        self.write(
            records,
            Then::Saved {
                request,
                name,
                settings,
                is_new,
                holds_tasks,
            },
        );
        Ok(())
    }

    fn patch(
        &mut self,
        request: RequestId,
        name: &str,
        patch: GivenSettings,
    ) -> Result<(), HerderError> {
        self.check_leads("Only the leader can set connector configs.")?;
        let config = self.config.snapshot();
        let config = config
            .connector_config(name)
            .ok_or_else(|| not_found(name))?;
        let mut patched: GivenSettings = config
            .iter()
            .map(|(key, value)| (key.clone(), Some(value.clone())))
            .collect();
        for (key, value) in patch {
            match value {
                Some(value) => patched.insert(key, Some(value)),
                None => patched.remove(&key),
            };
        }
        self.check(request, name, patched, None, true);
        Ok(())
    }

    fn delete(&mut self, request: RequestId, name: &str) -> Result<(), HerderError> {
        self.check_leads("Only the leader can delete connector configs.")?;
        if !self.config.snapshot().contains(name) {
            return Err(not_found(name));
        }
        let name: Arc<str> = name.into();
        let records = vec![
            ConfigRecord::Connector {
                name: Arc::clone(&name),
                settings: None,
            },
            ConfigRecord::Target {
                name: Arc::clone(&name),
                state: None,
            },
        ];
        self.write(records, Then::ReplyWhenEnded(request, name));
        Ok(())
    }

    fn aim(
        &mut self,
        request: RequestId,
        name: &str,
        target: TargetState,
    ) -> Result<(), HerderError> {
        if !self.config.snapshot().contains(name) {
            return Err(HerderError::NotFound(format!("Unknown connector {name}")));
        }
        let record = ConfigRecord::Target {
            name: name.into(),
            state: Some(target),
        };
        self.write(vec![record], Then::Reply(request));
        Ok(())
    }

    /// The tasks go first: should the second write fail, the connector runs without tasks, which is a state like others.
    fn stop(&mut self, request: RequestId, name: &str) -> Result<(), HerderError> {
        if !self.config.snapshot().contains(name) {
            return Err(match self.is_alone() {
                true => HerderError::Failed(format!("No connector `{name}` configured")),
                false => HerderError::NotFound(format!("Unknown connector {name}")),
            });
        }
        self.check_leads("Only the leader can transition connectors to the STOPPED state.")?;
        let name: Arc<str> = name.into();
        let then = AfterTasks::Stop(request);
        self.write_tasks(&name, Vec::new(), then)
    }

    fn restart(&mut self, request: RequestId, name: &str, at: Moment) -> Result<(), HerderError> {
        if !self.config.snapshot().contains(name) {
            return Err(HerderError::NotFound(match self.is_alone() {
                true => format!("Connector {name} not found"),
                false => format!("Unknown connector: {name}"),
            }));
        }
        let name: Arc<str> = name.into();
        if !self.work.has_connector(&name) {
            self.check_leads("Only the leader can process restart requests.")?;
            return Err(HerderError::Elsewhere {
                reason: "Cannot restart connector since it is not assigned to this member".into(),
                url: self.group.owner_of_connector(&name),
            });
        }
        let Some(wish) = self.connector_wish(&name) else {
            return Ok(());
        };
        if wish.target == TargetState::Started {
            let waiting = self.starting.entry(Arc::clone(&name)).or_default();
            waiting.push((request, Started::Done));
        } else {
            self.reply(request, Ok(Outcome::Done));
        }
        let work = self.work.start_connector(&name, wish, at.now);
        self.do_work(work);
        Ok(())
    }

    fn restart_task(
        &mut self,
        request: RequestId,
        connector: &str,
        task: i32,
        at: Moment,
    ) -> Result<(), HerderError> {
        if !self.config.snapshot().contains(connector) {
            return Err(HerderError::NotFound(match self.is_alone() {
                true => format!("Connector {connector} not found"),
                false => format!("Unknown connector: {connector}"),
            }));
        }
        let id = u32::try_from(task)
            .ok()
            .map(|task| TaskId::new(connector, task));
        let wish = id.and_then(|id| Some((self.task_wish(&id)?, id)));
        let Some((wish, id)) = wish else {
            return Err(HerderError::NotFound(match self.is_alone() {
                true => format!("Task {connector}-{task} not found"),
                false => format!("Unknown task: {connector}-{task}"),
            }));
        };
        if !self.work.has_task(&id) {
            let reason = "Cannot restart task since it is not assigned to this member";
            self.check_leads(reason)?;
            return Err(HerderError::Elsewhere {
                reason: reason.into(),
                url: self.group.owner_of_task(&id),
            });
        }
        let waiting = self.beginning.entry(id.clone()).or_default();
        waiting.push(request);
        let work = self.work.start_task(&id, wish, at.now);
        self.do_work(work);
        Ok(())
    }

    fn reset_topics(&mut self, request: RequestId, name: &str) -> Result<(), HerderError> {
        if !self.rules.tracks_topics {
            let text = "Topic tracking is disabled.";
            return Err(HerderError::Forbidden(text.to_owned()));
        }
        if !self.rules.resets_topics {
            let text = "Topic tracking reset is disabled.";
            return Err(HerderError::Forbidden(text.to_owned()));
        }
        self.forget_topics(name);
        self.reply(request, Ok(Outcome::Done));
        Ok(())
    }

    fn modify_offsets(
        &mut self,
        request: RequestId,
        name: &str,
        offsets: Option<Vec<super::ConnectorOffset>>,
    ) -> Result<(), HerderError> {
        self.modifiable(name)?;
        match self.is_exactly_once(name) {
            // No older task may write behind the change.
            true => self.ask_round(name, Asker::Offsets(request, offsets)),
            false => self.change_offsets(request, name, offsets),
        }
    }

    /// Has offsets changed, if that still may be.
    pub(super) fn change_offsets(
        &mut self,
        request: RequestId,
        name: &str,
        offsets: Option<Vec<super::ConnectorOffset>>,
    ) -> Result<(), HerderError> {
        let settings = self.modifiable(name)?;
        self.actions.push(Action::ModifyOffsets {
            request,
            connector: name.into(),
            settings: Arc::new(settings),
            offsets,
        });
        Ok(())
    }

    /// The settings of a connector whose offsets may be changed.
    fn modifiable(&self, name: &str) -> Result<Settings, HerderError> {
        self.check_leads("Only the leader can process external offsets modification requests")?;
        let config = self.config.snapshot();
        let settings = config
            .connector_config(name)
            .ok_or_else(|| not_found(name))?;
        let is_stopped = config.target_state(name) == Some(TargetState::Stopped);
        if !is_stopped || config.task_count(name) != 0 {
            return Err(HerderError::BadRequest(format!(
                "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the \
                 specified connector by issuing a 'PUT' request to the '/connectors/{name}/stop' endpoint"
            )));
        }
        Ok(Settings::from(settings.as_ref().clone()))
    }

    fn put_tasks(
        &mut self,
        request: RequestId,
        name: &str,
        tasks: Vec<BTreeMap<String, String>>,
        signature: &Signature,
    ) -> Result<(), HerderError> {
        if self.is_alone() {
            let text = "Kafka Connect in standalone mode does not support externally setting task configurations.";
            return Err(HerderError::Failed(text.to_owned()));
        }
        self.check_signature(signature)?;
        self.check_leads("Only the leader may write task configurations.")?;
        if !self.config.snapshot().contains(name) {
            return Err(not_found(name));
        }
        self.write_tasks(&name.into(), tasks, AfterTasks::Reply(request))
    }

    /// Forgets which topics a connector has used.
    pub(super) fn forget_topics(&mut self, name: &str) {
        let topics: Vec<Arc<str>> = self
            .statuses
            .statuses()
            .topics(name)
            .map(|(topic, _)| Arc::clone(topic))
            .collect();
        for topic in topics {
            self.write_status(StatusRecord::Topic {
                connector: name.into(),
                topic,
                used: None,
            });
        }
    }
}

pub(super) fn not_found(name: &str) -> HerderError {
    HerderError::NotFound(format!("Connector {name} not found"))
}

fn target_of(state: InitialState) -> TargetState {
    match state {
        InitialState::Running => TargetState::Started,
        InitialState::Paused => TargetState::Paused,
        InitialState::Stopped => TargetState::Stopped,
    }
}

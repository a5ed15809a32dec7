//! What follows from records of the config and status topics, whoever wrote them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Action, HerderMachine, Moment};
use crate::logging::Level;
use crate::status::TaskId;
use crate::storage::config::{ConfigChange, TargetState};

/// Connectors of which something was read that has not been acted on.
#[derive(Debug, Default)]
pub(super) struct News {
    /// Those with new settings.
    reconfigured: BTreeSet<Arc<str>>,
    /// Those that are meant to do something else.
    retargeted: BTreeSet<Arc<str>>,
    /// Those with new tasks.
    retasked: BTreeSet<Arc<str>>,
}

impl News {
    fn is_empty(&self) -> bool {
        self.reconfigured.is_empty() && self.retargeted.is_empty() && self.retasked.is_empty()
    }
}

impl HerderMachine {
    /// The next record of the config topic.
    pub fn on_config_record(
        &mut self,
        offset: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        at: Moment,
    ) -> Vec<Action> {
        self.take_config(offset, key, value);
        self.finish(at)
    }

    /// The history of the config topic was read.
    pub fn on_config_caught_up(&mut self, at: Moment) -> Vec<Action> {
        self.config.catch_up();
        self.finish(at)
    }

    /// The next record of the status topic.
    pub fn on_status_record(
        &mut self,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        at: Moment,
    ) -> Vec<Action> {
        if let Some(record) = self.statuses.on_record(key, value) {
            self.heed_status(&record);
        }
        self.finish(at)
    }

    /// Takes in a record and notes what is to be done about it, which [`HerderMachine::finish`] does.
    pub(super) fn take_config(&mut self, offset: i64, key: Option<&[u8]>, value: Option<&[u8]>) {
        for change in self.config.on_record(offset, key, value) {
            match change {
                ConfigChange::ConnectorChanged(name) => {
                    tracing::info!("Connector {name} config updated");
                    self.news.reconfigured.insert(name);
                }
                ConfigChange::ConnectorAdded(name) => {
                    tracing::info!("Connector {name} config updated");
                    // One of that name may still run here that was deleted a moment ago.
                    self.news.reconfigured.insert(name);
                    self.want_rebalance("a connector was created", offset);
                }
                ConfigChange::ConnectorRemoved(name) => {
                    tracing::info!("Connector {name} config removed");
                    self.want_rebalance("a connector was removed", offset);
                    self.has_orphans = true;
                }
                ConfigChange::TasksChanged { connector, .. } => {
                    tracing::info!("Tasks of connector {connector} updated");
                    self.want_rebalance("tasks were reconfigured", offset);
                    self.note_commit(&connector);
                    self.news.retasked.insert(connector);
                    self.has_orphans = true;
                }
                ConfigChange::TargetChanged(name) => {
                    tracing::info!("Connector {name} target state change");
                    self.news.retargeted.insert(name);
                }
                ConfigChange::SessionKey(_) => tracing::info!("Session key updated"),
                ConfigChange::Restart(request) => {
                    tracing::info!("Received and enqueuing {request}");
                    let kept = self.restarts.entry(Arc::clone(&request.connector));
                    let kept = kept.or_insert_with(|| request.clone());
                    if request > *kept {
                        *kept = request;
                    }
                }
                ConfigChange::LoggerLevel { namespace, level } => match Level::named(&level) {
                    Some(level) => self.actions.push(Action::SetLogLevel(namespace, level)),
                    None => tracing::warn!("Ignoring the unknown level {level} of {namespace}"),
                },
            }
        }
    }

    /// Brings the work of this worker in line with what was read.
    pub(super) fn take_news(&mut self, at: Moment) {
        if self.news.is_empty() {
            return;
        }
        let news = std::mem::take(&mut self.news);
        for name in &news.reconfigured {
            if !self.work.has_connector(name) {
                continue;
            }
            tracing::info!("Handling connector-only config update by restarting connector {name}");
            if let Some(wish) = self.connector_wish(name) {
                let work = self.work.start_connector(name, wish, at.now);
                self.do_work(work);
            }
        }
        let config = self.config.snapshot();
        for name in &news.retargeted {
            let target = config.target_state(name).unwrap_or(TargetState::Started);
            let work = self.work.aim_connector(name, target, at.now);
            self.do_work(work);
            let work = self.work.aim_tasks(name, target != TargetState::Started);
            self.do_work(work);
        }
        // In a cluster they begin again when the group has settled on who has them; without rebalances that stop nothing,
        // everything is stopped anyway.
        if self.group.is_cooperative() {
            let retasked = news.retasked.iter();
            let held: Vec<TaskId> = retasked.flat_map(|name| self.work.tasks_of(name)).collect();
            for id in &held {
                let work = self.work.stop_task(id, at.now);
                self.do_work(work);
            }
        }
    }
}

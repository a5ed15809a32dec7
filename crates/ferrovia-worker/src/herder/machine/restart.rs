//! Restarts of a connector and its tasks together.
//!
//! # Source
//! KIP-745; `AbstractHerder.buildRestartPlan`

use super::writes::Then;
use super::{HerderMachine, Moment, RequestId};
use crate::herder::request::{ConnectorStatus, HerderError};
use crate::status::{State, TaskId};
use crate::storage::config::{ConfigRecord, RestartRequest};

impl HerderMachine {
    /// The request is written to the config topic, so that each worker restarts what it has.
    pub(super) fn restart_many(
        &mut self,
        request: RequestId,
        wanted: RestartRequest,
    ) -> Result<(), HerderError> {
        let name = &wanted.connector;
        if !self.config.snapshot().contains(name) {
            return Err(HerderError::NotFound(format!("Unknown connector: {name}")));
        }
        self.check_leads("Only the leader can process restart requests.")?;
        let plan = self.restart_plan(&wanted).ok_or_else(|| {
            HerderError::NotFound(format!("Status for connector {name} not found"))
        })?;
        let record = ConfigRecord::Restart(wanted);
        self.write(vec![record], Then::Restarting(request, Box::new(plan)));
        Ok(())
    }

    /// Restarts what was asked for, once the group has settled.
    pub(super) fn process_restarts(&mut self, at: Moment) {
        if self.restarts.is_empty() || !self.is_settled() {
            return;
        }
        for wanted in std::mem::take(&mut self.restarts).into_values() {
            let Some(plan) = self.restart_plan(&wanted) else {
                tracing::debug!("Skipping {wanted} since no status is available");
                continue;
            };
            tracing::info!("Executing {wanted}");
            self.restart_connector_of(&plan, at);
            self.restart_tasks_of(&plan, at);
        }
    }

    fn restart_connector_of(&mut self, plan: &ConnectorStatus, at: Moment) {
        let name = &plan.name;
        let is_ours = self.work.has_connector(name);
        if plan.connector.state != State::Restarting || !is_ours {
            return;
        }
        if let Some(wish) = self.connector_wish(name) {
            let work = self.work.restart_connector(name, wish, at.now);
            self.do_work(work);
        }
    }

    fn restart_tasks_of(&mut self, plan: &ConnectorStatus, at: Moment) {
        let work = &self.work;
        let restarting = plan
            .tasks
            .iter()
            .filter(|(id, status)| status.state == State::Restarting && work.has_task(id));
        let restarting: Vec<TaskId> = restarting.map(|(id, _)| id.clone()).collect();
        for id in restarting {
            if let Some(wish) = self.task_wish(&id) {
                let work = self.work.restart_task(&id, wish, at.now);
                self.do_work(work);
            }
        }
    }

    /// All statuses of the connector, with what is to be restarted marked so.
    fn restart_plan(&self, wanted: &RestartRequest) -> Option<ConnectorStatus> {
        let mut plan = self.status(&wanted.connector).ok()?;
        if wanted.restarts_connector(plan.connector.state) {
            plan.connector.state = State::Restarting;
        }
        for (_, status) in &mut plan.tasks {
            if wanted.restarts_task(status.state) {
                status.state = State::Restarting;
            }
        }
        Some(plan)
    }
}

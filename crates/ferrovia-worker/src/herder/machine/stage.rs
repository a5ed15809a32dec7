//! What a worker of a cluster is busy with, in words for users.
//!
//! # Source
//! The descriptions of `DistributedHerder.TickThreadStage`

use std::borrow::Cow;

use super::group::{Group, Member, Stage};
use super::{HerderMachine, Phase};

impl HerderMachine {
    /// What the worker is busy with that requests may have to wait for. A worker that is alone says nothing, as Java's.
    pub fn stage(&self) -> Option<Cow<'static, str>> {
        let Group::Member(member) = &self.group else {
            return None;
        };
        match self.phase {
            Phase::Stopping | Phase::Finished => Some("shutting down".into()),
            _ if !self.config.is_caught_up() => {
                Some("initializing and reading to the end of internal topics".into())
            }
            _ => member.doing().or_else(|| {
                let name = self.starting.keys().next()?;
                Some(format!("starting connector {name}").into())
            }),
        }
    }
}

impl Member {
    fn doing(&self) -> Option<Cow<'static, str>> {
        Some(match &self.stage {
            Stage::Settled
                if !self.is_rejoining && self.is_leader() && !self.privilege.permits() =>
            {
                "reclaiming write privileges for the config topic".into()
            }
            Stage::Settled if !self.is_rejoining => return None,
            Stage::Settled | Stage::Joining => "ensuring membership in the cluster".into(),
            Stage::Yielding { is_flushing: true }
            | Stage::Revoking {
                is_flushing: true, ..
            } => "flushing updates to the status topic".into(),
            Stage::Yielding { .. } => "stopping connectors and tasks before a rebalance".into(),
            Stage::Revoking { given, .. } => {
                let (connectors, tasks) = (&given.revoked_connectors, &given.revoked_tasks);
                format!(
                    "stopping {} connector(s) and {} task(s)",
                    connectors.len(),
                    tasks.len()
                )
                .into()
            }
            Stage::CatchingUp { .. } | Stage::Reading { .. } => {
                "reading to the end of the config topic".into()
            }
            Stage::Away { .. } => "waiting before another attempt to read the config topic".into(),
        })
    }
}

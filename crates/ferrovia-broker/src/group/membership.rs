//! Staying in a group, leaving it, and who may commit offsets for it.

use std::time::Instant;

use kafka_protocol::ResponseError;

use super::{Group, Phase, Reply};

impl Group {
    /// Handles Heartbeat.
    pub(crate) fn on_heartbeat(
        &mut self,
        member_id: &str,
        instance_id: Option<&str>,
        generation: i32,
        now: Instant,
    ) -> Result<(), ResponseError> {
        self.check_member(member_id, instance_id)?;
        if generation != self.generation {
            return Err(ResponseError::IllegalGeneration);
        }
        if let Some(member) = self.members.get_mut(member_id) {
            member.touch(now);
        }
        match self.phase {
            Phase::Empty => Err(ResponseError::UnknownMemberId),
            Phase::PreparingRebalance => Err(ResponseError::RebalanceInProgress),
            Phase::CompletingRebalance | Phase::Stable => Ok(()),
        }
    }

    /// Handles one member of a LeaveGroup request. A static member may be named by its instance
    /// id alone.
    pub(crate) fn on_leave(
        &mut self,
        member_id: &str,
        instance_id: Option<&str>,
        now: Instant,
        replies: &mut Vec<Reply>,
    ) -> Result<(), ResponseError> {
        if self.pending.remove(member_id).is_some() {
            self.try_complete_join(now, replies);
            return Ok(());
        }
        let by_instance = instance_id.filter(|_| member_id.is_empty());
        let id = match by_instance {
            Some(instance) => self
                .statics
                .get(instance)
                .cloned()
                .ok_or(ResponseError::UnknownMemberId)?,
            None => {
                self.check_member(member_id, instance_id)?;
                member_id.to_owned()
            }
        };
        self.remove_member(&id, now, replies);
        Ok(())
    }

    /// Whether offsets may be committed in the name of this member. A committer outside any
    /// generation (an admin client, a consumer without subscription) is welcome while the group
    /// has no members.
    pub(crate) fn on_commit(
        &mut self,
        member_id: &str,
        instance_id: Option<&str>,
        generation: i32,
        now: Instant,
    ) -> Result<(), ResponseError> {
        if generation < 0 && self.members.is_empty() {
            return Ok(());
        }
        self.check_member(member_id, instance_id)?;
        if generation != self.generation {
            return Err(ResponseError::IllegalGeneration);
        }
        if self.phase == Phase::CompletingRebalance {
            return Err(ResponseError::RebalanceInProgress);
        }
        if let Some(member) = self.members.get_mut(member_id) {
            member.touch(now);
        }
        Ok(())
    }
}

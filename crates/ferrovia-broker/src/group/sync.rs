//! SyncGroup: the leader brings the assignment, everybody takes their share.

use std::collections::BTreeMap;
use std::time::Instant;

use bytes::Bytes;
use kafka_protocol::ResponseError;

use super::{Group, Phase, Reply, Token};

/// What a SyncGroup request says.
#[derive(Debug, Clone, Default)]
pub(crate) struct SyncRequest {
    pub(crate) member_id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) generation: i32,
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol: Option<String>,
    /// From the leader: member id to assignment.
    pub(crate) assignments: BTreeMap<String, Bytes>,
}

/// What a SyncGroup answer says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct SyncAnswer {
    pub(crate) error: Option<ResponseError>,
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol: Option<String>,
    pub(crate) assignment: Bytes,
}

impl SyncAnswer {
    /// An answer that is only an error.
    pub(crate) fn refused(error: ResponseError) -> Self {
        Self {
            error: Some(error),
            ..Self::default()
        }
    }
}

impl Group {
    /// Handles SyncGroup; `token` is answered now or when the assignment is there.
    pub(crate) fn on_sync(
        &mut self,
        request: SyncRequest,
        token: Token,
        now: Instant,
    ) -> Vec<Reply> {
        let mut replies = Vec::new();
        if let Err(error) = self.sync(request, token, now, &mut replies) {
            replies.push(Reply::Synced(token, SyncAnswer::refused(error)));
        }
        replies
    }

    fn sync(
        &mut self,
        mut request: SyncRequest,
        token: Token,
        now: Instant,
        replies: &mut Vec<Reply>,
    ) -> Result<(), ResponseError> {
        self.check_member(&request.member_id, request.instance_id.as_deref())?;
        if request.generation != self.generation {
            return Err(ResponseError::IllegalGeneration);
        }
        let differs = |sent: &Option<String>, ours: &Option<String>| {
            sent.is_some() && ours.is_some() && sent != ours
        };
        if differs(&request.protocol_type, &self.protocol_type)
            || differs(&request.protocol, &self.protocol)
        {
            return Err(ResponseError::InconsistentGroupProtocol);
        }
        match self.phase {
            Phase::Empty => return Err(ResponseError::UnknownMemberId),
            Phase::PreparingRebalance => return Err(ResponseError::RebalanceInProgress),
            Phase::CompletingRebalance | Phase::Stable => {}
        }
        let id = request.member_id.as_str();
        let Some(member) = self.members.get_mut(id) else {
            return Err(ResponseError::UnknownMemberId);
        };
        member.synced = true;
        member.touch(now);
        if self.phase == Phase::CompletingRebalance {
            if let Some(earlier) = member.awaiting_sync.replace(token) {
                let answer = SyncAnswer::refused(ResponseError::RebalanceInProgress);
                replies.push(Reply::Synced(earlier, answer));
            }
            if self.leader.as_deref() == Some(id) {
                self.assign(&mut request.assignments, now, replies);
            }
        } else {
            replies.push(Reply::Synced(token, self.assigned(id)));
        }
        Ok(())
    }

    fn assign(
        &mut self,
        assignments: &mut BTreeMap<String, Bytes>,
        now: Instant,
        replies: &mut Vec<Reply>,
    ) {
        self.phase = Phase::Stable;
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for id in ids {
            let Some(member) = self.members.get_mut(&id) else {
                continue;
            };
            member.assignment = assignments.remove(&id).unwrap_or_default();
            if let Some(token) = member.awaiting_sync.take() {
                member.touch(now);
                replies.push(Reply::Synced(token, self.assigned(&id)));
            }
        }
    }

    fn assigned(&self, id: &str) -> SyncAnswer {
        SyncAnswer {
            error: None,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            assignment: self
                .members
                .get(id)
                .map(|m| m.assignment.clone())
                .unwrap_or_default(),
        }
    }
}

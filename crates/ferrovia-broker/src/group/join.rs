//! JoinGroup: a member wants to be in the next generation.

use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka_protocol::ResponseError;

use super::{Group, Member, Phase, Reply, Token};

/// What a JoinGroup request says.
#[derive(Debug, Clone)]
pub(crate) struct JoinRequest {
    /// Empty for a member that has no id yet.
    pub(crate) member_id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) session_timeout: Duration,
    pub(crate) rebalance_timeout: Duration,
    pub(crate) protocol_type: String,
    /// Name and metadata, the preferred one first.
    pub(crate) protocols: Vec<(String, Bytes)>,
    /// The id to give to the member if it needs one.
    pub(crate) fresh_id: String,
    /// KIP-394: a dynamic member must come back with its id before it counts (version 4 on).
    pub(crate) id_required: bool,
    /// KIP-814: the leader can be told to skip the assignment (version 9 on).
    pub(crate) can_skip_assignment: bool,
}

/// What a JoinGroup answer says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct JoinAnswer {
    pub(crate) error: Option<ResponseError>,
    pub(crate) generation: i32,
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol: Option<String>,
    pub(crate) leader: String,
    pub(crate) skip_assignment: bool,
    pub(crate) member_id: String,
    /// For the leader only.
    pub(crate) members: Vec<JoinedMember>,
}

/// A member as the leader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JoinedMember {
    pub(crate) id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) metadata: Bytes,
}

impl JoinAnswer {
    /// An answer that is only an error.
    pub(crate) fn refused(error: ResponseError, member_id: &str) -> Self {
        Self {
            error: Some(error),
            generation: -1,
            member_id: member_id.to_owned(),
            ..Self::default()
        }
    }
}

impl Group {
    /// Handles JoinGroup; `token` is answered now or when the generation is ready.
    pub(crate) fn on_join(
        &mut self,
        request: JoinRequest,
        token: Token,
        now: Instant,
    ) -> Vec<Reply> {
        let mut replies = Vec::new();
        let member_id = request.member_id.clone();
        if let Err(error) = self.join(request, token, now, &mut replies) {
            replies.push(Reply::Joined(token, JoinAnswer::refused(error, &member_id)));
        }
        replies
    }

    fn join(
        &mut self,
        request: JoinRequest,
        token: Token,
        now: Instant,
        replies: &mut Vec<Reply>,
    ) -> Result<(), ResponseError> {
        let limits = &self.limits;
        let allowed = limits.session_timeout_min..=limits.session_timeout_max;
        if !allowed.contains(&request.session_timeout) {
            return Err(ResponseError::InvalidSessionTimeout);
        }
        let known = self.members.contains_key(&request.member_id);
        let joining = self.members.len() + self.pending.len();
        if !known && !self.pending.contains_key(&request.member_id) && joining >= limits.members_max
        {
            return Err(ResponseError::GroupMaxSizeReached);
        }
        self.check_protocols(&request)?;
        if request.member_id.is_empty() {
            return self.join_without_id(request, token, now, replies);
        }
        if self.pending.remove(&request.member_id).is_some() {
            let id = request.member_id.clone();
            self.add_member(id, request, token, now, replies);
            return Ok(());
        }
        self.check_member(&request.member_id, request.instance_id.as_deref())?;
        self.rejoin(request, token, now, replies);
        Ok(())
    }

    fn check_protocols(&self, request: &JoinRequest) -> Result<(), ResponseError> {
        let other_type = self
            .protocol_type
            .as_deref()
            .is_some_and(|t| t != request.protocol_type);
        let refused = request.protocol_type.is_empty()
            || request.protocols.is_empty()
            || (!self.members.is_empty() && other_type);
        if refused {
            return Err(ResponseError::InconsistentGroupProtocol);
        }
        let replaced = request
            .instance_id
            .as_ref()
            .and_then(|instance| self.statics.get(instance))
            .unwrap_or(&request.member_id);
        let common = self.common_protocols(Some(replaced));
        let shared = common.is_none_or(|common| {
            request
                .protocols
                .iter()
                .any(|(name, _)| common.contains(name.as_str()))
        });
        if shared {
            Ok(())
        } else {
            Err(ResponseError::InconsistentGroupProtocol)
        }
    }

    fn join_without_id(
        &mut self,
        request: JoinRequest,
        token: Token,
        now: Instant,
        replies: &mut Vec<Reply>,
    ) -> Result<(), ResponseError> {
        let id = request.fresh_id.clone();
        let Some(instance_id) = request.instance_id.clone() else {
            if request.id_required {
                self.pending
                    .insert(id.clone(), now + request.session_timeout);
                let answer = JoinAnswer::refused(ResponseError::MemberIdRequired, &id);
                replies.push(Reply::Joined(token, answer));
            } else {
                self.add_member(id, request, token, now, replies);
            }
            return Ok(());
        };
        match self.statics.get(&instance_id).cloned() {
            None => self.add_member(id, request, token, now, replies),
            Some(old_id) => self.replace_static(&old_id, id, request, token, now, replies),
        }
        Ok(())
    }

    fn add_member(
        &mut self,
        id: String,
        request: JoinRequest,
        token: Token,
        now: Instant,
        replies: &mut Vec<Reply>,
    ) {
        if let Some(instance_id) = &request.instance_id {
            self.statics.insert(instance_id.clone(), id.clone());
        }
        if self.members.is_empty() {
            self.protocol_type = Some(request.protocol_type);
        }
        if self.leader.is_none() {
            self.leader = Some(id.clone());
        }
        if let Some(wait) = &mut self.initial_wait {
            wait.member_added = true;
        }
        let member = Member {
            instance_id: request.instance_id,
            client_id: request.client_id,
            client_host: request.client_host,
            protocols: request.protocols,
            assignment: Bytes::new(),
            session_timeout: request.session_timeout,
            rebalance_timeout: request.rebalance_timeout,
            session_deadline: now + request.session_timeout,
            awaiting_join: Some(token),
            awaiting_sync: None,
            synced: false,
        };
        self.members.insert(id, member);
        self.prepare_rebalance(now, replies);
    }

    /// A restarted static member takes over its former self's place (KIP-345).
    fn replace_static(
        &mut self,
        old_id: &str,
        id: String,
        request: JoinRequest,
        token: Token,
        now: Instant,
        replies: &mut Vec<Reply>,
    ) {
        let Some(mut member) = self.members.remove(old_id) else {
            return;
        };
        fence(&mut member, old_id, replies);
        if let Some(instance_id) = &member.instance_id {
            self.statics.insert(instance_id.clone(), id.clone());
        }
        let was_leader = self.leader.as_deref() == Some(old_id);
        if was_leader {
            self.leader = Some(id.clone());
        }
        self.members.insert(id.clone(), member);
        let can_skip = request.can_skip_assignment;
        self.update_member(&id, request, now);
        if self.phase == Phase::Stable && self.select_protocol() == self.protocol {
            let mut answer = self.joined(&id);
            if was_leader && can_skip {
                answer.skip_assignment = true;
            } else if was_leader {
                // Without the skip flag the member must not see itself as leader, or it would
                // compute an assignment that nobody waits for.
                answer.leader = old_id.to_owned();
                answer.members.clear();
            }
            replies.push(Reply::Joined(token, answer));
            return;
        }
        self.hold_join(&id, token);
        self.prepare_rebalance(now, replies);
    }

    fn rejoin(
        &mut self,
        request: JoinRequest,
        token: Token,
        now: Instant,
        replies: &mut Vec<Reply>,
    ) {
        let id = request.member_id.clone();
        let same = self
            .members
            .get(&id)
            .is_some_and(|m| m.protocols == request.protocols);
        let is_leader = self.leader.as_deref() == Some(id.as_str());
        let settled = match self.phase {
            Phase::CompletingRebalance => same,
            Phase::Stable => same && !is_leader,
            Phase::Empty | Phase::PreparingRebalance => false,
        };
        self.update_member(&id, request, now);
        if settled {
            replies.push(Reply::Joined(token, self.joined(&id)));
            return;
        }
        if let Some(earlier) = self
            .members
            .get_mut(&id)
            .and_then(|m| m.awaiting_join.take())
        {
            let answer = JoinAnswer::refused(ResponseError::RebalanceInProgress, &id);
            replies.push(Reply::Joined(earlier, answer));
        }
        self.hold_join(&id, token);
        self.prepare_rebalance(now, replies);
    }

    fn update_member(&mut self, id: &str, request: JoinRequest, now: Instant) {
        let Some(member) = self.members.get_mut(id) else {
            return;
        };
        member.client_id = request.client_id;
        member.client_host = request.client_host;
        member.protocols = request.protocols;
        member.session_timeout = request.session_timeout;
        member.rebalance_timeout = request.rebalance_timeout;
        member.touch(now);
    }

    fn hold_join(&mut self, id: &str, token: Token) {
        if let Some(member) = self.members.get_mut(id) {
            member.awaiting_join = Some(token);
        }
    }
}

/// Answers whatever the former self of a static member still waits for.
fn fence(member: &mut Member, id: &str, replies: &mut Vec<Reply>) {
    if let Some(token) = member.awaiting_join.take() {
        let answer = JoinAnswer::refused(ResponseError::FencedInstanceId, id);
        replies.push(Reply::Joined(token, answer));
    }
    if let Some(token) = member.awaiting_sync.take() {
        let answer = super::sync::SyncAnswer::refused(ResponseError::FencedInstanceId);
        replies.push(Reply::Synced(token, answer));
    }
}

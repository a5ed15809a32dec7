//! A small group coordinator: enough of Kafka's rules to tell right members from wrong ones.
//!
//! # Source
//! `GroupCoordinator` and `GroupMetadata` of the broker, as their protocol is seen from outside.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::{
    HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
    LeaveGroupResponse, SyncGroupRequest, SyncGroupResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::{Reply, RequestFailure, Ticket};
use crate::wire::ErrorCode;

#[derive(Clone, Debug)]
pub(in crate::group) enum Request {
    Join(JoinGroupRequest),
    Sync(SyncGroupRequest),
    Heartbeat(HeartbeatRequest),
    Leave(LeaveGroupRequest),
}

#[derive(Clone, Debug)]
pub(in crate::group) enum Response {
    Join(JoinGroupResponse),
    Sync(SyncGroupResponse),
    Heartbeat(HeartbeatResponse),
    Leave(LeaveGroupResponse),
}

/// Which call a response belongs to.
pub(in crate::group) type Asked = u64;

#[derive(Clone, Debug, Default)]
pub(in crate::group) struct Model {
    group: Group,
    /// What the coordinator wrote to its log last; all that a new coordinator knows.
    stored: Group,
    loading_until: Duration,
    pub(in crate::group) out: Vec<(Asked, Response)>,
}

#[derive(Clone, Debug, Default)]
struct Group {
    stage: Stage,
    generation: i32,
    leader: Option<String>,
    kind: StrBytes,
    protocol: Option<StrBytes>,
    members: BTreeMap<String, Known>,
    pending_ids: BTreeMap<String, Duration>,
    last_id: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Empty,
    Preparing {
        until: Duration,
    },
    Completing,
    Stable,
}

#[derive(Clone, Debug, Default)]
struct Known {
    instance: Option<StrBytes>,
    offers: Vec<(StrBytes, Bytes)>,
    session: Duration,
    patience: Duration,
    expires: Duration,
    joining: Option<Asked>,
    syncing: Option<Asked>,
    assignment: Bytes,
}

impl Group {
    /// A static member came back under a new id. This is written to the log at once.
    fn replace_static(&mut self, instance: Option<&StrBytes>, id: &str) {
        let mut members = self.members.iter();
        let Some((old, _)) = members.find(|(_, member)| member.instance.as_ref() == instance)
        else {
            return;
        };
        let old = old.clone();
        let known = self.members.remove(&old).unwrap();
        self.members.insert(
            id.to_owned(),
            Known {
                joining: None,
                syncing: None,
                ..known
            },
        );
        self.leader = self
            .leader
            .take()
            .map(|leader| if leader == old { id.to_owned() } else { leader });
    }
}

impl Model {
    /// Another broker takes over: it knows what was stored, and nobody's open calls.
    pub(in crate::group) fn fail_over(&mut self, now: Duration, loading: Duration) {
        let last_id = self.group.last_id;
        self.group = self.stored.clone();
        self.group.last_id = last_id;
        self.loading_until = now + loading;
        for member in self.group.members.values_mut() {
            member.expires = self.loading_until + member.session;
        }
    }

    pub(in crate::group) fn handle(&mut self, call: Asked, request: Request, now: Duration) {
        match request {
            Request::Join(request) => self.join(call, request, now),
            Request::Sync(request) => self.sync(call, &request, now),
            Request::Heartbeat(request) => self.heartbeat(call, &request, now),
            Request::Leave(request) => self.leave(call, &request, now),
        }
    }

    /// What a broker answers that does not, or no longer, coordinate the group.
    pub(in crate::group) fn not_coordinator(&mut self, call: Asked, request: &Request) {
        let code = ErrorCode::NOT_COORDINATOR.0;
        let response = match request {
            Request::Join(_) => Response::Join(JoinGroupResponse::default().with_error_code(code)),
            Request::Sync(_) => Response::Sync(SyncGroupResponse::default().with_error_code(code)),
            Request::Heartbeat(_) => {
                Response::Heartbeat(HeartbeatResponse::default().with_error_code(code))
            }
            Request::Leave(_) => {
                Response::Leave(LeaveGroupResponse::default().with_error_code(code))
            }
        };
        self.out.push((call, response));
    }

    /// Lets time pass: sessions end, and rebalances stop waiting.
    pub(in crate::group) fn tick(&mut self, now: Duration) {
        self.group.pending_ids.retain(|_, until| *until > now);
        let late = |member: &Known| member.joining.is_none() && member.expires <= now;
        let expired: Vec<String> = self.ids(late);
        for id in expired {
            self.remove(&id, now);
        }
        if matches!(self.group.stage, Stage::Preparing { until } if until <= now) {
            for id in self.ids(|member| member.joining.is_none()) {
                self.group.members.remove(&id);
            }
            self.complete_join(now);
        }
    }

    fn ids(&self, wanted: impl Fn(&Known) -> bool) -> Vec<String> {
        let members = self
            .group
            .members
            .iter()
            .filter(|(_, member)| wanted(member));
        members.map(|(id, _)| id.clone()).collect()
    }

    fn join(&mut self, call: Asked, request: JoinGroupRequest, now: Duration) {
        let refuse = |code: ErrorCode, id: &str| {
            let id = StrBytes::from_string(id.to_owned());
            Response::Join(
                JoinGroupResponse::default()
                    .with_error_code(code.0)
                    .with_member_id(id),
            )
        };
        if now < self.loading_until {
            return self
                .out
                .push((call, refuse(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS, "")));
        }
        let new_id = request.member_id.is_empty();
        let mut id = request.member_id.to_string();
        let instance = request.group_instance_id.clone();
        if id.is_empty() {
            self.group.last_id += 1;
            id = format!("member-{}", self.group.last_id);
            if instance.is_none() {
                self.group
                    .pending_ids
                    .insert(id.clone(), now + Duration::from_secs(6));
                return self
                    .out
                    .push((call, refuse(ErrorCode::MEMBER_ID_REQUIRED, &id)));
            }
            self.group.replace_static(instance.as_ref(), &id);
            self.stored.replace_static(instance.as_ref(), &id);
        } else if let Some(code) = self.unknown(&id, instance.as_ref())
            && self.group.pending_ids.remove(&id).is_none()
        {
            return self.out.push((call, refuse(code, &id)));
        }
        self.group.kind = request.protocol_type.clone();
        let offers: Vec<(StrBytes, Bytes)> = request
            .protocols
            .into_iter()
            .map(|offer| (offer.name, offer.metadata))
            .collect();
        let millis = |value: i32| Duration::from_millis(value.try_into().unwrap());
        let member = self.group.members.entry(id.clone()).or_default();
        let unchanged = member.offers == offers;
        member.instance = instance;
        member.offers = offers;
        member.session = millis(request.session_timeout_ms);
        member.patience = millis(request.rebalance_timeout_ms);
        member.expires = now + member.session;
        member.joining = Some(call);
        let is_leader = self.group.leader.as_ref() == Some(&id);
        match self.group.stage {
            Stage::Preparing { .. } => self.complete_join_if_all(now),
            Stage::Stable if unchanged && !is_leader => self.answer_join(&id),
            Stage::Completing if unchanged && !new_id => self.answer_join(&id),
            Stage::Empty | Stage::Stable | Stage::Completing => self.prepare(now),
        }
    }

    fn prepare(&mut self, now: Duration) {
        for id in self.ids(|member| member.syncing.is_some()) {
            self.answer_sync(&id, ErrorCode::REBALANCE_IN_PROGRESS);
        }
        let patience = self
            .group
            .members
            .values()
            .map(|member| member.patience)
            .max();
        self.group.stage = Stage::Preparing {
            until: now + patience.unwrap_or_default(),
        };
        self.complete_join_if_all(now);
    }

    fn complete_join_if_all(&mut self, now: Duration) {
        if self
            .group
            .members
            .values()
            .all(|member| member.joining.is_some())
        {
            self.complete_join(now);
        }
    }

    fn complete_join(&mut self, now: Duration) {
        self.group.generation += 1;
        let Some(first) = self.group.members.keys().next().cloned() else {
            self.group.stage = Stage::Empty;
            self.stored = self.group.clone();
            return;
        };
        let leader = self
            .group
            .leader
            .take()
            .filter(|id| self.group.members.contains_key(id));
        self.group.leader = Some(leader.unwrap_or(first));
        let everyone = |name: &StrBytes| {
            let mut members = self.group.members.values();
            members.all(|member| member.offers.iter().any(|(offer, _)| offer == name))
        };
        let offers = &self.group.members.values().next().unwrap().offers;
        self.group.protocol = offers.iter().map(|(name, _)| name.clone()).find(everyone);
        self.group.stage = Stage::Completing;
        for member in self.group.members.values_mut() {
            member.expires = now + member.session;
            member.assignment = Bytes::new();
        }
        for id in self.ids(|_| true) {
            self.answer_join(&id);
        }
    }

    fn answer_join(&mut self, id: &str) {
        let is_leader = self.group.leader.as_deref() == Some(id);
        let everyone = self.group.members.iter().filter(|_| is_leader);
        let members = everyone.map(|(id, member)| {
            let offer = member
                .offers
                .iter()
                .find(|(name, _)| Some(name) == self.group.protocol.as_ref());
            JoinGroupResponseMember::default()
                .with_member_id(StrBytes::from_string(id.clone()))
                .with_group_instance_id(member.instance.clone())
                .with_metadata(offer.unwrap().1.clone())
        });
        let response = JoinGroupResponse::default()
            .with_generation_id(self.group.generation)
            .with_protocol_type(Some(self.group.kind.clone()))
            .with_protocol_name(self.group.protocol.clone())
            .with_leader(StrBytes::from_string(self.group.leader.clone().unwrap()))
            .with_member_id(StrBytes::from_string(id.to_owned()))
            .with_members(members.collect());
        let call = self
            .group
            .members
            .get_mut(id)
            .and_then(|member| member.joining.take());
        self.out
            .extend(call.map(|call| (call, Response::Join(response))));
    }

    fn sync(&mut self, call: Asked, request: &SyncGroupRequest, now: Duration) {
        let id = request.member_id.to_string();
        let refusal = self.stale(
            &id,
            request.group_instance_id.as_ref(),
            request.generation_id,
        );
        let preparing = matches!(self.group.stage, Stage::Preparing { .. });
        let refusal = if now < self.loading_until {
            Some(ErrorCode::REBALANCE_IN_PROGRESS)
        } else {
            refusal.or_else(|| preparing.then_some(ErrorCode::REBALANCE_IN_PROGRESS))
        };
        if let Some(code) = refusal {
            let response = SyncGroupResponse::default().with_error_code(code.0);
            return self.out.push((call, Response::Sync(response)));
        }
        let member = self.group.members.get_mut(&id).unwrap();
        member.syncing = Some(call);
        member.expires = now + member.session;
        if self.group.stage == Stage::Stable {
            return self.answer_sync(&id, ErrorCode::NONE);
        }
        if self.group.leader.as_ref() != Some(&id) {
            return;
        }
        for assignment in &request.assignments {
            let member = self.group.members.get_mut(&*assignment.member_id).unwrap();
            member.assignment = assignment.assignment.clone();
        }
        self.group.stage = Stage::Stable;
        self.stored = self.group.clone();
        for member in self.stored.members.values_mut() {
            member.syncing = None;
        }
        for id in self.ids(|member| member.syncing.is_some()) {
            self.answer_sync(&id, ErrorCode::NONE);
        }
    }

    fn answer_sync(&mut self, id: &str, code: ErrorCode) {
        let Some(member) = self.group.members.get_mut(id) else {
            return;
        };
        let Some(call) = member.syncing.take() else {
            return;
        };
        let mut response = SyncGroupResponse::default().with_error_code(code.0);
        if code.is_none() {
            response = response.with_assignment(member.assignment.clone());
        }
        self.out.push((call, Response::Sync(response)));
    }

    fn heartbeat(&mut self, call: Asked, request: &HeartbeatRequest, now: Duration) {
        let id = request.member_id.to_string();
        let mut code = ErrorCode::NONE;
        if now >= self.loading_until {
            let instance = request.group_instance_id.as_ref();
            if let Some(stale) = self.stale(&id, instance, request.generation_id) {
                code = stale;
            } else if let Some(member) = self.group.members.get_mut(&id) {
                member.expires = now + member.session;
                if matches!(self.group.stage, Stage::Preparing { .. }) {
                    code = ErrorCode::REBALANCE_IN_PROGRESS;
                }
            }
        }
        let response = HeartbeatResponse::default().with_error_code(code.0);
        self.out.push((call, Response::Heartbeat(response)));
    }

    fn leave(&mut self, call: Asked, request: &LeaveGroupRequest, now: Duration) {
        for identity in &request.members {
            self.remove(&identity.member_id, now);
        }
        self.out
            .push((call, Response::Leave(LeaveGroupResponse::default())));
    }

    fn remove(&mut self, id: &str, now: Duration) {
        if self.group.members.remove(id).is_none() {
            return;
        }
        match self.group.stage {
            Stage::Stable | Stage::Completing => self.prepare(now),
            Stage::Preparing { .. } => self.complete_join_if_all(now),
            Stage::Empty => {}
        }
    }

    fn stale(&self, id: &str, instance: Option<&StrBytes>, generation: i32) -> Option<ErrorCode> {
        let moved_on = generation != self.group.generation;
        self.unknown(id, instance)
            .or_else(|| moved_on.then_some(ErrorCode::ILLEGAL_GENERATION))
    }

    fn unknown(&self, id: &str, instance: Option<&StrBytes>) -> Option<ErrorCode> {
        if self.group.members.contains_key(id) {
            return None;
        }
        let taken_over = instance.is_some()
            && self
                .group
                .members
                .values()
                .any(|member| member.instance.as_ref() == instance);
        Some(if taken_over {
            ErrorCode::FENCED_INSTANCE_ID
        } else {
            ErrorCode::UNKNOWN_MEMBER_ID
        })
    }
}

/// The reply to the call the ticket belongs to. A failure is told as one to each kind: only that call takes notice.
pub(in crate::group) fn replies(
    ticket: Ticket,
    answer: Result<Response, RequestFailure>,
) -> Vec<Reply> {
    match answer {
        Ok(Response::Join(response)) => vec![Reply::Joined(ticket, Ok(response))],
        Ok(Response::Sync(response)) => vec![Reply::Synced(ticket, Ok(response))],
        Ok(Response::Heartbeat(response)) => vec![Reply::Heartbeat(ticket, Ok(response))],
        Ok(Response::Leave(response)) => vec![Reply::Left(ticket, Ok(response))],
        Err(failure) => vec![
            Reply::Joined(ticket, Err(failure.clone())),
            Reply::Synced(ticket, Err(failure.clone())),
            Reply::Heartbeat(ticket, Err(failure.clone())),
            Reply::Left(ticket, Err(failure)),
        ],
    }
}

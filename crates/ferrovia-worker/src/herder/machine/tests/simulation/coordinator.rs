//! A small group coordinator: enough of Kafka's rules for workers to be judged by. There are no static members.
//!
//! # Source
//! `GroupCoordinator` and `GroupMetadata` of the broker, as their protocol is seen from outside.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use ferrovia_client::ErrorCode;
use ferrovia_client::group::cohort::{Reply, RequestFailure, Ticket};
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::{
    HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
    LeaveGroupResponse, SyncGroupRequest, SyncGroupResponse,
};
use kafka_protocol::protocol::StrBytes;

#[derive(Clone, Debug)]
pub(super) enum Request {
    Join(JoinGroupRequest),
    Sync(SyncGroupRequest),
    Heartbeat(HeartbeatRequest),
    Leave(LeaveGroupRequest),
}

#[derive(Clone, Debug)]
pub(super) enum Response {
    Join(JoinGroupResponse),
    Sync(SyncGroupResponse),
    Heartbeat(HeartbeatResponse),
    Leave(LeaveGroupResponse),
}

/// Which call a response belongs to.
pub(super) type Asked = u64;

#[derive(Clone, Debug, Default)]
pub(super) struct Coordinator {
    group: Group,
    /// What was written to the log last; all that a new coordinator knows.
    stored: Group,
    loading_until: Duration,
    pub(super) out: Vec<(Asked, Response)>,
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
    offers: Vec<(StrBytes, Bytes)>,
    session: Duration,
    patience: Duration,
    expires: Duration,
    joining: Option<Asked>,
    syncing: Option<Asked>,
    assignment: Bytes,
}

/// How long a member may take to come back with the id that it was given.
const ID_PATIENCE: Duration = Duration::from_secs(6);

impl Coordinator {
    /// Another broker takes over: it knows what was stored, and nobody's open calls.
    pub(super) fn fail_over(&mut self, now: Duration, loading: Duration) {
        let last_id = self.group.last_id;
        self.group = self.stored.clone();
        self.group.last_id = last_id;
        self.loading_until = now + loading;
        for member in self.group.members.values_mut() {
            member.expires = self.loading_until + member.session;
        }
    }

    pub(super) fn handle(&mut self, call: Asked, request: Request, now: Duration) {
        match request {
            Request::Join(request) => self.join(call, request, now),
            Request::Sync(request) => self.sync(call, &request, now),
            Request::Heartbeat(request) => self.heartbeat(call, &request, now),
            Request::Leave(request) => self.leave(call, &request, now),
        }
    }

    /// What a broker answers that does not, or no longer, coordinate the group.
    pub(super) fn not_coordinator(&mut self, call: Asked, request: &Request) {
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
    pub(super) fn tick(&mut self, now: Duration) {
        self.group.pending_ids.retain(|_, until| *until > now);
        for id in self.ids(|member| member.joining.is_none() && member.expires <= now) {
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
        let members = self.group.members.iter();
        let members = members.filter(|(_, member)| wanted(member));
        members.map(|(id, _)| id.clone()).collect()
    }

    fn join(&mut self, call: Asked, request: JoinGroupRequest, now: Duration) {
        let mut id = request.member_id.to_string();
        let refusal = if now < self.loading_until {
            Some(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS)
        } else if id.is_empty() {
            self.group.last_id += 1;
            id = format!("member-{}", self.group.last_id);
            let pending = &mut self.group.pending_ids;
            pending.insert(id.clone(), now + ID_PATIENCE);
            Some(ErrorCode::MEMBER_ID_REQUIRED)
        } else {
            let is_new = self.group.pending_ids.remove(&id).is_some();
            let is_known = is_new || self.group.members.contains_key(&id);
            (!is_known).then_some(ErrorCode::UNKNOWN_MEMBER_ID)
        };
        if let Some(code) = refusal {
            let refused = JoinGroupResponse::default()
                .with_error_code(code.0)
                .with_member_id(StrBytes::from_string(id));
            return self.out.push((call, Response::Join(refused)));
        }
        self.group.kind = request.protocol_type.clone();
        let offers = request.protocols.into_iter();
        let offers: Vec<_> = offers.map(|offer| (offer.name, offer.metadata)).collect();
        let millis = |value: i32| Duration::from_millis(value.try_into().unwrap());
        let member = self.group.members.entry(id.clone()).or_default();
        let is_unchanged = member.offers == offers;
        member.offers = offers;
        member.session = millis(request.session_timeout_ms);
        member.patience = millis(request.rebalance_timeout_ms);
        member.expires = now + member.session;
        member.joining = Some(call);
        let is_leader = self.group.leader.as_ref() == Some(&id);
        match self.group.stage {
            Stage::Preparing { .. } => self.complete_join_if_all(now),
            Stage::Stable if is_unchanged && !is_leader => self.answer_join(&id),
            Stage::Completing if is_unchanged => self.answer_join(&id),
            Stage::Empty | Stage::Stable | Stage::Completing => self.prepare(now),
        }
    }

    fn prepare(&mut self, now: Duration) {
        for id in self.ids(|member| member.syncing.is_some()) {
            self.answer_sync(&id, ErrorCode::REBALANCE_IN_PROGRESS);
        }
        let members = self.group.members.values();
        let patience = members.map(|member| member.patience).max();
        self.group.stage = Stage::Preparing {
            until: now + patience.unwrap_or_default(),
        };
        self.complete_join_if_all(now);
    }

    fn complete_join_if_all(&mut self, now: Duration) {
        let mut members = self.group.members.values();
        if members.all(|member| member.joining.is_some()) {
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
        let leader = self.group.leader.take();
        let leader = leader.filter(|id| self.group.members.contains_key(id));
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
            let mut offers = member.offers.iter();
            let offer = offers.find(|(name, _)| Some(name) == self.group.protocol.as_ref());
            JoinGroupResponseMember::default()
                .with_member_id(StrBytes::from_string(id.clone()))
                .with_metadata(offer.unwrap().1.clone())
        });
        let response = JoinGroupResponse::default()
            .with_generation_id(self.group.generation)
            .with_protocol_type(Some(self.group.kind.clone()))
            .with_protocol_name(self.group.protocol.clone())
            .with_leader(StrBytes::from_string(self.group.leader.clone().unwrap()))
            .with_member_id(StrBytes::from_string(id.to_owned()))
            .with_members(members.collect());
        let member = self.group.members.get_mut(id);
        let call = member.and_then(|member| member.joining.take());
        let answer = call.map(|call| (call, Response::Join(response)));
        self.out.extend(answer);
    }

    fn sync(&mut self, call: Asked, request: &SyncGroupRequest, now: Duration) {
        let id = request.member_id.to_string();
        let is_rejoin_due =
            now < self.loading_until || matches!(self.group.stage, Stage::Preparing { .. });
        let refusal = match now < self.loading_until {
            true => None,
            false => self.stale(&id, request.generation_id),
        };
        let refusal = refusal.or_else(|| is_rejoin_due.then_some(ErrorCode::REBALANCE_IN_PROGRESS));
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
            if let Some(stale) = self.stale(&id, request.generation_id) {
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
        let left = Response::Leave(LeaveGroupResponse::default());
        self.out.push((call, left));
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

    fn stale(&self, id: &str, generation: i32) -> Option<ErrorCode> {
        if !self.group.members.contains_key(id) {
            return Some(ErrorCode::UNKNOWN_MEMBER_ID);
        }
        (generation != self.group.generation).then_some(ErrorCode::ILLEGAL_GENERATION)
    }
}

/// The replies that tell a member of an answer. A failure is told as one to each kind of call: only that which was made
/// takes notice.
pub(super) fn replies(ticket: Ticket, answer: Result<Response, RequestFailure>) -> Vec<Reply> {
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

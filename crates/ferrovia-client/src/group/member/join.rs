//! JoinGroup: from wanting to join to having a generation.
//!
//! # Source
//! `ConsumerCoordinator.onJoinPrepare`, `AbstractCoordinator.JoinGroupResponseHandler`, KIP-394, KIP-800.

use std::collections::BTreeSet;
use std::sync::Arc;

use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::{GroupId, JoinGroupRequest, JoinGroupResponse};
use kafka_protocol::protocol::StrBytes;

use super::settings::millis;
use super::{Action, Member, Moment, RequestFailure, State, Ticket};
use crate::TopicPartition;
use crate::group::{Assignor, GroupError, MemberSubscription, PROTOCOL_TYPE, RebalanceProtocol};
use crate::wire::ErrorCode;

impl Member {
    /// The answer to [`Action::SendJoin`].
    pub fn on_joined(
        &mut self,
        ticket: Ticket,
        answer: Result<JoinGroupResponse, RequestFailure>,
        at: Moment,
    ) -> Vec<Action> {
        if !matches!(self.state, State::Joining(asked) if asked == ticket) {
            return Vec::new();
        }
        match answer {
            Ok(response) => match ErrorCode(response.error_code) {
                ErrorCode::NONE => self.joined(response, at),
                code => self.join_refused(code, &response.member_id, at),
            },
            Err(RequestFailure::Unusable(reason)) => self.unusable(JOIN, reason),
            Err(RequestFailure::Lost | RequestFailure::Refused(_)) => self.lose_coordinator(at),
        }
        self.finish(at)
    }

    /// The owner is done with the partitions it was asked to give up.
    pub fn on_revoked_done(&mut self, ticket: Ticket, at: Moment) -> Vec<Action> {
        match &mut self.state {
            State::Revoking(asked, revoked) if *asked == ticket => {
                self.owned.retain(|partition| !revoked.contains(partition));
                self.state = State::Idle;
            }
            State::Installing(asked, assigned) if *asked == ticket => {
                let assigned = std::mem::take(assigned);
                self.install(assigned);
                self.rejoin = Some("need to revoke partitions and re-join".to_owned());
                self.retry_at = at.now;
            }
            _ => {}
        }
        self.finish(at)
    }

    /// Whether only time keeps the member from joining.
    pub(super) fn could_join(&self) -> bool {
        matches!(self.state, State::Idle | State::Stable)
            && self.rejoin.is_some()
            && self.coordinator.is_known()
            && self.interest.is_resolved()
    }

    /// Has the owner give up what the protocol demands, then joins.
    pub(super) fn prepare_join(&mut self) {
        let revoked = self.to_revoke();
        if revoked.is_empty() {
            self.send_join();
            return;
        }
        let ticket = self.ticket();
        self.state = State::Revoking(ticket, revoked.clone());
        self.actions.push(Action::AskRevoke(ticket, revoked));
    }

    fn to_revoke(&self) -> BTreeSet<TopicPartition> {
        let keeps = |partition: &&TopicPartition| match self.protocol {
            RebalanceProtocol::Eager => false,
            RebalanceProtocol::Cooperative => self.interest.topics.contains(&partition.topic),
        };
        self.owned
            .iter()
            .filter(|partition| !keeps(partition))
            .cloned()
            .collect()
    }

    fn send_join(&mut self) {
        let ticket = self.ticket();
        self.leadership = None;
        self.pulse.forget_flight();
        self.watch();
        self.interest.joined = Some(self.interest.topics.clone());
        let reason = truncated(self.rejoin.as_deref().unwrap_or_default());
        let request = JoinGroupRequest::default()
            .with_group_id(GroupId(text(&self.settings.group_id)))
            .with_session_timeout_ms(millis(self.settings.session_timeout))
            .with_rebalance_timeout_ms(millis(self.settings.max_poll_interval))
            .with_member_id(text(&self.member_id))
            .with_group_instance_id(self.settings.instance_id.as_deref().map(text))
            .with_protocol_type(StrBytes::from_static_str(PROTOCOL_TYPE))
            .with_protocols(
                self.settings
                    .assignors
                    .iter()
                    .map(|assignor| self.offer(*assignor))
                    .collect(),
            )
            .with_reason(Some(text(reason)));
        self.state = State::Joining(ticket);
        let timeout = self.settings.join_timeout();
        self.actions.push(Action::SendJoin {
            ticket,
            request,
            timeout,
        });
    }

    fn offer(&self, assignor: Assignor) -> JoinGroupRequestProtocol {
        let subscription = MemberSubscription {
            topics: self.interest.topics.iter().cloned().collect(),
            user_data: assignor.user_data(self.sticky_generation),
            owned: self.owned.iter().cloned().collect(),
            generation: Some(self.generation),
            rack: self.settings.rack.clone(),
        };
        JoinGroupRequestProtocol::default()
            .with_name(StrBytes::from_static_str(assignor.name()))
            .with_metadata(subscription.encode())
    }

    fn joined(&mut self, response: JoinGroupResponse, at: Moment) {
        self.coordinator.answered();
        let answered = response.protocol_name.as_deref().unwrap_or_default();
        let chosen = self
            .settings
            .assignors
            .iter()
            .find(|assignor| assignor.name() == answered);
        let foreign = response
            .protocol_type
            .as_deref()
            .filter(|kind| *kind != PROTOCOL_TYPE);
        let (Some(chosen), None) = (chosen.copied(), foreign) else {
            let answered = foreign.unwrap_or(answered).to_owned();
            let group = Arc::clone(&self.settings.group_id);
            return self.fail(GroupError::InconsistentProtocol { group, answered });
        };
        self.member_id = Arc::from(&*response.member_id);
        self.generation = response.generation_id;
        self.chosen = Some(chosen);
        self.pulse.start(&self.settings, at.now);
        if response.leader == response.member_id {
            self.elected(response, at);
        } else {
            self.send_sync(Vec::new(), at);
        }
    }

    fn join_refused(&mut self, code: ErrorCode, given_member_id: &str, at: Moment) {
        match code {
            ErrorCode::MEMBER_ID_REQUIRED => {
                self.reset(false, "the coordinator gave out a new member id");
                self.member_id = Arc::from(given_member_id);
                let reason = format!("need to re-join with the given member-id: {given_member_id}");
                self.rejoin_now(reason, at);
            }
            ErrorCode::UNSUPPORTED_VERSION if self.settings.instance_id.is_some() => {
                self.refused(
                    JOIN,
                    code,
                    "; unset group.instance.id and see whether that helps",
                );
            }
            code => self.rebalance_refused(JOIN, code, at),
        }
    }

    /// What JoinGroup and SyncGroup have in common when they fail.
    pub(super) fn rebalance_refused(&mut self, api: &'static str, code: ErrorCode, at: Moment) {
        self.state = State::Idle;
        let reason = format!("rebalance failed due to {code}");
        match code {
            ErrorCode::REBALANCE_IN_PROGRESS => self.rejoin_now(reason, at),
            ErrorCode::UNKNOWN_MEMBER_ID => {
                self.reset(false, "the coordinator does not know this member any more");
                self.rejoin_now(reason, at);
            }
            // The member id is still valid, so the group need not wait for this member to time out.
            ErrorCode::ILLEGAL_GENERATION => {
                self.reset(true, "the group is in another generation");
                self.rejoin_now(reason, at);
            }
            ErrorCode::COORDINATOR_NOT_AVAILABLE | ErrorCode::NOT_COORDINATOR => {
                self.lose_coordinator(at);
                self.rejoin_later(reason, at);
            }
            code if code.is_retriable() => self.rejoin_later(reason, at),
            code => self.refused(api, code, ""),
        }
    }
}

pub(super) fn text(value: &str) -> StrBytes {
    StrBytes::from_string(value.to_owned())
}

/// Brokers refuse reasons of more than 255 characters.
pub(super) fn truncated(reason: &str) -> &str {
    reason
        .char_indices()
        .nth(LONGEST_REASON)
        .map_or(reason, |(end, _)| reason.get(..end).unwrap_or(reason))
}

const JOIN: &str = "JoinGroup";

const LONGEST_REASON: usize = 255;

//! JoinGroup: from wanting to join to having a generation.
//!
//! # Source
//! `AbstractCoordinator.joinGroupIfNeeded` and `JoinGroupResponseHandler`, KIP-394, KIP-800.

use std::sync::Arc;

use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::{GroupId, JoinGroupRequest, JoinGroupResponse};
use kafka_protocol::protocol::StrBytes;

use super::coordinator::LOST_IN_ROUND;
use super::settings::millis;
use super::{
    Action, Call, Candidate, CohortMember, Election, LossCause, Moment, Offer, RequestFailure,
    State, Ticket,
};
use crate::group::GroupError;
use crate::wire::ErrorCode;

impl CohortMember {
    /// The owner's answer to [`Action::AskOffers`]: the protocols it can work by, most wanted first.
    pub fn on_offers(&mut self, ticket: Ticket, offers: Vec<Offer>, at: Moment) -> Vec<Action> {
        if matches!(self.state, State::Asking(asked) if asked == ticket) {
            if offers.is_empty() {
                let reason = "a member has to offer at least one protocol".to_owned();
                self.fail(GroupError::Settings { reason });
            } else if self.coordinator.is_known() {
                self.send_join(offers);
            } else {
                // What was offered may be out of date by the time there is a coordinator.
                self.fall_back(LOST_IN_ROUND);
            }
        }
        self.finish(at)
    }

    /// The owner does not want to answer a question: the member leaves until [`Self::rejoin`].
    pub fn on_declined(&mut self, ticket: Ticket, at: Moment) -> Vec<Action> {
        if self.asks(ticket) {
            return self.step_out("the owner does not take part in the rebalance", at);
        }
        self.finish(at)
    }

    pub(super) fn join_answered(
        &mut self,
        ticket: Ticket,
        answer: Result<JoinGroupResponse, RequestFailure>,
        at: Moment,
    ) {
        if matches!(self.state, State::Withdrawing { join, .. } if join == ticket) {
            return self.withdraw(answer);
        }
        if !matches!(self.state, State::Joining(asked) if asked == ticket) {
            return;
        }
        match answer {
            Ok(response) => match ErrorCode(response.error_code) {
                ErrorCode::NONE => self.joined(response, at),
                code => self.join_refused(code, &response.member_id, at),
            },
            Err(RequestFailure::Unusable(reason)) => self.unusable(JOIN, reason),
            Err(RequestFailure::Lost | RequestFailure::Refused(_)) => self.lose_coordinator(at),
        }
    }

    /// Whether only time keeps the member from joining.
    pub(super) fn could_join(&self) -> bool {
        let wants = match self.state {
            State::Idle => true,
            State::Stable => self.rejoin.is_some(),
            _ => false,
        };
        wants && self.coordinator.is_known()
    }

    fn send_join(&mut self, offers: Vec<Offer>) {
        let ticket = self.ticket();
        self.pulse.forget_flight();
        // Taken, because a wish that comes from now on is not met by this round.
        let reason = self.rejoin.take().unwrap_or_default();
        self.offered = offers
            .iter()
            .map(|offer| Arc::clone(&offer.protocol))
            .collect();
        let protocol = |offer: Offer| {
            JoinGroupRequestProtocol::default()
                .with_name(text(&offer.protocol))
                .with_metadata(offer.metadata)
        };
        let request = JoinGroupRequest::default()
            .with_group_id(GroupId(text(&self.settings.group_id)))
            .with_session_timeout_ms(millis(self.settings.session_timeout))
            .with_rebalance_timeout_ms(millis(self.settings.rebalance_timeout))
            .with_member_id(text(&self.member_id))
            .with_group_instance_id(self.settings.instance_id.as_deref().map(text))
            .with_protocol_type(text(&self.settings.protocol_type))
            .with_protocols(offers.into_iter().map(protocol).collect())
            .with_reason(Some(text(truncated(&reason))));
        self.state = State::Joining(ticket);
        let timeout = self.settings.join_timeout();
        self.actions.push(Action::Call(Call::Join {
            ticket,
            request,
            timeout,
        }));
    }

    fn joined(&mut self, response: JoinGroupResponse, at: Moment) {
        self.coordinator.answered();
        let answered = response.protocol_name.as_deref().unwrap_or_default();
        let kind = response.protocol_type.as_deref();
        let foreign = kind.filter(|kind| **kind != *self.settings.protocol_type);
        let chosen = self.offered.iter().find(|name| ***name == *answered);
        let (Some(chosen), None) = (chosen, foreign) else {
            let answered = foreign.unwrap_or(answered).to_owned();
            let group = Arc::clone(&self.settings.group_id);
            return self.fail(GroupError::InconsistentProtocol { group, answered });
        };
        self.chosen = Arc::clone(chosen);
        self.member_id = Arc::from(&*response.member_id);
        self.leader_id = Arc::from(&*response.leader);
        self.generation = response.generation_id;
        self.pulse.start(&self.settings, at.now);
        if self.leader_id == self.member_id {
            self.elected(response);
        } else {
            self.send_sync(Vec::new(), at);
        }
    }

    fn elected(&mut self, response: JoinGroupResponse) {
        let candidate = |member: JoinGroupResponseMember| Candidate {
            member_id: Arc::from(&*member.member_id),
            instance_id: member.group_instance_id.as_deref().map(Arc::from),
            metadata: member.metadata,
        };
        let election = Election {
            generation: self.generation,
            leader_id: Arc::clone(&self.leader_id),
            protocol: Arc::clone(&self.chosen),
            members: response.members.into_iter().map(candidate).collect(),
            skip_assignment: response.skip_assignment,
        };
        let ticket = self.ticket();
        self.state = State::Electing(ticket);
        self.actions.push(Action::AskAssignments(ticket, election));
    }

    fn join_refused(&mut self, code: ErrorCode, given_member_id: &str, at: Moment) {
        match code {
            ErrorCode::MEMBER_ID_REQUIRED => {
                self.reset(LossCause::UnknownMember);
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
                self.reset(LossCause::UnknownMember);
                self.rejoin_now(reason, at);
            }
            // The member id is still valid, so the group need not wait for this member to time out.
            ErrorCode::ILLEGAL_GENERATION => {
                self.reset(LossCause::OtherGeneration);
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

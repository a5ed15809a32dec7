//! Single rules of membership, told as short dialogues between a member, its owner and a coordinator.

use bytes::Bytes;
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::{
    HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, SyncGroupResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::*;

mod endings;

const SECOND: Duration = Duration::from_secs(1);

struct Dialogue {
    member: CohortMember,
    now: Duration,
    last: Vec<Action>,
}

fn settings() -> CohortSettings {
    CohortSettings {
        group_id: "workers".into(),
        protocol_type: "connect".into(),
        instance_id: None,
        session_timeout: 10 * SECOND,
        rebalance_timeout: 60 * SECOND,
        heartbeat_interval: 3 * SECOND,
        request_timeout: 40 * SECOND,
        retry_backoff: Duration::from_millis(100),
        retry_backoff_max: SECOND,
        discovery_timeout: Some(3 * SECOND),
    }
}

fn offer(protocol: &str, metadata: &'static [u8]) -> Offer {
    Offer {
        protocol: protocol.into(),
        metadata: Bytes::from_static(metadata),
    }
}

fn static_text(value: &'static str) -> StrBytes {
    StrBytes::from_static_str(value)
}

fn follower(generation: i32) -> JoinGroupResponse {
    JoinGroupResponse::default()
        .with_generation_id(generation)
        .with_protocol_type(Some(static_text("connect")))
        .with_protocol_name(Some(static_text("compatible")))
        .with_leader(static_text("leader"))
        .with_member_id(static_text("me"))
}

fn leader(generation: i32) -> JoinGroupResponse {
    let member = |id, metadata| {
        JoinGroupResponseMember::default()
            .with_member_id(static_text(id))
            .with_metadata(Bytes::from_static(metadata))
    };
    follower(generation)
        .with_leader(static_text("me"))
        .with_members(vec![member("me", b"mine"), member("other", b"\xff")])
}

impl Dialogue {
    /// A member of which the coordinator is known and whose owner is asked what to join with.
    fn begin(settings: CohortSettings) -> Self {
        let mut dialogue = Self {
            member: CohortMember::new(settings).unwrap(),
            now: Duration::ZERO,
            last: Vec::new(),
        };
        dialogue.last = dialogue.member.on_start(dialogue.at());
        dialogue.find_coordinator();
        dialogue
    }

    /// A member with an assignment in generation 1.
    fn settled() -> Self {
        let mut dialogue = Self::begin(settings());
        dialogue.settle(1);
        dialogue
    }

    fn at(&self) -> Moment {
        Moment {
            now: self.now,
            random: 0.5,
        }
    }

    fn find<T>(&self, wanted: impl Fn(&Action) -> Option<T>) -> T {
        self.last
            .iter()
            .find_map(wanted)
            .unwrap_or_else(|| panic!("not in {:?}", self.last))
    }

    fn reply(&mut self, reply: Reply) {
        self.last = self.member.on_reply(reply, self.at());
    }

    fn coordinator_asked(&self) -> Ticket {
        self.find(|action| match action {
            Action::Call(Call::FindCoordinator(ticket)) => Some(*ticket),
            _ => None,
        })
    }

    fn find_coordinator(&mut self) {
        let ticket = self.coordinator_asked();
        self.reply(Reply::Coordinator(ticket, Ok(())));
    }

    fn offers_asked(&self) -> Ticket {
        self.find(|action| match action {
            Action::AskOffers(ticket) => Some(*ticket),
            _ => None,
        })
    }

    fn offer(&mut self) {
        let ticket = self.offers_asked();
        let offers = vec![offer("sessioned", b"v2"), offer("compatible", b"v1")];
        self.last = self.member.on_offers(ticket, offers, self.at());
    }

    fn join_request(&self) -> (Ticket, JoinGroupRequest) {
        self.find(|action| match action {
            Action::Call(Call::Join {
                ticket, request, ..
            }) => Some((*ticket, request.clone())),
            _ => None,
        })
    }

    fn joined(&mut self, response: JoinGroupResponse) {
        let (ticket, _) = self.join_request();
        self.reply(Reply::Joined(ticket, Ok(response)));
    }

    fn synced(&mut self, response: SyncGroupResponse) {
        let ticket = self.find(|action| match action {
            Action::Call(Call::Sync(ticket, _)) => Some(*ticket),
            _ => None,
        });
        self.reply(Reply::Synced(ticket, Ok(response)));
    }

    /// Answers the question for offers, follows, and gets an assignment.
    fn settle(&mut self, generation: i32) {
        self.offer();
        self.joined(follower(generation));
        self.synced(SyncGroupResponse::default().with_assignment(Bytes::from_static(b"work")));
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.last = self.member.on_time(self.at());
    }

    fn heartbeat_asked(&self) -> Ticket {
        self.find(|action| match action {
            Action::Call(Call::Heartbeat(ticket, _)) => Some(*ticket),
            _ => None,
        })
    }

    fn heartbeat_answered(&mut self, code: ErrorCode) {
        self.pass(3 * SECOND);
        let ticket = self.heartbeat_asked();
        let response = HeartbeatResponse::default().with_error_code(code.0);
        self.reply(Reply::Heartbeat(ticket, Ok(response)));
    }

    fn lost(&self) -> LossCause {
        self.find(|action| match action {
            Action::Lost(cause) => Some(cause.clone()),
            _ => None,
        })
    }
}

#[test]
fn a_join_carries_the_kind_and_the_owners_bytes() {
    let mut dialogue = Dialogue::begin(settings());
    dialogue.offer();
    let (_, request) = dialogue.join_request();
    assert_eq!(&*request.protocol_type, "connect");
    assert_eq!(
        (request.session_timeout_ms, request.rebalance_timeout_ms),
        (10_000, 60_000)
    );
    let offered: Vec<_> = request
        .protocols
        .iter()
        .map(|protocol| (protocol.name.to_string(), protocol.metadata.clone()))
        .collect();
    let expected = [("sessioned", "v2"), ("compatible", "v1")];
    assert_eq!(
        offered,
        expected.map(|(name, bytes)| (name.to_owned(), Bytes::from(bytes)))
    );
}

#[test]
fn the_answer_to_a_join_may_take_as_long_as_the_slowest_member() {
    let mut dialogue = Dialogue::begin(settings());
    dialogue.offer();
    let timeout = dialogue.find(|action| match action {
        Action::Call(Call::Join { timeout, .. }) => Some(*timeout),
        _ => None,
    });
    assert_eq!(timeout, 65 * SECOND);
}

#[test]
fn a_new_member_id_is_used_in_a_join_with_new_offers() {
    let mut dialogue = Dialogue::begin(settings());
    dialogue.offer();
    let required = JoinGroupResponse::default()
        .with_error_code(ErrorCode::MEMBER_ID_REQUIRED.0)
        .with_member_id(static_text("me"));
    dialogue.joined(required);
    assert!(
        !dialogue
            .last
            .iter()
            .any(|action| matches!(action, Action::Lost(_)))
    );
    dialogue.offer();
    assert_eq!(&*dialogue.join_request().1.member_id, "me");
}

#[test]
fn a_follower_gets_what_the_leader_wrote() {
    let mut dialogue = Dialogue::begin(settings());
    dialogue.settle(7);
    let assignment = Assignment {
        generation: 7,
        member_id: "me".into(),
        leader_id: "leader".into(),
        protocol: "compatible".into(),
        bytes: Bytes::from_static(b"work"),
    };
    assert_eq!(dialogue.last, [Action::Assigned(assignment)]);
    assert!(dialogue.member.is_settled());
}

#[test]
fn a_leader_sees_all_members_and_says_who_gets_what() {
    let mut dialogue = Dialogue::begin(settings());
    dialogue.offer();
    dialogue.joined(leader(3));
    let (ticket, election) = dialogue.find(|action| match action {
        Action::AskAssignments(ticket, election) => Some((*ticket, election.clone())),
        _ => None,
    });
    assert_eq!(
        (election.generation, &*election.protocol),
        (3, "compatible")
    );
    assert_eq!(&*election.leader_id, "me");
    assert_eq!(&*election.members[1].member_id, "other");
    assert_eq!(election.members[1].metadata, Bytes::from_static(b"\xff"));
    dialogue.heartbeat_answered(ErrorCode::NONE);
    let assignments = vec![("other".into(), Bytes::from_static(b"all"))];
    dialogue.last = dialogue
        .member
        .on_assignments(ticket, assignments, dialogue.at());
    let request = dialogue.find(|action| match action {
        Action::Call(Call::Sync(_, request)) => Some(request.clone()),
        _ => None,
    });
    assert_eq!(request.assignments.len(), 1);
    assert_eq!(&*request.assignments[0].member_id, "other");
    assert_eq!(request.protocol_name.as_deref(), Some("compatible"));
}

#[test]
fn heartbeats_go_on_while_the_owner_prepares_its_answer() {
    let mut dialogue = Dialogue::settled();
    dialogue.heartbeat_answered(ErrorCode::REBALANCE_IN_PROGRESS);
    let asked = dialogue.offers_asked();
    dialogue.heartbeat_answered(ErrorCode::REBALANCE_IN_PROGRESS);
    assert_eq!(dialogue.last, [], "it is not asked twice");
    let offers = vec![offer("compatible", b"late")];
    dialogue.last = dialogue.member.on_offers(asked, offers, dialogue.at());
    let (_, request) = dialogue.join_request();
    assert_eq!(
        request.reason.as_deref(),
        Some("group is already rebalancing")
    );
}

#[test]
fn a_wish_to_rejoin_is_met_by_the_question_that_waits_and_not_by_the_join_under_way() {
    let mut dialogue = Dialogue::settled();
    dialogue.last = dialogue.member.rejoin("one", dialogue.at());
    dialogue.offers_asked();
    assert_eq!(dialogue.member.rejoin("two", dialogue.at()), []);
    dialogue.offer();
    assert_eq!(dialogue.join_request().1.reason.as_deref(), Some("one"));
    assert_eq!(dialogue.member.rejoin("three", dialogue.at()), []);
    dialogue.joined(follower(2));
    dialogue.synced(SyncGroupResponse::default());
    assert!(matches!(dialogue.last[0], Action::Assigned(_)));
    dialogue.offer();
    assert_eq!(dialogue.join_request().1.reason.as_deref(), Some("three"));
}

#[test]
fn a_long_reason_is_cut_where_brokers_want_it() {
    let mut dialogue = Dialogue::settled();
    dialogue.last = dialogue.member.rejoin(&"ä".repeat(300), dialogue.at());
    dialogue.offer();
    let reason = dialogue.join_request().1.reason.unwrap();
    assert_eq!(reason.chars().count(), 255);
}

//! Single rules of the member machine, told as short dialogues with a coordinator.

use bytes::Bytes;
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::{
    HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, SyncGroupResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::*;
use crate::group::{MemberAssignment, MemberSubscription};
use crate::wire::ErrorCode;

const SECOND: Duration = Duration::from_secs(1);

struct Dialogue {
    member: Member,
    now: Duration,
    last: Vec<Action>,
}

fn settings(assignors: &[Assignor]) -> MemberSettings {
    MemberSettings {
        group_id: "connect-sink".into(),
        instance_id: None,
        session_timeout: 45 * SECOND,
        max_poll_interval: 300 * SECOND,
        heartbeat_interval: 3 * SECOND,
        request_timeout: 30 * SECOND,
        retry_backoff: Duration::from_millis(100),
        retry_backoff_max: SECOND,
        assignors: assignors.to_vec(),
        rack: None,
    }
}

const EAGER: &[Assignor] = &[Assignor::Range, Assignor::CooperativeSticky];
const COOPERATIVE: &[Assignor] = &[Assignor::CooperativeSticky];

fn partitions(numbers: &[i32]) -> BTreeSet<TopicPartition> {
    numbers
        .iter()
        .map(|number| TopicPartition::new("t", *number))
        .collect()
}

impl Dialogue {
    /// A member of which the coordinator is known and whose first join is under way.
    fn with(settings: MemberSettings) -> Self {
        let subscription = Subscription::Topics(vec!["t".to_owned()]);
        let member = Member::new(settings, subscription).unwrap();
        let mut dialogue = Self {
            member,
            now: Duration::ZERO,
            last: Vec::new(),
        };
        dialogue.last = dialogue.member.on_start(dialogue.at());
        dialogue.find_coordinator();
        dialogue
    }

    fn at(&self) -> Moment {
        Moment {
            now: self.now,
            random: 0.5,
        }
    }

    fn reply(&mut self, reply: Reply) {
        self.last = self.member.on_reply(reply, self.at());
    }

    fn find_coordinator(&mut self) {
        let ticket = self.find(|action| match action {
            Action::Call(Call::FindCoordinator(ticket)) => Some(*ticket),
            _ => None,
        });
        self.reply(Reply::Coordinator(ticket, Ok(())));
    }

    fn find<T>(&self, wanted: impl Fn(&Action) -> Option<T>) -> T {
        self.last
            .iter()
            .find_map(wanted)
            .unwrap_or_else(|| panic!("not in {:?}", self.last))
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

    /// Joins as follower and gets these partitions.
    fn settle(&mut self, assignor: Assignor, generation: i32, assigned: &[i32]) {
        self.joined(follower(assignor, generation));
        self.synced(assigned);
    }

    fn synced(&mut self, assigned: &[i32]) {
        let ticket = self.find(|action| match action {
            Action::Call(Call::Sync(ticket, _)) => Some(*ticket),
            _ => None,
        });
        let assignment = MemberAssignment {
            partitions: partitions(assigned).into_iter().collect(),
            user_data: None,
        };
        let response = SyncGroupResponse::default().with_assignment(assignment.encode());
        self.reply(Reply::Synced(ticket, Ok(response)));
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.last = self.member.on_time(self.at());
    }

    fn heartbeat_answered(&mut self, code: ErrorCode) {
        self.pass(3 * SECOND);
        let ticket = self.find(|action| match action {
            Action::Call(Call::Heartbeat(ticket, _)) => Some(*ticket),
            _ => None,
        });
        let response = HeartbeatResponse::default().with_error_code(code.0);
        self.reply(Reply::Heartbeat(ticket, Ok(response)));
    }

    fn asked_to_revoke(&self) -> (Ticket, BTreeSet<TopicPartition>) {
        self.find(|action| match action {
            Action::AskRevoke(ticket, partitions) => Some((*ticket, partitions.clone())),
            _ => None,
        })
    }

    fn lost(&self) -> (BTreeSet<TopicPartition>, String) {
        self.find(|action| match action {
            Action::PartitionsLost { partitions, cause } => {
                Some((partitions.clone(), cause.clone()))
            }
            _ => None,
        })
    }
}

fn follower(assignor: Assignor, generation: i32) -> JoinGroupResponse {
    JoinGroupResponse::default()
        .with_generation_id(generation)
        .with_protocol_name(Some(StrBytes::from_static_str(assignor.name())))
        .with_leader(StrBytes::from_static_str("leader"))
        .with_member_id(StrBytes::from_static_str("me"))
}

fn leader(generation: i32, members: &[(&'static str, Bytes)]) -> JoinGroupResponse {
    let members = members.iter().map(|(id, metadata)| {
        JoinGroupResponseMember::default()
            .with_member_id(StrBytes::from_static_str(id))
            .with_metadata(metadata.clone())
    });
    follower(Assignor::Range, generation)
        .with_leader(StrBytes::from_static_str("me"))
        .with_members(members.collect())
}

#[test]
fn a_member_id_given_by_the_coordinator_is_used_at_once() {
    let mut dialogue = Dialogue::with(settings(EAGER));
    let required = JoinGroupResponse::default()
        .with_error_code(ErrorCode::MEMBER_ID_REQUIRED.0)
        .with_member_id(StrBytes::from_static_str("me"));
    dialogue.joined(required);
    let (_, request) = dialogue.join_request();
    assert_eq!(&*request.member_id, "me");
    let names: Vec<_> = request
        .protocols
        .iter()
        .map(|protocol| protocol.name.to_string())
        .collect();
    assert_eq!(names, ["range", "cooperative-sticky"]);
}

#[test]
fn an_eager_member_gives_up_everything_before_it_rejoins() {
    let mut dialogue = Dialogue::with(settings(EAGER));
    dialogue.settle(Assignor::Range, 1, &[0, 1]);
    dialogue.heartbeat_answered(ErrorCode::REBALANCE_IN_PROGRESS);
    let (ticket, revoked) = dialogue.asked_to_revoke();
    assert_eq!(revoked, partitions(&[0, 1]));
    dialogue.heartbeat_answered(ErrorCode::REBALANCE_IN_PROGRESS);
    dialogue.last = dialogue.member.on_revoked_done(ticket, dialogue.at());
    let (_, request) = dialogue.join_request();
    let sent = MemberSubscription::decode(&request.protocols[0].metadata).unwrap();
    assert_eq!((sent.owned, sent.generation), (vec![], Some(1)));
}

#[test]
fn a_cooperative_member_gives_up_only_what_was_taken_and_rejoins_at_once() {
    let mut dialogue = Dialogue::with(settings(COOPERATIVE));
    dialogue.settle(Assignor::CooperativeSticky, 1, &[0, 1]);
    dialogue.heartbeat_answered(ErrorCode::REBALANCE_IN_PROGRESS);
    let (_, request) = dialogue.join_request();
    let sent = MemberSubscription::decode(&request.protocols[0].metadata).unwrap();
    assert_eq!(sent.owned.len(), 2, "it keeps reading while it joins");
    dialogue.settle(Assignor::CooperativeSticky, 2, &[0]);
    let (ticket, revoked) = dialogue.asked_to_revoke();
    assert_eq!(revoked, partitions(&[1]));
    dialogue.last = dialogue.member.on_revoked_done(ticket, dialogue.at());
    assert!(
        matches!(&dialogue.last[0], Action::PartitionsAssigned { all, added, .. }
        if *all == partitions(&[0]) && added.is_empty())
    );
    let (_, request) = dialogue.join_request();
    assert_eq!(
        request.reason.as_deref(),
        Some("need to revoke partitions and re-join")
    );
}

#[test]
fn partitions_are_lost_when_the_session_ends_by_the_members_own_clock() {
    let mut dialogue = Dialogue::with(settings(EAGER));
    dialogue.settle(Assignor::Range, 1, &[0]);
    dialogue.pass(44 * SECOND);
    assert!(
        !dialogue
            .last
            .iter()
            .any(|action| matches!(action, Action::PartitionsLost { .. }))
    );
    dialogue.pass(SECOND);
    let (lost, cause) = dialogue.lost();
    assert_eq!(lost, partitions(&[0]));
    assert!(cause.contains("session.timeout.ms (45000 ms)"), "{cause}");
}

#[test]
fn an_owner_that_stops_polling_leaves_with_the_settings_name_until_it_polls() {
    let mut dialogue = Dialogue::with(settings(EAGER));
    dialogue.settle(Assignor::Range, 1, &[0]);
    for _ in 0..99 {
        dialogue.heartbeat_answered(ErrorCode::NONE);
    }
    dialogue.pass(3 * SECOND);
    assert!(
        dialogue
            .lost()
            .1
            .contains("max.poll.interval.ms (300000 ms)")
    );
    let reason = dialogue.find(|action| match action {
        Action::Call(Call::Leave(_, request)) => request.members[0].reason.clone(),
        _ => None,
    });
    assert!(reason.contains("max.poll.interval.ms"));
    assert_eq!(dialogue.member.next_deadline(), None);
    dialogue.pass(SECOND);
    assert_eq!(dialogue.last, []);
    dialogue.last = dialogue.member.on_poll(dialogue.at());
    assert_eq!(&*dialogue.join_request().1.member_id, "");
}

#[test]
fn a_static_member_stops_without_leaving() {
    let instance = MemberSettings {
        instance_id: Some("i".into()),
        ..settings(EAGER)
    };
    let mut dialogue = Dialogue::with(instance);
    dialogue.settle(Assignor::Range, 1, &[0]);
    assert_eq!(
        dialogue.member.on_stop("done", dialogue.at()),
        [Action::Stopped]
    );
}

#[test]
fn a_dynamic_member_that_gets_no_answer_to_its_leave_stops_all_the_same() {
    let mut dialogue = Dialogue::with(settings(EAGER));
    dialogue.settle(Assignor::Range, 1, &[0]);
    dialogue.last = dialogue.member.on_stop("done", dialogue.at());
    assert!(matches!(
        &dialogue.last[..],
        [Action::Call(Call::Leave(..))]
    ));
    dialogue.pass(30 * SECOND);
    assert_eq!(dialogue.last, [Action::Stopped]);
    assert!(dialogue.member.is_done());
}

#[test]
fn a_member_stopped_in_its_first_join_leaves_with_the_id_that_the_answer_brings() {
    let mut dialogue = Dialogue::with(settings(EAGER));
    let (join, _) = dialogue.join_request();
    assert_eq!(dialogue.member.on_stop("done", dialogue.at()), []);
    dialogue.reply(Reply::Joined(join, Ok(follower(Assignor::Range, 1))));
    let left = dialogue.find(|action| match action {
        Action::Call(Call::Leave(_, request)) => Some(request.members[0].member_id.clone()),
        _ => None,
    });
    assert_eq!(&*left, "me");
}

#[test]
fn a_fenced_instance_is_fatal_and_loses_its_partitions() {
    let instance = MemberSettings {
        instance_id: Some("i".into()),
        ..settings(EAGER)
    };
    let mut dialogue = Dialogue::with(instance);
    dialogue.settle(Assignor::Range, 1, &[0]);
    dialogue.heartbeat_answered(ErrorCode::FENCED_INSTANCE_ID);
    assert_eq!(dialogue.lost().0, partitions(&[0]));
    assert!(matches!(
        &dialogue.last[..],
        [.., Action::Fatal(GroupError::Fenced { .. })]
    ));
}

#[test]
fn generation_errors_lose_partitions_and_only_unknown_members_forget_their_id() {
    let check = |code, expected_id: &str| {
        let mut dialogue = Dialogue::with(settings(COOPERATIVE));
        dialogue.settle(Assignor::CooperativeSticky, 7, &[0]);
        dialogue.heartbeat_answered(code);
        assert_eq!(dialogue.lost().0, partitions(&[0]));
        let (_, request) = dialogue.join_request();
        assert_eq!(&*request.member_id, expected_id);
        let sent = MemberSubscription::decode(&request.protocols[0].metadata).unwrap();
        assert_eq!(sent.generation, None);
        assert_eq!(sent.user_data, Assignor::CooperativeSticky.user_data(7));
    };
    check(ErrorCode::UNKNOWN_MEMBER_ID, "");
    check(ErrorCode::ILLEGAL_GENERATION, "me");
}

#[test]
fn a_lost_coordinator_is_found_again_without_a_rejoin() {
    let mut dialogue = Dialogue::with(settings(EAGER));
    dialogue.settle(Assignor::Range, 1, &[0]);
    dialogue.heartbeat_answered(ErrorCode::NOT_COORDINATOR);
    assert_eq!(dialogue.last, [Action::Call(Call::ForgetCoordinator)]);
    dialogue.pass(SECOND);
    dialogue.find_coordinator();
    dialogue.heartbeat_answered(ErrorCode::NONE);
    assert_eq!(*dialogue.member.owned(), partitions(&[0]));
    assert!(dialogue.member.is_settled());
}

#[test]
fn a_leader_waits_for_metadata_and_survives_a_member_that_writes_nonsense() {
    let mut dialogue = Dialogue::with(settings(EAGER));
    let (_, request) = dialogue.join_request();
    let mine = request.protocols[0].metadata.clone();
    dialogue.joined(leader(
        1,
        &[
            ("me", mine),
            ("broken", Bytes::from_static(b"\x00\x03\xff")),
        ],
    ));
    assert!(
        matches!(&dialogue.last[..], [Action::MalformedMember { member_id, .. }] if &**member_id == "broken")
    );
    let view = TopicView {
        partitions: 3,
        internal: false,
    };
    dialogue.last = dialogue
        .member
        .on_metadata([("t".into(), view)].into(), dialogue.at());
    let sizes = dialogue.find(|action| match action {
        Action::Call(Call::Sync(_, request)) => Some(
            request
                .assignments
                .iter()
                .map(|assignment| {
                    MemberAssignment::decode(&assignment.assignment)
                        .unwrap()
                        .partitions
                        .len()
                })
                .collect::<Vec<_>>(),
        ),
        _ => None,
    });
    assert_eq!(sizes, [0, 3]);
    dialogue.synced(&[0, 1, 2]);
    let grown = TopicView {
        partitions: 4,
        internal: false,
    };
    dialogue.last = dialogue
        .member
        .on_metadata([("t".into(), grown)].into(), dialogue.at());
    dialogue.asked_to_revoke();
}

#[test]
fn a_topic_that_must_not_be_seen_ends_the_membership() {
    let mut dialogue = Dialogue::with(settings(COOPERATIVE));
    dialogue.last = dialogue.member.on_topics_denied(vec!["t".to_owned()]);
    let error = dialogue.find(|action| match action {
        Action::Fatal(error) => Some(error.to_string()),
        _ => None,
    });
    assert_eq!(error, "Not authorized to access topics: [t]");
}

#[test]
fn a_new_subscription_means_a_new_join() {
    let mut dialogue = Dialogue::with(settings(COOPERATIVE));
    dialogue.settle(Assignor::CooperativeSticky, 1, &[0]);
    let other = Subscription::Topics(vec!["u".to_owned()]);
    dialogue.last = dialogue.member.on_subscription(other, dialogue.at());
    let (ticket, revoked) = dialogue.asked_to_revoke();
    assert_eq!(revoked, partitions(&[0]));
    dialogue.last = dialogue.member.on_revoked_done(ticket, dialogue.at());
    assert_eq!(
        dialogue.join_request().1.reason.as_deref(),
        Some("subscription has changed")
    );
}

#[test]
fn a_pattern_joins_only_after_it_has_seen_the_clusters_topics() {
    let matches = Arc::new(|topic: &str| topic.starts_with('t') || topic.starts_with("__"));
    let subscription = Subscription::Pattern {
        matches,
        exclude_internal: true,
    };
    let mut member = Member::new(settings(EAGER), subscription).unwrap();
    let at = Moment {
        now: Duration::ZERO,
        random: 0.5,
    };
    let actions = member.on_start(at);
    let [
        Action::Watch(Watch::All),
        Action::Call(Call::FindCoordinator(ticket)),
    ] = actions[..]
    else {
        panic!("{actions:?}")
    };
    assert_eq!(member.on_reply(Reply::Coordinator(ticket, Ok(())), at), []);
    let view = |internal| TopicView {
        partitions: 1,
        internal,
    };
    let topics = [
        ("t1".into(), view(false)),
        ("__x".into(), view(true)),
        ("u".into(), view(false)),
    ];
    let actions = member.on_metadata(topics.into(), at);
    let [Action::Call(Call::Join { request, .. })] = &actions[..] else {
        panic!("{actions:?}")
    };
    let sent = MemberSubscription::decode(&request.protocols[0].metadata).unwrap();
    assert_eq!(sent.topics, [Arc::from("t1")]);
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let subscription = || Subscription::Topics(vec![]);
    let slow = MemberSettings {
        heartbeat_interval: 45 * SECOND,
        ..settings(EAGER)
    };
    assert!(Member::new(slow, subscription()).is_err());
    assert!(Member::new(settings(&[]), subscription()).is_err());
}

#[test]
fn an_endless_poll_interval_neither_overflows_nor_spins() {
    let millis = Duration::from_millis(i32::MAX.unsigned_abs().into());
    let mut dialogue = Dialogue::with(MemberSettings {
        max_poll_interval: millis,
        ..settings(EAGER)
    });
    let (_, request) = dialogue.join_request();
    assert_eq!(request.rebalance_timeout_ms, i32::MAX);
    dialogue.settle(Assignor::Range, 1, &[0]);
    assert_eq!(dialogue.member.next_deadline(), Some(3 * SECOND));
}

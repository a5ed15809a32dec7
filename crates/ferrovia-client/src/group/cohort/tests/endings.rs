//! How a membership is lost, left, or refused for good.

use kafka_protocol::messages::LeaveGroupResponse;

use super::*;

const GROUP_AUTHORIZATION_FAILED: ErrorCode = ErrorCode(30);

#[test]
fn generation_errors_are_losses_and_only_unknown_members_forget_their_id() {
    let check = |code, expected_cause, expected_id: &str| {
        let mut dialogue = Dialogue::settled();
        dialogue.heartbeat_answered(code);
        assert_eq!(dialogue.lost(), expected_cause);
        assert_eq!(dialogue.member.epoch().generation, -1);
        dialogue.offer();
        assert_eq!(&*dialogue.join_request().1.member_id, expected_id);
    };
    check(ErrorCode::UNKNOWN_MEMBER_ID, LossCause::UnknownMember, "");
    check(
        ErrorCode::ILLEGAL_GENERATION,
        LossCause::OtherGeneration,
        "me",
    );
}

#[test]
fn a_loss_makes_the_question_before_it_void() {
    let mut dialogue = Dialogue::settled();
    dialogue.heartbeat_answered(ErrorCode::REBALANCE_IN_PROGRESS);
    let void = dialogue.offers_asked();
    dialogue.heartbeat_answered(ErrorCode::UNKNOWN_MEMBER_ID);
    let place = |wanted: fn(&Action) -> bool| dialogue.last.iter().position(wanted);
    let lost = place(|action| matches!(action, Action::Lost(_)));
    let asked = place(|action| matches!(action, Action::AskOffers(_)));
    assert!(lost.is_some() && lost < asked, "{:?}", dialogue.last);
    let offers = vec![offer("compatible", b"old work")];
    assert_eq!(dialogue.member.on_offers(void, offers, dialogue.at()), []);
    dialogue.offer();
    dialogue.join_request();
}

#[test]
fn membership_is_lost_when_the_session_ends_by_the_members_own_clock() {
    let mut dialogue = Dialogue::settled();
    dialogue.pass(9 * SECOND);
    assert!(
        !dialogue
            .last
            .iter()
            .any(|action| matches!(action, Action::Lost(_)))
    );
    dialogue.pass(SECOND);
    assert_eq!(dialogue.lost(), LossCause::SessionOver(10 * SECOND));
    assert_eq!(
        dialogue.lost().to_string(),
        "no heartbeat was answered within session.timeout.ms (10000 ms)"
    );
}

#[test]
fn an_assignment_is_lost_when_no_coordinator_is_found_in_time_and_the_member_comes_back_as_itself()
{
    let mut dialogue = Dialogue::settled();
    dialogue.last = dialogue.member.on_disconnected(dialogue.at());
    assert_eq!(dialogue.last, [Action::Call(Call::ForgetCoordinator)]);
    dialogue.pass(2 * SECOND);
    let ticket = dialogue.coordinator_asked();
    dialogue.pass(SECOND);
    assert_eq!(
        dialogue.last,
        [Action::Lost(LossCause::CoordinatorUnreachable(3 * SECOND))]
    );
    dialogue.pass(SECOND);
    assert_eq!(dialogue.last, [], "it is lost once");
    dialogue.reply(Reply::Coordinator(ticket, Ok(())));
    dialogue.offer();
    assert_eq!(&*dialogue.join_request().1.member_id, "me");
}

#[test]
fn a_coordinator_found_in_time_changes_nothing() {
    let mut dialogue = Dialogue::settled();
    dialogue.heartbeat_answered(ErrorCode::NOT_COORDINATOR);
    assert_eq!(dialogue.last, [Action::Call(Call::ForgetCoordinator)]);
    dialogue.pass(2 * SECOND);
    dialogue.find_coordinator();
    dialogue.heartbeat_answered(ErrorCode::NONE);
    dialogue.heartbeat_answered(ErrorCode::NONE);
    assert_eq!(dialogue.last, []);
    assert!(dialogue.member.is_settled());
}

#[test]
fn offers_made_while_the_coordinator_is_away_are_asked_for_again() {
    let mut dialogue = Dialogue::settled();
    dialogue.heartbeat_answered(ErrorCode::REBALANCE_IN_PROGRESS);
    let asked = dialogue.offers_asked();
    dialogue.last = dialogue.member.on_disconnected(dialogue.at());
    let offers = vec![offer("compatible", b"old")];
    assert_eq!(dialogue.member.on_offers(asked, offers, dialogue.at()), []);
    dialogue.pass(SECOND);
    dialogue.find_coordinator();
    dialogue.offer();
    dialogue.join_request();
}

#[test]
fn a_member_that_stepped_out_is_silent_until_it_wants_back_in() {
    let mut dialogue = Dialogue::settled();
    dialogue.last = dialogue.member.step_out("cannot keep up", dialogue.at());
    let [Action::Call(Call::Leave(ticket, request))] = &dialogue.last[..] else {
        panic!("{:?}", dialogue.last)
    };
    assert_eq!(request.members[0].reason.as_deref(), Some("cannot keep up"));
    let ticket = *ticket;
    dialogue.reply(Reply::Left(ticket, Ok(LeaveGroupResponse::default())));
    dialogue.pass(3600 * SECOND);
    assert_eq!(
        (&dialogue.last[..], dialogue.member.next_deadline()),
        (&[][..], None)
    );
    dialogue.last = dialogue.member.rejoin("caught up", dialogue.at());
    dialogue.offer();
    let (_, request) = dialogue.join_request();
    assert_eq!(
        (&*request.member_id, request.reason.as_deref()),
        ("", Some("caught up"))
    );
}

#[test]
fn a_declined_question_takes_the_member_out() {
    let mut dialogue = Dialogue::settled();
    dialogue.heartbeat_answered(ErrorCode::REBALANCE_IN_PROGRESS);
    let asked = dialogue.offers_asked();
    dialogue.last = dialogue.member.on_declined(asked, dialogue.at());
    assert!(matches!(dialogue.last[..], [Action::Call(Call::Leave(..))]));
    assert!(dialogue.member.is_away());
    assert_eq!(dialogue.member.on_declined(asked, dialogue.at()), []);
}

#[test]
fn refusals_in_a_row_are_backed_off_from() {
    let mut dialogue = Dialogue::begin(settings());
    let refusal = JoinGroupResponse::default().with_error_code(ErrorCode::UNKNOWN_MEMBER_ID.0);
    for _ in 0..IMMEDIATE_REJOINS {
        dialogue.offer();
        dialogue.joined(refusal.clone());
    }
    dialogue.offer();
    dialogue.joined(refusal);
    assert_eq!(dialogue.last, []);
    assert!(dialogue.member.next_deadline() > Some(dialogue.now));
}

#[test]
fn assignments_refused_in_a_row_are_backed_off_from() {
    let mut dialogue = Dialogue::begin(settings());
    for _ in 0..IMMEDIATE_REJOINS {
        dialogue.settle(1);
        dialogue.last = dialogue.member.refuse_assignment("unusable", dialogue.at());
    }
    dialogue.settle(1);
    dialogue.last = dialogue.member.refuse_assignment("unusable", dialogue.at());
    assert_eq!(dialogue.last, []);
    let deadline = dialogue.member.next_deadline().unwrap();
    assert!(deadline > dialogue.now);
    dialogue.pass(deadline - dialogue.now);
    dialogue.offers_asked();
}

#[test]
fn a_group_of_another_kind_is_fatal() {
    let check = |response: JoinGroupResponse, expected: &str| {
        let mut dialogue = Dialogue::begin(settings());
        dialogue.offer();
        dialogue.joined(response);
        let error = dialogue.find(|action| match action {
            Action::Fatal(error) => Some(error.to_string()),
            _ => None,
        });
        assert_eq!(
            error,
            format!("group workers uses {expected}, which this member did not offer")
        );
        assert!(dialogue.member.is_done());
    };
    check(
        follower(1).with_protocol_type(Some(static_text("consumer"))),
        "consumer",
    );
    check(
        follower(1).with_protocol_name(Some(static_text("range"))),
        "range",
    );
}

#[test]
fn what_does_not_heal_is_fatal() {
    let mut dialogue = Dialogue::settled();
    dialogue.heartbeat_answered(GROUP_AUTHORIZATION_FAILED);
    assert!(matches!(
        dialogue.last[..],
        [Action::Fatal(GroupError::Refused {
            api: "Heartbeat",
            ..
        })]
    ));
    let mut dialogue = Dialogue::begin(settings());
    let ticket = dialogue.offers_asked();
    dialogue.last = dialogue.member.on_offers(ticket, Vec::new(), dialogue.at());
    assert!(matches!(
        dialogue.last[..],
        [Action::Fatal(GroupError::Settings { .. })]
    ));
    assert_eq!(dialogue.member.next_deadline(), None);
}

#[test]
fn a_member_stops_at_the_answer_to_its_leave_or_without_one() {
    let mut dialogue = Dialogue::settled();
    dialogue.last = dialogue.member.stop("done", dialogue.at());
    let [Action::Call(Call::Leave(ticket, _))] = dialogue.last[..] else {
        panic!("{:?}", dialogue.last)
    };
    dialogue.reply(Reply::Left(ticket, Err(RequestFailure::Lost)));
    assert_eq!(dialogue.last, [Action::Stopped]);
    let mut dialogue = Dialogue::settled();
    dialogue.member.stop("done", dialogue.at());
    dialogue.pass(40 * SECOND);
    assert_eq!(dialogue.last, [Action::Stopped]);
}

#[test]
fn what_a_heartbeat_is_answered_changes_nothing_for_a_member_that_leaves() {
    let refusals = [
        ErrorCode::UNKNOWN_MEMBER_ID,
        ErrorCode::ILLEGAL_GENERATION,
        ErrorCode::REBALANCE_IN_PROGRESS,
        ErrorCode::NOT_COORDINATOR,
        GROUP_AUTHORIZATION_FAILED,
    ];
    for code in refusals {
        let mut dialogue = Dialogue::settled();
        dialogue.pass(3 * SECOND);
        let heartbeat = dialogue.heartbeat_asked();
        dialogue.last = dialogue.member.stop("done", dialogue.at());
        let [Action::Call(Call::Leave(leave, _))] = dialogue.last[..] else {
            panic!("{:?}", dialogue.last)
        };
        let response = HeartbeatResponse::default().with_error_code(code.0);
        dialogue.reply(Reply::Heartbeat(heartbeat, Ok(response)));
        assert_eq!(dialogue.last, [], "{code}");
        dialogue.reply(Reply::Left(leave, Ok(LeaveGroupResponse::default())));
        assert_eq!(dialogue.last, [Action::Stopped], "{code}");
    }
}

/// A member whose first join, without a member id, is under way when its owner stops it.
fn stopped_in_its_first_join() -> (Dialogue, Ticket) {
    let mut dialogue = Dialogue::begin(settings());
    dialogue.offer();
    let (ticket, _) = dialogue.join_request();
    dialogue.last = dialogue.member.stop("done", dialogue.at());
    assert_eq!(dialogue.last, [], "there is no member id to leave with");
    assert!(!dialogue.member.is_done());
    (dialogue, ticket)
}

#[test]
fn a_member_stopped_in_its_first_join_leaves_with_the_id_that_the_answer_brings() {
    let required = JoinGroupResponse::default()
        .with_error_code(ErrorCode::MEMBER_ID_REQUIRED.0)
        .with_member_id(static_text("me"));
    for response in [required, follower(1), leader(1)] {
        let (mut dialogue, join) = stopped_in_its_first_join();
        dialogue.reply(Reply::Joined(join, Ok(response)));
        let [Action::Call(Call::Leave(ticket, request))] = &dialogue.last[..] else {
            panic!("{:?}", dialogue.last)
        };
        let identity = &request.members[0];
        assert_eq!(
            (&*identity.member_id, identity.reason.as_deref()),
            ("me", Some("done"))
        );
        let ticket = *ticket;
        dialogue.reply(Reply::Left(ticket, Ok(LeaveGroupResponse::default())));
        assert_eq!(dialogue.last, [Action::Stopped]);
    }
}

#[test]
fn a_member_stopped_in_its_first_join_ends_where_the_answer_brings_no_id_or_never_comes() {
    let refusal = JoinGroupResponse::default().with_error_code(GROUP_AUTHORIZATION_FAILED.0);
    for answer in [Ok(refusal), Err(RequestFailure::Lost)] {
        let (mut dialogue, join) = stopped_in_its_first_join();
        dialogue.reply(Reply::Joined(join, answer));
        assert_eq!(dialogue.last, [Action::Stopped]);
    }
    let (mut dialogue, join) = stopped_in_its_first_join();
    dialogue.pass(39 * SECOND);
    assert_eq!(dialogue.last, []);
    // What the join took counts: the answer to the leave is not waited for as long again.
    dialogue.reply(Reply::Joined(join, Ok(follower(1))));
    dialogue.pass(SECOND);
    assert_eq!(dialogue.last, [Action::Stopped]);
    assert_eq!(
        stopped_in_its_first_join().0.member.next_deadline(),
        Some(40 * SECOND)
    );
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let check = |settings| assert!(CohortMember::new(settings).is_err());
    check(CohortSettings {
        heartbeat_interval: 10 * SECOND,
        ..settings()
    });
    check(CohortSettings {
        group_id: "".into(),
        ..settings()
    });
    check(CohortSettings {
        protocol_type: "".into(),
        ..settings()
    });
}

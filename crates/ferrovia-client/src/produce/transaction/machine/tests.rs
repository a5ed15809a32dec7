//! States and errors of a transaction, one by one, in both protocols.

use super::*;
use crate::error::ClientError;

fn identity(epoch: i16) -> ProducerIdentity {
    ProducerIdentity { id: 7, epoch }
}

fn t(partition: i32) -> TopicPartition {
    TopicPartition::new("t", partition)
}

/// A machine and a clock that stands still unless told otherwise.
struct Play {
    machine: Machine,
    now: Instant,
}

impl Play {
    fn new(protocol: Protocol) -> Self {
        let mut machine = Machine::new("tx".into(), Duration::from_millis(100));
        machine.on_offer(protocol);
        Self {
            machine,
            now: Instant::now(),
        }
    }

    /// A producer with its id.
    fn ready(protocol: Protocol) -> Self {
        let mut play = Self::new(protocol);
        let done = play.told(Request::Init(None), Reply::Init(Ok(identity(0))));
        assert_eq!(done.start_over, Some(identity(0)));
        assert_eq!(play.machine.take_outcome(), Some(Ok(())));
        play
    }

    /// An open transaction with partition 0 in it.
    fn open(protocol: Protocol) -> Self {
        let mut play = Self::ready(protocol);
        play.machine.begin().unwrap();
        play.machine.on_batch(&t(0)).unwrap();
        if protocol == Protocol::V1 {
            play.told(add(0, &[0]), added(&[(0, ErrorCode::NONE)]));
        }
        assert!(play.machine.admitted().contains(&t(0)));
        play
    }

    fn asks(&mut self) -> Option<Request> {
        self.machine.next_request(false, self.now)
    }

    /// Expects a request and answers it.
    fn told(&mut self, expected: Request, reply: Reply) -> Consequence {
        let request = self.asks();
        assert_eq!(request, Some(expected.clone()));
        assert_eq!(self.asks(), None, "one thing at a time");
        self.machine.on_answer(&expected, Ok(reply), self.now)
    }

    fn lost(&mut self, expected: Request) -> Consequence {
        assert_eq!(self.asks(), Some(expected.clone()));
        let lost = Err(ClientError::UnknownNode { node_id: 1 });
        self.machine.on_answer(&expected, lost, self.now)
    }

    fn wait(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
    }
}

fn add(epoch: i16, partitions: &[i32]) -> Request {
    Request::Add(
        identity(epoch),
        partitions.iter().map(|it| t(*it)).collect(),
    )
}

fn added(codes: &[(i32, ErrorCode)]) -> Reply {
    Reply::Added(codes.iter().map(|(it, code)| (t(*it), *code)).collect())
}

fn end(epoch: i16, commits: bool, protocol: Protocol) -> Request {
    Request::End {
        identity: identity(epoch),
        commits,
        protocol,
    }
}

#[test]
fn partitions_are_added_before_batches_leave_and_the_epoch_stays() {
    let mut play = Play::open(Protocol::V1);
    play.machine.on_batch(&t(1)).unwrap();
    play.machine.on_batch(&t(0)).unwrap();
    assert!(!play.machine.admitted().contains(&t(1)));
    play.told(add(0, &[1]), added(&[(1, ErrorCode::NONE)]));
    assert!(play.machine.admitted().contains(&t(1)));
    play.machine.end(true).unwrap();
    assert_eq!(
        play.machine.next_request(true, play.now),
        None,
        "batches first"
    );
    play.told(end(0, true, Protocol::V1), Reply::Ended(Ok(None)));
    assert_eq!(play.machine.take_outcome(), Some(Ok(())));
    assert!(play.machine.is_at_rest() && play.machine.admitted().is_empty());
    play.machine.begin().unwrap();
}

#[test]
fn partitions_join_by_themselves_and_each_end_is_a_new_epoch() {
    let mut play = Play::open(Protocol::V2);
    assert_eq!(play.asks(), None);
    play.machine.end(true).unwrap();
    let reply = Reply::Ended(Ok(Some(identity(1))));
    let done = play.told(end(0, true, Protocol::V2), reply);
    assert_eq!(done.start_over, Some(identity(1)));
    assert_eq!(play.machine.take_outcome(), Some(Ok(())));
    assert_eq!(play.asks(), None);
}

#[test]
fn transaction_without_batches_ends_without_a_request() {
    for commits in [true, false] {
        let mut play = Play::ready(Protocol::V1);
        play.machine.begin().unwrap();
        play.machine.end(commits).unwrap();
        assert_eq!(play.asks(), None);
        assert_eq!(play.machine.take_outcome(), Some(Ok(())));
    }
}

#[test]
fn failed_batch_leaves_only_an_abort_and_then_a_new_epoch() {
    let mut play = Play::open(Protocol::V1);
    let cause = ProduceError::Refused {
        partition: t(0),
        code: ErrorCode::TOPIC_AUTHORIZATION_FAILED,
        detail: None,
    };
    play.machine.on_batch_failed(&cause);
    let abortable = ProduceError::Abortable {
        cause: Box::new(cause.clone()),
    };
    assert_eq!(play.machine.on_batch(&t(0)), Err(abortable.clone()));
    assert_eq!(play.machine.end(true), Err(abortable));
    assert_eq!(play.machine.unwanted().unwrap().error, cause);
    play.machine.end(false).unwrap();
    assert_eq!(
        play.machine.unwanted().unwrap().error,
        ProduceError::Aborted
    );
    play.told(end(0, false, Protocol::V1), Reply::Ended(Ok(None)));
    assert_eq!(play.machine.take_outcome(), Some(Ok(())));
    assert!(!play.machine.is_at_rest(), "the new epoch comes first");
    let bumped = Reply::Init(Ok(identity(1)));
    let done = play.told(Request::Init(Some(identity(0))), bumped);
    assert_eq!(done.start_over, Some(identity(1)));
    assert!(play.machine.is_at_rest());
}

#[test]
fn batch_that_fails_in_a_commit_fails_the_commit() {
    let mut play = Play::open(Protocol::V2);
    play.machine.end(true).unwrap();
    play.machine.on_batch_failed(&ProduceError::Refused {
        partition: t(0),
        code: ErrorCode::INVALID_PRODUCER_EPOCH,
        detail: None,
    });
    let outcome = play.machine.take_outcome().unwrap().unwrap_err();
    assert!(matches!(outcome, ProduceError::Abortable { .. }) && !outcome.is_fatal());
    assert!(play.machine.is_open() && play.asks().is_none());
    play.machine.end(false).unwrap();
    let reply = Reply::Ended(Ok(Some(identity(1))));
    play.told(end(0, false, Protocol::V2), reply);
    assert_eq!(play.machine.take_outcome(), Some(Ok(())));
}

#[test]
fn fencing_is_final_and_has_javas_words() {
    for code in [
        ErrorCode::PRODUCER_FENCED,
        ErrorCode::INVALID_PRODUCER_EPOCH,
    ] {
        let mut play = Play::open(Protocol::V2);
        play.machine.end(true).unwrap();
        play.told(end(0, true, Protocol::V2), Reply::Ended(Err(code)));
        let error = play.machine.take_outcome().unwrap().unwrap_err();
        assert_eq!(
            error.to_string(),
            "Producer with transactionalId 'tx' and ProducerIdAndEpoch(producerId=7, epoch=0) has \
             been fenced by another producer with the same transactionalId"
        );
        let class = "org.apache.kafka.common.errors.ProducerFencedException";
        assert_eq!((error.is_fatal(), error.java_class()), (true, class));
        assert_eq!(play.machine.begin(), Err(error.clone()));
        let unwanted = play.machine.unwanted().unwrap();
        assert!(unwanted.with_sent_ones && unwanted.error == error);
    }
    let mut play = Play::open(Protocol::V2);
    play.machine.on_batch_failed(&ProduceError::Refused {
        partition: t(0),
        code: ErrorCode::PRODUCER_FENCED,
        detail: None,
    });
    assert!(matches!(
        play.machine.begin(),
        Err(ProduceError::Fenced { .. })
    ));
}

#[test]
fn coordinators_troubles_are_waited_out() {
    let mut play = Play::new(Protocol::V1);
    for (code, forgets) in [
        (ErrorCode::COORDINATOR_LOAD_IN_PROGRESS, false),
        (ErrorCode::CONCURRENT_TRANSACTIONS, false),
        (ErrorCode::NOT_COORDINATOR, true),
    ] {
        let done = play.told(Request::Init(None), Reply::Init(Err(code)));
        assert_eq!(done.forget_coordinator, forgets, "{code}");
        assert_eq!((play.asks(), play.machine.take_outcome()), (None, None));
        assert_eq!(
            play.machine.wake_at(play.now),
            Some(play.now + Duration::from_millis(100))
        );
        play.wait(100);
    }
    assert!(play.lost(Request::Init(None)).forget_coordinator);
}

#[test]
fn first_partition_waits_only_shortly_for_the_transaction_before() {
    let mut play = Play::ready(Protocol::V1);
    play.machine.begin().unwrap();
    play.machine.on_batch(&t(0)).unwrap();
    let busy = added(&[(0, ErrorCode::CONCURRENT_TRANSACTIONS)]);
    play.told(add(0, &[0]), busy);
    play.wait(20);
    play.told(add(0, &[0]), added(&[(0, ErrorCode::NONE)]));
}

#[test]
fn partition_that_cannot_be_added_fails_the_transaction_with_its_own_error() {
    let mut play = Play::ready(Protocol::V1);
    play.machine.begin().unwrap();
    play.machine.on_batch(&t(0)).unwrap();
    play.machine.on_batch(&t(1)).unwrap();
    let codes = [
        (0, ErrorCode::OPERATION_NOT_ATTEMPTED),
        (1, ErrorCode::TOPIC_AUTHORIZATION_FAILED),
    ];
    play.told(add(0, &[0, 1]), added(&codes));
    let cause = play.machine.unwanted().unwrap().error;
    assert_eq!(cause.code(), Some(ErrorCode::TOPIC_AUTHORIZATION_FAILED));
    assert!(play.machine.admitted().is_empty());
    play.machine.end(false).unwrap();
    let bump = play.asks();
    assert_eq!(
        bump,
        Some(Request::Init(Some(identity(0)))),
        "nothing to end"
    );
}

#[test]
fn lost_answer_to_an_end_is_followed_by_a_new_epoch() {
    let mut play = Play::open(Protocol::V1);
    play.machine.end(true).unwrap();
    assert!(play.lost(end(0, true, Protocol::V1)).forget_coordinator);
    play.wait(100);
    play.told(end(0, true, Protocol::V1), Reply::Ended(Ok(None)));
    assert_eq!(play.machine.take_outcome(), Some(Ok(())));
    let bumped = Reply::Init(Ok(identity(1)));
    play.told(Request::Init(Some(identity(0))), bumped);
    assert!(play.machine.is_at_rest());

    let mut play = Play::open(Protocol::V2);
    play.machine.end(true).unwrap();
    play.lost(end(0, true, Protocol::V2));
    play.wait(100);
    let reply = Reply::Ended(Ok(Some(identity(1))));
    play.told(end(0, true, Protocol::V2), reply);
    assert_eq!(
        play.machine.take_outcome(),
        Some(Ok(())),
        "it is one already"
    );
}

#[test]
fn newer_protocol_begins_with_the_next_transaction_and_an_epoch_of_its_own() {
    let mut play = Play::open(Protocol::V1);
    play.machine.on_offer(Protocol::V2);
    play.machine.end(true).unwrap();
    play.told(end(0, true, Protocol::V1), Reply::Ended(Ok(None)));
    assert_eq!(play.machine.protocol(), Protocol::V1);
    let bumped = Reply::Init(Ok(identity(1)));
    play.told(Request::Init(Some(identity(0))), bumped);
    assert_eq!(play.machine.protocol(), Protocol::V2);
}

#[test]
fn errors_of_an_end_are_abortable_or_fatal() {
    let check = |commits, code, is_fatal| {
        let mut play = Play::open(Protocol::V2);
        play.machine.end(commits).unwrap();
        play.told(end(0, commits, Protocol::V2), Reply::Ended(Err(code)));
        let error = play.machine.take_outcome().unwrap().unwrap_err();
        assert!(!matches!(error, ProduceError::Fenced { .. }));
        assert_eq!(!play.machine.is_open(), is_fatal, "{code} {commits}");
    };
    check(true, ErrorCode::TRANSACTION_ABORTABLE, false);
    check(false, ErrorCode::TRANSACTION_ABORTABLE, true);
    check(true, ErrorCode::INVALID_TXN_STATE, true);
    check(true, ErrorCode::UNKNOWN_SERVER_ERROR, true);
    check(true, ErrorCode::INVALID_PRODUCER_ID_MAPPING, true);
}

#[test]
fn nothing_is_taken_outside_of_a_transaction() {
    let mut play = Play::ready(Protocol::V2);
    assert_eq!(play.machine.on_batch(&t(0)), Err(ProduceError::Aborted));
    let mut play = Play::open(Protocol::V2);
    play.machine.end(false).unwrap();
    assert_eq!(play.machine.on_batch(&t(0)), Err(ProduceError::Aborted));
}

/// A call that was given up may come to its turn after the transaction was aborted for that.
#[test]
fn commit_behind_an_abort_commits_nothing() {
    let mut play = Play::open(Protocol::V1);
    play.machine.end(false).unwrap();
    assert_eq!(play.machine.end(true), Err(ProduceError::Aborted));
    play.told(end(0, false, Protocol::V1), Reply::Ended(Ok(None)));
    assert_eq!(play.machine.take_outcome(), Some(Ok(())));
    for commits in [true, false] {
        assert_eq!(play.machine.end(commits), Err(ProduceError::Aborted));
        assert!(play.machine.is_at_rest(), "there is nothing to end");
    }
    let mut play = Play::open(Protocol::V1);
    play.machine.end(true).unwrap();
    assert_eq!(play.machine.end(false), Err(ProduceError::Aborted));
    play.told(end(0, true, Protocol::V1), Reply::Ended(Ok(None)));
    assert_eq!(play.machine.take_outcome(), Some(Ok(())));
}

#[test]
fn commit_is_done_though_the_new_epoch_behind_it_is_not_to_be_had() {
    let mut play = Play::open(Protocol::V1);
    play.machine.end(true).unwrap();
    play.lost(end(0, true, Protocol::V1));
    play.wait(100);
    play.told(end(0, true, Protocol::V1), Reply::Ended(Ok(None)));
    assert_eq!(play.machine.take_outcome(), Some(Ok(())));
    assert!(!play.machine.is_at_rest(), "the next transaction waits");
    let refused = Reply::Init(Err(ErrorCode::PRODUCER_FENCED));
    play.told(Request::Init(Some(identity(0))), refused);
    assert_eq!(play.machine.take_outcome(), None);
    assert!(matches!(
        play.machine.begin(),
        Err(ProduceError::Fenced { .. })
    ));
}

#[test]
fn operators_hear_of_a_coordinators_troubles_less_and_less_often() {
    let check = |code, expected: &[u32]| {
        let mut play = Play::new(Protocol::V1);
        let mut heard = Vec::new();
        for attempt in 1..=17 {
            let done = play.told(Request::Init(None), Reply::Init(Err(code)));
            heard.extend(done.retry.map(|_| attempt));
            play.wait(100);
        }
        assert_eq!(heard, expected, "{code}");
        play.told(Request::Init(None), Reply::Init(Ok(identity(0))));
        assert_eq!(play.machine.failures, 0);
    };
    check(ErrorCode::COORDINATOR_NOT_AVAILABLE, &[1, 2, 4, 8, 16]);
    check(ErrorCode::CONCURRENT_TRANSACTIONS, &[16]);
}

//! Facts about one transactional id: each phase, each protocol, each refusal.

use super::*;

const TIMEOUT: Duration = Duration::from_secs(60);
const FRESH: i64 = 500;

fn key(id: i64, epoch: i16) -> ProducerKey {
    ProducerKey { id, epoch }
}

fn init(
    transaction: &mut Transaction,
    expected: Option<ProducerKey>,
) -> Result<Init, ResponseError> {
    transaction.on_init(expected, TIMEOUT, || FRESH)
}

/// An id whose owner is producer 7 with epoch 0.
fn owned() -> Transaction {
    let mut transaction = Transaction::new(7);
    let granted = init(&mut transaction, None);
    assert_eq!(granted, Ok(Init::Granted(key(7, 0))));
    transaction
}

fn write(transaction: &mut Transaction) {
    let owner = transaction.standing().producer;
    let joined = transaction.on_partition(owner, "t", 0, Instant::now());
    assert_eq!(joined, Ok(Joined::Added { began: true }));
}

fn end(
    transaction: &mut Transaction,
    producer: ProducerKey,
    outcome: Outcome,
    protocol: Protocol,
) -> Result<End, ResponseError> {
    transaction.on_end(producer, outcome, protocol, || FRESH)
}

/// An id in the phase, last ended by `protocol`.
fn in_phase(phase: Phase, protocol: Protocol) -> Transaction {
    let standing = Standing {
        phase,
        protocol,
        ..owned().standing
    };
    Transaction::restored(standing, Contents::default(), Instant::now())
}

fn at_epoch(epoch: i16) -> Transaction {
    let mut transaction = owned();
    transaction.standing.producer.epoch = epoch;
    transaction
}

#[test]
fn each_new_owner_has_a_higher_epoch_and_the_one_before_is_fenced() {
    let mut transaction = owned();
    let next = init(&mut transaction, None);
    assert_eq!(next, Ok(Init::Granted(key(7, 1))));
    let fenced = Err(ResponseError::ProducerFenced);
    let now = Instant::now();
    assert_eq!(transaction.on_partition(key(7, 0), "t", 0, now), fenced);
    assert_eq!(transaction.on_group(key(7, 0), "g", now), fenced);
    for protocol in [Protocol::One, Protocol::Two] {
        let ended = end(&mut transaction, key(7, 0), Outcome::Commit, protocol);
        assert_eq!(ended, Err(ResponseError::ProducerFenced));
        let other = end(&mut transaction, key(8, 1), Outcome::Commit, protocol);
        assert_eq!(other, Err(ResponseError::InvalidProducerIdMapping));
    }
    let other = transaction.on_partition(key(8, 1), "t", 0, now);
    assert_eq!(other, Err(ResponseError::InvalidProducerIdMapping));
}

#[test]
fn a_producer_that_says_who_it_is_gets_the_next_epoch_once() {
    let mut transaction = owned();
    let mine = Some(key(7, 0));
    let granted = Ok(Init::Granted(key(7, 1)));
    assert_eq!(init(&mut transaction, mine), granted);
    // The answer was lost: the same one again.
    assert_eq!(init(&mut transaction, mine), granted);
    assert_eq!(init(&mut transaction, None), Ok(Init::Granted(key(7, 2))));
    let fenced = Err(ResponseError::ProducerFenced);
    assert_eq!(init(&mut transaction, mine), fenced);
    assert_eq!(init(&mut transaction, Some(key(8, 2))), fenced);
}

#[test]
fn used_up_epochs_lead_to_a_new_producer_id() {
    let mut transaction = at_epoch(LAST_EPOCH);
    let granted = Ok(Init::Granted(key(FRESH, 0)));
    let mine = Some(key(7, LAST_EPOCH));
    assert_eq!(init(&mut transaction, mine), granted);
    assert_eq!(transaction.standing().previous_id, 7);
    // The answer was lost.
    assert_eq!(init(&mut transaction, mine), granted);
    let stale = init(&mut transaction, Some(key(7, 3)));
    assert_eq!(stale, Err(ResponseError::ProducerFenced));
    assert_eq!(init(&mut at_epoch(LAST_EPOCH), None), granted);
    assert_eq!(init(&mut at_epoch(i16::MAX), None), granted);
}

#[test]
fn a_successor_aborts_what_is_in_progress_first() {
    for protocol in [Protocol::One, Protocol::Two] {
        let mut transaction = owned();
        write(&mut transaction);
        assert_eq!(init(&mut transaction, None), Ok(Init::AbortFirst));
        assert!(transaction.on_fence(protocol));
        let standing = transaction.standing();
        assert_eq!(standing.phase, Phase::Prepare(Outcome::Abort));
        assert_eq!(standing.producer, key(7, 1));
        let early = init(&mut transaction, None);
        assert_eq!(early, Err(ResponseError::ConcurrentTransactions));
        assert_eq!(transaction.complete().partitions.len(), 1);
        assert_eq!(init(&mut transaction, None), Ok(Init::Granted(key(7, 2))));
        assert!(!transaction.on_fence(protocol));
    }
}

#[test]
fn partitions_and_groups_join_once_and_only_members_are_verified() {
    let mut transaction = owned();
    let (owner, now) = (key(7, 0), Instant::now());
    let missing = Err(ResponseError::TransactionAbortable);
    assert_eq!(transaction.verify(owner, "t", 0), missing);
    write(&mut transaction);
    let again = transaction.on_partition(owner, "t", 0, now);
    assert_eq!(again, Ok(Joined::Already));
    let group = transaction.on_group(owner, "g", now);
    assert_eq!(group, Ok(Joined::Added { began: false }));
    assert_eq!(transaction.on_group(owner, "g", now), Ok(Joined::Already));
    assert_eq!(transaction.verify(owner, "t", 0), Ok(()));
    assert_eq!(transaction.verify(owner, "t", 1), missing);
    assert_eq!(transaction.verify_group(owner, "g"), Ok(()));
    assert_eq!(transaction.verify_group(owner, "h"), missing);
    let fenced = transaction.verify(key(7, 1), "t", 0);
    assert_eq!(fenced, Err(ResponseError::ProducerFenced));
}

#[test]
fn offsets_of_one_transaction_are_bounded() {
    let mut transaction = owned();
    let committed = Committed {
        offset: 1,
        leader_epoch: -1,
        metadata: String::new(),
    };
    let offset = |partition| ("g".to_owned(), "t".to_owned(), partition);
    let mut add = |partition| transaction.on_offset(offset(partition), committed.clone(), 2);
    assert_eq!((add(0), add(1), add(1)), (Ok(()), Ok(()), Ok(())));
    assert_eq!(add(2), Err(ResponseError::PolicyViolation));
}

#[test]
fn protocol_one_keeps_the_epoch_and_forgives_a_repeated_end() {
    for outcome in [Outcome::Commit, Outcome::Abort] {
        let mut transaction = owned();
        write(&mut transaction);
        let ended = end(&mut transaction, key(7, 0), outcome, Protocol::One);
        assert_eq!(ended, Ok(End::Prepared));
        assert_eq!(transaction.deadline(), None);
        let during = end(&mut transaction, key(7, 0), outcome, Protocol::One);
        assert_eq!(during, Err(ResponseError::ConcurrentTransactions));
        let joining = transaction.on_partition(key(7, 0), "t", 1, Instant::now());
        assert_eq!(joining, Err(ResponseError::ConcurrentTransactions));
        transaction.complete();
        let again = end(&mut transaction, key(7, 0), outcome, Protocol::One);
        assert_eq!(again, Ok(End::Repeated));
        let other = match outcome {
            Outcome::Commit => Outcome::Abort,
            Outcome::Abort => Outcome::Commit,
        };
        let otherwise = end(&mut transaction, key(7, 0), other, Protocol::One);
        assert_eq!(otherwise, Err(ResponseError::InvalidTxnState));
        write(&mut transaction);
    }
    let empty = end(&mut owned(), key(7, 0), Outcome::Abort, Protocol::One);
    assert_eq!(empty, Err(ResponseError::InvalidTxnState));
}

#[test]
fn protocol_two_raises_the_epoch_and_knows_a_repeated_end_by_it() {
    for outcome in [Outcome::Commit, Outcome::Abort] {
        let mut transaction = owned();
        write(&mut transaction);
        let ended = end(&mut transaction, key(7, 0), outcome, Protocol::Two);
        assert_eq!(ended, Ok(End::Prepared));
        let during = end(&mut transaction, key(7, 0), outcome, Protocol::Two);
        assert_eq!(during, Err(ResponseError::ConcurrentTransactions));
        transaction.complete();
        assert_eq!(transaction.standing().producer, key(7, 1));
        let again = end(&mut transaction, key(7, 0), outcome, Protocol::Two);
        assert_eq!(again, Ok(End::Repeated));
        write(&mut transaction);
        let late = end(&mut transaction, key(7, 0), outcome, Protocol::Two);
        assert_eq!(late, Err(ResponseError::ProducerFenced));
    }
}

#[test]
fn protocol_two_answers_in_every_phase() {
    use Outcome::{Abort, Commit};
    use ResponseError::{ConcurrentTransactions, InvalidTxnState, ProducerFenced};
    let (ready, early, wrong) = (
        Ok(End::Prepared),
        Err(ConcurrentTransactions),
        Err(InvalidTxnState),
    );
    // By the owner, then by its epoch before, for commit and abort.
    let cases = [
        (Phase::Empty, [wrong, ready], [Err(ProducerFenced); 2]),
        (Phase::Ongoing, [ready, ready], [Err(ProducerFenced); 2]),
        (
            Phase::Prepare(Commit),
            [Err(ProducerFenced); 2],
            [early, wrong],
        ),
        (
            Phase::Prepare(Abort),
            [Err(ProducerFenced); 2],
            [wrong, early],
        ),
        (
            Phase::Complete(Commit),
            [wrong, ready],
            [Ok(End::Repeated), wrong],
        ),
        (
            Phase::Complete(Abort),
            [wrong, ready],
            [wrong, Ok(End::Repeated)],
        ),
    ];
    for (phase, by_owner, repeated) in cases {
        for (outcome, index) in [(Commit, 0), (Abort, 1)] {
            for (epoch, expected) in [(4, by_owner[index]), (3, repeated[index])] {
                let mut transaction = in_phase(phase, Protocol::Two);
                transaction.standing.producer.epoch = 4;
                let ended = end(&mut transaction, key(7, epoch), outcome, Protocol::Two);
                assert_eq!(ended, expected, "{phase:?} {outcome:?} epoch {epoch}");
            }
        }
    }
}

#[test]
fn an_abort_without_a_transaction_raises_the_epoch_in_protocol_two() {
    let mut transaction = owned();
    let ended = end(&mut transaction, key(7, 0), Outcome::Abort, Protocol::Two);
    assert_eq!(ended, Ok(End::Prepared));
    assert!(transaction.complete().partitions.is_empty());
    assert_eq!(transaction.standing().producer, key(7, 1));
}

#[test]
fn protocol_two_changes_the_producer_id_when_epochs_are_used_up() {
    let mut transaction = at_epoch(LAST_EPOCH);
    write(&mut transaction);
    let mine = key(7, LAST_EPOCH);
    let ended = end(&mut transaction, mine, Outcome::Commit, Protocol::Two);
    assert_eq!(ended, Ok(End::Prepared));
    // The markers still carry the old id, with the epoch kept back for them.
    assert_eq!(transaction.standing().producer, key(7, i16::MAX));
    transaction.complete();
    assert_eq!(transaction.standing().producer, key(FRESH, 0));
    let again = end(&mut transaction, mine, Outcome::Commit, Protocol::Two);
    assert_eq!(again, Ok(End::Repeated));
    let other = end(&mut transaction, key(7, 3), Outcome::Commit, Protocol::Two);
    assert_eq!(other, Err(ResponseError::InvalidProducerIdMapping));
}

#[test]
fn the_timeout_runs_only_while_a_transaction_is_in_progress() {
    let mut transaction = owned();
    assert_eq!(transaction.deadline(), None);
    let now = Instant::now();
    transaction.on_group(key(7, 0), "g", now).unwrap();
    transaction.on_group(key(7, 0), "h", now + TIMEOUT).unwrap();
    assert_eq!(transaction.deadline(), Some(now + TIMEOUT));
    assert!(transaction.on_fence(Protocol::Two));
    assert_eq!(transaction.deadline(), None);
    transaction.complete();
    let late = transaction.on_partition(key(7, 0), "t", 0, now);
    assert_eq!(late, Err(ResponseError::ProducerFenced));
    let commit = end(&mut transaction, key(7, 0), Outcome::Commit, Protocol::Two);
    assert_eq!(commit, Err(ResponseError::InvalidTxnState));
}

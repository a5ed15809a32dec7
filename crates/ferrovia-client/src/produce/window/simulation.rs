//! Random lives of a window before logs that check sequence numbers as brokers do: connections are
//! cut, answers get lost, requests of dead connections arrive late, leaders refuse, time runs out,
//! batches are too large and go in parts. Every acknowledged record is in the log once, no other more
//! than once, and all are in order.
//!
//! A broker is done with a dead connection before it answers on the next one, and what is left when
//! a partition moves is lost. Without that nothing could tell a batch that has been numbered anew
//! from its older self; Java's producer leaves the same hole.

use std::collections::VecDeque;

use fastrand::Rng;
use proptest::prelude::*;

use super::tests::{settings, t, view};
use super::*;
use crate::error::{ClientError, CloseReason};
use crate::produce::message::{Answer, Produced, Refusal};
use crate::produce::stamp::sequence_after;
use crate::produce::stamp::tests::{opened, sealed};
use crate::wire::error_code::ErrorCode;

/// A record: its batch's ticket, and its place there.
type Record = (u32, i32);

/// The records of a batch.
fn records_of(bytes: &[u8]) -> Vec<Record> {
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    let first = number(65).cast_signed();
    let (_, records) = opened(bytes);
    (first..first + records)
        .map(|place| (number(61), place))
        .collect()
}

fn batch_of(ticket: u32, first: i32, records: i32) -> Bytes {
    let payload = [ticket.to_be_bytes(), first.to_be_bytes()].concat();
    sealed(records, &payload)
}

fn halves(bytes: &Bytes, _: Compression) -> Option<[Bytes; 2]> {
    let records = records_of(bytes);
    let (ticket, first) = *records.first()?;
    let count = i32::try_from(records.len()).unwrap();
    let middle = count / 2;
    let half = |from: i32, count: i32| (count > 0).then(|| batch_of(ticket, first + from, count));
    Some([half(0, middle)?, half(middle, count - middle)?])
}

/// What a broker keeps of one partition. There is one producer.
#[derive(Default)]
struct Log {
    records: Vec<Record>,
    /// `max.message.bytes`, in records.
    records_max: usize,
    newest: Option<ProducerIdentity>,
    /// First and last-but-one-past sequence numbers and offsets of the last batches.
    recent: VecDeque<(i32, i32, i64)>,
}

impl Log {
    /// # Source
    /// `ProducerAppendInfo.maybeValidateDataBatch`
    fn append(&mut self, bytes: &[u8]) -> Result<i64, ErrorCode> {
        let (stamp, records) = opened(bytes);
        let of_batch = records_of(bytes);
        if of_batch.len() > self.records_max || of_batch.iter().any(is_large) {
            return Err(ErrorCode::MESSAGE_TOO_LARGE);
        }
        let end = sequence_after(stamp.base_sequence, records);
        let known = self.newest;
        if known.is_some_and(|it| it.epoch > stamp.identity.epoch) {
            return Err(ErrorCode::INVALID_PRODUCER_EPOCH);
        }
        if known == Some(stamp.identity) {
            let range = (stamp.base_sequence, end);
            if let Some(seen) = self.recent.iter().find(|it| (it.0, it.1) == range) {
                return Ok(seen.2);
            }
            if self.recent.back().map(|it| it.1) != Some(stamp.base_sequence) {
                return Err(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER);
            }
        } else if known.is_some() && stamp.base_sequence != 0 {
            return Err(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER);
        }
        if known != Some(stamp.identity) {
            self.recent.clear();
            self.newest = Some(stamp.identity);
        }
        let offset = i64::try_from(self.records.len()).unwrap();
        self.records.extend(of_batch);
        self.recent.push_back((stamp.base_sequence, end, offset));
        if self.recent.len() > 5 {
            self.recent.pop_front();
        }
        Ok(offset)
    }
}

/// Whether no topic takes a record.
fn is_large((ticket, place): &Record) -> bool {
    ticket.wrapping_mul(31).wrapping_add(place.cast_unsigned()) % 61 == 0
}

type Letters = Vec<(TopicPartition, Bytes)>;

/// One connection to a broker, and what is left in the network of those before.
#[derive(Default)]
struct Line {
    requests: VecDeque<Dispatch<u32>>,
    late: VecDeque<Letters>,
}

struct World {
    rng: Rng,
    now: Instant,
    window: Window<u32>,
    logs: BTreeMap<TopicPartition, Log>,
    lines: BTreeMap<i32, Line>,
    leaders: Vec<i32>,
    pushed: u32,
    /// Batches whose fate is known.
    told: BTreeSet<u32>,
    /// Where records landed; `None` of those that did not.
    outcomes: BTreeMap<Record, Option<Produced>>,
    has_faults: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut log = || Log {
            records_max: rng.usize(1..9),
            ..Log::default()
        };
        Self {
            now: Instant::now(),
            window: Window::new(WindowSettings {
                divider: Some(Divider::new(halves)),
                ..settings(Numbering::Idempotent)
            }),
            logs: (0..PARTITIONS).map(|number| (t(number), log())).collect(),
            rng,
            lines: BTreeMap::from([(1, Line::default()), (2, Line::default())]),
            leaders: vec![1, 2, 1],
            pushed: 0,
            told: BTreeSet::new(),
            outcomes: BTreeMap::new(),
            has_faults: true,
        }
    }

    fn push(&mut self) {
        let (partition, records) = (self.rng.i32(0..PARTITIONS), self.rng.i32(1..9));
        let bytes = batch_of(self.pushed, 0, records);
        let now = self.now;
        self.window
            .push(t(partition), bytes, records, self.pushed, now);
        self.pushed += 1;
    }

    fn dispatch(&mut self) {
        if self.window.needs_identity() {
            // Epochs are not used up here: nothing fences what an older id left in the network.
            self.window
                .set_identity(ProducerIdentity { id: 1, epoch: 0 });
        }
        let (view, connected) = (view(&self.leaders), BTreeSet::from([1, 2]));
        let outlook = Outlook {
            view: &view,
            connected: &connected,
            admitted: None,
        };
        while let Some(dispatch) = self.window.next_dispatch(outlook, self.now) {
            let line = self.lines.get_mut(&dispatch.node_id).unwrap();
            line.requests.push_back(dispatch);
        }
    }

    /// A broker gets to its next request.
    fn answer(&mut self, node: i32) {
        while !self.lines[&node].late.is_empty() {
            self.arrive_late(node);
        }
        let line = self.lines.get_mut(&node).unwrap();
        let Some(dispatch) = line.requests.pop_front() else {
            return;
        };
        let mut answer = Answer::new();
        for (partition, batch) in &dispatch.batches {
            let fault = if self.has_faults {
                self.rng.u8(0..24)
            } else {
                24
            };
            let outcome = match fault {
                0 => Err(ErrorCode::NOT_LEADER_OR_FOLLOWER),
                1 => Err(ErrorCode(19)),
                2 => Err(INVALID_RECORD),
                3 => {
                    let _appended = self.append(node, partition, &batch.bytes);
                    Err(ErrorCode(20))
                }
                _ => self.append(node, partition, &batch.bytes),
            };
            let outcome = outcome.map(|offset| Produced {
                base_offset: Some(offset),
            });
            let outcome = outcome.map_err(|code| Refusal { code, detail: None });
            answer.insert(partition.clone(), outcome);
        }
        self.settle(dispatch, Ok(answer));
    }

    fn append(
        &mut self,
        node: i32,
        partition: &TopicPartition,
        bytes: &[u8],
    ) -> Result<i64, ErrorCode> {
        if self.leaders[usize::try_from(partition.partition).unwrap()] != node {
            return Err(ErrorCode::NOT_LEADER_OR_FOLLOWER);
        }
        self.logs.get_mut(partition).unwrap().append(bytes)
    }

    fn settle(&mut self, dispatch: Dispatch<u32>, outcome: Result<Answer, ClientError>) {
        let done = self.window.on_answer(dispatch, outcome, self.now, 0.5).done;
        self.note(done);
    }

    fn note(&mut self, done: Done<u32>) {
        for (batch, outcome) in done {
            let end = batch.end();
            let (ticket, parts) = batch.into_parts(outcome);
            assert!(self.told.insert(ticket), "told twice of {ticket}");
            let ends = parts.iter().skip(1).map(|part| part.first).chain([end]);
            for (part, end) in parts.iter().zip(ends) {
                for place in part.first..end {
                    let landed = part.outcome.as_ref().ok().map(|produced| Produced {
                        base_offset: produced
                            .base_offset
                            .map(|base| base + i64::from(place - part.first)),
                    });
                    let told = self.outcomes.insert((ticket, place), landed);
                    assert!(told.is_none(), "told twice of {ticket}, {place}");
                }
            }
        }
    }

    /// A connection ends. What was on it arrives now, later or never.
    fn cut(&mut self, node: i32) {
        let line = self.lines.get_mut(&node).unwrap();
        let requests = std::mem::take(&mut line.requests);
        for dispatch in requests {
            let letters = dispatch.batches.iter();
            let letters = letters.map(|(to, batch)| (to.clone(), batch.bytes.clone()));
            self.lines
                .get_mut(&node)
                .unwrap()
                .late
                .push_back(letters.collect());
            let closed = ClientError::Closed {
                address: "h:1".into(),
                reason: CloseReason::ByPeer,
            };
            self.settle(dispatch, Err(closed));
        }
    }

    fn arrive_late(&mut self, node: i32) {
        let line = self.lines.get_mut(&node).unwrap();
        let Some(letters) = line.late.pop_front() else {
            return;
        };
        if self.rng.u8(0..4) > 0 {
            for (partition, bytes) in letters {
                let _unheard = self.append(node, &partition, &bytes);
            }
        }
    }

    fn step(&mut self) {
        let node = self.rng.i32(1..=2);
        match self.rng.u8(0..40) {
            0..=9 if self.pushed < BATCHES => self.push(),
            0..=19 => self.dispatch(),
            20..=30 => self.answer(node),
            31 => self.cut(node),
            32..=34 => self.arrive_late(node),
            35 => {
                let partition = self.rng.usize(0..self.leaders.len());
                self.leaders[partition] = node;
                for line in self.lines.values_mut() {
                    line.late.clear();
                }
            }
            36 if self.rng.u8(0..8) == 0 => self.wait(Duration::from_secs(6)),
            _ => self.wait(Duration::from_millis(50)),
        }
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        let expired = self.window.expire(self.now, |_| None);
        self.note(expired);
    }

    /// The faults end, and everything comes to rest.
    fn rest(&mut self) {
        self.has_faults = false;
        for _ in 0..10_000 {
            if self.window.is_empty() && self.pushed == BATCHES {
                return;
            }
            if self.pushed < BATCHES {
                self.push();
            }
            self.dispatch();
            self.answer(1);
            self.answer(2);
            self.now += Duration::from_millis(50);
        }
        panic!("the window does not come to rest: {:?}", self.window);
    }

    fn check(&self) {
        let mut offsets: BTreeMap<Record, i64> = BTreeMap::new();
        for log in self.logs.values() {
            assert!(log.records.is_sorted(), "out of order: {:?}", log.records);
            for (offset, record) in (0..).zip(&log.records) {
                let before = offsets.insert(*record, offset);
                assert!(before.is_none(), "{record:?} is there twice");
            }
        }
        assert_eq!(self.told.len(), usize::try_from(BATCHES).unwrap());
        for (record, outcome) in &self.outcomes {
            let offset = offsets.get(record).copied();
            if let Some(produced) = outcome {
                assert!(offset.is_some(), "{record:?} is lost");
                assert!(
                    produced.base_offset.is_none_or(|told| Some(told) == offset),
                    "{record:?} is at {offset:?}, not at {produced:?}"
                );
            }
        }
    }
}

const INVALID_RECORD: ErrorCode = ErrorCode(87);
const PARTITIONS: i32 = 3;
const BATCHES: u32 = 60;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn nothing_is_lost_doubled_or_out_of_order(seed: u64) {
        let mut world = World::new(seed);
        for _ in 0..600 {
            world.step();
        }
        world.rest();
        world.check();
        let acknowledged = world.outcomes.values().flatten().count();
        prop_assert!(acknowledged > 0);
    }
}

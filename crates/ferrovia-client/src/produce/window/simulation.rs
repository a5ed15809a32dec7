//! Random lives of a window before logs that check sequence numbers as brokers do: connections are
//! cut, answers get lost, requests of dead connections arrive late, leaders refuse, time runs out.
//! Every acknowledged batch is in the log once, no other more than once, and all are in order.
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

/// What a broker keeps of one partition. There is one producer.
#[derive(Default)]
struct Log {
    tickets: Vec<u32>,
    newest: Option<ProducerIdentity>,
    /// First and last-but-one-past sequence numbers and offsets of the last batches.
    recent: VecDeque<(i32, i32, i64)>,
}

impl Log {
    /// # Source
    /// `ProducerAppendInfo.maybeValidateDataBatch`
    fn append(&mut self, bytes: &[u8]) -> Result<i64, ErrorCode> {
        let (stamp, records) = opened(bytes);
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
        let offset = i64::try_from(self.tickets.len()).unwrap();
        self.tickets
            .push(u32::from_be_bytes(bytes[61..65].try_into().unwrap()));
        self.recent.push_back((stamp.base_sequence, end, offset));
        if self.recent.len() > 5 {
            self.recent.pop_front();
        }
        Ok(offset)
    }
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
    outcomes: BTreeMap<u32, bool>,
    has_faults: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            now: Instant::now(),
            window: Window::new(settings(Numbering::Idempotent)),
            logs: (0..PARTITIONS)
                .map(|number| (t(number), Log::default()))
                .collect(),
            lines: BTreeMap::from([(1, Line::default()), (2, Line::default())]),
            leaders: vec![1, 2, 1],
            pushed: 0,
            outcomes: BTreeMap::new(),
            has_faults: true,
        }
    }

    fn push(&mut self) {
        let (partition, records) = (self.rng.i32(0..PARTITIONS), self.rng.i32(1..5));
        let bytes = sealed(records, &self.pushed.to_be_bytes());
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
                2 => Err(ErrorCode(10)),
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
            let told = self.outcomes.insert(batch.ticket, outcome.is_ok());
            assert!(told.is_none(), "told twice of {}", batch.ticket);
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
        let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
        for log in self.logs.values() {
            assert!(log.tickets.is_sorted(), "out of order: {:?}", log.tickets);
            for ticket in &log.tickets {
                *counts.entry(*ticket).or_default() += 1;
            }
        }
        assert_eq!(self.outcomes.len(), usize::try_from(BATCHES).unwrap());
        for (ticket, is_acknowledged) in &self.outcomes {
            let count = counts.get(ticket).copied().unwrap_or(0);
            assert!(count <= 1, "{ticket} is there {count} times");
            assert!(count == 1 || !is_acknowledged, "{ticket} is lost");
        }
    }
}

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
        let acknowledged = world.outcomes.values().filter(|is_ok| **is_ok).count();
        prop_assert!(acknowledged > 0);
    }
}

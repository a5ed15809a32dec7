//! Whatever producers do in whatever order, and however often the broker starts anew: what a
//! read-committed consumer sees are the records of committed transactions.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::log::batch::BatchHeader;

const IDS: [&str; 3] = ["a", "b", "c"];

#[derive(Debug, Clone, Copy)]
enum Step {
    Init(usize),
    Write(usize),
    End(usize, Outcome, Protocol),
    Overdue,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let outcome = prop_oneof![Just(Outcome::Commit), Just(Outcome::Abort)];
    let protocol = prop_oneof![Just(Protocol::One), Just(Protocol::Two)];
    let id = 0..IDS.len();
    prop_oneof![
        2 => id.clone().prop_map(Step::Init),
        6 => id.clone().prop_map(Step::Write),
        3 => (id, outcome, protocol).prop_map(|(id, outcome, protocol)| Step::End(id, outcome, protocol)),
        1 => Just(Step::Overdue),
        1 => Just(Step::Restart),
    ]
}

/// What one producer believes.
#[derive(Debug, Default)]
struct Model {
    producer: Option<ProducerKey>,
    next_sequence: i32,
    open: Vec<i64>,
}

struct World {
    folder: tempfile::TempDir,
    broker: Option<Broker>,
    models: [Model; 3],
    committed: BTreeSet<i64>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let broker = open(&folder);
        broker
            .create_topic(&mut lock(&broker.topics), "t", 1, BTreeMap::new())
            .unwrap();
        Self {
            folder,
            broker: Some(broker),
            models: Default::default(),
            committed: BTreeSet::new(),
        }
    }

    fn take(&mut self, step: Step) {
        let broker = self.broker.as_ref().unwrap();
        match step {
            Step::Init(index) => {
                let model = &mut self.models[index];
                let init = || broker.init_transactional_id(IDS[index], 60_000, None);
                // In progress: the first call aborts it.
                let granted = init().or_else(|_| init()).unwrap();
                *model = Model {
                    producer: Some(granted),
                    ..Model::default()
                };
            }
            Step::Write(index) => {
                let model = &mut self.models[index];
                let Some(producer) = model.producer else {
                    return;
                };
                let sequence = model.next_sequence;
                let records = TestBatch::transactional(2, producer.id, producer.epoch, sequence);
                let records = records.bytes();
                let header = batch::validate(&records, usize::MAX).unwrap();
                let place = ("t", 0);
                let written = broker.append_in_transaction(
                    IDS[index],
                    Joining::Implicit,
                    place,
                    &header,
                    &records,
                );
                match written {
                    Ok(appended) => {
                        model.open.push(appended.base_offset);
                        model.next_sequence += 2;
                    }
                    Err(error) => {
                        assert_eq!(error, ResponseError::ProducerFenced);
                        *model = Model::default();
                    }
                }
            }
            Step::End(index, outcome, protocol) => self.end(index, outcome, protocol),
            Step::Overdue => {
                broker.abort_overdue(now() + std::time::Duration::from_secs(120));
                // Who had a transaction is fenced, which it will notice.
                for model in &mut self.models {
                    model.open.clear();
                }
            }
            Step::Restart => {
                self.broker = None;
                self.broker = Some(open(&self.folder));
            }
        }
    }

    fn end(&mut self, index: usize, outcome: Outcome, protocol: Protocol) {
        let broker = self.broker.as_ref().unwrap();
        let model = &mut self.models[index];
        let Some(producer) = model.producer else {
            return;
        };
        let ended = broker.end_transaction(IDS[index], producer, outcome, protocol);
        let open = std::mem::take(&mut model.open);
        match ended {
            Ok(next) => {
                if outcome == Outcome::Commit {
                    self.committed.extend(open);
                }
                if next != producer {
                    model.next_sequence = 0;
                }
                model.producer = Some(next);
            }
            Err(_) => assert!(open.is_empty(), "{ended:?}"),
        }
    }

    /// Base offsets of what a read-committed consumer sees.
    fn seen(&self) -> BTreeSet<i64> {
        let topics = lock(&self.broker.as_ref().unwrap().topics);
        let log = topics
            .get("t")
            .and_then(|topic| topic.partition(0))
            .unwrap();
        let stable = log.last_stable_offset();
        let slice = log.read_until(0, stable, usize::MAX, true).unwrap();
        let bytes = slice.records.concat();
        let mut rest = bytes.as_slice();
        let mut aborted = log.aborted(0, slice.end_offset);
        aborted.sort_by_key(|one| one.first_offset);
        let mut seen = BTreeSet::new();
        while let Some(header) = BatchHeader::read(rest) {
            rest = &rest[usize::try_from(header.size).unwrap()..];
            let offset = header.base_offset;
            let dropped = aborted.iter().any(|one| {
                one.producer_id == header.producer_id
                    && (one.first_offset..=one.last_offset).contains(&offset)
            });
            if !dropped && !header.is_control() {
                seen.insert(offset);
            }
        }
        seen
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_seen_is_what_was_committed(steps in proptest::collection::vec(step(), 1..60)) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
        }
        // Ends what is still open, so that everything is stable.
        world.take(Step::Overdue);
        let (stable, end) = stable_and_end(world.broker.as_ref().unwrap());
        prop_assert_eq!(stable, end);
        prop_assert_eq!(world.seen(), world.committed);
    }
}

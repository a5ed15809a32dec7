//! Whole groups in one thread and virtual time: members, their owners, a coordinator, and a bad network.
//!
//! Goal: whatever is lost, late, moved, paused or killed, no two members of one generation own a partition, and once
//! the trouble is over every partition is owned exactly once. Method: everything that happens comes from one seed;
//! `FERROVIA_SIM_SEEDS` sets how many are tried, and a failure names its seed.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::group::assignor::PartitionCounts;
use crate::group::cohort::RequestFailure;
use crate::group::cohort::model::{Asked, Model, Request, Response};

mod network;

const DEFAULT_SEEDS: u64 = 2_000;
const TROUBLE: Duration = Duration::from_secs(30);
const PEACE: Duration = Duration::from_secs(60);

#[test]
fn every_partition_has_one_owner_whatever_happens() {
    let seeds = std::env::var("FERROVIA_SIM_SEEDS")
        .ok()
        .and_then(|text| text.parse().ok());
    for seed in 0..seeds.unwrap_or(DEFAULT_SEEDS) {
        World::new(seed, false).run();
    }
}

#[test]
fn a_seed_tells_the_same_story_twice() {
    for seed in 0..20 {
        assert_eq!(
            World::new(seed, true).run(),
            World::new(seed, true).run(),
            "seed {seed}"
        );
    }
}

#[derive(Debug)]
enum Event {
    Wake,
    Poll,
    Found(Ticket, u32),
    FindFailed(Ticket),
    Arrives(Asked, u32, Request),
    Answered(Asked, Result<Response, RequestFailure>),
    Revoked(Ticket),
    Metadata,
    Crash,
    Restart,
    Move,
    Grow,
}

/// A process: the machine, and what its owner believes it may read.
struct Process {
    member: Member,
    life: u32,
    up: bool,
    paused_until: Duration,
    generation: i32,
    reading: BTreeSet<TopicPartition>,
    revoking: Option<(Ticket, BTreeSet<TopicPartition>)>,
    coordinator: u32,
    woken_at: Duration,
}

struct World {
    seed: u64,
    rng: fastrand::Rng,
    now: Duration,
    /// Time and order of each event, the process it concerns, and in which of its lives.
    queue: BTreeMap<(Duration, u64), (usize, u32, Event)>,
    sequence: u64,
    model: Model,
    broker: u32,
    calls: BTreeMap<Asked, (usize, u32, Ticket)>,
    processes: Vec<Process>,
    topics: PartitionCounts,
    assignors: Vec<Assignor>,
    statics: bool,
    /// Whether somebody got partitions in this step.
    assigned: bool,
    story: Option<DefaultHasher>,
}

impl World {
    fn new(seed: u64, record: bool) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let assignors = match rng.u32(0..3) {
            0 => vec![Assignor::Range],
            1 => vec![Assignor::Range, Assignor::CooperativeSticky],
            _ => vec![Assignor::CooperativeSticky],
        };
        let topics = (0..rng.u32(1..4)).map(|topic| (format!("t{topic}").into(), rng.i32(1..6)));
        let topics = topics.collect();
        let mut world = Self {
            seed,
            now: Duration::ZERO,
            queue: BTreeMap::new(),
            sequence: 0,
            model: Model::default(),
            broker: 0,
            calls: BTreeMap::new(),
            processes: Vec::new(),
            topics,
            assignors,
            statics: rng.u32(0..4) == 0,
            assigned: false,
            story: record.then(DefaultHasher::new),
            rng,
        };
        for place in 0..world.rng.usize(2..6) {
            let member = world.new_member(place);
            world.processes.push(Process {
                member,
                life: 0,
                up: false,
                paused_until: Duration::ZERO,
                generation: -1,
                reading: BTreeSet::new(),
                revoking: None,
                coordinator: 0,
                woken_at: Duration::ZERO,
            });
            let start = world.millis(0..3_000);
            world.schedule(start, place, Event::Restart);
        }
        for _ in 0..world.rng.u32(0..7) {
            let place = world.rng.usize(0..world.processes.len());
            let (at, back) = (world.millis(2_000..25_000), world.millis(100..9_000));
            match world.rng.u32(0..4) {
                0 => {
                    world.schedule(at, place, Event::Crash);
                    world.schedule(at + back, place, Event::Restart);
                }
                1 => world.schedule(at, place, Event::Move),
                2 => world.schedule(at, place, Event::Grow),
                _ => world.processes[place].paused_until = at + back,
            }
        }
        world
    }

    fn new_member(&self, place: usize) -> Member {
        let millis = Duration::from_millis;
        let settings = MemberSettings {
            group_id: "connect-sink".into(),
            instance_id: self.statics.then(|| format!("instance-{place}").into()),
            session_timeout: millis(6_000),
            max_poll_interval: millis(8_000),
            heartbeat_interval: millis(2_000),
            request_timeout: millis(3_000),
            retry_backoff: millis(100),
            retry_backoff_max: millis(1_000),
            assignors: self.assignors.clone(),
            rack: None,
        };
        let topics = self.topics.keys().map(ToString::to_string).collect();
        Member::new(settings, Subscription::Topics(topics)).unwrap()
    }

    fn run(mut self) -> Option<u64> {
        while let Some(((time, sequence), (place, life, event))) = self.queue.pop_first() {
            self.now = time;
            if time > TROUBLE + PEACE {
                break;
            }
            let process = &self.processes[place];
            let happens_to_process = !matches!(
                event,
                Event::Arrives(..) | Event::Move | Event::Grow | Event::Restart | Event::Crash
            );
            if happens_to_process {
                if process.life != life || !process.up {
                    continue;
                }
                if self.is_paused(place) {
                    let wakes = process.paused_until;
                    self.queue.insert((wakes, sequence), (place, life, event));
                    continue;
                }
            }
            if let Some(story) = &mut self.story {
                format!("{time:?} {place} {event:?}").hash(story);
            }
            self.model.tick(time);
            self.happen(place, event);
            self.deliver();
            if std::mem::take(&mut self.assigned) {
                self.check_no_double_owner();
            }
            if time > TROUBLE && self.is_settled() {
                return self.story.map(|story| story.finish());
            }
        }
        panic!(
            "seed {}: not settled {PEACE:?} after the trouble ended: {}",
            self.seed,
            self.state()
        );
    }

    fn happen(&mut self, place: usize, event: Event) {
        let at = self.moment();
        let process = &mut self.processes[place];
        let actions = match event {
            // A process that comes out of a pause looks at its clock first.
            Event::Wake => process.member.on_time(at),
            Event::Poll => {
                let mut actions = process.member.on_time(at);
                actions.extend(process.member.on_poll(at));
                let next = self.millis(500..4_000);
                self.schedule(next, place, Event::Poll);
                actions
            }
            Event::Found(ticket, broker) => {
                process.coordinator = broker;
                let reply = Reply::Coordinator(ticket, Ok(()));
                process.member.on_reply(reply, at)
            }
            Event::FindFailed(ticket) => {
                let reply = Reply::Coordinator(ticket, Err(RequestFailure::Lost));
                process.member.on_reply(reply, at)
            }
            Event::Revoked(ticket) => {
                let pending = process.revoking.take_if(|(asked, _)| *asked == ticket);
                if let Some((_, given_up)) = pending {
                    process
                        .reading
                        .retain(|partition| !given_up.contains(partition));
                }
                process.member.on_revoked_done(ticket, at)
            }
            Event::Metadata => self.tell_metadata(place, at),
            Event::Arrives(call, broker, request) => return self.arrives(call, broker, request),
            Event::Answered(call, answer) => self.answered(call, answer, at),
            Event::Crash => {
                process.up = false;
                process.life += 1;
                process.reading.clear();
                return;
            }
            Event::Restart if process.up => return,
            Event::Restart => {
                process.up = true;
                process.generation = -1;
                process.revoking = None;
                self.processes[place].member = self.new_member(place);
                self.schedule(Duration::from_millis(500), place, Event::Poll);
                self.processes[place].member.on_start(at)
            }
            Event::Move => return self.move_coordinator(),
            Event::Grow => {
                *self.topics.values_mut().next().unwrap() += 1;
                for place in 0..self.processes.len() {
                    let delay = self.millis(0..2_000);
                    self.schedule(delay, place, Event::Metadata);
                }
                return;
            }
        };
        self.perform(place, actions);
    }

    fn perform(&mut self, place: usize, actions: Vec<Action>) {
        for action in actions {
            if let Some(story) = &mut self.story {
                format!("{action:?}").hash(story);
            }
            match action {
                Action::Watch(_) => {
                    let delay = self.millis(0..300);
                    self.schedule(delay, place, Event::Metadata);
                }
                Action::Call(call) => self.call(place, call),
                Action::AskRevoke(ticket, partitions) => {
                    let slow = self.now < TROUBLE && self.rng.u32(0..20) == 0;
                    let delay = self.millis(if slow { 3_000..12_000 } else { 0..400 });
                    self.processes[place].revoking = Some((ticket, partitions));
                    self.schedule(delay, place, Event::Revoked(ticket));
                }
                Action::PartitionsAssigned { all, added, epoch } => {
                    let process = &mut self.processes[place];
                    assert!(
                        added.is_disjoint(&process.reading),
                        "seed {}: added twice",
                        self.seed
                    );
                    assert!(added.is_subset(&all), "seed {}", self.seed);
                    process.reading = all;
                    process.generation = epoch.generation;
                    self.assigned = true;
                }
                Action::PartitionsLost { partitions, .. } => {
                    let process = &mut self.processes[place];
                    process.revoking = None;
                    process
                        .reading
                        .retain(|partition| !partitions.contains(partition));
                }
                Action::Fatal(error) => panic!("seed {}: {error}", self.seed),
                Action::MalformedMember { .. } => panic!("seed {}: malformed", self.seed),
                Action::Stopped => {}
            }
        }
        self.wake_at_deadline(place);
    }

    fn wake_at_deadline(&mut self, place: usize) {
        let process = &mut self.processes[place];
        let Some(deadline) = process.member.next_deadline() else {
            return;
        };
        // The same deadline twice in a row without progress would be a busy loop.
        let deadline = deadline.max(self.now);
        if process.woken_at != deadline || deadline == self.now {
            process.woken_at = deadline;
            self.schedule(deadline - self.now, place, Event::Wake);
        }
    }

    fn tell_metadata(&mut self, place: usize, at: Moment) -> Vec<Action> {
        let view = |partitions: &i32| TopicView {
            partitions: *partitions,
            internal: false,
        };
        let topics = self
            .topics
            .iter()
            .map(|(topic, count)| (Arc::clone(topic), view(count)));
        self.processes[place]
            .member
            .on_metadata(topics.collect(), at)
    }

    fn is_paused(&self, place: usize) -> bool {
        const PAUSE: Duration = Duration::from_secs(9);
        let until = self.processes[place].paused_until;
        self.now < until && self.now + PAUSE > until
    }

    fn check_no_double_owner(&self) {
        let mut owners = BTreeMap::new();
        for (place, process) in self.processes.iter().enumerate() {
            if !process.up || self.is_paused(place) {
                continue;
            }
            for partition in &process.reading {
                let other = owners.insert((process.generation, partition), place);
                assert!(
                    other.is_none(),
                    "seed {}: {partition} has two owners: {}",
                    self.seed,
                    self.state()
                );
            }
        }
    }

    fn is_settled(&self) -> bool {
        let up = || self.processes.iter().filter(|process| process.up);
        let one_generation = up().all(|process| {
            process.member.is_settled() && process.generation == self.processes[0].generation
        });
        let read: usize = up().map(|process| process.reading.len()).sum();
        let distinct: BTreeSet<_> = up().flat_map(|process| &process.reading).collect();
        let all: i32 = self.topics.values().sum();
        one_generation
            && up().all(|process| process.reading == *process.member.owned())
            && read == distinct.len()
            && distinct.len() == usize::try_from(all).unwrap()
            && up().filter(|process| process.member.is_leader()).count() == 1
    }

    fn state(&self) -> String {
        let processes = self.processes.iter().map(|process| {
            format!(
                "up {} gen {} reads {:?}: {:?}\n",
                process.up, process.generation, process.reading, process.member
            )
        });
        format!(
            "at {:?} {:?}\n{}",
            self.now,
            self.model,
            processes.collect::<String>()
        )
    }

    fn moment(&mut self) -> Moment {
        Moment {
            now: self.now,
            random: self.rng.f64(),
        }
    }

    fn unlucky(&mut self) -> bool {
        self.now < TROUBLE && self.rng.u32(0..12) == 0
    }

    fn millis(&mut self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(self.rng.u64(range))
    }

    fn schedule(&mut self, delay: Duration, place: usize, event: Event) {
        self.sequence += 1;
        let life = self.processes.get(place).map_or(0, |process| process.life);
        self.queue
            .insert((self.now + delay, self.sequence), (place, life, event));
    }
}

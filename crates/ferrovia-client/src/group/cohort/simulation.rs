//! Whole groups of workers in one thread and virtual time: members, owners that are slow, change their minds or give
//! up, a coordinator, and a bad network.
//!
//! Goal: whatever is lost, late, moved or killed, once the trouble is over all live members are in one generation and
//! share all work; nobody goes on with heartbeats that are refused, and nobody spins. Method: everything that happens
//! comes from one seed; `FERROVIA_SIM_SEEDS` sets how many are tried, and a failure names its seed.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;

use super::*;
use model::{Asked, Model, Request, Response};

mod network;
mod owner;

const DEFAULT_SEEDS: u64 = 500;
const TROUBLE: Duration = Duration::from_secs(30);
const PEACE: Duration = Duration::from_secs(60);

const TICK: Duration = Duration::from_millis(100);

/// How many pieces of work there are.
const PIECES: u8 = 7;

/// More joins than this in a run of a process's life are a loop.
const JOIN_LIMIT: usize = 120;

/// How many heartbeats of one generation may be refused in a row: the first, and those whose refusal got lost.
const REFUSAL_LIMIT: u32 = 6;

#[test]
fn all_live_members_share_one_generation_in_the_end() {
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
    Found(Ticket, u32),
    FindFailed(Ticket),
    Arrives(Asked, u32, Request),
    Answered(Asked, Result<Response, RequestFailure>),
    Disconnected,
    Offers(Ticket),
    Assignments(Ticket, Election),
    Decline(Ticket),
    Rejoin,
    StepOut,
    Stop,
    Crash,
    Restart,
    Move,
    /// The coordinator looks at its clock.
    Tick,
}

/// A process: the machine, and what its owner works on.
struct Process {
    member: CohortMember,
    life: u32,
    up: bool,
    generation: i32,
    works_on: BTreeSet<u8>,
    broker: u32,
    woken_at: Option<Duration>,
    joins: usize,
    /// The generation of the last refused heartbeat, and how many of it were refused.
    refused: (i32, u32),
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
    story: Option<DefaultHasher>,
}

impl World {
    fn new(seed: u64, record: bool) -> Self {
        let mut world = Self {
            seed,
            rng: fastrand::Rng::with_seed(seed),
            now: Duration::ZERO,
            queue: BTreeMap::new(),
            sequence: 0,
            model: Model::default(),
            broker: 0,
            calls: BTreeMap::new(),
            processes: Vec::new(),
            story: record.then(DefaultHasher::new),
        };
        world.schedule(TICK, 0, Event::Tick);
        for place in 0..world.rng.usize(2..6) {
            world.processes.push(Process {
                member: new_member(),
                life: 0,
                up: false,
                generation: -1,
                works_on: BTreeSet::new(),
                broker: 0,
                woken_at: None,
                joins: 0,
                refused: (-1, 0),
            });
            let start = world.millis(0..3_000);
            world.schedule(start, place, Event::Restart);
        }
        for _ in 0..world.rng.u32(0..9) {
            let place = world.rng.usize(0..world.processes.len());
            let (at, back) = (world.millis(2_000..25_000), world.millis(100..9_000));
            let (first, then) = match world.rng.u32(0..6) {
                0 => (Event::Crash, Some(Event::Restart)),
                1 => (Event::Stop, Some(Event::Restart)),
                2 => (Event::StepOut, Some(Event::Rejoin)),
                3 => (Event::Move, None),
                4 => (Event::Disconnected, None),
                _ => (Event::Rejoin, None),
            };
            world.schedule(at, place, first);
            if let Some(then) = then {
                world.schedule(at + back, place, then);
            }
        }
        world
    }

    fn run(mut self) -> Option<u64> {
        while let Some(((time, _), (place, life, event))) = self.queue.pop_first() {
            self.now = time;
            if time > TROUBLE + PEACE {
                break;
            }
            let process = &self.processes[place];
            let outlives = matches!(
                event,
                Event::Arrives(..) | Event::Move | Event::Restart | Event::Tick
            );
            // Trouble was planned for whoever lives there by then.
            let planned = matches!(
                event,
                Event::Crash | Event::Stop | Event::StepOut | Event::Rejoin | Event::Disconnected
            );
            if !outlives && !(process.up && (planned || process.life == life)) {
                continue;
            }
            if let Some(story) = &mut self.story {
                format!("{time:?} {place} {event:?}").hash(story);
            }
            self.model.tick(time);
            self.happen(place, event);
            self.deliver();
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
        let member = &mut self.processes[place].member;
        // Time first, as the driver has it.
        let mut actions = match event {
            Event::Arrives(..) | Event::Move | Event::Tick | Event::Restart | Event::Crash => {
                Vec::new()
            }
            _ => member.on_time(at),
        };
        actions.extend(match event {
            Event::Wake => {
                let next = member.next_deadline();
                assert!(next.is_none_or(|next| next > at.now), "spins: {member:?}");
                Vec::new()
            }
            Event::Found(ticket, broker) => {
                self.processes[place].broker = broker;
                let member = &mut self.processes[place].member;
                member.on_reply(Reply::Coordinator(ticket, Ok(())), at)
            }
            Event::FindFailed(ticket) => {
                let failure = Err(RequestFailure::Lost);
                member.on_reply(Reply::Coordinator(ticket, failure), at)
            }
            Event::Arrives(call, broker, request) => return self.arrives(call, broker, request),
            Event::Answered(call, answer) => self.answered(call, answer, at),
            Event::Disconnected => member.on_disconnected(at),
            Event::Offers(ticket) => self.offer(place, ticket, at),
            Event::Assignments(ticket, election) => self.divide(place, ticket, &election, at),
            Event::Decline(ticket) => {
                let actions = member.on_declined(ticket, at);
                let back = self.millis(100..3_000);
                self.schedule(back, place, Event::Rejoin);
                actions
            }
            Event::Rejoin => member.rejoin("the owner wants it", at),
            Event::StepOut => {
                let actions = member.step_out("the owner cannot keep up", at);
                self.drop_work(place);
                actions
            }
            Event::Stop => {
                let actions = member.stop("the worker stops", at);
                self.drop_work(place);
                actions
            }
            Event::Crash => return self.end(place),
            Event::Restart if self.processes[place].up => return,
            Event::Restart => {
                let process = &mut self.processes[place];
                process.up = true;
                process.member = new_member();
                process.member.on_start(at)
            }
            Event::Move => return self.move_coordinator(),
            Event::Tick => return self.schedule(TICK, place, Event::Tick),
        });
        self.perform(place, actions);
    }

    fn perform(&mut self, place: usize, actions: Vec<Action>) {
        for action in actions {
            if let Some(story) = &mut self.story {
                format!("{action:?}").hash(story);
            }
            match action {
                Action::Call(call) => self.call(place, call),
                Action::Fatal(error) => panic!("seed {}: {error}", self.seed),
                Action::Stopped => self.end(place),
                for_owner => self.tell_owner(place, for_owner),
            }
        }
        self.wake_at_deadline(place);
    }

    fn end(&mut self, place: usize) {
        let process = &mut self.processes[place];
        process.up = false;
        process.life += 1;
        process.woken_at = None;
        self.drop_work(place);
    }

    fn drop_work(&mut self, place: usize) {
        let process = &mut self.processes[place];
        process.works_on.clear();
        process.generation = -1;
    }

    fn wake_at_deadline(&mut self, place: usize) {
        let process = &mut self.processes[place];
        let Some(deadline) = process.member.next_deadline().filter(|_| process.up) else {
            return;
        };
        let deadline = deadline.max(self.now);
        if process.woken_at != Some(deadline) {
            process.woken_at = Some(deadline);
            self.schedule(deadline - self.now, place, Event::Wake);
        }
    }

    fn is_settled(&self) -> bool {
        let up = || self.processes.iter().filter(|process| process.up);
        let Some(generation) = up().map(|process| process.generation).next() else {
            return true;
        };
        let shared: usize = up().map(|process| process.works_on.len()).sum();
        let distinct: BTreeSet<_> = up().flat_map(|process| &process.works_on).collect();
        up().all(|process| {
            process.member.is_settled()
                && process.generation == generation
                && process.member.epoch().generation == generation
        }) && shared == usize::from(PIECES)
            && distinct.len() == shared
    }

    fn state(&self) -> String {
        let processes = self.processes.iter().map(|process| {
            format!(
                "up {} gen {} works on {:?}: {:?}\n",
                process.up, process.generation, process.works_on, process.member
            )
        });
        let processes: String = processes.collect();
        format!("at {:?} {:?}\n{processes}", self.now, self.model)
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

fn new_member() -> CohortMember {
    let millis = Duration::from_millis;
    let settings = CohortSettings {
        group_id: "workers".into(),
        protocol_type: "connect".into(),
        instance_id: None,
        session_timeout: millis(6_000),
        rebalance_timeout: millis(8_000),
        heartbeat_interval: millis(2_000),
        request_timeout: millis(3_000),
        retry_backoff: millis(100),
        retry_backoff_max: millis(1_000),
        discovery_timeout: Some(millis(2_000)),
    };
    CohortMember::new(settings).unwrap()
}

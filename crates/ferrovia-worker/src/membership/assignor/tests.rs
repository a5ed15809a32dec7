//! What holds for every group, whatever happens to it. That the decisions are Java's, one by one, is tested on recorded
//! groups in `tests/membership_recorded.rs`.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

const MAX_DELAY: Duration = Duration::from_secs(300);
/// More rounds than any group takes to settle.
const ROUNDS_MAX: usize = 40;

/// A group whose workers do what they are told.
struct Group {
    assignor: CooperativeAssignor,
    workers: BTreeMap<Arc<str>, Option<Assignment>>,
    configured: BTreeMap<Arc<str>, u32>,
    now_ms: i64,
    generation: i32,
    born: usize,
}

impl Group {
    fn new(max_delay: Duration, configured: &[(&str, u32)]) -> Self {
        let configured = configured.iter();
        Self {
            assignor: CooperativeAssignor::new(max_delay),
            workers: BTreeMap::new(),
            configured: configured
                .map(|(name, count)| ((*name).into(), *count))
                .collect(),
            now_ms: 1,
            generation: -1,
            born: 0,
        }
    }

    /// The first that joins leads and never leaves.
    fn join(&mut self) {
        self.workers
            .insert(format!("w{:02}", self.born).into(), None);
        self.born += 1;
    }

    fn leave(&mut self, which: usize) {
        if self.workers.len() > 1 {
            let id = self
                .workers
                .keys()
                .nth(1 + which % (self.workers.len() - 1));
            let id = id.cloned().unwrap();
            self.workers.remove(&id);
        }
    }

    fn members(&self) -> Vec<Member> {
        let workers = self.workers.iter();
        let members = workers.map(|(id, held)| Member {
            id: Arc::clone(id),
            state: WorkerState {
                url: format!("http://{id}/").into(),
                config_offset: 7,
                assignment: held.clone(),
            },
        });
        members.collect()
    }

    fn plan(&mut self) -> Plan {
        let members = self.members();
        let round = Round {
            protocol: ConnectProtocol::Sessioned,
            leader: "w00",
            config_offset: 7,
            configured: &self.configured,
            members: &members,
        };
        let generations = Generations {
            current: self.generation + 1,
            last_completed: self.generation,
        };
        self.generation += 1;
        self.assignor
            .assign(&round, generations, self.now_ms)
            .unwrap()
    }

    fn round(&mut self) -> Plan {
        let plan = self.plan();
        for (id, held) in &mut self.workers {
            let told = plan.assignments[id].clone();
            let mut after = match held.take() {
                Some(before) => told.after(&before),
                None => told,
            };
            after.revoked_connectors.clear();
            after.revoked_tasks.clear();
            *held = Some(after);
        }
        plan
    }

    /// Rounds until one changes nothing, waiting where the leader says so.
    fn settle(&mut self) {
        for _ in 0..ROUNDS_MAX {
            let plan = self.round();
            self.now_ms += i64::from(plan.delay_ms);
            if plan.delay_ms == 0 && changes_nothing(&plan) {
                return;
            }
        }
        panic!("not settled after {ROUNDS_MAX} rounds");
    }

    fn held(&self) -> (Vec<Arc<str>>, Vec<TaskId>) {
        let held = || self.workers.values().flatten();
        let mut connectors: Vec<_> = held().flat_map(|a| a.connectors.clone()).collect();
        let mut tasks: Vec<_> = held().flat_map(|a| a.tasks.clone()).collect();
        connectors.sort();
        tasks.sort();
        (connectors, tasks)
    }

    fn all(&self) -> (Vec<Arc<str>>, Vec<TaskId>) {
        let tasks = self.configured.iter().flat_map(|(connector, count)| {
            (0..*count).map(|task| TaskId::new(Arc::clone(connector), task))
        });
        (self.configured.keys().cloned().collect(), tasks.collect())
    }

    fn loads(&self) -> Vec<(usize, usize)> {
        let held = self.workers.values().flatten();
        held.map(|a| (a.connectors.len(), a.tasks.len())).collect()
    }
}

fn changes_nothing(plan: &Plan) -> bool {
    plan.assignments
        .values()
        .all(|told| told.connectors.is_empty() && told.tasks.is_empty() && !told.revokes())
}

fn differ_by_one_at_most(loads: impl Iterator<Item = usize> + Clone) -> bool {
    loads.clone().max().unwrap_or(0) - loads.min().unwrap_or(0) <= 1
}

#[derive(Clone, Debug)]
enum Event {
    Join,
    Leave(usize),
    Configure(u8, u32),
    Delete(usize),
    Forget(usize),
    Wait(i64),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        3 => Just(Event::Join),
        3 => any::<usize>().prop_map(Event::Leave),
        3 => (0..8_u8, 0..6_u32).prop_map(|(name, count)| Event::Configure(name, count)),
        1 => any::<usize>().prop_map(Event::Delete),
        1 => any::<usize>().prop_map(Event::Forget),
        2 => (0..400_000_i64).prop_map(Event::Wait),
    ];
    prop::collection::vec(event, 0..24)
}

fn happen(group: &mut Group, event: &Event) {
    match *event {
        Event::Join => group.join(),
        Event::Leave(which) => group.leave(which),
        Event::Configure(name, count) => {
            group.configured.insert(format!("c{name}").into(), count);
        }
        Event::Delete(which) => {
            let which = which % group.configured.len().max(1);
            let name = group.configured.keys().nth(which).cloned();
            name.map(|name| group.configured.remove(&name));
        }
        Event::Forget(which) => {
            let which = which % group.workers.len();
            let held = group.workers.values_mut().nth(which);
            *held.unwrap() = None;
        }
        Event::Wait(ms) => group.now_ms += ms,
    }
}

proptest! {
    #[test]
    fn group_settles_with_everything_assigned_once_and_evenly(
        events in events(),
        max_delay in prop::sample::select(vec![0, 1, 2_000, 300_000]),
    ) {
        let mut group = Group::new(Duration::from_millis(max_delay), &[("c0", 2), ("c1", 3)]);
        group.join();
        for event in &events {
            happen(&mut group, event);
            let (before, tasks_before) = group.held();
            let plan = group.round();
            for told in plan.assignments.values() {
                prop_assert!(told.connectors.iter().all(|c| !before.contains(c)));
                prop_assert!(told.tasks.iter().all(|task| !tasks_before.contains(task)));
            }
        }
        group.settle();
        prop_assert_eq!(group.held(), group.all());
        let loads = group.loads();
        prop_assert!(differ_by_one_at_most(loads.iter().map(|load| load.0)), "{:?}", loads);
        prop_assert!(differ_by_one_at_most(loads.iter().map(|load| load.1)), "{:?}", loads);
        let plan = group.round();
        prop_assert!(changes_nothing(&plan) && plan.delay_ms == 0);
        prop_assert_eq!(plan.connector_owners.len(), group.configured.len());
        prop_assert_eq!(plan.task_owners.into_keys().collect::<Vec<_>>(), group.all().1);
    }

    #[test]
    fn eager_assignor_deals_everything_out_once_and_evenly(
        workers in 1..9_usize,
        counts in prop::collection::vec(0..9_u32, 0..9),
    ) {
        let mut group = Group::new(MAX_DELAY, &[]);
        (0..workers).for_each(|_| group.join());
        let names = (0..).map(|n| format!("c{n}").into());
        group.configured = names.zip(counts).collect();
        let members = group.members();
        let round = Round {
            protocol: ConnectProtocol::Sessioned,
            leader: "w00",
            config_offset: 7,
            configured: &group.configured,
            members: &members,
        };
        let plan = EagerAssignor.assign(&round).unwrap();
        for (id, told) in plan.assignments {
            prop_assert_eq!(told.version, 0);
            group.workers.insert(id, Some(told));
        }
        prop_assert_eq!(group.held(), group.all());
        let totals = group.loads().into_iter().map(|(connectors, tasks)| connectors + tasks);
        prop_assert!(differ_by_one_at_most(totals));
    }
}

/// Two workers with half of the work each, and a third without any once it joins.
fn two_workers() -> Group {
    let mut group = Group::new(MAX_DELAY, &[("a", 2), ("b", 2)]);
    group.join();
    group.join();
    group.settle();
    group
}

#[test]
fn work_of_a_worker_that_left_waits_for_its_return() {
    let mut group = two_workers();
    group.leave(0);
    let plan = group.round();
    assert!(changes_nothing(&plan));
    assert_eq!(plan.delay_ms, 300_000);
    group.now_ms += 100_000;
    group.join();
    let plan = group.round();
    assert!(
        changes_nothing(&plan),
        "it is not given back before the wait ends"
    );
    assert_eq!(plan.delay_ms, 200_000);
    assert_eq!(group.assignor.candidates().count(), 1);
    group.now_ms += 200_000;
    let plan = group.round();
    assert_eq!(plan.delay_ms, 0);
    let returned = &plan.assignments["w02"];
    assert_eq!((returned.connectors.len(), returned.tasks.len()), (1, 2));
    assert_eq!(group.assignor.candidates().count(), 0);
    assert_eq!(group.assignor.scheduled_rebalance_ms(), None);
}

#[test]
fn taking_away_twice_in_a_row_waits() {
    let mut group = two_workers();
    group.join();
    let plan = group.round();
    assert!(plan.assignments.values().any(Assignment::revokes));
    group.join();
    group.join();
    let plan = group.round();
    assert!(!plan.assignments.values().any(Assignment::revokes));
    assert_eq!(plan.delay_ms, 40, "the first wait");
}

#[test]
fn leader_forgets_what_it_assigned_when_its_answer_was_lost() {
    let mut group = two_workers();
    group.plan();
    group.generation -= 1;
    group.leave(0);
    let plan = group.round();
    assert_eq!(
        plan.delay_ms, 0,
        "it waits for nobody that it does not remember"
    );
    assert_eq!(group.held(), group.all());
}

#[test]
fn leader_has_to_be_a_member() {
    let mut group = two_workers();
    let members = group.members();
    let round = Round {
        protocol: ConnectProtocol::Sessioned,
        leader: "stranger",
        config_offset: 7,
        configured: &group.configured,
        members: &members,
    };
    let unknown = UnknownLeader("stranger".to_owned());
    assert_eq!(EagerAssignor.assign(&round), Err(unknown.clone()));
    assert_eq!(Plan::mismatch(&round), Err(unknown.clone()));
    let generations = Generations {
        current: 9,
        last_completed: 8,
    };
    assert_eq!(group.assignor.assign(&round, generations, 1), Err(unknown));
}

#[test]
fn group_that_does_not_match_gets_nothing() {
    let group = two_workers();
    let members = group.members();
    let round = Round {
        protocol: ConnectProtocol::Compatible,
        leader: "w01",
        config_offset: 9,
        configured: &group.configured,
        members: &members,
    };
    let plan = Plan::mismatch(&round).unwrap();
    assert_eq!(plan.assignments.len(), 2);
    for told in plan.assignments.values() {
        assert!(told.failed() && told.error == Assignment::CONFIG_MISMATCH);
        assert_eq!((told.version, told.config_offset), (1, 9));
        assert_eq!((&*told.leader, &*told.leader_url), ("w01", "http://w01/"));
        assert!(told.connectors.is_empty() && told.tasks.is_empty() && !told.revokes());
    }
    assert!(plan.connector_owners.is_empty());
}

//! Tasks of a source that ask before they start, and the leader's rounds of fencing.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ferrovia_client::group::cohort::Assignment as Given;

use crate::config::SignatureConfig;
use crate::config::mac_algorithm::MacAlgorithm;
use crate::herder::machine::{
    Action, ClusterRules, FencingAction, FencingFailure, ForwardFailure, HerderMachine, Moment,
    RequestId, Rules, Ticket, WorkEvent,
};
use crate::herder::request::{Change, HerderError, Outcome, Signature};
use crate::herder::runner::{Permission, TaskEvent};
use crate::herder::testing::Catalog;
use crate::herder::work::{Run, WorkAction};
use crate::membership::protocol::{Assignment, ConnectProtocol};
use crate::status::TaskId;
use crate::storage::config::{ConfigRecord, TargetState};

/// What will not pass.
const REFUSED: &str = "ids are refused";

/// A worker that has the tasks of the source `s`, with the topic of configurations in its hands.
struct Rig {
    machine: HerderMachine,
    leader: &'static str,
    offset: i64,
    now: Duration,
    generation: i32,
    runs: BTreeMap<u32, Run>,
    /// Tasks that do not end when they are told to.
    is_deaf: bool,
    /// Ids that are to be taken away, of so many tasks.
    fences: Vec<(Ticket, u32)>,
    forwards: Vec<Ticket>,
    answers: Vec<(u32, Result<(), String>)>,
    replies: Vec<Result<Outcome, HerderError>>,
    /// Numbers of tasks that were written down.
    written: Vec<u32>,
    is_writing_refused: bool,
    changes_of_offsets: u32,
}

impl Rig {
    /// With so many tasks; led by itself, or by somebody else.
    fn new(leader: &'static str, tasks: u32) -> Self {
        let signatures = SignatureConfig {
            key_algorithm: MacAlgorithm::HmacSha256,
            key_bytes: 32,
            key_ttl: Duration::from_secs(3600),
            algorithm: MacAlgorithm::HmacSha256,
            verified: vec![MacAlgorithm::HmacSha256],
        };
        let rules = Rules {
            worker_id: "w:8083".into(),
            task_stop_timeout: Duration::from_secs(5),
            tracks_topics: true,
            resets_topics: true,
            cluster: Some(ClusterRules {
                url: "http://w:8083/".into(),
                // Nobody signs.
                protocol: ConnectProtocol::Compatible,
                rebalance_delay_max: Duration::from_secs(300),
                sync_timeout: Duration::from_secs(3),
                unsync_backoff: Duration::from_secs(300),
                gives_exactly_once: true,
                has_transactional_leader: true,
                signatures,
            }),
        };
        let mut rig = Self {
            machine: HerderMachine::new(rules, Arc::new(Catalog::new())),
            leader,
            offset: 0,
            now: Duration::from_secs(1),
            generation: 0,
            runs: BTreeMap::new(),
            is_deaf: false,
            fences: Vec::new(),
            forwards: Vec::new(),
            answers: Vec::new(),
            replies: Vec::new(),
            written: Vec::new(),
            is_writing_refused: false,
            changes_of_offsets: 0,
        };
        let class = (
            "connector.class".to_owned(),
            "org.apache.kafka.connect.file.FileStreamSourceConnector".to_owned(),
        );
        rig.read(&ConfigRecord::Connector {
            name: "s".into(),
            settings: Some(Arc::new([class].into())),
        });
        rig.read_tasks(tasks);
        let actions = rig.machine.on_config_caught_up(rig.at());
        rig.perform(actions);
        rig.assign(tasks);
        rig
    }

    /// Led by itself, with so many tasks where so many were written down before.
    fn after(before: u32, tasks: u32) -> Self {
        let mut rig = Self::new("me", 1);
        let name = "s".into();
        rig.read(&ConfigRecord::TasksFencing {
            name,
            tasks: before,
        });
        rig.read_tasks(tasks);
        rig.assign(tasks);
        rig
    }

    fn at(&self) -> Moment {
        Moment {
            now: self.now,
            wall_ms: 1_700_000_000_000,
        }
    }

    fn read(&mut self, record: &ConfigRecord) {
        let (key, value) = (record.key(), record.value());
        let at = self.at();
        let actions =
            self.machine
                .on_config_record(self.offset, Some(key.as_bytes()), value.as_deref(), at);
        self.offset += 1;
        self.perform(actions);
    }

    fn read_tasks(&mut self, tasks: u32) {
        for task in 0..tasks {
            self.read(&ConfigRecord::Task {
                id: TaskId::new("s", task),
                settings: Arc::default(),
            });
        }
        let name = "s".into();
        self.read(&ConfigRecord::Commit { name, tasks });
    }

    /// The group gives this worker everything.
    fn assign(&mut self, tasks: u32) {
        self.generation += 1;
        let assignment = Assignment {
            version: 1,
            error: Assignment::NO_ERROR,
            leader: self.leader.into(),
            leader_url: format!("http://{}:8083/", self.leader).into(),
            config_offset: self.offset,
            connectors: Vec::new(),
            tasks: (0..tasks).map(|task| TaskId::new("s", task)).collect(),
            revoked_connectors: Vec::new(),
            revoked_tasks: Vec::new(),
            delay_ms: 0,
        };
        let given = Given {
            generation: self.generation,
            member_id: "me".into(),
            leader_id: self.leader.into(),
            protocol: "compatible".into(),
            bytes: assignment
                .to_bytes(ConnectProtocol::Compatible)
                .unwrap_or_else(|_| Bytes::new()),
        };
        let at = self.at();
        let mut actions = self.machine.on_offers_wanted(at);
        actions.extend(self.machine.on_assigned(&given, at));
        self.perform(actions);
    }

    fn perform(&mut self, actions: Vec<Action>) {
        let mut actions = VecDeque::from(actions);
        while let Some(action) = actions.pop_front() {
            let at = self.at();
            match action {
                Action::Work(WorkAction::StartTask { id, run, .. }) => {
                    self.runs.insert(id.task, run);
                }
                Action::Work(WorkAction::StopTask(id, run)) if !self.is_deaf => {
                    let ended = WorkEvent::Task(id, run, TaskEvent::Ended);
                    actions.extend(self.machine.on_work(ended, at));
                }
                Action::ClaimPrivileges(ticket) => {
                    actions.extend(self.machine.on_claimed(ticket, Ok(()), at));
                }
                Action::FlushStatuses(ticket) => {
                    actions.extend(self.machine.on_statuses_flushed(ticket, at));
                }
                Action::ReadConfig(ticket) => {
                    actions.extend(self.machine.on_read_to_end(ticket, at));
                }
                Action::WriteConfig(ticket, _) if self.is_writing_refused => {
                    let refused = Err("no".into());
                    actions.extend(self.machine.on_written(ticket, refused, at));
                }
                Action::WriteConfig(ticket, records) => {
                    for record in &records {
                        if let ConfigRecord::TasksFencing { tasks, .. } = record {
                            self.written.push(*tasks);
                        }
                        self.read(record);
                    }
                    actions.extend(self.machine.on_written(ticket, Ok(()), at));
                }
                Action::Fencing(FencingAction::Fence { ticket, tasks, .. }) => {
                    self.fences.push((ticket, tasks));
                }
                Action::Fencing(FencingAction::Forward { ticket, url, .. }) => {
                    assert_eq!(*url, *"http://other:8083/");
                    self.forwards.push(ticket);
                }
                Action::Fencing(FencingAction::Answer(id, outcome)) => {
                    self.answers.push((id.task, outcome));
                }
                Action::ModifyOffsets { .. } => self.changes_of_offsets += 1,
                Action::Reply(_, answer) => self.replies.push(answer),
                _ => {}
            }
        }
    }

    fn ask(&mut self, task: u32, permission: Permission) {
        let run = self.runs[&task];
        let asked = WorkEvent::Task(TaskId::new("s", task), run, TaskEvent::Asks(permission));
        let actions = self.machine.on_work(asked, self.at());
        self.perform(actions);
    }

    fn change(&mut self, request: u64, change: Change) {
        let actions = self
            .machine
            .on_change(RequestId(request), change, self.at());
        self.perform(actions);
    }

    fn fenced(&mut self, outcome: Result<(), &str>) {
        let (ticket, _) = self.fences.remove(0);
        let outcome = outcome.map_err(|reason| FencingFailure {
            is_retriable: reason != REFUSED,
            reason: reason.to_owned(),
        });
        let actions = self.machine.on_fenced(ticket, outcome, self.at());
        self.perform(actions);
    }

    fn forwarded(&mut self, status: Option<u16>) {
        let ticket = self.forwards.remove(0);
        let outcome = match status {
            None => Ok(()),
            Some(status) => Err(ForwardFailure {
                status: Some(status),
                is_retriable: status >= 403 && status != 424,
                reason: "no".to_owned(),
            }),
        };
        let actions = self.machine.on_round_forwarded(ticket, outcome, self.at());
        self.perform(actions);
    }

    /// Lets time pass until something is due.
    fn pass(&mut self) {
        self.now = self.machine.next_deadline().unwrap();
        let actions = self.machine.on_time(self.at());
        self.perform(actions);
    }
}

fn fence() -> Change {
    Change::Fence {
        name: "s".into(),
        signature: Signature::default(),
    }
}

fn reset_offsets() -> Change {
    Change::ResetOffsets("s".to_owned())
}

/// Why a task may not start.
fn refusal(cause: &str) -> Result<(), String> {
    Err(format!("Failed to perform zombie fencing: {cause}"))
}

#[test]
fn first_tasks_are_written_down_and_nobody_is_fenced() {
    let mut rig = Rig::new("me", 2);
    rig.ask(0, Permission::Initialize);
    assert_eq!(
        (&rig.written[..], &rig.answers[..]),
        (&[2][..], &[(0, Ok(()))][..])
    );
    rig.ask(1, Permission::Initialize);
    assert_eq!(rig.written, [2], "once is enough");
    assert_eq!(rig.answers, [(0, Ok(())), (1, Ok(()))]);
    assert!(rig.fences.is_empty());
}

#[test]
fn as_many_ids_are_taken_away_as_there_were_tasks_before_the_new_number_is_written() {
    let mut rig = Rig::after(3, 1);
    rig.ask(0, Permission::Initialize);
    rig.change(1, fence());
    assert!(rig.answers.is_empty() && rig.replies.is_empty() && rig.written.is_empty());
    assert_eq!(
        rig.fences
            .iter()
            .map(|(_, tasks)| *tasks)
            .collect::<Vec<_>>(),
        [3],
        "one round for both"
    );
    rig.fenced(Ok(()));
    assert_eq!(rig.written, [1]);
    assert_eq!(rig.answers, [(0, Ok(()))]);
    assert!(matches!(rig.replies[..], [Ok(Outcome::Done)]));
}

#[test]
fn one_task_after_one_takes_its_id_over_by_itself() {
    let mut rig = Rig::after(1, 1);
    rig.ask(0, Permission::Initialize);
    assert!(rig.fences.is_empty());
    assert_eq!((&rig.written[..], rig.answers.len()), (&[1][..], 1));
}

#[test]
fn round_that_fails_is_tried_again_a_limited_number_of_times() {
    let mut rig = Rig::after(2, 1);
    rig.ask(0, Permission::Initialize);
    rig.fenced(Err("brokers are away"));
    assert!(rig.answers.is_empty() && rig.fences.is_empty());
    rig.pass();
    rig.is_writing_refused = true;
    rig.fenced(Ok(()));
    rig.is_writing_refused = false;
    rig.pass();
    rig.fenced(Ok(()));
    assert_eq!(rig.answers, [(0, Ok(()))]);
}

#[test]
fn ids_that_brokers_refuse_fail_whoever_waits_at_once() {
    let mut rig = Rig::after(2, 1);
    rig.ask(0, Permission::Initialize);
    rig.change(1, fence());
    rig.fenced(Err(REFUSED));
    assert_eq!(rig.answers, [(0, refusal(REFUSED))]);
    let [Err(refused)] = &rig.replies[..] else {
        panic!("{:?}", rig.replies)
    };
    let text = refusal(REFUSED).unwrap_err();
    assert_eq!(*refused, HerderError::Refused(text));
    assert!(rig.fences.is_empty() && rig.machine.next_deadline().is_none());
}

#[test]
fn new_tasks_during_a_round_are_a_conflict_for_whoever_asked() {
    let mut rig = Rig::after(2, 1);
    rig.change(1, fence());
    rig.read_tasks(2);
    rig.fenced(Ok(()));
    let [Err(HerderError::Conflict(text))] = &rig.replies[..] else {
        panic!("{:?}", rig.replies)
    };
    assert_eq!(
        text,
        "Fencing failed because new task configurations were generated for the connector"
    );
    assert!(rig.written.is_empty());
}

#[test]
fn offsets_are_changed_when_older_tasks_cannot_write_any_more() {
    let mut rig = Rig::after(2, 0);
    rig.read(&ConfigRecord::Target {
        name: "s".into(),
        state: Some(TargetState::Stopped),
    });
    let mut reset = |request, outcome| {
        rig.change(request, reset_offsets());
        assert_eq!(rig.changes_of_offsets, 0, "not before");
        rig.fenced(outcome);
        (rig.changes_of_offsets, std::mem::take(&mut rig.replies))
    };
    let text = "Failed to perform zombie fencing for source connector prior to modifying offsets";
    let refused = Err(HerderError::Failed(text.to_owned()));
    assert_eq!(reset(1, Err(REFUSED)), (0, vec![refused]));
    assert_eq!(reset(2, Ok(())), (1, Vec::new()));
    assert_eq!(rig.written, [0]);
    // Once they are fenced there is nothing to wait for.
    rig.change(3, reset_offsets());
    assert_eq!((rig.changes_of_offsets, rig.fences.len()), (2, 0));
}

#[test]
fn follower_has_the_leader_do_it_and_asks_again_while_that_may_help() {
    let mut rig = Rig::new("other", 1);
    rig.ask(0, Permission::Initialize);
    rig.forwarded(Some(503));
    assert!(rig.forwards.is_empty() && rig.answers.is_empty());
    rig.pass();
    rig.forwarded(Some(409));
    rig.pass();
    rig.forwarded(None);
    assert_eq!(rig.answers, [(0, Ok(()))]);
    rig.ask(0, Permission::Initialize);
    rig.forwarded(Some(400));
    assert_eq!(rig.answers[1], (0, refusal("no")));
}

#[test]
fn leader_that_is_never_found_fails_the_task_in_the_end() {
    let mut rig = Rig::new("other", 1);
    rig.ask(0, Permission::Initialize);
    let began = rig.now;
    let mut asked = 0;
    while rig.answers.is_empty() {
        asked += 1;
        assert!(asked < 100, "it has to end");
        rig.forwarded(Some(500));
        if rig.answers.is_empty() {
            rig.pass();
        }
    }
    let asked_for = rig.now - began;
    assert!(
        (Duration::from_secs(300)..Duration::from_secs(311)).contains(&asked_for),
        "{asked_for:?}"
    );
    assert_eq!(rig.answers, [(0, refusal("no"))]);
}

#[test]
fn task_may_start_unless_its_connector_has_new_tasks_by_then() {
    let mut rig = Rig::new("me", 1);
    rig.ask(0, Permission::Initialize);
    rig.ask(0, Permission::Start);
    assert_eq!(rig.answers, [(0, Ok(())), (0, Ok(()))]);

    rig.is_deaf = true;
    rig.read_tasks(1);
    rig.ask(0, Permission::Start);
    assert_eq!(rig.answers.len(), 2, "it is being stopped");
}

#[test]
fn task_that_was_given_up_hears_no_answer() {
    let mut rig = Rig::new("me", 1);
    rig.runs.insert(0, Run(u64::MAX));
    rig.ask(0, Permission::Initialize);
    rig.ask(0, Permission::Start);
    assert!(rig.answers.is_empty());
}

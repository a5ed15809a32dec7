//! Bugs that are planted, one at a time, in what machines say, hear and have done: each of them has to be found, or a
//! simulation without a failure says nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use ferrovia_client::group::cohort::Offer;

use super::crew::CrewEvent;
use super::process::News;
use super::trouble::{Event, HerderEvent};
use super::{REBALANCE_DELAY, Story, World};
use crate::config::Settings;
use crate::herder::machine::{Action, Ticket, WorkEvent};
use crate::herder::runner::TaskEvent;
use crate::herder::work::{TaskWish, WorkAction};
use crate::membership::protocol::{Assignment, ConnectProtocol, WorkerState};
use crate::status::{State, TaskId};
use crate::storage::config::{ConfigRecord, TargetState};
use crate::storage::status::StatusRecord;

/// Within how many seeds each has to be found.
const SEEDS_MAX: u64 = 300;

/// One thing that a worker does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bug {
    /// Revoked tasks are said to have ended while they run on.
    RevokedRunsOn,
    /// A task begins anew before its last life has ended.
    RestartedTwice,
    /// Tasks of connectors that were deleted are not ended.
    DeletedRunsOn,
    /// Some writes get lost, and are said to be done.
    WriteLost,
    /// Writes are said to be done before they are.
    AnsweredEarly,
    /// A stopped connector is not written to be stopped.
    StopForgotten,
    /// Tasks are not committed.
    CommitForgotten,
    /// A target is written for another connector.
    TargetOfAnother,
    /// What a connector wants is not sent to the leader.
    TasksNotForwarded,
    /// A round is followed as if it were the last one.
    OldRoundFollowed,
    /// Two members are given the same.
    GivenTwice,
    /// A member says that it has read more than it has.
    OffsetTooHigh,
    /// Who led goes on leading when another does.
    LeaderClings,
    /// The wait for workers that left never ends.
    EndlessDelay,
    /// Nobody shares out what is new.
    NewsForgotten,
    /// Tasks begin with the settings of their last life.
    OldTaskSettings,
    /// Connectors begin with the settings of their last life.
    OldConnectorSettings,
    /// Tasks are not paused.
    PauseUnheard,
    /// The statuses of those who have a task are overwritten by those who had it.
    StatusOverwritten,
    /// Some statuses are not written.
    StatusLost,
    /// Some records of the config topic are never read.
    RecordSkipped,
    /// A history that could not be read is taken for read.
    HistoryUnread,
    /// Session keys are not written.
    KeyForgotten,
    /// Some requests are never answered.
    AnswerForgotten,
    /// Requests to restart are not written.
    RestartForgotten,
    /// Nobody claims the right to write.
    ClaimForgotten,
    /// Who has lost the right to write is not told so.
    LossUnheard,
}

const ALL: [Bug; 27] = [
    Bug::RevokedRunsOn,
    Bug::RestartedTwice,
    Bug::DeletedRunsOn,
    Bug::WriteLost,
    Bug::AnsweredEarly,
    Bug::StopForgotten,
    Bug::CommitForgotten,
    Bug::TargetOfAnother,
    Bug::TasksNotForwarded,
    Bug::OldRoundFollowed,
    Bug::GivenTwice,
    Bug::OffsetTooHigh,
    Bug::LeaderClings,
    Bug::EndlessDelay,
    Bug::NewsForgotten,
    Bug::OldTaskSettings,
    Bug::OldConnectorSettings,
    Bug::PauseUnheard,
    Bug::StatusOverwritten,
    Bug::StatusLost,
    Bug::RecordSkipped,
    Bug::HistoryUnread,
    Bug::KeyForgotten,
    Bug::AnswerForgotten,
    Bug::RestartForgotten,
    Bug::ClaimForgotten,
    Bug::LossUnheard,
];

/// The bug of a world, and what it needs to remember.
#[derive(Debug, Default)]
pub(super) struct Planted {
    bug: Option<Bug>,
    /// How often it has had its chance.
    chances: u32,
    tasks: BTreeMap<TaskId, TaskWish>,
    connectors: BTreeMap<Arc<str>, Arc<Settings>>,
    /// Who was first to say how a task is doing.
    speakers: BTreeMap<TaskId, Arc<str>>,
    /// What each worker was given last.
    rounds: BTreeMap<usize, Bytes>,
    /// Who led when a worker was last given anything.
    leaders: BTreeMap<usize, bool>,
}

#[test]
fn every_planted_bug_is_caught() {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(BTreeMap::new());
    let work = || {
        while let place = next.fetch_add(1, Ordering::Relaxed)
            && let Some(&bug) = ALL.get(place)
        {
            let caught = (0..SEEDS_MAX).find_map(|seed| Some((seed, fault_of(seed, Some(bug))?)));
            found.lock().unwrap().insert(place, caught);
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        (0..threads).for_each(|_| drop(scope.spawn(work)));
    });
    let found = found.into_inner().unwrap();
    for (bug, caught) in ALL.iter().zip(found.values()) {
        println!("{bug:?}: {caught:?}");
        let (seed, _) = caught.as_ref().expect("somebody notices");
        assert_eq!(fault_of(*seed, None), None, "it is the bug that is found");
    }
}

/// What is found wrong, in one line.
fn fault_of(seed: u64, bug: Option<Bug>) -> Option<String> {
    let run = || {
        let mut world = World::new(seed, Story::None);
        world.planted.bug = bug;
        world.run()
    };
    let panic = std::panic::catch_unwind(run).err()?;
    let reason = panic.downcast::<String>();
    let reason = reason.map_or_else(|_| "an expectation failed".to_owned(), |text| *text);
    reason.lines().next().map(str::to_owned)
}

impl World {
    pub(super) fn has(&self, bug: Bug) -> bool {
        self.planted.bug == Some(bug)
    }

    /// Whether it is time for a bug that shows now and then.
    fn is_time(&mut self, every: u32) -> bool {
        self.planted.chances += 1;
        self.planted.chances.is_multiple_of(every)
    }

    /// What becomes of what a herder wants done.
    pub(super) fn spoil_action(&mut self, place: usize, action: Action) -> Option<Action> {
        let Some(bug) = self.planted.bug else {
            return Some(action);
        };
        match action {
            Action::Work(work) => self.spoil_work(place, bug, work).map(Action::Work),
            Action::WriteConfig(ticket, records) => {
                let records = self.spoil_write(place, bug, ticket, records)?;
                Some(Action::WriteConfig(ticket, records))
            }
            Action::ClaimPrivileges(_) if bug == Bug::ClaimForgotten => None,
            Action::MakeSessionKey(ticket) if bug == Bug::KeyForgotten => {
                self.pretend_written(place, ticket)
            }
            Action::ForwardTasks { ticket, .. } if bug == Bug::TasksNotForwarded => {
                let done = HerderEvent::Forwarded(ticket, Ok(()));
                self.later(place, done)
            }
            Action::Offer(_) if bug == Bug::OffsetTooHigh => {
                Some(Action::Offer(self.offers_beyond(place)))
            }
            Action::Assign(given) => Some(Action::Assign(spoil_round(bug, given))),
            Action::Rejoin(reason)
                if bug == Bug::NewsForgotten && reason == "a connector was created" =>
            {
                None
            }
            Action::WriteStatus(record) => self.spoil_status(bug, record).map(Action::WriteStatus),
            Action::Reply(..) if bug == Bug::AnswerForgotten && self.is_time(5) => None,
            action => Some(action),
        }
    }

    /// What becomes of what a membership tells its herder.
    pub(super) fn spoil_news(&mut self, place: usize, news: News) -> News {
        let (Some(bug), News::Assigned(mut given)) = (self.planted.bug, news.clone()) else {
            return news;
        };
        let is_leader = given.member_id == given.leader_id;
        let has_led = self.planted.leaders.insert(place, is_leader) == Some(true);
        if bug == Bug::LeaderClings && has_led && !is_leader {
            self.planted.leaders.insert(place, true);
            let protocol = ConnectProtocol::from_name(&given.protocol).unwrap();
            let mut round = Assignment::from_bytes(&given.bytes).unwrap();
            round.leader = Arc::clone(&given.member_id);
            round.leader_url = format!("http://w{place}/").into();
            given.bytes = round.to_bytes(protocol).unwrap();
        }
        if bug == Bug::OldRoundFollowed {
            let bytes = given.bytes.clone();
            let before = self.planted.rounds.insert(place, bytes);
            given.bytes = before.unwrap_or(given.bytes);
        }
        News::Assigned(given)
    }

    fn spoil_work(&mut self, place: usize, bug: Bug, work: WorkAction) -> Option<WorkAction> {
        match work {
            WorkAction::StopTask(id, run) => {
                let machine = &self.processes[place].machine;
                let is_kept = machine.work.tasks().contains(&id);
                let is_deleted = !machine.config.snapshot().contains(&id.connector);
                let runs_on = match bug {
                    Bug::RevokedRunsOn => !is_kept,
                    Bug::RestartedTwice => is_kept,
                    Bug::DeletedRunsOn => is_deleted,
                    _ => false,
                };
                if !runs_on {
                    return Some(WorkAction::StopTask(id, run));
                }
                if bug == Bug::RevokedRunsOn {
                    let ends = Event::Crew(CrewEvent::Ends(id.clone(), run));
                    self.schedule(REBALANCE_DELAY, place, ends);
                }
                let ended = WorkEvent::Task(id, run, TaskEvent::Ended);
                self.later(place, HerderEvent::Work(ended))
            }
            WorkAction::StartTask { id, run, wish } => {
                let before = self
                    .planted
                    .tasks
                    .entry(id.clone())
                    .or_insert_with(|| wish.clone());
                let settings = Arc::clone(&std::mem::replace(before, wish.clone()).settings);
                let is_old = bug == Bug::OldTaskSettings;
                let settings = if is_old {
                    settings
                } else {
                    Arc::clone(&wish.settings)
                };
                let wish = TaskWish { settings, ..wish };
                Some(WorkAction::StartTask { id, run, wish })
            }
            WorkAction::StartConnector {
                name,
                run,
                settings,
            } => {
                let before = self
                    .planted
                    .connectors
                    .insert(Arc::clone(&name), Arc::clone(&settings));
                let before = before.filter(|_| bug == Bug::OldConnectorSettings);
                let settings = before.unwrap_or(settings);
                Some(WorkAction::StartConnector {
                    name,
                    run,
                    settings,
                })
            }
            WorkAction::PauseTask(..) if bug == Bug::PauseUnheard => None,
            work => Some(work),
        }
    }

    fn spoil_write(
        &mut self,
        place: usize,
        bug: Bug,
        ticket: Ticket,
        mut records: Vec<ConfigRecord>,
    ) -> Option<Vec<ConfigRecord>> {
        let is_stop = |record: &ConfigRecord| {
            matches!(
                record,
                ConfigRecord::Target {
                    state: Some(TargetState::Stopped),
                    ..
                }
            )
        };
        let is_lost = match bug {
            Bug::WriteLost => self.is_time(8),
            Bug::StopForgotten => matches!(records.as_slice(), [record] if is_stop(record)),
            Bug::CommitForgotten => matches!(records.as_slice(), [ConfigRecord::Commit { .. }]),
            Bug::RestartForgotten => matches!(records.as_slice(), [ConfigRecord::Restart(_)]),
            _ => false,
        };
        if is_lost {
            return self.pretend_written(place, ticket);
        }
        if bug == Bug::AnsweredEarly {
            self.pretend_written::<()>(place, ticket);
        }
        if bug == Bug::TargetOfAnother {
            for record in &mut records {
                if let ConfigRecord::Target {
                    name,
                    state: Some(_),
                } = record
                {
                    *name = if **name == *"a" {
                        "b".into()
                    } else {
                        "a".into()
                    };
                }
            }
        }
        Some(records)
    }

    fn spoil_status(&mut self, bug: Bug, mut record: StatusRecord) -> Option<StatusRecord> {
        if let StatusRecord::Task {
            id,
            status: Some(status),
        } = &mut record
            && bug == Bug::StatusOverwritten
            && status.state == State::Running
        {
            let speaker = Arc::clone(&status.worker_id);
            let first = self.planted.speakers.entry(id.clone()).or_insert(speaker);
            status.worker_id = Arc::clone(first);
        }
        let is_lost = bug == Bug::StatusLost && self.is_time(4);
        (!is_lost).then_some(record)
    }

    /// What a worker joins with, as if it had read all that there is.
    fn offers_beyond(&self, place: usize) -> Vec<Offer> {
        let process = &self.processes[place];
        let state = WorkerState {
            url: format!("http://w{place}/").into(),
            config_offset: i64::try_from(self.topics.config.len()).unwrap(),
            assignment: process.held(),
        };
        let offers = process.protocol.metadata(&state).unwrap().into_iter();
        let offer = |(protocol, metadata): (&str, _)| Offer {
            protocol: protocol.into(),
            metadata,
        };
        offers.map(offer).collect()
    }

    fn pretend_written<T>(&mut self, place: usize, ticket: Ticket) -> Option<T> {
        self.later(place, HerderEvent::Written(ticket, Ok(())))
    }

    fn later<T>(&mut self, place: usize, event: HerderEvent) -> Option<T> {
        let delay = std::time::Duration::from_millis(5);
        self.schedule(delay, place, Event::Herder(event));
        None
    }
}

/// A round that the leader should not have made.
fn spoil_round(bug: Bug, given: Vec<(Arc<str>, Bytes)>) -> Vec<(Arc<str>, Bytes)> {
    if !matches!(bug, Bug::GivenTwice | Bug::EndlessDelay) {
        return given;
    }
    let mut tasks = Vec::new();
    let given = given.into_iter().map(|(member, bytes)| {
        let mut round = Assignment::from_bytes(&bytes).unwrap();
        let protocol = match round.version {
            2 => ConnectProtocol::Sessioned,
            1 => ConnectProtocol::Compatible,
            _ => ConnectProtocol::Eager,
        };
        if bug == Bug::EndlessDelay {
            round.delay_ms = i32::try_from(REBALANCE_DELAY.as_millis()).unwrap();
        }
        let own = round.tasks.first().cloned();
        if bug == Bug::GivenTwice {
            round.tasks.append(&mut tasks);
        }
        tasks.extend(own);
        (member, round.to_bytes(protocol).unwrap())
    });
    given.collect()
}

//! What happens, and what goes wrong.

use std::time::Duration;

use ferrovia_client::group::cohort::Ticket as Question;

use super::coordinator::{Asked, Request};
use super::crew::CrewEvent;
use super::network::Answer;
use super::privileges::Claim;
use super::topics::Append;
use super::{TICK, TROUBLE, World};
use crate::herder::machine::{ForwardFailure, Ticket, WorkEvent, WriteFailure};
use crate::herder::request::Change;
use crate::herder::validation::GivenSettings;

#[derive(Clone, Debug)]
pub(super) enum Event {
    /// The coordinator and the judges look at their clocks.
    Tick,
    /// For the membership of a worker.
    Member(MemberEvent),
    /// A call reaches this broker.
    Arrives(Asked, u32, Request),
    /// A user asks.
    User(Change),
    /// A request reaches its worker.
    Ask(u64),
    /// Records reach the config topic.
    Append(Append),
    Claim(Claim),
    /// For the herder of a worker.
    Herder(HerderEvent),
    /// The membership has told the herder something.
    FromMember,
    /// The herder has told the membership something.
    FromHerder,
    ReadConfig,
    ReadStatus(usize),
    WriteStatuses,
    Crew(CrewEvent),
    WakeHerder,
    /// A worker has left in order.
    Left,
    Begin,
    Crash,
    Stop,
    Freeze,
    Thaw,
    CutFromGroup(bool),
    CutFromTopics(bool),
    Move,
    Disconnect,
    Clock(i64),
}

#[derive(Clone, Debug)]
pub(super) enum MemberEvent {
    Wake,
    Found(Question, u32),
    FindFailed(Question),
    Answered(Asked, Answer),
    Disconnected,
}

#[derive(Clone, Debug)]
pub(super) enum HerderEvent {
    Ready,
    Written(Ticket, Result<(), WriteFailure>),
    /// The right to write was claimed, by this number.
    Claimed(Ticket, Option<u64>),
    ReadToEnd(Ticket),
    Flushed(Ticket),
    Forwarded(Ticket, Result<(), ForwardFailure>),
    /// The settings are good.
    Checked(Ticket, GivenSettings),
    Work(WorkEvent),
    Stop,
}

impl Event {
    /// Whether it happens whoever is up.
    pub(super) fn is_of_the_world(&self) -> bool {
        matches!(
            self,
            Self::Tick
                | Self::Arrives(..)
                | Self::User(_)
                | Self::Ask(_)
                | Self::Append(_)
                | Self::Claim(_)
                | Self::Begin
                | Self::CutFromGroup(_)
                | Self::CutFromTopics(_)
                | Self::Move
                | Self::Clock(_)
        )
    }

    /// Whether it happens to whoever lives there by then.
    pub(super) fn is_planned(&self) -> bool {
        matches!(
            self,
            Self::Crash | Self::Stop | Self::Freeze | Self::Thaw | Self::Disconnect
        )
    }
}

impl World {
    /// Everything that does not follow from something else.
    pub(super) fn plan(&mut self) {
        self.schedule(TICK, 0, Event::Tick);
        let workers = self.processes.len();
        for place in 0..workers {
            let start = self.millis(0..3_000);
            self.schedule(start, place, Event::Begin);
        }
        for name in 0..self.rng.usize(0..5) {
            let (at, place) = (self.millis(1_000..6_000), self.rng.usize(0..workers));
            let create = self.creation(name.min(3));
            self.schedule(at, place, Event::User(create));
        }
        for _ in 0..self.rng.u32(0..25) {
            let (at, place) = (self.millis(2_000..29_000), self.rng.usize(0..workers));
            let whim = self.whim();
            self.schedule(at, place, Event::User(whim));
        }
        for _ in 0..self.rng.u32(0..3) {
            self.plan_change_of_mind();
        }
        for _ in 0..self.rng.u32(0..8) {
            self.plan_trouble();
        }
    }

    /// A connector is deleted, and made anew before all of it has ended.
    fn plan_change_of_mind(&mut self) {
        let place = self.rng.usize(0..self.processes.len());
        let (name, at) = (self.rng.usize(0..4), self.millis(6_000..27_000));
        let create = self.creation(name);
        let Change::Create { name, .. } = &create else {
            return;
        };
        let delete = Event::User(Change::Delete(name.clone()));
        self.schedule(at, place, delete);
        let again = at + self.millis(100..1_500);
        self.schedule(again, place, Event::User(create));
    }

    fn plan_trouble(&mut self) {
        let place = self.rng.usize(0..self.processes.len());
        let at = self.millis(2_000..27_000);
        let back = (at + self.millis(100..12_000)).min(TROUBLE);
        let (first, then) = match self.rng.u32(0..9) {
            0 => (Event::Crash, Some(Event::Begin)),
            1 => (Event::Stop, Some(Event::Begin)),
            2 => (Event::Freeze, Some(Event::Thaw)),
            3 => (Event::CutFromGroup(true), Some(Event::CutFromGroup(false))),
            4 => (
                Event::CutFromTopics(true),
                Some(Event::CutFromTopics(false)),
            ),
            5 => (Event::Move, None),
            6 => (Event::Disconnect, None),
            7 => {
                let step = self.rng.i64(-60_000..60_000);
                (Event::Clock(step), None)
            }
            _ => {
                let all = [true, false].map(Event::CutFromGroup);
                let [cut, heal] = all;
                self.schedule(at, place, Event::CutFromTopics(true));
                self.schedule(back, place, Event::CutFromTopics(false));
                (cut, Some(heal))
            }
        };
        self.schedule(at, place, first);
        // The first worker always comes back, so that somebody is there in the end.
        let stays_away = matches!(then, Some(Event::Begin)) && place > 0 && self.rng.bool();
        if let Some(then) = then.filter(|_| !stays_away) {
            self.schedule(back, place, then);
        }
    }

    pub(super) fn trouble(&mut self, place: usize, event: Event) {
        let process = &mut self.processes[place];
        match event {
            Event::Begin => {
                if process.is_up {
                    // It may have yet to end, and whoever starts it waits for that.
                    process.is_wanted_back = true;
                } else {
                    self.begin(place);
                }
            }
            Event::Crash => self.end(place),
            Event::Stop => {
                self.schedule(Duration::ZERO, place, Event::Herder(HerderEvent::Stop));
            }
            Event::Freeze => process.is_frozen = true,
            Event::Thaw => {
                process.is_frozen = false;
                for event in std::mem::take(&mut process.frozen) {
                    self.schedule(Duration::ZERO, place, event);
                }
            }
            Event::CutFromGroup(is_cut) => process.is_cut_from_group = is_cut,
            Event::CutFromTopics(true) => process.is_cut_from_topics = true,
            Event::CutFromTopics(false) => self.reach_topics(place),
            Event::Move => self.move_coordinator(),
            Event::Disconnect => {
                let event = Event::Member(MemberEvent::Disconnected);
                self.schedule(Duration::ZERO, place, event);
            }
            Event::Clock(step) => process.clock_ms += step,
            other => panic!("{other:?} is no trouble"),
        }
    }
}

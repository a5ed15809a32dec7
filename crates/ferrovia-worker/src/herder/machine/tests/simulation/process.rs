//! One worker: its herder and its membership, with the mailboxes between them, as their drivers have them.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ferrovia_client::group::cohort::{
    Action as Want, Assignment, CohortMember, CohortSettings, Election, LossCause,
    Moment as MemberMoment, Offer, Ticket as Question,
};

use super::crew::Crew;
use super::planted::Bug;
use super::privileges::Right;
use super::topics::{Entry, Reads};
use super::trouble::{Event, HerderEvent};
use super::truth::Truth;
use super::users::admission_of;
use super::{REBALANCE_DELAY, World};
use crate::config::SignatureConfig;
use crate::config::mac_algorithm::MacAlgorithm;
use crate::herder::machine::group::{Group, Member, Stage};
use crate::herder::machine::{Action, ClusterRules, HerderMachine, Moment, Rules, Ticket};
use crate::herder::testing::Catalog;
use crate::membership::protocol::{Assignment as Held, ConnectProtocol};

/// Age at which session keys are replaced.
pub(super) const KEY_TTL: Duration = Duration::from_secs(20);
/// How long tasks may take to stop.
const TASK_STOP_TIMEOUT: Duration = Duration::from_secs(3);
const SESSION_TIMEOUT: Duration = Duration::from_secs(6);
const REBALANCE_TIMEOUT: Duration = Duration::from_secs(8);
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);
/// The wall clock when a simulation begins, in milliseconds since 1970.
const EPOCH_MS: i64 = 1_700_000_000_000;

/// The two loops of a worker, each with a clock.
#[derive(Clone, Copy, Debug)]
pub(super) enum Task {
    Herder,
    Member,
}

/// What the membership tells the herder.
#[derive(Clone, Debug)]
pub(super) enum News {
    Offers(Question),
    Assignments(Question, Election),
    Assigned(Assignment),
    Lost(LossCause),
}

/// What the herder tells the membership.
#[derive(Clone, Debug)]
pub(super) enum Wish {
    Offers(Question, Vec<Offer>),
    Assignments(Question, Vec<(Arc<str>, Bytes)>),
    Decline(Question),
    Rejoin(String),
    StepOut(String),
    Stop,
}

pub(super) struct Process {
    pub(super) protocol: ConnectProtocol,
    pub(super) life: u32,
    pub(super) is_up: bool,
    /// Whether it begins again when it has ended.
    pub(super) is_wanted_back: bool,
    /// What waits for a frozen worker.
    pub(super) is_frozen: bool,
    pub(super) frozen: Vec<Event>,
    pub(super) is_cut_from_group: bool,
    pub(super) is_cut_from_topics: bool,
    /// What somebody did to its wall clock.
    pub(super) clock_ms: i64,
    pub(super) started: Duration,
    pub(super) woken_at: [Option<Duration>; 2],
    pub(super) machine: HerderMachine,
    pub(super) member: CohortMember,
    pub(super) has_joined: bool,
    pub(super) news: VecDeque<News>,
    pub(super) wishes: VecDeque<Wish>,
    offers: Option<Question>,
    assignments: Option<Question>,
    pub(super) broker: u32,
    pub(super) joins: Vec<Duration>,
    pub(super) events: u64,
    /// What its herder and its membership have had done.
    pub(super) deeds: usize,
    pub(super) reads: Reads,
    pub(super) right: Right,
    /// Whether leaders write in transactions.
    pub(super) is_transactional: bool,
    pub(super) writes: BTreeSet<Ticket>,
    pub(super) last_append: Duration,
    pub(super) journal: VecDeque<Entry>,
    pub(super) is_journal_due: bool,
    pub(super) is_leaving: bool,
    pub(super) crew: Crew,
    /// What was last looked at: the generation, and whether the worker had settled in it.
    pub(super) judged: (i32, bool),
    /// The generation, and the config offset, of what it has begun.
    pub(super) follows: Option<(i32, i64)>,
    /// What the records come to that it has read.
    pub(super) read: Truth,
}

impl Process {
    /// A worker that is not up yet.
    pub(super) fn new(place: usize, protocol: ConnectProtocol, is_transactional: bool) -> Self {
        Self {
            protocol,
            life: 0,
            is_up: false,
            is_wanted_back: false,
            is_frozen: false,
            frozen: Vec::new(),
            is_cut_from_group: false,
            is_cut_from_topics: false,
            clock_ms: 0,
            started: Duration::ZERO,
            woken_at: [None; 2],
            machine: HerderMachine::new(
                rules(place, protocol, is_transactional),
                Arc::new(Catalog::new()),
            ),
            member: CohortMember::new(settings()).unwrap(),
            has_joined: false,
            news: VecDeque::new(),
            wishes: VecDeque::new(),
            offers: None,
            assignments: None,
            broker: 0,
            joins: Vec::new(),
            events: 0,
            deeds: 0,
            reads: Reads::default(),
            right: Right::default(),
            is_transactional,
            writes: BTreeSet::new(),
            last_append: Duration::ZERO,
            journal: VecDeque::new(),
            is_journal_due: false,
            is_leaving: false,
            crew: Crew::default(),
            judged: (-1, false),
            follows: None,
            read: Truth::default(),
        }
    }

    /// When a machine wants to be woken, on the clock of the world.
    pub(super) fn deadline(&self, task: Task) -> Option<Duration> {
        match task {
            Task::Herder => {
                let deadline = self.machine.next_deadline();
                deadline.map(|deadline| self.started.saturating_add(deadline))
            }
            Task::Member if !self.has_joined => None,
            Task::Member => self.member.next_deadline(),
        }
    }

    fn member(&self) -> &Member {
        match &self.machine.group {
            Group::Member(member) => member,
            Group::Alone => panic!("a worker of a cluster is never alone"),
        }
    }

    /// Whether the last round has said who gets what.
    pub(super) fn is_in_order(&self) -> bool {
        let given = self.member().assignment.as_ref();
        given.is_some_and(|given| !given.failed())
    }

    /// What it holds by the last round.
    pub(super) fn held(&self) -> Option<Held> {
        self.member().assignment.clone()
    }

    /// Whether another round is planned.
    pub(super) fn is_round_planned(&self) -> bool {
        self.member().scheduled.is_some()
    }

    /// The generation, and the config offset of the assignment, that were begun.
    pub(super) fn begun(&self) -> Option<(i32, i64)> {
        let member = self.member();
        let held = member.assignment.as_ref();
        let held = held.filter(|_| matches!(member.stage, Stage::Settled))?;
        Some((member.generation, held.config_offset))
    }

    pub(super) fn wall_ms(&self, now: Duration) -> i64 {
        EPOCH_MS + self.clock_ms + i64::try_from(now.as_millis()).unwrap()
    }
}

impl World {
    /// A worker comes up with nothing but its place.
    pub(super) fn begin(&mut self, place: usize) {
        let before = &self.processes[place];
        let (life, clock_ms) = (before.life, before.clock_ms);
        let is_cut = (before.is_cut_from_group, before.is_cut_from_topics);
        let mut process = Process::new(place, before.protocol, before.is_transactional);
        process.life = life;
        process.is_up = true;
        process.clock_ms = clock_ms;
        (process.is_cut_from_group, process.is_cut_from_topics) = is_cut;
        process.started = self.now;
        process.reads = self.topics.open(self.has(Bug::HistoryUnread));
        self.processes[place] = process;
        let pause = self.millis(1..200);
        self.schedule(pause, place, Event::Herder(HerderEvent::Ready));
        self.start_reading(place);
    }

    /// A worker is gone, with everything in it.
    pub(super) fn end(&mut self, place: usize) {
        let process = &mut self.processes[place];
        process.is_up = false;
        process.is_frozen = false;
        process.frozen.clear();
        process.life += 1;
        process.crew = Crew::default();
        if std::mem::take(&mut process.is_wanted_back) {
            self.schedule(Duration::from_secs(1), place, Event::Begin);
        }
        self.forget_requests_of(place);
    }

    pub(super) fn moment(&self, place: usize) -> Moment {
        let process = &self.processes[place];
        Moment {
            now: self.now - process.started,
            wall_ms: process.wall_ms(self.now),
        }
    }

    pub(super) fn member_moment(&mut self) -> MemberMoment {
        MemberMoment {
            now: self.now,
            random: self.rng.f64(),
        }
    }

    /// Tells the herder something, as its driver does: time first.
    pub(super) fn herd(
        &mut self,
        place: usize,
        event: impl FnOnce(&mut HerderMachine, Moment) -> Vec<Action>,
    ) {
        let at = self.moment(place);
        let process = &mut self.processes[place];
        process.events += 1;
        let mut actions = process.machine.on_time(at);
        actions.extend(event(&mut process.machine, at));
        self.perform(place, actions);
        self.judge(place);
    }

    pub(super) fn wake_herder(&mut self, place: usize) {
        self.herd(place, |_, _| Vec::new());
        let next = self.processes[place].deadline(Task::Herder);
        let is_later = next.is_none_or(|next| next > self.now);
        assert!(
            is_later,
            "seed {}: the herder spins: {:?}",
            self.seed, self.processes[place].machine
        );
    }

    pub(super) fn herder_event(&mut self, place: usize, event: HerderEvent) {
        let event = self.note_right(place, event);
        self.herd(place, |machine, at| match event {
            HerderEvent::Ready => machine.on_ready(at),
            HerderEvent::Written(ticket, outcome) => machine.on_written(ticket, outcome, at),
            HerderEvent::ReadToEnd(ticket) => machine.on_read_to_end(ticket, at),
            HerderEvent::Flushed(ticket) => machine.on_statuses_flushed(ticket, at),
            HerderEvent::Forwarded(ticket, outcome) => machine.on_forwarded(ticket, outcome, at),
            HerderEvent::Checked(ticket, settings) => {
                machine.on_checked(ticket, Ok(admission_of(settings)), at)
            }
            HerderEvent::Work(event) => machine.on_work(event, at),
            HerderEvent::Stop => machine.on_stop(at),
            HerderEvent::Claimed(ticket, claim) => {
                let outcome = claim.map(drop).ok_or_else(|| "no coordinator".to_owned());
                machine.on_claimed(ticket, outcome, at)
            }
        });
    }

    /// The next thing that the membership has told.
    pub(super) fn herder_hears(&mut self, place: usize) {
        let process = &mut self.processes[place];
        let Some(news) = process.news.pop_front() else {
            return;
        };
        let news = self.spoil_news(place, news);
        let process = &mut self.processes[place];
        match news {
            News::Offers(question) => {
                let unanswered = process.offers.replace(question);
                self.decline(place, unanswered);
                self.herd(place, |machine, at| machine.on_offers_wanted(at));
            }
            News::Assignments(question, election) => {
                let unanswered = process.assignments.replace(question);
                self.decline(place, unanswered);
                self.herd(place, |machine, at| {
                    machine.on_assignments_wanted(&election, at)
                });
            }
            News::Assigned(given) => {
                self.herd(place, |machine, at| machine.on_assigned(&given, at))
            }
            News::Lost(cause) => self.herd(place, |machine, at| machine.on_lost(&cause, at)),
        }
    }

    fn decline(&mut self, place: usize, unanswered: Option<Question>) {
        if let Some(question) = unanswered {
            self.wish(place, Wish::Decline(question));
        }
    }

    /// Tells the herder, and drops what that makes void.
    pub(super) fn tell_herder(&mut self, place: usize, news: News) {
        let queue = &mut self.processes[place].news;
        queue.retain(|earlier| {
            !matches!(
                (&news, earlier),
                (News::Lost(_), _)
                    | (
                        News::Offers(_) | News::Assignments(..),
                        News::Offers(_) | News::Assignments(..)
                    )
                    | (News::Assigned(_), News::Assigned(_))
            )
        });
        queue.push_back(news);
        let delay = self.delay(0..4, 20..800);
        self.schedule(delay, place, Event::FromMember);
    }

    pub(super) fn wish(&mut self, place: usize, wish: Wish) {
        let queue = &mut self.processes[place].wishes;
        match (&wish, queue.back()) {
            (Wish::Rejoin(_), Some(Wish::Rejoin(_))) => return,
            (Wish::StepOut(_), _) => {
                queue.retain(|earlier| !matches!(earlier, Wish::Rejoin(_) | Wish::StepOut(_)));
            }
            _ => {}
        }
        queue.push_back(wish);
        let delay = self.millis(0..4);
        self.schedule(delay, place, Event::FromHerder);
    }

    /// The membership reads all that the herder has told it.
    pub(super) fn member_hears(&mut self, place: usize) {
        let at = self.member_moment();
        let process = &mut self.processes[place];
        if !process.has_joined {
            return;
        }
        let mut wants = process.member.on_time(at);
        for wish in std::mem::take(&mut process.wishes) {
            let member = &mut process.member;
            wants.extend(match wish {
                Wish::Offers(question, offers) => member.on_offers(question, offers, at),
                Wish::Assignments(question, given) => member.on_assignments(question, given, at),
                Wish::Decline(question) => member.on_declined(question, at),
                Wish::Rejoin(reason) => member.rejoin(&reason, at),
                Wish::StepOut(reason) => member.step_out(&reason, at),
                Wish::Stop => member.stop("the worker stops", at),
            });
        }
        self.satisfy(place, wants);
    }

    /// Does what the membership wants.
    pub(super) fn satisfy(&mut self, place: usize, wants: Vec<Want>) {
        self.processes[place].deeds += wants.len();
        for want in wants {
            self.tell(|| format!("{place} wants {want:?}"));
            match want {
                Want::Call(call) => self.call(place, call),
                Want::AskOffers(question) => self.tell_herder(place, News::Offers(question)),
                Want::AskAssignments(question, election) => {
                    self.tell_herder(place, News::Assignments(question, election));
                }
                Want::Assigned(given) => self.tell_herder(place, News::Assigned(given)),
                Want::Lost(cause) => self.tell_herder(place, News::Lost(cause)),
                Want::Fatal(error) => panic!("seed {}: {error}", self.seed),
                Want::Stopped => self.schedule(Duration::ZERO, place, Event::Left),
            }
        }
    }

    /// Does what the herder wants.
    fn perform(&mut self, place: usize, actions: Vec<Action>) {
        self.processes[place].deeds += actions.len();
        for action in actions {
            self.tell(|| format!("{place} does {action:?}"));
            let Some(action) = self.spoil_action(place, action) else {
                continue;
            };
            let process = &mut self.processes[place];
            match action {
                Action::Work(work) => self.work(place, work),
                Action::Offer(offers) => {
                    let question = process.offers.take();
                    let question = question.expect("offers that nobody asked for");
                    self.wish(place, Wish::Offers(question, offers));
                }
                Action::Assign(given) => {
                    let question = process.assignments.take();
                    let question = question.expect("assignments that nobody asked for");
                    self.wish(place, Wish::Assignments(question, given));
                }
                Action::Rejoin(reason) => self.wish(place, Wish::Rejoin(reason)),
                Action::StepOut(reason) => self.wish(place, Wish::StepOut(reason)),
                Action::Reply(request, answer) => self.answered(place, request.0, answer),
                Action::Check(ticket, settings) => self.check(place, ticket, settings),
                Action::ForwardTasks {
                    ticket,
                    url,
                    connector,
                    tasks,
                    key,
                } => self.forward(place, ticket, &url, &connector, tasks, key),
                Action::SetLogLevel(..) => {}
                Action::ModifyOffsets { .. } => panic!("nobody asked for offsets"),
                Action::Fail(reason) => panic!("seed {}: {reason}", self.seed),
                Action::Finish => self.leave(place),
                for_topics => self.write(place, for_topics),
            }
        }
    }

    /// Says the last words, and leaves.
    fn leave(&mut self, place: usize) {
        self.write_statuses(place);
        self.processes[place].is_leaving = true;
        if self.processes[place].has_joined {
            self.wish(place, Wish::Stop);
        } else {
            self.schedule(Duration::ZERO, place, Event::Left);
        }
    }
}

fn rules(place: usize, protocol: ConnectProtocol, has_transactional_leader: bool) -> Rules {
    Rules {
        worker_id: format!("w{place}").into(),
        task_stop_timeout: TASK_STOP_TIMEOUT,
        tracks_topics: true,
        resets_topics: true,
        cluster: Some(ClusterRules {
            url: format!("http://w{place}/").into(),
            protocol,
            rebalance_delay_max: REBALANCE_DELAY,
            sync_timeout: Duration::from_secs(3),
            unsync_backoff: Duration::from_secs(4),
            gives_exactly_once: false,
            has_transactional_leader,
            signatures: SignatureConfig {
                key_algorithm: MacAlgorithm::HmacSha256,
                key_bytes: 32,
                key_ttl: KEY_TTL,
                algorithm: MacAlgorithm::HmacSha256,
                verified: vec![MacAlgorithm::HmacSha256],
            },
        }),
    }
}

fn settings() -> CohortSettings {
    let heartbeat_interval = Duration::from_secs(2);
    CohortSettings {
        group_id: "workers".into(),
        protocol_type: "connect".into(),
        instance_id: None,
        session_timeout: SESSION_TIMEOUT,
        rebalance_timeout: REBALANCE_TIMEOUT,
        heartbeat_interval,
        request_timeout: REQUEST_TIMEOUT,
        retry_backoff: Duration::from_millis(100),
        retry_backoff_max: Duration::from_secs(1),
        discovery_timeout: Some(heartbeat_interval),
    }
}

//! What must hold: always, and when the trouble is over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::crew::wanted_by;
use super::process::KEY_TTL;
use super::{PEACE, Process, QUIET, REBALANCE_DELAY, TROUBLE, World};
use crate::membership::protocol::ConnectProtocol;
use crate::status::{State, Status, TaskId};
use crate::storage::config::{ConfigSnapshot, TargetState};

/// No member joins more often than this within [`JOIN_WINDOW`].
const JOINS_MAX: usize = 60;
const JOIN_WINDOW: Duration = Duration::from_secs(10);
/// Things that happen to a herder in [`QUIET`]: a new session key at most.
const QUIET_EVENTS_MAX: u64 = 60;
/// What is done meanwhile: heartbeats, and the key.
const QUIET_DEEDS_MAX: usize = 20;
/// The longest that a request may wait: until the group has settled, and then for three writes.
const ANSWER_MAX: Duration = Duration::from_secs(85 + 3 * 30);
/// How long a leader may take to replace a key that has expired.
const KEY_GRACE_MS: i64 = 3_000;

impl World {
    /// What is begun was given by all that the worker knows to have been written.
    fn judge_begun(&mut self, place: usize) {
        let process = &mut self.processes[place];
        let begun = process.begun();
        if std::mem::replace(&mut process.follows, begun) == begun {
            return;
        }
        let news = process.read.news;
        let is_new = begun.is_none_or(|(_, offset)| news.is_none_or(|news| offset >= news));
        assert!(
            is_new,
            "seed {}: at {:?} worker {place} begins by what was configured before",
            self.seed, self.now
        );
    }

    /// Members that have settled in the same generation have nothing twice.
    pub(super) fn judge(&mut self, place: usize) {
        self.judge_begun(place);
        let process = &mut self.processes[place];
        let now = (
            process.machine.group.generation(),
            process.machine.is_settled(),
        );
        if std::mem::replace(&mut process.judged, now) == now || !now.1 {
            return;
        }
        let held = process.machine.work.tasks();
        for (other, process) in self.processes.iter().enumerate() {
            let is_near = process.is_up && process.judged == now && other != place;
            assert!(
                !is_near || held.is_disjoint(&process.machine.work.tasks()),
                "seed {}: workers {place} and {other} share tasks",
                self.seed
            );
        }
    }

    pub(super) fn check_joins(&self, place: usize) {
        let joins = self.processes[place].joins.iter().rev();
        let recent = joins.take_while(|at| **at + JOIN_WINDOW > self.now);
        assert!(
            recent.count() <= JOINS_MAX,
            "seed {}: at {:?} worker {place} joins for ever",
            self.seed,
            self.now
        );
    }

    /// Whether there is nothing left to wait for. Whatever has to come right has to do so in time.
    pub(super) fn is_over(&mut self) -> bool {
        for open in self.requests.values() {
            let late = self.now > open.since + ANSWER_MAX;
            assert!(!late, "seed {}: nobody answers", self.seed);
        }
        let verdict = self.verdict();
        let Some(since) = self.well_since else {
            if verdict.is_ok() {
                self.well_since = Some(self.now);
                return false;
            }
            let reason = verdict.unwrap_err();
            let is_late = self.now > TROUBLE + PEACE;
            assert!(!is_late, "seed {}: {reason}\n{}", self.seed, self.state());
            return false;
        };
        let quiet_from = since + REBALANCE_DELAY * 2;
        if self.now <= quiet_from {
            for process in &mut self.processes {
                process.joins.clear();
                process.events = 0;
                process.deeds = 0;
            }
            return false;
        }
        for (place, process) in self.processes.iter().enumerate() {
            assert!(
                process.joins.is_empty()
                    && process.events <= QUIET_EVENTS_MAX
                    && process.deeds <= QUIET_DEEDS_MAX,
                "seed {}: worker {place} is busy with nothing: {} joins, {} events and {} deeds",
                self.seed,
                process.joins.len(),
                process.events,
                process.deeds
            );
        }
        if self.now < quiet_from + QUIET {
            return false;
        }
        let is_late = self.now > quiet_from + QUIET * 2;
        if let (true, Err(reason)) = (is_late, &verdict) {
            panic!(
                "seed {}: no longer well: {reason}\n{}",
                self.seed,
                self.state()
            );
        }
        verdict.is_ok()
    }

    /// Whether all is well, or what is not.
    fn verdict(&self) -> Result<(), String> {
        let up = || self.processes.iter().filter(|process| process.is_up);
        let Some(leader) = up().find(|process| process.machine.group.is_leader()) else {
            return Err("nobody leads".to_owned());
        };
        let config = leader.machine.config.snapshot();
        for process in up() {
            self.check_agreement(process, leader, &config)?;
        }
        if up().filter(|p| p.machine.group.is_leader()).count() != 1 {
            return Err("more than one leads".to_owned());
        }
        self.check_key(leader, &config)?;
        self.check_connectors(&config)?;
        self.check_tasks(&config)?;
        self.check_nothing_else_has_status(&config)?;
        self.topics.truth.check(&config)?;
        self.check_restarts(&config)?;
        if !self.requests.is_empty() {
            return Err(format!("{} requests are open", self.requests.len()));
        }
        Ok(())
    }

    fn check_agreement(
        &self,
        process: &Process,
        leader: &Process,
        config: &ConfigSnapshot,
    ) -> Result<(), String> {
        let (machine, leading) = (&process.machine, &leader.machine);
        let says = |reason: &str| Err(format!("{}: {reason}", machine.rules.worker_id));
        if !machine.is_ready() || !machine.is_settled() || process.is_leaving {
            return says("it has not settled");
        }
        if !self.topics.is_read(&process.reads) || machine.config.snapshot() != *config {
            return says("it knows another configuration");
        }
        if process.is_round_planned() {
            return says("another round is planned");
        }
        if machine.statuses.statuses() != leading.statuses.statuses() {
            return says("it knows other statuses");
        }
        if machine.group.generation() != leading.group.generation() {
            return says("it is in another generation");
        }
        if machine.group.leader_url() != leading.group.leader_url() {
            return says("it knows another leader");
        }
        if !machine.parked.is_empty() || !machine.publishing.is_empty() {
            return says("something waits");
        }
        if !machine.starting.is_empty() || !machine.beginning.is_empty() {
            return says("somebody waits for a start");
        }
        Ok(())
    }

    fn check_key(&self, leader: &Process, config: &ConfigSnapshot) -> Result<(), String> {
        let up = self.processes.iter().filter(|process| process.is_up);
        let lowest = up.map(|process| process.protocol).min();
        if lowest != Some(ConnectProtocol::Sessioned) {
            return Ok(());
        }
        let key = config.session_key().ok_or("there is no session key")?;
        let age = leader.wall_ms(self.now) - key.created_ms;
        let ttl = i64::try_from(KEY_TTL.as_millis()).unwrap();
        let is_fresh = age <= ttl + KEY_GRACE_MS;
        is_fresh
            .then_some(())
            .ok_or_else(|| "the key is too old".to_owned())
    }

    fn check_connectors(&self, config: &ConfigSnapshot) -> Result<(), String> {
        let mut holders: BTreeMap<Arc<str>, usize> = BTreeMap::new();
        let mut loads = Vec::new();
        for (place, process) in self.processes.iter().enumerate().filter(|(_, p)| p.is_up) {
            let held = process.machine.work.connectors();
            loads.push(held.len());
            for name in held {
                if let Some(other) = holders.insert(Arc::clone(&name), place) {
                    return Err(format!("{name} is at {other} and {place}"));
                }
            }
            let crew = process.crew.connectors.keys();
            let mut stray = crew.filter(|(name, _)| holders.get(name) != Some(&place));
            if let Some((name, _)) = stray.next() {
                return Err(format!("connector {name} runs at {place}"));
            }
        }
        let configured: BTreeSet<_> = config.connectors().cloned().collect();
        if configured != holders.keys().cloned().collect() {
            return Err(format!("connectors {holders:?} run, not {configured:?}"));
        }
        self.check_loads("connectors", &loads)?;
        for (name, place) in &holders {
            self.check_connector(name, &self.processes[*place], config)?;
        }
        Ok(())
    }

    fn check_connector(
        &self,
        name: &Arc<str>,
        process: &Process,
        config: &ConfigSnapshot,
    ) -> Result<(), String> {
        let runs = process.crew.has_connector(name);
        let target = config.target_state(name).unwrap();
        let has_failed = process.crew.failed_connectors.contains_key(name);
        let expected = match target {
            TargetState::Started if has_failed => State::Failed,
            TargetState::Started => State::Running,
            TargetState::Paused => State::Paused,
            TargetState::Stopped => State::Stopped,
        };
        let statuses = process.machine.statuses.statuses();
        let status = statuses
            .connector(name)
            .ok_or_else(|| format!("{name} has no status"))?;
        // A failed connector may be aimed at something else, and stays failed until it is stopped.
        let is_excused = has_failed && status.state == State::Failed && !runs;
        if !is_excused && (runs != (expected == State::Running) || status.state != expected) {
            return Err(format!(
                "{name} should be {expected} and is {status:?}, runs: {runs}"
            ));
        }
        check_speaker(name, status, process)?;
        let is_in_doubt = self.stops_in_doubt.contains(&**name);
        if target == TargetState::Stopped && config.task_count(name) > 0 && !is_in_doubt {
            return Err(format!("{name} is stopped, and has tasks"));
        }
        let settings = config.connector_config(name).unwrap();
        let mut lives = process.crew.connectors.iter();
        let lives = lives.by_ref().filter(|((known, _), _)| known == name);
        let lives: Vec<_> = lives.map(|(_, life)| life).collect();
        if lives.len() > 1 {
            return Err(format!("{name} has {} lives", lives.len()));
        }
        if lives
            .iter()
            .any(|life| life.settings.as_map() != &**settings)
        {
            return Err(format!("{name} runs with old settings"));
        }
        if expected != State::Running || is_excused {
            return Ok(());
        }
        let count = config.task_count(name);
        let wanted = wanted_by(settings).configs;
        if count == 0 && self.stopped_once.contains(&**name) {
            return Ok(());
        }
        let tasks = config.tasks(name);
        let are_right = tasks.len() == wanted.len()
            && tasks.iter().zip(&wanted).all(|(id, wanted)| {
                let task = config.task_config(id);
                task.is_some_and(|task| task["file"] == wanted["file"])
            });
        are_right
            .then_some(())
            .ok_or_else(|| format!("{name} has {tasks:?} of other settings"))
    }

    fn check_tasks(&self, config: &ConfigSnapshot) -> Result<(), String> {
        let mut holders: BTreeMap<TaskId, usize> = BTreeMap::new();
        let mut loads = Vec::new();
        for (place, process) in self.processes.iter().enumerate().filter(|(_, p)| p.is_up) {
            let held = process.machine.work.tasks();
            loads.push(held.len());
            for id in held {
                if let Some(other) = holders.insert(id.clone(), place) {
                    return Err(format!("{id} is at {other} and {place}"));
                }
            }
            let crew = process.crew.tasks.keys();
            let mut stray = crew.filter(|(id, _)| holders.get(id) != Some(&place));
            if let Some((id, _)) = stray.next() {
                return Err(format!("task {id} runs at {place}"));
            }
        }
        let configured = config.connectors().flat_map(|name| config.tasks(name));
        let configured: BTreeSet<TaskId> = configured.collect();
        if configured != holders.keys().cloned().collect() {
            return Err(format!("tasks {holders:?} run, not {configured:?}"));
        }
        self.check_loads("tasks", &loads)?;
        for (id, place) in &holders {
            check_task(id, &self.processes[*place], config)?;
        }
        Ok(())
    }

    fn check_loads(&self, what: &str, loads: &[usize]) -> Result<(), String> {
        let up = self.processes.iter().filter(|process| process.is_up);
        let lowest = up.map(|process| process.protocol).min();
        // By the eager protocol only the sum of connectors and tasks is shared evenly.
        let is_even = loads.iter().max().unwrap() - loads.iter().min().unwrap() <= 1;
        let is_eager = lowest == Some(ConnectProtocol::Eager) && what == "tasks";
        (is_even || is_eager)
            .then_some(())
            .ok_or_else(|| format!("{what} are shared {loads:?}"))
    }

    /// Who is deleted has no status.
    fn check_nothing_else_has_status(&self, config: &ConfigSnapshot) -> Result<(), String> {
        let up = self.processes.iter().filter(|process| process.is_up);
        for process in up {
            let orphans = process.machine.statuses.orphans(config);
            if !orphans.is_empty() {
                return Err(format!("{orphans:?} are due"));
            }
        }
        Ok(())
    }

    fn state(&self) -> String {
        let up = self.processes.iter().filter(|process| process.is_up);
        let each = up.map(|process| {
            format!(
                "{:?}\n{:?}\n{:?}\n",
                process.machine,
                process.machine.statuses.statuses(),
                process.member
            )
        });
        format!("at {:?}\n{}", self.now, each.collect::<String>())
    }
}

fn check_task(id: &TaskId, process: &Process, config: &ConfigSnapshot) -> Result<(), String> {
    let crew = &process.crew;
    let mut lives = crew.tasks.iter().filter(|((known, _), _)| known == id);
    let life = lives.next().map(|(_, life)| life);
    if lives.next().is_some() {
        return Err(format!("{id} has more than one life"));
    }
    let expected = match life {
        Some(life) => life.state(),
        None if crew.failed_tasks.contains_key(id) => State::Failed,
        None => return Err(format!("{id} does not run")),
    };
    let statuses = process.machine.statuses.statuses();
    let status = statuses
        .task(id)
        .ok_or_else(|| format!("{id} has no status"))?;
    if status.state != expected {
        return Err(format!("{id} is {expected} and should not be {status:?}"));
    }
    check_speaker(id, status, process)?;
    let Some(life) = life else { return Ok(()) };
    let is_started = config.target_state(&id.connector) == Some(TargetState::Started);
    if life.is_paused == is_started {
        return Err(format!("{id} is {expected} against its target"));
    }
    let settings = config.task_config(id).unwrap();
    let is_new = *life.settings == **settings;
    is_new
        .then_some(())
        .ok_or_else(|| format!("{id} runs with old settings"))
}

fn check_speaker(
    what: &dyn std::fmt::Display,
    status: &Status,
    process: &Process,
) -> Result<(), String> {
    let is_its = status.worker_id == process.machine.rules.worker_id;
    is_its
        .then_some(())
        .ok_or_else(|| format!("{what} is said to be at {}", status.worker_id))
}

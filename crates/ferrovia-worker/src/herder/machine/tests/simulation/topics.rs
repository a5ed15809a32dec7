//! The config topic and the status topic: written late or not at all, read late, and never out of order within a
//! partition.

use std::time::Duration;

use super::World;
use super::planted::Bug;
use super::trouble::{Event, HerderEvent};
use super::truth::Truth;
use crate::herder::machine::{Action, Ticket};
use crate::storage::config::{ConfigRecord, SessionKey};
use crate::storage::status::StatusRecord;

/// Partitions of the status topic.
pub(super) const PARTITIONS: usize = 3;
/// How long the driver waits for records to be written and read back.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

type Record = (String, Option<Vec<u8>>);

#[derive(Default)]
pub(super) struct Topics {
    pub(super) config: Vec<Record>,
    /// How often the right to write as a leader was claimed.
    pub(super) claims: u64,
    /// What all of it comes to.
    pub(super) truth: Truth,
    status: [Vec<Record>; PARTITIONS],
}

/// How far a worker has read, and who waits for it to have read on.
#[derive(Default)]
pub(super) struct Reads {
    pub(super) config: usize,
    status: [usize; PARTITIONS],
    /// How many records there were when the worker came up.
    first_config: usize,
    first_status: [usize; PARTITIONS],
    has_read_config: bool,
    has_read_status: bool,
    is_config_due: bool,
    is_status_due: [bool; PARTITIONS],
    waiting: Vec<(usize, Waiting)>,
    /// Those who want the end, which cannot be asked for now.
    unasked: Vec<Ticket>,
}

#[derive(Clone, Copy, Debug)]
enum Waiting {
    Written(Ticket),
    Read(Ticket),
}

/// What waits to be written to the status topic.
#[derive(Debug)]
pub(super) enum Entry {
    Record(StatusRecord),
    Mark(Ticket),
}

/// Records on their way to the config topic.
#[derive(Clone, Debug)]
pub(super) struct Append {
    ticket: Ticket,
    life: u32,
    records: Vec<Record>,
    /// By which claim they are sent, if they need one; that there is none where they do.
    claim: Option<Option<u64>>,
    /// Whether they get there.
    arrives: bool,
    /// Whether the writer learns that they did.
    is_told: bool,
}

impl Topics {
    /// A worker comes up. Where reading `has_failed` it is taken to have read what is there.
    pub(super) fn open(&self, has_failed: bool) -> Reads {
        Reads {
            config: if has_failed { self.config.len() } else { 0 },
            first_config: self.config.len(),
            first_status: self.status.each_ref().map(Vec::len),
            ..Reads::default()
        }
    }

    pub(super) fn is_read(&self, reads: &Reads) -> bool {
        reads.config == self.config.len() && reads.status == self.status.each_ref().map(Vec::len)
    }
}

impl World {
    /// Does what the herder wants of the topics.
    pub(super) fn write(&mut self, place: usize, action: Action) {
        let process = &mut self.processes[place];
        match action {
            Action::WriteConfig(ticket, records) => self.write_config(place, ticket, &records),
            Action::ClaimPrivileges(ticket) => self.claim(place, ticket),
            Action::MakeSessionKey(ticket) => {
                let created_ms = process.wall_ms(self.now);
                let key = [self.rng.u8(..); 32];
                let key = ConfigRecord::SessionKey(SessionKey {
                    key: key.to_vec().into(),
                    algorithm: "HmacSHA256".into(),
                    created_ms,
                });
                self.write_config(place, ticket, &[key]);
            }
            Action::ReadConfig(ticket) if process.is_cut_from_topics => {
                process.reads.unasked.push(ticket);
            }
            Action::ReadConfig(ticket) => {
                let end = self.topics.config.len();
                process.reads.waiting.push((end, Waiting::Read(ticket)));
                self.tell_of_reads(place);
            }
            Action::WriteStatus(record) => self.enter(place, Entry::Record(record)),
            Action::FlushStatuses(ticket) => self.enter(place, Entry::Mark(ticket)),
            other => panic!("nobody does {other:?}"),
        }
    }

    fn write_config(&mut self, place: usize, ticket: Ticket, records: &[ConfigRecord]) {
        let process = &mut self.processes[place];
        let needs_right =
            process.is_transactional && records.iter().any(ConfigRecord::is_privileged);
        let claim = needs_right.then(|| process.right.send(ticket));
        let records = records.iter();
        let append = Append {
            claim,
            ticket,
            life: self.processes[place].life,
            records: records
                .map(|record| (record.key(), record.value()))
                .collect(),
            arrives: !self.unlucky(),
            is_told: !self.unlucky(),
        };
        let delay = self.delay(1..30, 200..3_000);
        let process = &mut self.processes[place];
        process.writes.insert(ticket);
        process.last_append = process.last_append.max(self.now + delay);
        let delay = process.last_append - self.now;
        self.schedule(delay, place, Event::Append(append));
        let late = HerderEvent::Written(ticket, Err("Timed out waiting for future".into()));
        self.schedule(WRITE_TIMEOUT, place, Event::Herder(late));
    }

    /// Records reach the config topic, whether or not their writer still lives.
    pub(super) fn append(&mut self, place: usize, append: Append) {
        let process = &self.processes[place];
        let lives = process.is_up && process.life == append.life;
        let is_fenced = append
            .claim
            .is_some_and(|claim| claim != Some(self.topics.claims));
        let arrives = append.arrives && !(lives && process.is_cut_from_topics) && !is_fenced;
        if arrives {
            for (key, value) in append.records {
                let topics = &mut self.topics;
                let offset = topics.config.len();
                topics.truth.take(offset, &key, value.as_deref());
                topics.config.push((key, value));
            }
            for reader in 0..self.processes.len() {
                self.read_config_soon(reader);
            }
        }
        if !lives {
            return;
        }
        if arrives && append.is_told {
            let end = self.topics.config.len();
            let waiting = Waiting::Written(append.ticket);
            self.processes[place].reads.waiting.push((end, waiting));
        } else {
            let delay = self.millis(1..2_000);
            let failed = HerderEvent::Written(append.ticket, Err("the broker is gone".into()));
            self.schedule(delay, place, Event::Herder(failed));
        }
    }

    pub(super) fn start_reading(&mut self, place: usize) {
        self.tell_of_starts(place);
        self.read_config_soon(place);
        for partition in 0..PARTITIONS {
            self.read_status_soon(place, partition);
        }
    }

    /// The worker reaches the topics again.
    pub(super) fn reach_topics(&mut self, place: usize) {
        let process = &mut self.processes[place];
        process.is_cut_from_topics = false;
        if !process.is_up {
            return;
        }
        for ticket in std::mem::take(&mut process.reads.unasked) {
            self.write(place, Action::ReadConfig(ticket));
        }
        self.start_reading(place);
        self.write_statuses_soon(place);
    }

    fn read_config_soon(&mut self, place: usize) {
        let delay = self.delay(1..40, 200..4_000);
        let process = &mut self.processes[place];
        let is_behind = process.reads.config < self.topics.config.len();
        let reads = process.is_up && !process.is_cut_from_topics && !process.reads.is_config_due;
        if is_behind && reads {
            process.reads.is_config_due = true;
            self.schedule(delay, place, Event::ReadConfig);
        }
    }

    fn read_status_soon(&mut self, place: usize, partition: usize) {
        let delay = self.delay(1..40, 200..2_000);
        let process = &mut self.processes[place];
        let reads = &mut process.reads;
        let is_behind = reads.status[partition] < self.topics.status[partition].len();
        let may_read = process.is_up && !process.is_cut_from_topics;
        if is_behind && may_read && !reads.is_status_due[partition] {
            reads.is_status_due[partition] = true;
            self.schedule(delay, place, Event::ReadStatus(partition));
        }
    }

    /// The next records come in.
    pub(super) fn read_config(&mut self, place: usize) {
        self.processes[place].reads.is_config_due = false;
        if self.processes[place].is_cut_from_topics {
            return;
        }
        let behind = self.topics.config.len() - self.processes[place].reads.config;
        for _ in 0..self.rng.usize(0..=behind) {
            let next = self.processes[place].reads.config;
            self.processes[place].reads.config += 1;
            let (key, value) = self.topics.config[next].clone();
            let offset = i64::try_from(next).unwrap();
            if self.has(Bug::RecordSkipped) && next % 7 == 6 {
                continue;
            }
            let read = &mut self.processes[place].read;
            read.take(next, &key, value.as_deref());
            self.herd(place, |machine, at| {
                machine.on_config_record(offset, Some(key.as_bytes()), value.as_deref(), at)
            });
        }
        self.tell_of_starts(place);
        self.tell_of_reads(place);
        self.read_config_soon(place);
    }

    pub(super) fn read_status(&mut self, place: usize, partition: usize) {
        let process = &mut self.processes[place];
        process.reads.is_status_due[partition] = false;
        if process.is_cut_from_topics {
            return;
        }
        let behind = self.topics.status[partition].len() - process.reads.status[partition];
        for _ in 0..self.rng.usize(0..=behind) {
            let next = self.processes[place].reads.status[partition];
            self.processes[place].reads.status[partition] += 1;
            let (key, value) = self.topics.status[partition][next].clone();
            self.herd(place, |machine, at| {
                machine.on_status_record(Some(key.as_bytes()), value.as_deref(), at)
            });
        }
        self.tell_of_starts(place);
        self.read_status_soon(place, partition);
    }

    /// A worker joins when it has read what was there when it came up.
    fn tell_of_starts(&mut self, place: usize) {
        let reads = &mut self.processes[place].reads;
        if !reads.has_read_config && reads.config >= reads.first_config {
            reads.has_read_config = true;
            self.herd(place, |machine, at| machine.on_config_caught_up(at));
        }
        let reads = &mut self.processes[place].reads;
        let mut status = reads.status.iter().zip(reads.first_status);
        reads.has_read_status |= status.all(|(read, first)| *read >= first);
        let process = &self.processes[place];
        let is_read = process.reads.has_read_config && process.reads.has_read_status;
        if is_read && !process.has_joined && !process.is_leaving {
            let at = self.member_moment();
            let process = &mut self.processes[place];
            process.has_joined = true;
            let wants = process.member.on_start(at);
            self.satisfy(place, wants);
        }
    }

    fn tell_of_reads(&mut self, place: usize) {
        let reads = &mut self.processes[place].reads;
        let read = reads.config;
        let waiting = std::mem::take(&mut reads.waiting);
        let (done, rest) = waiting.into_iter().partition(|(end, _)| *end <= read);
        reads.waiting = rest;
        let done: Vec<(usize, Waiting)> = done;
        for (_, waiting) in done {
            let event = match waiting {
                Waiting::Written(ticket) => HerderEvent::Written(ticket, Ok(())),
                Waiting::Read(ticket) => HerderEvent::ReadToEnd(ticket),
            };
            let delay = self.millis(0..4);
            self.schedule(delay, place, Event::Herder(event));
        }
    }

    fn enter(&mut self, place: usize, entry: Entry) {
        self.processes[place].journal.push_back(entry);
        self.write_statuses_soon(place);
    }

    fn write_statuses_soon(&mut self, place: usize) {
        let delay = self.delay(1..20, 100..1_500);
        let process = &mut self.processes[place];
        let writes = !process.is_cut_from_topics && !process.is_journal_due;
        if writes && !process.journal.is_empty() {
            process.is_journal_due = true;
            self.schedule(delay, place, Event::WriteStatuses);
        }
    }

    pub(super) fn write_statuses(&mut self, place: usize) {
        let process = &mut self.processes[place];
        process.is_journal_due = false;
        if process.is_cut_from_topics {
            return;
        }
        for entry in std::mem::take(&mut process.journal) {
            match entry {
                Entry::Record(record) => {
                    let key = record.key();
                    let partition = key.bytes().map(usize::from).sum::<usize>() % PARTITIONS;
                    self.topics.status[partition].push((key, record.value()));
                    for reader in 0..self.processes.len() {
                        self.read_status_soon(reader, partition);
                    }
                }
                Entry::Mark(ticket) => {
                    let delay = self.millis(0..4);
                    let flushed = HerderEvent::Flushed(ticket);
                    self.schedule(delay, place, Event::Herder(flushed));
                }
            }
        }
    }
}

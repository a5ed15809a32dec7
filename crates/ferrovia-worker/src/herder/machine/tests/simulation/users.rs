//! Those who ask: users, and workers that ask their leader. Who is sent elsewhere goes there, as REST does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::World;
use super::trouble::{Event, HerderEvent};
use crate::config::mac_algorithm::MacAlgorithm;
use crate::config::{InitialState, Settings};
use crate::herder::catalog::ConnectorCatalog;
use crate::herder::machine::{ForwardFailure, RequestId, Ticket};
use crate::herder::request::{Change, HerderError, Outcome, Signature};
use crate::herder::testing::Catalog;
use crate::herder::validation::{Admission, GivenSettings};
use crate::signature;
use crate::storage::config::SessionKey;

/// A request that is not answered.
pub(super) struct Open {
    change: Change,
    origin: Origin,
    /// How often it may still be sent on.
    hops: u32,
    pub(super) place: usize,
    /// The life of the worker that has it, once it got there.
    pub(super) life: Option<u32>,
    pub(super) since: Duration,
    before: Before,
}

/// What there was when a user asked.
#[derive(Clone)]
struct Before {
    /// How many records the config topic had.
    records: usize,
    /// What is to be restarted, and how often it had been begun.
    starts: Option<(String, u32)>,
}

#[derive(Clone, Copy)]
enum Origin {
    User,
    Worker(usize, u32, Ticket),
}

type Answer = Result<Outcome, HerderError>;

/// How often a request is sent on.
const HOPS: u32 = 2;
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

impl World {
    /// What a user may want.
    pub(super) fn whim(&mut self) -> Change {
        let name = (*self.rng.choice(&NAMES).unwrap()).to_owned();
        match self.rng.u32(0..22) {
            0..=4 => Change::Create {
                settings: self.wanted_settings(&name),
                initial_state: match self.rng.u32(0..6) {
                    0 => Some(InitialState::Paused),
                    1 => Some(InitialState::Stopped),
                    _ => None,
                },
                name,
            },
            5..=7 => Change::Put {
                settings: self.wanted_settings(&name),
                name,
            },
            8 => {
                let file = self.rng.u32(0..1_000).to_string();
                let patch = GivenSettings::from([("file".to_owned(), Some(file))]);
                Change::Patch { name, patch }
            }
            9..=10 => Change::Delete(name),
            11..=12 => Change::Pause(name),
            13..=14 => Change::Resume(name),
            15 => Change::Stop(name),
            16..=17 => Change::Restart(name),
            18 => Change::RestartTask {
                connector: name,
                task: self.rng.i32(0..2),
            },
            19..=20 => Change::RestartMany {
                name,
                only_failed: self.rng.bool(),
                include_tasks: self.rng.bool(),
            },
            _ => Change::ResetTopics(name),
        }
    }

    pub(super) fn creation(&mut self, name: usize) -> Change {
        Change::Create {
            name: NAMES[name].to_owned(),
            settings: self.wanted_settings(NAMES[name]),
            initial_state: None,
        }
    }

    fn wanted_settings(&mut self, name: &str) -> GivenSettings {
        let (tasks, file) = (self.rng.u32(0..5), self.rng.u32(0..1_000));
        let settings = [
            ("name", name.to_owned()),
            ("connector.class", "FileStreamSink".to_owned()),
            ("topics", "t".to_owned()),
            ("tasks.max", tasks.to_string()),
            ("file", file.to_string()),
        ];
        settings
            .map(|(key, value)| (key.to_owned(), Some(value)))
            .into()
    }

    pub(super) fn user_acts(&mut self, place: usize, change: Change) {
        self.stopped_once.extend(stopped_by(&change).cloned());
        let before = self.before(&change);
        self.ask(place, change, Origin::User, (HOPS, before));
    }

    fn before(&self, change: &Change) -> Before {
        Before {
            records: self.topics.config.len(),
            starts: self.starts_of(change),
        }
    }

    fn ask(&mut self, place: usize, change: Change, origin: Origin, (hops, before): (u32, Before)) {
        self.last_request += 1;
        let open = Open {
            change,
            origin,
            hops,
            place,
            life: None,
            since: self.now,
            before,
        };
        self.requests.insert(self.last_request, open);
        let delay = self.delay(1..30, 300..3_000);
        self.schedule(delay, place, Event::Ask(self.last_request));
    }

    /// A request reaches a worker, or nobody.
    pub(super) fn ask_arrives(&mut self, id: u64) {
        let Some(open) = self.requests.get_mut(&id) else {
            return;
        };
        let (place, change) = (open.place, open.change.clone());
        let process = &mut self.processes[place];
        if !process.is_up || process.is_leaving {
            return self.finish(id, Err(HerderError::Failed("nobody is there".into())));
        }
        if process.is_frozen {
            return process.frozen.push(Event::Ask(id));
        }
        open.life = Some(process.life);
        open.since = self.now;
        self.herd(place, |machine, at| {
            machine.on_change(RequestId(id), change, at)
        });
    }

    /// A worker has answered.
    pub(super) fn answered(&mut self, place: usize, id: u64, answer: Answer) {
        let open = self.requests.get(&id);
        let open = open.unwrap_or_else(|| panic!("seed {}: {id} is answered twice", self.seed));
        assert_eq!(open.place, place, "another worker was asked");
        if let Err(HerderError::Elsewhere { url: Some(url), .. }) = &answer
            && open.hops > 0
        {
            let next = place_of(url);
            let open = self.requests.remove(&id).unwrap();
            let left = (open.hops - 1, open.before);
            return self.ask(next, open.change, open.origin, left);
        }
        self.finish(id, answer);
    }

    fn finish(&mut self, id: u64, answer: Answer) {
        let Some(open) = self.requests.remove(&id) else {
            return;
        };
        if answer.is_ok() {
            self.check_kept(&open.change, open.before.records);
            self.restarts.extend(open.before.starts);
        } else if !matches!(answer, Err(HerderError::Elsewhere { .. })) {
            self.stops_in_doubt
                .extend(stopped_by(&open.change).cloned());
        }
        if let Origin::Worker(place, life, ticket) = open.origin
            && self.processes[place].life == life
        {
            let is_lost = self.unlucky();
            let outcome = match answer {
                Ok(_) if !is_lost => Ok(()),
                Ok(_) => Err(failure(None, "the answer got lost")),
                Err(error @ HerderError::Forbidden(_)) => {
                    Err(failure(Some(403), &error.to_string()))
                }
                Err(error) => Err(failure(Some(500), &error.to_string())),
            };
            let delay = self.millis(1..30);
            let told = HerderEvent::Forwarded(ticket, outcome);
            self.schedule(delay, place, Event::Herder(told));
        }
    }

    /// Those who asked a worker that is gone notice that.
    pub(super) fn forget_requests_of(&mut self, place: usize) {
        let open = self.requests.iter();
        let lost = open.filter(|(_, open)| open.place == place && open.life.is_some());
        let lost: Vec<u64> = lost.map(|(id, _)| *id).collect();
        for id in lost {
            self.finish(id, Err(HerderError::Failed("the connection broke".into())));
        }
        // What was on its way to a frozen worker comes to nobody.
        let open = self.requests.iter();
        let waiting = open.filter(|(_, open)| open.place == place);
        let waiting: Vec<u64> = waiting.map(|(id, _)| *id).collect();
        for id in waiting {
            self.schedule(Duration::ZERO, place, Event::Ask(id));
        }
    }

    /// A worker asks its leader to write tasks.
    pub(super) fn forward(
        &mut self,
        place: usize,
        ticket: Ticket,
        url: &str,
        connector: &Arc<str>,
        tasks: Vec<BTreeMap<String, String>>,
        key: Option<SessionKey>,
    ) {
        let life = self.processes[place].life;
        if self.unlucky() {
            let lost = HerderEvent::Forwarded(ticket, Err(failure(None, "nobody answers")));
            return self.schedule(Duration::from_secs(2), place, Event::Herder(lost));
        }
        let body = connector.as_bytes().to_vec();
        let algorithm = MacAlgorithm::HmacSha256;
        let change = Change::PutTasks {
            name: connector.to_string(),
            tasks,
            signature: Signature {
                authorization: key.map(|key| signature::sign(&key.key, algorithm, &body)),
                algorithm: Some(algorithm.name().to_owned()),
                body,
            },
        };
        let origin = Origin::Worker(place, life, ticket);
        let before = self.before(&change);
        self.ask(place_of(url), change, origin, (HOPS, before));
    }

    /// Settings are always good here.
    pub(super) fn check(&mut self, place: usize, ticket: Ticket, settings: GivenSettings) {
        let delay = self.delay(1..50, 500..3_000);
        let checked = HerderEvent::Checked(ticket, settings);
        self.schedule(delay, place, Event::Herder(checked));
    }
}

pub(super) fn admission_of(settings: GivenSettings) -> Admission {
    let settings = settings.into_iter();
    let settings: BTreeMap<String, String> = settings
        .filter_map(|(key, value)| Some((key, value?)))
        .collect();
    Admission {
        name: settings["name"].as_str().into(),
        plugin: Catalog::new().connector("FileStreamSink").unwrap(),
        settings: Settings::from(settings),
        initial_state: InitialState::Running,
    }
}

/// The connector that is to be stopped.
fn stopped_by(change: &Change) -> Option<&String> {
    match change {
        Change::Stop(name)
        | Change::Create {
            name,
            initial_state: Some(InitialState::Stopped),
            ..
        } => Some(name),
        _ => None,
    }
}

fn failure(status: Option<u16>, reason: &str) -> ForwardFailure {
    ForwardFailure {
        status,
        is_retriable: true,
        reason: reason.to_owned(),
    }
}

fn place_of(url: &str) -> usize {
    let digits = url.trim_start_matches("http://w").trim_end_matches('/');
    digits.parse().unwrap()
}

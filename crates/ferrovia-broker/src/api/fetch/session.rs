//! Fetch sessions: a client names its partitions once and then only what changes; the answer
//! names only partitions that have news. A machine without IO.
//!
//! # Source
//! KIP-227; `kafka.server.FetchSession`.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;

use super::{Found, TopicKey, Wanted};

/// Sessions kept; the one unused for longest gives way (its client starts a new one).
const SESSIONS_MAX: usize = 1_000;

/// Partitions in one session; a client that wants more is served without one.
const PARTITIONS_MAX: usize = 10_000;

const NO_SESSION: i32 = 0;
const INITIAL_EPOCH: i32 = 0;
const FINAL_EPOCH: i32 = -1;

/// All sessions of the broker.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    by_id: BTreeMap<i32, Session>,
    last_id: i32,
    clock: u64,
}

#[derive(Debug)]
struct Session {
    next_epoch: i32,
    last_used: u64,
    /// In the order they are looked at.
    partitions: Vec<Cached>,
}

#[derive(Debug)]
struct Cached {
    wanted: Wanted,
    /// What the client was told last; `None` before the first answer.
    told: Option<(i64, i64)>,
}

/// The session part of a request.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) session_id: i32,
    pub(super) session_epoch: i32,
    pub(super) wanted: Vec<Wanted>,
    pub(super) forgotten: Vec<(TopicKey, i32)>,
}

/// What to look at, and under which session to answer.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) session_id: i32,
    pub(super) wanted: Vec<Wanted>,
    /// Partitions without news are left out of the answer.
    incremental: bool,
}

impl Sessions {
    /// Starts a fetch.
    ///
    /// # Errors
    /// The session is unknown, or its epoch is not the expected one.
    pub(super) fn begin(&mut self, asked: Asked) -> Result<Plan, ResponseError> {
        self.clock += 1;
        if asked.session_epoch == INITIAL_EPOCH || asked.session_epoch == FINAL_EPOCH {
            self.by_id.remove(&asked.session_id);
            let wants_session = asked.session_epoch == INITIAL_EPOCH
                && (1..=PARTITIONS_MAX).contains(&asked.wanted.len());
            let session_id = if wants_session { self.create(&asked.wanted) } else { NO_SESSION };
            return Ok(Plan { session_id, wanted: asked.wanted, incremental: false });
        }
        let session = self
            .by_id
            .get_mut(&asked.session_id)
            .ok_or(ResponseError::FetchSessionIdNotFound)?;
        if session.next_epoch != asked.session_epoch {
            return Err(ResponseError::InvalidFetchSessionEpoch);
        }
        session.next_epoch = next_epoch(session.next_epoch);
        session.last_used = self.clock;
        session.update(asked.wanted, &asked.forgotten);
        let wanted = session.partitions.iter().map(|cached| cached.wanted.clone()).collect();
        Ok(Plan { session_id: asked.session_id, wanted, incremental: true })
    }

    /// Ends a fetch: notes what the client is told, leaves out what it knows already, and moves
    /// partitions that had records behind those that had none.
    pub(super) fn finish(&mut self, plan: &Plan, found: &mut Vec<Found>) {
        let Some(session) = self.by_id.get_mut(&plan.session_id) else { return };
        let mut fed = Vec::new();
        found.retain(|found| {
            let same = |cached: &&mut Cached| {
                cached.wanted.partition == found.partition && cached.wanted.topic == found.topic
            };
            let Some(cached) = session.partitions.iter_mut().find(same) else { return true };
            let now = (found.high_watermark, found.log_start_offset);
            let news = found.error != 0 || !found.records.is_empty() || cached.told != Some(now);
            cached.told = (found.error == 0).then_some(now);
            if !found.records.is_empty() {
                fed.push((found.topic.clone(), found.partition));
            }
            news || !plan.incremental
        });
        session.partitions.sort_by_key(|cached| {
            fed.iter().any(|(topic, partition)| {
                *partition == cached.wanted.partition && *topic == cached.wanted.topic
            })
        });
    }

    fn create(&mut self, wanted: &[Wanted]) -> i32 {
        if self.by_id.len() >= SESSIONS_MAX {
            let oldest = self.by_id.iter().min_by_key(|(_, session)| session.last_used);
            if let Some(id) = oldest.map(|(id, _)| *id) {
                self.by_id.remove(&id);
            }
        }
        self.last_id = next_epoch(self.last_id);
        let partitions =
            wanted.iter().map(|wanted| Cached { wanted: wanted.clone(), told: None }).collect();
        let session = Session {
            next_epoch: next_epoch(INITIAL_EPOCH),
            last_used: self.clock,
            partitions,
        };
        self.by_id.insert(self.last_id, session);
        self.last_id
    }
}

impl Session {
    fn update(&mut self, wanted: Vec<Wanted>, forgotten: &[(TopicKey, i32)]) {
        for wanted in wanted {
            let same = |cached: &&mut Cached| {
                cached.wanted.partition == wanted.partition && cached.wanted.topic == wanted.topic
            };
            if let Some(cached) = self.partitions.iter_mut().find(same) {
                cached.wanted = wanted;
            } else if self.partitions.len() < PARTITIONS_MAX {
                self.partitions.push(Cached { wanted, told: None });
            }
        }
        self.partitions.retain(|cached| {
            !forgotten.iter().any(|(topic, partition)| {
                *partition == cached.wanted.partition && *topic == cached.wanted.topic
            })
        });
    }
}

/// Counts up and skips the numbers with a meaning of their own.
fn next_epoch(epoch: i32) -> i32 {
    epoch.checked_add(1).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use uuid::Uuid;

    use super::*;

    fn topic() -> TopicKey {
        TopicKey { name: "t".to_owned(), id: Uuid::nil() }
    }

    fn wanted(partition: i32, offset: i64) -> Wanted {
        Wanted { topic: topic(), partition, offset, leader_epoch: -1, bytes_max: 1 }
    }

    fn asked(session_id: i32, session_epoch: i32, wanted: Vec<Wanted>) -> Asked {
        Asked { session_id, session_epoch, wanted, forgotten: Vec::new() }
    }

    fn found(partition: i32, high_watermark: i64, records: &'static [u8]) -> Found {
        Found {
            topic: topic(),
            partition,
            error: 0,
            high_watermark,
            last_stable_offset: 0,
            aborted: None,
            log_start_offset: 0,
            records: if records.is_empty() { Vec::new() } else { vec![Bytes::from_static(records)] },
        }
    }

    fn partitions(found: &[Found]) -> Vec<i32> {
        found.iter().map(|found| found.partition).collect()
    }

    #[test]
    fn an_incremental_answer_names_only_news() {
        let mut sessions = Sessions::default();
        let plan = sessions.begin(asked(0, 0, vec![wanted(0, 0), wanted(1, 0)])).unwrap();
        let mut full = vec![found(0, 0, b""), found(1, 0, b"")];
        sessions.finish(&plan, &mut full);
        assert_eq!(partitions(&full), [0, 1]);
        let plan = sessions.begin(asked(plan.session_id, 1, Vec::new())).unwrap();
        assert_eq!(plan.wanted, [wanted(0, 0), wanted(1, 0)]);
        let mut news = vec![found(0, 0, b""), found(1, 3, b"r")];
        sessions.finish(&plan, &mut news);
        assert_eq!(partitions(&news), [1]);
        let plan = sessions.begin(asked(plan.session_id, 2, vec![wanted(1, 3)])).unwrap();
        let mut none = vec![found(0, 0, b""), found(1, 3, b"")];
        sessions.finish(&plan, &mut none);
        assert_eq!(partitions(&none), [0; 0]);
    }

    #[test]
    fn partitions_that_were_served_move_back() {
        let mut sessions = Sessions::default();
        let plan = sessions.begin(asked(0, 0, vec![wanted(0, 0), wanted(1, 0)])).unwrap();
        sessions.finish(&plan, &mut vec![found(0, 1, b"r"), found(1, 1, b"")]);
        let plan = sessions.begin(asked(plan.session_id, 1, Vec::new())).unwrap();
        assert_eq!(plan.wanted, [wanted(1, 0), wanted(0, 0)]);
    }

    #[test]
    fn forgotten_partitions_are_not_looked_at_again() {
        let mut sessions = Sessions::default();
        let id = sessions.begin(asked(0, 0, vec![wanted(0, 0), wanted(1, 0)])).unwrap().session_id;
        let forget = Asked { forgotten: vec![(topic(), 0)], ..asked(id, 1, Vec::new()) };
        assert_eq!(sessions.begin(forget).unwrap().wanted, [wanted(1, 0)]);
    }

    #[test]
    fn a_wrong_epoch_or_unknown_session_is_refused() {
        let mut sessions = Sessions::default();
        let id = sessions.begin(asked(0, 0, vec![wanted(0, 0)])).unwrap().session_id;
        let skipped = sessions.begin(asked(id, 2, Vec::new())).unwrap_err();
        assert_eq!(skipped, ResponseError::InvalidFetchSessionEpoch);
        let unknown = sessions.begin(asked(id + 1, 1, Vec::new())).unwrap_err();
        assert_eq!(unknown, ResponseError::FetchSessionIdNotFound);
        assert_eq!(sessions.begin(asked(id, -1, Vec::new())).unwrap().session_id, NO_SESSION);
        let closed = sessions.begin(asked(id, 1, Vec::new())).unwrap_err();
        assert_eq!(closed, ResponseError::FetchSessionIdNotFound);
    }

    #[test]
    fn sessions_are_bounded() {
        let mut sessions = Sessions::default();
        for _ in 0..SESSIONS_MAX + 10 {
            sessions.begin(asked(0, 0, vec![wanted(0, 0)])).unwrap();
        }
        assert_eq!(sessions.by_id.len(), SESSIONS_MAX);
    }
}

//! Fetch (key 1), versions 4–18.
//!
//! v5 log start offset, v7 sessions (KIP-227), v9 leader epochs (KIP-320), v11 rack (KIP-392),
//! v12 flexible, v13 topic ids (KIP-516), v15 replica state (KIP-903), v17 directory ids (KIP-853),
//! v18 high watermark from followers (KIP-1166). Followers do not exist here.
//!
//! An answer with nothing new is held until enough bytes arrive or the wait is over; stored
//! batches go out as they are (see [`response`]).

mod response;
mod session;

use std::ops::RangeInclusive;
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_request::FetchRequest;
use kafka_protocol::messages::fetch_response::{
    FetchResponse, FetchableTopicResponse, PartitionData,
};
use uuid::Uuid;

use super::{Answer, Api, Call};
use crate::broker::{check_leader_epoch, lock};
use crate::log::Aborted;
use crate::shape::{Shape, fixed, rows, text, values};
use crate::topics::Topics;
pub(crate) use session::Sessions;
use session::{Asked, Plan};

/// See the module.
pub(crate) struct Fetch;

const TOP_LEVEL_ERROR_SINCE: i16 = 7;
const READ_COMMITTED: i8 = 1;

/// Longest time an answer is held, whatever the client asks.
const WAIT_MAX: Duration = Duration::from_secs(300);

/// A topic as a request names it: by name up to version 12, by id from version 13 on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct TopicKey {
    name: String,
    id: Uuid,
}

/// One partition that a client wants to read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    topic: TopicKey,
    partition: i32,
    offset: i64,
    leader_epoch: i32,
    bytes_max: usize,
}

/// What was found for one wanted partition.
#[derive(Debug)]
struct Found {
    topic: TopicKey,
    partition: i32,
    error: i16,
    high_watermark: i64,
    last_stable_offset: i64,
    log_start_offset: i64,
    /// For clients that read committed records only.
    aborted: Option<Vec<Aborted>>,
    records: Vec<Bytes>,
}

impl Found {
    fn bytes(&self) -> usize {
        self.records.iter().map(Bytes::len).sum()
    }
}

impl Api for Fetch {
    type Request = FetchRequest;
    const VERSIONS: RangeInclusive<i16> = 4..=18;
    const SHAPE: Shape = Shape {
        flexible_from: 12,
        fields: &[
            fixed(4).until(14),
            fixed(4),
            fixed(4),
            fixed(4),
            fixed(1),
            fixed(4).since(7),
            fixed(4).since(7),
            rows(&[
                text().until(12),
                fixed(16).since(13),
                rows(&[
                    fixed(4),
                    fixed(4).since(9),
                    fixed(8),
                    fixed(4).since(12),
                    fixed(8).since(5),
                    fixed(4),
                ]),
            ]),
            rows(&[text().until(12), fixed(16).since(13), values(&fixed(4))]).since(7),
            text().since(11),
        ],
    };

    async fn answer(call: &Call, request: FetchRequest) -> Answer<FetchResponse> {
        let limits = Limits::of(call, &request);
        let plan = match lock(&call.broker.sessions).begin(asked(request)) {
            Ok(plan) => plan,
            Err(error) => return Answer::Encoded(response::failed(call.version, error.code())),
        };
        let mut found = wait(call, &plan, &limits).await;
        lock(&call.broker.sessions).finish(&plan, &mut found);
        Answer::Encoded(response::encode(call.version, plan.session_id, found))
    }

    fn refuse(call: &Call, request: FetchRequest, error: i16) -> FetchResponse {
        let names_nothing = request.topics.is_empty() && call.version >= TOP_LEVEL_ERROR_SINCE;
        let topics = request.topics.into_iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| {
                PartitionData::default()
                    .with_partition_index(partition.partition)
                    .with_error_code(error)
                    .with_high_watermark(-1)
                    .with_records(Some(Bytes::new()))
            });
            FetchableTopicResponse::default()
                .with_partitions(partitions.collect())
                .with_topic(topic.topic)
                .with_topic_id(topic.topic_id)
        });
        FetchResponse::default()
            .with_error_code(if names_nothing { error } else { 0 })
            .with_responses(topics.collect())
    }
}

/// How much and how long.
#[derive(Debug)]
struct Limits {
    bytes_min: usize,
    bytes_max: usize,
    wait: Duration,
    /// Only what is committed.
    committed: bool,
}

impl Limits {
    fn of(call: &Call, request: &FetchRequest) -> Self {
        let wait = u64::try_from(request.max_wait_ms).unwrap_or_default();
        let bytes_max = usize::try_from(request.max_bytes).unwrap_or_default();
        Self {
            bytes_min: usize::try_from(request.min_bytes).unwrap_or_default().min(bytes_max),
            bytes_max: bytes_max.min(call.broker.config.fetch_bytes_max),
            wait: Duration::from_millis(wait).min(WAIT_MAX),
            committed: request.isolation_level == READ_COMMITTED,
        }
    }
}

fn asked(request: FetchRequest) -> Asked {
    let wanted = request.topics.into_iter().flat_map(|topic| {
        let key = TopicKey { name: topic.topic.to_string(), id: topic.topic_id };
        topic.partitions.into_iter().map(move |partition| Wanted {
            topic: key.clone(),
            partition: partition.partition,
            offset: partition.fetch_offset,
            leader_epoch: partition.current_leader_epoch,
            bytes_max: usize::try_from(partition.partition_max_bytes).unwrap_or_default(),
        })
    });
    let forgotten = request.forgotten_topics_data.into_iter().flat_map(|topic| {
        let key = TopicKey { name: topic.topic.to_string(), id: topic.topic_id };
        topic.partitions.into_iter().map(move |partition| (key.clone(), partition))
    });
    Asked {
        session_id: request.session_id,
        session_epoch: request.session_epoch,
        wanted: wanted.collect(),
        forgotten: forgotten.collect(),
    }
}

/// Looks until there is enough to send, something is wrong, or the time is up.
async fn wait(call: &Call, plan: &Plan, limits: &Limits) -> Vec<Found> {
    let deadline = tokio::time::Instant::now() + limits.wait;
    loop {
        let appended = call.broker.appended.notified();
        tokio::pin!(appended);
        // Registered before looking: an append in between is not missed.
        appended.as_mut().enable();
        let found = look(&lock(&call.broker.topics), plan, limits);
        let bytes: usize = found.iter().map(Found::bytes).sum();
        let ready = bytes >= limits.bytes_min || found.iter().any(|found| found.error != 0);
        if ready || limits.wait.is_zero() {
            return found;
        }
        tokio::select! {
            () = appended => {}
            () = tokio::time::sleep_until(deadline) => return found,
        }
    }
}

fn look(topics: &Topics, plan: &Plan, limits: &Limits) -> Vec<Found> {
    let mut left = limits.bytes_max;
    let mut nothing_yet = true;
    let look_at = |wanted: &Wanted| {
        let mut found = Found {
            topic: wanted.topic.clone(),
            partition: wanted.partition,
            error: 0,
            high_watermark: -1,
            last_stable_offset: -1,
            log_start_offset: -1,
            aborted: None,
            records: Vec::new(),
        };
        match read(topics, wanted, limits.committed, (left, nothing_yet), &mut found) {
            Ok(()) => {
                let bytes = found.bytes();
                left = left.saturating_sub(bytes);
                nothing_yet &= bytes == 0;
            }
            Err(error) => found.error = error.code(),
        }
        found
    };
    plan.wanted.iter().map(look_at).collect()
}

fn read(
    topics: &Topics,
    wanted: &Wanted,
    committed: bool,
    (bytes_left, at_least_one): (usize, bool),
    found: &mut Found,
) -> Result<(), ResponseError> {
    let name = if wanted.topic.name.is_empty() {
        topics.name_of(wanted.topic.id).ok_or(ResponseError::UnknownTopicId)?
    } else {
        &wanted.topic.name
    };
    let log = topics
        .get(name)
        .and_then(|topic| topic.partition(wanted.partition))
        .ok_or(ResponseError::UnknownTopicOrPartition)?;
    check_leader_epoch(wanted.leader_epoch)?;
    let bytes_max = wanted.bytes_max.min(bytes_left);
    let stable = log.last_stable_offset();
    let until = if committed { stable } else { log.end_offset() };
    let slice = log.read_until(wanted.offset, until, bytes_max, at_least_one)?;
    found.aborted = committed.then(|| log.aborted(wanted.offset, slice.end_offset));
    found.records = slice.records;
    found.high_watermark = log.end_offset();
    found.last_stable_offset = stable;
    found.log_start_offset = log.start_offset();
    Ok(())
}

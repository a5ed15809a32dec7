//! The task that keeps the metadata fresh: waits until it is due, asks a broker, publishes.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{MetadataRequest, MetadataResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::Core;
use super::metadata::{MetadataView, TopicSelection};
use super::nodes::Purpose;
use super::schedule::RefreshSchedule;
use crate::error::ClientError;
use crate::net::Connection;
use crate::wire::error_code::ErrorCode;

/// Runs until it is aborted.
pub(super) async fn keep_fresh(core: Arc<Core>) {
    let settings = &core.settings;
    let mut schedule = RefreshSchedule::new(
        settings.metadata_max_age,
        settings.retry_backoff,
        settings.retry_backoff_max,
        Instant::now(),
    );
    loop {
        tokio::select! {
            () = sleep_until(schedule.due()) => {}
            () = core.wake.notified() => {
                schedule.on_request(Instant::now());
                continue;
            }
            () = core.awaited.notified() => {
                schedule.on_wait(Instant::now());
                continue;
            }
        }
        let attempt = core.attempts_started.fetch_add(1, Ordering::SeqCst) + 1;
        let wanted = core.wanted();
        let outcome = ask_somebody(&core, &wanted).await;
        let (now, random) = (Instant::now(), fastrand::f64());
        match outcome {
            Ok(answer) => {
                let incomplete = publish(&core, &answer, &wanted, attempt);
                schedule.on_answer(incomplete, now, random);
            }
            Err(error) => {
                warn!(%error, "metadata could not be refreshed");
                schedule.on_failure(now, random);
                core.state.send_modify(|state| {
                    state.attempts = attempt;
                    state.failure = Some(error);
                });
            }
        }
    }
}

/// Makes the answer known. Tells whether something wanted is still missing.
fn publish(core: &Core, answer: &MetadataResponse, wanted: &TopicSelection, attempt: u64) -> bool {
    let known = Arc::clone(&core.state.borrow().view);
    let next = known.after(answer, wanted).map(Arc::new);
    if let Some(next) = &next {
        note_changes(&known, next);
        core.nodes
            .retain_brokers(|id| next.brokers.contains_key(&id));
    }
    let view = next.unwrap_or(known);
    let incomplete = view.is_incomplete(wanted);
    core.state.send_modify(|state| {
        state.view = view;
        state.attempts = attempt;
        state.failure = None;
    });
    incomplete
}

fn note_changes(known: &MetadataView, next: &MetadataView) {
    match (&known.cluster_id, &next.cluster_id) {
        (Some(old), Some(new)) if old != new => {
            warn!(%old, %new, "the brokers belong to another cluster than before");
        }
        (None, Some(id)) => info!(cluster_id = %id, brokers = next.brokers.len(), "cluster found"),
        _ => {}
    }
    for (name, topic) in &next.topics {
        let before = known.topics.get(name).map(|topic| topic.topic_id);
        if before.is_some_and(|id| !id.is_nil() && id != topic.topic_id) {
            warn!(topic = %name, "topic was deleted and made again, its offsets start over");
        }
    }
}

/// Asks the known brokers in random order, and then, if none of them answers, the bootstrap
/// servers (KIP-899 and KIP-1102: start over rather than stay lost).
async fn ask_somebody(
    core: &Core,
    wanted: &TopicSelection,
) -> Result<MetadataResponse, ClientError> {
    let view = Arc::clone(&core.state.borrow().view);
    let mut known: Vec<i32> = view.brokers.keys().copied().collect();
    fastrand::shuffle(&mut known);
    let mut last = None;
    let brokers = known.into_iter().filter_map(|id| {
        let broker = view.brokers.get(&id)?;
        Some((Purpose::Broker(id), broker.address.clone()))
    });
    let bootstrap = core.settings.bootstrap_servers.iter().enumerate();
    let bootstrap = bootstrap.map(|(index, address)| (Purpose::Bootstrap(index), address.clone()));
    for (purpose, address) in brokers.chain(bootstrap) {
        let answer = match core.nodes.get(purpose, &address).await {
            Ok(connection) => ask(core, &connection, wanted).await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(answer) => return Ok(answer),
            Err(error) => last = Some(error),
        }
    }
    let last = last.map_or_else(
        || "there is none to try".to_owned(),
        |error| error.to_string(),
    );
    Err(ClientError::NoBroker { last: last.into() })
}

async fn ask(
    core: &Core,
    connection: &Connection,
    wanted: &TopicSelection,
) -> Result<MetadataResponse, ClientError> {
    let topics = match wanted {
        TopicSelection::All => None,
        TopicSelection::Named(names) => Some(names.iter().map(|name| {
            let name = TopicName(StrBytes::from_string(name.to_string()));
            MetadataRequestTopic::default().with_name(Some(name))
        })),
    };
    let request = MetadataRequest::default()
        .with_topics(topics.map(Iterator::collect))
        .with_allow_auto_topic_creation(core.auto_create_topics.load(Ordering::Relaxed));
    let answer = connection.call(request).await?;
    let refused = |code, detail: &str| ClientError::Refused {
        api: "Metadata",
        address: Arc::clone(connection.address()),
        code,
        detail: Some(detail.into()),
    };
    // A broker that asks for a new start is passed over; the bootstrap servers come last.
    ErrorCode(answer.error_code)
        .ok()
        .map_err(|code| refused(code, "it wants a new start"))?;
    if answer.brokers.is_empty() {
        return Err(refused(ErrorCode(8), "it names no broker at all"));
    }
    Ok(answer)
}

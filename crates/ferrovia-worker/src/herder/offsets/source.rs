//! The offsets of a source: those that its tasks have stored.
//!
//! # Source
//! `Worker.sourceConnectorOffsets`, `Worker.modifySourceConnectorOffsets` and `OffsetUtils.validateFormat` of Kafka 4.2
//! (KIP-875)

use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;

use ferrovia_client::settings::ProducerSettings;
use ferrovia_pipeline::connector::{ConnectorFactory, SourceOffsetChange};
use ferrovia_pipeline::data::Map;
use ferrovia_pipeline::error::ConnectError;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use tracing::{error, info};

use super::{Change, Refusal, Target, guarded, not_modified};
use crate::config::worker::ClientKind;
use crate::herder::request::{ConnectorOffset, HerderError};
use crate::status::TaskId;
use crate::storage::offsets::{OffsetStore, OffsetStoreError, SourceOffset, map_of_json};
use crate::task::runner::transactional_id;
use crate::task::source::ProduceSpec;

/// The offsets of a source, by the bytes of its partitions.
///
/// # Errors
/// [`HerderError::Failed`] where they cannot be read.
pub(super) async fn read(target: &Target) -> Result<Vec<ConnectorOffset>, HerderError> {
    let connector = &target.name;
    let failed = |reason: &dyn Display| {
        let text = format!("Failed to retrieve offsets for source connector {connector}");
        error!("{text}: {reason}");
        HerderError::Failed(text)
    };
    let store = store(target).map_err(|error| failed(&error))?;
    let stored = timeout_at(target.until, store.all(connector)).await;
    let stored = stored.map_err(|late| failed(&late))?;
    let stored = stored.map_err(|error| failed(&error))?;
    Ok(stored.iter().filter_map(shown).collect())
}

/// Sets the offsets of a source, those without an offset to be forgotten; `None` forgets all. Tells whether the connector
/// took care of its own.
///
/// # Errors
/// [`HerderError::Failed`] where the offsets make no sense, or the connector or its store refuses them.
pub(super) async fn modify(
    target: Target,
    offsets: Option<Vec<ConnectorOffset>>,
) -> Result<(Change, bool), HerderError> {
    let (connector, until) = (Arc::clone(&target.name), target.until);
    let store = store(&target).map_err(|error| wrapped(&connector, &error))?;
    let doing = "trying to read to the end of the offsets topic prior to modifying offsets";
    let stored = in_time(until, doing, &connector, store.all(&connector)).await?;
    let (change, wanted) = match offsets {
        Some(offsets) => {
            let wanted: Result<Vec<_>, _> = offsets.iter().map(wanted).collect();
            let wanted = wanted.map_err(|error| wrapped(&connector, &error))?;
            (Change::Alter, wanted.into_iter().flatten().collect())
        }
        None => (
            Change::Reset,
            stored.into_iter().filter_map(forgotten).collect(),
        ),
    };
    let producer = producer(&target).map_err(|error| wrapped(&connector, &error))?;
    let (is_told, wanted) = tell(target, wanted).await?;
    if wanted.is_empty() {
        info!(
            "No offsets found for source connector {connector} - this can occur due to a prior attempt to reset offsets \
             or if the source connector hasn't committed any offsets yet"
        );
        return Ok((change, is_told));
    }
    let records = wanted.into_iter();
    let records = records
        .map(|change| (change.partition, change.offset))
        .collect();
    let doing = "attempting to modify offsets";
    let write = async {
        match producer {
            Some(producer) => {
                let written = store.write_in_transaction(&connector, records, producer);
                written.await
            }
            None => store.write(&connector, records).await,
        }
    };
    in_time(until, doing, &connector, write).await?;
    Ok((change, is_told))
}

/// Where sources are exactly once, the producer of the connector's first task: no such task writes behind a change.
///
/// # Source
/// `Worker.exactlyOnceSourceTaskProducerConfigs`
fn producer(target: &Target) -> Result<Option<ProducerSettings>, ConnectError> {
    let Some(group) = &target.exactly_once_group else {
        return Ok(None);
    };
    let task = TaskId::new(Arc::clone(&target.name), 0);
    let client = format!("connector-producer-{task}");
    let properties = target.client_properties(ClientKind::Producer, client);
    let spec = ProduceSpec::in_transactions(properties, None, transactional_id(group, &task))?;
    Ok(Some(spec.options.producer))
}

fn store(target: &Target) -> Result<OffsetStore, ConnectError> {
    target.sources.of_connector(&target.config, &target.name)
}

/// Waits for the store, until the request's time is up.
async fn in_time<T>(
    until: Instant,
    doing: &str,
    connector: &str,
    work: impl Future<Output = Result<T, OffsetStoreError>>,
) -> Result<T, HerderError> {
    match timeout_at(until, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(OffsetStoreError::Data(error))) => Err(wrapped(connector, &error)),
        Ok(Err(error)) => Err(not_modified("source", connector, &error.to_string())),
        Err(_late) => {
            let text = format!("Timed out while {doing} for source connector {connector}");
            error!("{text}");
            Err(HerderError::Failed(text))
        }
    }
}

/// What is a `ConnectException` in Java reaches the user as it is.
fn wrapped(connector: &str, error: &ConnectError) -> HerderError {
    let reason = error.to_string();
    match error.class().starts_with("org.apache.kafka.connect.") {
        true => {
            error!("Failed to modify offsets for source connector {connector}: {reason}");
            HerderError::Failed(reason)
        }
        false => not_modified("source", connector, &reason),
    }
}

/// An offset as users see it. What is stored and is no offset is left out.
fn shown(stored: &SourceOffset) -> Option<ConnectorOffset> {
    match stored.to_json() {
        Ok((partition, offset)) => Some(ConnectorOffset {
            partition: serde_json::from_slice(&partition).ok()?,
            offset: serde_json::from_slice(&offset).ok()?,
        }),
        Err(error) => {
            error!("CRITICAL: Failed to deserialize offset data when getting offsets: {error}");
            None
        }
    }
}

/// What a user wants, as it will be read again. `None` for an offset of no partition that is to be forgotten, which there
/// is none of.
fn wanted(offset: &ConnectorOffset) -> Result<Option<SourceOffsetChange>, ConnectError> {
    let ConnectorOffset { partition, offset } = offset;
    let (partition, offset) = (map(partition)?, map(offset)?);
    match (partition, offset) {
        (Some(partition), offset) => Ok(Some(SourceOffsetChange { partition, offset })),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(ConnectError::failed("Partition objects cannot be null")),
    }
}

fn map(value: &Value) -> Result<Option<Map<'static>>, ConnectError> {
    let Value::Object(fields) = value else {
        return Ok(None);
    };
    for (key, value) in fields {
        if let Value::Number(number) = value
            && number.is_u64()
            && !number.is_i64()
        {
            return Err(ConnectError::data(format!(
                "Offsets may only contain primitive types as values, but field {key} contains class java.math.BigInteger"
            )));
        }
    }
    map_of_json(value.to_string().as_bytes()).map(Some)
}

fn forgotten(stored: SourceOffset) -> Option<SourceOffsetChange> {
    let ferrovia_pipeline::data::Value::Map(partition) = stored.partition else {
        return None;
    };
    Some(SourceOffsetChange {
        partition,
        offset: None,
    })
}

/// Lets the connector's code have its say. Tells whether it took care of the offsets.
async fn tell(
    target: Target,
    offsets: Vec<SourceOffsetChange>,
) -> Result<(bool, Vec<SourceOffsetChange>), HerderError> {
    let connector = Arc::clone(&target.name);
    let told = guarded("source", &connector, target.until, move || {
        let told = match target.plugin.factory {
            ConnectorFactory::Source(make) => {
                make().alter_offsets(target.config.originals.as_map(), &offsets)
            }
            _ => Err(ConnectError::failed("this is not a source")),
        };
        told.map(|is_told| (is_told, offsets))
            .map_err(|error| Refusal::new(&error, &target.redactor))
    });
    told.await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn steps_of_a_change_have_one_deadline() {
        let until = Instant::now();
        assert_eq!(
            in_time(until, "reading", "c", async { Ok(()) }).await,
            Ok(())
        );
        let step = std::future::pending::<Result<(), _>>();
        let late = HerderError::Failed("Timed out while writing for source connector c".to_owned());
        assert_eq!(in_time(until, "writing", "c", step).await, Err(late));
    }
}

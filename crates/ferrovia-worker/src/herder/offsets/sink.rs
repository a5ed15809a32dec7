//! The offsets of a sink: those of its consumer group.
//!
//! What users write is read by `positions`, the group is asked by `group`.
//!
//! # Source
//! `Worker.sinkConnectorOffsets` and `Worker.modifySinkConnectorOffsets` of Kafka 4.2 (KIP-875)

use std::sync::Arc;

use ferrovia_pipeline::connector::ConnectorFactory;
use ferrovia_pipeline::error::ConnectError;
use tracing::error;

use super::group::{GroupFault, SinkGroup};
use super::positions::{self, Positions};
use super::{Change, Refusal, Target, guarded};
use crate::herder::request::{ConnectorOffset, HerderError};

/// The offsets of a sink by topic and partition.
///
/// # Errors
/// [`HerderError::Failed`] where the group cannot be read.
pub(super) async fn read(target: &Target) -> Result<Vec<ConnectorOffset>, HerderError> {
    let connector = &target.name;
    let client = target.admin().map_err(|reason| {
        error!(
            "Failed to retrieve consumer group offsets for sink connector {connector}: {reason}"
        );
        HerderError::Failed("Failed create new KafkaAdminClient".to_owned())
    })?;
    let listed = SinkGroup::new(client, group_id(target)).list().await;
    let listed = listed.map_err(|cause| {
        let text =
            format!("Failed to retrieve consumer group offsets for sink connector {connector}");
        failed(text, &cause)
    })?;
    Ok(positions::shown(&listed))
}

/// Sets the offsets of a sink, those without an offset to be forgotten; `None` forgets all. Tells whether the connector
/// took care of its own.
///
/// # Errors
/// [`HerderError::BadRequest`] where the offsets make no sense, [`HerderError::Failed`] where the connector or the group
/// refuses them.
pub(super) async fn modify(
    target: Target,
    offsets: Option<Vec<ConnectorOffset>>,
) -> Result<(Change, bool), HerderError> {
    let connector = Arc::clone(&target.name);
    let client = target
        .admin()
        .map_err(|reason| not_modified(&connector, &reason))?;
    let group = SinkGroup::new(client, group_id(&target));
    let (change, positions) = match offsets {
        Some(offsets) => (Change::Alter, positions::parse(&offsets)?),
        None => (Change::Reset, known(&group, &connector).await?),
    };
    let (is_told, positions) = tell(target, positions).await?;
    match change {
        Change::Alter => alter(&group, &connector, &positions).await?,
        Change::Reset => reset(&group, &connector).await?,
    }
    Ok((change, is_told))
}

fn group_id(target: &Target) -> Arc<str> {
    target.config.group_id(&target.worker).into()
}

/// All partitions that the group has offsets of, each to be forgotten.
async fn known(group: &SinkGroup, connector: &str) -> Result<Positions, HerderError> {
    let listed = group.list().await.map_err(|cause| {
        let text = format!(
            "Failed to list offsets prior to resetting offsets for sink connector {connector}"
        );
        failed(text, &cause)
    })?;
    Ok(listed
        .into_keys()
        .map(|partition| (partition, None))
        .collect())
}

/// Lets the connector's code have its say. Tells whether it took care of the offsets.
async fn tell(target: Target, positions: Positions) -> Result<(bool, Positions), HerderError> {
    let connector = Arc::clone(&target.name);
    let told = guarded("sink", &connector, target.until, move || {
        let told = match target.plugin.factory {
            ConnectorFactory::Sink(make) => {
                make().alter_offsets(target.config.originals.as_map(), &positions)
            }
            _ => Err(ConnectError::failed("this is not a sink")),
        };
        told.map(|is_told| (is_told, positions))
            .map_err(|error| Refusal::new(&error, &target.redactor))
    });
    told.await
}

async fn alter(
    group: &SinkGroup,
    connector: &str,
    positions: &Positions,
) -> Result<(), HerderError> {
    let negative = |offset: &Option<i64>| offset.is_some_and(|offset| offset < 0);
    if positions.values().any(negative) {
        // Java finds out so late, and says no more.
        return Err(not_modified(connector, "Invalid negative offset"));
    }
    group.alter(positions).await.map_err(|cause| {
        let text = format!("Failed to alter consumer group offsets for connector {connector}");
        match cause.has_members() {
            true => failed(format!("{text}{}", still_busy("alter")), &cause),
            false => failed(text, &cause),
        }
    })
}

async fn reset(group: &SinkGroup, connector: &str) -> Result<(), HerderError> {
    group
        .delete()
        .await
        .map_err(|cause| match cause.has_members() {
            true => {
                let text =
                    format!("Failed to reset consumer group offsets for connector {connector}");
                failed(format!("{text}{}", still_busy("reset")), &cause)
            }
            false => {
                let text = format!(
                    "Failed to reset consumer group offsets for sink connector {connector}"
                );
                failed(text, &cause)
            }
        })
}

/// Why a group may have members that should have none, and what to do.
fn still_busy(verb: &str) -> String {
    format!(
        " either because its tasks haven't stopped completely yet or the connector was resumed before the request to \
         {verb} its offsets could be successfully completed. If the connector is in a stopped state, this operation can \
         be safely retried. If it doesn't eventually succeed, the Connect cluster may need to be restarted to get rid of \
         the zombie sink tasks."
    )
}

/// The user gets the text, and the log the cause as well.
fn failed(text: String, cause: &GroupFault) -> HerderError {
    error!("{text}: {cause}");
    HerderError::Failed(text)
}

fn not_modified(connector: &str, reason: &str) -> HerderError {
    super::not_modified("sink", connector, reason)
}

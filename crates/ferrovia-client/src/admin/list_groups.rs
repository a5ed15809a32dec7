//! Which groups there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_protocol::messages::ListGroupsRequest;

use crate::cluster::Cluster;
use crate::error::ClientError;
use crate::wire::error_code::ErrorCode;

/// The groups that the brokers have told of, and why some did not tell.
#[derive(Debug, Clone, Default)]
pub struct GroupListing {
    /// The groups by id.
    pub groups: BTreeMap<String, ListedGroup>,
    /// The last broker's error: groups may be missing.
    pub failure: Option<ClientError>,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedGroup {
    /// What its members are: `consumer`, `connect`, or empty where it never had any.
    pub protocol_type: String,
    /// Its state in Kafka's words, as `Stable` or `Empty`.
    pub state: String,
}

/// Asks every broker for the groups that it coordinates, once.
///
/// # Errors
/// No broker could be found.
///
/// # Source
/// `Admin.listGroups` (KIP-518)
pub async fn list_groups(cluster: &Cluster) -> Result<GroupListing, ClientError> {
    let metadata = cluster.refresh().await?;
    let mut listing = GroupListing::default();
    for node_id in metadata.brokers.keys() {
        match list_at(cluster, *node_id).await {
            Ok(groups) => listing.groups.extend(groups),
            Err(error) => listing.failure = Some(error),
        }
    }
    Ok(listing)
}

async fn list_at(
    cluster: &Cluster,
    node_id: i32,
) -> Result<Vec<(String, ListedGroup)>, ClientError> {
    let connection = cluster.node(node_id).await?;
    let answer = connection.call(ListGroupsRequest::default()).await?;
    ErrorCode(answer.error_code)
        .ok()
        .map_err(|code| ClientError::Refused {
            api: "ListGroups",
            address: Arc::clone(connection.address()),
            code,
            detail: None,
        })?;
    let groups = answer.groups.into_iter().map(|group| {
        let listed = ListedGroup {
            protocol_type: group.protocol_type.to_string(),
            state: group.group_state.to_string(),
        };
        (group.group_id.to_string(), listed)
    });
    Ok(groups.collect())
}

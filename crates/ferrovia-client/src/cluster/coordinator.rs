//! Which broker coordinates a group.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use kafka_protocol::messages::FindCoordinatorRequest;
use kafka_protocol::protocol::StrBytes;

use super::Cluster;
use super::nodes::Purpose;
use crate::error::ClientError;
use crate::net::Connection;
use crate::settings::BrokerAddress;
use crate::wire::error_code::ErrorCode;

/// The coordinators found so far.
#[derive(Debug, Default)]
pub(super) struct Coordinators {
    by_group: Mutex<BTreeMap<Arc<str>, (i32, BrokerAddress)>>,
}

impl Coordinators {
    fn get(&self, group: &str) -> Option<(i32, BrokerAddress)> {
        self.by_group
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(group)
            .cloned()
    }

    fn set(&self, group: &str, found: (i32, BrokerAddress)) {
        let mut by_group = self.by_group.lock().unwrap_or_else(PoisonError::into_inner);
        // Groups come from configurations and number few; past the limit they are looked up anew.
        if by_group.len() >= GROUP_LIMIT {
            by_group.clear();
        }
        by_group.insert(group.into(), found);
    }

    fn forget(&self, group: &str) {
        self.by_group
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(group);
    }
}

impl Cluster {
    /// A connection to the coordinator of a group, apart from those for data. The coordinator is
    /// looked up once; call [`Cluster::forget_coordinator`] when it turns out to be another.
    ///
    /// # Errors
    /// [`ClientError::Refused`] when there is no coordinator (retriable) or the client may not ask;
    /// else those of a connection.
    pub async fn coordinator(&self, group: &str) -> Result<Connection, ClientError> {
        let (node_id, address) = match self.core.coordinators.get(group) {
            Some(found) => found,
            None => self.find_coordinator(group).await?,
        };
        let made = self
            .core
            .nodes
            .get(Purpose::Coordinator(node_id), &address)
            .await;
        if made.is_err() {
            // It may have moved away from the broker that is down.
            self.forget_coordinator(group);
        }
        made
    }

    /// Looks the coordinator up again at the next call.
    pub fn forget_coordinator(&self, group: &str) {
        self.core.coordinators.forget(group);
    }

    async fn find_coordinator(&self, group: &str) -> Result<(i32, BrokerAddress), ClientError> {
        let connection = self.any_node().await?;
        let key = StrBytes::from_string(group.to_owned());
        let answer = connection
            .call(FindCoordinatorRequest::default().with_key(key))
            .await?;
        let refused = |code, detail: Option<Arc<str>>| ClientError::Refused {
            api: "FindCoordinator",
            address: Arc::clone(connection.address()),
            code,
            detail,
        };
        ErrorCode(answer.error_code).ok().map_err(|code| {
            refused(
                code,
                answer
                    .error_message
                    .as_ref()
                    .map(|text| text.as_str().into()),
            )
        })?;
        let unusable = || refused(ErrorCode::COORDINATOR_NOT_AVAILABLE, None);
        let port = u16::try_from(answer.port).ok().filter(|port| *port > 0);
        let host = Some(answer.host.as_str()).filter(|host| !host.is_empty());
        let (Some(host), Some(port)) = (host, port) else {
            return Err(unusable());
        };
        let found = (
            answer.node_id.0,
            BrokerAddress {
                host: host.into(),
                port,
            },
        );
        self.core.coordinators.set(group, found.clone());
        Ok(found)
    }
}

/// Groups whose coordinator is remembered.
const GROUP_LIMIT: usize = 10_000;

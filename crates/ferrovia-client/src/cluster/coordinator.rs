//! Which broker coordinates a group or a transactional id.

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
    by_key: Mutex<BTreeMap<Key, Found>>,
}

type Key = (Kind, Arc<str>);
type Found = (i32, BrokerAddress);

/// What a coordinator is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Group,
    Transaction,
}

impl Kind {
    fn wire_value(self) -> i8 {
        match self {
            Self::Group => 0,
            Self::Transaction => 1,
        }
    }
}

impl Coordinators {
    fn get(&self, kind: Kind, key: &str) -> Option<(i32, BrokerAddress)> {
        self.by_key
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&(kind, Arc::from(key)))
            .cloned()
    }

    fn set(&self, kind: Kind, key: &str, found: (i32, BrokerAddress)) {
        let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        // Keys come from configurations and number few; past the limit they are looked up anew.
        if by_key.len() >= KEY_LIMIT {
            by_key.clear();
        }
        by_key.insert((kind, key.into()), found);
    }

    fn forget(&self, kind: Kind, key: &str) {
        self.by_key
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&(kind, Arc::from(key)));
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
        self.coordinator_of(Kind::Group, group).await
    }

    /// Looks the group's coordinator up again at the next call.
    pub fn forget_coordinator(&self, group: &str) {
        self.core.coordinators.forget(Kind::Group, group);
    }

    /// A connection to the coordinator of a transactional id. The coordinator is looked up once;
    /// call [`Cluster::forget_transaction_coordinator`] when it turns out to be another.
    ///
    /// # Errors
    /// As for [`Cluster::coordinator`].
    pub async fn transaction_coordinator(
        &self,
        transactional_id: &str,
    ) -> Result<Connection, ClientError> {
        self.coordinator_of(Kind::Transaction, transactional_id)
            .await
    }

    /// Looks the transactional id's coordinator up again at the next call.
    pub fn forget_transaction_coordinator(&self, transactional_id: &str) {
        self.core
            .coordinators
            .forget(Kind::Transaction, transactional_id);
    }

    async fn coordinator_of(&self, kind: Kind, key: &str) -> Result<Connection, ClientError> {
        let (node_id, address) = match self.core.coordinators.get(kind, key) {
            Some(found) => found,
            None => self.find_coordinator(kind, key).await?,
        };
        let made = self
            .core
            .nodes
            .get(Purpose::Coordinator(node_id), &address)
            .await;
        if made.is_err() {
            // It may have moved away from the broker that is down.
            self.core.coordinators.forget(kind, key);
        }
        made
    }

    async fn find_coordinator(
        &self,
        kind: Kind,
        key: &str,
    ) -> Result<(i32, BrokerAddress), ClientError> {
        let connection = self.any_node().await?;
        let request = FindCoordinatorRequest::default()
            .with_key(StrBytes::from_string(key.to_owned()))
            .with_key_type(kind.wire_value());
        let answer = connection.call(request).await?;
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
        self.core.coordinators.set(kind, key, found.clone());
        Ok(found)
    }
}

/// Groups and transactional ids whose coordinator is remembered.
const KEY_LIMIT: usize = 10_000;

//! One shared connection per broker and purpose, made when first asked for and again when lost.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until};

use crate::budget::FramePool;
use crate::error::ClientError;
use crate::net::Connection;
use crate::net::backoff::Backoff;
use crate::settings::{BrokerAddress, ClientSettings};

/// What a connection is for. Coordinators get one of their own, so that no heartbeat waits behind
/// a large answer (as in Java).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Purpose {
    /// An address the user gave, by its place in the list.
    Bootstrap(usize),
    /// A broker as such.
    Broker(i32),
    /// A broker as a group's coordinator.
    Coordinator(i32),
}

/// All shared connections of a cluster handle.
#[derive(Debug)]
pub(super) struct Nodes {
    settings: Arc<ClientSettings>,
    pool: FramePool,
    runtime: Handle,
    slots: Mutex<BTreeMap<Purpose, Arc<Slot>>>,
}

#[derive(Debug)]
struct Slot {
    /// Held while connecting, so that many callers make one attempt together.
    state: tokio::sync::Mutex<SlotState>,
}

#[derive(Debug)]
struct SlotState {
    connection: Option<(BrokerAddress, Connection)>,
    backoff: Backoff,
    /// Grows with each failure, for brokers that answer but slowly (KIP-601).
    setup_timeout: Backoff,
    not_before: Instant,
    failure: Option<(Instant, ClientError)>,
}

impl Nodes {
    /// Connections live on the current runtime, whoever asks for them.
    pub(super) fn new(settings: Arc<ClientSettings>, pool: FramePool) -> Self {
        Self {
            settings,
            pool,
            runtime: Handle::current(),
            slots: Mutex::default(),
        }
    }

    /// The open connection, or a new one. After a failure the next attempt waits its turn
    /// (`reconnect.backoff.ms`); callers that waited for a failed attempt share its error.
    pub(super) async fn get(
        &self,
        purpose: Purpose,
        address: &BrokerAddress,
    ) -> Result<Connection, ClientError> {
        let arrived = Instant::now();
        let slot = self.slot(purpose);
        let mut state = slot.state.lock().await;
        if let Some(connection) = state.open_to(address) {
            return Ok(connection);
        }
        if let Some((at, error)) = &state.failure
            && *at >= arrived
        {
            return Err(error.clone());
        }
        sleep_until(state.not_before).await;
        let setup_timeout = state.setup_timeout.next(fastrand::f64());
        let made = self.connect(address.clone(), setup_timeout).await;
        state.note(&made, address);
        made
    }

    /// An open connection to a broker, if there is one that nobody is just making.
    pub(super) fn open_broker(&self) -> Option<Connection> {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let brokers = slots
            .iter()
            .filter(|(purpose, _)| matches!(purpose, Purpose::Broker(_)));
        let mut open = brokers.filter_map(|(_, slot)| {
            let state = slot.state.try_lock().ok()?;
            let (_, connection) = state.connection.as_ref()?;
            (!connection.is_closed()).then(|| connection.clone())
        });
        open.next()
    }

    /// Forgets brokers that are not in the cluster any more; their connections close when the last
    /// user is done.
    pub(super) fn retain_brokers(&self, is_member: impl Fn(i32) -> bool) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|purpose, _| match purpose {
            Purpose::Bootstrap(_) => false,
            Purpose::Broker(id) | Purpose::Coordinator(id) => is_member(*id),
        });
    }

    fn slot(&self, purpose: Purpose) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.entry(purpose).or_insert_with(|| {
            let settings = &self.settings;
            let backoff = Backoff::new(settings.reconnect_backoff, settings.reconnect_backoff_max);
            let state = SlotState {
                connection: None,
                backoff,
                setup_timeout: Backoff::new(
                    settings.connection_setup_timeout,
                    settings.connection_setup_timeout_max,
                ),
                not_before: Instant::now(),
                failure: None,
            };
            Arc::new(Slot {
                state: tokio::sync::Mutex::new(state),
            })
        });
        Arc::clone(slot)
    }

    /// Connects on the cluster's runtime, because the caller's may end before the connection.
    async fn connect(
        &self,
        address: BrokerAddress,
        setup_timeout: Duration,
    ) -> Result<Connection, ClientError> {
        let pool = self.pool.clone();
        let settings = ClientSettings {
            connection_setup_timeout: setup_timeout,
            ..ClientSettings::clone(&self.settings)
        };
        let name: Arc<str> = address.to_string().into();
        let attempt = async move { Connection::connect(&address, &settings, pool).await };
        self.runtime.spawn(attempt).await.unwrap_or_else(|_| {
            Err(ClientError::Connect {
                address: name,
                reason: "the runtime is shutting down".into(),
            })
        })
    }
}

impl SlotState {
    fn open_to(&self, address: &BrokerAddress) -> Option<Connection> {
        let (connected_to, connection) = self.connection.as_ref()?;
        (connected_to == address && !connection.is_closed()).then(|| connection.clone())
    }

    fn note(&mut self, made: &Result<Connection, ClientError>, address: &BrokerAddress) {
        match made {
            Ok(connection) => {
                self.backoff.reset();
                self.setup_timeout.reset();
                self.failure = None;
                self.connection = Some((address.clone(), connection.clone()));
                // A broker that accepts and hangs up at once is not called in a busy loop.
                let mut pause = self.backoff.clone();
                self.not_before = Instant::now() + pause.next(fastrand::f64());
            }
            Err(error) => {
                let now = Instant::now();
                self.connection = None;
                self.failure = Some((now, error.clone()));
                self.not_before = now + self.backoff.next(fastrand::f64());
            }
        }
    }
}

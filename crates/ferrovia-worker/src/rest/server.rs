//! Listens, and serves each connection within its limits.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tracing::{debug, info, warn};

use super::RestState;
use super::routes::routes;
use crate::config::listener::{AdvertisedUrl, Listener};
use crate::config::worker::RestConfig;
use crate::herder::HerderHandle;

/// Connections at once, over all listeners. More wait to be accepted.
const CONNECTIONS_MAX: usize = 512;
/// Bytes of a request's line and headers.
const HEADER_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a request's body: a connector's settings are far smaller.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// How long the headers of a request may take, and how long a connection may be idle.
const HEADER_TIMEOUT: Duration = Duration::from_secs(90);
/// How long requests that are being answered may go on when the server stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause after the system refuses to accept, so that a lack of file descriptors does not make a busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestError {
    /// An address cannot be listened at.
    #[error("failed to bind REST listener {listener}: {source}")]
    Bind {
        /// The listener as configured.
        listener: Listener,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// No listener is of the kind that others are to be told.
    #[error("no listener to advertise: rest.advertised.listener names a protocol without one")]
    NoAdvertisedListener,
}

/// A server that is bound and not yet serving.
#[derive(Debug)]
pub struct RestServer {
    sockets: Vec<(Listener, TcpListener)>,
    advertised: AdvertisedUrl,
}

impl RestServer {
    /// Binds all listeners.
    ///
    /// # Errors
    /// [`RestError`], which names the listener.
    pub async fn bind(config: &RestConfig) -> Result<Self, RestError> {
        let mut sockets = Vec::with_capacity(config.listeners.len());
        for listener in &config.listeners {
            let failed = |source| RestError::Bind {
                listener: listener.clone(),
                source,
            };
            sockets.push((listener.clone(), bind(listener).await.map_err(failed)?));
        }
        let told = sockets
            .iter()
            .find(|(told, _)| told.scheme == config.advertised_scheme);
        let (listener, socket) = told.ok_or(RestError::NoAdvertisedListener)?;
        let port = socket
            .local_addr()
            .map_or(listener.port, |address| address.port());
        let host = config.advertised_host.as_deref();
        let advertised = AdvertisedUrl::new(listener, port, host, config.advertised_port);
        Ok(Self {
            sockets,
            advertised,
        })
    }

    /// Where others reach this worker.
    pub fn advertised_url(&self) -> &AdvertisedUrl {
        &self.advertised
    }

    /// The bound addresses, in the order of the listeners.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets
            .iter()
            .filter_map(|(_, socket)| socket.local_addr().ok())
            .collect()
    }

    /// Serves until `stop` turns true, then lets requests end that are being answered.
    pub async fn serve(
        self,
        herder: HerderHandle,
        kafka_cluster_id: Option<String>,
        stop: watch::Receiver<bool>,
    ) {
        let state = RestState {
            herder,
            kafka_cluster_id: kafka_cluster_id.map(Arc::from),
        };
        let router = routes(state).layer(DefaultBodyLimit::max(BODY_BYTES_MAX));
        let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut listening = JoinSet::new();
        for (listener, socket) in self.sockets {
            let (router, connections) = (router.clone(), Arc::clone(&connections));
            debug!("Added connector for {listener}");
            listening.spawn(serve_listener(socket, router, connections, stop.clone()));
        }
        while listening.join_next().await.is_some() {}
        info!("REST server stopped");
    }
}

/// An empty host means every interface: IPv6 with IPv4 where there is IPv6.
async fn bind(listener: &Listener) -> io::Result<TcpListener> {
    if !listener.host.is_empty() {
        return TcpListener::bind((listener.host.as_str(), listener.port)).await;
    }
    match TcpListener::bind(("::", listener.port)).await {
        Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
            TcpListener::bind(("0.0.0.0", listener.port)).await
        }
        bound => bound,
    }
}

async fn serve_listener(
    socket: TcpListener,
    router: Router,
    connections: Arc<Semaphore>,
    mut stop: watch::Receiver<bool>,
) {
    let graceful = GracefulShutdown::new();
    let mut serving = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&socket, &connections) => accepted,
            _ = stop.wait_for(|&stop| stop) => break,
            Some(_) = serving.join_next() => continue,
        };
        match accepted {
            Ok((stream, permit)) => {
                let connection = graceful.watch(connection(stream, router.clone()));
                serving.spawn(async move {
                    if let Err(error) = connection.await {
                        debug!("A REST connection ended early: {error}");
                    }
                    drop(permit);
                });
            }
            Err(error) => {
                warn!("The REST server could not accept a connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(socket);
    if tokio::time::timeout(STOP_TIMEOUT, graceful.shutdown())
        .await
        .is_err()
    {
        warn!(
            "REST requests were cut off after {} s",
            STOP_TIMEOUT.as_secs()
        );
    }
}

async fn accept(
    socket: &TcpListener,
    connections: &Arc<Semaphore>,
) -> io::Result<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(connections)
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    let (stream, _) = socket.accept().await?;
    Ok((stream, permit))
}

fn connection(
    stream: TcpStream,
    router: Router,
) -> impl GracefulConnection<Error = hyper::Error> + Send + 'static {
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
}

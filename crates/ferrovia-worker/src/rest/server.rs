//! Listens, and serves each connection within its limits.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tracing::{debug, info, warn};

use super::client::InternalClient;
use super::endpoints::Audience;
use super::extension::{self, ActiveExtension, ExtensionError, RestExtension};
use super::routes::routes;
use super::tls::{self, TlsError};
use super::{RestState, filters};
use crate::config::listener::{AdvertisedUrl, Listener, Scheme};
use crate::config::rest::{AdminListeners, RestConfig};
use crate::herder::{HerderHandle, REQUEST_TIMEOUT};
use crate::logging::Loggers;

/// Connections at once, over all listeners. More wait to be accepted.
const CONNECTIONS_MAX: usize = 512;
/// Bytes of a request's line and headers.
const HEADER_BYTES_MAX: usize = 64 * 1024;
/// How long the headers of a request may take, and how long a connection may be idle.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a caller may take to agree on TLS.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
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
    /// A listener cannot speak TLS.
    #[error("REST listener {listener}: {source}")]
    Tls {
        /// The listener as configured.
        listener: Listener,
        /// Why not.
        #[source]
        source: TlsError,
    },
    /// An extension cannot be used.
    #[error(transparent)]
    Extension(#[from] ExtensionError),
}

/// How the caller reached this worker.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Origin {
    is_tls: bool,
}

impl Origin {
    pub(super) fn scheme(self) -> Scheme {
        if self.is_tls {
            Scheme::Https
        } else {
            Scheme::Http
        }
    }
}

/// An address that is listened at.
#[derive(Debug)]
struct Socket {
    listener: Listener,
    socket: TcpListener,
    tls: Option<TlsConfig>,
    is_admin: bool,
}

/// What TLS needs; its keys are not shown.
#[derive(Clone)]
struct TlsConfig(Arc<rustls::ServerConfig>);

impl std::fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsConfig")
    }
}

/// A server that is bound and not yet serving.
#[derive(Debug)]
pub struct RestServer {
    sockets: Vec<Socket>,
    advertised: AdvertisedUrl,
    extensions: Vec<ActiveExtension>,
    client: InternalClient,
    loggers: Loggers,
    config: RestConfig,
    /// How long the head of a request may take.
    pub(super) header_timeout: Duration,
    /// How long a request waits for the herder, or for another worker that can do it.
    pub(super) patience: Duration,
}

impl RestServer {
    /// Binds all listeners, after everything that they need was read.
    ///
    /// # Errors
    /// [`RestError`], which names the listener.
    pub async fn bind(config: &RestConfig) -> Result<Self, RestError> {
        let extensions = extension::configured(config)?;
        let mut sockets = Vec::with_capacity(config.listeners.len());
        for listener in &config.listeners {
            sockets.push(Socket::bind(listener, config, false).await?);
        }
        if let AdminListeners::Own(listeners) = &config.admin {
            for listener in listeners {
                sockets.push(Socket::bind(listener, config, true).await?);
            }
        }
        let advertised = advertised(&sockets, config)?;
        if !extensions.iter().any(|each| each.authenticates()) {
            warn_of_open_doors(&sockets, config);
        }
        Ok(Self {
            sockets,
            advertised,
            extensions,
            client: InternalClient::new(config.tls.clone()),
            loggers: Loggers::detached(),
            config: config.clone(),
            header_timeout: HEADER_TIMEOUT,
            patience: REQUEST_TIMEOUT,
        })
    }

    /// The same server with the loggers of this process, whose levels it shows and sets.
    #[must_use]
    pub fn with_loggers(self, loggers: Loggers) -> Self {
        Self { loggers, ..self }
    }

    /// The same server with one more extension, after those that are configured.
    #[must_use]
    pub fn with_extension(mut self, extension: Arc<dyn RestExtension>) -> Self {
        self.extensions.push(extension);
        self
    }

    /// Where others reach this worker.
    pub fn advertised_url(&self) -> &AdvertisedUrl {
        &self.advertised
    }

    /// Sends requests to other workers, with the certificates of this one.
    pub fn client(&self) -> &InternalClient {
        &self.client
    }

    /// The bound addresses, in the order of the listeners, those of admin listeners last.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets
            .iter()
            .filter_map(|each| each.socket.local_addr().ok())
            .collect()
    }

    /// The URLs of the bound addresses, in the same order.
    pub fn urls(&self) -> Vec<String> {
        let sockets = self.sockets.iter();
        let bound = sockets.filter_map(|each| Some((each, each.socket.local_addr().ok()?)));
        bound
            .map(|(each, at)| format!("{}://{at}/", each.listener.scheme))
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
            client: self.client,
            patience: self.patience,
            loggers: self.loggers,
            tracks_topics: self.config.topic_tracking,
            resets_topics: self.config.topic_tracking_reset,
        };
        let has_admin = self.config.admin == AdminListeners::Shared;
        let main = routes(state.clone(), &self.extensions, |endpoint| {
            has_admin || endpoint.audience != Audience::Admins
        });
        let main = filters::around(main, &self.config);
        let admin = routes(state, &self.extensions, |endpoint| {
            endpoint.audience == Audience::Admins
        });
        let admin = admin.layer(axum::middleware::from_fn(filters::readable));
        let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut listening = JoinSet::new();
        for socket in self.sockets {
            debug!("Added connector for {}", socket.listener);
            let router = if socket.is_admin { &admin } else { &main };
            let origin = Origin {
                is_tls: socket.tls.is_some(),
            };
            let router = router.clone().layer(Extension(origin));
            let connections = Arc::clone(&connections);
            let http = http(self.header_timeout);
            listening.spawn(socket.serve(http, router, connections, stop.clone()));
        }
        while listening.join_next().await.is_some() {}
        info!("REST server stopped");
    }
}

fn advertised(sockets: &[Socket], config: &RestConfig) -> Result<AdvertisedUrl, RestError> {
    let mut main = sockets.iter().filter(|each| !each.is_admin);
    let told = main.find(|each| each.listener.scheme == config.advertised_scheme);
    let told = told.ok_or(RestError::NoAdvertisedListener)?;
    let port = told
        .socket
        .local_addr()
        .map_or(told.listener.port, |address| address.port());
    let host = config.advertised_host.as_deref();
    Ok(AdvertisedUrl::new(
        &told.listener,
        port,
        host,
        config.advertised_port,
    ))
}

/// Whoever reaches the interface makes the worker run code; that is worth a line where everybody may reach it.
fn warn_of_open_doors(sockets: &[Socket], config: &RestConfig) {
    use crate::config::tls::ClientAuth;
    let open: Vec<String> = sockets
        .iter()
        .filter(|each| {
            let tls = if each.is_admin {
                &config.admin_tls
            } else {
                &config.tls
            };
            let asks_who = each.tls.is_some() && tls.client_auth == ClientAuth::Required;
            let address = each.socket.local_addr();
            !asks_who && address.is_ok_and(|address| !address.ip().is_loopback())
        })
        .map(|each| each.listener.to_string())
        .collect();
    if !open.is_empty() {
        warn!(
            "REST can be reached by other machines at {} without authentication; see docs/rest.md",
            open.join(", ")
        );
    }
}

impl Socket {
    async fn bind(
        listener: &Listener,
        config: &RestConfig,
        is_admin: bool,
    ) -> Result<Self, RestError> {
        let settings = if is_admin {
            &config.admin_tls
        } else {
            &config.tls
        };
        let tls = match listener.scheme {
            Scheme::Http => None,
            Scheme::Https => {
                let tls = tls::server(settings).map_err(|source| RestError::Tls {
                    listener: listener.clone(),
                    source,
                })?;
                Some(TlsConfig(tls))
            }
        };
        let socket = bind(listener).await.map_err(|source| RestError::Bind {
            listener: listener.clone(),
            source,
        })?;
        Ok(Self {
            listener: listener.clone(),
            socket,
            tls,
            is_admin,
        })
    }

    async fn serve(
        self,
        http: http1::Builder,
        router: Router,
        connections: Arc<Semaphore>,
        mut stop: watch::Receiver<bool>,
    ) {
        let graceful = GracefulShutdown::new();
        let mut serving = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = accept(&self.socket, &connections) => accepted,
                _ = stop.wait_for(|&stop| stop) => break,
                Some(_) = serving.join_next() => continue,
            };
            match accepted {
                Ok((stream, permit)) => {
                    let tls = self.tls.clone();
                    let served = connection(
                        stream,
                        tls,
                        http.clone(),
                        router.clone(),
                        graceful.watcher(),
                    );
                    serving.spawn(async move {
                        if let Err(error) = served.await {
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
        drop(self.socket);
        let ended = tokio::time::timeout(STOP_TIMEOUT, graceful.shutdown()).await;
        if ended.is_err() {
            let seconds = STOP_TIMEOUT.as_secs();
            warn!("REST requests were cut off after {seconds} s");
        }
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

async fn accept(
    socket: &TcpListener,
    connections: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let permit = Arc::clone(connections)
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    let (stream, _) = socket.accept().await?;
    Ok((stream, permit))
}

async fn connection(
    stream: TcpStream,
    tls: Option<TlsConfig>,
    http: http1::Builder,
    router: Router,
    watcher: Watcher,
) -> io::Result<()> {
    let Some(TlsConfig(config)) = tls else {
        return talk(stream, &http, router, watcher).await;
    };
    let agreed = TlsAcceptor::from(config).accept(stream);
    let stream = tokio::time::timeout(HANDSHAKE_TIMEOUT, agreed).await??;
    talk(stream, &http, router, watcher).await
}

async fn talk<S>(
    stream: S,
    http: &http1::Builder,
    router: Router,
    watcher: Watcher,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = TowerToHyperService::new(router);
    let connection = http.serve_connection(TokioIo::new(stream), service);
    watcher.watch(connection).await.map_err(io::Error::other)
}

/// HTTP within its limits.
fn http(header_timeout: Duration) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_buf_size(HEADER_BYTES_MAX);
    http
}

//! From a broker's name to a TCP connection.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::timeout;

use crate::error::ClientError;
use crate::settings::{BrokerAddress, ClientSettings};

/// Resolves the name and tries its IP addresses one after the other, each for at most
/// `socket.connection.setup.timeout.ms`.
///
/// # Source
/// `client.dns.lookup=use_all_dns_ips` (KIP-302), resolved anew each time because brokers move.
pub(super) async fn dial(
    address: &BrokerAddress,
    settings: &ClientSettings,
) -> Result<TcpStream, ClientError> {
    let name: Arc<str> = address.to_string().into();
    let unresolved = |reason: &str| ClientError::Resolve {
        address: Arc::clone(&name),
        reason: reason.into(),
    };
    let lookup = lookup_host((&*address.host, address.port));
    let found: Vec<SocketAddr> = timeout(settings.connection_setup_timeout, lookup)
        .await
        .map_err(|_| unresolved("the name service did not answer"))?
        .map_err(|error| unresolved(&error.to_string()))?
        .take(ADDRESS_LIMIT)
        .collect();
    let mut failure = None;
    for socket_address in found {
        match timeout(
            settings.connection_setup_timeout,
            open(socket_address, settings),
        )
        .await
        {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => failure = Some(in_words(&error)),
            Err(_) => failure = Some("no answer".to_owned()),
        }
    }
    match failure {
        Some(reason) => Err(ClientError::Connect {
            address: name,
            reason: reason.into(),
        }),
        None => Err(unresolved("the name has no address")),
    }
}

async fn open(address: SocketAddr, settings: &ClientSettings) -> io::Result<TcpStream> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    if let Some(bytes) = settings.send_buffer_bytes {
        socket.set_send_buffer_size(bytes)?;
    }
    if let Some(bytes) = settings.receive_buffer_bytes {
        socket.set_recv_buffer_size(bytes)?;
    }
    // Finds peers that vanished without a word while the connection is idle.
    socket.set_keepalive(true)?;
    socket.set_nodelay(true)?;
    socket.connect(address).await
}

/// "connection refused" rather than "Connection refused (os error 111)".
pub(super) fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::Other => error.to_string(),
        kind => kind.to_string(),
    }
}

/// IP addresses tried per connect; a name with more is a mistake or an attack.
const ADDRESS_LIMIT: usize = 32;

//! Requests to other workers: users' requests that another worker has to do, and those of one worker to another.
//!
//! One connection for each request, as in Java: such requests are rare, and a kept connection may lead to a worker that
//! has gone.
//!
//! # Source
//! `RestClient` of Kafka 4.2

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tracing::debug;

use super::tls::{self, TlsError};
use crate::config::mac_algorithm::MacAlgorithm;
use crate::config::tls::TlsSettings;
use crate::signature;

/// How long another worker may take to take a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long another worker may take in all. It is as patient with its herder as this one is.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(95);
/// Bytes of an answer's body.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// What is said of an answer that is no answer of a worker.
const TEXT_CHARACTERS_MAX: usize = 200;

const USER_AGENT: &str = "kafka-connect";
const JSON: &str = "application/json";

/// Why a request to another worker was not answered as it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The other worker's address cannot be used.
    #[error("{0} is not the address of a worker")]
    Address(String),
    /// No certificate can be checked.
    #[error("{0}")]
    Tls(String),
    /// No connection: nothing was sent.
    #[error("{0}")]
    NotReached(String),
    /// The connection ended before the whole answer had come: the request may have been done.
    #[error("{0}")]
    CutOff(String),
    /// The other worker does not speak HTTP, or no TLS that this one accepts.
    #[error("{0}")]
    Unusable(String),
    /// The other worker takes too long.
    #[error("no answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The answer is too long.
    #[error("the answer is longer than {ANSWER_BYTES_MAX} bytes")]
    TooLong,
    /// The other worker refuses.
    #[error("{message}")]
    Refused {
        /// The status of its answer.
        status: u16,
        /// What it says.
        message: String,
    },
}

impl ClientError {
    /// Whether the same request may succeed later: the other worker is starting, in a rebalance or out of reach.
    ///
    /// A signature that is refused (403) counts too: the key may have been changed while the request was on its way.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Address(_) | Self::Tls(_) | Self::TooLong => false,
            Self::NotReached(_) | Self::CutOff(_) | Self::Unusable(_) | Self::TimedOut(_) => true,
            Self::Refused { status, .. } => matches!(status, 403 | 404 | 409 | 500 | 503),
        }
    }
}

/// An answer as it came.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Sends requests to other workers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct InternalClient {
    tls: Arc<TlsSettings>,
}

impl InternalClient {
    /// A client that shows and checks the certificates of these settings. They are read when they are first needed.
    pub fn new(tls: TlsSettings) -> Self {
        Self { tls: Arc::new(tls) }
    }

    /// Gives the leader at `url` the settings of a connector's tasks, signed with a session key.
    ///
    /// # Errors
    /// [`ClientError`], with the leader's own words where it refuses.
    ///
    /// # Cancel safety
    /// The leader may have done it when the future is dropped.
    pub async fn put_tasks(
        &self,
        url: &str,
        connector: &str,
        tasks: &[BTreeMap<String, String>],
        key: &[u8],
        algorithm: MacAlgorithm,
    ) -> Result<(), ClientError> {
        let body = serde_json::to_vec(tasks).map_err(|error| {
            // Maps of texts can always be written.
            ClientError::Address(error.to_string())
        })?;
        self.signed(
            Method::POST,
            url,
            connector,
            "tasks",
            Some(body),
            (key, algorithm),
        )
        .await
    }

    /// Asks the leader at `url` to fence older tasks of a source, signed with a session key.
    ///
    /// # Errors
    /// [`ClientError`], with the leader's own words where it refuses.
    ///
    /// # Cancel safety
    /// The leader may have done it when the future is dropped.
    pub async fn fence(
        &self,
        url: &str,
        connector: &str,
        key: &[u8],
        algorithm: MacAlgorithm,
    ) -> Result<(), ClientError> {
        self.signed(Method::PUT, url, connector, "fence", None, (key, algorithm))
            .await
    }

    async fn signed(
        &self,
        method: Method,
        url: &str,
        connector: &str,
        what: &str,
        body: Option<Vec<u8>>,
        (key, algorithm): (&[u8], MacAlgorithm),
    ) -> Result<(), ClientError> {
        let authorization = signature::sign(key, algorithm, body.as_deref().unwrap_or_default());
        let mut headers = HeaderMap::new();
        let authorization = HeaderValue::from_str(&authorization)
            .map_err(|error| ClientError::Address(error.to_string()))?;
        headers.insert(signature::AUTHORIZATION_HEADER, authorization);
        let algorithm = HeaderValue::from_static(algorithm.name());
        headers.insert(signature::ALGORITHM_HEADER, algorithm);
        let path = format!("connectors/{}/{what}", encode_segment(connector));
        let target = format!("{}/{path}", url.trim_end_matches('/'));
        let answer = self
            .send(method, &target, headers, body.map(Bytes::from))
            .await?;
        if answer.status.is_success() {
            Ok(())
        } else {
            Err(refusal(&answer))
        }
    }

    /// Sends a request and reads the whole answer. Redirects are answers like others.
    pub(super) async fn send(
        &self,
        method: Method,
        target: &str,
        headers: HeaderMap,
        body: Option<Bytes>,
    ) -> Result<Answer, ClientError> {
        debug!("Sending {method} to {target}");
        let uri: Uri = target
            .parse()
            .map_err(|_| ClientError::Address(target.to_owned()))?;
        tokio::time::timeout(ANSWER_TIMEOUT, self.exchange(method, &uri, headers, body))
            .await
            .unwrap_or(Err(ClientError::TimedOut(ANSWER_TIMEOUT)))
    }

    async fn exchange(
        &self,
        method: Method,
        uri: &Uri,
        headers: HeaderMap,
        body: Option<Bytes>,
    ) -> Result<Answer, ClientError> {
        let unusable = || ClientError::Address(uri.to_string());
        let host = uri.host().ok_or_else(unusable)?;
        let is_tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(unusable()),
        };
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let connected = TcpStream::connect((host, port));
        let stream = tokio::time::timeout(CONNECT_TIMEOUT, connected)
            .await
            .map_err(|_| {
                let seconds = CONNECT_TIMEOUT.as_secs();
                ClientError::NotReached(format!("no connection within {seconds} s"))
            })?
            .map_err(|error| ClientError::NotReached(told(&error)))?;
        let request = request(method, uri, headers, body)?;
        if !is_tls {
            return talk(stream, request).await;
        }
        let config = tls::client(&self.tls)
            .map_err(|error: TlsError| ClientError::Tls(error.to_string()))?;
        let name = ServerName::try_from(host.to_owned()).map_err(|_| unusable())?;
        let stream = TlsConnector::from(config).connect(name, stream);
        let stream = stream.await.map_err(|error| match has_ended(&error) {
            true => ClientError::NotReached(told(&error)),
            false => ClientError::Unusable(told(&error)),
        })?;
        talk(stream, request).await
    }
}

fn request(
    method: Method,
    uri: &Uri,
    headers: HeaderMap,
    body: Option<Bytes>,
) -> Result<Request<Full<Bytes>>, ClientError> {
    let unusable = || ClientError::Address(uri.to_string());
    let authority = uri.authority().ok_or_else(unusable)?.as_str();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, authority)
        .header(header::USER_AGENT, USER_AGENT)
        .header(header::ACCEPT, JSON)
        .header(header::CONNECTION, "close");
    if body.is_some() {
        request = request.header(header::CONTENT_TYPE, JSON);
    }
    let mut request = request
        .body(Full::new(body.unwrap_or_default()))
        .map_err(|_| unusable())?;
    request.headers_mut().extend(headers);
    Ok(request)
}

async fn talk<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Answer, ClientError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(&error))?;
    let answered = async {
        let response = sender.send_request(request).await;
        let response = response.map_err(|error| broken(&error))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| match error.is::<LengthLimitError>() {
            true => ClientError::TooLong,
            false => ClientError::CutOff(error.to_string()),
        })?;
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: body.to_bytes(),
        })
    };
    // The connection moves the bytes; it may end before the answer is taken.
    tokio::pin!(answered);
    tokio::select! {
        answer = &mut answered => answer,
        ended = connection => match ended {
            Ok(()) => answered.await,
            Err(error) => Err(broken(&error)),
        },
    }
}

/// A request that was sent, or was about to be, and was not answered.
fn broken(error: &hyper::Error) -> ClientError {
    let mut cause = error.source();
    let mut is_end = error.is_incomplete_message() || error.is_closed() || error.is_canceled();
    while let Some(below) = cause {
        is_end |= below.downcast_ref::<io::Error>().is_some_and(has_ended);
        cause = below.source();
    }
    match is_end {
        true => ClientError::CutOff(told(error)),
        false => ClientError::Unusable(told(error)),
    }
}

/// Whether the other side is gone, rather than of another opinion.
fn has_ended(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::NotConnected
            | ErrorKind::UnexpectedEof
    )
}

/// An error with its causes.
fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(below) = cause {
        text = format!("{text}: {below}");
        cause = below.source();
    }
    text
}

/// What a worker says where it refuses; the beginning of the text where that is not in a worker's form.
fn refusal(answer: &Answer) -> ClientError {
    #[derive(Deserialize)]
    struct ErrorJson {
        message: Option<String>,
    }
    let message = match serde_json::from_slice::<ErrorJson>(&answer.body) {
        Ok(json) => json.message.unwrap_or_default(),
        Err(_) => String::from_utf8_lossy(&answer.body)
            .chars()
            .take(TEXT_CHARACTERS_MAX)
            .collect(),
    };
    ClientError::Refused {
        status: answer.status.as_u16(),
        message,
    }
}

impl Answer {
    /// The same answer to whoever asked this worker: status, body, and what says where and of which kind it is.
    pub(super) fn passed_on(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        for name in [header::CONTENT_TYPE, header::LOCATION] {
            if let Some(value) = self.headers.get(&name) {
                response.headers_mut().insert(name, value.clone());
            }
        }
        response
    }
}

/// A name as one segment of a path.
pub(super) fn encode_segment(name: &str) -> String {
    encode(name, |byte| {
        byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@".contains(&byte)
    })
}

/// A name as the end of a path, with its slashes as they are: what Java's `Location` has.
pub(super) fn encode_path(name: &str) -> String {
    encode(name, |byte| {
        byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte)
    })
}

fn encode(name: &str, is_plain: impl Fn(u8) -> bool) -> String {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if is_plain(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_parts_of_addresses() {
        assert_eq!(encode_segment("a/b ;ä%"), "a%2Fb%20%3B%C3%A4%25");
        assert_eq!(encode_path("a/b c?"), "a/b%20c%3F");
    }
}

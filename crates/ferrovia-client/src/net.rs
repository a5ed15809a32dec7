//! Connections to brokers: pipelined requests over one socket, answers strictly in order.
//!
//! A connection is one task that writes requests, reads answers and watches deadlines. Handles are
//! cheap clones; with the last one the task ends and the socket closes. Nothing here decides which
//! broker to talk to: that is `cluster`.

pub mod backoff;

mod dial;
mod driver;
mod greeting;
mod inbound;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};
use tracing::warn;

use self::driver::{Link, Outgoing};
use self::greeting::Greeting;
use crate::budget::{Credit, FramePool};
use crate::error::{ClientError, CloseReason};
use crate::settings::{BrokerAddress, ClientSettings};
use crate::wire::api::{Api, ApiInfo};
use crate::wire::body::Body;
use crate::wire::message;

/// A handle of a connection to one broker.
#[derive(Clone)]
pub struct Connection {
    shared: Arc<Shared>,
}

struct Shared {
    link: Arc<Link>,
    outgoing: mpsc::Sender<Outgoing>,
    /// One permit per request that waits or is on its way.
    slots: Arc<Semaphore>,
    task: AbortHandle,
    request_timeout: Duration,
    greeting: Greeting,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Connection {
    /// Connects to a broker on the current runtime: resolves the name afresh, tries every IP
    /// address, and learns which requests the broker understands. Large answers are read into
    /// buffers of `pool`.
    ///
    /// # Errors
    /// [`ClientError::Resolve`] or [`ClientError::Connect`] when there is no connection;
    /// [`ClientError::Closed`], [`ClientError::Timeout`] or [`ClientError::Malformed`] when the
    /// peer does not behave like a broker.
    ///
    /// # Cancel safety
    /// Dropping the future closes the socket.
    pub async fn connect(
        address: &BrokerAddress,
        settings: &ClientSettings,
        pool: FramePool,
    ) -> Result<Self, ClientError> {
        let stream = dial::dial(address, settings).await?;
        let link = Arc::new(Link::new(address.to_string().into(), settings));
        let (outgoing, requests) = mpsc::channel(IN_FLIGHT_LIMIT);
        let (reader, writer) = stream.into_split();
        let drive = driver::drive(reader, writer, Arc::clone(&link), requests, pool);
        let task = tokio::spawn(drive).abort_handle();
        let mut shared = Shared {
            link,
            outgoing,
            slots: Arc::new(Semaphore::new(IN_FLIGHT_LIMIT)),
            task,
            request_timeout: settings.connection_setup_timeout,
            greeting: Greeting::default(),
        };
        // A TLS session would wrap the stream above; a SASL exchange would follow the greeting.
        shared.greeting = greeting::negotiate(&shared).await?;
        shared.request_timeout = settings.request_timeout;
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// `host:port` of the broker.
    #[must_use]
    pub fn address(&self) -> &Arc<str> {
        &self.shared.link.address
    }

    /// Oldest and newest version of a request that the broker serves.
    #[must_use]
    pub fn version_of(&self, api_key: i16) -> Option<(i16, i16)> {
        self.shared.greeting.versions.get(&api_key).copied()
    }

    /// The level of the cluster's feature `transaction.version` when the connection was made: from 2
    /// on partitions join a transaction by themselves (KIP-890).
    #[must_use]
    pub fn transaction_version(&self) -> i16 {
        self.shared.greeting.transaction_version
    }

    /// The version that [`Connection::call`] uses for `R`.
    ///
    /// # Errors
    /// [`ClientError::NoCommonVersion`]
    pub fn negotiated<R: Api>(&self) -> Result<i16, ClientError> {
        self.negotiated_within(R::INFO, ANY_VERSION)
    }

    /// Sends a request in the newest common version and waits for its answer, for at most
    /// `request.timeout.ms`. Error codes inside the answer are the caller's business.
    ///
    /// # Errors
    /// Those of the connection, [`ClientError::NoCommonVersion`], [`ClientError::Encode`] and
    /// [`ClientError::Malformed`].
    ///
    /// # Cancel safety
    /// Dropping the future abandons the answer. The request may have been sent.
    pub async fn call<R: Api>(&self, request: R) -> Result<R::Response, ClientError> {
        self.call_within(request, self.shared.request_timeout).await
    }

    /// [`Connection::call`] with a time limit of its own, for requests that a broker holds back,
    /// such as JoinGroup.
    ///
    /// # Errors
    /// As for [`Connection::call`].
    ///
    /// # Cancel safety
    /// As for [`Connection::call`].
    pub async fn call_within<R: Api>(
        &self,
        request: R,
        timeout: Duration,
    ) -> Result<R::Response, ClientError> {
        let version = self.negotiated::<R>()?;
        let body = message::encode_body(&request, version)?;
        drop(request);
        let answer = self
            .shared
            .exchange(R::INFO, version, body, None, timeout)
            .await?;
        message::decode_body::<R>(answer, version, self.address())
    }

    /// Puts a request on its way before it returns, so that several leave in the order of the calls.
    /// The future waits for the answer, as [`Connection::call`] does. `versions` narrows the range
    /// that this client speaks.
    ///
    /// # Errors
    /// As for [`Connection::call`], and [`ClientError::Busy`] when too many requests are open.
    pub(crate) fn start<R: Api>(
        &self,
        request: R,
        versions: (i16, i16),
    ) -> Result<impl Future<Output = Result<R::Response, ClientError>> + Send + use<R>, ClientError>
    {
        let version = self.negotiated_within(R::INFO, versions)?;
        let body = message::encode_body(&request, version)?;
        drop(request);
        self.start_encoded::<R>(body.into(), version)
    }

    /// [`Connection::start`] with a body that was encoded in this version, which both sides speak.
    ///
    /// # Errors
    /// As for [`Connection::start`].
    pub(crate) fn start_encoded<R: Api>(
        &self,
        body: Body,
        version: i16,
    ) -> Result<impl Future<Output = Result<R::Response, ClientError>> + Send + use<R>, ClientError>
    {
        let timeout = self.shared.request_timeout;
        let deadline = Instant::now() + timeout;
        let answer = self.shared.start(R::INFO, version, body, deadline)?;
        let shared = Arc::clone(&self.shared);
        Ok(async move {
            let frame = timeout_at(deadline, answer).await.map(Result::ok);
            let body = shared.open(R::INFO, version, frame, timeout)?;
            message::decode_body::<R>(body, version, &shared.link.address)
        })
    }

    /// The newest common version within a narrower range than this client speaks.
    pub(crate) fn negotiated_within(
        &self,
        api: &'static ApiInfo,
        versions: (i16, i16),
    ) -> Result<i16, ClientError> {
        let offered = self.version_of(api.key);
        let newest = offered.and_then(|(oldest, newest)| {
            api.negotiate((oldest.max(versions.0), newest.min(versions.1)))
        });
        newest.ok_or_else(|| ClientError::NoCommonVersion {
            api: api.name,
            address: Arc::clone(self.address()),
            offered,
            spoken: (
                api.min_version.max(versions.0),
                api.max_version.min(versions.1),
            ),
        })
    }

    /// Sends an encoded body and gives the answer's body, whose layout has been proven sound but
    /// which has not been decoded. `credit` goes with the answer's buffer, cut to its size.
    ///
    /// # Errors
    /// As for [`Connection::call`].
    ///
    /// # Cancel safety
    /// As for [`Connection::call`].
    pub async fn call_frame(
        &self,
        api_key: i16,
        version: i16,
        encoded_body: Bytes,
        credit: Option<Credit>,
    ) -> Result<Bytes, ClientError> {
        let unknown = || ClientError::Encode {
            api: "request",
            version,
            reason: format!("api key {api_key} version {version} is not spoken").into(),
        };
        let api = ApiInfo::of(api_key).ok_or_else(unknown)?;
        if !(api.min_version..=api.max_version).contains(&version) {
            return Err(unknown());
        }
        let timeout = self.shared.request_timeout;
        self.shared
            .exchange(api, version, encoded_body, credit, timeout)
            .await
    }

    /// Whether the connection has ended. Calls on a closed connection fail at once.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.outgoing.is_closed()
    }

    /// Waits until the connection has ended.
    pub async fn closed(&self) {
        self.shared.outgoing.closed().await;
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("address", self.address())
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// One request and its answer's body.
    async fn exchange(
        &self,
        api: &'static ApiInfo,
        version: i16,
        body: Bytes,
        credit: Option<Credit>,
        timeout: Duration,
    ) -> Result<Bytes, ClientError> {
        let deadline = Instant::now() + timeout;
        let (reply, answer) = oneshot::channel();
        let answered = async {
            let slot = Arc::clone(&self.slots).acquire_owned().await.ok()?;
            let outgoing = Outgoing {
                api,
                version,
                body: body.into(),
                credit,
                deadline,
                reply,
                slot,
            };
            self.outgoing.send(outgoing).await.ok()?;
            answer.await.ok()
        };
        let frame = timeout_at(deadline, answered).await;
        self.open(api, version, frame, timeout)
    }

    /// The body in a frame, if there is one (in time).
    fn open(
        &self,
        api: &'static ApiInfo,
        version: i16,
        frame: Result<Option<Bytes>, Elapsed>,
        timeout: Duration,
    ) -> Result<Bytes, ClientError> {
        let frame = frame
            .map_err(|_| self.timed_out(api, timeout))?
            .ok_or_else(|| self.lost(api, timeout))?;
        let (body, throttle_ms) = message::open_response(api, version, frame, &self.link.address)?;
        self.mute(throttle_ms);
        Ok(body)
    }

    /// Hands a request to the writing loop at once.
    fn start(
        &self,
        api: &'static ApiInfo,
        version: i16,
        body: Body,
        deadline: Instant,
    ) -> Result<oneshot::Receiver<Bytes>, ClientError> {
        let slot = Arc::clone(&self.slots)
            .try_acquire_owned()
            .map_err(|_| ClientError::Busy {
                address: Arc::clone(&self.link.address),
                limit: IN_FLIGHT_LIMIT,
            })?;
        let (reply, answer) = oneshot::channel();
        let outgoing = Outgoing {
            api,
            version,
            body,
            credit: None,
            deadline,
            reply,
            slot,
        };
        // There is a place in the channel for each permit.
        let queued = self.outgoing.try_send(outgoing);
        queued.map_err(|_| self.lost(api, self.request_timeout))?;
        Ok(answer)
    }

    fn timed_out(&self, api: &'static ApiInfo, timeout: Duration) -> ClientError {
        ClientError::Timeout {
            api: api.name,
            address: Arc::clone(&self.link.address),
            timeout,
        }
    }

    fn lost(&self, api: &'static ApiInfo, timeout: Duration) -> ClientError {
        let reason = self.link.close_reason();
        if reason == (CloseReason::Overdue { api: api.name }) {
            return self.timed_out(api, timeout);
        }
        ClientError::Closed {
            address: Arc::clone(&self.link.address),
            reason,
        }
    }

    /// Honours the broker's wish to be left alone (KIP-219), within reason.
    fn mute(&self, throttle_ms: i32) {
        let Ok(millis @ 1..) = u64::try_from(throttle_ms) else {
            return;
        };
        let wish = Duration::from_millis(millis);
        if wish > THROTTLE_LIMIT {
            warn!(address = %self.link.address, throttle_ms, "broker asks for a very long pause");
        }
        self.link
            .mute_until(Instant::now() + wish.min(THROTTLE_LIMIT));
    }
}

/// All that this client speaks.
pub(crate) const ANY_VERSION: (i16, i16) = (0, i16::MAX);
/// Requests per connection that may wait for their answers.
const IN_FLIGHT_LIMIT: usize = 128;
/// The longest pause a broker can impose with one answer.
const THROTTLE_LIMIT: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests;

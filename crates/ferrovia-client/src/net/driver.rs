//! The task of a connection: one loop writes, one reads, one watches deadlines. The first to end
//! ends the connection, and every open call learns the reason.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use super::dial::in_words;
use super::inbound::Inbound;
use crate::budget::{Credit, FramePool};
use crate::error::CloseReason;
use crate::settings::ClientSettings;
use crate::wire::api::ApiInfo;
use crate::wire::body::Body;
use crate::wire::message;

/// A request on its way to the writing loop.
pub(super) struct Outgoing {
    pub(super) api: &'static ApiInfo,
    pub(super) version: i16,
    pub(super) body: Body,
    pub(super) credit: Option<Credit>,
    pub(super) deadline: Instant,
    pub(super) reply: oneshot::Sender<Bytes>,
    pub(super) slot: OwnedSemaphorePermit,
}

/// A request that was written, or is being written, and has no answer yet.
struct Pending {
    correlation_id: i32,
    api: &'static str,
    credit: Option<Credit>,
    deadline: Instant,
    reply: oneshot::Sender<Bytes>,
    _slot: OwnedSemaphorePermit,
}

/// What handles and task share.
pub(super) struct Link {
    pub(super) address: Arc<str>,
    client_id: Arc<str>,
    max_idle: Option<Duration>,
    frame_limit_bytes: usize,
    in_flight: Mutex<VecDeque<Pending>>,
    in_flight_grew: Notify,
    muted_until: Mutex<Option<Instant>>,
    close_reason: OnceLock<CloseReason>,
}

impl Link {
    pub(super) fn new(address: Arc<str>, settings: &ClientSettings) -> Self {
        Self {
            address,
            client_id: Arc::clone(&settings.client_id),
            max_idle: settings.connections_max_idle,
            frame_limit_bytes: settings.frame_limit_bytes,
            in_flight: Mutex::default(),
            in_flight_grew: Notify::new(),
            muted_until: Mutex::default(),
            close_reason: OnceLock::new(),
        }
    }

    pub(super) fn close_reason(&self) -> CloseReason {
        self.close_reason
            .get()
            .cloned()
            .unwrap_or(CloseReason::Dropped)
    }

    pub(super) fn mute_until(&self, until: Instant) {
        let mut muted = self
            .muted_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *muted = (*muted).max(Some(until));
    }

    fn muted_until(&self) -> Option<Instant> {
        *self
            .muted_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn with_in_flight<T>(&self, change: impl FnOnce(&mut VecDeque<Pending>) -> T) -> T {
        change(
            &mut self
                .in_flight
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

/// Runs the connection until it ends. Dropping the future closes the socket.
pub(super) async fn drive<R, W>(
    reader: R,
    writer: W,
    link: Arc<Link>,
    requests: mpsc::Receiver<Outgoing>,
    pool: FramePool,
) where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send,
{
    let reason = tokio::select! {
        reason = read_answers(reader, &link, &pool) => reason,
        reason = write_requests(writer, &link, requests) => reason,
        reason = watch_deadlines(&link) => reason,
    };
    tracing::debug!(address = %link.address, %reason, "connection closed");
    // The reason is there before the calls wake up to ask for it.
    let _first = link.close_reason.set(reason);
    let abandoned = link.with_in_flight(std::mem::take);
    drop(abandoned);
}

async fn read_answers<R>(reader: R, link: &Link, pool: &FramePool) -> CloseReason
where
    R: AsyncRead + Unpin + Send,
{
    let mut inbound = Inbound::new(reader, link.frame_limit_bytes);
    loop {
        match read_answer(&mut inbound, link, pool).await {
            Ok(()) => {}
            Err(reason) => return reason,
        }
    }
}

async fn read_answer<R>(
    inbound: &mut Inbound<R>,
    link: &Link,
    pool: &FramePool,
) -> Result<(), CloseReason>
where
    R: AsyncRead + Unpin + Send,
{
    let prefix = inbound.prefix().await?;
    let received = prefix.correlation_id;
    let expected = link.with_in_flight(|open| open.front().map(|first| first.correlation_id));
    if expected != Some(received) {
        return Err(CloseReason::Correlation { received, expected });
    }
    // Only this loop removes requests, so the first one stays the first while its answer comes in.
    let credit = link.with_in_flight(|open| open.front_mut().and_then(|first| first.credit.take()));
    let frame = inbound.frame(prefix.rest_bytes, pool, credit).await?;
    if let Some(done) = link.with_in_flight(VecDeque::pop_front) {
        // Nobody listens when the call was dropped; the answer goes with it.
        let _unheard = done.reply.send(frame);
    }
    Ok(())
}

async fn write_requests<W>(
    mut writer: W,
    link: &Link,
    mut requests: mpsc::Receiver<Outgoing>,
) -> CloseReason
where
    W: AsyncWrite + Unpin + Send,
{
    let mut next_correlation_id = 0_i32;
    loop {
        let outgoing = match link.max_idle {
            None => requests.recv().await,
            Some(idle) => match timeout(idle, requests.recv()).await {
                Ok(outgoing) => outgoing,
                Err(_) if link.with_in_flight(|open| open.is_empty()) => return CloseReason::Idle,
                Err(_) => continue,
            },
        };
        let Some(outgoing) = outgoing else {
            return CloseReason::Dropped;
        };
        if let Some(until) = link.muted_until() {
            sleep_until(until).await;
        }
        if outgoing.reply.is_closed() {
            continue;
        }
        let correlation_id = next_correlation_id;
        next_correlation_id = next_correlation_id.checked_add(1).unwrap_or(0);
        if let Err(error) = write_request(&mut writer, link, outgoing, correlation_id).await {
            return CloseReason::Io(in_words(&error).into());
        }
    }
}

async fn write_request<W>(
    writer: &mut W,
    link: &Link,
    outgoing: Outgoing,
    correlation_id: i32,
) -> std::io::Result<()>
where
    W: AsyncWrite + Unpin + Send,
{
    let Outgoing {
        api,
        version,
        body,
        credit,
        deadline,
        reply,
        slot,
    } = outgoing;
    let size = body.remaining();
    let head = message::frame_head(api, version, correlation_id, &link.client_id, size)
        .ok_or_else(|| std::io::Error::other("a request of more than 2 GiB cannot be sent"))?;
    let pending = Pending {
        correlation_id,
        api: api.name,
        credit,
        deadline,
        reply,
        _slot: slot,
    };
    link.with_in_flight(|open| open.push_back(pending));
    link.in_flight_grew.notify_one();
    // Head and body leave in one system call without being copied together.
    writer.write_all_buf(&mut head.chain(body)).await?;
    writer.flush().await
}

/// Ends the connection when an answer is overdue. What comes behind it would be late as well, and
/// a peer that sends one byte a second is no better than a silent one.
async fn watch_deadlines(link: &Link) -> CloseReason {
    loop {
        let earliest = link.with_in_flight(|open| {
            open.iter()
                .map(|pending| (pending.deadline, pending.api))
                .min()
        });
        let overdue = async {
            match earliest {
                Some((deadline, api)) => {
                    sleep_until(deadline).await;
                    api
                }
                None => pending().await,
            }
        };
        tokio::select! {
            api = overdue => {
                let still_open = link.with_in_flight(|open| {
                    open.iter().any(|pending| pending.deadline <= Instant::now())
                });
                if still_open {
                    return CloseReason::Overdue { api };
                }
            }
            () = link.in_flight_grew.notified() => {}
        }
    }
}

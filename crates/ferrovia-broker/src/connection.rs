//! One client connection: cuts frames, applies injected faults, answers requests in order.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::ApiKey;
use kafka_protocol::protocol::StrBytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::api::{self, Call, RequestError, Wish};
use crate::body::Body;
use crate::broker::Broker;
use crate::faults::{Fault, RequestView};

/// Memory reserved for a frame before its bytes arrive: a peer's length is not believed further.
const RESERVE_STEP_BYTES: usize = 1 << 20;

/// Longest client id kept for a request.
const CLIENT_ID_BYTES_MAX: usize = 1 << 10;

/// Why a connection was closed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionError {
    #[error("a frame of {0} bytes is not allowed")]
    FrameLength(i32),
    #[error("malformed request header")]
    Header,
    #[error("request refused")]
    Request(#[from] RequestError),
    #[error("socket failed")]
    Socket(#[from] io::Error),
    #[error("closed by an injected fault")]
    Fault,
}

/// A client's connection.
#[derive(Debug)]
pub(crate) struct Connection {
    broker: Arc<Broker>,
    socket: TcpStream,
    client_host: String,
}

/// The parts of a request header that matter.
#[derive(Debug)]
struct Head {
    api: Result<ApiKey, i16>,
    version: i16,
    correlation_id: i32,
    client_id: Option<StrBytes>,
}

impl Connection {
    pub(crate) fn new(broker: Arc<Broker>, socket: TcpStream, peer: SocketAddr) -> Self {
        let client_host = format!("/{}", peer.ip());
        Self {
            broker,
            socket,
            client_host,
        }
    }

    /// Serves the client until it leaves, misbehaves, or the broker stops.
    ///
    /// # Errors
    /// Why the connection ended, if not by the client closing it.
    pub(crate) async fn run(mut self) -> Result<(), ConnectionError> {
        self.socket.set_nodelay(true)?;
        while let Some(frame) = self.read_frame().await? {
            self.serve(frame).await?;
        }
        Ok(())
    }

    /// The next frame without its length; `None` when the client has closed the connection.
    async fn read_frame(&mut self) -> Result<Option<Bytes>, ConnectionError> {
        let mut length = [0; 4];
        match self.socket.read_exact(&mut length).await {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let length = i32::from_be_bytes(length);
        let wanted = usize::try_from(length)
            .ok()
            .filter(|wanted| *wanted <= self.broker.config.request_bytes_max)
            .ok_or(ConnectionError::FrameLength(length))?;
        let limit = u64::try_from(wanted).map_err(|_| ConnectionError::FrameLength(length))?;
        let mut frame = BytesMut::with_capacity(wanted.min(RESERVE_STEP_BYTES));
        let mut socket = (&mut self.socket).take(limit);
        while frame.len() < wanted {
            if frame.len() == frame.capacity() {
                frame.reserve((wanted - frame.len()).min(frame.len()));
            }
            if socket.read_buf(&mut frame).await? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
        }
        Ok(Some(frame.freeze()))
    }

    async fn serve(&mut self, mut frame: Bytes) -> Result<(), ConnectionError> {
        let head = Head::read(&mut frame).ok_or(ConnectionError::Header)?;
        let api = head.api.map_err(RequestError::UnknownApi)?;
        let client_id = head.client_id.as_deref().unwrap_or_default();
        let call = Call {
            broker: Arc::clone(&self.broker),
            version: head.version,
            client_id: client_id
                .get(..CLIENT_ID_BYTES_MAX)
                .unwrap_or(client_id)
                .to_owned(),
            client_host: self.client_host.clone(),
        };
        let mut wish = Wish::Answer;
        let mut then_close = false;
        match self.broker.faults.strike(api) {
            None => {}
            Some(Fault::ErrorCode(code)) => wish = Wish::Refuse(code),
            Some(Fault::Drop) => return Err(ConnectionError::Fault),
            Some(Fault::DropAfterHandling) => then_close = true,
            Some(Fault::Delay(time)) => tokio::time::sleep(time).await,
            Some(Fault::Raw(bytes)) => return Ok(self.socket.write_all(&bytes).await?),
            Some(Fault::Custom(answer)) => {
                let view = RequestView {
                    api_key: api,
                    api_version: head.version,
                    correlation_id: head.correlation_id,
                    client_id: head.client_id.as_deref(),
                    body: &frame,
                };
                if let Some(body) = answer(&view) {
                    return self.send(&head, api, body.into()).await;
                }
            }
        }
        let known = api != ApiKey::ApiVersions || api::is_answered(api, head.version);
        let answer = if known {
            api::serve(&call, api, frame, wish).await?
        } else {
            Some(api::unknown_api_versions()?)
        };
        match answer {
            _ if then_close => Err(ConnectionError::Fault),
            Some(body) => self.send(&head, api, body).await,
            None => Ok(()),
        }
    }

    async fn send(&mut self, head: &Head, api: ApiKey, body: Body) -> Result<(), ConnectionError> {
        let flexible = api.response_header_version(head.version) >= 1;
        let length = 4 + usize::from(flexible) + body.len();
        let length = i32::try_from(length).map_err(io::Error::other)?;
        let mut frame = Body::default();
        frame.write(|buffer| {
            buffer.put_i32(length);
            buffer.put_i32(head.correlation_id);
            if flexible {
                buffer.put_u8(0);
            }
        });
        frame.append(body);
        frame.write_to(&mut self.socket).await?;
        Ok(())
    }
}

impl Head {
    /// Takes the header off the front of a frame.
    ///
    /// # Source
    /// `RequestHeader.json`: the client id stays a two-byte-length string in every version.
    fn read(frame: &mut Bytes) -> Option<Self> {
        let key = frame.try_get_i16().ok()?;
        let version = frame.try_get_i16().ok()?;
        let correlation_id = frame.try_get_i32().ok()?;
        let client_id = match frame.try_get_i16().ok()? {
            -1 => None,
            length => {
                let length = usize::try_from(length)
                    .ok()
                    .filter(|length| *length <= frame.len())?;
                Some(StrBytes::from_utf8(frame.split_to(length)).ok()?)
            }
        };
        let api = ApiKey::try_from(key).map_err(|()| key);
        if api.is_ok_and(|api| api.request_header_version(version) >= 2) {
            skip_tagged_fields(frame)?;
        }
        Some(Self {
            api,
            version,
            correlation_id,
            client_id,
        })
    }
}

fn skip_tagged_fields(frame: &mut Bytes) -> Option<()> {
    for _ in 0..varint(frame)? {
        varint(frame)?;
        let size = usize::try_from(varint(frame)?).ok()?;
        if size > frame.len() {
            return None;
        }
        frame.advance(size);
    }
    Some(())
}

fn varint(from: &mut Bytes) -> Option<u32> {
    let mut value = 0;
    for shift in [0, 7, 14, 21, 28] {
        let byte = from.try_get_u8().ok()?;
        value |= u32::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

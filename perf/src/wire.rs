//! A blocking connection to one broker: write a request, read a frame. For the bare client only, which trusts the
//! broker it measures.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, Request, StrBytes};

/// One connection; requests are answered in order.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    correlation: i32,
}

impl Connection {
    /// Connects to `host:port`.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            correlation: 0,
        })
    }

    /// Writes a request of the given version.
    ///
    /// # Errors
    /// When it cannot be encoded or the connection is gone.
    pub fn send<R: Request>(&mut self, request: &R, version: i16) -> io::Result<()> {
        self.correlation += 1;
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.correlation)
            .with_client_id(Some(StrBytes::from_static_str("bare")));
        let mut body = BytesMut::new();
        header
            .encode(&mut body, R::header_version(version))
            .map_err(io::Error::other)?;
        request
            .encode(&mut body, version)
            .map_err(io::Error::other)?;
        let length = u32::try_from(body.len()).map_err(io::Error::other)?;
        let mut frame = length.to_be_bytes().to_vec();
        frame.extend_from_slice(&body);
        self.stream.write_all(&frame)
    }

    /// Reads the next frame into `buffer`, which grows as bytes arrive and is never zeroed.
    ///
    /// # Errors
    /// When the connection ends early.
    pub fn receive(&mut self, mut buffer: Vec<u8>) -> io::Result<Bytes> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length);
        buffer.clear();
        buffer.reserve(usize::try_from(length).map_err(io::Error::other)?);
        let read = (&mut self.stream)
            .take(length.into())
            .read_to_end(&mut buffer)?;
        if u32::try_from(read).ok() == Some(length) {
            return Ok(buffer.into());
        }
        Err(io::ErrorKind::UnexpectedEof.into())
    }

    /// Sends a request and decodes its answer.
    ///
    /// # Errors
    /// As [`Connection::send`] and [`Connection::receive`], and for an answer that does not decode.
    pub fn call<R: Request>(&mut self, request: &R, version: i16) -> io::Result<R::Response> {
        self.send(request, version)?;
        let mut frame = self.receive(Vec::new())?;
        decode::<R>(&mut frame, version)
    }
}

/// Decodes the answer to a request of type `R`.
///
/// # Errors
/// When the frame is not one.
pub fn decode<R: Request>(frame: &mut Bytes, version: i16) -> io::Result<R::Response> {
    use kafka_protocol::protocol::HeaderVersion;
    ResponseHeader::decode(frame, R::Response::header_version(version))
        .map_err(io::Error::other)?;
    R::Response::decode(frame, version).map_err(io::Error::other)
}

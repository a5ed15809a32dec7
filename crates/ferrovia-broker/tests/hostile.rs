//! A broker on a real socket against clients that send nonsense, and the faults it injects.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use ferrovia_broker::{ApiKey, BrokerConfig, EmbeddedBroker, Fault, Times};
use kafka_protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, MetadataRequest, MetadataResponse, RequestHeader,
};
use kafka_protocol::protocol::{Decodable, Encodable, Request, StrBytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const DEADLINE: Duration = Duration::from_secs(10);

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future)
        .await
        .expect("deadline")
}

async fn broker() -> EmbeddedBroker {
    EmbeddedBroker::start(BrokerConfig::default())
        .await
        .unwrap()
}

fn frame<R: Request>(request: &R, version: i16, correlation_id: i32) -> BytesMut {
    let mut out = BytesMut::new();
    out.put_i32(0);
    RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_correlation_id(correlation_id)
        .with_client_id(Some(StrBytes::from_static_str("test")))
        .encode(&mut out, R::header_version(version))
        .unwrap();
    request.encode(&mut out, version).unwrap();
    let length = u32::try_from(out.len() - 4).unwrap();
    out[..4].copy_from_slice(&length.to_be_bytes());
    out
}

/// The correlation id and what follows it.
async fn receive(socket: &mut TcpStream) -> Option<(i32, Bytes)> {
    let length = within(socket.read_u32()).await.ok()?;
    let mut bytes = vec![0; usize::try_from(length).unwrap()];
    within(socket.read_exact(&mut bytes)).await.ok()?;
    let mut bytes = Bytes::from(bytes);
    Some((bytes.get_i32(), bytes))
}

async fn metadata(socket: &mut TcpStream, correlation_id: i32) -> Option<MetadataResponse> {
    let request = MetadataRequest::default();
    socket
        .write_all(&frame(&request, 8, correlation_id))
        .await
        .unwrap();
    let (id, mut body) = receive(socket).await?;
    assert_eq!(id, correlation_id);
    Some(MetadataResponse::decode(&mut body, 8).unwrap())
}

/// Sends raw bytes and expects the broker to close the connection and live on.
async fn check_closed(broker: &EmbeddedBroker, bytes: &[u8]) {
    let mut socket = TcpStream::connect(broker.address()).await.unwrap();
    socket.write_all(bytes).await.unwrap();
    let mut rest = Vec::new();
    let closed = within(socket.read_to_end(&mut rest)).await;
    assert!(closed.is_err() || rest.is_empty(), "{bytes:?} was answered");
    let mut other = TcpStream::connect(broker.address()).await.unwrap();
    assert!(metadata(&mut other, 1).await.is_some());
}

#[tokio::test]
async fn nonsense_closes_only_its_own_connection() {
    let broker = broker().await;
    let lengths: [&[u8]; 2] = [&[0xff; 4], &[0x7f, 0xff, 0xff, 0xff]];
    for bytes in lengths {
        check_closed(&broker, bytes).await;
    }
    check_closed(&broker, &[0, 0, 0, 0]).await;
    check_closed(&broker, b"\0\0\0\x0cGET / HTTP/1").await;
    let good = frame(&MetadataRequest::default(), 8, 1);
    let mut unknown_key = good.clone();
    unknown_key[4..6].copy_from_slice(&999i16.to_be_bytes());
    check_closed(&broker, &unknown_key).await;
    let mut unknown_version = good.clone();
    unknown_version[6..8].copy_from_slice(&99i16.to_be_bytes());
    check_closed(&broker, &unknown_version).await;
    let mut endless_client_id = good.clone();
    endless_client_id[12..14].copy_from_slice(&i16::MAX.to_be_bytes());
    check_closed(&broker, &endless_client_id).await;
    within(broker.stop()).await;
}

/// Goal: an announced array of two thousand million topics must not reserve memory for them.
#[tokio::test]
async fn a_huge_announced_array_is_refused_before_it_is_decoded() {
    let broker = broker().await;
    let mut bytes = frame(
        &MetadataRequest::default().with_topics(Some(Vec::new())),
        8,
        1,
    );
    let count = bytes.len() - 7;
    bytes[count..count + 4].copy_from_slice(&i32::MAX.to_be_bytes());
    check_closed(&broker, &bytes).await;
    within(broker.stop()).await;
}

#[tokio::test]
async fn a_frame_in_single_bytes_is_put_together() {
    let broker = broker().await;
    let mut socket = TcpStream::connect(broker.address()).await.unwrap();
    socket.set_nodelay(true).unwrap();
    for byte in frame(&MetadataRequest::default(), 8, 77) {
        socket.write_all(&[byte]).await.unwrap();
    }
    assert_eq!(receive(&mut socket).await.unwrap().0, 77);
    within(broker.stop()).await;
}

#[tokio::test]
async fn a_newer_api_versions_request_is_told_what_is_known() {
    let broker = broker().await;
    let mut socket = TcpStream::connect(broker.address()).await.unwrap();
    let mut bytes = frame(&ApiVersionsRequest::default(), 4, 5);
    bytes[6..8].copy_from_slice(&90i16.to_be_bytes());
    socket.write_all(&bytes).await.unwrap();
    let (_, mut body) = receive(&mut socket).await.unwrap();
    let response = ApiVersionsResponse::decode(&mut body, 0).unwrap();
    assert_eq!(response.error_code, 35);
    assert!(
        response
            .api_keys
            .iter()
            .any(|api| api.api_key == ApiKey::Fetch as i16)
    );
    within(broker.stop()).await;
}

#[tokio::test]
async fn faults_strike_and_then_the_broker_is_itself_again() {
    let broker = broker().await;
    let faults = broker.faults();
    let mut socket = TcpStream::connect(broker.address()).await.unwrap();
    faults.inject(
        ApiKey::Metadata,
        Fault::Delay(Duration::from_millis(30)),
        Times::Once,
    );
    let start = std::time::Instant::now();
    assert!(metadata(&mut socket, 1).await.is_some());
    assert!(start.elapsed() >= Duration::from_millis(30));
    faults.inject(
        ApiKey::Metadata,
        Fault::custom(|view| {
            let mut body = BytesMut::new();
            let response =
                MetadataResponse::default().with_controller_id(view.correlation_id.into());
            response.encode(&mut body, view.api_version).ok()?;
            Some(body.freeze())
        }),
        Times::Once,
    );
    assert_eq!(metadata(&mut socket, 42).await.unwrap().controller_id.0, 42);
    for fault in [
        Fault::Drop,
        Fault::DropAfterHandling,
        Fault::Raw(Bytes::from_static(b"\xff")),
    ] {
        faults.inject(ApiKey::Metadata, fault.clone(), Times::N(1));
        let mut victim = TcpStream::connect(broker.address()).await.unwrap();
        victim
            .write_all(&frame(&MetadataRequest::default(), 8, 1))
            .await
            .unwrap();
        let first = within(victim.read_u8()).await;
        assert_eq!(
            first.ok(),
            matches!(fault, Fault::Raw(_)).then_some(0xff),
            "{fault:?}"
        );
    }
    assert_eq!(faults.pending(), 0);
    assert!(metadata(&mut socket, 2).await.is_some());
    within(broker.stop()).await;
}

#[tokio::test]
async fn connections_are_bounded_and_stop_ends_them_all() {
    let config = BrokerConfig {
        connections_max: 1,
        ..BrokerConfig::default()
    };
    let broker = EmbeddedBroker::start(config).await.unwrap();
    let mut first = TcpStream::connect(broker.address()).await.unwrap();
    assert!(metadata(&mut first, 1).await.is_some());
    let mut second = TcpStream::connect(broker.address()).await.unwrap();
    assert!(within(second.read_u8()).await.is_err());
    let address = broker.address();
    within(broker.stop()).await;
    assert!(within(first.read_u8()).await.is_err());
    assert!(TcpStream::connect(address).await.is_err());
}

#[test]
fn a_blocking_broker_needs_no_runtime() {
    let broker = EmbeddedBroker::start_blocking(BrokerConfig::default()).unwrap();
    let address = broker.address();
    assert!(std::net::TcpStream::connect(address).is_ok());
    broker.stop();
    assert!(std::net::TcpStream::connect(address).is_err());
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    assert!(
        EmbeddedBroker::start_blocking(BrokerConfig {
            listen,
            ..Default::default()
        })
        .is_err()
    );
}

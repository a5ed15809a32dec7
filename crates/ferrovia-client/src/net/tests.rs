//! Connections against a scripted peer on the loopback address.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, HeartbeatRequest, HeartbeatResponse,
};
use kafka_protocol::protocol::Encodable;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;
use crate::budget::MemoryBudget;

/// One request as the peer sees it.
struct Seen {
    api_key: i16,
    version: i16,
    correlation_id: i32,
}

/// The broker's side of one connection.
struct Peer {
    stream: TcpStream,
}

impl Peer {
    async fn request(&mut self) -> Option<Seen> {
        let length = self.stream.read_i32().await.ok()?;
        let mut frame = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut frame).await.unwrap();
        let half = |at: usize| i16::from_be_bytes([frame[at], frame[at + 1]]);
        let correlation_id = i32::from_be_bytes(frame[4..8].try_into().unwrap());
        Some(Seen {
            api_key: half(0),
            version: half(2),
            correlation_id,
        })
    }

    async fn answer(&mut self, correlation_id: i32, body: &[u8]) {
        let mut frame = BytesMut::new();
        frame.put_i32(i32::try_from(body.len() + 4).unwrap());
        frame.put_i32(correlation_id);
        frame.put_slice(body);
        // The client may have hung up, which some tests are about.
        let _gone = self.stream.write_all(&frame).await;
    }

    /// Answers ApiVersions as a broker that serves everything in all versions.
    async fn greet(&mut self) {
        let seen = self.request().await.unwrap();
        assert_eq!((seen.api_key, seen.version), (18, 3));
        self.answer(seen.correlation_id, &offers(3)).await;
    }

    async fn serve_heartbeats(mut self) {
        while let Some(seen) = self.request().await {
            self.answer(seen.correlation_id, &heartbeat(0, 0)).await;
        }
    }
}

fn offers(version: i16) -> Bytes {
    let keys = [0, 1, 3, 11, 12, 18];
    let all = keys.map(|key| {
        ApiVersion::default()
            .with_api_key(key)
            .with_min_version(0)
            .with_max_version(20)
    });
    encoded(
        &ApiVersionsResponse::default().with_api_keys(all.into()),
        version,
    )
}

fn encoded(message: &impl Encodable, version: i16) -> Bytes {
    let mut body = BytesMut::new();
    message.encode(&mut body, version).unwrap();
    body.freeze()
}

/// Header tags and body of a heartbeat answer.
fn heartbeat(error_code: i16, throttle_ms: i32) -> Bytes {
    let message = HeartbeatResponse::default()
        .with_error_code(error_code)
        .with_throttle_time_ms(throttle_ms);
    let mut body = BytesMut::from(&[0_u8][..]);
    body.put(encoded(&message, 4));
    body.freeze()
}

fn settings(pairs: &[(&str, &str)]) -> ClientSettings {
    let mut map = BTreeMap::from([("bootstrap.servers".to_owned(), "localhost:1".to_owned())]);
    map.extend(
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned())),
    );
    ClientSettings::from_properties(&map).unwrap()
}

/// Connects to a peer that runs `script`.
async fn connect_to<F>(
    script: impl FnOnce(Peer) -> F + Send + 'static,
    pairs: &[(&str, &str)],
) -> (Result<Connection, ClientError>, JoinHandle<()>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let address = BrokerAddress {
        host: "127.0.0.1".into(),
        port,
    };
    let peer = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        script(Peer { stream }).await;
    });
    let settings = settings(pairs);
    let connection = Connection::connect(&address, &settings, FramePool::new(64 << 20)).await;
    (connection, peer)
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(10), future)
        .await
        .expect("nothing happened for 10 s")
}

#[tokio::test]
async fn answers_come_back_to_their_requests_in_order() {
    let script = |mut peer: Peer| async move {
        peer.greet().await;
        // All three requests are read before the first is answered: they are pipelined.
        let mut seen = Vec::new();
        for _ in 0..3 {
            seen.push(peer.request().await.unwrap());
        }
        for (request, code) in seen.iter().zip([16, 25, 27]) {
            peer.answer(request.correlation_id, &heartbeat(code, 0))
                .await;
        }
    };
    let (connection, _peer) = connect_to(script, &[]).await;
    let connection = connection.unwrap();
    let call = || connection.call(HeartbeatRequest::default());
    let (a, b, c) = within(async { tokio::join!(call(), call(), call()) }).await;
    let codes = [a, b, c].map(|answer| answer.unwrap().error_code);
    assert_eq!(codes, [16, 25, 27]);
}

#[tokio::test]
async fn request_too_many_is_refused_and_the_connection_lives_on() {
    let script = |mut peer: Peer| async move {
        peer.greet().await;
        peer.serve_heartbeats().await;
    };
    let (connection, _peer) = connect_to(script, &[]).await;
    let connection = connection.unwrap();
    let start = || connection.start(HeartbeatRequest::default(), ANY_VERSION);
    // The peer cannot answer before the test waits.
    let open: Vec<_> = (0..IN_FLIGHT_LIMIT).map(|_| start().unwrap()).collect();
    let error = start().err().unwrap();
    assert!(matches!(
        error,
        ClientError::Busy {
            limit: IN_FLIGHT_LIMIT,
            ..
        }
    ));
    assert!(error.is_retriable() && !error.is_connection_lost());
    for answer in open {
        within(answer).await.unwrap();
    }
    within(start().unwrap()).await.unwrap();
}

#[tokio::test]
async fn old_broker_is_asked_again_in_version_0() {
    let script = |mut peer: Peer| async move {
        let seen = peer.request().await.unwrap();
        let refusal = ApiVersionsResponse::default().with_error_code(35);
        peer.answer(seen.correlation_id, &encoded(&refusal, 0))
            .await;
        let seen = peer.request().await.unwrap();
        assert_eq!((seen.api_key, seen.version), (18, 0));
        peer.answer(seen.correlation_id, &offers(0)).await;
    };
    let (connection, peer) = connect_to(script, &[]).await;
    let connection = connection.unwrap();
    assert_eq!(connection.version_of(1), Some((0, 20)));
    assert_eq!(connection.version_of(2), None);
    assert_eq!(connection.negotiated::<HeartbeatRequest>(), Ok(4));
    within(peer).await.unwrap();
}

#[tokio::test]
async fn missing_api_is_named() {
    let script = |mut peer: Peer| async move {
        peer.greet().await;
        peer.serve_heartbeats().await;
    };
    let (connection, _peer) = connect_to(script, &[]).await;
    let connection = connection.unwrap();
    let error = connection
        .negotiated::<kafka_protocol::messages::EndTxnRequest>()
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("offers EndTxn not at all, this client speaks 3 to 5")
    );
    assert!(!error.is_retriable());
}

/// Greets with raw bytes and expects the connection to fail for the given reason.
async fn refuses(first_bytes: &'static [u8], expected: &str) {
    let script = move |mut peer: Peer| async move {
        peer.request().await.unwrap();
        let _gone = peer.stream.write_all(first_bytes).await;
        // Stay connected: the client has to make up its mind by itself.
        while peer.request().await.is_some() {}
    };
    let (connection, _peer) = within(connect_to(script, &[])).await;
    let message = connection.unwrap_err().to_string();
    assert!(message.contains(expected), "{message}");
}

#[tokio::test]
async fn hostile_frames_close_the_connection_with_a_hint() {
    refuses(b"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP server").await;
    refuses(&[0x15, 3, 3, 0, 2, 2, 40], "security.protocol").await;
    refuses(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], "frame of -1 bytes").await;
    refuses(&[0, 0, 0, 3, 0, 0, 0, 0], "frame of 3 bytes").await;
    refuses(
        &[0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0],
        "frame of 2147483647 bytes",
    )
    .await;
    refuses(&[0, 0, 0, 10, 0, 0, 0, 9], "answer 9 came where 0 was due").await;
    refuses(&[0, 0, 0, 6, 0, 0, 0, 0, 0, 0], "malformed ApiVersions v3").await;
}

#[tokio::test]
async fn answer_nobody_asked_for_closes_the_connection() {
    let script = |mut peer: Peer| async move {
        peer.greet().await;
        peer.answer(1, &heartbeat(0, 0)).await;
        while peer.request().await.is_some() {}
    };
    let (connection, _peer) = connect_to(script, &[]).await;
    let connection = connection.unwrap();
    within(connection.closed()).await;
    let error = connection
        .call(HeartbeatRequest::default())
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("answer 1 came where none was due"),
        "{error}"
    );
}

#[tokio::test]
async fn slow_answer_is_timed_out_as_a_whole() {
    let script = |mut peer: Peer| async move {
        peer.greet().await;
        let seen = peer.request().await.unwrap();
        peer.stream.write_all(&[0, 0, 4, 0]).await.unwrap();
        peer.stream.write_i32(seen.correlation_id).await.unwrap();
        // A byte now and then keeps the stream alive, but not the request.
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        while peer.stream.write_all(&[0]).await.is_ok() {
            tick.tick().await;
        }
    };
    let (connection, peer) = connect_to(script, &[("request.timeout.ms", "200")]).await;
    let connection = connection.unwrap();
    let error = within(connection.call(HeartbeatRequest::default()))
        .await
        .unwrap_err();
    assert!(
        error.to_string().ends_with("not answered within 200 ms"),
        "{error}"
    );
    within(connection.closed()).await;
    within(peer).await.unwrap();
}

#[tokio::test]
async fn dropped_call_leaves_the_connection_usable() {
    let script = |mut peer: Peer| async move {
        peer.greet().await;
        let first = peer.request().await.unwrap();
        let second = peer.request().await.unwrap();
        peer.answer(first.correlation_id, &heartbeat(25, 0)).await;
        peer.answer(second.correlation_id, &heartbeat(27, 0)).await;
    };
    let (connection, _peer) = connect_to(script, &[]).await;
    let connection = connection.unwrap();
    let dropped = timeout(
        Duration::from_millis(50),
        connection.call(HeartbeatRequest::default()),
    );
    assert!(dropped.await.is_err());
    let answer = within(connection.call(HeartbeatRequest::default()))
        .await
        .unwrap();
    assert_eq!(answer.error_code, 27);
}

#[tokio::test]
async fn dropping_the_last_handle_closes_the_socket() {
    let script = |mut peer: Peer| async move {
        peer.greet().await;
        assert!(peer.request().await.is_none());
    };
    let (connection, peer) = connect_to(script, &[]).await;
    let connection = connection.unwrap();
    let other = connection.clone();
    drop(connection);
    assert!(!other.is_closed());
    drop(other);
    within(peer).await.unwrap();
}

#[tokio::test]
async fn idle_connection_is_closed() {
    let script = |mut peer: Peer| async move {
        peer.greet().await;
        assert!(peer.request().await.is_none());
    };
    let (connection, peer) = connect_to(script, &[("connections.max.idle.ms", "50")]).await;
    let connection = connection.unwrap();
    within(connection.closed()).await;
    let error = connection
        .call(HeartbeatRequest::default())
        .await
        .unwrap_err();
    assert!(
        error.to_string().ends_with("idle for too long") && error.is_retriable(),
        "{error}"
    );
    within(peer).await.unwrap();
}

#[tokio::test]
async fn throttled_connection_stays_silent_for_that_time() {
    let script = |mut peer: Peer| async move {
        peer.greet().await;
        let seen = peer.request().await.unwrap();
        peer.answer(seen.correlation_id, &heartbeat(0, 150)).await;
        peer.serve_heartbeats().await;
    };
    let (connection, _peer) = connect_to(script, &[]).await;
    let connection = connection.unwrap();
    within(connection.call(HeartbeatRequest::default()))
        .await
        .unwrap();
    let throttled_at = Instant::now();
    within(connection.call(HeartbeatRequest::default()))
        .await
        .unwrap();
    assert!(throttled_at.elapsed() >= Duration::from_millis(145));
}

#[tokio::test]
async fn large_frame_goes_through_the_pool_and_carries_its_credit() {
    // A fetch answer without topics whose one unknown tag is 3 MB long.
    let script = |mut peer: Peer| async move {
        peer.greet().await;
        while let Some(seen) = peer.request().await {
            let mut body = BytesMut::from(&[0_u8][..]);
            body.put_bytes(0, 10);
            body.put_slice(&[1, 1, 9, 0xc0, 0x8d, 0xb7, 0x01]);
            body.put_bytes(b'x', 3_000_000);
            peer.answer(seen.correlation_id, &body).await;
        }
    };
    let (connection, _peer) = connect_to(script, &[]).await;
    let connection = connection.unwrap();
    let budget = MemoryBudget::new(16 << 20);
    for _ in 0..3 {
        let credit = budget.reserve(8 << 20).await;
        let request = Bytes::from_static(&[0; 8]);
        let answer = within(connection.call_frame(1, 12, request, Some(credit)))
            .await
            .unwrap();
        assert_eq!(answer.len(), 3_000_017);
        assert!(answer.ends_with(b"xxxx"));
        assert_eq!(
            budget.used_bytes().div_ceil(1 << 20),
            3,
            "credit is cut to the answer"
        );
        drop(answer);
        assert_eq!(budget.used_bytes(), 0);
    }
}

#[tokio::test]
async fn announced_length_allocates_nothing_by_itself() {
    let pool = FramePool::new(256 << 20);
    let (mut ours, theirs) = tokio::io::duplex(64);
    let mut inbound = inbound::Inbound::new(theirs, 100 << 20);
    let reading = inbound.frame(90 << 20, &pool, None);
    let hang_up = async {
        ours.write_all(&[1; 60]).await.unwrap();
        drop(ours);
    };
    let (frame, ()) = within(async { tokio::join!(reading, hang_up) }).await;
    assert_eq!(frame.unwrap_err(), CloseReason::ByPeer);
    assert!(
        pool.idle_bytes() <= 300 << 10,
        "{} bytes were set aside",
        pool.idle_bytes()
    );
}

#[tokio::test]
async fn unreachable_broker_is_told_in_one_line() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let address = BrokerAddress {
        host: "127.0.0.1".into(),
        port,
    };
    let settings = settings(&[]);
    let connecting = Connection::connect(&address, &settings, FramePool::new(0));
    let error = within(connecting).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot reach 127.0.0.1:{port} (connection refused)")
    );
    assert!(error.is_retriable());
}

#[test]
fn connection_can_move_between_threads() {
    fn is_send<T: Send>(_: &T) {}
    fn returns_send<T: Send>(_: impl Fn(Connection) -> T) {}
    let settings = settings(&[]);
    let address = BrokerAddress {
        host: "localhost".into(),
        port: 1,
    };
    is_send(&Connection::connect(&address, &settings, FramePool::new(0)));
    let calls = |connection: Connection| async move {
        connection.call(ApiVersionsRequest::default()).await
    };
    returns_send(calls);
}

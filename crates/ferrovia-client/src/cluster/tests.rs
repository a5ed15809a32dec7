//! The cluster handle against a broker played by the test.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU16;

use bytes::{BufMut, BytesMut};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{
    ApiVersionsResponse, BrokerId, FindCoordinatorResponse, MetadataResponse, TopicName,
};
use kafka_protocol::protocol::{Encodable, StrBytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;

/// A broker with id 1 that leads partition 0 of topic `t`, and coordinates every group.
struct Stage {
    port: u16,
    /// Where it says it can be reached.
    advertised_port: Arc<AtomicU16>,
    leader_epoch: Arc<AtomicU16>,
    task: JoinHandle<()>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Stage {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let advertised_port = Arc::new(AtomicU16::new(port));
        let leader_epoch = Arc::new(AtomicU16::new(1));
        let (advertised, epoch) = (Arc::clone(&advertised_port), Arc::clone(&leader_epoch));
        let task = tokio::spawn(async move {
            // Connections end with the stage, as a broker's do.
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(play(stream, Arc::clone(&advertised), Arc::clone(&epoch)));
            }
        });
        Self {
            port,
            advertised_port,
            leader_epoch,
            task,
        }
    }
}

async fn play(mut stream: TcpStream, advertised: Arc<AtomicU16>, epoch: Arc<AtomicU16>) {
    while let Ok(length) = stream.read_i32().await {
        let mut request = vec![0; usize::try_from(length).unwrap()];
        if stream.read_exact(&mut request).await.is_err() {
            return;
        }
        let version = i16::from_be_bytes([request[2], request[3]]);
        let port = i32::from(advertised.load(Ordering::SeqCst));
        let mut answer = BytesMut::new();
        answer.put_slice(&request[4..8]);
        match request[1] {
            18 => offers().encode(&mut answer, version).unwrap(),
            3 => {
                answer.put_u8(0);
                metadata(port, epoch.load(Ordering::SeqCst))
                    .encode(&mut answer, version)
                    .unwrap();
            }
            10 => {
                answer.put_u8(0);
                coordinator(port).encode(&mut answer, version).unwrap();
            }
            key => panic!("request {key} is not in the play"),
        }
        let length = i32::try_from(answer.len()).unwrap();
        if stream.write_i32(length).await.is_err() || stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

fn offers() -> ApiVersionsResponse {
    let keys = [3, 10, 18].map(|key| {
        ApiVersion::default()
            .with_api_key(key)
            .with_min_version(0)
            .with_max_version(12)
    });
    ApiVersionsResponse::default().with_api_keys(keys.into())
}

fn metadata(port: i32, epoch: u16) -> MetadataResponse {
    let partition = MetadataResponsePartition::default()
        .with_leader_id(BrokerId(1))
        .with_leader_epoch(i32::from(epoch));
    let topic = MetadataResponseTopic::default()
        .with_name(Some(TopicName(StrBytes::from_static_str("t"))))
        .with_topic_id(uuid::Uuid::from_u128(7))
        .with_partitions(vec![partition]);
    let broker = MetadataResponseBroker::default()
        .with_node_id(BrokerId(1))
        .with_host(StrBytes::from_static_str("127.0.0.1"))
        .with_port(port);
    MetadataResponse::default()
        .with_cluster_id(Some(StrBytes::from_static_str("stage")))
        .with_brokers(vec![broker])
        .with_topics(vec![topic])
}

fn coordinator(port: i32) -> FindCoordinatorResponse {
    FindCoordinatorResponse::default()
        .with_node_id(BrokerId(1))
        .with_host(StrBytes::from_static_str("127.0.0.1"))
        .with_port(port)
}

fn cluster_of(ports: &[u16]) -> Cluster {
    let servers: Vec<_> = ports
        .iter()
        .map(|port| format!("127.0.0.1:{port}"))
        .collect();
    let map = BTreeMap::from([
        ("bootstrap.servers".to_owned(), servers.join(",")),
        ("retry.backoff.ms".to_owned(), "5".to_owned()),
        ("reconnect.backoff.ms".to_owned(), "5".to_owned()),
    ]);
    Cluster::new(
        ClientSettings::from_properties(&map).unwrap(),
        FramePool::new(0),
    )
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(10), future)
        .await
        .expect("nothing happened for 10 s")
}

fn t0() -> TopicPartition {
    TopicPartition::new("t", 0)
}

/// Waits until the view is as wanted.
async fn until(cluster: &Cluster, wanted: impl Fn(&MetadataView) -> bool) {
    within(async {
        while !wanted(&cluster.metadata()) {
            cluster.changed().await;
        }
    })
    .await;
}

#[tokio::test]
async fn wanted_topic_gets_a_leader_with_a_shared_connection() {
    let stage = Stage::open().await;
    let cluster = cluster_of(&[stage.port]);
    let view = cluster.ready(Duration::from_secs(10)).await.unwrap();
    assert!(view.topics.is_empty(), "nobody wants a topic yet");
    assert_eq!(cluster.cluster_id().as_deref(), Some("stage"));
    cluster.add_topics(["t".into()]);
    until(&cluster, |view| view.leader(&t0()) == Some(1)).await;
    let leader = within(cluster.leader(&t0())).await.unwrap();
    assert_eq!(
        leader.address().to_string(),
        cluster.address_of(1).unwrap().to_string()
    );
    let unknown = cluster.node(99).await.unwrap_err();
    assert_eq!(unknown, ClientError::UnknownNode { node_id: 99 });
}

#[tokio::test]
async fn refresh_tells_of_a_newer_epoch_and_keeps_it() {
    let stage = Stage::open().await;
    let cluster = cluster_of(&[stage.port]);
    cluster.add_topics(["t".into()]);
    until(&cluster, |view| view.leader(&t0()).is_some()).await;
    for (told, known) in [(5, 5), (3, 5), (6, 6)] {
        stage.leader_epoch.store(told, Ordering::SeqCst);
        let view = within(cluster.refresh()).await.unwrap();
        assert_eq!(view.partition(&t0()).unwrap().leader_epoch, known);
    }
}

#[tokio::test]
async fn change_between_looking_and_waiting_is_not_missed() {
    let stage = Stage::open().await;
    let cluster = cluster_of(&[stage.port]);
    let watcher = cluster.clone();
    within(cluster.refresh()).await.unwrap();
    // The watcher has not looked since it was cloned, so the change is news to it.
    within(watcher.changed()).await;
    assert!(watcher.metadata().generation > 0);
}

#[tokio::test]
async fn client_that_lost_its_brokers_starts_over_from_the_bootstrap_servers() {
    let (first, second) = (Stage::open().await, Stage::open().await);
    let cluster = cluster_of(&[first.port, second.port]);
    until(&cluster, |view| view.brokers.contains_key(&1)).await;
    assert_eq!(cluster.address_of(1).unwrap().port, first.port);
    drop(first);
    // The known broker is gone; the second bootstrap server knows where it lives now.
    within(async { while cluster.refresh().await.is_err() {} }).await;
    assert_eq!(cluster.address_of(1).unwrap().port, second.port);
    within(cluster.node(1)).await.unwrap();
}

#[tokio::test]
async fn coordinator_is_looked_up_again_when_forgotten() {
    let stage = Stage::open().await;
    let cluster = cluster_of(&[stage.port]);
    within(cluster.coordinator("g")).await.unwrap();
    let other = Stage::open().await;
    stage.advertised_port.store(other.port, Ordering::SeqCst);
    let same = within(cluster.coordinator("g")).await.unwrap();
    assert!(same.address().ends_with(&stage.port.to_string()));
    cluster.forget_coordinator("g");
    let moved = within(cluster.coordinator("g")).await.unwrap();
    assert!(moved.address().ends_with(&other.port.to_string()));
}

#[tokio::test]
async fn nobody_reachable_is_told_in_one_line() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let cluster = cluster_of(&[port]);
    let error = within(cluster.refresh()).await.unwrap_err();
    let expected = format!(
        "no broker is reachable, the last one tried said: cannot reach 127.0.0.1:{port} \
         (connection refused)"
    );
    assert_eq!(error.to_string(), expected);
    assert!(error.is_retriable());
}

#[tokio::test]
async fn handle_works_from_another_thread_and_runtime() {
    let stage = Stage::open().await;
    let cluster = cluster_of(&[stage.port]);
    within(cluster.refresh()).await.unwrap();
    let elsewhere = cluster.clone();
    let (done, told) = tokio::sync::oneshot::channel();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let connected = runtime.block_on(elsewhere.node(1));
        drop(runtime);
        done.send(connected).unwrap();
    });
    let connection = within(told).await.unwrap().unwrap();
    // The other runtime is gone; the shared connection is not.
    assert!(!connection.is_closed());
    thread.join().unwrap();
}

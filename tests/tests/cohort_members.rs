//! Three members of a group whose kind the client knows nothing of, as Connect workers are, with the embedded broker
//! and with real Kafka.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use ferrovia_broker::{BrokerConfig, EmbeddedBroker};
use ferrovia_client::group::cohort::driver::{AssignmentsWanted, OffersWanted};
use ferrovia_client::group::cohort::{LossCause, Offer};
use ferrovia_client::group::{CohortEvent, CohortMembership, CohortSettings};
use ferrovia_client::{ClientSettings, Cluster, FramePool};
use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::kafka::Kafka;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(30);
const DISCOVERY: Duration = Duration::from_millis(500);

/// A version with which an owner drops the question.
const SILENT: u32 = 0;

/// What one worker knows of its place in the group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Place {
    generation: i32,
    member_id: String,
    leader_id: String,
    protocol: String,
    /// What the leader wrote: the member's number, how many there are, and the sum of all offered versions.
    part: Vec<u8>,
    lost: Option<LossCause>,
}

struct Worker {
    membership: CohortMembership,
    /// Part of what it offers, so that a rejoin has something new to say.
    version: Arc<AtomicU32>,
    place: watch::Receiver<Place>,
    owner: JoinHandle<()>,
}

fn cluster(bootstrap: &str) -> io::Result<Cluster> {
    let servers = ("bootstrap.servers".to_owned(), bootstrap.to_owned());
    let settings =
        ClientSettings::from_properties(&BTreeMap::from([servers])).map_err(io::Error::other)?;
    Ok(Cluster::new(settings, FramePool::new(0)))
}

impl Worker {
    /// Joins with an owner that runs on its own. `protocols` are offered in this order.
    fn join(bootstrap: &str, group: &str, protocols: &'static [&'static str]) -> io::Result<Self> {
        let millis = Duration::from_millis;
        let settings = CohortSettings {
            group_id: group.into(),
            protocol_type: "connect".into(),
            instance_id: None,
            session_timeout: millis(10_000),
            rebalance_timeout: millis(20_000),
            heartbeat_interval: millis(200),
            request_timeout: millis(10_000),
            retry_backoff: millis(50),
            retry_backoff_max: millis(200),
            discovery_timeout: Some(DISCOVERY),
        };
        let (membership, events) =
            CohortMembership::join(cluster(bootstrap)?, settings).map_err(io::Error::other)?;
        let version = Arc::new(AtomicU32::new(1));
        let (told, place) = watch::channel(Place::default());
        let owner = tokio::spawn(own(events, told, protocols, Arc::clone(&version)));
        Ok(Self {
            membership,
            version,
            place,
            owner,
        })
    }

    fn place(&self) -> Place {
        self.place.borrow().clone()
    }

    async fn leave(self) -> io::Result<()> {
        timeout(LIMIT, self.membership.leave()).await?;
        timeout(LIMIT, self.owner).await?.map_err(io::Error::other)
    }
}

/// An owner's event loop: answers what it is asked, and publishes what it is told.
async fn own(
    mut events: mpsc::Receiver<CohortEvent>,
    told: watch::Sender<Place>,
    protocols: &'static [&'static str],
    version: Arc<AtomicU32>,
) {
    while let Some(event) = events.recv().await {
        match event {
            CohortEvent::OffersWanted(question) => {
                offer(question, protocols, version.load(Ordering::Relaxed));
            }
            CohortEvent::AssignmentsWanted(question) => divide(question),
            CohortEvent::Assigned(assignment) => {
                told.send_replace(Place {
                    generation: assignment.generation,
                    member_id: assignment.member_id.to_string(),
                    leader_id: assignment.leader_id.to_string(),
                    protocol: assignment.protocol.to_string(),
                    part: assignment.bytes.to_vec(),
                    lost: None,
                });
            }
            CohortEvent::Lost(cause) => told.send_modify(|place| {
                place.part.clear();
                place.lost = Some(cause);
            }),
            CohortEvent::Failed(_) => {
                told.send_replace(Place::default());
            }
        }
    }
}

fn offer(question: OffersWanted, protocols: &[&str], version: u32) {
    if version == SILENT {
        return drop(question);
    }
    let offers = protocols.iter().map(|protocol| Offer {
        protocol: (*protocol).into(),
        metadata: Bytes::copy_from_slice(&version.to_be_bytes()),
    });
    question.answer(offers.collect());
}

fn divide(question: AssignmentsWanted) {
    let members = &question.election().members;
    let versions = members.iter().map(|member| member.metadata.last());
    let sum = versions.flatten().sum::<u8>();
    let count = u8::try_from(members.len()).unwrap_or(u8::MAX);
    let assignments = members.iter().zip(0..count).map(|(member, number)| {
        (
            Arc::clone(&member.member_id),
            vec![number, count, sum].into(),
        )
    });
    let assignments = assignments.collect();
    question.answer(assignments);
}

/// Waits until all workers are in one generation, agree on the leader, and each has a part of its own.
async fn shared(workers: &[Worker], sum: u8) -> io::Result<i32> {
    let is_shared = || {
        let places: Vec<Place> = workers.iter().map(Worker::place).collect();
        let distinct = |key: fn(&Place) -> String| places.iter().map(key).collect::<BTreeSet<_>>();
        let parts: BTreeSet<_> = places.iter().map(|place| place.part.clone()).collect();
        let count = u8::try_from(workers.len()).unwrap_or(u8::MAX);
        let expected = (0..count).map(|number| vec![number, count, sum]).collect();
        let agree = distinct(|place| place.generation.to_string()).len() == 1
            && distinct(|place| place.leader_id.clone()).len() == 1
            && distinct(|place| place.member_id.clone()).len() == workers.len();
        agree && parts == expected
    };
    let settled = async {
        while !is_shared() {
            let changes = workers.iter().map(|worker| worker.place.clone());
            wait_for_any(changes.collect(), &is_shared).await;
        }
    };
    timeout(LIMIT, settled).await?;
    Ok(workers
        .first()
        .map_or(-1, |worker| worker.place().generation))
}

/// Returns when one of the places changes; at once, if what is waited for came true in between.
async fn wait_for_any(places: Vec<watch::Receiver<Place>>, is_true: impl Fn() -> bool) {
    let mut changes = tokio::task::JoinSet::new();
    for mut place in places {
        place.mark_unchanged();
        changes.spawn(async move { place.changed().await.is_ok() });
    }
    if !is_true() {
        changes.join_next().await;
    }
}

async fn share_change_and_inherit(bootstrap: &str, group: &str) -> io::Result<()> {
    let mut workers = vec![Worker::join(bootstrap, group, &["new", "old"])?];
    shared(&workers, 1).await?;
    assert_eq!(
        workers
            .first()
            .map(|worker| worker.place().protocol)
            .as_deref(),
        Some("new")
    );
    workers.push(Worker::join(bootstrap, group, &["new", "old"])?);
    workers.push(Worker::join(bootstrap, group, &["old"])?);
    let first = shared(&workers, 3).await?;
    for worker in &workers {
        let epoch = worker.membership.epoch();
        assert_eq!(
            (&*epoch.member_id, epoch.generation),
            (&*worker.place().member_id, first)
        );
        assert_eq!(
            worker.place().protocol,
            "old",
            "the one that all of them speak"
        );
    }

    // One has news: everybody hears of it in one more round.
    for worker in workers.iter().skip(1).take(1) {
        worker.version.store(5, Ordering::Relaxed);
        worker
            .membership
            .request_rejoin("its configuration changed");
    }
    let second = shared(&workers, 7).await?;
    assert!(second > first);

    // One cannot keep up for a while, and comes back under another id.
    for worker in workers.iter().skip(2) {
        let before = worker.place().member_id;
        worker.membership.step_out("it cannot keep up");
        worker.membership.request_rejoin("it caught up");
        let mut place = worker.place.clone();
        let came_back = place.wait_for(|place| place.member_id != before);
        timeout(LIMIT, came_back).await?.map_err(io::Error::other)?;
    }
    let third = shared(&workers, 7).await?;
    assert!(third > second);

    // One leaves for good: the others inherit at once.
    workers.remove(0).leave().await?;
    let fourth = shared(&workers, 6).await?;
    assert!(fourth > third);
    for worker in workers {
        worker.leave().await?;
    }
    Ok(())
}

#[tokio::test]
async fn three_members_share_change_and_inherit_with_the_embedded_broker() -> io::Result<()> {
    let broker = EmbeddedBroker::start(BrokerConfig::default())
        .await
        .map_err(io::Error::other)?;
    share_change_and_inherit(&broker.address().to_string(), "workers").await?;
    broker.stop().await;
    Ok(())
}

#[tokio::test]
async fn three_members_share_change_and_inherit_with_kafka() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    share_change_and_inherit(&Kafka::shared(ORACLE)?.bootstrap(), "workers").await
}

/// A broker holds the answer to a join back until the session of the member that is gone has ended.
#[tokio::test]
async fn a_member_leaves_at_once_while_the_group_waits_for_another() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let bootstrap = Kafka::shared(ORACLE)?.bootstrap();
    let gone = Worker::join(&bootstrap, "waiting-workers", &["new"])?;
    shared(slice::from_ref(&gone), 1).await?;
    drop(gone);
    let late = Worker::join(&bootstrap, "waiting-workers", &["new"])?;
    let is_joining = async {
        while late.membership.epoch().member_id.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(LIMIT, is_joining).await?;
    assert_eq!(late.membership.epoch().generation, -1);
    timeout(Duration::from_secs(3), late.membership.leave()).await?;
    Ok(())
}

#[tokio::test]
async fn members_without_a_coordinator_are_told_to_drop_their_work() -> io::Result<()> {
    let broker = EmbeddedBroker::start(BrokerConfig::default())
        .await
        .map_err(io::Error::other)?;
    let bootstrap = broker.address().to_string();
    let workers = [
        Worker::join(&bootstrap, "workers", &["new"])?,
        Worker::join(&bootstrap, "workers", &["new"])?,
        Worker::join(&bootstrap, "workers", &["new"])?,
    ];
    shared(&workers, 3).await?;
    broker.stop().await;
    for worker in &workers {
        let mut place = worker.place.clone();
        let told = place.wait_for(|place| place.lost.is_some());
        let told = timeout(LIMIT, told).await?.map_err(io::Error::other)?;
        assert_eq!(
            told.lost,
            Some(LossCause::CoordinatorUnreachable(DISCOVERY))
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_member_that_steps_out_or_does_not_answer_is_gone_until_it_wants_back_in()
-> io::Result<()> {
    let broker = EmbeddedBroker::start(BrokerConfig::default())
        .await
        .map_err(io::Error::other)?;
    let bootstrap = broker.address().to_string();
    let stays = Worker::join(&bootstrap, "workers", &["new"])?;
    shared(slice::from_ref(&stays), 1).await?;
    let goes = Worker::join(&bootstrap, "workers", &["new"])?;
    let workers = [stays, goes];
    shared(&workers, 2).await?;
    let [stays, goes] = &workers;

    goes.membership.step_out("it cannot keep up");
    shared(slice::from_ref(stays), 1).await?;
    assert_eq!(goes.membership.epoch().generation, -1);
    goes.membership.request_rejoin("it caught up");
    shared(&workers, 2).await?;

    goes.version.store(SILENT, Ordering::Relaxed);
    goes.membership.request_rejoin("it has nothing to say");
    shared(slice::from_ref(stays), 1).await?;
    goes.version.store(4, Ordering::Relaxed);
    goes.membership.request_rejoin("it has something to say");
    shared(&workers, 5).await?;
    for worker in workers {
        worker.leave().await?;
    }
    broker.stop().await;
    Ok(())
}

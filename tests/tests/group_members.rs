//! Two members of one process share a group of a real broker, with both rebalance protocols.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

use ferrovia_client::group::{GroupEvent, GroupMembership, Subscription};
use ferrovia_client::{Cluster, ConsumerSettings, FramePool, TopicPartition};
use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::Lab;
use tokio::sync::mpsc;
use tokio::time::timeout;

const PARTITIONS: usize = 6;
/// The same number, as Kafka counts.
const PARTITIONS_CREATED: i32 = 6;
const LIMIT: Duration = Duration::from_secs(30);

struct Owner {
    membership: GroupMembership,
    events: mpsc::Receiver<GroupEvent>,
    owned: BTreeSet<TopicPartition>,
    generation: i32,
}

impl Owner {
    /// Joins the group named as the topic.
    fn join(topic: &str, assignor: Option<&str>) -> io::Result<Self> {
        let mut map = BTreeMap::from([
            (
                "bootstrap.servers".to_owned(),
                Kafka::shared(ORACLE)?.bootstrap(),
            ),
            ("group.id".to_owned(), topic.to_owned()),
            ("heartbeat.interval.ms".to_owned(), "200".to_owned()),
        ]);
        let class = assignor.map(|name| format!("org.apache.kafka.clients.consumer.{name}"));
        map.extend(class.map(|class| ("partition.assignment.strategy".to_owned(), class)));
        let settings = ConsumerSettings::from_properties(&map).map_err(io::Error::other)?;
        let cluster = Cluster::new(settings.client.clone(), FramePool::new(0));
        let topics = Subscription::Topics(vec![topic.to_owned()]);
        let (membership, events) =
            GroupMembership::join(cluster, &settings, topics).map_err(io::Error::other)?;
        Ok(Self {
            membership,
            events,
            owned: BTreeSet::new(),
            generation: -1,
        })
    }

    /// Does what it is told until the next assignment.
    async fn next_assignment(&mut self) -> io::Result<()> {
        loop {
            self.membership.poll_marker();
            let event = timeout(LIMIT, self.events.recv()).await?;
            match event.ok_or_else(|| io::Error::other("the membership ended"))? {
                GroupEvent::Revoke { partitions, done } => {
                    self.owned
                        .retain(|partition| !partitions.contains(partition));
                    assert!(done.send(()).is_ok(), "the driver waits for the answer");
                }
                GroupEvent::Assigned {
                    all, generation, ..
                } => {
                    assert_eq!(self.membership.epoch(), generation);
                    self.owned = all;
                    self.generation = generation.generation;
                    return Ok(());
                }
                GroupEvent::Lost { .. } => self.owned.clear(),
                GroupEvent::Failed(error) => return Err(io::Error::other(error)),
            }
        }
    }
}

/// Lets two owners react until they share everything in one generation.
async fn settle(left: &mut Owner, right: &mut Owner) -> io::Result<()> {
    while left.generation != right.generation
        || left.owned.is_empty()
        || right.owned.is_empty()
        || left.owned.len() + right.owned.len() != PARTITIONS
    {
        tokio::select! {
            done = left.next_assignment() => done?,
            done = right.next_assignment() => done?,
        }
    }
    assert!(left.owned.is_disjoint(&right.owned));
    Ok(())
}

async fn share_and_inherit(topic: &str, assignor: Option<&str>) -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    Lab::start(Kafka::shared(ORACLE)?)?.create(topic, PARTITIONS_CREATED)?;
    let mut first = Owner::join(topic, assignor)?;
    // A new topic's partitions may come to be known one after the other.
    while first.owned.len() < PARTITIONS {
        first.next_assignment().await?;
    }
    let mut second = Owner::join(topic, assignor)?;
    timeout(LIMIT, settle(&mut first, &mut second)).await??;
    second.membership.leave().await;
    while first.owned.len() < PARTITIONS {
        first.next_assignment().await?;
    }
    first.membership.leave().await;
    Ok(())
}

#[tokio::test]
async fn two_eager_members_of_one_process_share_and_inherit() -> io::Result<()> {
    share_and_inherit("eager", None).await
}

#[tokio::test]
async fn two_cooperative_members_of_one_process_share_and_inherit() -> io::Result<()> {
    share_and_inherit("cooperative", Some("CooperativeStickyAssignor")).await
}

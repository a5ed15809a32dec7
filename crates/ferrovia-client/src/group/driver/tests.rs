//! The driver against a real broker, named by `FERROVIA_TEST_BOOTSTRAP`; skipped, and said so, without one.
//!
//! The topic `FERROVIA_TEST_TOPIC` (default `ferrovia-group-test`) has to exist there.

use std::time::Duration;

use tokio::time::timeout;

use super::*;
use crate::FramePool;

const LIMIT: Duration = Duration::from_secs(30);

fn properties(bootstrap: &str, group: &str, assignor: Option<&str>) -> BTreeMap<String, String> {
    let mut map = BTreeMap::from([
        ("bootstrap.servers".to_owned(), bootstrap.to_owned()),
        ("group.id".to_owned(), group.to_owned()),
    ]);
    let class = assignor.map(|name| format!("org.apache.kafka.clients.consumer.{name}"));
    map.extend(class.map(|class| ("partition.assignment.strategy".to_owned(), class)));
    map
}

struct Owner {
    membership: GroupMembership,
    events: mpsc::Receiver<GroupEvent>,
    owned: BTreeSet<TopicPartition>,
    generation: i32,
}

impl Owner {
    fn join(bootstrap: &str, group: &str, assignor: Option<&str>) -> Self {
        let map = properties(bootstrap, group, assignor);
        let settings = ConsumerSettings::from_properties(&map).unwrap();
        let cluster = Cluster::new(settings.client.clone(), FramePool::new(0));
        let topic = std::env::var("FERROVIA_TEST_TOPIC");
        let topic = topic.unwrap_or_else(|_| "ferrovia-group-test".to_owned());
        let (membership, events) =
            GroupMembership::join(cluster, &settings, Subscription::Topics(vec![topic])).unwrap();
        Self {
            membership,
            events,
            owned: BTreeSet::new(),
            generation: -1,
        }
    }

    /// Does what it is told until the next assignment.
    async fn next_assignment(&mut self) {
        loop {
            self.membership.poll_marker();
            match timeout(LIMIT, self.events.recv()).await.unwrap().unwrap() {
                GroupEvent::Revoke { partitions, done } => {
                    self.owned
                        .retain(|partition| !partitions.contains(partition));
                    done.send(()).unwrap();
                }
                GroupEvent::Assigned {
                    all, generation, ..
                } => {
                    assert_eq!(self.membership.epoch(), generation);
                    self.owned = all;
                    self.generation = generation.generation;
                    return;
                }
                GroupEvent::Lost { .. } => self.owned.clear(),
                GroupEvent::Failed(error) => panic!("{error}"),
            }
        }
    }
}

/// Lets two owners react until they share everything in one generation.
async fn settle(left: &mut Owner, right: &mut Owner, partitions: usize) {
    let shared = async {
        while left.generation != right.generation
            || left.owned.is_empty()
            || right.owned.is_empty()
            || left.owned.len() + right.owned.len() != partitions
        {
            tokio::select! {
                () = left.next_assignment() => {}
                () = right.next_assignment() => {}
            }
        }
    };
    timeout(LIMIT, shared).await.unwrap();
    assert!(left.owned.is_disjoint(&right.owned));
}

async fn share_and_inherit(assignor: Option<&str>) {
    let Ok(bootstrap) = std::env::var("FERROVIA_TEST_BOOTSTRAP") else {
        println!("SKIPPED: FERROVIA_TEST_BOOTSTRAP names no broker");
        return;
    };
    let group = format!("group-test-{}", fastrand::u64(..));
    let mut first = Owner::join(&bootstrap, &group, assignor);
    first.next_assignment().await;
    let partitions = first.owned.len();
    assert!(partitions >= 2, "the topic needs two partitions");
    let mut second = Owner::join(&bootstrap, &group, assignor);
    settle(&mut first, &mut second, partitions).await;
    second.membership.leave().await;
    while first.owned.len() < partitions {
        first.next_assignment().await;
    }
    first.membership.leave().await;
}

#[tokio::test]
async fn two_eager_members_of_one_process_share_and_inherit() {
    share_and_inherit(None).await;
}

#[tokio::test]
async fn two_cooperative_members_of_one_process_share_and_inherit() {
    share_and_inherit(Some("CooperativeStickyAssignor")).await;
}

#[tokio::test]
async fn a_membership_whose_broker_is_unreachable_can_be_left() {
    // Port 9 of the loopback: nobody listens there, and nobody has to.
    let owner = Owner::join("127.0.0.1:9", "unreachable", None);
    assert_eq!(owner.membership.epoch().generation, -1);
    timeout(LIMIT, owner.membership.leave()).await.unwrap();
}

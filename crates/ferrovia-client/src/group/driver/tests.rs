//! The driver without a broker; how it fares with a real one is told by the tests of the whole.

use std::time::Duration;

use tokio::time::timeout;

use super::*;
use crate::FramePool;

const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_membership_whose_broker_is_unreachable_can_be_left() {
    // Port 9 of the loopback: nobody listens there, and nobody has to.
    let map = BTreeMap::from([
        ("bootstrap.servers".to_owned(), "127.0.0.1:9".to_owned()),
        ("group.id".to_owned(), "unreachable".to_owned()),
    ]);
    let settings = ConsumerSettings::from_properties(&map).unwrap();
    let cluster = Cluster::new(settings.client.clone(), FramePool::new(0));
    let topics = Subscription::Topics(vec!["topic".to_owned()]);
    let (membership, _events) = GroupMembership::join(cluster, &settings, topics).unwrap();
    assert_eq!(membership.epoch().generation, -1);
    timeout(LIMIT, membership.leave()).await.unwrap();
}

//! The driver without a broker; how it fares with a real one is told by the tests of the whole.

use std::collections::BTreeMap;

use tokio::time::timeout;

use super::*;
use crate::group::cohort::{Offer, Ticket};
use crate::{ClientSettings, FramePool};

const LIMIT: Duration = Duration::from_secs(30);

fn settings() -> CohortSettings {
    let millis = Duration::from_millis;
    CohortSettings {
        group_id: "workers".into(),
        protocol_type: "connect".into(),
        instance_id: None,
        session_timeout: millis(10_000),
        rebalance_timeout: millis(60_000),
        heartbeat_interval: millis(3_000),
        request_timeout: millis(40_000),
        retry_backoff: millis(100),
        retry_backoff_max: millis(1_000),
        discovery_timeout: Some(millis(3_000)),
    }
}

#[tokio::test]
async fn a_membership_whose_broker_is_unreachable_can_be_left() {
    // Port 9 of the loopback: nobody listens there, and nobody has to.
    let map = BTreeMap::from([("bootstrap.servers".to_owned(), "127.0.0.1:9".to_owned())]);
    let client = ClientSettings::from_properties(&map).unwrap();
    let cluster = Cluster::new(client, FramePool::new(0));
    let (membership, _events) = CohortMembership::join(cluster, settings()).unwrap();
    assert_eq!(membership.epoch().generation, -1);
    membership.request_rejoin("for the sake of it");
    timeout(LIMIT, membership.leave()).await.unwrap();
}

#[test]
fn wishes_take_effect_in_order_and_pointless_ones_are_dropped() {
    let mailbox = Arc::new(Mailbox::default());
    let told = || -> Vec<String> {
        let wishes = mailbox.take().into_iter();
        wishes.map(|wish| format!("{wish:?}")).collect()
    };
    for round in 0..100 {
        mailbox.put(Wish::Rejoin(format!("{round}")));
        mailbox.put(Wish::Rejoin(format!("{round} again")));
        mailbox.put(Wish::StepOut(format!("{round}")));
    }
    mailbox.put(Wish::Rejoin("back".to_owned()));
    assert_eq!(told(), [r#"StepOut("99")"#, r#"Rejoin("back")"#]);

    let offer = Offer {
        protocol: "default".into(),
        metadata: bytes::Bytes::new(),
    };
    OffersWanted::new(Ticket(1), Arc::clone(&mailbox)).answer(vec![offer]);
    mailbox.put(Wish::Rejoin("after the answer".to_owned()));
    drop(OffersWanted::new(Ticket(2), Arc::clone(&mailbox)));
    let told = told();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].starts_with("Offers(Ticket(1)"), "{told:?}");
    assert_eq!(told[2], "Decline(Ticket(2))");
}

#[test]
fn events_that_nobody_took_give_way_to_those_that_make_them_void() {
    let mailbox = Arc::new(Mailbox::default());
    let offers =
        |ticket| CohortEvent::OffersWanted(OffersWanted::new(Ticket(ticket), Arc::clone(&mailbox)));
    let lost = CohortEvent::Lost(LossCause::UnknownMember);
    assert!(lost.voids(&offers(1)) && offers(2).voids(&offers(1)));
    assert!(!offers(1).voids(&lost));
}

//! Bytes of subscriptions and assignments against what Java's classes printed.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::group::{Assignor, MemberAssignment};

/// Printed by `tests/fixtures/java/GroupGolden.java vectors`.
const VECTORS: &str = include_str!("../../../tests/fixtures/group_vectors.txt");

fn vector(name: &str) -> Bytes {
    let vectors: BTreeMap<&str, &str> = VECTORS
        .lines()
        .filter_map(|line| line.split_once(' '))
        .collect();
    let hex = vectors[name];
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

fn partition(topic: &str, partition: i32) -> TopicPartition {
    TopicPartition {
        topic: topic.into(),
        partition,
    }
}

fn full() -> MemberSubscription {
    MemberSubscription {
        topics: vec!["orders".into(), "audit".into()],
        user_data: Assignor::CooperativeSticky.user_data(7),
        owned: vec![
            partition("orders", 2),
            partition("audit", 1),
            partition("orders", 0),
        ],
        generation: Some(7),
        rack: Some("rack-1".into()),
    }
}

fn assignment() -> MemberAssignment {
    let partitions = vec![
        partition("orders", 2),
        partition("audit", 1),
        partition("orders", 0),
    ];
    MemberAssignment {
        partitions,
        user_data: None,
    }
}

#[test]
fn subscriptions_are_written_as_java_writes_them() {
    let fresh = MemberSubscription {
        topics: full().topics,
        ..Default::default()
    };
    let stale = MemberSubscription {
        user_data: Assignor::CooperativeSticky.user_data(7),
        ..fresh.clone()
    };
    assert_eq!(full().encode(), vector("subscription-full-v3"));
    assert_eq!(fresh.encode(), vector("subscription-fresh"));
    assert_eq!(stale.encode(), vector("subscription-stale"));
}

#[test]
fn user_data_is_written_as_java_writes_it() {
    assert_eq!(
        Assignor::CooperativeSticky.user_data(-1),
        Some(vector("user-data-none"))
    );
    assert_eq!(
        Assignor::CooperativeSticky.user_data(7),
        Some(vector("user-data-7"))
    );
    assert_eq!(Assignor::Range.user_data(7), None);
}

#[test]
fn every_version_of_a_subscription_is_read() {
    let sorted = MemberSubscription {
        topics: vec!["audit".into(), "orders".into()],
        owned: vec![
            partition("audit", 1),
            partition("orders", 0),
            partition("orders", 2),
        ],
        ..full()
    };
    let v2 = MemberSubscription {
        rack: None,
        ..sorted.clone()
    };
    let v1 = MemberSubscription {
        generation: None,
        ..v2.clone()
    };
    let v0 = MemberSubscription {
        owned: vec![],
        ..v1.clone()
    };
    let versions = [v0, v1, v2, sorted];
    for (version, expected) in versions.iter().enumerate() {
        let bytes = vector(&format!("subscription-full-v{version}"));
        assert_eq!(
            MemberSubscription::decode(&bytes).as_ref(),
            Ok(expected),
            "version {version}"
        );
    }
}

#[test]
fn a_subscription_of_the_future_is_read_as_version_3() {
    let mut bytes = BytesMut::from(&*vector("subscription-full-v3"));
    bytes[1] = 9;
    bytes.put_slice(b"fields unheard of");
    assert_eq!(
        MemberSubscription::decode(&bytes.freeze())
            .unwrap()
            .generation,
        Some(7)
    );
}

#[test]
fn assignments_are_written_and_read_as_java_does() {
    assert_eq!(assignment().encode(), vector("assignment-v3"));
    assert_eq!(
        MemberAssignment::default().encode(),
        vector("assignment-empty")
    );
    for version in 0..=3 {
        let read = MemberAssignment::decode(&vector(&format!("assignment-v{version}"))).unwrap();
        let grouped = vec![
            partition("orders", 2),
            partition("orders", 0),
            partition("audit", 1),
        ];
        assert_eq!(read.partitions, grouped);
    }
}

#[test]
fn lying_counts_are_refused_before_anything_is_allocated() {
    let lie = Bytes::from_static(&[0, 3, 0x7f, 0xff, 0xff, 0xff]);
    assert!(matches!(
        MemberSubscription::decode(&lie),
        Err(MalformedBytes::Length {
            field: "topics",
            length: i32::MAX,
            remaining: 0
        })
    ));
    assert!(matches!(
        MemberAssignment::decode(&lie),
        Err(MalformedBytes::Length { .. })
    ));
    let negative = Bytes::from_static(&[0, 3, 0xff, 0xff, 0xff, 0xff]);
    assert!(matches!(
        MemberSubscription::decode(&negative),
        Err(MalformedBytes::Length { .. })
    ));
    let version = Bytes::from_static(&[0xff, 0xff]);
    assert_eq!(
        MemberAssignment::decode(&version),
        Err(MalformedBytes::Version { version: -1 })
    );
    assert_eq!(
        MemberAssignment::decode(&Bytes::new()),
        Err(MalformedBytes::Short { field: "version" })
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(raw in prop::collection::vec(any::<u8>(), 0..120)) {
        let bytes = Bytes::from(raw);
        let _ = MemberSubscription::decode(&bytes);
        let _ = MemberAssignment::decode(&bytes);
    }

    #[test]
    fn a_damaged_subscription_is_read_or_refused(at in 0usize..90, value in any::<u8>()) {
        let mut bytes = BytesMut::from(&*vector("subscription-full-v3"));
        let at = at % bytes.len();
        bytes[at] = value;
        if let Ok(read) = MemberSubscription::decode(&bytes.freeze()) {
            prop_assert!(read.owned.len() <= 30 && read.topics.len() <= 50);
        }
    }
}

//! Tests of this module.

use std::collections::BTreeMap;

use ferrovia_pipeline::source::OffsetReader;

use super::*;

#[derive(Debug)]
struct Nothing;

impl OffsetReader for Nothing {
    fn offset(&self, _partition: &Map<'_>) -> Result<Option<Map<'static>>, ConnectError> {
        Ok(None)
    }
}

/// Bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn heartbeat_has_the_bytes_that_java_writes() {
    assert_eq!(hex(&key("A", "östlich")), "0001410008c3b673746c696368");
    assert_eq!(hex(&value(1_700_000_000_123)), "00000000018bcfe5687b");
}

/// As in Java: nothing is waited for.
#[test]
fn heartbeats_follow_each_other_with_an_interval_of_nothing() {
    let settings = [
        ("name", "beats"),
        ("source.cluster.alias", "A"),
        ("emit.heartbeats.interval.seconds", "0"),
    ];
    let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let mut context = SourceContext::new(settings.into(), Arc::new(Nothing), false);
    let mut task = MirrorHeartbeatTask::default();
    task.start(&mut context).unwrap();
    assert!(task.poll(&mut context).unwrap().is_empty());
    for _ in 0..3 {
        assert_eq!(context.take_requests().wait, Some(Duration::ZERO));
        assert_eq!(task.poll(&mut context).unwrap().len(), 1);
    }
}

#[test]
fn heartbeats_come_behind_each_interval() {
    let settings = [
        ("name", "beats"),
        ("source.cluster.alias", "A"),
        ("target.cluster.alias", "B"),
        ("emit.heartbeats.interval.seconds", "3"),
    ];
    let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let settings: BTreeMap<String, String> = settings.into();
    let mut context = SourceContext::new(settings, Arc::new(Nothing), false);
    let mut task = MirrorHeartbeatTask::default();
    task.start(&mut context).unwrap();
    assert!(task.poll(&mut context).unwrap().is_empty());
    assert_eq!(context.take_requests().wait, Some(Duration::from_secs(3)));
    let records = task.poll(&mut context).unwrap();
    assert_eq!(context.take_requests().wait, Some(Duration::from_secs(3)));
    let [record] = &records[..] else {
        panic!("one heartbeat, not {}", records.len());
    };
    assert_eq!((&*record.topic, record.partition), ("heartbeats", Some(0)));
    let partition = record.source_partition.to_string();
    assert_eq!(partition, "{sourceClusterAlias=A, targetClusterAlias=B}");
    assert_eq!(record.source_offset.to_string(), "{offset=0}");
    let Value::Bytes(key) = &record.key.value else {
        panic!("the key is bytes");
    };
    assert_eq!(hex(key), "000141000142");
}

//! Copying a topic by MirrorSource, within one cluster: the copy bears the name of whoever made it.

use std::io;

use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::worker::{Make, Properties};

use crate::client::{BYTE_ARRAY, Client, Sample, fill};
use crate::topic::{Shape, TASKS};

/// Copies the topic of `shape` to a new one by two tasks, with bytes left as they are and batches as they were compressed.
pub(super) fn copy(
    make: Make,
    client: Client,
    kafka: &Kafka,
    shape: &Shape,
    records: u64,
    round: u32,
) -> io::Result<Sample> {
    let alias = format!("{client:?}-{round}");
    let connector = Properties::default()
        .with("name", format!("copy-{alias}-{}", shape.name))
        .with(
            "connector.class",
            "org.apache.kafka.connect.mirror.MirrorSourceConnector",
        )
        .with("tasks.max", TASKS)
        .with("source.cluster.alias", &alias)
        .with("source.cluster.bootstrap.servers", kafka.bootstrap())
        .with("target.cluster.bootstrap.servers", kafka.bootstrap())
        .with("topics", shape.name)
        .with("replication.factor", 1)
        .with("offset-syncs.topic.replication.factor", 1)
        .with("sync.topic.acls.enabled", false)
        .with("sync.topic.configs.enabled", false)
        .with("key.converter", BYTE_ARRAY)
        .with("value.converter", BYTE_ARRAY)
        .with("header.converter", BYTE_ARRAY)
        .with("consumer.max.poll.records", 5_000)
        .with("consumer.max.partition.fetch.bytes", 4 << 20)
        .with("consumer.receive.buffer.bytes", 1 << 20)
        .with("producer.override.compression.type", shape.codec());
    let topic = format!("{alias}.{}", shape.name);
    fill::watch(make, client, kafka, &connector, (shape, &topic), records)
}

//! Tests of this module: what Java's `MirrorConnectorConfig` makes of the same settings.

use super::*;

fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    let entries = entries.iter();
    entries
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn nearer_prefixes_win_and_a_cluster_gives_its_address_and_security_only() {
    let settings = map(&[
        ("source.cluster.bootstrap.servers", "a:1"),
        ("source.cluster.security.protocol", "SSL"),
        ("source.cluster.retry.backoff.ms", "1"),
        ("target.cluster.bootstrap.servers", "b:1"),
        ("consumer.fetch.min.bytes", "2"),
        ("consumer.fetch.max.wait.ms", "3"),
        ("source.consumer.fetch.min.bytes", "4"),
        ("admin.retry.backoff.ms", "5"),
        ("bootstrap.servers", "c:1"),
    ]);
    assert_eq!(
        properties(&settings, Side::Source, ClientKind::Consumer),
        map(&[
            ("bootstrap.servers", "a:1"),
            ("security.protocol", "SSL"),
            ("fetch.min.bytes", "4"),
            ("fetch.max.wait.ms", "3"),
            ("enable.auto.commit", "false"),
            ("auto.offset.reset", "earliest"),
        ])
    );
    assert_eq!(
        properties(&settings, Side::Target, ClientKind::Admin),
        map(&[("bootstrap.servers", "b:1"), ("retry.backoff.ms", "5")])
    );
}

#[test]
fn consumer_may_be_told_where_to_begin_but_never_to_commit() {
    let settings = map(&[
        ("consumer.auto.offset.reset", "latest"),
        ("source.consumer.enable.auto.commit", "true"),
    ]);
    let consumer = properties(&settings, Side::Source, ClientKind::Consumer);
    assert_eq!(consumer["auto.offset.reset"], "latest");
    assert_eq!(consumer["enable.auto.commit"], "false");
}

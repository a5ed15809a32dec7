//! The names of Kafka's client properties, so that a caller can warn about a misspelt one.
//!
//! # Source
//! `ConsumerConfig.configNames()` of Kafka 4.2.0. Known does not mean used: metrics reporters, for
//! one, are classes that only a JVM can load.

/// Whether all of Kafka's clients know this property.
#[must_use]
pub fn is_known_client_key(key: &str) -> bool {
    CLIENT_KEYS.binary_search(&key).is_ok() || key.starts_with("ssl.") || key.starts_with("sasl.")
}

/// Whether Kafka's consumer knows this property.
#[must_use]
pub fn is_known_consumer_key(key: &str) -> bool {
    is_known_client_key(key) || CONSUMER_KEYS.binary_search(&key).is_ok()
}

const CLIENT_KEYS: &[&str] = &[
    "bootstrap.servers",
    "client.dns.lookup",
    "client.id",
    "client.rack",
    "config.providers",
    "connections.max.idle.ms",
    "default.api.timeout.ms",
    "enable.metrics.push",
    "metadata.max.age.ms",
    "metadata.recovery.rebootstrap.trigger.ms",
    "metadata.recovery.strategy",
    "metric.reporters",
    "metrics.num.samples",
    "metrics.recording.level",
    "metrics.sample.window.ms",
    "receive.buffer.bytes",
    "reconnect.backoff.max.ms",
    "reconnect.backoff.ms",
    "request.timeout.ms",
    "retry.backoff.max.ms",
    "retry.backoff.ms",
    "security.protocol",
    "security.providers",
    "send.buffer.bytes",
    "socket.connection.setup.timeout.max.ms",
    "socket.connection.setup.timeout.ms",
];

const CONSUMER_KEYS: &[&str] = &[
    "allow.auto.create.topics",
    "auto.commit.interval.ms",
    "auto.offset.reset",
    "check.crcs",
    "enable.auto.commit",
    "exclude.internal.topics",
    "fetch.max.bytes",
    "fetch.max.wait.ms",
    "fetch.min.bytes",
    "group.id",
    "group.instance.id",
    "group.protocol",
    "group.remote.assignor",
    "heartbeat.interval.ms",
    "interceptor.classes",
    "isolation.level",
    "key.deserializer",
    "max.partition.fetch.bytes",
    "max.poll.interval.ms",
    "max.poll.records",
    "partition.assignment.strategy",
    "session.timeout.ms",
    "value.deserializer",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted_so_that_search_finds_every_key() {
        assert!(CLIENT_KEYS.is_sorted() && CONSUMER_KEYS.is_sorted());
        assert!(is_known_consumer_key("fetch.min.bytes"));
        assert!(is_known_consumer_key("bootstrap.servers"));
        assert!(!is_known_client_key("fetch.min.bytes"));
        assert!(!is_known_consumer_key("fetch.minimum.bytes"));
    }
}

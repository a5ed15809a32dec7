//! Keys that the worker's definitions do not list and that are meant all the same.

use super::WorkerKind;

const PREFIXES: [&str; 14] = [
    "consumer.",
    "producer.",
    "admin.",
    "key.converter.",
    "value.converter.",
    "header.converter.",
    "internal.key.converter",
    "internal.value.converter",
    "config.providers.",
    "metrics.context.",
    "listeners.https.",
    "admin.listeners.https.",
    "sasl.",
    "ssl.",
];

/// What the configurations of a distributed worker's topics begin with.
const TOPIC_PREFIXES: [&str; 3] = ["config.storage.", "offset.storage.", "status.storage."];

/// Client settings without a prefix, which admin clients and internal clients read.
const CLIENT_KEYS: [&str; 18] = [
    "client.id",
    "security.protocol",
    "security.providers",
    "metadata.max.age.ms",
    "metadata.recovery.strategy",
    "metadata.recovery.rebootstrap.trigger.ms",
    "send.buffer.bytes",
    "receive.buffer.bytes",
    "reconnect.backoff.ms",
    "reconnect.backoff.max.ms",
    "retry.backoff.ms",
    "retry.backoff.max.ms",
    "retries",
    "request.timeout.ms",
    "default.api.timeout.ms",
    "connections.max.idle.ms",
    "socket.connection.setup.timeout.ms",
    "socket.connection.setup.timeout.max.ms",
];

/// The client settings without a prefix.
pub(super) fn client_keys<'a>() -> impl Iterator<Item = &'a str> {
    CLIENT_KEYS.into_iter()
}

/// Whether something reads this key.
pub(super) fn is_known(key: &str, kind: WorkerKind) -> bool {
    let is_of_topic = || TOPIC_PREFIXES.iter().any(|prefix| key.starts_with(prefix));
    if kind == WorkerKind::Distributed && is_of_topic() {
        return true;
    }
    PREFIXES.iter().any(|prefix| key.starts_with(prefix)) || CLIENT_KEYS.contains(&key)
}

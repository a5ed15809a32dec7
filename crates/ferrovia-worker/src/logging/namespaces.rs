//! Which parts of this program Java's well-known loggers stand for. docs/rest.md has the same table for users.

/// Names of Java's loggers with the targets that they stand for here.
pub(super) const KNOWN: &[(&str, &[&str])] = &[
    (
        "org.apache.kafka.connect",
        &[
            "ferrovia_worker",
            "ferrovia_pipeline",
            "ferrovia_connectors",
            "ferrovia_mirror",
        ],
    ),
    ("org.apache.kafka.connect.runtime", &["ferrovia_worker"]),
    (
        "org.apache.kafka.connect.runtime.distributed",
        &["ferrovia_worker::herder", "ferrovia_worker::membership"],
    ),
    (
        "org.apache.kafka.connect.runtime.standalone",
        &["ferrovia_worker::herder"],
    ),
    (
        "org.apache.kafka.connect.runtime.rest",
        &["ferrovia_worker::rest"],
    ),
    (
        "org.apache.kafka.connect.runtime.WorkerSinkTask",
        &["ferrovia_worker::task::sink"],
    ),
    (
        "org.apache.kafka.connect.runtime.WorkerSourceTask",
        &["ferrovia_worker::task::source"],
    ),
    (
        "org.apache.kafka.connect.storage",
        &["ferrovia_worker::storage"],
    ),
    (
        "org.apache.kafka.connect.transforms",
        &["ferrovia_pipeline::transform"],
    ),
    (
        "org.apache.kafka.connect.converters",
        &["ferrovia_pipeline::convert"],
    ),
    (
        "org.apache.kafka.connect.json",
        &["ferrovia_pipeline::convert::json"],
    ),
    (
        "org.apache.kafka.connect.file",
        &["ferrovia_connectors::file"],
    ),
    ("org.apache.kafka.connect.mirror", &["ferrovia_mirror"]),
    ("org.apache.kafka.clients", &["ferrovia_client"]),
    (
        "org.apache.kafka.clients.NetworkClient",
        &["ferrovia_client::net"],
    ),
    (
        "org.apache.kafka.clients.consumer",
        &["ferrovia_client::group", "ferrovia_client::fetch"],
    ),
    (
        "org.apache.kafka.clients.producer",
        &["ferrovia_client::produce"],
    ),
];

/// The targets that a name stands for; none if it is not Java's, or not known.
pub(super) fn targets(name: &str) -> &'static [&'static str] {
    let known = KNOWN.iter().find(|(known, _)| *known == name);
    known.map_or(&[], |(_, targets)| *targets)
}

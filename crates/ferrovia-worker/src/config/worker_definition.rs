//! The definitions of the worker's settings.
//!
//! # Source
//! `WorkerConfig`, `StandaloneConfig` and `RestServerConfig` of Kafka 4.2: names, types, defaults and limits are compared
//! with a dump of the Java definitions in the tests.

use ferrovia_pipeline::config::{
    ConfigDef, ConfigError, ConfigKey, ConfigType, ConfigValue, Importance, Validator,
};

/// Where `listeners` points when it is not set: only this machine may talk to the worker. Java's default is
/// `http://:8083`, every interface.
pub const LISTENERS_DEFAULT: &str = "http://127.0.0.1:8083";
/// The default of `worker.memory.bytes`.
pub const MEMORY_BYTES_DEFAULT: i64 = 64 * 1024 * 1024;
/// The least that `worker.memory.bytes` may be: one fetch of a large batch has to fit.
pub const MEMORY_BYTES_MIN: i64 = 4 * 1024 * 1024;
/// The most threads that `worker.threads` may ask for.
pub const THREADS_MAX: i64 = 1024;

const LIST: Validator = Validator::List {
    allow_empty: true,
    allow_null: false,
};
const LIST_OR_NULL: Validator = Validator::List {
    allow_empty: true,
    allow_null: true,
};
const NON_EMPTY_LIST: Validator = Validator::List {
    allow_empty: false,
    allow_null: false,
};
const NON_EMPTY_LIST_OR_NULL: Validator = Validator::List {
    allow_empty: false,
    allow_null: true,
};
const NO_ITEMS: [&str; 0] = [];

/// The settings of a standalone worker, in Java's order.
pub fn standalone() -> ConfigDef {
    common().define(
        ConfigKey::required("offset.storage.file.filename", ConfigType::String)
            .importance(Importance::High)
            .doc("File in which the offsets of sources are kept."),
    )
}

/// The settings that both kinds of worker have.
pub(super) fn common() -> ConfigDef {
    own(rest(topics(ssl(plugins(metrics(timing(converters(
        brokers(),
    ))))))))
}

fn brokers() -> ConfigDef {
    ConfigDef::new()
        .define(
            ConfigKey::required("bootstrap.servers", ConfigType::List)
                .validator(NON_EMPTY_LIST)
                .importance(Importance::High)
                .doc("Kafka brokers as host:port, separated by commas."),
        )
        .define(
            ConfigKey::with_default("client.dns.lookup", ConfigType::String, "use_all_dns_ips")
                .validator(Validator::OneOf(&[
                    "use_all_dns_ips",
                    "resolve_canonical_bootstrap_servers_only",
                ]))
                .importance(Importance::Medium)
                .doc("How names of brokers become addresses."),
        )
}

fn converters(definitions: ConfigDef) -> ConfigDef {
    let version = |name| {
        ConfigKey::optional(name, ConfigType::String).doc("Version of the converter to use.")
    };
    definitions
        .define(
            ConfigKey::required("key.converter", ConfigType::Class)
                .importance(Importance::High)
                .doc("Converter of keys for connectors that name none."),
        )
        .define(version("key.converter.plugin.version"))
        .define(
            ConfigKey::required("value.converter", ConfigType::Class)
                .importance(Importance::High)
                .doc("Converter of values for connectors that name none."),
        )
        .define(version("value.converter.plugin.version"))
        .define(
            ConfigKey::with_default(
                "header.converter",
                ConfigType::Class,
                ConfigValue::Class("org.apache.kafka.connect.storage.SimpleHeaderConverter".into()),
            )
            .doc("Converter of headers for connectors that name none."),
        )
        .define(version("header.converter.plugin.version"))
}

fn timing(definitions: ConfigDef) -> ConfigDef {
    definitions
        .define(
            ConfigKey::with_default(
                "task.shutdown.graceful.timeout.ms",
                ConfigType::Long,
                5_000_i64,
            )
            .doc("Time that all tasks together have to stop."),
        )
        .define(
            ConfigKey::with_default("offset.flush.interval.ms", ConfigType::Long, 60_000_i64)
                .doc("Time between commits of offsets."),
        )
        .define(
            ConfigKey::with_default("offset.flush.timeout.ms", ConfigType::Long, 5_000_i64)
                .doc("Time after which a commit of offsets is given up."),
        )
}

fn metrics(definitions: ConfigDef) -> ConfigDef {
    definitions
        .define(
            ConfigKey::with_default("metrics.sample.window.ms", ConfigType::Long, 30_000_i64)
                .validator(Validator::AtLeast(0))
                .doc("Length of a sample."),
        )
        .define(
            ConfigKey::with_default("metrics.num.samples", ConfigType::Int, 2)
                .validator(Validator::AtLeast(1))
                .doc("Samples that are kept."),
        )
        .define(
            ConfigKey::with_default("metrics.recording.level", ConfigType::String, "INFO")
                .validator(Validator::OneOf(&["INFO", "DEBUG"]))
                .doc("Finest metrics that are recorded."),
        )
        .define(
            ConfigKey::with_default(
                "metric.reporters",
                ConfigType::List,
                ["org.apache.kafka.common.metrics.JmxReporter"],
            )
            .validator(LIST)
            .doc("Accepted for Java's sake; metrics are served, not pushed."),
        )
}

fn plugins(definitions: ConfigDef) -> ConfigDef {
    definitions
        .define(
            ConfigKey::optional("plugin.path", ConfigType::List)
                .validator(NON_EMPTY_LIST_OR_NULL)
                .doc("Accepted for Java's sake; plugins are part of the binary."),
        )
        .define(
            ConfigKey::with_default("plugin.discovery", ConfigType::String, "hybrid_warn")
                .validator(Validator::Rule(check_plugin_discovery))
                .doc("Accepted for Java's sake; plugins are part of the binary."),
        )
        .define(
            ConfigKey::with_default("config.providers", ConfigType::List, NO_ITEMS)
                .validator(LIST)
                .doc("Names of the providers that variables in settings come from."),
        )
        .define(
            ConfigKey::with_default(
                "connector.client.config.override.policy",
                ConfigType::String,
                "All",
            )
            .importance(Importance::Medium)
            .doc("Which client settings connectors may override."),
        )
        .define(
            ConfigKey::with_default(
                "connector.client.config.override.allowlist",
                ConfigType::List,
                NO_ITEMS,
            )
            .importance(Importance::Medium)
            .doc("Client settings that the policy Allowlist lets connectors override."),
        )
}

/// Java's own check comes before the others and has its own words.
fn check_plugin_discovery(name: &str, value: Option<&ConfigValue>) -> Result<(), ConfigError> {
    let modes = ["only_scan", "hybrid_warn", "hybrid_fail", "service_load"];
    match value {
        Some(ConfigValue::String(mode)) if modes.iter().any(|m| m.eq_ignore_ascii_case(mode)) => {
            Ok(())
        }
        _ => {
            let message = format!(
                "Invalid {name} value, must be one of [{}]",
                modes.join(", ")
            );
            Err(ConfigError::rule(name, message))
        }
    }
}

fn topics(definitions: ConfigDef) -> ConfigDef {
    let switch = |name, doc| ConfigKey::with_default(name, ConfigType::Boolean, true).doc(doc);
    definitions
        .define(switch(
            "topic.creation.enable",
            "Whether sources may create topics.",
        ))
        .define(switch(
            "topic.tracking.enable",
            "Whether the topics of connectors are tracked.",
        ))
        .define(switch(
            "topic.tracking.allow.reset",
            "Whether users may reset tracked topics.",
        ))
}

fn ssl(definitions: ConfigDef) -> ConfigDef {
    let text = |name| ConfigKey::optional(name, ConfigType::String);
    let text_or = |name, default: &str| ConfigKey::with_default(name, ConfigType::String, default);
    let secret =
        |name| ConfigKey::optional(name, ConfigType::Password).importance(Importance::High);
    let list = |name| ConfigKey::with_default(name, ConfigType::List, NO_ITEMS).validator(LIST);
    [
        text_or("ssl.protocol", "TLSv1.3").importance(Importance::Medium),
        text("ssl.provider").importance(Importance::Medium),
        list("ssl.cipher.suites"),
        ConfigKey::with_default(
            "ssl.enabled.protocols",
            ConfigType::List,
            ["TLSv1.2", "TLSv1.3"],
        )
        .validator(LIST)
        .importance(Importance::Medium),
        text_or("ssl.keystore.type", "JKS").importance(Importance::Medium),
        text("ssl.keystore.location").importance(Importance::High),
        secret("ssl.keystore.password"),
        secret("ssl.key.password"),
        secret("ssl.keystore.key"),
        secret("ssl.keystore.certificate.chain"),
        secret("ssl.truststore.certificates"),
        text_or("ssl.truststore.type", "JKS").importance(Importance::Medium),
        text("ssl.truststore.location").importance(Importance::High),
        secret("ssl.truststore.password"),
        text_or("ssl.keymanager.algorithm", "SunX509"),
        text_or("ssl.trustmanager.algorithm", "PKIX"),
        text_or("ssl.endpoint.identification.algorithm", "https"),
        text("ssl.secure.random.implementation"),
        ConfigKey::optional("ssl.engine.factory.class", ConfigType::Class),
    ]
    .into_iter()
    .fold(definitions, ConfigDef::define)
}

fn rest(definitions: ConfigDef) -> ConfigDef {
    definitions
        .define(
            ConfigKey::with_default("listeners", ConfigType::List, [LISTENERS_DEFAULT])
                .validator(Validator::Rule(check_listeners))
                .doc("Addresses that REST is served at, as http://host:port."),
        )
        .define(
            ConfigKey::optional("rest.advertised.host.name", ConfigType::String)
                .doc("Host that others are told."),
        )
        .define(
            ConfigKey::optional("rest.advertised.port", ConfigType::Int)
                .doc("Port that others are told."),
        )
        .define(
            ConfigKey::optional("rest.advertised.listener", ConfigType::String)
                .doc("Which listener others are told: http or https."),
        )
        .define(
            ConfigKey::with_default("access.control.allow.origin", ConfigType::String, "")
                .doc("Origins that browsers may call from; none when empty."),
        )
        .define(
            ConfigKey::with_default("access.control.allow.methods", ConfigType::String, "")
                .doc("Methods that browsers may use; GET, POST and HEAD when empty."),
        )
        .define(
            ConfigKey::with_default("response.http.headers.config", ConfigType::String, "")
                .validator(Validator::Rule(super::rest::check_headers))
                .doc("Headers that are added to answers."),
        )
        .define(client_auth())
        .define(
            ConfigKey::with_default("rest.extension.classes", ConfigType::List, NO_ITEMS)
                .validator(LIST)
                .doc("Extensions of the REST server, in order."),
        )
        .define(
            ConfigKey::optional("admin.listeners", ConfigType::List)
                .validator(LIST_OR_NULL)
                .doc("Addresses of the admin endpoints; those of `listeners` when absent."),
        )
}

fn client_auth() -> ConfigKey {
    ConfigKey::with_default("ssl.client.auth", ConfigType::String, "none")
        .validator(Validator::OneOf(&["required", "requested", "none"]))
        .doc("Whether callers show a certificate.")
}

/// The settings of TLS, which may come with a prefix.
pub(super) fn tls() -> ConfigDef {
    ssl(ConfigDef::new()).define(client_auth())
}

fn check_listeners(name: &str, value: Option<&ConfigValue>) -> Result<(), ConfigError> {
    let message = match value {
        Some(ConfigValue::List(items)) if items.is_empty() => {
            "Invalid value for listeners, at least one URL is expected, ex: \
             http://localhost:8080,https://localhost:8443."
        }
        Some(ConfigValue::List(items)) if items.iter().any(|item| item.trim().is_empty()) => {
            "Empty URL found when parsing listeners list."
        }
        _ => return Ok(()),
    };
    Err(ConfigError::rule(name, message))
}

/// Ferrovia's own settings, which Java ignores as unknown.
fn own(definitions: ConfigDef) -> ConfigDef {
    definitions
        .define(
            ConfigKey::optional("worker.threads", ConfigType::Int)
                .validator(Validator::Rule(check_threads))
                .doc("Threads that run tasks; one for each core when absent."),
        )
        .define(
            ConfigKey::optional("rest.login.config", ConfigType::String).doc(
                "JAAS file of BasicAuthSecurityRestExtension, in the place of \
                 -Djava.security.auth.login.config in KAFKA_OPTS.",
            ),
        )
        .define(
            ConfigKey::with_default(
                "worker.memory.bytes",
                ConfigType::Long,
                MEMORY_BYTES_DEFAULT,
            )
            .validator(Validator::AtLeast(MEMORY_BYTES_MIN))
            .doc("Memory for records on their way, shared by all tasks."),
        )
        .define(
            ConfigKey::with_default("task.progress.warn.ms", ConfigType::Long, 60_000_i64)
                .validator(Validator::AtLeast(0))
                .doc("Milliseconds without progress after which a task is warned of while records wait; 0 for never."),
        )
}

fn check_threads(name: &str, value: Option<&ConfigValue>) -> Result<(), ConfigError> {
    match value {
        None => Ok(()),
        some => Validator::Between(1, THREADS_MAX).check(name, some),
    }
}

//! The settings of the REST server, typed.
//!
//! # Source
//! `RestServerConfig` of Kafka 4.2

use std::path::PathBuf;

use ferrovia_pipeline::config::{ConfigError, ParsedConfig};
use ferrovia_pipeline::pattern::JavaPattern;

use super::listener::{Listener, Scheme};
use super::settings::Settings;
use super::tls::TlsSettings;

mod headers;

pub(super) use headers::check as check_headers;
pub use headers::{HeaderAction, HeaderRule};

/// Where the settings of `https` listeners are; `ssl.*` where there are none of these.
const TLS_PREFIX: &str = "listeners.https.";
/// The same for admin listeners.
const ADMIN_TLS_PREFIX: &str = "admin.listeners.https.";

/// Settings of the REST server.
#[derive(Clone, Debug)]
pub struct RestConfig {
    /// Where it listens; at least one.
    pub listeners: Vec<Listener>,
    /// Where the admin endpoints are.
    pub admin: AdminListeners,
    /// The host that others are told, if not the listener's.
    pub advertised_host: Option<String>,
    /// The port that others are told, if not the listener's.
    pub advertised_port: Option<u16>,
    /// Which kind of listener others are told.
    pub advertised_scheme: Scheme,
    /// Certificates of `https` listeners, and of this worker where it asks others.
    pub tls: TlsSettings,
    /// Certificates of `https` admin listeners.
    pub admin_tls: TlsSettings,
    /// Which pages of browsers may call, if any.
    pub cross_origin: Option<CrossOrigin>,
    /// Headers that answers get.
    pub response_headers: Vec<HeaderRule>,
    /// The classes of extensions, in order.
    pub extensions: Vec<String>,
    /// Where logins are configured for extensions that have them.
    pub login_config: Option<PathBuf>,
    /// Whether the topics of connectors may be read.
    pub topic_tracking: bool,
    /// Whether the topics of connectors may be reset.
    pub topic_tracking_reset: bool,
}

/// Where the admin endpoints are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminListeners {
    /// At the other listeners.
    Shared,
    /// Nowhere.
    Off,
    /// At listeners of their own.
    Own(Vec<Listener>),
}

/// Which pages of browsers may call, and how.
#[derive(Clone, Debug)]
pub struct CrossOrigin {
    /// Patterns of their origins.
    pub origins: Vec<JavaPattern>,
    /// The methods that they may use.
    pub methods: Vec<String>,
}

impl CrossOrigin {
    /// What browsers may do unless somebody says otherwise.
    const METHODS: [&'static str; 3] = ["GET", "POST", "HEAD"];

    fn new(parsed: &ParsedConfig) -> Result<Option<Self>, ConfigError> {
        const ORIGIN: &str = "access.control.allow.origin";
        let origins = parsed.string(ORIGIN)?;
        if origins.trim().is_empty() {
            return Ok(None);
        }
        let pattern = |text: &str| {
            // Java's `*` alone is any origin, though it is no pattern.
            let text = if text == "*" { ".*" } else { text };
            JavaPattern::new(text)
                .map_err(|error| ConfigError::invalid(ORIGIN, text, error.to_string()))
        };
        let methods = parsed.string("access.control.allow.methods")?;
        let methods: Vec<String> = match methods.trim().is_empty() {
            true => Self::METHODS.map(str::to_owned).to_vec(),
            false => methods.split(',').map(|m| m.trim().to_owned()).collect(),
        };
        Ok(Some(Self {
            origins: origins.split(',').map(pattern).collect::<Result<_, _>>()?,
            methods,
        }))
    }

    /// Whether a page of this origin may call.
    pub fn allows(&self, origin: &str) -> bool {
        self.origins.iter().any(|pattern| pattern.matches(origin))
    }
}

impl RestConfig {
    pub(super) fn new(parsed: &ParsedConfig, originals: &Settings) -> Result<Self, ConfigError> {
        let text = |key| parsed.optional_string(key).map(str::to_owned);
        Ok(Self {
            listeners: listeners(parsed.list("listeners"))?,
            admin: match parsed.optional_list("admin.listeners") {
                None => AdminListeners::Shared,
                Some([]) => AdminListeners::Off,
                Some(own) => AdminListeners::Own(listeners(own)?),
            },
            advertised_host: text("rest.advertised.host.name"),
            advertised_port: advertised_port(parsed)?,
            advertised_scheme: advertised_scheme(parsed, originals)?,
            tls: TlsSettings::new(originals, TLS_PREFIX)?,
            admin_tls: TlsSettings::new(originals, ADMIN_TLS_PREFIX)?,
            cross_origin: CrossOrigin::new(parsed)?,
            response_headers: headers::rules(parsed.string("response.http.headers.config")?)?,
            extensions: parsed.list("rest.extension.classes").to_vec(),
            login_config: text("rest.login.config").map(PathBuf::from),
            topic_tracking: parsed.boolean("topic.tracking.enable")?,
            topic_tracking_reset: parsed.boolean("topic.tracking.allow.reset")?,
        })
    }
}

fn listeners(texts: &[String]) -> Result<Vec<Listener>, ConfigError> {
    texts.iter().map(|text| Listener::parse(text)).collect()
}

fn advertised_port(parsed: &ParsedConfig) -> Result<Option<u16>, ConfigError> {
    const KEY: &str = "rest.advertised.port";
    let port = parsed.optional_int(KEY);
    let checked = port.map(|port| {
        let reason = "Value must be a port between 0 and 65535";
        u16::try_from(port).map_err(|_| ConfigError::invalid(KEY, port.to_string(), reason))
    });
    checked.transpose()
}

fn advertised_scheme(parsed: &ParsedConfig, originals: &Settings) -> Result<Scheme, ConfigError> {
    let listeners = originals
        .text("listeners")
        .unwrap_or_default()
        .to_ascii_lowercase();
    match parsed.optional_string("rest.advertised.listener") {
        Some(text) if text.eq_ignore_ascii_case("http") => Ok(Scheme::Http),
        Some(text) if text.eq_ignore_ascii_case("https") => Ok(Scheme::Https),
        Some(text) => {
            let reason = "String must be one of: http, https";
            Err(ConfigError::invalid(
                "rest.advertised.listener",
                text,
                reason,
            ))
        }
        None if listeners.contains("https://") && !listeners.contains("http://") => {
            Ok(Scheme::Https)
        }
        None => Ok(Scheme::Http),
    }
}

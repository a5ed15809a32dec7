//! Certificates and keys for HTTP over TLS, as `ssl.*` names them.
//!
//! # Source
//! `SSLUtils` of Kafka 4.2 and KIP-651 for keys and certificates in PEM. Java's own stores (JKS, PKCS12) are refused with
//! the way to turn them into PEM.

use std::fmt;
use std::path::PathBuf;

use ferrovia_pipeline::config::{ConfigError, ParsedConfig};

use super::settings::Settings;
use super::worker_definition;

/// Where PEM text is.
#[derive(Clone, PartialEq, Eq)]
pub enum Pem {
    /// In the setting itself.
    Text(String),
    /// In a file.
    File(PathBuf),
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("[hidden]"),
            Self::File(path) => write!(f, "{path:?}"),
        }
    }
}

/// This worker's certificates and their key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The certificate and those that it was signed with.
    pub chain: Pem,
    /// The key.
    pub key: Pem,
}

/// Whether callers show certificates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// They are not asked.
    #[default]
    None,
    /// They are asked, and one that they show must be good.
    Requested,
    /// Nobody gets in without.
    Required,
}

/// Which versions of TLS are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// TLS 1.2
    pub tls12: bool,
    /// TLS 1.3
    pub tls13: bool,
}

/// The settings of TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSettings {
    /// What the settings' names begin with.
    pub prefix: String,
    /// Who this worker is; a listener needs one.
    pub identity: Option<Identity>,
    /// Whose certificates are good.
    pub trusted: Option<Pem>,
    /// Whether callers show certificates.
    pub client_auth: ClientAuth,
    /// Which versions are spoken.
    pub versions: Versions,
    /// Whether the name in another worker's certificate must be the one that it is called by.
    pub checks_names: bool,
    /// What keeps a listener from using these settings.
    pub fault: Option<ConfigError>,
}

impl TlsSettings {
    /// The settings that begin with `prefix` if there is any, else those without it.
    pub(super) fn new(originals: &Settings, prefix: &str) -> Result<Self, ConfigError> {
        let own = originals.with_prefix(prefix);
        let (prefix, settings) = match own.as_map().is_empty() {
            true => ("", originals.clone()),
            false => (prefix, own),
        };
        let parsed = worker_definition::tls().parse(settings.as_map())?;
        let mut fault = None;
        let mut take = |found: Result<Option<Pem>, ConfigError>| {
            found.unwrap_or_else(|error| {
                fault.get_or_insert(error);
                None
            })
        };
        let file = take(store(&parsed, prefix, "keystore"));
        let (chain, key) = ("ssl.keystore.certificate.chain", "ssl.keystore.key");
        let text = |key| {
            parsed
                .password(key)
                .map(|p| Pem::Text(p.expose().to_owned()))
        };
        let chain = text(chain).or_else(|| file.clone());
        let key = text(key).or(file);
        let trusted = text("ssl.truststore.certificates")
            .or_else(|| take(store(&parsed, prefix, "truststore")));
        let auth = settings.text("ssl.client.authentication");
        Ok(Self {
            prefix: prefix.to_owned(),
            identity: chain.zip(key).map(|(chain, key)| Identity { chain, key }),
            trusted,
            client_auth: match auth.or_else(|| parsed.optional_string("ssl.client.auth")) {
                Some("required") => ClientAuth::Required,
                Some("requested") => ClientAuth::Requested,
                _ => ClientAuth::None,
            },
            versions: versions(&parsed).unwrap_or_else(|error| {
                fault.get_or_insert(error);
                Versions {
                    tls12: true,
                    tls13: true,
                }
            }),
            checks_names: parsed
                .optional_string("ssl.endpoint.identification.algorithm")
                .is_some_and(|name| !name.is_empty()),
            fault,
        })
    }
}

/// A store's file, which has to be PEM.
fn store(parsed: &ParsedConfig, prefix: &str, which: &str) -> Result<Option<Pem>, ConfigError> {
    let key = format!("ssl.{which}.type");
    let Some(location) = parsed.optional_string(&format!("ssl.{which}.location")) else {
        return Ok(None);
    };
    let kind = parsed.optional_string(&key).unwrap_or_default();
    if kind.eq_ignore_ascii_case("PEM") {
        return Ok(Some(Pem::File(location.into())));
    }
    let reason = format!(
        "only PEM is read; turn {location} into PEM (keytool -importkeystore -deststoretype PKCS12, then openssl \
         pkcs12 -nodes) and set {prefix}{key}=PEM"
    );
    Err(ConfigError::invalid(format!("{prefix}{key}"), kind, reason))
}

fn versions(parsed: &ParsedConfig) -> Result<Versions, ConfigError> {
    const KEY: &str = "ssl.enabled.protocols";
    let names = parsed.list(KEY);
    let has = |name: &str| names.is_empty() || names.iter().any(|known| known == name);
    let versions = Versions {
        tls12: has("TLSv1.2"),
        tls13: has("TLSv1.3"),
    };
    if versions.tls12 || versions.tls13 {
        Ok(versions)
    } else {
        let reason = "at least one of TLSv1.2 and TLSv1.3 is needed";
        Err(ConfigError::invalid(KEY, names.join(","), reason))
    }
}

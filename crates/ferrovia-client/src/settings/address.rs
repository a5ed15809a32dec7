//! `host:port` as properties and metadata name it. Names are resolved at each connect, never here.

use std::fmt;
use std::sync::Arc;

use super::SettingsError;
use super::properties::Properties;

/// A broker's advertised name and port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BrokerAddress {
    /// Host name or IP address, without brackets.
    pub host: Arc<str>,
    /// TCP port.
    pub port: u16,
}

impl BrokerAddress {
    /// Parses one element of `bootstrap.servers`: `host:port`, `[::1]:port` or
    /// `PLAINTEXT://host:port`.
    ///
    /// # Errors
    /// [`SettingsError::BootstrapUrl`] or [`SettingsError::BootstrapPort`].
    ///
    /// # Source
    /// `Utils.HOST_PORT_PATTERN` and `ClientUtils.parseAndValidateAddresses`.
    pub fn parse(url: &str) -> Result<Self, SettingsError> {
        let bad_url = || SettingsError::BootstrapUrl {
            url: url.to_owned(),
        };
        let address = match url.split_once("://") {
            Some((scheme, rest)) if scheme.chars().all(is_scheme_char) => rest,
            _ => url,
        };
        let (host, port) = address.rsplit_once(':').ok_or_else(bad_url)?;
        let host = host.strip_prefix('[').unwrap_or(host);
        let host = host.strip_suffix(']').unwrap_or(host);
        if !host.chars().all(is_host_char)
            || port.is_empty()
            || !port.bytes().all(|b| b.is_ascii_digit())
        {
            return Err(bad_url());
        }
        let port = port.parse().map_err(|_| SettingsError::BootstrapPort {
            url: url.to_owned(),
        })?;
        // Java resolves an empty host to the loopback address.
        let host = if host.is_empty() { "localhost" } else { host };
        Ok(Self {
            host: host.into(),
            port,
        })
    }
}

impl fmt::Display for BrokerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// `bootstrap.servers`, in the order given.
pub(super) fn bootstrap_servers(
    properties: &Properties<'_>,
) -> Result<Vec<BrokerAddress>, SettingsError> {
    const NAME: &str = "bootstrap.servers";
    let urls = properties
        .list(NAME)?
        .ok_or(SettingsError::Missing { name: NAME })?;
    if urls.is_empty() {
        let reason = "must not be empty. Valid values include: any non-empty value";
        return Err(SettingsError::List { name: NAME, reason });
    }
    urls.into_iter().map(BrokerAddress::parse).collect()
}

fn is_scheme_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-%._".contains(c)
}

fn is_host_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-%._:".contains(c)
}

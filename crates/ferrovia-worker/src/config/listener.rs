//! The addresses that REST is served at, and the one that others are told.
//!
//! # Source
//! `RestServer.createConnector` and `RestServer.advertisedUrl`

use std::fmt;

use ferrovia_pipeline::config::ConfigError;

const KEY: &str = "listeners";

/// How a listener talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Https => "https",
        })
    }
}

/// One item of `listeners`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// How it talks.
    pub scheme: Scheme,
    /// A name or an address without brackets; empty for all interfaces.
    pub host: String,
    /// The port; 0 for any free one.
    pub port: u16,
}

impl Listener {
    /// Reads `protocol://host:port`, the host possibly in brackets.
    ///
    /// # Errors
    /// Java's text for a wrong form or protocol; a port beyond 65535 is a wrong form too.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let malformed = || {
            let text = "Listener doesn't have the right format (protocol://hostname:port).";
            ConfigError::rule(KEY, text)
        };
        let (protocol, address) = text.rsplit_once("://").ok_or_else(malformed)?;
        let (host, port) = address.rsplit_once(':').ok_or_else(malformed)?;
        let port = port.parse().map_err(|_| malformed())?;
        let host = host.strip_prefix('[').unwrap_or(host);
        let host = host.strip_suffix(']').unwrap_or(host);
        let may_be_in_host = |c: char| c.is_ascii_alphanumeric() || "-%._:".contains(c);
        if !host.chars().all(may_be_in_host) {
            return Err(malformed());
        }
        Ok(Self {
            scheme: parse_scheme(protocol)?,
            host: host.to_owned(),
            port,
        })
    }
}

fn parse_scheme(text: &str) -> Result<Scheme, ConfigError> {
    match text.to_ascii_lowercase().as_str() {
        "http" => Ok(Scheme::Http),
        "https" => Ok(Scheme::Https),
        _ => {
            let text = "Listener protocol must be either \"http\" or \"https\".";
            Err(ConfigError::rule(KEY, text))
        }
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}://{}:{}",
            self.scheme,
            bracketed(&self.host),
            self.port
        )
    }
}

/// Where other workers and users reach this worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdvertisedUrl {
    scheme: Scheme,
    host: String,
    port: u16,
}

impl AdvertisedUrl {
    /// The URL for a listener that is bound to `bound_port`, with the parts that the configuration sets instead.
    pub fn new(
        listener: &Listener,
        bound_port: u16,
        advertised_host: Option<&str>,
        advertised_port: Option<u16>,
    ) -> Self {
        let host = match advertised_host.filter(|host| !host.is_empty()) {
            Some(host) => host.to_owned(),
            None if listener.host.is_empty() => local_address(),
            None => listener.host.clone(),
        };
        let listener_port = if listener.port == 0 {
            bound_port
        } else {
            listener.port
        };
        let port = advertised_port.unwrap_or(listener_port);
        Self {
            scheme: listener.scheme,
            host,
            port,
        }
    }

    /// How statuses name this worker: `host:port`.
    pub fn worker_id(&self) -> String {
        format!("{}:{}", bracketed(&self.host), self.port)
    }
}

impl fmt::Display for AdvertisedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}/", self.scheme, self.worker_id())
    }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    }
}

/// The address that this machine would use towards the outside; nothing is sent to find out.
fn local_address() -> String {
    let probe = || {
        let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
        // An address of the documentation range, which the routing table answers for without traffic.
        socket.connect("192.0.2.1:9").ok()?;
        Some(socket.local_addr().ok()?.ip().to_string())
    };
    probe().unwrap_or_else(|| "127.0.0.1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_are_read_as_java_reads_them() {
        let listener = |scheme, host: &str, port| Listener {
            scheme,
            host: host.into(),
            port,
        };
        let cases = [
            ("http://:8083", Ok(listener(Scheme::Http, "", 8083))),
            (
                "HTTP://localhost:0",
                Ok(listener(Scheme::Http, "localhost", 0)),
            ),
            ("http://[::1]:8083", Ok(listener(Scheme::Http, "::1", 8083))),
            (
                "https://0.0.0.0:8443",
                Ok(listener(Scheme::Https, "0.0.0.0", 8443)),
            ),
            (
                "ftp://x:1",
                Err("Listener protocol must be either \"http\" or \"https\"."),
            ),
            (
                "localhost:8083",
                Err("Listener doesn't have the right format (protocol://hostname:port)."),
            ),
            (
                "http://x",
                Err("Listener doesn't have the right format (protocol://hostname:port)."),
            ),
            (
                "http://x:70000",
                Err("Listener doesn't have the right format (protocol://hostname:port)."),
            ),
            (
                "http://a/b:1",
                Err("Listener doesn't have the right format (protocol://hostname:port)."),
            ),
        ];
        for (text, expected) in cases {
            let parsed = Listener::parse(text).map_err(|error| error.to_string());
            assert_eq!(parsed, expected.map_err(str::to_owned), "{text}");
        }
    }

    #[test]
    fn the_advertised_url_takes_what_is_configured_first() {
        let url = |listener: &str, host, port| {
            AdvertisedUrl::new(&Listener::parse(listener).unwrap(), 4711, host, port).to_string()
        };
        assert_eq!(
            url("http://127.0.0.1:8083", None, None),
            "http://127.0.0.1:8083/"
        );
        assert_eq!(
            url("http://127.0.0.1:0", None, None),
            "http://127.0.0.1:4711/"
        );
        assert_eq!(url("http://[::1]:8083", None, None), "http://[::1]:8083/");
        assert_eq!(url("http://:8083", Some("w1"), Some(80)), "http://w1:80/");
        assert_eq!(
            url("http://localhost:1", Some(""), None),
            "http://localhost:1/"
        );
    }
}

//! From settings to TLS: certificates, keys and whom to trust.
//!
//! # Source
//! `SSLUtils` of Kafka 4.2

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig,
    SignatureScheme, SupportedProtocolVersion,
};

use crate::config::tls::{ClientAuth, Identity, Pem, TlsSettings, Versions};

/// The largest file of certificates that is read.
const PEM_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Why TLS cannot be spoken with these settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A setting cannot be used.
    #[error(transparent)]
    Setting(#[from] ferrovia_pipeline::config::ConfigError),
    /// There is no certificate to show.
    #[error(
        "https needs {0}ssl.keystore.location with {0}ssl.keystore.type=PEM, or \
             {0}ssl.keystore.certificate.chain and {0}ssl.keystore.key"
    )]
    NoIdentity(String),
    /// There is nobody to trust.
    #[error(
        "{0}ssl.truststore.location or {0}ssl.truststore.certificates is needed to check certificates"
    )]
    NoTrusted(String),
    /// A file cannot be read.
    #[error("cannot read {file}: {source}")]
    Read {
        /// Which one.
        file: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// What should be PEM is not.
    #[error("{setting}: {reason}")]
    Pem {
        /// The setting.
        setting: String,
        /// What is wrong; no word of the PEM itself.
        reason: String,
    },
    /// The pieces do not fit each other.
    #[error("certificates cannot be used: {0}")]
    Tls(#[from] rustls::Error),
    /// The certificates to trust cannot be used.
    #[error("certificates to trust cannot be used: {0}")]
    Trusted(#[from] VerifierBuilderError),
}

/// What a listener needs.
pub(super) fn server(settings: &TlsSettings) -> Result<Arc<ServerConfig>, TlsError> {
    if let Some(fault) = &settings.fault {
        return Err(fault.clone().into());
    }
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&protocols(settings.versions))?;
    let builder = match settings.client_auth {
        ClientAuth::None => builder.with_no_client_auth(),
        wanted => {
            let roots = Arc::new(trusted(settings)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
            let verifier = match wanted {
                ClientAuth::Requested => verifier.allow_unauthenticated(),
                _ => verifier,
            };
            builder.with_client_cert_verifier(verifier.build()?)
        }
    };
    let missing = || TlsError::NoIdentity(settings.prefix.clone());
    let identity = settings.identity.as_ref().ok_or_else(missing)?;
    let (chain, key) = read_identity(settings, identity)?;
    let mut config = builder.with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// What a request to another worker needs.
pub(super) fn client(settings: &TlsSettings) -> Result<Arc<ClientConfig>, TlsError> {
    if let Some(fault) = &settings.fault {
        return Err(fault.clone().into());
    }
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&protocols(settings.versions))?;
    let roots = Arc::new(trusted(settings)?);
    let verifier =
        WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build()?;
    let builder = match settings.checks_names {
        true => builder.with_webpki_verifier(verifier),
        false => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyName(verifier))),
    };
    let config = match &settings.identity {
        Some(identity) => {
            let (chain, key) = read_identity(settings, identity)?;
            builder.with_client_auth_cert(chain, key)?
        }
        None => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

fn protocols(versions: Versions) -> Vec<&'static SupportedProtocolVersion> {
    let both = [
        (versions.tls13, &rustls::version::TLS13),
        (versions.tls12, &rustls::version::TLS12),
    ];
    both.into_iter()
        .filter_map(|(is_wanted, version)| is_wanted.then_some(version))
        .collect()
}

fn trusted(settings: &TlsSettings) -> Result<RootCertStore, TlsError> {
    let missing = || TlsError::NoTrusted(settings.prefix.clone());
    let pem = settings.trusted.as_ref().ok_or_else(missing)?;
    let setting = format!("{}ssl.truststore.certificates", settings.prefix);
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&setting, &read(pem)?)? {
        roots.add(certificate)?;
    }
    Ok(roots)
}

fn read_identity(
    settings: &TlsSettings,
    identity: &Identity,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
    let setting = format!("{}ssl.keystore.certificate.chain", settings.prefix);
    let chain = certificates(&setting, &read(&identity.chain)?)?;
    let setting = format!("{}ssl.keystore.key", settings.prefix);
    let text = read(&identity.key)?;
    let key = PrivateKeyDer::from_pem_slice(&text).map_err(|error| {
        let is_encrypted = String::from_utf8_lossy(&text).contains("ENCRYPTED PRIVATE KEY");
        let reason = match (is_encrypted, error) {
            (true, _) => "encrypted keys are not read; decrypt it with openssl pkey".to_owned(),
            (false, pem::Error::NoItemsFound) => "there is no private key in it".to_owned(),
            (false, _) => "the private key is not PEM".to_owned(),
        };
        TlsError::Pem { setting, reason }
    })?;
    Ok((chain, key))
}

fn certificates(setting: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let broken = |reason: &str| TlsError::Pem {
        setting: setting.to_owned(),
        reason: reason.to_owned(),
    };
    let found: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|_| broken("the certificates are not PEM"))?;
    if found.is_empty() {
        return Err(broken("there is no certificate in it"));
    }
    Ok(found)
}

fn read(pem: &Pem) -> Result<Vec<u8>, TlsError> {
    let file = match pem {
        // A setting's line breaks may have become spaces, which PEM does not allow around its markers.
        Pem::Text(text) => return Ok(with_lines(text).into_bytes()),
        Pem::File(file) => file,
    };
    let failed = |source| TlsError::Read {
        file: file.clone(),
        source,
    };
    let bytes = std::fs::metadata(file).map_err(failed)?.len();
    if bytes > PEM_BYTES_MAX {
        return Err(failed(io::Error::other("it is too large")));
    }
    std::fs::read(file).map_err(failed)
}

/// PEM text with its markers on lines of their own, as people put it on one line in a properties file.
fn with_lines(text: &str) -> String {
    const MARKER: &str = "-----";
    let mut lines = String::with_capacity(text.len() + 64);
    for (place, part) in text.split(MARKER).enumerate() {
        match place % 4 {
            // Between markers: base64, whose white space is of no matter.
            0 | 2 => lines.extend([part.trim(), "\n"]),
            _ => lines.extend([MARKER, part, MARKER, "\n"]),
        }
    }
    lines
}

/// Checks certificates of other workers, but for the names in them.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        // The name is looked at last, after everything else was found good.
        match self
            .0
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

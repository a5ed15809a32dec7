//! Signatures of what workers send each other (KIP-507): a MAC over a request's body by a key that all of them know.
//!
//! Pure functions: the REST interface reads and writes the headers, the herder knows the key.
//!
//! # Source
//! `InternalRequestSignature` of Kafka 4.2

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use crate::config::mac_algorithm::MacAlgorithm;

/// The header with the signature, in base64.
pub const AUTHORIZATION_HEADER: &str = "x-connect-authorization";
/// The header with the name of the algorithm.
pub const ALGORITHM_HEADER: &str = "x-connect-request-signature-algorithm";

/// Java's decoder takes a text without padding too, and does not look at the bits that are left over.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Algorithms of Java 17 beside those that this worker has. Nothing can be signed with them here, but their names are
/// known, as they are to Java's workers.
const ONLY_JAVAS: [&str; 20] = [
    "HmacMD5",
    "HmacPBESHA1",
    "HmacPBESHA224",
    "HmacPBESHA256",
    "HmacPBESHA384",
    "HmacPBESHA512",
    "HmacPBESHA512/224",
    "HmacPBESHA512/256",
    "HmacSHA224",
    "HmacSHA3-224",
    "HmacSHA3-256",
    "HmacSHA3-384",
    "HmacSHA3-512",
    "HmacSHA512/224",
    "HmacSHA512/256",
    "PBEWithHmacSHA1",
    "PBEWithHmacSHA224",
    "PBEWithHmacSHA256",
    "PBEWithHmacSHA384",
    "PBEWithHmacSHA512",
];

/// Why something cannot be signed or a signature cannot be read. The texts are Java's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// Not even Java knows the algorithm.
    #[error("Algorithm {0} not available")]
    UnknownAlgorithm(String),
    /// No key can be made.
    #[error("the system has no randomness to give")]
    NoRandomness,
    /// The signature is not base64.
    #[error(transparent)]
    Base64(#[from] Base64Error),
}

/// What is wrong with a base64 text, in the words of `java.util.Base64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Base64Error {
    /// A character that means nothing.
    #[error("Illegal base64 character {0:x}")]
    Character(u8),
    /// It ends within a group.
    #[error("Last unit does not have enough valid bits")]
    End,
    /// One character is nothing yet.
    #[error("Input byte[] should at least have 2 bytes for base64 bytes")]
    TooShort,
}

/// A new key.
///
/// # Errors
/// The system has no randomness to give.
pub fn generate_key(bytes: usize) -> Result<Vec<u8>, SignatureError> {
    let mut key = vec![0; bytes];
    let random = SystemRandom::new();
    random
        .fill(&mut key)
        .map_err(|_| SignatureError::NoRandomness)?;
    Ok(key)
}

/// Checks that there is an algorithm of this name, in any case, be it one that only Java has.
///
/// # Errors
/// [`SignatureError::UnknownAlgorithm`]
pub fn check_algorithm(name: &str) -> Result<(), SignatureError> {
    let mut only_javas = ONLY_JAVAS.iter();
    if MacAlgorithm::of(name).is_some() || only_javas.any(|known| known.eq_ignore_ascii_case(name))
    {
        return Ok(());
    }
    Err(SignatureError::UnknownAlgorithm(name.to_owned()))
}

/// The value of [`AUTHORIZATION_HEADER`] for this body.
pub fn sign(key: &[u8], algorithm: MacAlgorithm, body: &[u8]) -> String {
    BASE64.encode(hmac::sign(&mac_key(key, algorithm), body))
}

/// Whether the body was signed with this key, in time that does not tell how wrong a signature is.
///
/// # Errors
/// [`SignatureError::Base64`] for a signature that is no base64.
pub fn verify(
    key: &[u8],
    algorithm: MacAlgorithm,
    body: &[u8],
    authorization: &str,
) -> Result<bool, SignatureError> {
    let signature = decode_base64(authorization)?;
    Ok(hmac::verify(&mac_key(key, algorithm), body, &signature).is_ok())
}

fn mac_key(key: &[u8], algorithm: MacAlgorithm) -> hmac::Key {
    let algorithm = match algorithm {
        MacAlgorithm::HmacSha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        MacAlgorithm::HmacSha256 => hmac::HMAC_SHA256,
        MacAlgorithm::HmacSha384 => hmac::HMAC_SHA384,
        MacAlgorithm::HmacSha512 => hmac::HMAC_SHA512,
    };
    hmac::Key::new(algorithm, key)
}

/// The bytes of a text in base64, read as Java reads it.
///
/// # Errors
/// [`Base64Error`]
pub fn decode_base64(text: &str) -> Result<Vec<u8>, Base64Error> {
    use base64::DecodeError;
    if text.len() == 1 {
        return Err(Base64Error::TooShort);
    }
    BASE64.decode(text).map_err(|error| match error {
        DecodeError::InvalidByte(_, byte) if byte != b'=' => Base64Error::Character(byte),
        _ => Base64Error::End,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `javax.crypto.Mac` with the key `key` over `[{"a":"b"}]`.
    const SIGNED: [(MacAlgorithm, &str); 4] = [
        (MacAlgorithm::HmacSha1, "6CmfrrVgJExKcbf2XrojLFoW2Nc="),
        (
            MacAlgorithm::HmacSha256,
            "EbyF8qBQY+GE5ly9A0Y6S92oAsVyrNW9B9EiTeGhUaM=",
        ),
        (
            MacAlgorithm::HmacSha384,
            "tkUDZHQsSvkslQYi1j3jOAFRKZznZSXqIfKmRsAy1lsyVsNd2d7UFclKK2LIjnUo",
        ),
        (
            MacAlgorithm::HmacSha512,
            "Ok/9xH4LA5P+TCEifJCFMe63eYTvHS0OIVbEdrMfaM/E0W2s2AMELY5HPEbaLNkws4RW6tqBp3D6MyXFlVQvXQ==",
        ),
    ];
    const BODY: &[u8] = br#"[{"a":"b"}]"#;

    #[test]
    fn signatures_are_javas() {
        for (algorithm, expected) in SIGNED {
            assert_eq!(sign(b"key", algorithm, BODY), expected, "{algorithm:?}");
            assert_eq!(verify(b"key", algorithm, BODY, expected), Ok(true));
            assert_eq!(verify(b"kez", algorithm, BODY, expected), Ok(false));
            assert_eq!(verify(b"key", algorithm, b"[]", expected), Ok(false));
        }
    }

    #[test]
    fn algorithms_go_by_their_names_in_any_case() {
        for known in ["hmacsha256", "HmacMD5", "HmacSHA3-256"] {
            assert_eq!(check_algorithm(known), Ok(()));
        }
        let unknown = check_algorithm("HmacMD9").unwrap_err();
        assert_eq!(unknown.to_string(), "Algorithm HmacMD9 not available");
    }

    #[test]
    fn base64_is_read_as_java_reads_it() {
        assert_eq!(decode_base64("aGk").unwrap(), b"hi");
        assert_eq!(decode_base64("aGk=").unwrap(), b"hi");
        assert_eq!(decode_base64("").unwrap(), b"");
        let refusal = |text| decode_base64(text).unwrap_err().to_string();
        assert_eq!(refusal("???"), "Illegal base64 character 3f");
        assert_eq!(
            refusal("?"),
            "Input byte[] should at least have 2 bytes for base64 bytes"
        );
        assert_eq!(refusal("a=b"), "Last unit does not have enough valid bits");
    }
}

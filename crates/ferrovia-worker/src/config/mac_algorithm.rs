//! The algorithms with which workers can sign what they ask of each other.

use std::fmt;

/// A keyed hash, under the name that Java gives it.
///
/// # Source
/// `javax.crypto.Mac` and `KeyGenerator` of Java 17. Java knows more; these are the ones that this worker has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MacAlgorithm {
    /// `HmacSHA1`
    HmacSha1,
    /// `HmacSHA256`
    HmacSha256,
    /// `HmacSHA384`
    HmacSha384,
    /// `HmacSHA512`
    HmacSha512,
}

impl MacAlgorithm {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::HmacSha1,
        Self::HmacSha256,
        Self::HmacSha384,
        Self::HmacSha512,
    ];

    /// The algorithm of this name. Letter case does not count, as in Java.
    pub fn of(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// Java's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::HmacSha1 => "HmacSHA1",
            Self::HmacSha256 => "HmacSHA256",
            Self::HmacSha384 => "HmacSHA384",
            Self::HmacSha512 => "HmacSHA512",
        }
    }

    /// Bytes of a key that Java makes for it unless told otherwise.
    pub fn key_bytes(self) -> usize {
        match self {
            Self::HmacSha1 | Self::HmacSha512 => 64,
            Self::HmacSha256 => 32,
            Self::HmacSha384 => 48,
        }
    }
}

impl fmt::Display for MacAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

//! The key with which workers sign what they ask of each other.

use std::fmt;
use std::sync::Arc;

/// A key that the leader has made. Debug output hides it.
///
/// # Source
/// `SessionKey` (KIP-507)
#[derive(Clone, PartialEq, Eq)]
pub struct SessionKey {
    /// The key's bytes.
    pub key: Arc<[u8]>,
    /// The algorithm it was made for, as `HmacSHA256`.
    pub algorithm: Arc<str>,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: i64,
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionKey")
            .field("algorithm", &self.algorithm)
            .field("created_ms", &self.created_ms)
            .finish_non_exhaustive()
    }
}

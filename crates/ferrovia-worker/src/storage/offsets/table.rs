//! What is known of a place for offsets, shared by whoever reads it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::OffsetFold;

/// A fold that one writes and many read. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Table(Arc<Mutex<OffsetFold>>);

impl Table {
    pub(super) fn lock(&self) -> MutexGuard<'_, OffsetFold> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

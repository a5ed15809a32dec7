//! Memory as a budget: a fetch is sent only with credit for its answer, and the credit comes back
//! when the last reference to that answer goes.

mod pool;

pub use self::pool::{FrameBuffer, FramePool};

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The bytes that all fetch answers of a worker may hold together. Clones share one budget.
///
/// Requests are served in the order they came, so a large one is not starved by small ones.
#[derive(Debug, Clone)]
pub struct MemoryBudget {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    units: Arc<Semaphore>,
    total_units: u32,
    waiting: AtomicUsize,
}

impl MemoryBudget {
    /// A budget of `total_bytes`, rounded up to whole KiB.
    #[must_use]
    pub fn new(total_bytes: usize) -> Self {
        let total_units = units_for(total_bytes).max(1);
        let units = Arc::new(Semaphore::new(
            usize::try_from(total_units).unwrap_or(usize::MAX),
        ));
        Self {
            shared: Arc::new(Shared {
                units,
                total_units,
                waiting: AtomicUsize::new(0),
            }),
        }
    }

    /// Waits for `bytes` of credit. A request larger than the whole budget waits until nobody else
    /// holds any, and then has it all.
    ///
    /// # Cancel safety
    /// Dropping the future gives up its place in the queue and nothing else.
    pub async fn reserve(&self, bytes: usize) -> Credit {
        let units = units_for(bytes).min(self.shared.total_units);
        let _waiting = Waiting::enter(&self.shared.waiting);
        let permit = Arc::clone(&self.shared.units)
            .acquire_many_owned(units)
            .await
            .ok();
        Credit {
            permit,
            units: Arc::clone(&self.shared.units),
        }
    }

    /// Credit for `bytes` if it is there now and nobody waits for it.
    #[must_use]
    pub fn try_reserve(&self, bytes: usize) -> Option<Credit> {
        let units = units_for(bytes).min(self.shared.total_units);
        let permit = Arc::clone(&self.shared.units)
            .try_acquire_many_owned(units)
            .ok()?;
        Some(Credit {
            permit: Some(permit),
            units: Arc::clone(&self.shared.units),
        })
    }

    /// The whole budget in bytes.
    #[must_use]
    pub fn total_bytes(&self) -> usize {
        bytes_of(self.shared.total_units)
    }

    /// Bytes of credit that are out at the moment.
    #[must_use]
    pub fn used_bytes(&self) -> usize {
        let free = self
            .shared
            .units
            .available_permits()
            .saturating_mul(UNIT_BYTES);
        self.total_bytes().saturating_sub(free)
    }

    /// Whether somebody waits for credit: a sign to flush early.
    #[must_use]
    pub fn is_tight(&self) -> bool {
        self.shared.waiting.load(Ordering::Relaxed) > 0
    }
}

/// A part of a [`MemoryBudget`], given back when dropped.
#[derive(Debug)]
pub struct Credit {
    permit: Option<OwnedSemaphorePermit>,
    units: Arc<Semaphore>,
}

impl Credit {
    /// Bytes of credit held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.permit
            .as_ref()
            .map_or(0, |permit| permit.num_permits().saturating_mul(UNIT_BYTES))
    }

    /// Gives back what is held above `bytes`.
    pub fn shrink_to(&mut self, bytes: usize) {
        let Some(permit) = &mut self.permit else {
            return;
        };
        let keep = usize::try_from(units_for(bytes)).unwrap_or(usize::MAX);
        if let Some(extra) = permit.num_permits().checked_sub(keep) {
            drop(permit.split(extra));
        }
    }

    /// Makes the credit fit an answer of `bytes`: gives back what is too much, and takes what is
    /// missing if the budget has it. It never waits: the bytes are there already, and a broker may
    /// exceed the limit of a fetch by one batch (KIP-74).
    pub(crate) fn cover(&mut self, bytes: usize) {
        self.shrink_to(bytes);
        let held = self
            .permit
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits);
        let wanted = usize::try_from(units_for(bytes)).unwrap_or(usize::MAX);
        let missing = u32::try_from(wanted.saturating_sub(held)).unwrap_or(u32::MAX);
        if missing > 0
            && let Ok(more) = Arc::clone(&self.units).try_acquire_many_owned(missing)
        {
            match &mut self.permit {
                Some(permit) => permit.merge(more),
                None => self.permit = Some(more),
            }
        }
    }
}

/// Counts one waiter for as long as it lives, also when its future is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The budget counts in KiB, so that 32 bits of units are 4 TiB.
const UNIT_BYTES: usize = 1024;

fn units_for(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX)
}

fn bytes_of(units: u32) -> usize {
    usize::try_from(units)
        .unwrap_or(usize::MAX)
        .saturating_mul(UNIT_BYTES)
}

#[cfg(test)]
mod tests;

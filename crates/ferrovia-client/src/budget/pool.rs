//! Buffers for large frames, kept for the next frame so that their pages are touched once.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use crossbeam_queue::ArrayQueue;

use super::Credit;

/// Idle frame buffers in size classes. Clones share the buffers.
///
/// A buffer may be dropped on another thread than the one that took it.
#[derive(Clone)]
pub struct FramePool {
    shared: Arc<Shared>,
}

struct Shared {
    classes: Vec<SizeClass>,
    idle_bytes: AtomicUsize,
    idle_limit_bytes: usize,
}

struct SizeClass {
    buffer_bytes: usize,
    idle: ArrayQueue<Vec<u8>>,
}

impl FramePool {
    /// A pool that keeps at most `idle_limit_bytes` of buffers nobody uses.
    #[must_use]
    pub fn new(idle_limit_bytes: usize) -> Self {
        let class = |shift| SizeClass {
            buffer_bytes: (SMALLEST_CLASS_BYTES << shift) + SLACK_BYTES,
            idle: ArrayQueue::new(CLASS_IDLE_LIMIT),
        };
        let classes = (0..CLASS_COUNT).map(class).collect();
        Self {
            shared: Arc::new(Shared {
                classes,
                idle_bytes: AtomicUsize::new(0),
                idle_limit_bytes,
            }),
        }
    }

    /// Bytes in buffers that wait for a frame.
    #[must_use]
    pub fn idle_bytes(&self) -> usize {
        self.shared.idle_bytes.load(Ordering::Relaxed)
    }

    /// A buffer of at least `bytes` that is there already. Its contents are old frames.
    #[must_use]
    pub fn take_idle(&self, bytes: usize) -> Option<FrameBuffer> {
        let class = self.shared.class_for(bytes)?;
        let idle = class.idle.pop()?;
        self.shared
            .idle_bytes
            .fetch_sub(idle.len(), Ordering::Relaxed);
        Some(self.own(idle))
    }

    /// A buffer of at least `bytes`; a new one where none is idle. Beyond the largest class it has
    /// exactly the size asked for and is not kept afterwards.
    #[must_use]
    pub fn take(&self, bytes: usize) -> FrameBuffer {
        self.take_idle(bytes).unwrap_or_else(|| {
            let class = self.shared.class_for(bytes);
            // Zeroed by the allocator, which for large sizes costs nothing before pages are touched.
            self.own(vec![0; class.map_or(bytes, |class| class.buffer_bytes)])
        })
    }

    fn own(&self, bytes: Vec<u8>) -> FrameBuffer {
        let filled = bytes.len();
        FrameBuffer {
            bytes,
            filled,
            credit: None,
            home: Arc::clone(&self.shared),
        }
    }
}

impl fmt::Debug for FramePool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FramePool")
            .field("idle_bytes", &self.idle_bytes())
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn class_for(&self, bytes: usize) -> Option<&SizeClass> {
        self.classes
            .iter()
            .find(|class| class.buffer_bytes >= bytes)
    }

    fn give_back(&self, bytes: Vec<u8>) {
        let size = bytes.len();
        let Some(class) = self
            .class_for(size)
            .filter(|class| class.buffer_bytes == size)
        else {
            return;
        };
        let idle = self.idle_bytes.fetch_add(size, Ordering::Relaxed);
        if idle + size > self.idle_limit_bytes || class.idle.push(bytes).is_err() {
            self.idle_bytes.fetch_sub(size, Ordering::Relaxed);
        }
    }
}

/// One frame's buffer. Goes back to its pool when dropped, also in the shape of [`Bytes`].
pub struct FrameBuffer {
    bytes: Vec<u8>,
    filled: usize,
    credit: Option<Credit>,
    home: Arc<Shared>,
}

impl FrameBuffer {
    /// All of the buffer, to be written to.
    #[must_use]
    pub fn space(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// How many bytes fit.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.bytes.len()
    }

    /// Shares the first `filled` bytes. Buffer and credit go back with the last reference.
    #[must_use]
    pub fn freeze(mut self, filled: usize, credit: Option<Credit>) -> Bytes {
        self.filled = filled.min(self.bytes.len());
        self.credit = credit;
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for FrameBuffer {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.filled).unwrap_or_default()
    }
}

impl Drop for FrameBuffer {
    fn drop(&mut self) {
        self.home.give_back(std::mem::take(&mut self.bytes));
    }
}

impl fmt::Debug for FrameBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameBuffer")
            .field("filled", &self.filled)
            .field("credit", &self.credit)
            .finish_non_exhaustive()
    }
}

/// 64 KiB, 128 KiB, … 16 MiB.
const SMALLEST_CLASS_BYTES: usize = 64 << 10;
const CLASS_COUNT: u32 = 9;
/// A fetch limited to a power of two fits the class of that size together with its headers.
const SLACK_BYTES: usize = 16 << 10;
/// Idle buffers per class; the pool's byte limit is usually reached first.
const CLASS_IDLE_LIMIT: usize = 64;

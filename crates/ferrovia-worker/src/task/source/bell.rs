//! Wakes a source task that waits for its next poll.

use std::sync::Arc;
use std::task::Wake;

use tokio::sync::Notify;

/// Rung by the connector's own threads. A ring that nobody waits for is kept, once.
#[derive(Debug, Default)]
pub(super) struct Bell(Notify);

impl Bell {
    /// Waits until it is rung.
    ///
    /// # Cancel safety
    /// A ring is not lost when the future is dropped.
    pub(super) async fn rung(&self) {
        self.0.notified().await;
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.notify_one();
    }
}

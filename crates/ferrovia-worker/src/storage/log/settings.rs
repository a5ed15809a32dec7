//! How an internal topic is read and written.

use ferrovia_client::settings::{ClientSettings, IsolationLevel};

/// The client of one internal topic.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// The worker's own client settings.
    pub client: ClientSettings,
    /// Whether records of open and aborted transactions are read, as Java decides by `exactly.once.source.support` for
    /// the config and the offsets topic.
    pub isolation: IsolationLevel,
}

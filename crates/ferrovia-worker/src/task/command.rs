//! What an operator wants of a task.

use tokio::sync::mpsc;

/// What an operator wants of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Move no more records: a sink keeps its partitions.
    Pause,
    /// Go on.
    Resume,
    /// A source's task has the permission that it asked for, or has not for this reason.
    Permitted(Result<(), String>),
    /// Commit and end.
    Stop,
}

impl Command {
    /// Waits until a task that begins paused may begin. Whether it is to run at all.
    pub(super) async fn wait_for_resume(commands: &mut mpsc::Receiver<Self>) -> bool {
        loop {
            match commands.recv().await {
                Some(Self::Resume) => return true,
                Some(Self::Pause | Self::Permitted(_)) => {}
                Some(Self::Stop) | None => return false,
            }
        }
    }
}

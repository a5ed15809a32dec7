//! What a worker says of itself when it joins.

use std::sync::Arc;

use bytes::Bytes;

use super::ConnectProtocol;
use super::assignment::Assignment;
use super::wire::{MalformedBytes, Reader, Unwritable, Writer};

/// What a worker says of itself when it joins: the metadata of its request to join.
///
/// # Source
/// `ExtendedWorkerState`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerState {
    /// Where other workers reach its REST interface, with a slash at the end.
    pub url: Arc<str>,
    /// Up to where it has read the config topic: the offset of the next record, -1 before the first.
    pub config_offset: i64,
    /// What it holds, if it holds an assignment. Never sent in [`ConnectProtocol::Eager`].
    pub assignment: Option<Assignment>,
}

impl WorkerState {
    /// The bytes that Java writes for this state.
    ///
    /// # Errors
    /// A text or a number does not fit into the protocol.
    pub fn to_bytes(&self, protocol: ConnectProtocol) -> Result<Bytes, Unwritable> {
        let mut out = Writer::default();
        out.int16(protocol.version());
        out.string("url", &self.url)?;
        out.int64(self.config_offset);
        if protocol.is_cooperative() {
            let assignment = self.assignment.as_ref();
            let assignment = assignment
                .map(|assignment| assignment.to_bytes(protocol))
                .transpose()?;
            out.bytes("allocation", assignment.as_deref())?;
        }
        Ok(out.finish())
    }

    /// Reads what [`WorkerState::to_bytes`] or a Java worker wrote, in any version. A leader in any protocol reads all
    /// members this way.
    ///
    /// # Errors
    /// The bytes say nothing.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MalformedBytes> {
        let mut fields = Reader::new(bytes);
        fields.version()?;
        let url = fields.string("url")?.into();
        let config_offset = fields.int64("config-offset")?;
        let allocation = if fields.is_empty() {
            None
        } else {
            fields.bytes("allocation")?
        };
        Ok(Self {
            url,
            config_offset,
            assignment: allocation.map(Assignment::from_bytes).transpose()?,
        })
    }
}

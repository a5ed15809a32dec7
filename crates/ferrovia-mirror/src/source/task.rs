//! Copies the records of partitions.

use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::source::{SourceContext, SourceRecord, SourceTask};

/// Copies the records of the partitions that it is given.
///
/// # Source
/// `org.apache.kafka.connect.mirror.MirrorSourceTask`
#[derive(Debug, Default)]
pub struct MirrorSourceTask {}

impl MirrorSourceTask {
    /// A task that is not started.
    pub fn new() -> Self {
        Self::default()
    }
}

impl SourceTask for MirrorSourceTask {
    fn start(&mut self, _context: &mut SourceContext) -> Result<(), ConnectError> {
        Err(ConnectError::failed("copying records is not there yet"))
    }

    fn poll(
        &mut self,
        _context: &mut SourceContext,
    ) -> Result<Vec<SourceRecord<'_>>, ConnectError> {
        Ok(Vec::new())
    }

    fn stop(&mut self) -> Result<(), ConnectError> {
        Ok(())
    }
}

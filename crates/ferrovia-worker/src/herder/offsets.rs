//! Reads and changes the offsets of sinks.

use std::future::Future;
use std::sync::Arc;

use super::request::{ConnectorOffset, HerderError};
use super::validation::ConnectorValidator;
use crate::config::{Settings, WorkerConfig};

/// Reads and changes the offsets of sinks.
#[derive(Debug)]
pub struct SinkOffsets {}

impl SinkOffsets {
    /// For a worker.
    pub fn new(_worker: Arc<WorkerConfig>, _validator: Arc<ConnectorValidator>) -> Self {
        Self {}
    }

    /// Reads.
    pub fn read(
        &self,
        _connector: Arc<str>,
        _settings: Settings,
    ) -> impl Future<Output = Result<Vec<ConnectorOffset>, HerderError>> + Send + 'static + use<>
    {
        async { Ok(Vec::new()) }
    }

    /// Changes.
    pub fn modify(
        &self,
        _connector: Arc<str>,
        _settings: Arc<Settings>,
        _offsets: Option<Vec<ConnectorOffset>>,
    ) -> impl Future<Output = Result<String, HerderError>> + Send + 'static + use<> {
        async { Ok(String::new()) }
    }
}

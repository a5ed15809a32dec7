//! The built-in connectors, one folder each. They see records and settings, never a client or the worker.

pub mod file;
pub mod datagen;
pub mod discard;
#[cfg(test)]
mod testing;

use ferrovia_pipeline::connector::ConnectorPlugin;

/// All built-in connectors, in the order in which plugins are listed.
pub fn plugins() -> Vec<ConnectorPlugin> {
    vec![discard::SINK, file::SINK, file::SOURCE, datagen::SOURCE]
}

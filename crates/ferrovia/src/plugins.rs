//! Which connectors this binary contains. The other plugins come with the worker.

use ferrovia_pipeline::connector::ConnectorPlugin;
use ferrovia_worker::herder::ConnectorCatalog;

/// The connectors that are part of this binary.
#[derive(Debug)]
pub(crate) struct BuiltIn {
    connectors: Vec<ConnectorPlugin>,
}

impl BuiltIn {
    pub(crate) fn new() -> Self {
        let mut connectors = ferrovia_connectors::plugins();
        connectors.extend(ferrovia_mirror::plugins());
        Self { connectors }
    }
}

impl ConnectorCatalog for BuiltIn {
    fn connectors(&self) -> &[ConnectorPlugin] {
        &self.connectors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn converters_go_by_javas_names() {
        let plugins = BuiltIn::new();
        for name in [
            "org.apache.kafka.connect.storage.StringConverter",
            "StringConverter",
            "String",
        ] {
            assert!(plugins.is_converter(name), "{name}");
        }
        assert!(!plugins.is_converter("org.x.StringConverter"));
        assert!(plugins.connector("FileStreamSink").is_some());
    }
}

//! Which plugins this binary contains.

use std::collections::BTreeMap;

use ferrovia_pipeline::connector::{ConnectorPlugin, is_plugin_named};
use ferrovia_pipeline::convert::Converter;
use ferrovia_worker::herder::ConnectorCatalog;

/// Converters of headers, by class.
const HEADER_CONVERTERS: [&str; 3] = [
    "org.apache.kafka.connect.storage.SimpleHeaderConverter",
    "org.apache.kafka.connect.converters.ByteArrayConverter",
    "org.apache.kafka.connect.storage.StringConverter",
];

/// The plugins that are part of this binary.
#[derive(Debug)]
pub(crate) struct BuiltIn {
    connectors: Vec<ConnectorPlugin>,
}

impl BuiltIn {
    pub(crate) fn new() -> Self {
        Self {
            connectors: ferrovia_connectors::plugins(),
        }
    }
}

impl ConnectorCatalog for BuiltIn {
    fn connectors(&self) -> &[ConnectorPlugin] {
        &self.connectors
    }

    fn is_converter(&self, class: &str) -> bool {
        matches!(Converter::from_class(class, &BTreeMap::new()), Ok(Some(_)))
    }

    fn is_header_converter(&self, class: &str) -> bool {
        HEADER_CONVERTERS
            .iter()
            .any(|known| is_plugin_named(known, "Converter", class))
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

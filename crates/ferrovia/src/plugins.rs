//! Which plugins this binary contains.

use std::collections::BTreeMap;

use ferrovia_pipeline::connector::ConnectorPlugin;
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
        HEADER_CONVERTERS.iter().any(|known| is_named(known, class))
    }
}

/// A class goes by its full name, by its name without the package, or by that without `Converter`.
fn is_named(class: &str, name: &str) -> bool {
    let simple = class.rsplit('.').next().unwrap_or(class);
    name == class || name == simple || Some(name) == simple.strip_suffix("Converter")
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
        ] {
            assert!(plugins.is_converter(name), "{name}");
        }
        assert!(!plugins.is_converter("org.x.StringConverter"));
        assert!(plugins.connector("FileStreamSink").is_some());
    }
}

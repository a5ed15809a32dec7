//! Which connectors this worker can run.

use ferrovia_pipeline::connector::ConnectorPlugin;

use crate::plugins::{PluginCatalog, PluginKind};

/// The connectors that this worker can run. What plugins there are besides is told by [`PluginCatalog`].
pub trait ConnectorCatalog: Send + Sync {
    /// All connectors.
    fn connectors(&self) -> &[ConnectorPlugin];

    /// Whether keys and values can be converted by this class or alias.
    fn is_converter(&self, class: &str) -> bool {
        PluginCatalog::built_in()
            .find(PluginKind::Converter, class)
            .is_some()
    }

    /// Whether headers can be converted by this class or alias.
    fn is_header_converter(&self, class: &str) -> bool {
        PluginCatalog::built_in()
            .find(PluginKind::HeaderConverter, class)
            .is_some()
    }

    /// The connector that users mean by a class or an alias.
    fn connector(&self, name: &str) -> Option<ConnectorPlugin> {
        self.connectors()
            .iter()
            .find(|plugin| plugin.is_named(name))
            .copied()
    }
}

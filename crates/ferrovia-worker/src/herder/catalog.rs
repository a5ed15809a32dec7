//! What the herder has to know about plugins.

use ferrovia_pipeline::connector::ConnectorPlugin;

/// The plugins that this worker can run.
pub trait ConnectorCatalog: Send + Sync {
    /// All connectors, in the order in which users see them.
    fn connectors(&self) -> &[ConnectorPlugin];

    /// Whether keys and values can be converted by this class or alias.
    fn is_converter(&self, class: &str) -> bool;

    /// Whether headers can be converted by this class or alias.
    fn is_header_converter(&self, class: &str) -> bool;

    /// The connector that users mean by a class or an alias.
    fn connector(&self, name: &str) -> Option<ConnectorPlugin> {
        self.connectors()
            .iter()
            .find(|plugin| plugin.is_named(name))
            .copied()
    }
}

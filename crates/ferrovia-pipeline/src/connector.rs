//! The interface of connectors, and how a worker comes to know them.

mod sink;
mod source;

pub use sink::SinkConnector;
pub use source::{
    ConnectorContext, ConnectorEvents, ExactlyOnceSupport, SourceConnector, SourceOffsetChange,
};

/// A connector that a worker can run: its names and how to make one.
#[derive(Clone, Copy, Debug)]
pub struct ConnectorPlugin {
    /// The class name that users configure; for Kafka's own connectors, Java's.
    pub class: &'static str,
    /// The class name of its tasks, which task settings carry as `task.class`.
    pub task_class: &'static str,
    /// The version that statuses show.
    pub version: &'static str,
    /// Makes an instance.
    pub factory: ConnectorFactory,
}

/// Makes connectors of one kind.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum ConnectorFactory {
    /// A connector that reads from Kafka.
    Sink(fn() -> Box<dyn SinkConnector>),
    /// A connector that writes to Kafka.
    Source(fn() -> Box<dyn SourceConnector>),
}

impl ConnectorPlugin {
    /// Whether users may call this connector `name`.
    pub fn is_named(&self, name: &str) -> bool {
        is_plugin_named(self.class, "Connector", name)
    }
}

/// Whether users may call a plugin `name`: by its class, by the class without its package, or by that without the
/// ending that all plugins of its kind have.
///
/// # Source
/// `org.apache.kafka.connect.runtime.isolation.PluginUtils`, `simpleName` and `prunedName`
pub fn is_plugin_named(class: &str, kind_ending: &str, name: &str) -> bool {
    let simple = class.rsplit('.').next().unwrap_or(class);
    name == class || name == simple || Some(name) == simple.strip_suffix(kind_ending)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugin_goes_by_class_simple_name_and_alias() {
        let class = "org.apache.kafka.connect.file.FileStreamSinkConnector";
        for name in [class, "FileStreamSinkConnector", "FileStreamSink"] {
            assert!(is_plugin_named(class, "Connector", name), "{name}");
        }
        for name in ["FileStream", "file.FileStreamSinkConnector", ""] {
            assert!(!is_plugin_named(class, "Connector", name), "{name}");
        }
    }
}

//! The transformations that a connector can be configured with.

use std::collections::BTreeMap;

use crate::config::ConfigDef;
use crate::connector::is_plugin_named;
use crate::error::ConnectError;
use crate::transform::side::Side;
use crate::transform::{
    Transformation, cast, drop_headers, extract_field, filter, flatten, header_from, hoist_field,
    insert_field, insert_header, mask_field, regex_router, replace_field, set_schema_metadata,
    timestamp_converter, timestamp_router, value_to_key,
};

/// A transformation that users can configure: its name, its settings and how to make one.
#[derive(Clone, Copy, Debug)]
pub struct TransformationPlugin {
    /// Java's class name.
    pub class: &'static str,
    /// The definitions of its settings, without the prefix that says whose they are.
    pub config: fn() -> ConfigDef,
    /// Makes one with these settings, without a prefix.
    #[expect(
        clippy::type_complexity,
        reason = "the type says everything, and a name for it would hide that"
    )]
    pub new: fn(&BTreeMap<String, String>) -> Result<Box<dyn Transformation>, ConnectError>,
}

impl TransformationPlugin {
    /// Whether users may call this transformation `name`. A nested class goes by its full name alone, because the short
    /// one, `Key` or `Value`, says nothing.
    pub fn is_named(&self, name: &str) -> bool {
        name == self.class
            || (!self.class.contains('$') && is_plugin_named(self.class, "Transformation", name))
    }

    /// The transformation that users call `name`.
    pub fn find(name: &str) -> Option<&'static Self> {
        PLUGINS.iter().find(|plugin| plugin.is_named(name))
    }
}

/// One entry of [`PLUGINS`].
macro_rules! plugin {
    ($class:literal, $module:ident $(, $side:expr)?) => {
        TransformationPlugin {
            class: concat!("org.apache.kafka.connect.transforms.", $class),
            config: $module::config,
            new: |settings| Ok(Box::new($module::new($($side,)? settings)?)),
        }
    };
}

/// All transformations, in the order in which Java lists them.
pub const PLUGINS: &[TransformationPlugin] = &[
    plugin!("Cast$Key", cast, Side::Key),
    plugin!("Cast$Value", cast, Side::Value),
    plugin!("DropHeaders", drop_headers),
    plugin!("ExtractField$Key", extract_field, Side::Key),
    plugin!("ExtractField$Value", extract_field, Side::Value),
    plugin!("Filter", filter),
    plugin!("Flatten$Key", flatten, Side::Key),
    plugin!("Flatten$Value", flatten, Side::Value),
    plugin!("HeaderFrom$Key", header_from, Side::Key),
    plugin!("HeaderFrom$Value", header_from, Side::Value),
    plugin!("HoistField$Key", hoist_field, Side::Key),
    plugin!("HoistField$Value", hoist_field, Side::Value),
    plugin!("InsertField$Key", insert_field, Side::Key),
    plugin!("InsertField$Value", insert_field, Side::Value),
    plugin!("InsertHeader", insert_header),
    plugin!("MaskField$Key", mask_field, Side::Key),
    plugin!("MaskField$Value", mask_field, Side::Value),
    plugin!("RegexRouter", regex_router),
    plugin!("ReplaceField$Key", replace_field, Side::Key),
    plugin!("ReplaceField$Value", replace_field, Side::Value),
    plugin!("SetSchemaMetadata$Key", set_schema_metadata, Side::Key),
    plugin!("SetSchemaMetadata$Value", set_schema_metadata, Side::Value),
    plugin!("TimestampConverter$Key", timestamp_converter, Side::Key),
    plugin!("TimestampConverter$Value", timestamp_converter, Side::Value),
    plugin!("TimestampRouter", timestamp_router),
    plugin!("ValueToKey", value_to_key),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_classes_go_by_their_full_names_and_others_by_short_ones_too() {
        let find = |name| TransformationPlugin::find(name).map(|plugin| plugin.class);
        let package = "org.apache.kafka.connect.transforms.";
        assert_eq!(
            find("RegexRouter"),
            Some("org.apache.kafka.connect.transforms.RegexRouter")
        );
        for plugin in PLUGINS {
            assert_eq!(find(plugin.class), Some(plugin.class));
        }
        for name in [
            "Cast$Value",
            "Value",
            "Key",
            "Cast",
            &format!("{package}Cast"),
        ] {
            assert_eq!(find(name), None, "{name}");
        }
    }

    #[test]
    fn plugins_are_listed_by_class() {
        assert!(PLUGINS.is_sorted_by_key(|plugin| plugin.class));
    }
}

//! Our side of the comparison: the settings that transformations and predicates know.

use ferrovia_pipeline::config::{ConfigDefault, ConfigValue};
use ferrovia_pipeline::predicate::PredicatePlugin;
use ferrovia_pipeline::transform::TransformationPlugin;
use serde_json::{Value as Json, json};

/// The settings that a class knows, in their order; `None` when the class is none of ours.
#[must_use]
pub fn definitions(class: &str) -> Option<Json> {
    let definition = TransformationPlugin::find(class)
        .map(|plugin| (plugin.config)())
        .or_else(|| PredicatePlugin::find(class).map(|plugin| (plugin.config)()))?;
    let shown = definition.keys().map(|key| {
        let default = match key.default() {
            ConfigDefault::Value(ConfigValue::List(items)) => Json::from(items.join(",")),
            ConfigDefault::Value(value) => Json::from(value.to_string()),
            ConfigDefault::Required | ConfigDefault::Null => Json::Null,
        };
        let one = json!({
            "type": key.config_type().to_string(),
            "importance": format!("{:?}", key.how_important()).to_uppercase(),
            "required": *key.default() == ConfigDefault::Required,
            "default": default,
            "group": key.group_name(),
            "order": key.order_in_group(),
            "width": format!("{:?}", key.width()).to_uppercase(),
            "display": key.shown_as(),
        });
        (key.name().to_owned(), one)
    });
    Some(shown.collect())
}

//! The settings of converters.
//!
//! # Source
//! `ConverterConfig`, `StringConverterConfig` and `JsonConverterConfig`

use super::header::SIMPLE;
use super::{HEADER_CONVERTER_CLASSES, JSON, STRING};
use crate::config::{ConfigDef, ConfigKey, ConfigType, Importance, Validator, Width};
use crate::connector::is_plugin_named;

/// The settings of a converter, by its class or an alias; `None` when the class is none of ours.
pub fn config_def(class: &str) -> Option<ConfigDef> {
    let known = HEADER_CONVERTER_CLASSES
        .into_iter()
        .find(|known| is_plugin_named(known, "Converter", class))?;
    Some(config_def_of(known))
}

/// The settings of one of the classes that are built in.
pub(super) fn config_def_of(class: &str) -> ConfigDef {
    match class {
        SIMPLE => ConfigDef::new(),
        STRING => role().define(
            ConfigKey::with_default("converter.encoding", ConfigType::String, "UTF-8")
                .importance(Importance::High)
                .doc("The Java character set that text is encoded with.")
                .ungrouped(Width::Medium)
                .display_name("Encoding"),
        ),
        JSON => json(),
        _ => role(),
    }
}

fn role() -> ConfigDef {
    ConfigDef::new().define(
        ConfigKey::required("converter.type", ConfigType::String)
            .validator(Validator::OneOf(&["key", "value", "header"]))
            .importance(Importance::Low)
            .doc("How this converter will be used."),
    )
}

fn json() -> ConfigDef {
    let schemas = "Schemas";
    let serialization = "Serialization";
    role()
        .define(
            ConfigKey::with_default("schemas.enable", ConfigType::Boolean, true)
                .importance(Importance::High)
                .doc("Whether keys and values are written with their schema beside them, and read so.")
                .group(schemas, 0, Width::Medium)
                .display_name("Enable Schemas"),
        )
        .define(
            ConfigKey::with_default("schemas.cache.size", ConfigType::Int, 1_000)
                .importance(Importance::High)
                .doc("How many schemas this converter remembers, each way.")
                .group(schemas, 1, Width::Medium)
                .display_name("Schema Cache Size"),
        )
        .define(
            ConfigKey::optional("schema.content", ConfigType::String)
                .importance(Importance::High)
                .doc(
                    "The schema, as JSON, of all messages that a sink reads. What is read is then taken as the payload \
                     alone, without a schema beside it. It has an effect only where 'schemas.enable' is true.",
                )
                .group(schemas, 2, Width::Medium)
                .display_name("Schema Content"),
        )
        .define(
            ConfigKey::with_default("decimal.format", ConfigType::String, "BASE64")
                // In the order in which Java's set lists them.
                .validator(Validator::OneOfIgnoringCase(&["NUMERIC", "BASE64"]))
                .importance(Importance::Low)
                .doc(
                    "How decimals are written: 'BASE64', the bytes of the unscaled number, or 'NUMERIC', a JSON number. \
                     Case does not matter, and both are read.",
                )
                .group(serialization, 0, Width::Medium)
                .display_name("Decimal Format"),
        )
        .define(
            ConfigKey::with_default("replace.null.with.default", ConfigType::Boolean, true)
                .importance(Importance::Low)
                .doc("Whether a null in a field that has a default value becomes that value.")
                .group(serialization, 1, Width::Medium)
                .display_name("Replace null with default"),
        )
}

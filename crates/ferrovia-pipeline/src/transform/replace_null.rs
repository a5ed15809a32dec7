//! `replace.null.with.default`: whether a field that is absent is read as its default. Most transformations have it.

use crate::config::{ConfigKey, ConfigType, Importance};

pub(super) const REPLACE_NULL_WITH_DEFAULT: &str = "replace.null.with.default";

/// The definition of the setting.
pub(super) fn replace_null_with_default() -> ConfigKey {
    ConfigKey::with_default(REPLACE_NULL_WITH_DEFAULT, ConfigType::Boolean, true)
        .importance(Importance::Medium)
        .doc(
            "Whether to replace fields that have a default value and that are null to the default value. When set to \
             true, the default value is used, otherwise null is used.",
        )
}

//! Compares definitions with a dump of Java's. Tests only.

use ferrovia_pipeline::config::{ConfigDef, ConfigDefault};

/// Every line of the dump has its definition here, but for the defaults of the keys in `differs`.
pub(crate) fn check_definitions(definitions: &ConfigDef, dump: &str, differs: &[&str]) {
    let lines: Vec<&str> = dump.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(lines.len() > 20, "the dump has {} lines", lines.len());
    for line in lines {
        let columns: Vec<&str> = line.split('|').collect();
        let [
            name,
            kind,
            default,
            importance,
            group,
            order,
            width,
            display,
        ] = columns[..]
        else {
            panic!("{line}");
        };
        let key = definitions
            .key(name)
            .unwrap_or_else(|| panic!("{name} is not defined"));
        let own_default = match key.default() {
            ConfigDefault::Required => "REQUIRED".to_owned(),
            ConfigDefault::Null => "null".to_owned(),
            ConfigDefault::Value(value) => value.to_string(),
        };
        assert_eq!(key.config_type().to_string(), kind, "{name}");
        assert!(
            differs.contains(&name) || own_default == default,
            "{name}: {own_default}"
        );
        let upper = |debug: String| debug.to_ascii_uppercase();
        assert_eq!(
            upper(format!("{:?}", key.how_important())),
            importance,
            "{name}"
        );
        assert_eq!(key.group_name().unwrap_or("null"), group, "{name}");
        assert_eq!(key.order_in_group().to_string(), order, "{name}");
        assert_eq!(upper(format!("{:?}", key.width())), width, "{name}");
        assert_eq!(key.shown_as(), display, "{name}");
    }
}

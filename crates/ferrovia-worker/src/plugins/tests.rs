//! Names as Java's worker resolves them.

use super::*;
use crate::herder::testing::Catalog;

fn catalog() -> PluginCatalog {
    PluginCatalog::new(&Catalog::new())
}

#[test]
fn a_plugin_goes_by_class_simple_name_and_alias() {
    let catalog = catalog();
    let cases = [
        (PluginKind::Sink, "FileStreamSink", true),
        (PluginKind::Sink, "FileStreamSinkConnector", true),
        (PluginKind::Sink, "FileStream", false),
        (PluginKind::Converter, "String", true),
        (PluginKind::Converter, "StringConverter", true),
        (PluginKind::HeaderConverter, "String", true),
        (PluginKind::HeaderConverter, "Simple", true),
        (PluginKind::HeaderConverter, "SimpleHeader", false),
        (PluginKind::Converter, "Simple", false),
        (PluginKind::Converter, " String", false),
    ];
    for (kind, name, expected) in cases {
        assert_eq!(catalog.find(kind, name).is_some(), expected, "{name}");
    }
}

#[test]
fn plugins_are_listed_by_kind_and_class() {
    let catalog = catalog();
    let order: Vec<(PluginKind, &str)> = catalog
        .all()
        .iter()
        .map(|plugin| (plugin.kind, plugin.class))
        .collect();
    let mut sorted = order.clone();
    sorted.sort_unstable();
    assert_eq!(order, sorted);
    assert_eq!(order.first().map(|(kind, _)| *kind), Some(PluginKind::Sink));
}

#[test]
fn a_version_out_of_range_is_refused_in_javas_words() {
    let range = VersionRange::parse(Some("3.0.0")).unwrap();
    let class = "org.apache.kafka.connect.storage.StringConverter";
    assert_eq!(
        catalog().check_version(class, range.as_ref()).unwrap_err(),
        "Plugin org.apache.kafka.connect.storage.StringConverter not found that matches the \
         version range [3.0.0,3.0.0], available versions: [4.2.0, 4.2.0]"
    );
}

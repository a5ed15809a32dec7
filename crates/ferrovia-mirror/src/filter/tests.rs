//! Holds the filters against what Java's said.

use ferrovia_pipeline::config::ConfigDef;

use super::*;

const NAMES: [&str; 12] = [
    "orders",
    "ordersx",
    "payments",
    "xpay",
    "mm2-configs.A.internal",
    "x.replica",
    "__consumer_offsets",
    "a",
    "b",
    "c",
    "abc",
    "a.c",
];

/// The topics and the groups that these lists choose.
fn chosen(include: Option<&str>, exclude: Option<&str>) -> [String; 2] {
    let mut settings = BTreeMap::new();
    for [including, excluding] in [TOPICS, GROUPS] {
        settings.extend(include.map(|text| (including.to_owned(), text.to_owned())));
        settings.extend(exclude.map(|text| (excluding.to_owned(), text.to_owned())));
    }
    let parsed = ConfigDef::new()
        .define(TopicFilter::included())
        .define(TopicFilter::excluded())
        .define(GroupFilter::included())
        .define(GroupFilter::excluded())
        .parse(&settings)
        .unwrap();
    let topics = TopicFilter::of(&parsed).unwrap();
    let groups = GroupFilter::of(&parsed).unwrap();
    let those = |chooses: &dyn Fn(&str) -> bool| {
        let names = NAMES.into_iter().filter(|name| chooses(name));
        names.collect::<Vec<_>>().join(" ")
    };
    [
        those(&|name| topics.chooses(name)),
        those(&|name| groups.chooses(name)),
    ]
}

#[test]
fn lists_choose_names_as_javas_do() {
    let all = NAMES.join(" ");
    let cases = [
        (
            (None, None),
            "orders ordersx payments xpay a b c abc a.c",
            "orders ordersx payments xpay mm2-configs.A.internal x.replica a b c abc a.c",
        ),
        (
            (Some("orders, pay.*"), None),
            "orders payments",
            "orders payments",
        ),
        ((Some(""), None), "", ""),
        ((Some(".*"), Some("")), &all, &all),
        ((Some("a|b"), Some("b")), "a", "a"),
        ((Some("a.c"), Some("a\\.c")), "abc", "abc"),
    ];
    for ((include, exclude), topics, groups) in cases {
        let ours = chosen(include, exclude);
        assert_eq!(ours, [topics, groups], "{include:?} {exclude:?}");
    }
}

fn properties(settings: &[(&str, &str)]) -> Result<PropertyFilter, ConnectError> {
    let settings = settings.iter();
    let settings = settings.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let settings: BTreeMap<String, String> = settings.collect();
    let definition = ConfigDef::new().define(PropertyFilter::excluded());
    PropertyFilter::of(&definition.parse(&settings).unwrap(), &settings)
}

#[test]
fn properties_that_bind_to_one_cluster_are_not_copied() {
    let filter = properties(&[]).unwrap();
    let cases = [
        ("min.insync.replicas", false),
        ("retention.ms", true),
        ("message.timestamp.type", false),
        ("minXinsync.replicas", true),
        ("cleanup.policy", true),
    ];
    for (name, is_chosen) in cases {
        assert_eq!(filter.chooses(name), is_chosen, "{name}");
    }
    assert!(!filter.copies_defaults());
}

#[test]
fn defaults_are_copied_where_the_source_is_to_be_followed() {
    let filter = properties(&[(USE_DEFAULTS_FROM, "source")]).unwrap();
    assert!(filter.copies_defaults());
    assert!(
        !properties(&[(USE_DEFAULTS_FROM, "Source")])
            .unwrap()
            .copies_defaults()
    );
}

#[test]
fn expression_that_cannot_be_read_is_refused_with_its_key() {
    let error = properties(&[(PROPERTIES_EXCLUDE, "a(")]).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("Invalid value a( for configuration config.properties.exclude"),
        "{text}"
    );
}

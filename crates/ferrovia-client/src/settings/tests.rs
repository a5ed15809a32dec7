//! How Java properties become settings: defaults, bounds and messages.

use super::*;

fn properties(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let bootstrap = [("bootstrap.servers", "localhost:9092")];
    let all = bootstrap.iter().chain(pairs);
    all.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

/// Reads consumer settings that are expected to fail, and gives the message.
fn refused(pairs: &[(&str, &str)]) -> String {
    ConsumerSettings::from_properties(&properties(pairs))
        .unwrap_err()
        .to_string()
}

#[test]
fn defaults_are_those_of_the_java_consumer() {
    let settings = ConsumerSettings::from_properties(&properties(&[])).unwrap();
    assert_eq!(settings.session_timeout.as_millis(), 45_000);
    assert_eq!(settings.fetch_max_bytes, 52_428_800);
    assert_eq!(settings.max_partition_fetch_bytes, 1_048_576);
    assert_eq!(settings.auto_offset_reset, AutoOffsetReset::Latest);
    assert!(!settings.auto_offset_reset_is_explicit);
    assert_eq!(settings.client.request_timeout.as_millis(), 30_000);
    assert_eq!(
        settings.client.connections_max_idle,
        Some(Duration::from_secs(540))
    );
    assert_eq!(settings.client.frame_limit_bytes, 100 << 20);
    assert_eq!(
        settings.partition_assignors,
        [
            PartitionAssignor::Range,
            PartitionAssignor::CooperativeSticky
        ]
    );
}

#[test]
fn errors_read_as_in_java() {
    assert_eq!(
        refused(&[("fetch.min.bytes", "abc")]),
        "Invalid value abc for configuration fetch.min.bytes: Not a number of type INT"
    );
    assert_eq!(
        refused(&[("retry.backoff.ms", "-1")]),
        "Invalid value -1 for configuration retry.backoff.ms: Value must be at least 0"
    );
    assert_eq!(
        refused(&[("check.crcs", "yes")]),
        "Invalid value yes for configuration check.crcs: Expected value to be either true or false"
    );
    assert_eq!(
        refused(&[("bootstrap.servers", "a")]),
        "Invalid url in bootstrap.servers: a"
    );
    assert_eq!(
        refused(&[("bootstrap.servers", "a:70000")]),
        "Invalid port in bootstrap.servers: a:70000"
    );
    assert_eq!(
        refused(&[("bootstrap.servers", "a:1,a:1")]),
        "Configuration 'bootstrap.servers' values must not be duplicated."
    );
    assert_eq!(
        ClientSettings::from_properties(&BTreeMap::new())
            .unwrap_err()
            .to_string(),
        "Missing required configuration \"bootstrap.servers\" which has no default value."
    );
}

#[test]
fn secure_protocols_are_refused_by_name() {
    let message = refused(&[("security.protocol", "sasl_ssl")]);
    assert!(
        message.contains("security.protocol") && message.contains("sasl_ssl"),
        "{message}"
    );
}

#[test]
fn addresses_are_taken_as_java_takes_them() {
    let check = |url: &str, expected: &str| {
        assert_eq!(BrokerAddress::parse(url).unwrap().to_string(), expected);
    };
    check("kafka-1.example:9092", "kafka-1.example:9092");
    check("PLAINTEXT://kafka:9092", "kafka:9092");
    check("[::1]:9092", "[::1]:9092");
    check("::1:9092", "[::1]:9092");
    for bad in [
        "",
        ":",
        "kafka",
        "kafka:",
        "kafka:x",
        "ka fka:1",
        "http://kafka:1/path",
    ] {
        assert!(BrokerAddress::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn reset_by_duration_takes_iso_8601() {
    let check = |text: &str, expected_millis: Option<u128>| {
        let map = properties(&[("auto.offset.reset", text)]);
        let reset = ConsumerSettings::from_properties(&map).map(|s| s.auto_offset_reset);
        match (reset, expected_millis) {
            (Ok(AutoOffsetReset::ByDuration(age)), Some(millis)) => {
                assert_eq!(age.as_millis(), millis, "{text}");
            }
            (Err(_), None) => {}
            (other, _) => panic!("{text}: {other:?}"),
        }
    };
    check("by_duration:PT1H", Some(3_600_000));
    check("by_duration:P1DT2H3M4.5S", Some(93_784_500));
    check("by_duration:P2D", Some(172_800_000));
    check("by_duration:pt0.001s", Some(1));
    for bad in [
        "by_duration",
        "by_duration:",
        "by_duration:P",
        "by_duration:PT",
        "by_duration:-PT1H",
    ] {
        check(bad, None);
    }
    check("by_duration:PT1M1H", None);
    check("by_duration:PT99999999999999999999S", None);
}

#[test]
fn frame_limit_follows_a_large_fetch_limit() {
    let map = properties(&[("fetch.max.bytes", "2147483647")]);
    let settings = ClientSettings::from_properties(&map).unwrap();
    assert_eq!(settings.frame_limit_bytes, 2_147_483_647 + (1 << 20));
}

#[test]
fn socket_buffers_are_the_kernels_business_unless_set() {
    let settings = ClientSettings::from_properties(&properties(&[])).unwrap();
    assert_eq!(settings.receive_buffer_bytes, None);
    let map = properties(&[("receive.buffer.bytes", "65536")]);
    assert_eq!(
        ClientSettings::from_properties(&map)
            .unwrap()
            .receive_buffer_bytes,
        Some(65_536)
    );
}

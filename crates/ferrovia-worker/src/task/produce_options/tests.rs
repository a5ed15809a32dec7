//! Settings of a task's producer.

use ferrovia_client::Acks;
use ferrovia_pipeline::batch::HeaderRef;

use super::*;

fn options(settings: &[(&str, &str)]) -> Result<ProduceOptions, String> {
    let bootstrap = [("bootstrap.servers", "localhost:9092")];
    let settings = bootstrap.iter().chain(settings);
    let settings = settings.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    ProduceOptions::from_properties(settings.collect()).map_err(|error| error.to_string())
}

#[test]
fn defaults_are_those_of_connects_producers() {
    let options = options(&[]).unwrap();
    assert_eq!(options.batch, BatchOptions::default());
    let producer = options.producer;
    assert_eq!(producer.acks, Acks::All);
    assert!(!producer.is_idempotent);
    assert_eq!(producer.requests_in_flight_max, 1);
    assert_eq!(producer.request_bytes_max, 1_048_576);
    assert_eq!(producer.delivery_timeout.as_secs(), 120);
}

#[test]
fn settings_are_read_and_checked() {
    let set = options(&[
        ("acks", "0"),
        ("compression.type", "zstd"),
        ("compression.zstd.level", "9"),
        ("compression.gzip.level", "2"),
        ("batch.size", "1"),
        ("max.in.flight.requests.per.connection", "5"),
    ]);
    let set = set.unwrap();
    assert_eq!(set.producer.acks, Acks::Leader);
    assert_eq!(set.producer.requests_in_flight_max, 5);
    let batch = BatchOptions {
        codec: Codec::Zstd,
        level: Some(9),
        bytes_target: 1,
    };
    assert_eq!(set.batch, batch);
    assert_eq!(
        options(&[("compression.type", "brotli")]).unwrap_err(),
        "Invalid value brotli for configuration compression.type: String must be one of: none, gzip, snappy, lz4, zstd"
    );
    assert!(options(&[("acks", "2")]).is_err());
    assert!(options(&[("max.request.size", "-1")]).is_err());
}

#[test]
fn size_of_a_record_counts_what_is_around_it() {
    let header = HeaderRef {
        key: b"key",
        value: None,
    };
    // 82 around it, no key, a value with two bytes of length, one header.
    let bytes = 82 + 1 + (2 + 64) + 1 + (1 + 3) + 1;
    for (most, fits) in [(bytes, true), (bytes - 1, false)] {
        let most = format!("{most}");
        let options = options(&[("max.request.size", &most)]).unwrap();
        let checked = options.check_size(&Fields::new(None, Some(&[0; 64]), &[header]));
        assert_eq!(checked.is_ok(), fits, "{checked:?}");
    }
}

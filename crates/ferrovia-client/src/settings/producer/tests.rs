//! A producer's defaults, bounds, cross checks and messages are Java's.

use super::*;

fn settings(pairs: &[(&str, &str)]) -> Result<ProducerSettings, String> {
    let bootstrap = [("bootstrap.servers", "localhost:9092")];
    let all = bootstrap.iter().chain(pairs);
    let map = all.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    ProducerSettings::from_properties(&map.collect()).map_err(|error| error.to_string())
}

#[test]
fn defaults_are_those_of_the_java_producer() {
    let read = settings(&[]).unwrap();
    assert_eq!(read, ProducerSettings::with_defaults(read.client.clone()));
    assert_eq!((read.acks, read.requests_in_flight_max), (Acks::All, 5));
    assert_eq!((read.batch_bytes, read.buffer_bytes), (16_384, 33_554_432));
    assert!(read.is_idempotent && read.transactional_id.is_none());
}

#[test]
fn idempotence_gives_way_unless_it_was_asked_for() {
    assert!(!settings(&[("acks", "1")]).unwrap().is_idempotent);
    assert!(!settings(&[("retries", "0")]).unwrap().is_idempotent);
    let asked = ("enable.idempotence", "true");
    assert_eq!(
        settings(&[("acks", "1"), asked]).unwrap_err(),
        "Must set acks to all in order to use the idempotent producer. Otherwise we cannot \
         guarantee idempotence."
    );
    assert_eq!(
        settings(&[("retries", "0"), asked]).unwrap_err(),
        "Must set retries to non-zero when using the idempotent producer."
    );
    let in_flight = ("max.in.flight.requests.per.connection", "6");
    assert_eq!(
        settings(&[in_flight]).unwrap_err(),
        "To use the idempotent producer, max.in.flight.requests.per.connection must be set to at \
         most 5. Current value is 6."
    );
    let off = ("enable.idempotence", "false");
    assert_eq!(
        settings(&[in_flight, off]).unwrap().requests_in_flight_max,
        6
    );
    assert_eq!(
        settings(&[("transactional.id", "a"), off]).unwrap_err(),
        "Cannot set a transactional.id without also enabling idempotence."
    );
}

#[test]
fn delivery_timeout_covers_one_request() {
    assert_eq!(
        settings(&[("delivery.timeout.ms", "30004")]).unwrap_err(),
        "delivery.timeout.ms should be equal to or larger than linger.ms + request.timeout.ms"
    );
    let raised = settings(&[("request.timeout.ms", "200000")]).unwrap();
    assert_eq!(raised.delivery_timeout, Duration::from_millis(200_005));
    let most = settings(&[
        ("linger.ms", "9223372036854775807"),
        ("delivery.timeout.ms", "2147483647"),
    ]);
    assert_eq!(
        most.unwrap().delivery_timeout.as_millis(),
        2_147_483_647,
        "sums stop where Java's do"
    );
}

#[test]
fn errors_read_as_in_java() {
    let check = |key, value, reason: &str| {
        let expected = format!("Invalid value {value} for configuration {key}: {reason}");
        assert_eq!(settings(&[(key, value)]).unwrap_err(), expected);
    };
    check("acks", "2", "String must be one of: all, -1, 0, 1");
    check(
        "compression.type",
        "brotli",
        "String must be one of: none, gzip, snappy, lz4, zstd",
    );
    check(
        "compression.gzip.level",
        "0",
        "Value must be between 1 and 9 or equal to -1",
    );
    check(
        "compression.lz4.level",
        "18",
        "Value must be no more than 17",
    );
    check(
        "compression.zstd.level",
        "-131073",
        "Value must be at least -131072",
    );
    check("buffer.memory", "-1", "Value must be at least 0");
    check("transactional.id", "", "String must be non-empty");
    check(
        "max.in.flight.requests.per.connection",
        "0",
        "Value must be at least 1",
    );
}

#[test]
fn codec_comes_with_its_level() {
    let read = |pairs: &[_]| settings(pairs).unwrap().compression;
    assert_eq!(
        read(&[("compression.type", "gzip")]),
        Compression::Gzip(None)
    );
    let zstd = [
        ("compression.type", "zstd"),
        ("compression.zstd.level", "9"),
    ];
    assert_eq!(read(&zstd), Compression::Zstd(9));
    assert_eq!(read(&[("compression.type", "lz4")]), Compression::Lz4(9));
}

//! What date patterns print and read, and which are refused.

use super::*;

use proptest::prelude::*;

/// From the year 1019, because `y` reads two digits as a year of this century, to 9999.
const MILLIS: std::ops::Range<i64> = -30_000_000_000_000..253_402_300_800_000;

proptest! {
    #[test]
    fn what_is_written_is_read(millis in MILLIS, pattern in prop::sample::select(vec![
        "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
        "yyyyMMddHHmmssSSS",
        "EEE, d MMMM yyyy h:mm:ss.SSS a z",
        "S s m k D y",
        "YYYY-'W'ww-u HH:mm:ss.SSS Z",
    ])) {
        let format = DateFormat::new(pattern).unwrap();
        let text = format.format(millis);
        prop_assert_eq!(format.parse(&text), Some(millis), "{}", text);
    }

    #[test]
    fn no_pattern_or_text_does_harm(pattern in "[GyYMLwWDdFEuaHkKhmsSzZX' -]{0,12}", text in "[0-9A-Za-z:+ -]{0,24}", millis: i64) {
        if let Ok(format) = DateFormat::new(&pattern) {
            let _ = format.parse(&text);
            let written = format.format(millis);
            let _ = format.parse(&written);
        }
    }
}

#[test]
fn two_digits_are_a_year_within_a_century() {
    let format = DateFormat::new("yy").unwrap();
    let year = |text| {
        DateFormat::new("yyyy")
            .unwrap()
            .format(format.parse(text).unwrap())
    };
    assert_eq!(year("46"), "1946");
    assert_eq!(year("45"), "2045");
    assert_eq!(year("7"), "0007");
}

#[test]
fn zones_that_are_not_known_are_refused() {
    let format = DateFormat::new("HH z").unwrap();
    assert_eq!(format.parse("05 PST"), Some(13 * 3_600_000));
    assert_eq!(format.parse("05 CEST"), Some(3 * 3_600_000));
    assert_eq!(format.parse("05 NZST"), None);
}

//! Tests of this module.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn what_is_written_is_read(short: i16, int: i32, long: i64, text in ".{0,40}") {
        let bytes = Writer::default().short(short).text(&text).int(int).long(long).into_bytes();
        let mut reader = Reader::new(&bytes);
        prop_assert_eq!(reader.short(), Ok(short));
        prop_assert_eq!(reader.text(), Ok(text.as_str()));
        prop_assert_eq!(reader.int(), Ok(int));
        prop_assert_eq!(reader.long(), Ok(long));
        prop_assert_eq!(reader.short(), Err(BytesError::Short));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        let mut reader = Reader::new(&bytes);
        while reader.text().is_ok() {}
    }
}

#[test]
fn text_of_negative_length_or_without_sense_is_refused() {
    assert_eq!(Reader::new(&[0xff, 0xff]).text(), Err(BytesError::Text));
    assert_eq!(Reader::new(&[0, 1, 0xff]).text(), Err(BytesError::Text));
    assert_eq!(Reader::new(&[0, 2, 0x41]).text(), Err(BytesError::Short));
}

#[test]
fn text_that_is_too_long_is_cut_between_characters() {
    let bytes = Writer::default().text(&"ö".repeat(20_000)).into_bytes();
    assert_eq!(bytes.len(), 2 + 32_766);
    assert_eq!(Reader::new(&bytes).text().unwrap().chars().count(), 16_383);
}

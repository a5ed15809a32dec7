//! Both ways of reading agree with each other and with the writer, at every width and with any bytes behind.

use proptest::prelude::*;

use super::*;

fn bytes_of(value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_u64(value, |byte| bytes.push(byte));
    bytes
}

fn check(value: u64, padding: usize) {
    let mut bytes = bytes_of(value);
    assert_eq!(bytes.len(), length(value));
    let end = bytes.len();
    bytes.extend(std::iter::repeat_n(0xff, padding));
    let expected = Some((value, &bytes[end..]));
    assert_eq!(read_u64(&bytes), expected);
    assert_eq!(read_u64_bytewise(&bytes), expected);
}

#[test]
fn edges_of_every_width_survive_with_and_without_bytes_behind() {
    for bits in 0..64 {
        for padding in [0, 1, 7, 8, 16] {
            let edge = 1_u64 << bits;
            for value in [edge - 1, edge, edge | 1] {
                check(value, padding);
            }
            check(u64::MAX, padding);
        }
    }
}

#[test]
fn cut_off_and_overlong_values_are_refused() {
    assert_eq!(read_u64(&[]), None);
    assert_eq!(read_u64(&[0x80]), None);
    assert_eq!(read_u64(&[0xff; 7]), None);
    assert_eq!(read_u64(&[0xff; 16]), None);
    let eleven_bytes = [
        0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01,
    ];
    assert_eq!(read_u64(&eleven_bytes), None);
    let bit_64 = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02];
    assert_eq!(read_u64(&bit_64), None);
    let bit_32 = [0x80, 0x80, 0x80, 0x80, 0x10, 0, 0, 0];
    assert_eq!(read_u32(&bit_32), None);
}

#[test]
fn zigzag_matches_java() {
    for (value, bytes) in [
        (0_i32, &[0_u8][..]),
        (-1, &[1]),
        (1, &[2]),
        (63, &[0x7e]),
        (-64, &[0x7f]),
        (64, &[0x80, 1]),
        (i32::MAX, &[0xfe, 0xff, 0xff, 0xff, 0x0f]),
        (i32::MIN, &[0xff, 0xff, 0xff, 0xff, 0x0f]),
    ] {
        assert_eq!(read_i32(bytes), Some((value, &[][..])));
        assert_eq!(bytes_of(zigzag(value.into())), bytes);
    }
}

proptest! {
    #[test]
    fn any_value_survives(value: i64, padding in 0..20_usize) {
        check(zigzag(value), padding);
        let bytes = bytes_of(zigzag(value));
        prop_assert_eq!(read_i64(&bytes), Some((value, &[][..])));
    }

    #[test]
    fn any_bytes_read_alike_both_ways(bytes: Vec<u8>) {
        prop_assert_eq!(read_u64(&bytes), read_u64_bytewise(&bytes));
    }
}

//! Headers are checked before they are changed, and changed where Kafka looks.

use super::*;

/// A batch of `count` records that nobody will ever open.
pub(in crate::produce) fn sealed(count: i32, payload: &[u8]) -> Bytes {
    let mut batch = vec![0; HEADER_BYTES];
    batch.extend_from_slice(payload);
    let length = i32::try_from(batch.len() - LENGTH_PREFIX_BYTES).unwrap();
    write(&mut batch, LENGTH_AT, length.to_be_bytes());
    write(&mut batch, MAGIC_AT, [2]);
    write(&mut batch, LAST_OFFSET_DELTA_AT, (count - 1).to_be_bytes());
    write(&mut batch, PRODUCER_ID_AT, (-1_i64).to_be_bytes());
    write(&mut batch, PRODUCER_EPOCH_AT, (-1_i16).to_be_bytes());
    write(&mut batch, BASE_SEQUENCE_AT, (-1_i32).to_be_bytes());
    write(&mut batch, COUNT_AT, count.to_be_bytes());
    let crc = crc32c::crc32c(&batch[ATTRIBUTES_AT..]);
    write(&mut batch, CRC_AT, crc.to_be_bytes());
    batch.into()
}

/// What a broker reads from a header; panics where its checksum is wrong.
pub(in crate::produce) fn opened(batch: &[u8]) -> (Stamp, i32) {
    let crc = crc32c::crc32c(&batch[ATTRIBUTES_AT..]);
    assert_eq!(crc.to_be_bytes(), read(batch, CRC_AT).unwrap());
    let attributes = u16::from_be_bytes(read(batch, ATTRIBUTES_AT).unwrap());
    let stamp = Stamp {
        identity: ProducerIdentity {
            id: i64::from_be_bytes(read(batch, PRODUCER_ID_AT).unwrap()),
            epoch: i16::from_be_bytes(read(batch, PRODUCER_EPOCH_AT).unwrap()),
        },
        base_sequence: i32::from_be_bytes(read(batch, BASE_SEQUENCE_AT).unwrap()),
        is_transactional: attributes & TRANSACTIONAL_BIT != 0,
    };
    (stamp, record_count(batch).unwrap())
}

#[test]
fn stamp_is_read_back_and_the_rest_stays() {
    let wanted = Stamp {
        identity: ProducerIdentity { id: 77, epoch: 3 },
        base_sequence: 1_000,
        is_transactional: true,
    };
    let plain = sealed(5, b"records");
    let shared = plain.clone();
    let stamped = stamp(plain, wanted);
    assert_eq!(opened(&stamped), (wanted, 5));
    assert_eq!(
        opened(&shared).0.identity.id,
        -1,
        "a shared batch is copied"
    );
    assert_eq!(stamped[HEADER_BYTES..], *b"records");
    drop(shared);
    let at = stamped.as_ptr();
    let again = Stamp {
        is_transactional: false,
        ..wanted
    };
    let stamped = stamp(stamped, again);
    assert_eq!((opened(&stamped).0, stamped.as_ptr()), (again, at));
}

#[test]
fn what_is_no_batch_is_refused() {
    assert_eq!(record_count(&sealed(3, b"x")), Ok(3));
    assert!(record_count(&[0; 60]).is_err());
    assert!(record_count(&sealed(0, b"x")).is_err());
    let two = [sealed(1, b"x"), sealed(1, b"y")].concat();
    assert!(record_count(&two).is_err(), "one batch at a time");
    let mut old = sealed(1, b"x").to_vec();
    old[MAGIC_AT] = 1;
    assert!(record_count(&old).is_err());
}

#[test]
fn sequence_wraps_to_zero() {
    assert_eq!(sequence_after(5, 3), 8);
    assert_eq!(sequence_after(i32::MAX, 1), 0);
    assert_eq!(sequence_after(i32::MAX - 1, 5), 3);
}

//! Which batches are taken as they are, and that nothing but the header changes.

use bytes::Bytes;

use crate::batch::{BatchOptions, BatchWriter, Codec, Producer, RawBatch, Seal, batches};

fn written(codec: Codec, deltas: &[i32], seal: Seal) -> RawBatch {
    let options = BatchOptions {
        codec,
        ..BatchOptions::default()
    };
    let mut writer = BatchWriter::new(options);
    for delta in deltas {
        let value = format!("value {delta}");
        let value = Some(value.as_bytes());
        writer
            .append_at(*delta, 1000, Some(b"key"), value, &[])
            .unwrap();
    }
    only(writer.seal(seal).unwrap())
}

fn only(bytes: Bytes) -> RawBatch {
    batches(bytes).next().unwrap().unwrap()
}

/// As a broker stores what a producer with an id has sent.
fn stored() -> Seal {
    let producer = Producer {
        id: 4000,
        epoch: 3,
        base_sequence: 17,
    };
    Seal {
        base_offset: 1 << 40,
        partition_leader_epoch: 9,
        producer: Some(producer),
        is_transactional: true,
        ..Seal::default()
    }
}

#[test]
fn batch_becomes_what_its_producer_would_have_sent_without_an_id() {
    let codecs = [
        Codec::None,
        Codec::Gzip,
        Codec::Snappy,
        Codec::Lz4,
        Codec::Zstd,
    ];
    for codec in codecs {
        let sent = written(codec, &[0, 1, 2], Seal::default());
        let moved = Seal {
            producer: None,
            is_transactional: false,
            ..stored()
        };
        for seal in [stored(), moved, Seal::default()] {
            let produced = written(codec, &[0, 1, 2], seal).as_produced().unwrap();
            assert_eq!(produced, sent.bytes(), "{codec:?} {seal:?}");
            only(produced).verify_crc().unwrap();
        }
    }
}

#[test]
fn batch_that_is_not_what_it_was_is_not_taken() {
    let markers = Seal {
        is_control: true,
        ..stored()
    };
    let broker_times = Seal {
        log_append_time: Some(5),
        ..stored()
    };
    let last_removed = Seal {
        last_offset_delta: Some(4),
        ..stored()
    };
    for (deltas, seal) in [
        (&[0, 2][..], stored()),
        (&[1, 2], stored()),
        (&[], stored()),
        (&[0, 1], last_removed),
        (&[0], markers),
        (&[0, 1], broker_times),
    ] {
        let batch = written(Codec::None, deltas, seal);
        assert_eq!(batch.as_produced(), None, "{deltas:?} {seal:?}");
    }
}

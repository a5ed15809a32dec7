//! Forms of compressed sections that our own writer does not write, and the limits.

use bytes::{Bytes, BytesMut};
use lz4_flex::block::{compress, compress_with_dict};
use twox_hash::XxHash32;

use super::*;
use crate::batch::{BatchOptions, BatchWriter, CodecFault, Seal, batches};

const KIB: usize = 1024;

fn limits(batch_bytes_max: usize) -> InflateLimits {
    InflateLimits {
        batch_bytes_max,
        scratch_bytes_kept: 64 * KIB,
        ..InflateLimits::default()
    }
}

fn raw(bytes: Bytes) -> RawBatch {
    batches(bytes).next().unwrap().unwrap()
}

fn sealed(codec: Codec, value: &[u8]) -> Bytes {
    let mut writer = BatchWriter::new(BatchOptions {
        codec,
        ..BatchOptions::default()
    });
    writer.append(0, None, Some(value), &[]).unwrap();
    writer.seal(Seal::default()).unwrap()
}

/// A batch with another section behind its header.
fn with_section(codec: Codec, value: &[u8], section: &[u8]) -> RawBatch {
    let mut bytes = BytesMut::from(&sealed(codec, value)[..61]);
    bytes.extend_from_slice(section);
    let length = i32::try_from(bytes.len() - 12).unwrap();
    bytes[8..12].copy_from_slice(&length.to_be_bytes());
    raw(bytes.freeze())
}

/// The plain record section of a batch with this one value.
fn plain(value: &[u8]) -> Vec<u8> {
    sealed(Codec::None, value)[61..].to_vec()
}

fn packed(codec: Codec, content: &[u8]) -> Vec<u8> {
    let mut scratch = Scratch::new(usize::MAX, usize::MAX);
    crate::batch::codec::Encoder::new(codec, None)
        .encode(content, &mut scratch)
        .unwrap();
    scratch.filled().to_vec()
}

fn opens(codec: Codec, value: &[u8], section: &[u8]) {
    let batch = with_section(codec, value, section);
    let mut inflater = Inflater::default();
    let open = inflater.open(&batch).unwrap();
    assert_eq!(open.section(), plain(value));
    assert_eq!(open.records().next().unwrap().unwrap().value, Some(value));
}

fn refuses(codec: Codec, section: &[u8]) -> CodecFault {
    match Inflater::default().open(&with_section(codec, b"", section)) {
        Err(BatchError::Inflate { fault, .. }) => fault,
        other => panic!("expected a codec fault, got {other:?}"),
    }
}

fn text(size: usize) -> Vec<u8> {
    (0..size)
        .map(|at| b"iron rails all the way"[(at * at / 7) % 22])
        .collect()
}

#[test]
fn uncompressed_batches_are_borrowed() {
    let batch = raw(sealed(Codec::None, b"value"));
    let mut inflater = Inflater::default();
    assert_eq!(
        inflater.open(&batch).unwrap().section().as_ptr(),
        batch.bytes()[61..].as_ptr()
    );
    assert_eq!(inflater.scratch_capacity(), 0);
}

#[test]
fn streams_behind_each_other_are_read_as_one() {
    let value = text(300);
    let whole = plain(&value);
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let (front, back) = whole.split_at(123);
        opens(
            codec,
            &value,
            &[packed(codec, front), packed(codec, back)].concat(),
        );
    }
}

#[test]
fn skippable_frames_are_passed_over() {
    let value = text(300);
    let skippable = [0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    for codec in [Codec::Lz4, Codec::Zstd] {
        let frame = packed(codec, &plain(&value));
        opens(
            codec,
            &value,
            &[&skippable[..], &frame, &skippable].concat(),
        );
    }
}

#[test]
fn raw_snappy_is_read_too() {
    let value = text(300);
    opens(
        Codec::Snappy,
        &value,
        &snap::raw::Encoder::new()
            .compress_vec(&plain(&value))
            .unwrap(),
    );
}

#[test]
fn snappy_that_claims_more_than_the_format_can_expand_is_refused_unallocated() {
    // A length of 4 GiB in front of two bytes.
    let claim = [0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0];
    assert!(matches!(
        refuses(Codec::Snappy, &claim),
        CodecFault::Corrupt(_)
    ));
}

#[test]
fn gzip_headers_with_every_optional_field_are_read() {
    let value = text(300);
    let member = packed(Codec::Gzip, &plain(&value));
    let fields = b"\x04\0abcdname\0comment\0\x12\x34";
    let header = [0x1f, 0x8b, 8, 0x1e, 0, 0, 0, 0, 0, 3];
    opens(
        Codec::Gzip,
        &value,
        &[&header[..], fields, &member[10..]].concat(),
    );
}

/// An lz4 frame of the given blocks, with every checksum and size that the format knows.
fn lz4_frame(flags: u8, blocks: &[Vec<u8>], content: &[u8]) -> Vec<u8> {
    let mut descriptor = vec![0x40 | flags | 0x1c, 0x40];
    descriptor.extend((content.len() as u64).to_le_bytes());
    let mut frame = 0x184d_2204_u32.to_le_bytes().to_vec();
    frame.extend(&descriptor);
    frame.push(XxHash32::oneshot(0, &descriptor).to_le_bytes()[1]);
    for block in blocks {
        frame.extend(u32::try_from(block.len()).unwrap().to_le_bytes());
        frame.extend(block);
        frame.extend(XxHash32::oneshot(0, block).to_le_bytes());
    }
    frame.extend([0; 4]);
    frame.extend(XxHash32::oneshot(0, content).to_le_bytes());
    frame
}

#[test]
fn linked_lz4_blocks_with_all_checksums_are_read() {
    let value = text(150_000);
    let content = plain(&value);
    let chunks: Vec<&[u8]> = content.chunks(64 * KIB).collect();
    let linked: Vec<Vec<u8>> = chunks
        .iter()
        .enumerate()
        .map(|(at, chunk)| match at.checked_sub(1) {
            None => compress(chunk),
            Some(before) => compress_with_dict(chunk, chunks[before]),
        })
        .collect();
    opens(Codec::Lz4, &value, &lz4_frame(0, &linked, &content));
    let independent: Vec<Vec<u8>> = chunks.iter().map(|chunk| compress(chunk)).collect();
    let frame = lz4_frame(0x20, &independent, &content);
    opens(Codec::Lz4, &value, &frame);
    let mut wrong = frame;
    *wrong.last_mut().unwrap() ^= 1;
    assert_eq!(
        refuses(Codec::Lz4, &wrong),
        CodecFault::Corrupt("lz4 checksum does not match")
    );
}

#[test]
fn wrong_checksums_cuts_and_garbage_are_refused() {
    let content = plain(&text(300));
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let whole = packed(codec, &content);
        for cut in 1..whole.len() {
            // Framed snappy has no end mark: cut between blocks it is a shorter stream, which is then short of records.
            let batch = with_section(codec, b"", &whole[..cut]);
            assert!(
                Inflater::default().open(&batch).is_err(),
                "{codec} cut at {cut}"
            );
        }
        refuses(codec, &[&whole[..], &[1]].concat());
        refuses(codec, b"no such stream at all");
    }
    let mut gzip = packed(Codec::Gzip, &content);
    let at = gzip.len() - 8;
    gzip[at] ^= 1;
    assert_eq!(
        refuses(Codec::Gzip, &gzip),
        CodecFault::Corrupt("gzip checksum does not match")
    );
}

#[test]
fn output_up_to_the_limit_is_read_and_a_byte_more_is_refused() {
    let content = plain(&vec![7; 700 * KIB]);
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let batch = with_section(codec, b"", &packed(codec, &content));
        let mut exact = Inflater::new(limits(content.len()));
        assert_eq!(exact.open(&batch).unwrap().section(), content, "{codec}");
        assert!(exact.scratch_capacity() <= content.len());

        let limit = content.len() - 1;
        let mut short = Inflater::new(limits(limit));
        let error = short.open(&batch).unwrap_err();
        let fault = CodecFault::OverLimit { limit };
        assert_eq!(
            error,
            BatchError::Inflate {
                base_offset: 0,
                codec,
                fault
            }
        );
        assert!(!error.may_be_transport());
        assert!(short.scratch_capacity() <= limit);
    }
}

#[test]
fn zstd_windows_over_their_limit_are_refused() {
    // No content size, a window of 2^28 bytes, and blocks enough for decoding step by step.
    let frame = [
        &[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x90][..],
        &[0; 3 * 80],
        &[1, 0, 0],
    ]
    .concat();
    let fault = CodecFault::OverWindow { limit: 1 << 27 };
    assert_eq!(refuses(Codec::Zstd, &frame), fault);
}

#[test]
fn scratch_is_small_again_after_a_huge_batch() {
    let huge = raw(sealed(Codec::Lz4, &vec![7; 700 * KIB]));
    let small = raw(sealed(Codec::Lz4, b"value"));
    let mut inflater = Inflater::new(limits(1024 * KIB));
    inflater.open(&huge).unwrap();
    assert!(inflater.scratch_capacity() >= 700 * KIB);
    inflater.open(&small).unwrap();
    assert!(inflater.scratch_capacity() <= 64 * KIB);
    let kept = inflater.scratch_capacity();
    inflater.open(&small).unwrap();
    assert_eq!(
        inflater.scratch_capacity(),
        kept,
        "small batches reuse the buffer"
    );
}

#[test]
fn counts_beyond_the_bytes_are_refused_before_anything_is_reserved() {
    let mut bytes = BytesMut::from(&sealed(Codec::None, b"value")[..]);
    bytes[57..61].copy_from_slice(&i32::MAX.to_be_bytes());
    let batch = raw(bytes.freeze());
    let fault = RecordFault::TooMany;
    let error = Inflater::default().open(&batch).unwrap_err();
    assert_eq!(
        error,
        BatchError::Record {
            base_offset: 0,
            index: 0,
            fault
        }
    );
}

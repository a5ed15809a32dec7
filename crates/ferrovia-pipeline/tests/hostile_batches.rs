//! Damaged, lying and exploding batches: none may panic, none may take more memory than allowed, and what is read must
//! keep the promises of the reader.
//!
//! Cases are drawn from a seed. `FERROVIA_FUZZ_CASES` says how many (a million by default), `FERROVIA_FUZZ_SEED` which;
//! a failure prints the case, and `FERROVIA_FUZZ_CASE` runs that one alone.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]

use std::env;
use std::fs;
use std::path::Path;
use std::thread;

use bytes::{Bytes, BytesMut};
use ferrovia_pipeline::batch::{
    AbortedTransactions, BatchError, BatchOptions, BatchWriter, Codec, CodecFault, HeaderRef,
    InflateLimits, Inflater, Producer, RawBatch, Seal, batches,
};

const CASES: u64 = 1_000_000;
const SEED: u64 = 0x1e55_0fa1_17e5_0f17;
const OUTPUT_BYTES_MAX: usize = 1024 * 1024;
const HEADER_BYTES: usize = 61;
const COMPRESSED: [Codec; 4] = [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

type KeyValue<'a> = (Option<&'a [u8]>, Option<&'a [u8]>);

#[test]
fn mutated_batches_neither_panic_nor_outgrow_their_limit() {
    let number = |name: &str| {
        env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    let seed = number("FERROVIA_FUZZ_SEED").unwrap_or(SEED);
    let corpus = corpus();
    if let Some(case) = number("FERROVIA_FUZZ_CASE") {
        return Reader::new(&corpus).run(seed, case);
    }
    let cases = number("FERROVIA_FUZZ_CASES").unwrap_or(CASES);
    let threads = thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let reads: u64 = thread::scope(|scope| {
        let corpus = &corpus;
        let workers: Vec<_> = (0..threads)
            .map(|first| {
                scope.spawn(move || {
                    let mut reader = Reader::new(corpus);
                    for case in (first..cases).step_by(threads as usize) {
                        reader.run(seed, case);
                    }
                    reader.records_read
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .sum()
    });
    // Mutations that stop every reader at the first byte would prove nothing.
    assert!(
        reads > cases / 2,
        "only {reads} records were read in {cases} cases"
    );
}

#[test]
fn bombs_of_every_codec_stop_at_the_limit() {
    for codec in COMPRESSED {
        for size in [
            OUTPUT_BYTES_MAX,
            8 * OUTPUT_BYTES_MAX,
            64 * OUTPUT_BYTES_MAX,
        ] {
            let bomb = only(sealed(
                codec,
                &[(None, Some(&vec![0; size]))],
                Seal::default(),
            ));
            for mut inflater in inflaters() {
                let fault = CodecFault::OverLimit {
                    limit: OUTPUT_BYTES_MAX,
                };
                let expected = BatchError::Inflate {
                    base_offset: 0,
                    codec,
                    fault,
                };
                assert_eq!(inflater.open(&bomb).unwrap_err(), expected);
                assert!(inflater.scratch_capacity() <= OUTPUT_BYTES_MAX);
            }
        }
    }
}

#[test]
fn zstd_bomb_without_a_size_stops_at_the_limit() {
    const BLOCK_BYTES: u32 = 128 * 1024;
    const REPEAT: u32 = 1 << 1;
    // A window of 1 MiB and no content size; 64 MiB in blocks of four bytes each.
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x50];
    for left in (0..512).rev() {
        let block = (BLOCK_BYTES << 3 | REPEAT | u32::from(left == 0)).to_le_bytes();
        frame.extend([block[0], block[1], block[2], 0]);
    }
    let bomb = with_section(Codec::Zstd, &frame);
    for mut inflater in inflaters() {
        let fault = CodecFault::OverLimit {
            limit: OUTPUT_BYTES_MAX,
        };
        let expected = BatchError::Inflate {
            base_offset: 0,
            codec: Codec::Zstd,
            fault,
        };
        assert_eq!(inflater.open(&bomb).unwrap_err(), expected);
        assert!(inflater.scratch_capacity() <= OUTPUT_BYTES_MAX);
    }
}

#[test]
fn sizes_that_frames_claim_cost_nothing_until_the_bytes_come() {
    let zstd: &[u8] = &[
        0x28, 0xb5, 0x2f, 0xfd, // magic
        0xe0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, // single segment of 2^60 bytes
        0x01, 0x00, 0x00, // last block: raw, empty
    ];
    let lz4: &[u8] = &[
        0x04, 0x22, 0x4d, 0x18, // magic
        0x68, 0x70, 0, 0, 0, 0, 0, 0, 0, 0x40, 0xe7, // content of 2^62 bytes, blocks of 4 MiB
        0, 0, 0, 0, // end
    ];
    let snappy: &[u8] = &[0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x00];
    let gzip: &[u8] = &[
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, // header
        0x03, 0x00, // empty deflate stream
        0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, // content of 4 GiB
    ];
    for (codec, section) in [
        (Codec::Zstd, zstd),
        (Codec::Lz4, lz4),
        (Codec::Snappy, snappy),
        (Codec::Gzip, gzip),
    ] {
        let batch = with_section(codec, section);
        let mut inflater = Inflater::new(InflateLimits {
            scratch_bytes_kept: 64 * 1024,
            ..InflateLimits::default()
        });
        assert!(
            matches!(inflater.open(&batch), Err(BatchError::Inflate { .. })),
            "{codec}"
        );
        assert!(inflater.scratch_capacity() <= 64 * 1024, "{codec}");
    }
}

/// Reads whatever comes, and checks what the reader promises.
struct Reader<'a> {
    corpus: &'a [Bytes],
    inflaters: [Inflater; 2],
    records_read: u64,
}

impl<'a> Reader<'a> {
    fn new(corpus: &'a [Bytes]) -> Self {
        Self {
            corpus,
            inflaters: inflaters(),
            records_read: 0,
        }
    }

    fn run(&mut self, seed: u64, case: u64) {
        let _announced = Announced { seed, case };
        let mut dice = Dice(seed ^ case.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let bytes = mutated(self.corpus, &mut dice);
        let size = bytes.len();
        let mut aborted = AbortedTransactions::new([(4242, 0), (i64::MIN, i64::MAX)]);
        let mut walked = 0;
        for batch in batches(bytes) {
            let Ok(batch) = batch else { continue };
            walked += batch.bytes().len();
            let _ = batch.verify_crc();
            let _ = aborted.admits(&batch);
            self.read(&batch, dice.below(2));
        }
        assert!(walked <= size);
    }

    fn read(&mut self, batch: &RawBatch, which: usize) {
        let inflater = &mut self.inflaters[which];
        if let Ok(open) = inflater.open(batch) {
            let header = open.header();
            assert!(open.section().len() <= OUTPUT_BYTES_MAX.max(batch.bytes().len()));
            let mut last = header.base_offset - 1;
            let mut count: u32 = 0;
            for record in open.records() {
                let Ok(record) = record else { break };
                assert!(record.offset > last && record.offset <= header.last_offset());
                last = record.offset;
                count += 1;
                let headers = record.headers.iter().take_while(Result::is_ok).count();
                assert!(headers <= record.headers.count());
            }
            assert!(i64::from(count) <= header.record_count.into());
            self.records_read += u64::from(count);
        }
        assert!(inflater.scratch_capacity() <= OUTPUT_BYTES_MAX);
    }
}

/// Says which case it was, if it panics.
struct Announced {
    seed: u64,
    case: u64,
}

impl Drop for Announced {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!(
                "FERROVIA_FUZZ_SEED={} FERROVIA_FUZZ_CASE={}",
                self.seed, self.case
            );
        }
    }
}

/// Numbers from a seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.roll() % end.max(1) as u64) as usize
    }
}

/// One of the corpus, changed in one to four places.
fn mutated(corpus: &[Bytes], dice: &mut Dice) -> Bytes {
    let mut bytes = BytesMut::from(&corpus[dice.below(corpus.len())][..]);
    for _ in 0..=dice.below(4) {
        mutate(&mut bytes, corpus, dice);
    }
    // A wrong length ends the walk, so most cases get a true one.
    if dice.below(8) != 0 {
        set_length(&mut bytes);
    }
    bytes.freeze()
}

fn mutate(bytes: &mut BytesMut, corpus: &[Bytes], dice: &mut Dice) {
    const INTERESTING: [u32; 12] = [
        0,
        1,
        2,
        0x7f,
        0x80,
        0xff,
        0x100,
        0xffff,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_fffe,
        0xffff_ffff,
    ];
    let size = bytes.len();
    if size == 0 {
        return bytes.extend_from_slice(&corpus[dice.below(corpus.len())]);
    }
    // Half of the changes hit the record section, where there is one.
    let at = match dice.below(2) {
        0 if size > HEADER_BYTES => HEADER_BYTES + dice.below(size - HEADER_BYTES),
        _ => dice.below(size),
    };
    let span = dice.below(24).min(size - at);
    let word = INTERESTING[dice.below(INTERESTING.len())];
    match dice.below(10) {
        0..3 => bytes[at] ^= 1 << dice.below(8),
        3 => bytes[at] = dice.roll() as u8,
        4 => {
            let word = if dice.below(2) == 0 {
                word.to_be_bytes()
            } else {
                word.to_le_bytes()
            };
            let end = (at + 4).min(size);
            bytes[at..end].copy_from_slice(&word[..end - at]);
        }
        5 => bytes.truncate(at),
        6 => {
            let tail = bytes.split_off(at);
            bytes.extend_from_slice(&tail[span..]);
        }
        7 => {
            let tail = bytes.split_off(at);
            bytes.extend_from_slice(&tail[..span]);
            bytes.extend_from_slice(&tail);
        }
        8 => {
            // The tail of another batch behind this one's head.
            let other = &corpus[dice.below(corpus.len())];
            bytes.truncate(at);
            bytes.extend_from_slice(&other[dice.below(other.len())..]);
        }
        _ => {
            // A field of the header: attributes, last offset delta or record count.
            let field = [21, 23, 57][dice.below(3)];
            if size >= HEADER_BYTES {
                bytes[field..field + 4].copy_from_slice(&word.to_be_bytes());
            }
        }
    }
}

fn set_length(bytes: &mut BytesMut) {
    if let Some(length) = bytes
        .len()
        .checked_sub(12)
        .filter(|_| bytes.len() >= HEADER_BYTES)
    {
        bytes[8..12].copy_from_slice(&(length as u32).to_be_bytes());
    }
}

/// Valid batches of every kind, small enough for many cases a second, and Java's own.
fn corpus() -> Vec<Bytes> {
    let text = "iron rails all the way ".repeat(20);
    let long: &[KeyValue<'_>] = &[
        (Some(b"first"), Some(text.as_bytes())),
        (None, None),
        (Some(b""), Some(&text.as_bytes()[7..300])),
    ];
    let short: Vec<KeyValue<'_>> = vec![(None, Some(b"v")); 70];
    let producer = Some(Producer {
        id: 4242,
        epoch: 1,
        base_sequence: 7,
    });
    let transactional = Seal {
        base_offset: 9,
        producer,
        is_transactional: true,
        ..Seal::default()
    };
    let mut corpus = Vec::new();
    for codec in Codec::ALL {
        corpus.push(sealed(codec, long, Seal::default()));
        corpus.push(sealed(codec, &short, transactional));
        corpus.push(sealed(
            codec,
            &[],
            Seal {
                last_offset_delta: Some(6),
                ..Seal::default()
            },
        ));
    }
    let marker: KeyValue<'_> = (Some(&[0, 0, 0, 0]), Some(&[0; 6]));
    corpus.push(sealed(
        Codec::None,
        &[marker],
        Seal {
            is_control: true,
            ..transactional
        },
    ));
    corpus.push(Bytes::from(
        [&corpus[0][..], &corpus[1], &corpus[6]].concat(),
    ));
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/record_batches");
    for name in ["abort", "emptied", "gaps", "gzip", "snappy", "lz4", "zstd"] {
        corpus.push(Bytes::from(
            fs::read(fixtures.join(format!("{name}.bin"))).unwrap(),
        ));
    }
    corpus
}

fn sealed(codec: Codec, records: &[KeyValue<'_>], seal: Seal) -> Bytes {
    let mut writer = BatchWriter::new(BatchOptions {
        codec,
        ..BatchOptions::default()
    });
    let headers = [
        HeaderRef {
            key: b"h",
            value: Some(b"1"),
        },
        HeaderRef {
            key: b"h",
            value: None,
        },
    ];
    for (at, (key, value)) in records.iter().enumerate() {
        let headers = if at % 3 == 0 { &headers[..] } else { &[] };
        writer
            .append(1_700_000_000_000 + at as i64, *key, *value, headers)
            .unwrap();
    }
    writer.seal(seal).unwrap()
}

/// A batch of one record, with another section behind its header.
fn with_section(codec: Codec, section: &[u8]) -> RawBatch {
    let header = &sealed(codec, &[(None, None)], Seal::default())[..HEADER_BYTES];
    let mut bytes = BytesMut::from(header);
    bytes.extend_from_slice(section);
    set_length(&mut bytes);
    only(bytes.freeze())
}

fn only(bytes: Bytes) -> RawBatch {
    batches(bytes).next().unwrap().unwrap()
}

/// Two readers: one that trusts small claims only, and so decodes step by step, and one that decodes in one go.
fn inflaters() -> [Inflater; 2] {
    [256, OUTPUT_BYTES_MAX].map(|scratch_bytes_kept| {
        let limits = InflateLimits {
            batch_bytes_max: OUTPUT_BYTES_MAX,
            scratch_bytes_kept,
            zstd_window_log_max: 20,
        };
        Inflater::new(limits)
    })
}

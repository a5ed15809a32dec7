//! A broker that lies: about lengths, counts, checksums and sizes. Whatever it sends costs little memory, moves no
//! offset, and is told in one clear error.

use std::fs;
use std::io::Write;
use std::process::Command;

use bytes::{BufMut, Bytes, BytesMut};
use ferrovia_broker::{ApiKey, Fault, Times};
use ferrovia_pipeline::batch::{Codec, Seal};
use ferrovia_worker::status::State;
use kafka_protocol::messages::FetchResponse;
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::protocol::Encodable;

use crate::logs;
use crate::order::Leave;
use crate::positions::commit;
use crate::probe::Script;
use crate::stage::{Stage, fetch_request, p, play, sealed, until};

/// Where every hostile batch begins; what is before it is committed.
const BASE: i64 = 5;

/// Answers every fetch of a partition with these bytes.
fn answer(records: Bytes) -> Fault {
    Fault::custom(move |view| {
        let asked = fetch_request(view);
        if asked.topics.is_empty() {
            return None;
        }
        let topics = asked.topics.into_iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| {
                PartitionData::default()
                    .with_partition_index(partition.partition)
                    .with_high_watermark(1_000)
                    .with_last_stable_offset(1_000)
                    .with_log_start_offset(0)
                    .with_records(Some(records.clone()))
            });
            FetchableTopicResponse::default()
                .with_topic(topic.topic)
                .with_topic_id(topic.topic_id)
                .with_partitions(partitions.collect())
        });
        let response = FetchResponse::default().with_responses(topics.collect());
        let mut body = BytesMut::new();
        response.encode(&mut body, view.api_version).unwrap();
        Some(body.freeze())
    })
}

fn seal(base_offset: i64) -> Seal {
    Seal {
        base_offset,
        partition_leader_epoch: 0,
        ..Seal::default()
    }
}

/// A good batch of three records at `BASE`.
fn good() -> BytesMut {
    BytesMut::from(&sealed(3, Codec::None, seal(BASE))[..])
}

/// Gives a damaged batch the checksum that it would have.
fn with_checksum(mut batch: BytesMut) -> BytesMut {
    let checksum = crc32c::crc32c(&batch[21..]);
    batch[17..21].copy_from_slice(&checksum.to_be_bytes());
    batch
}

fn with_i32(mut batch: BytesMut, at: usize, value: i32) -> BytesMut {
    batch[at..at + 4].copy_from_slice(&value.to_be_bytes());
    batch
}

/// A batch of one claimed record with this compressed section.
fn packed(codec: Codec, section: &[u8]) -> BytesMut {
    let mut batch = BytesMut::from(&good()[..61]);
    batch.put_slice(section);
    let length = i32::try_from(batch.len() - 12).unwrap();
    let mut batch = with_i32(with_i32(batch, 8, length), 57, 3);
    batch[22] = codec as u8;
    with_checksum(batch)
}

const LENGTH_AT: usize = 8;
const COUNT_AT: usize = 57;

fn damaged_batches() -> Vec<(&'static str, BytesMut)> {
    let counted = |count| with_checksum(with_i32(good(), COUNT_AT, count));
    // Inside a value, where nothing but the checksum can tell.
    let mut flipped = good();
    let at = flipped.len() - 2;
    flipped[at] ^= 1;
    let mut unknown_codec = good();
    unknown_codec[22] = 7;
    let mut old_magic = good();
    old_magic[16] = 1;
    let mut trailing = good();
    trailing.put_slice(&[0; 9]);
    let length = i32::try_from(trailing.len() - 12).unwrap();
    let noise: Vec<u8> = (0..200_u8).map(|n| n.wrapping_mul(151)).collect();
    vec![
        ("wrong checksum", flipped),
        ("more records than there are", counted(4)),
        ("fewer records than there are", counted(2)),
        ("records without end", counted(i32::MAX)),
        ("a negative count", counted(-1)),
        ("a huge length", with_i32(good(), LENGTH_AT, i32::MAX)),
        ("a negative length", with_i32(good(), LENGTH_AT, -1)),
        ("a length below its header", with_i32(good(), LENGTH_AT, 10)),
        ("a cut batch", BytesMut::from(&good()[..80])),
        ("a cut header", BytesMut::from(&good()[..20])),
        ("an unknown codec", with_checksum(unknown_codec)),
        ("an old format", old_magic),
        (
            "bytes behind its records",
            with_checksum(with_i32(trailing, LENGTH_AT, length)),
        ),
        ("noise as gzip", packed(Codec::Gzip, &noise)),
        ("noise as snappy", packed(Codec::Snappy, &noise)),
        ("noise as lz4", packed(Codec::Lz4, &noise)),
        ("noise as zstd", packed(Codec::Zstd, &noise)),
    ]
}

/// Batches of some KiB that would take a gibibyte or more each.
fn bombs() -> Vec<(&'static str, BytesMut)> {
    const BLOCKS: u32 = 8 * 1024;
    // zstd: no content size, blocks that repeat one byte 128 Ki times.
    let mut zstd = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x50];
    for left in (0..BLOCKS).rev() {
        let block = ((128 * 1024) << 3 | 1 << 1 | u32::from(left == 0)).to_le_bytes();
        zstd.extend([block[0], block[1], block[2], 0]);
    }
    // gzip: members of 1 MiB, one behind the other.
    let mut member = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    member.write_all(&vec![0; 1 << 20]).unwrap();
    let gzip = member.finish().unwrap().repeat(1024);
    // lz4: independent blocks of 4 MiB.
    let block = lz4_flex::block::compress(&vec![0; 4 << 20]);
    let mut lz4 = vec![0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73];
    for _ in 0..256 {
        lz4.put_u32_le(u32::try_from(block.len()).unwrap());
        lz4.put_slice(&block);
    }
    lz4.put_u32_le(0);
    // snappy: a block that says it has 4 GiB.
    let snappy = [0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x00];
    vec![
        ("zstd bomb", packed(Codec::Zstd, &zstd)),
        ("gzip bomb", packed(Codec::Gzip, &gzip)),
        ("lz4 bomb", packed(Codec::Lz4, &lz4)),
        ("snappy bomb", packed(Codec::Snappy, &snappy)),
    ]
}

/// Goal: the task fails, names partition and offset, has seen nothing of the batch, and no offset moves.
async fn check_batch(name: &str, records: Bytes, offset: i64) {
    let stage = Stage::new(1).await;
    stage.produce(&p(0), 20).await;
    commit(&stage, BASE).await;
    stage
        .broker()
        .faults()
        .inject(ApiKey::Fetch, answer(records), Times::Always);
    let often = [("worker:offset.flush.interval.ms", "20")];
    let worker = stage.worker(Script::default(), &often).await;
    let trace = worker.until_state(0, State::Failed).await;
    let names = [format!("t-0 at offset {offset} "), format!("t-0={offset}.")];
    assert!(
        names.iter().any(|name| trace.contains(name)),
        "{name}: {trace}"
    );
    assert!(trace.lines().count() <= 4, "{name}: {trace}");
    let probe = stage.stop(worker, Leave::default()).await;
    assert!(
        probe.shown(&p(0)).is_empty(),
        "{name}: {:?}",
        probe.shown(&p(0))
    );
    assert_eq!(stage.committed(0), Some(BASE), "{name}");
}

#[test]
fn damaged_batch_fails_the_task_names_its_place_and_moves_no_offset() {
    let name = "damaged_batch_fails_the_task_names_its_place_and_moves_no_offset";
    play_alone(name, LIES_BYTES_MAX, async || {
        for (name, batch) in damaged_batches() {
            check_batch(name, batch.freeze(), BASE).await;
        }
    });
}

#[test]
fn damaged_batch_behind_a_good_one_is_named_by_its_own_offset() {
    play(async {
        let mut records = good();
        let mut second = BytesMut::from(&sealed(3, Codec::None, seal(BASE + 3))[..]);
        let at = second.len() - 2;
        second[at] ^= 1;
        records.extend_from_slice(&second);
        check_batch("the second", records.freeze(), BASE + 3).await;
    });
}

/// Runs one of these tests in a process of its own, where it may take `memory_max` bytes more than it begins with.
fn play_alone(test: &str, memory_max: usize, lies: impl AsyncFnOnce()) {
    if std::env::var_os(ALONE).is_some() {
        let before = memory_peak();
        play(lies());
        let cost = memory_peak() - before;
        assert!(cost < memory_max, "{test} took {} MiB", cost >> 20);
        return;
    }
    let name = format!("hostile::{test}");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &name, "--nocapture"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

/// Bytes of memory that this process has had at most.
fn memory_peak() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let kib: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}

#[test]
fn bombs_fail_the_task_and_cost_no_more_than_a_batch_may() {
    let name = "bombs_fail_the_task_and_cost_no_more_than_a_batch_may";
    play_alone(name, BOMBS_BYTES_MAX, async || {
        for (name, bomb) in bombs() {
            check_batch(name, bomb.freeze(), BASE).await;
        }
    });
}

/// Goal: each lie is told twice, names the broker's address and what was wrong, and what comes after it is read.
#[test]
fn frames_that_lie_close_the_connection_and_nothing_is_lost() {
    let name = "frames_that_lie_close_the_connection_and_nothing_is_lost";
    play_alone(name, LIES_BYTES_MAX, async || {
        logs::listen();
        let stage = Stage::new(1).await;
        // An answer that never ends is given up after this.
        let timeout = [("consumer.override.request.timeout.ms", "300")];
        let worker = stage.worker(Script::default(), &timeout).await;
        let address = stage.broker().address().to_string();
        let frames: [(&'static [u8], &str); 6] = [
            (b"\x7f\xff\xff\xff\0\0\0\x01", "a frame of 2147483647 bytes"),
            (b"\xff\xff\xff\xff\0\0\0\x01", "a frame of -1 bytes"),
            (b"\0\0\0\x02\0\0", "a frame of 2 bytes"),
            (b"HTTP/1.1 200 OK\r\n\r\n", "HTTP server"),
            (
                b"\0\0\0\x08\x7f\xff\xff\xff\0\0\0\0",
                "answer 2147483647 came where",
            ),
            (b"\x05\0\0\0\0\0\0\x01", "not answered within"),
        ];
        for (frame, words) in frames {
            let fault = Fault::Raw(Bytes::from_static(frame));
            let faults = stage.broker().faults();
            faults.inject(ApiKey::Fetch, fault, Times::N(2));
            until("the lie is told", || {
                logs::lines_with(&["fetch failed", &address, words]).len() == 2
            })
            .await;
        }
        stage.produce(&p(0), 3).await;
        worker.until_taken(&p(0), 3).await;
        stage.end(worker).await;
    });
}

/// Set in the process of a test that runs alone.
const ALONE: &str = "FERROVIA_TEST_ALONE";
/// What all damaged batches, or all lying frames, may cost together.
const LIES_BYTES_MAX: usize = 100 << 20;
/// A batch may become 256 MiB large; bombs are refused there, one after the other in the same buffer.
const BOMBS_BYTES_MAX: usize = (256 + 64) << 20;

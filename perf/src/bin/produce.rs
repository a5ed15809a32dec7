//! `produce`: what the client's producer costs before a real broker of its own. One thread fills batches and sends them;
//! one line of JSON per size of record and codec.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use ferrovia_client::admin::topics::{NewTopic, create_topics};
use ferrovia_client::produce::Ack;
use ferrovia_client::{Cluster, FramePool, Producer, ProducerSettings, TopicPartition};
use ferrovia_perf::usage;
use ferrovia_pipeline::batch::{BatchOptions, BatchWriter, Codec, Seal};
use ferrovia_tests::grounds::ORACLE;
use ferrovia_tests::kafka::Kafka;

/// Produces to a broker that it starts and ends.
#[derive(Debug, Parser)]
struct Arguments {
    /// Bytes of values per case, in millions.
    #[arg(long, default_value_t = 1_000)]
    megabytes: u64,
    /// The topic's partitions.
    #[arg(long, default_value_t = 8)]
    partitions: i32,
    /// `batch.size`
    #[arg(long, default_value_t = 256 << 10)]
    batch_size: usize,
    /// `max.request.size`
    #[arg(long, default_value_t = 8 << 20)]
    request_size: usize,
    /// Without idempotence.
    #[arg(long)]
    plain: bool,
    /// Bytes of a value.
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1_024])]
    sizes: Vec<usize>,
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let kafka = Kafka::start(ORACLE)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    for size in &arguments.sizes {
        for codec in [Codec::None, Codec::Lz4] {
            runtime.block_on(measure(&kafka, &arguments, *size, codec))?;
        }
    }
    Ok(())
}

async fn measure(
    kafka: &Kafka,
    arguments: &Arguments,
    size: usize,
    codec: Codec,
) -> io::Result<()> {
    let topic: Arc<str> = format!("produce-{size}-{codec:?}").into();
    let map = BTreeMap::from([("bootstrap.servers".to_owned(), kafka.bootstrap())]);
    let settings = ProducerSettings::from_properties(&map).map_err(io::Error::other)?;
    let settings = ProducerSettings {
        is_idempotent: !arguments.plain,
        request_bytes_max: arguments.request_size,
        ..settings
    };
    let cluster = Cluster::new(settings.client.clone(), FramePool::new(0));
    let new = NewTopic {
        name: Arc::clone(&topic),
        partitions: Some(arguments.partitions),
        replication_factor: Some(1),
        configs: BTreeMap::new(),
    };
    let created = create_topics(&cluster, &[new], false).await;
    created.map_err(io::Error::other)?;
    let producer = Producer::new(cluster, settings);
    let records = arguments.megabytes * 1_000_000 / u64::try_from(size).unwrap_or(u64::MAX);
    let (own, broker) = (usage::own_cpu_seconds()?, usage::cpu_seconds(kafka.id())?);
    let begun = Instant::now();
    let batch = BatchOptions {
        codec,
        level: None,
        bytes_target: arguments.batch_size,
    };
    send(
        &producer,
        &topic,
        arguments.partitions,
        records,
        size,
        batch,
    )
    .await?;
    let seconds = begun.elapsed().as_secs_f64();
    let gigabytes = f64::from(u32::try_from(arguments.megabytes).unwrap_or(u32::MAX)) / 1_000.0;
    let line = serde_json::json!({
        "value_bytes": size,
        "codec": format!("{codec:?}"),
        "is_idempotent": !arguments.plain,
        "batch_size": arguments.batch_size,
        "records": records,
        "seconds": seconds,
        "megabytes_per_second": gigabytes * 1_000.0 / seconds,
        "cpu_seconds_per_gigabyte": (usage::own_cpu_seconds()? - own) / gigabytes,
        "broker_cpu_seconds_per_gigabyte": (usage::cpu_seconds(kafka.id())? - broker) / gigabytes,
    });
    writeln!(io::stdout(), "{line}")
}

async fn send(
    producer: &Producer,
    topic: &Arc<str>,
    partitions: i32,
    records: u64,
    size: usize,
    batch: BatchOptions,
) -> io::Result<()> {
    let mut writer = BatchWriter::new(batch);
    let mut open: VecDeque<Ack> = VecDeque::new();
    let values = values(size)?;
    let mut partition = 0;
    for (_, value) in (0..records).zip(values.iter().cycle()) {
        if !writer.has_room_for(None, Some(value), &[]) {
            let to = TopicPartition::new(Arc::clone(topic), partition);
            let sealed = writer.seal(Seal::default()).map_err(io::Error::other)?;
            open.push_back(producer.send(to, sealed).await);
            partition = (partition + 1) % partitions;
            while open.len() > OPEN_MAX
                && let Some(oldest) = open.pop_front()
            {
                oldest.await.map_err(io::Error::other)?;
            }
        }
        let appended = writer.append(1, None, Some(value), &[]);
        appended.map_err(io::Error::other)?;
    }
    let to = TopicPartition::new(Arc::clone(topic), partition);
    let sealed = writer.seal(Seal::default()).map_err(io::Error::other)?;
    open.push_back(producer.send(to, sealed).await);
    for ack in open {
        ack.await.map_err(io::Error::other)?;
    }
    Ok(())
}

/// Lines of a journal, made beforehand: half of each is words, half is noise. Codecs do not look back as far as to the same
/// line.
fn values(size: usize) -> io::Result<Vec<Vec<u8>>> {
    let mut noise = 1_u64;
    let mut value = || {
        let mut value = Vec::with_capacity(size + 64);
        while value.len() < size {
            noise = noise.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            write!(value, "order={noise:016x} state=shipped ")?;
        }
        value.truncate(size);
        Ok(value)
    };
    (0..VALUES).map(|_| value()).collect()
}

/// Different values.
const VALUES: usize = 4_096;
/// Batches that may wait for an acknowledgement.
const OPEN_MAX: usize = 256;

//! Fills a topic with synthetic records.

use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};
use ferrovia_client::TopicPartition;
use ferrovia_client::produce::{Ack, Producer};
use ferrovia_pipeline::batch::{BatchOptions, BatchWriter, Codec, Seal};

use crate::connection::{BootstrapArguments, bulk_producer, connect, create_topic, partitions};
use crate::failure::Failure;
use crate::made_up::MadeUp;
use crate::numbers::{as_float, megabytes};

/// Batches that may be on their way before the next is built.
const BATCHES_UNDER_WAY_MAX: usize = 64;
/// Random bytes that random payloads are cut from.
const RANDOM_POOL_BYTES: usize = 1 << 20;

/// Fills a topic with synthetic records.
#[derive(Debug, Args)]
pub(crate) struct FillArguments {
    #[command(flatten)]
    pub(crate) brokers: BootstrapArguments,
    /// The topic; it is created where it does not exist.
    #[arg(long)]
    pub(crate) topic: String,
    /// Partitions, if the topic is created.
    #[arg(long, default_value_t = 8)]
    pub(crate) partitions: i32,
    /// How many records.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) records: u64,
    /// Bytes of each value. JSON values are cut at whole lines of an order, so they vary by some.
    #[arg(long, default_value_t = 1_000)]
    pub(crate) size: usize,
    /// What values are made of.
    #[arg(long, value_enum, default_value_t = Payload::Json)]
    pub(crate) payload: Payload,
    /// What DatagenConnector makes up by its quickstart of this name, as JSON.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["payload", "size"])]
    pub(crate) quickstart: Option<String>,
    /// How batches are compressed.
    #[arg(long, value_enum, default_value_t = CompressionType::None)]
    pub(crate) compression_type: CompressionType,
    /// Bytes at which a batch is sent, before compression.
    #[arg(long, default_value_t = 128 * 1024)]
    pub(crate) batch_size: usize,
}

/// What values are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Payload {
    /// Orders as JSON, which compress as such events do.
    Json,
    /// Random bytes, which do not compress.
    Random,
}

/// Kafka's names of the codecs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompressionType {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

impl From<CompressionType> for Codec {
    fn from(name: CompressionType) -> Self {
        match name {
            CompressionType::None => Self::None,
            CompressionType::Gzip => Self::Gzip,
            CompressionType::Snappy => Self::Snappy,
            CompressionType::Lz4 => Self::Lz4,
            CompressionType::Zstd => Self::Zstd,
        }
    }
}

/// Produces the records, with a line of progress each second, and waits until all are acknowledged.
pub(crate) async fn fill(arguments: &FillArguments) -> Result<(), Failure> {
    let cluster = connect(&arguments.brokers).await?;
    create_topic(&cluster, &arguments.topic, arguments.partitions).await?;
    let partitions = partitions(&cluster, &arguments.topic.as_str().into()).await?;
    let producer = bulk_producer(cluster);
    let mut values = Values::new(arguments)?;
    let mut writer = BatchWriter::new(BatchOptions {
        codec: arguments.compression_type.into(),
        level: None,
        bytes_target: arguments.batch_size,
    });
    let mut under_way: VecDeque<Ack> = VecDeque::new();
    let mut next_partition = partitions.iter().cycle();
    let (begun, mut reported, mut bytes) = (Instant::now(), Instant::now(), 0);
    for number in 0..arguments.records {
        let value = values.next(number)?;
        bytes += value.len() as u64;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let timestamp = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        if !writer.has_room_for(None, Some(value), &[]) {
            send(&producer, &mut writer, &mut next_partition, &mut under_way).await?;
        }
        writer
            .append(timestamp, None, Some(value), &[])
            .map_err(Failure::of)?;
        if reported.elapsed() >= Duration::from_secs(1) {
            reported = Instant::now();
            report(number + 1, bytes, begun);
        }
    }
    send(&producer, &mut writer, &mut next_partition, &mut under_way).await?;
    for ack in under_way {
        ack.await.map_err(Failure::of)?;
    }
    report(arguments.records, bytes, begun);
    Ok(())
}

async fn send<'a>(
    producer: &Producer,
    writer: &mut BatchWriter,
    next_partition: &mut impl Iterator<Item = &'a TopicPartition>,
    under_way: &mut VecDeque<Ack>,
) -> Result<(), Failure> {
    let Some(partition) = next_partition.next().filter(|_| !writer.is_empty()) else {
        return Ok(());
    };
    let batch = writer.seal(Seal::default()).map_err(Failure::of)?;
    under_way.push_back(producer.send(partition.clone(), batch).await);
    while under_way.len() > BATCHES_UNDER_WAY_MAX
        && let Some(oldest) = under_way.pop_front()
    {
        oldest.await.map_err(Failure::of)?;
    }
    Ok(())
}

fn report(records: u64, bytes: u64, begun: Instant) {
    let seconds = begun.elapsed().as_secs_f64();
    tracing::info!(
        "{records} records, {:.0} MB, {:.0} records/s, {:.0} MB/s",
        megabytes(bytes),
        as_float(records) / seconds,
        megabytes(bytes) / seconds
    );
}

/// Makes the values one after the other, in one buffer.
struct Values {
    /// Without it they are random bytes, cut from the buffer.
    made_up: Option<MadeUp>,
    size: usize,
    buffer: Vec<u8>,
}

impl Values {
    fn new(arguments: &FillArguments) -> Result<Self, Failure> {
        let (quickstart, size) = (arguments.quickstart.as_deref(), arguments.size);
        let mut buffer = Vec::new();
        let made_up = match arguments.payload {
            Payload::Json => Some(MadeUp::new(quickstart, size)?),
            Payload::Random => {
                buffer.resize(RANDOM_POOL_BYTES.max(size), 0);
                fastrand::Rng::with_seed(1).fill(&mut buffer);
                None
            }
        };
        Ok(Self {
            made_up,
            size,
            buffer,
        })
    }

    /// Value number `number`; the same number always gives the same value.
    fn next(&mut self, number: u64) -> Result<&[u8], Failure> {
        if let Some(made_up) = &mut self.made_up {
            self.buffer.clear();
            made_up.write(&mut self.buffer, number)?;
            return Ok(&self.buffer);
        }
        // A stride that is odd and near the pool's size visits every position before it repeats.
        let room = (self.buffer.len() - self.size + 1) as u64;
        let start = usize::try_from(number.wrapping_mul(40_503) % room).unwrap_or(0);
        let value = self.buffer.get(start..start + self.size);
        Ok(value.unwrap_or_default())
    }
}

//! `produce`: the client's producer, fed with payloads from a file by one thread that fills batches and sends them.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;
use ferrovia_client::produce::Ack;
use ferrovia_client::{Cluster, FramePool, Producer, ProducerSettings, TopicPartition};
use ferrovia_pipeline::batch::{BatchOptions, BatchWriter, Codec, Seal};

/// Produces records without keys to a topic that exists.
#[derive(Debug, Parser)]
struct Arguments {
    /// `bootstrap.servers`
    #[arg(long)]
    bootstrap: String,
    /// The topic.
    #[arg(long)]
    topic: String,
    /// The topic's partitions, which get a batch each in turn.
    #[arg(long)]
    partitions: i32,
    /// Values, one a line, which are sent in random order.
    #[arg(long)]
    payload_file: PathBuf,
    /// Records.
    #[arg(long)]
    records: u64,
    /// Other settings of the producer, such as `batch.size=262144`.
    #[arg(long)]
    property: Vec<String>,
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(send(&arguments))
}

async fn send(arguments: &Arguments) -> io::Result<()> {
    let text = fs::read(&arguments.payload_file)?;
    let values: Vec<&[u8]> = text.trim_ascii_end().split(|it| *it == b'\n').collect();
    let settings = settings(arguments)?;
    let mut writer = BatchWriter::new(BatchOptions {
        codec: codec(arguments)?,
        level: None,
        bytes_target: settings.batch_bytes,
    });
    let cluster = Cluster::new(settings.client.clone(), FramePool::new(0));
    let producer = Producer::new(cluster, settings);
    let topic: Arc<str> = arguments.topic.as_str().into();
    let mut open: VecDeque<Ack> = VecDeque::new();
    let (mut partition, mut noise) = (0, 1_u64);
    for _ in 0..arguments.records {
        noise = noise.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        let place = usize::try_from(noise >> 33).map_err(io::Error::other)? % values.len();
        let value = values.get(place).copied();
        if !writer.has_room_for(None, value, &[]) {
            let to = TopicPartition::new(Arc::clone(&topic), partition);
            let sealed = writer.seal(Seal::default()).map_err(io::Error::other)?;
            open.push_back(producer.send(to, sealed).await);
            partition = (partition + 1) % arguments.partitions;
            while open.len() > OPEN_MAX
                && let Some(oldest) = open.pop_front()
            {
                oldest.await.map_err(io::Error::other)?;
            }
        }
        let appended = writer.append(1, None, value, &[]);
        appended.map_err(io::Error::other)?;
    }
    let to = TopicPartition::new(Arc::clone(&topic), partition);
    let sealed = writer.seal(Seal::default()).map_err(io::Error::other)?;
    open.push_back(producer.send(to, sealed).await);
    for ack in open {
        ack.await.map_err(io::Error::other)?;
    }
    Ok(())
}

fn properties(arguments: &Arguments) -> BTreeMap<String, String> {
    let pairs = arguments
        .property
        .iter()
        .filter_map(|it| it.split_once('='));
    let pairs = pairs.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let bootstrap = ("bootstrap.servers".to_owned(), arguments.bootstrap.clone());
    pairs.chain([bootstrap]).collect()
}

fn settings(arguments: &Arguments) -> io::Result<ProducerSettings> {
    ProducerSettings::from_properties(&properties(arguments)).map_err(io::Error::other)
}

fn codec(arguments: &Arguments) -> io::Result<Codec> {
    let properties = properties(arguments);
    let name = properties
        .get("compression.type")
        .map_or("none", String::as_str);
    Codec::from_name(name).ok_or_else(|| io::Error::other(format!("no codec {name}")))
}

/// Batches that may wait for an acknowledgement.
const OPEN_MAX: usize = 256;

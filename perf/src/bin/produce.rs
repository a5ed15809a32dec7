//! `produce`: the client's producer, fed with payloads from a file by one thread that fills batches and sends them.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use clap::Parser;
use ferrovia_client::produce::Ack;
use ferrovia_client::{Cluster, FramePool, Producer, ProducerSettings, TopicPartition};
use ferrovia_pipeline::batch::{BatchOptions, BatchWriter, Codec, HeaderRef, Seal};

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
    /// The key of every record.
    #[arg(long)]
    key: Option<String>,
    /// A header of every record, as `name=value`.
    #[arg(long)]
    header: Vec<String>,
    /// Fills one batch and sends it again and again, so that records cost nothing.
    #[arg(long)]
    ready: bool,
    /// Records.
    #[arg(long)]
    records: u64,
    /// Producers with a connection each, which take turns.
    #[arg(long, default_value_t = 1)]
    producers: usize,
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
    let settings = settings(arguments)?;
    let mut filler = Filler::new(arguments, &text, settings.batch_bytes)?;
    let producer = |_| {
        let cluster = Cluster::new(settings.client.clone(), FramePool::new(0));
        Producer::new(cluster, settings.clone())
    };
    let producers: Vec<Producer> = (0..arguments.producers).map(producer).collect();
    let mut turns = producers.iter().cycle();
    let topic: Arc<str> = arguments.topic.as_str().into();
    let mut open: VecDeque<Ack> = VecDeque::new();
    let (mut partition, mut left) = (0, arguments.records);
    let mut ready = None;
    while left > 0 {
        let (batch, records) = match ready.take() {
            Some((batch, records)) if records <= left => (batch, records),
            _ => filler.fill(left)?,
        };
        ready = arguments.ready.then(|| (Bytes::clone(&batch), records));
        let to = TopicPartition::new(Arc::clone(&topic), partition);
        if let Some(producer) = turns.next() {
            open.push_back(producer.send(to, batch).await);
        }
        partition = (partition + 1) % arguments.partitions;
        left -= records;
        while open.len() > OPEN_MAX
            && let Some(oldest) = open.pop_front()
        {
            oldest.await.map_err(io::Error::other)?;
        }
    }
    for ack in open {
        ack.await.map_err(io::Error::other)?;
    }
    Ok(())
}

/// Fills batches.
struct Filler<'a> {
    writer: BatchWriter,
    values: Vec<&'a [u8]>,
    key: Option<&'a [u8]>,
    headers: Vec<HeaderRef<'a>>,
    noise: u64,
}

impl<'a> Filler<'a> {
    fn new(arguments: &'a Arguments, text: &'a [u8], bytes_target: usize) -> io::Result<Self> {
        let headers = arguments.header.iter().map(|header| {
            let (key, value) = header.split_once('=')?;
            Some(HeaderRef {
                key: key.as_bytes(),
                value: Some(value.as_bytes()),
            })
        });
        let headers: Option<_> = headers.collect();
        Ok(Self {
            writer: BatchWriter::new(BatchOptions {
                codec: codec(arguments)?,
                level: None,
                bytes_target,
            }),
            values: text.trim_ascii_end().split(|it| *it == b'\n').collect(),
            key: arguments.key.as_deref().map(str::as_bytes),
            headers: headers.ok_or_else(|| io::Error::other("a header is no name=value"))?,
            noise: 1,
        })
    }

    /// The next full batch, or one of `most` records, and how many it has.
    fn fill(&mut self, most: u64) -> io::Result<(Bytes, u64)> {
        let mut records = 0;
        while records < most {
            self.noise = self
                .noise
                .wrapping_mul(0x5851_f42d_4c95_7f2d)
                .wrapping_add(1);
            let place = usize::try_from(self.noise >> 33).map_err(io::Error::other)?;
            let value = self.values.get(place % self.values.len()).copied();
            if !self.writer.has_room_for(self.key, value, &self.headers) {
                break;
            }
            let appended = self.writer.append(1, self.key, value, &self.headers);
            appended.map_err(io::Error::other)?;
            records += 1;
        }
        let sealed = self.writer.seal(Seal::default());
        Ok((sealed.map_err(io::Error::other)?, records))
    }
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

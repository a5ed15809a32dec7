//! The bare client: threads with blocking sockets that fetch a topic to its end, verify every CRC, decompress and
//! walk every record, and nothing else. What it reaches is what the machine allows.

use std::io;
use std::thread;
use std::time::Instant;

use bytes::Bytes;
use ferrovia_pipeline::batch::{InflateLimits, Inflater, RawBatch, batches};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{
    BrokerId, FetchRequest, ListOffsetsRequest, MetadataRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use crate::wire::{Connection, decode};

/// The last versions that name topics instead of numbering them.
const FETCH: i16 = 12;
const METADATA: i16 = 9;
const LIST_OFFSETS: i16 = 6;
/// Asks for the end offset.
const LATEST: i64 = -1;

/// What to drain, and how.
#[derive(Debug, Clone)]
pub struct Drain {
    /// The broker, which leads every partition.
    pub bootstrap: String,
    /// The topic.
    pub topic: String,
    /// Threads, each with a connection and its share of the partitions.
    pub threads: usize,
    /// The most bytes of one fetch.
    pub fetch_bytes: i32,
    /// The most bytes of one partition in a fetch.
    pub partition_bytes: i32,
}

/// What was drained.
#[derive(Debug, Clone, Copy, Default)]
pub struct Drained {
    /// Records.
    pub records: u64,
    /// Bytes of keys and values.
    pub payload_bytes: u64,
    /// Bytes of batches as they came over the wire.
    pub wire_bytes: u64,
    /// Seconds from the first request to the last record.
    pub seconds: f64,
}

/// Where one partition stands.
#[derive(Debug, Clone, Copy)]
struct Position {
    partition: i32,
    next: i64,
    end: i64,
}

/// Drains the topic from its start to the end that it has now.
///
/// # Errors
/// When the broker answers with an error, or a batch is broken.
pub fn drain(drain: &Drain) -> io::Result<Drained> {
    let positions = positions(drain)?;
    let mut shares = vec![Vec::new(); drain.threads.max(1)];
    let lanes = shares.len();
    for (at, position) in positions.into_iter().enumerate() {
        shares
            .get_mut(at % lanes)
            .into_iter()
            .for_each(|share| share.push(position));
    }
    let start = Instant::now();
    let results: Vec<io::Result<Drained>> = thread::scope(|scope| {
        let run = |share| scope.spawn(move || Lane::open(drain, share)?.run());
        let lanes: Vec<_> = shares.into_iter().map(run).collect();
        let died = || io::Error::other("a thread died");
        lanes
            .into_iter()
            .map(|lane| lane.join().unwrap_or_else(|_| Err(died())))
            .collect()
    });
    let mut total = Drained {
        seconds: start.elapsed().as_secs_f64(),
        ..Drained::default()
    };
    for result in results {
        let share = result?;
        total.records += share.records;
        total.payload_bytes += share.payload_bytes;
        total.wire_bytes += share.wire_bytes;
    }
    Ok(total)
}

/// Every partition of the topic from offset 0 to its present end.
fn positions(drain: &Drain) -> io::Result<Vec<Position>> {
    let mut connection = Connection::open(&drain.bootstrap)?;
    let name = TopicName(StrBytes::from_string(drain.topic.clone()));
    let wanted = MetadataRequestTopic::default().with_name(Some(name.clone()));
    let metadata = connection.call(
        &MetadataRequest::default().with_topics(Some(vec![wanted])),
        METADATA,
    )?;
    let partitions = metadata.topics.iter().flat_map(|topic| &topic.partitions);
    let asked = partitions
        .map(|partition| {
            ListOffsetsPartition::default()
                .with_partition_index(partition.partition_index)
                .with_timestamp(LATEST)
        })
        .collect();
    let request = ListOffsetsRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_topics(vec![
            ListOffsetsTopic::default()
                .with_name(name)
                .with_partitions(asked),
        ]);
    let ends = connection.call(&request, LIST_OFFSETS)?;
    let ends = ends.topics.iter().flat_map(|topic| &topic.partitions);
    Ok(ends
        .map(|end| Position {
            partition: end.partition_index,
            next: 0,
            end: end.offset,
        })
        .collect())
}

/// One thread's connection, partitions and buffers.
struct Lane<'a> {
    drain: &'a Drain,
    connection: Connection,
    positions: Vec<Position>,
    inflater: Inflater,
    drained: Drained,
}

impl<'a> Lane<'a> {
    fn open(drain: &'a Drain, positions: Vec<Position>) -> io::Result<Self> {
        Ok(Self {
            drain,
            connection: Connection::open(&drain.bootstrap)?,
            positions,
            inflater: Inflater::new(InflateLimits::default()),
            drained: Drained::default(),
        })
    }

    /// The next fetch is on its way while this thread works on the last one, so that the broker is never idle.
    fn run(mut self) -> io::Result<Drained> {
        let mut spare = Vec::new();
        let mut asked = self.ask()?;
        while asked {
            let frame = self.connection.receive(spare)?;
            let found = self.walk(frame.clone())?;
            asked = self.ask()?;
            for batch in &found {
                self.read(batch)?;
            }
            drop(found);
            // Nobody else holds the frame now, and its memory serves for the next but one.
            spare = frame.try_into_mut().map(Vec::from).unwrap_or_default();
        }
        Ok(self.drained)
    }

    /// Asks for what is still to be fetched; false when nothing is.
    fn ask(&mut self) -> io::Result<bool> {
        self.positions
            .retain(|position| position.next < position.end);
        if self.positions.is_empty() {
            return Ok(false);
        }
        // The broker fills an answer from the front: everybody comes first in turn.
        self.positions.rotate_left(1);
        let partitions = self
            .positions
            .iter()
            .map(|position| {
                FetchPartition::default()
                    .with_partition(position.partition)
                    .with_fetch_offset(position.next)
                    .with_partition_max_bytes(self.drain.partition_bytes)
            })
            .collect();
        let topic = TopicName(StrBytes::from_string(self.drain.topic.clone()));
        let request = FetchRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_max_wait_ms(500)
            .with_min_bytes(1)
            .with_max_bytes(self.drain.fetch_bytes)
            .with_session_epoch(-1)
            .with_topics(vec![
                FetchTopic::default()
                    .with_topic(topic)
                    .with_partitions(partitions),
            ]);
        self.connection.send(&request, FETCH)?;
        Ok(true)
    }

    /// Finds the batches of an answer and moves the positions behind them.
    fn walk(&mut self, mut frame: Bytes) -> io::Result<Vec<RawBatch>> {
        let answer = decode::<FetchRequest>(&mut frame, FETCH)?;
        let mut found = Vec::new();
        for data in answer
            .responses
            .into_iter()
            .flat_map(|topic| topic.partitions)
        {
            if data.error_code != 0 {
                return Err(io::Error::other(format!("fetch error {}", data.error_code)));
            }
            let position = self
                .positions
                .iter_mut()
                .find(|p| p.partition == data.partition_index);
            let (Some(position), Some(records)) = (position, data.records) else {
                continue;
            };
            for batch in batches(records) {
                let batch = batch.map_err(io::Error::other)?;
                position.next = batch.header().next_offset();
                found.push(batch);
            }
        }
        Ok(found)
    }

    fn read(&mut self, batch: &RawBatch) -> io::Result<()> {
        batch.verify_crc().map_err(io::Error::other)?;
        self.drained.wire_bytes += batch.bytes().len() as u64;
        let opened = self.inflater.open(batch).map_err(io::Error::other)?;
        for record in opened.records() {
            let record = record.map_err(io::Error::other)?;
            let bytes = record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len);
            self.drained.records += 1;
            self.drained.payload_bytes += bytes as u64;
        }
        Ok(())
    }
}

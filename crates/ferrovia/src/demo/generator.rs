//! Produces records on a thread of its own, as fast as it is allowed to.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ferrovia_client::produce::Ack;
use ferrovia_client::settings::ClientSettings;
use ferrovia_client::{Cluster, FramePool, TopicPartition};
use ferrovia_pipeline::batch::{BatchOptions, BatchWriter, Codec, Seal};

use crate::connection::bulk_producer;
use crate::failure::Failure;
use crate::made_up::MadeUp;

/// Batches that may wait for the broker.
const BATCHES_UNDER_WAY_MAX: usize = 16;
/// Records that the sink may be behind before the generator waits for it: the broker's memory is not endless.
const BACKLOG_RECORDS_MAX: u64 = 1_000_000;
/// How long the generator waits before it looks again.
const PAUSE: Duration = Duration::from_millis(2);
/// Idle buffers of its connection.
const IDLE_BUFFERS_BYTES: usize = 1 << 20;

/// What to produce, and the counters that it shares with whoever watches.
pub(super) struct Generator {
    pub(super) settings: ClientSettings,
    pub(super) partitions: Vec<TopicPartition>,
    /// Records per second; 0 for no limit.
    pub(super) rate: u64,
    pub(super) values: MadeUp,
    pub(super) shared: Arc<Shared>,
}

/// Between the generator and the rest of the demo.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Records that the broker has acknowledged.
    pub(super) produced: AtomicU64,
    /// Records that the sink has written, by its last report.
    pub(super) written: AtomicU64,
    /// Set when it is to end.
    pub(super) stop: AtomicBool,
}

impl Generator {
    /// Begins. The thread ends when it is told to, with everything acknowledged.
    pub(super) fn start(self) -> std::io::Result<JoinHandle<Result<(), Failure>>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        std::thread::Builder::new()
            .name("generator".to_owned())
            .spawn(move || runtime.block_on(self.run()))
    }

    async fn run(mut self) -> Result<(), Failure> {
        let cluster = Cluster::new(self.settings.clone(), FramePool::new(IDLE_BUFFERS_BYTES));
        cluster.add_topics(
            self.partitions
                .iter()
                .map(|partition| Arc::clone(&partition.topic)),
        );
        cluster.refresh().await.map_err(Failure::of)?;
        let producer = bulk_producer(cluster);
        let mut writer = BatchWriter::new(BatchOptions {
            codec: Codec::Lz4,
            level: None,
            bytes_target: 256 * 1024,
        });
        let mut under_way: VecDeque<(Ack, u64)> = VecDeque::new();
        let mut value = Vec::new();
        let (begun, mut number) = (Instant::now(), 0);
        let partitions = std::mem::take(&mut self.partitions);
        for partition in partitions.iter().cycle() {
            if self.shared.stop.load(Ordering::Relaxed) {
                break;
            }
            self.wait_for_room(begun, number).await;
            let count = self.fill(&mut writer, &mut value, number)?;
            number += count;
            let batch = writer.seal(Seal::default()).map_err(Failure::of)?;
            under_way.push_back((producer.send(partition.clone(), batch).await, count));
            while under_way.len() > BATCHES_UNDER_WAY_MAX {
                self.await_oldest(&mut under_way).await?;
            }
        }
        while !under_way.is_empty() {
            self.await_oldest(&mut under_way).await?;
        }
        Ok(())
    }

    /// Waits while the rate is exceeded or the sink is too far behind.
    async fn wait_for_room(&self, begun: Instant, number: u64) {
        loop {
            let written = self.shared.written.load(Ordering::Relaxed);
            let is_behind = number.saturating_sub(written) > BACKLOG_RECORDS_MAX;
            let elapsed = begun.elapsed().as_micros();
            let allowed = u128::from(self.rate) * elapsed / 1_000_000;
            let is_fast = self.rate > 0 && u128::from(number) > allowed;
            if !(is_behind || is_fast) || self.shared.stop.load(Ordering::Relaxed) {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Fills a batch with the values from number `first` on and answers how many.
    fn fill(
        &mut self,
        writer: &mut BatchWriter,
        value: &mut Vec<u8>,
        first: u64,
    ) -> Result<u64, Failure> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let timestamp = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        // A slow generator sends small batches, so that something happens every moment.
        let most = if self.rate == 0 {
            u64::MAX
        } else {
            (self.rate / 50).max(1)
        };
        for count in 0.. {
            value.clear();
            self.values.write(value, first + count)?;
            if count == most || !writer.has_room_for(None, Some(value), &[]) {
                return Ok(count);
            }
            writer
                .append(timestamp, None, Some(value), &[])
                .map_err(Failure::of)?;
        }
        Ok(0)
    }

    async fn await_oldest(&self, under_way: &mut VecDeque<(Ack, u64)>) -> Result<(), Failure> {
        if let Some((ack, count)) = under_way.pop_front() {
            ack.await.map_err(Failure::of)?;
            self.shared.produced.fetch_add(count, Ordering::Relaxed);
        }
        Ok(())
    }
}

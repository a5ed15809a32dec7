//! Takes batches that the connector's task hands out sealed: they go to Kafka as they are.

use std::sync::Arc;

use ferrovia_pipeline::batch::Fields;
use ferrovia_pipeline::error::ConnectError;
use ferrovia_pipeline::source::SourceBatch;

use crate::task::source::batch::{Contents, LaneId, Reach};
use crate::task::source::flow::{Breath, Flow};
use crate::task::source::place::{Fate, Moment, Produce};
use crate::task::source::take::Intake;

impl Intake {
    /// Sends these batches on their way. Whether the task goes on.
    ///
    /// # Errors
    /// A topic cannot be made, or Kafka does not take a batch, and that is not tolerated.
    pub(super) async fn take_batches(
        &mut self,
        batches: Vec<SourceBatch>,
        reach: &mut Reach<'_>,
    ) -> Result<bool, ConnectError> {
        let mut moment = Moment::new(&self.flow);
        for batch in batches {
            self.flow.check()?;
            if let Some(exactly_once) = &mut self.flow.exactly_once {
                exactly_once.admit(&batch.topic)?;
            }
            let topic = Arc::clone(&batch.topic);
            let produce = Produce {
                topic: &topic,
                partition: Some(batch.partition),
                timestamp: moment.now_ms,
                fields: &Fields::new(None, None, &[]),
            };
            let lane = match self.flow.lane(&produce, &moment) {
                Some(lane) => Ok(Fate::Goes(lane)),
                None => self.find_lane(&produce, &mut moment, reach).await?,
            };
            let goes_on = match lane {
                Ok(Fate::Goes(lane)) => self.flow.send_whole(lane, batch).await?,
                Ok(_) => false,
                Err(refused) => {
                    let text = || format!("{} records", batch.records);
                    self.flow.judge_refused(&topic, refused, text)?;
                    self.flow.pass_whole(batch);
                    true
                }
            };
            if !goes_on {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Flow {
    /// Sends a batch on its way, when there is room for it. Whether the task goes on.
    async fn send_whole(&mut self, lane: LaneId, batch: SourceBatch) -> Result<bool, ConnectError> {
        while self.outlet.is_full_for(batch.bytes.len()) || !self.knows(lane) {
            self.check()?;
            self.machine.hold();
            if self.breathe(None).await == Breath::Stop {
                return Ok(false);
            }
        }
        let source = self.submitted.source(&batch.source_partition);
        let records = u64::from(batch.records);
        let span = self.submitted.submit(source, records);
        let contents = Contents {
            records,
            spans: span
                .map(|span| (source, span, batch.source_offset))
                .into_iter()
                .collect(),
            tags: batch.tag.map(|tag| (tag, 0)).into_iter().collect(),
            is_whole: true,
            texts: Vec::new(),
        };
        if let Some(sealed) = self.batches.whole(lane, batch.bytes, contents) {
            self.outlet.send(sealed).await;
        }
        Ok(true)
    }

    fn knows(&self, lane: LaneId) -> bool {
        let partition = self.batches.partition(lane);
        partition.is_none_or(|partition| self.outlet.knows(&partition))
    }

    /// A batch goes nowhere, but its offset counts.
    fn pass_whole(&mut self, batch: SourceBatch) {
        self.pass(&batch.source_partition, batch.source_offset);
        self.skip(batch.tag);
        self.metrics
            .on_skipped(u64::from(batch.records).saturating_sub(1));
    }
}

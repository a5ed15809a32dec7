//! Follows the offset syncs and makes checkpoints of them at intervals. It runs on the task's own thread.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ferrovia_client::admin::groups::alter_offsets;
use ferrovia_client::admin::list_groups::list_groups;
use ferrovia_client::{ClientError, Cluster, ErrorCode};
use ferrovia_pipeline::batch::RecordRef;
use ferrovia_pipeline::error::ConnectError;
use tokio::sync::mpsc::Sender;
use tokio::time::sleep;

use super::plan::{self, AtTarget, Offsets};
use super::record::Checkpoint;
use super::store::CheckpointStore;
use super::sync_store::SyncStore;
use super::{groups, keeper};
use crate::clients::{self, ClientKind, Side};
use crate::jobs::{Timetable, done};
use crate::settings::{CheckpointSettings, CheckpointTaskSettings};
use crate::topic_reader::TopicReader;

/// What is done again and again.
#[derive(Clone, Copy, Debug)]
enum Job {
    Emit,
    SetOffsets,
}

/// Follows offset syncs.
pub(super) struct Follower {
    settings: CheckpointSettings,
    groups: BTreeSet<String>,
    source: Cluster,
    target: Cluster,
    written: CheckpointStore,
    syncs: SyncStore,
    made: Sender<Vec<Checkpoint>>,
}

impl Follower {
    /// Opens both clusters, on the current runtime.
    ///
    /// # Errors
    /// A client's property that cannot be used.
    pub(super) fn open(
        settings: CheckpointTaskSettings,
        made: Sender<Vec<Checkpoint>>,
    ) -> Result<Self, ConnectError> {
        let CheckpointTaskSettings {
            checkpoint: settings,
            groups,
        } = settings;
        Ok(Self {
            source: clients::open(&keeper::client(&settings.base, Side::Source))?,
            target: clients::open(&keeper::client(&settings.base, Side::Target))?,
            settings,
            groups,
            written: CheckpointStore::default(),
            syncs: SyncStore::new(true),
            made,
        })
    }

    /// Reads what was written before, then follows for ever.
    ///
    /// # Errors
    /// A client's property that cannot be used.
    pub(super) async fn run(mut self) -> Result<(), ConnectError> {
        let start = Instant::now();
        let knows_written = self.load_written().await?;
        self.syncs = SyncStore::new(!knows_written);
        let topic = self.settings.offset_syncs_topic();
        let mut reader = TopicReader::open(&self.settings.offset_syncs_consumer(), &topic)?;
        let syncs = &mut self.syncs;
        while let Err(error) = reader
            .read_to_end(&mut |record| take_sync(syncs, record))
            .await
        {
            let trace = error.trace();
            tracing::warn!("cannot read offset syncs, trying again: {trace}");
            sleep(ERROR_PAUSE).await;
        }
        self.syncs.on_end();
        let label = self.settings.base.entity_label();
        let mut jobs = Timetable::new();
        jobs.every(Job::Emit, self.settings.emit_checkpoints, start);
        let mut sync_group_offsets = self.settings.sync_group_offsets;
        // As Java's task: it goes on without that job.
        if sync_group_offsets.take_if(|it| it.is_zero()).is_some() {
            tracing::error!(
                "{label}: the interval of copying groups' offsets is 0 seconds, none are copied"
            );
        }
        jobs.every(Job::SetOffsets, sync_group_offsets, start);
        loop {
            let syncs = &mut self.syncs;
            let mut each = |record: &RecordRef<'_>| take_sync(syncs, record);
            let job = tokio::select! {
                read = reader.next(&mut each) => {
                    if let Err(error) = read {
                        let trace = error.trace();
                        tracing::warn!("cannot read offset syncs, trying again: {trace}");
                        sleep(ERROR_PAUSE).await;
                    }
                    continue;
                }
                job = jobs.next() => job,
            };
            match job {
                Job::Emit => self.emit().await,
                Job::SetOffsets => {
                    let what = "sync idle consumer group offset from source to target";
                    done(&label, what, None, self.set_offsets()).await;
                }
            }
        }
    }

    /// Reads the checkpoints that were written before. Without them only offsets behind syncs that are yet to come can be
    /// translated, as others might go back.
    async fn load_written(&mut self) -> Result<bool, ConnectError> {
        let base = &self.settings.base;
        let role = "checkpoints-target-consumer";
        let consumer = base.client(Side::Target, ClientKind::Consumer, role);
        let topic = self.settings.checkpoints_topic();
        let mut reader = TopicReader::open(&consumer, &topic)?;
        let (written, groups) = (&mut self.written, &self.groups);
        let mut each = |record: &RecordRef<'_>| {
            let taken = written.on_record(groups, record.key.unwrap_or_default(), record.value);
            if let Err(error) = taken {
                let offset = record.offset;
                tracing::warn!("Ignored invalid checkpoint record at offset {offset}: {error}");
            }
        };
        match reader.read_to_end(&mut each).await {
            Ok(()) => Ok(true),
            Err(error) => {
                let trace = error.trace();
                tracing::warn!(
                    "Cannot load checkpoints topic {topic} - this may degrade offset translation as only checkpoints for \
                     offsets which were mirrored after the task started will be emitted: {trace}"
                );
                self.written.clear();
                Ok(false)
            }
        }
    }

    /// Makes the checkpoints of all groups. Where the last ones were not taken yet, these wait for the next time.
    async fn emit(&mut self) {
        let made = self.made.clone();
        let Ok(permit) = made.try_reserve() else {
            sleep(ROOM_PAUSE).await;
            return;
        };
        let names = self.groups.iter().cloned().collect();
        let mut fresh = Vec::new();
        for (group, offsets) in groups::offsets_of(&self.source, names).await {
            match offsets {
                Ok(offsets) => fresh.extend(self.checkpoints(&group, &offsets)),
                Err(error) => {
                    let cluster = &self.settings.base.source_alias;
                    tracing::error!(
                        "Error querying offsets for consumer group {group} on cluster {cluster}: {error}"
                    );
                }
            }
        }
        if !fresh.is_empty() {
            permit.send(fresh);
        }
    }

    fn checkpoints(&mut self, group: &str, offsets: &Offsets) -> Vec<Checkpoint> {
        let fresh = plan::checkpoints(&self.settings, &self.syncs, &self.written, group, offsets);
        for checkpoint in &fresh {
            self.written.put(checkpoint.clone());
        }
        fresh
    }

    /// Sets the offsets at the target of groups that have no members there.
    async fn set_offsets(&self) -> Result<(), ConnectError> {
        let listing = list_groups(&self.target).await.map_err(failed)?;
        let is_complete = listing.failure.is_none();
        for (group, checkpoints) in self.written.groups() {
            let at_target = match AtTarget::of(listing.groups.get(group), is_complete) {
                AtTarget::Absent => Offsets::new(),
                AtTarget::Idle => {
                    match ferrovia_client::admin::groups::list_offsets(&self.target, group).await {
                        Ok(offsets) => offsets,
                        Err(error) => {
                            let cluster = &self.settings.base.target_alias;
                            tracing::error!(
                                "Error querying for consumer group {group} on cluster {cluster}: {error}"
                            );
                            continue;
                        }
                    }
                }
                AtTarget::Active | AtTarget::Unknown => continue,
            };
            let offsets = plan::offsets_to_set(checkpoints, &at_target);
            if offsets.is_empty() {
                continue;
            }
            match alter_offsets(&self.target, group, &offsets).await {
                Ok(()) => {
                    tracing::debug!(
                        "Synced {} offsets for consumer group {group}.",
                        offsets.len()
                    );
                }
                Err(error) if error.code() == Some(ErrorCode::UNKNOWN_MEMBER_ID) => tracing::warn!(
                    "Unable to sync offsets for consumer group {group}. This is likely caused by consumers currently using \
                     this group in the target cluster."
                ),
                Err(error) => {
                    tracing::error!("Unable to sync offsets for consumer group {group}: {error}");
                }
            }
        }
        Ok(())
    }
}

fn take_sync(syncs: &mut SyncStore, record: &RecordRef<'_>) {
    let (key, value) = (record.key.unwrap_or_default(), record.value);
    // One that was deleted tells nothing.
    let Some(value) = value else { return };
    if let Err(error) = syncs.on_record(key, value) {
        let offset = record.offset;
        tracing::warn!("Ignored invalid offset sync record at offset {offset}: {error}");
    }
}

fn failed(error: ClientError) -> ConnectError {
    ConnectError::failed_by("Cannot list consumer groups", error)
}

/// Before it is looked again whether the last checkpoints were taken: the interval may be nothing.
const ROOM_PAUSE: Duration = Duration::from_millis(10);
/// Before another attempt after an error that does not go away by itself.
const ERROR_PAUSE: Duration = Duration::from_secs(1);

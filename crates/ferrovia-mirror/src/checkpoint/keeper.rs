//! Finds the groups to look after. It runs on the connector's own thread.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ferrovia_client::admin::list_groups::list_groups;
use ferrovia_client::{ClientError, Cluster};
use ferrovia_pipeline::connector::ConnectorContext;
use ferrovia_pipeline::error::ConnectError;

use super::{groups, plan};
use crate::clients::{self, ClientKind, Side};
use crate::internal_topic;
use crate::jobs::{Timetable, done};
use crate::settings::{BaseSettings, CheckpointSettings};

/// The groups that are looked after, as both threads of the connector know them; `None` until they were found.
#[derive(Clone, Debug, Default)]
pub(super) struct Known(Arc<Mutex<Option<BTreeSet<String>>>>);

impl Known {
    pub(super) fn get(&self) -> Option<BTreeSet<String>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn set(&self, groups: BTreeSet<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(groups);
    }
}

/// The properties of the client that asks one of the clusters about groups.
pub(super) fn client(base: &BaseSettings, side: Side) -> BTreeMap<String, String> {
    let role = side.word("checkpoint-", "-admin");
    base.client(side, ClientKind::Admin, &role)
}

/// Does the connector's jobs.
pub(super) struct Keeper {
    settings: CheckpointSettings,
    context: ConnectorContext,
    source: Cluster,
    target: Cluster,
    known: Known,
}

impl Keeper {
    /// Opens both clusters, on the current runtime.
    ///
    /// # Errors
    /// A client's property that cannot be used.
    pub(super) fn open(
        settings: CheckpointSettings,
        context: ConnectorContext,
        known: Known,
    ) -> Result<Self, ConnectError> {
        Ok(Self {
            source: clients::open(&client(&settings.base, Side::Source))?,
            target: clients::open(&client(&settings.base, Side::Target))?,
            settings,
            context,
            known,
        })
    }

    /// Does the first jobs, says so, and goes on with the others for ever.
    pub(super) async fn run(self, started: SyncSender<()>) {
        let label = self.settings.base.entity_label();
        let limit = Some(self.settings.base.admin_timeout);
        let topic = self.settings.checkpoints_topic();
        let factor = self.settings.topic_replication_factor;
        let job = internal_topic::create(&self.target, &topic, factor);
        done(&label, "creating internal topics", limit, job).await;
        let what = "loading initial consumer groups";
        done(&label, what, limit, self.load()).await;
        // An error means that the start no longer waits.
        let _told = started.send(());
        let mut jobs = Timetable::new();
        jobs.every((), self.settings.refresh_groups, Instant::now());
        loop {
            jobs.next().await;
            done(&label, "refreshing consumer groups", None, self.refresh()).await;
        }
    }

    /// Looks until it has found: brokers that have just started do not know their groups yet.
    async fn load(&self) -> Result<(), ConnectError> {
        let groups = loop {
            match self.find().await {
                Ok(groups) => break groups,
                Err(error) => {
                    let trace = error.trace();
                    tracing::warn!("cannot find consumer groups, trying again: {trace}");
                    tokio::time::sleep(LOAD_PAUSE).await;
                }
            }
        };
        tracing::info!(
            "Started {} with {} consumer groups.",
            self.settings.base.connector_name(),
            groups.len()
        );
        self.known.set(groups);
        Ok(())
    }

    async fn refresh(&self) -> Result<(), ConnectError> {
        let before = self.known.get().unwrap_or_default();
        let groups = self.find().await?;
        if groups != before {
            tracing::info!(
                "Found {} consumer groups for {}. {} are new. {} were removed. Previously had {}.",
                groups.len(),
                self.settings.base.source_and_target(),
                groups.difference(&before).count(),
                before.difference(&groups).count(),
                before.len()
            );
            self.known.set(groups);
            self.context.request_task_reconfiguration();
        }
        Ok(())
    }

    async fn find(&self) -> Result<BTreeSet<String>, ConnectError> {
        let listing = list_groups(&self.source).await.map_err(failed)?;
        if let Some(error) = listing.failure {
            return Err(failed(error));
        }
        let chosen = plan::chosen(&self.settings, &listing.groups);
        let mut found = BTreeSet::new();
        for (group, offsets) in groups::offsets_of(&self.source, chosen).await {
            if plan::is_relevant(&self.settings, &offsets.map_err(failed)?) {
                found.insert(group);
            }
        }
        Ok(found)
    }
}

fn failed(error: ClientError) -> ConnectError {
    ConnectError::failed_by("Cannot list consumer groups", error)
}

/// Between attempts to find the first groups.
const LOAD_PAUSE: Duration = Duration::from_secs(1);

//! Keeps the target's topics as the source's are: makes them, and copies their configurations and access rules. It runs on
//! the connector's own thread.

use std::collections::BTreeMap;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use ferrovia_client::admin::acls::{create_topic_acls, topic_acls};
use ferrovia_client::admin::alter_configs::alter_topic_configs;
use ferrovia_client::admin::config_entries::topic_config_entries;
use ferrovia_client::admin::partitions::create_partitions;
use ferrovia_client::admin::topics::create_topics;
use ferrovia_client::admin::{ConfigEntry, NewTopic};
use ferrovia_client::{ClientError, Cluster, ErrorCode};
use ferrovia_pipeline::connector::ConnectorContext;
use ferrovia_pipeline::error::ConnectError;

use super::plan::{self, Counts, News};
use crate::clients::{self, ClientKind, Side};
use crate::jobs::{Timetable, done};
use crate::settings::{SourceSettings, source};
use crate::{internal_topic, topics};

/// The source's topics that are copied, as both threads of the connector know them.
#[derive(Clone, Debug, Default)]
pub(super) struct Known(Arc<Mutex<Counts>>);

impl Known {
    pub(super) fn get(&self) -> Counts {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, counts: Counts) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = counts;
    }
}

/// What is done again and again.
#[derive(Clone, Copy, Debug)]
enum Job {
    SyncAcls,
    SyncConfigs,
    Refresh,
}

/// Does the connector's jobs.
pub(super) struct Keeper {
    settings: SourceSettings,
    context: ConnectorContext,
    source: Cluster,
    target: Cluster,
    known: Known,
    /// The copies that are there.
    copies: Counts,
    /// Whether it was told that the source has no access rules.
    is_told_of_no_rules: bool,
}

impl Keeper {
    /// The properties of the client of one of the clusters.
    pub(super) fn client(settings: &SourceSettings, side: Side) -> BTreeMap<String, String> {
        let role = side.word("replication-", "-admin");
        settings.base.client(side, ClientKind::Admin, &role)
    }

    /// Opens both clusters, on the current runtime.
    ///
    /// # Errors
    /// A client's property that cannot be used.
    pub(super) fn open(
        settings: SourceSettings,
        context: ConnectorContext,
        known: Known,
    ) -> Result<Self, ConnectError> {
        Ok(Self {
            source: clients::open(&Self::client(&settings, Side::Source))?,
            target: clients::open(&Self::client(&settings, Side::Target))?,
            settings,
            context,
            known,
            copies: Counts::new(),
            is_told_of_no_rules: false,
        })
    }

    /// Does the first jobs, says so, and goes on with the others for ever.
    pub(super) async fn run(mut self, started: SyncSender<()>) {
        let label = self.settings.base.entity_label();
        let limit = Some(self.settings.base.admin_timeout);
        let what = "creating upstream offset-syncs topic";
        done(&label, what, limit, self.create_syncs_topic()).await;
        let what = "loading initial set of topic-partitions";
        done(&label, what, limit, self.load()).await;
        let what = "creating downstream topic-partitions";
        done(&label, what, limit, self.create_missing()).await;
        let what = "refreshing known target topics";
        done(&label, what, limit, self.look_at_target()).await;
        // An error means that the start no longer waits.
        let _told = started.send(());
        let now = Instant::now();
        let mut jobs = Timetable::new();
        jobs.now_and_every(Job::SyncAcls, self.settings.sync_topic_acls, now);
        jobs.now_and_every(Job::SyncConfigs, self.settings.sync_topic_configs, now);
        jobs.every(Job::Refresh, self.settings.refresh_topics, now);
        loop {
            match jobs.next().await {
                Job::SyncAcls => done(&label, "syncing topic ACLs", None, self.sync_acls()).await,
                Job::SyncConfigs => {
                    done(&label, "syncing topic configs", None, self.sync_configs()).await;
                }
                Job::Refresh => done(&label, "refreshing topics", None, self.refresh()).await,
            }
        }
    }

    async fn create_syncs_topic(&self) -> Result<(), ConnectError> {
        if !self.settings.emit_offset_syncs {
            return Ok(());
        }
        let cluster = clients::open(&self.settings.offset_syncs_admin())?;
        let name = self.settings.offset_syncs_topic();
        internal_topic::create(&cluster, &name, self.settings.syncs_replication_factor).await
    }

    async fn load(&mut self) -> Result<(), ConnectError> {
        let source = self.source_topics().await?;
        let partitions = plan::partitions(&source).len();
        tracing::info!(
            "Started {} with {partitions} topic-partitions.",
            self.settings.base.connector_name()
        );
        self.known.set(source);
        self.look_at_target().await
    }

    async fn look_at_target(&mut self) -> Result<(), ConnectError> {
        self.copies = self.target_topics().await?;
        Ok(())
    }

    async fn source_topics(&self) -> Result<Counts, ConnectError> {
        plan::source_topics(&self.settings, &topics::list(&self.source).await?)
    }

    async fn target_topics(&self) -> Result<Counts, ConnectError> {
        plan::target_topics(&self.settings, &topics::list(&self.target).await?)
    }

    async fn refresh(&mut self) -> Result<(), ConnectError> {
        let source = self.source_topics().await?;
        let target = self.target_topics().await?;
        let news = News::of(&self.settings, &self.known.get(), &source, &target);
        self.copies = target;
        if news.is_empty() {
            return Ok(());
        }
        let base = &self.settings.base;
        tracing::info!(
            "Found {} new topic-partitions on {}. Found {} deleted topic-partitions on {}. Found {} topic-partitions \
             missing on {}.",
            news.added,
            base.source_alias,
            news.deleted,
            base.source_alias,
            news.missing,
            base.target_alias
        );
        self.known.set(source);
        let made = self.create_missing().await;
        // The next look finds nothing new, so the tasks hear of it now, whatever became of the copies.
        self.context.request_task_reconfiguration();
        made
    }

    async fn create_missing(&self) -> Result<(), ConnectError> {
        let missing = plan::missing(&self.settings, &self.known.get(), &self.copies);
        if !missing.topics.is_empty() {
            self.create_topics(&missing.topics).await?;
        }
        if !missing.partitions.is_empty() {
            self.create_partitions(&missing.partitions).await?;
        }
        Ok(())
    }

    async fn create_topics(&self, counts: &Counts) -> Result<(), ConnectError> {
        let configs = self
            .source_configs(counts.keys().cloned().collect())
            .await?;
        let new = counts.iter().map(|(topic, count)| NewTopic {
            name: plan::remote(&self.settings, topic),
            partitions: Some(*count),
            replication_factor: Some(self.settings.replication_factor),
            configs: configs.get(topic).map_or_else(BTreeMap::new, |entries| {
                plan::new_configs(&self.settings, entries)
            }),
        });
        let new: Vec<NewTopic> = new.collect();
        let outcomes = create_topics(&self.target, &new, false).await;
        let outcomes = outcomes.map_err(|error| failed("create topics", error))?;
        for topic in &new {
            match outcomes.get(&topic.name) {
                Some(Ok(())) => tracing::info!(
                    "Created remote topic {} with {} partitions.",
                    topic.name,
                    topic.partitions.unwrap_or_default()
                ),
                Some(Err((code, detail))) => {
                    let detail = detail.as_deref().unwrap_or_default();
                    tracing::warn!("Could not create topic {}: {code} {detail}", topic.name);
                }
                None => tracing::warn!("Could not create topic {}: no answer", topic.name),
            }
        }
        Ok(())
    }

    async fn create_partitions(&self, counts: &Counts) -> Result<(), ConnectError> {
        let outcomes = create_partitions(&self.target, counts).await;
        let outcomes = outcomes.map_err(|error| failed("create partitions", error))?;
        for (topic, outcome) in outcomes {
            match outcome {
                Ok(()) => {
                    let count = counts.get(&topic).copied().unwrap_or_default();
                    tracing::info!("Increased size of {topic} to {count} partitions.");
                }
                // Somebody else was faster.
                Err((ErrorCode::INVALID_PARTITIONS, _)) => {}
                Err((code, detail)) => {
                    let detail = detail.as_deref().unwrap_or_default();
                    tracing::warn!(
                        "Could not create topic-partitions for {topic}: {code} {detail}"
                    );
                }
            }
        }
        Ok(())
    }

    async fn source_configs(
        &self,
        topics: Vec<Arc<str>>,
    ) -> Result<BTreeMap<Arc<str>, Vec<ConfigEntry>>, ConnectError> {
        let described = topic_config_entries(&self.source, &topics).await;
        let described = described.map_err(|error| failed("describe topic configs", error))?;
        let all = described.into_iter().map(|(topic, entries)| {
            let entries = entries.map_err(|(code, detail)| {
                let detail = detail.as_deref().unwrap_or_default();
                ConnectError::failed(format!("Cannot describe topic {topic}: {code} {detail}"))
            })?;
            Ok((topic, entries))
        });
        all.collect()
    }

    async fn sync_configs(&self) -> Result<(), ConnectError> {
        let known = self.known.get();
        let is_copied = |topic: &&Arc<str>| {
            let remote = plan::remote(&self.settings, topic);
            self.copies.contains_key(&remote)
        };
        let topics: Vec<_> = known.keys().filter(is_copied).cloned().collect();
        if topics.is_empty() {
            return Ok(());
        }
        let configs = self.source_configs(topics).await?;
        let changes: BTreeMap<_, _> = configs
            .iter()
            .map(|(topic, entries)| {
                let changes = plan::config_changes(&self.settings, entries);
                (plan::remote(&self.settings, topic), changes)
            })
            .collect();
        match alter_topic_configs(&self.target, &changes).await {
            Ok(outcomes) => {
                let refused = outcomes
                    .into_iter()
                    .filter_map(|(topic, outcome)| Some((topic, outcome.err()?)));
                for (topic, (code, detail)) in refused {
                    let detail = detail.as_deref().unwrap_or_default();
                    tracing::warn!(
                        "Could not alter configuration of topic {topic}: {code} {detail}"
                    );
                }
                Ok(())
            }
            Err(error @ ClientError::NoCommonVersion { .. }) => {
                let target = &self.settings.base.target_alias;
                let message = format!(
                    "the target cluster '{target}' is not compatible with IncrementalAlterConfigs API"
                );
                self.context
                    .raise_error(ConnectError::failed_by(message, error));
                Ok(())
            }
            Err(error) => Err(failed("alter topic configs", error)),
        }
    }

    async fn sync_acls(&mut self) -> Result<(), ConnectError> {
        let rules = match topic_acls(&self.source).await {
            Ok(rules) => rules,
            Err(error) if error.code() == Some(ErrorCode::SECURITY_DISABLED) => {
                if !std::mem::replace(&mut self.is_told_of_no_rules, true) {
                    let [key, _] = source::SYNC_ACLS;
                    tracing::info!(
                        "No ACL authorizer is configured on the source Kafka cluster, so no topic ACL syncing will take \
                         place. Consider disabling topic ACL syncing by setting {key} to 'false'."
                    );
                }
                return Ok(());
            }
            Err(error) => return Err(failed("describe ACLs", error)),
        };
        let rules = plan::target_acls(&self.settings, &rules);
        if rules.is_empty() {
            return Ok(());
        }
        let outcomes = create_topic_acls(&self.target, &rules).await;
        let outcomes = outcomes.map_err(|error| failed("create ACLs", error))?;
        for (rule, outcome) in rules.iter().zip(outcomes) {
            if let Err((code, detail)) = outcome {
                let detail = detail.as_deref().unwrap_or_default();
                tracing::warn!(
                    "Could not sync ACL of topic {}: {code} {detail}",
                    rule.topic
                );
            }
        }
        Ok(())
    }
}

fn failed(what: &str, error: ClientError) -> ConnectError {
    ConnectError::failed_by(format!("Cannot {what}"), error)
}

//! Runs a [`Member`] against a real cluster, and tells a task on another thread what it may read.
//!
//! One tokio task per membership, on the control thread, so heartbeats go on while the owner is busy.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;
use tracing::{debug, info, warn};

use super::cohort::line::{Line, News};
use super::cohort::{Moment, Ticket};
use super::member::{Action, Member, MemberSettings, TopicView, Watch};
use super::{Assignor, GroupEpoch, GroupError, Subscription};
use crate::cluster::{Cluster, TopicSelection};
use crate::settings::PartitionAssignor;
use crate::{ConsumerSettings, ErrorCode, TopicPartition};

/// What the owner of a membership is told, in order.
#[derive(Debug)]
pub enum GroupEvent {
    /// Finish with these partitions and commit their offsets, then send on `done` (or drop it). Heartbeats go on
    /// meanwhile, for at most `max.poll.interval.ms` since the last poll marker.
    Revoke {
        /// What to give up.
        partitions: BTreeSet<TopicPartition>,
        /// Says that it is given up.
        done: oneshot::Sender<()>,
    },
    /// Read `all` from now on. Comes with every generation.
    Assigned {
        /// Everything owned.
        all: BTreeSet<TopicPartition>,
        /// What was not owned before.
        added: BTreeSet<TopicPartition>,
        /// The proof of membership for commits.
        generation: GroupEpoch,
    },
    /// These belong to others by now: drop them without a commit.
    Lost {
        /// What was owned.
        partitions: BTreeSet<TopicPartition>,
    },
    /// Membership is over; the last event.
    Failed(GroupError),
}

/// A membership as its owner holds it. Dropping it ends the membership without a word to the group, which then
/// waits for the session to time out; [`Self::leave`] is the polite way.
#[derive(Debug)]
pub struct GroupMembership {
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    stopped: oneshot::Receiver<()>,
    task: AbortHandle,
}

#[derive(Debug)]
struct Shared {
    started: Instant,
    /// Microseconds from `started` to the owner's last sign of life.
    polled_at: AtomicU64,
    /// Whether the member waits for a poll before it joins again.
    stalled: AtomicBool,
    polled: Notify,
    epoch: Mutex<GroupEpoch>,
}

impl GroupMembership {
    /// Joins the group of `settings` on the current tokio runtime. Events arrive on the receiver; when it is
    /// dropped, the member leaves.
    ///
    /// # Errors
    /// [`GroupError::Settings`] when the settings have no `group.id` or contradict each other.
    pub fn join(
        cluster: Cluster,
        settings: &ConsumerSettings,
        subscription: Subscription,
    ) -> Result<(Self, mpsc::Receiver<GroupEvent>), GroupError> {
        let member = Member::new(member_settings(settings)?, subscription)?;
        let shared = Arc::new(Shared {
            started: Instant::now(),
            polled_at: AtomicU64::new(0),
            stalled: AtomicBool::new(false),
            polled: Notify::new(),
            epoch: Mutex::new(member.epoch()),
        });
        let (events, receiver) = mpsc::channel(EVENT_LIMIT);
        let (stop, stopping) = oneshot::channel();
        let (finished, stopped) = oneshot::channel();
        let group = settings.group_id.clone().unwrap_or_else(|| Arc::from(""));
        let driver = Driver {
            line: Line::new(Arc::clone(&group), cluster.clone()),
            group,
            member,
            cluster,
            shared: Arc::clone(&shared),
            events,
            outbox: VecDeque::new(),
            revocations: JoinSet::new(),
            watching: None,
            seen_poll: 0,
            stopping: false,
        };
        let task = tokio::spawn(async move {
            driver.run(stopping).await;
            // An owner that is gone does not wait for this.
            let _gone = finished.send(());
        });
        Ok((
            Self {
                shared,
                stop: Some(stop),
                stopped,
                task: task.abort_handle(),
            },
            receiver,
        ))
    }

    /// Says that the owner is alive and asked for records (`max.poll.interval.ms`). Cheap: no message is sent.
    pub fn poll_marker(&self) {
        let elapsed = self.shared.started.elapsed().as_micros();
        self.shared.polled_at.store(
            u64::try_from(elapsed).unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
        if self.shared.stalled.load(Ordering::Relaxed) {
            self.shared.polled.notify_one();
        }
    }

    /// The proof of membership for an offset commit, as of now.
    pub fn epoch(&self) -> GroupEpoch {
        self.shared
            .epoch
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Leaves the group. The owner has given up its partitions and committed before. Waits for the coordinator's
    /// answer for at most `request.timeout.ms`.
    ///
    /// # Cancel safety
    /// Dropping the future ends the membership at once.
    pub async fn leave(mut self) {
        if let Some(stop) = self.stop.take()
            && stop.send(()).is_ok()
        {
            // An error means that the driver is gone already.
            let _gone = (&mut self.stopped).await;
        }
    }
}

impl Drop for GroupMembership {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Driver {
    group: Arc<str>,
    member: Member,
    cluster: Cluster,
    line: Line,
    shared: Arc<Shared>,
    events: mpsc::Sender<GroupEvent>,
    outbox: VecDeque<GroupEvent>,
    /// Each ends when the owner has given up what it was asked for.
    revocations: JoinSet<Ticket>,
    watching: Option<Watch>,
    seen_poll: u64,
    /// Whether the owner wants out, so that its wish is heard once.
    stopping: bool,
}

/// What woke the driver.
enum Wake {
    Time,
    News(News),
    Revoked(Ticket),
    Metadata,
    Sent,
    Stop,
}

impl Driver {
    async fn run(mut self, mut stopping: oneshot::Receiver<()>) {
        let actions = self.member.on_start(self.moment());
        self.perform(actions);
        while !self.member.is_done() {
            let wake = self.wait(&mut stopping).await;
            let at = self.moment();
            let mut actions = self.tell_poll();
            // Time first: what comes late must not look as if it came in time.
            actions.extend(self.member.on_time(at));
            actions.extend(match wake {
                Wake::Time | Wake::Sent => Vec::new(),
                Wake::News(News::Reply(reply)) => self.member.on_reply(reply, at),
                Wake::News(News::Disconnected) => self.member.on_disconnected(at),
                Wake::Revoked(ticket) => self.member.on_revoked_done(ticket, at),
                Wake::Metadata => self.tell_metadata(at),
                Wake::Stop => {
                    self.stopping = true;
                    self.member.on_stop("the consumer is being closed", at)
                }
            });
            self.perform(actions);
        }
        self.flush().await;
    }

    async fn wait(&mut self, stopping: &mut oneshot::Receiver<()>) -> Wake {
        let deadline = self.member.next_deadline();
        let now = self.shared.started.elapsed();
        let rest = deadline.map(|deadline| deadline.saturating_sub(now));
        // The receiver is gone with the owner, and the handle may be: both mean the same.
        let closed = self.events.clone();
        tokio::select! {
            _ = stopping, if !self.stopping => Wake::Stop,
            () = closed.closed(), if !self.stopping => Wake::Stop,
            permit = self.events.reserve(), if !self.outbox.is_empty() => {
                if let (Ok(permit), Some(event)) = (permit, self.outbox.pop_front()) {
                    permit.send(event);
                }
                Wake::Sent
            }
            news = self.line.next() => Wake::News(news),
            Some(Ok(ticket)) = self.revocations.join_next() => Wake::Revoked(ticket),
            () = self.cluster.changed(), if self.watching.is_some() => Wake::Metadata,
            () = self.shared.polled.notified() => Wake::Time,
            () = sleep(rest.unwrap_or(LONGEST_SLEEP)) => Wake::Time,
        }
    }

    /// Passes on a poll marker set since the last look, with the time at which it was set.
    fn tell_poll(&mut self) -> Vec<Action> {
        let polled_at = self.shared.polled_at.load(Ordering::Relaxed);
        if polled_at == self.seen_poll {
            return Vec::new();
        }
        self.seen_poll = polled_at;
        let at = Moment {
            now: Duration::from_micros(polled_at),
            ..self.moment()
        };
        self.member.on_poll(at)
    }

    fn tell_metadata(&mut self, at: Moment) -> Vec<Action> {
        let view = self.cluster.metadata();
        if view.generation == 0 {
            return Vec::new();
        }
        if let Some(Watch::Topics(watched)) = &self.watching {
            let is_denied = |name: &&Arc<str>| {
                let known = view.topics.get(*name);
                known.is_some_and(|topic| topic.error == ErrorCode::TOPIC_AUTHORIZATION_FAILED)
            };
            let denied: Vec<String> = watched
                .iter()
                .filter(is_denied)
                .map(ToString::to_string)
                .collect();
            if !denied.is_empty() {
                return self.member.on_topics_denied(denied);
            }
        }
        let mut topics = BTreeMap::new();
        for (name, topic) in &view.topics {
            let settled =
                topic.error.is_none() || topic.error == ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
            let partitions = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
            if settled || partitions > 0 {
                topics.insert(
                    Arc::clone(name),
                    TopicView {
                        partitions,
                        internal: topic.is_internal,
                    },
                );
            }
        }
        self.member.on_metadata(topics, at)
    }

    fn perform(&mut self, actions: Vec<Action>) {
        let mut actions = VecDeque::from(actions);
        while let Some(action) = actions.pop_front() {
            match action {
                Action::Watch(watch) => {
                    self.watch(watch);
                    let at = self.moment();
                    actions.extend(self.tell_metadata(at));
                }
                Action::Call(call) => self.line.start(call),
                Action::AskRevoke(ticket, partitions) => {
                    info!(
                        group = &*self.group,
                        ?partitions,
                        "partitions to be revoked"
                    );
                    let (done, finished) = oneshot::channel();
                    self.send(GroupEvent::Revoke { partitions, done });
                    self.revocations.spawn(async move {
                        // An owner that drops the sender does not read any more either.
                        let _done = finished.await;
                        ticket
                    });
                }
                Action::PartitionsAssigned { all, added, epoch } => {
                    let generation = epoch.generation;
                    info!(
                        group = &*self.group,
                        generation,
                        ?all,
                        ?added,
                        "partitions assigned"
                    );
                    self.send(GroupEvent::Assigned {
                        all,
                        added,
                        generation: epoch,
                    });
                }
                Action::PartitionsLost { partitions, cause } => {
                    warn!(group = &*self.group, ?partitions, cause, "partitions lost");
                    self.send(GroupEvent::Lost { partitions });
                }
                Action::MalformedMember { member_id, error } => {
                    warn!(group = &*self.group, member_id = &*member_id, %error, "member gets no partitions");
                }
                Action::Fatal(error) => self.send(GroupEvent::Failed(error)),
                Action::Stopped => debug!(group = &*self.group, "left the group"),
            }
        }
        self.shared
            .stalled
            .store(self.member.is_stalled(), Ordering::Relaxed);
        *self
            .shared
            .epoch
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = self.member.epoch();
    }

    fn watch(&mut self, watch: Watch) {
        match &watch {
            Watch::All => self.cluster.want_topics(TopicSelection::All),
            Watch::Topics(topics) => self.cluster.add_topics(topics.iter().cloned()),
        }
        self.watching = Some(watch);
    }

    /// Queues an event. An owner that lets this many lie is not reading them.
    fn send(&mut self, event: GroupEvent) {
        self.outbox.push_back(event);
        if self.outbox.len() > OUTBOX_LIMIT {
            warn!(
                group = &*self.group,
                "the owner takes no events, leaving the group"
            );
            self.outbox.clear();
            let group = Arc::clone(&self.group);
            self.outbox
                .push_back(GroupEvent::Failed(GroupError::Stopped { group }));
            let at = self.moment();
            for action in self
                .member
                .on_stop("the owner of the consumer does not respond", at)
            {
                if let Action::Call(call) = action {
                    self.line.start(call);
                }
            }
        }
    }

    /// Hands the owner what is left to say, for as long as a request may take.
    async fn flush(mut self) {
        let limit = self.cluster.settings().request_timeout;
        let send_all = async {
            for event in self.outbox.drain(..) {
                if self.events.send(event).await.is_err() {
                    return;
                }
            }
        };
        if tokio::time::timeout(limit, send_all).await.is_err() {
            warn!(
                group = &*self.group,
                "the owner did not take the last events"
            );
        }
    }

    fn moment(&self) -> Moment {
        Moment {
            now: self.shared.started.elapsed(),
            random: fastrand::f64(),
        }
    }
}

fn member_settings(settings: &ConsumerSettings) -> Result<MemberSettings, GroupError> {
    let missing = || GroupError::Settings {
        reason: "group.id is not set".to_owned(),
    };
    let assignor = |assignor: &PartitionAssignor| match assignor {
        PartitionAssignor::Range => Assignor::Range,
        PartitionAssignor::CooperativeSticky => Assignor::CooperativeSticky,
    };
    let rack = &settings.client.client_rack;
    Ok(MemberSettings {
        group_id: settings.group_id.clone().ok_or_else(missing)?,
        instance_id: settings.group_instance_id.clone(),
        session_timeout: settings.session_timeout,
        max_poll_interval: settings.max_poll_interval,
        heartbeat_interval: settings.heartbeat_interval,
        request_timeout: settings.client.request_timeout,
        retry_backoff: settings.client.retry_backoff,
        retry_backoff_max: settings.client.retry_backoff_max,
        assignors: settings.partition_assignors.iter().map(assignor).collect(),
        rack: Some(Arc::clone(rack)).filter(|rack| !rack.is_empty()),
    })
}

/// Events on the channel to the owner.
const EVENT_LIMIT: usize = 4;

/// Events that wait for a place on that channel.
const OUTBOX_LIMIT: usize = 64;

/// How long the driver sleeps when the member waits for nothing.
const LONGEST_SLEEP: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests;

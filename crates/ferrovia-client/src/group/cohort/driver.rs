//! Runs a [`CohortMember`] against a real cluster, for an owner that is an event loop of its own.
//!
//! One tokio task per membership, so heartbeats go on whatever the owner does. The owner reads [`CohortEvent`]s;
//! two of them are questions, which it answers when it is ready, from any thread and without waiting. What it says
//! takes effect in the order in which it says it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::sleep;
use tracing::{debug, info, warn};

use super::line::{Line, News};
use super::{Action, Assignment, CohortMember, CohortSettings, LossCause, Moment};
use crate::cluster::Cluster;
use crate::group::{GroupEpoch, GroupError};
use mailbox::{Mailbox, Wish};

mod mailbox;

pub use mailbox::{AssignmentsWanted, OffersWanted};

/// What the owner of a membership is told, in order.
#[derive(Debug)]
pub enum CohortEvent {
    /// A join is about to happen: say with what. The owner may stop work first; heartbeats go on meanwhile, but the
    /// group waits, and goes on without the member after `rebalance.timeout.ms`.
    OffersWanted(OffersWanted),
    /// This member leads the group: say who gets what.
    AssignmentsWanted(AssignmentsWanted),
    /// A round is over.
    Assigned(Assignment),
    /// The group goes on without this member; questions that came before are void. The member joins again by itself
    /// and asks anew.
    Lost(LossCause),
    /// Membership is over, and the assignment with it; the last event.
    Failed(GroupError),
}

/// A membership as its owner holds it. Dropping it ends the membership without a word to the group, which then
/// waits for the session to time out; [`Self::leave`] is the polite way.
#[derive(Debug)]
pub struct CohortMembership {
    mailbox: Arc<Mailbox>,
    epoch: Arc<Mutex<GroupEpoch>>,
    stop: Option<oneshot::Sender<()>>,
    stopped: oneshot::Receiver<()>,
    task: AbortHandle,
}

impl CohortMembership {
    /// Joins the group of `settings` on the current tokio runtime. Events arrive on the receiver; when it is
    /// dropped, the member leaves. It ends after [`CohortEvent::Failed`] and after [`Self::leave`].
    ///
    /// # Errors
    /// [`GroupError::Settings`] when the settings contradict each other.
    pub fn join(
        cluster: Cluster,
        settings: CohortSettings,
    ) -> Result<(Self, mpsc::Receiver<CohortEvent>), GroupError> {
        let group = Arc::clone(&settings.group_id);
        let request_timeout = settings.request_timeout;
        let member = CohortMember::new(settings)?;
        let mailbox = Arc::new(Mailbox::default());
        let epoch = Arc::new(Mutex::new(member.epoch()));
        let (events, receiver) = mpsc::channel(EVENT_LIMIT);
        let (stop, stopping) = oneshot::channel();
        let (finished, stopped) = oneshot::channel();
        let driver = Driver {
            line: Line::new(Arc::clone(&group), cluster),
            group,
            member,
            request_timeout,
            started: Instant::now(),
            mailbox: Arc::clone(&mailbox),
            epoch: Arc::clone(&epoch),
            events,
            outbox: VecDeque::new(),
            stopping: false,
        };
        let task = tokio::spawn(async move {
            driver.run(stopping).await;
            // An owner that is gone does not wait for this.
            let _gone = finished.send(());
        });
        let membership = Self {
            mailbox,
            epoch,
            stop: Some(stop),
            stopped,
            task: task.abort_handle(),
        };
        Ok((membership, receiver))
    }

    /// Asks for another round, or back into the group after [`Self::step_out`]. Returns at once. Nothing changes if
    /// [`CohortEvent::OffersWanted`] is on its way or not answered yet: that answer is to hold what is new. A follower
    /// that joins with the bytes it joined with before gets the assignment it has, and the others hear nothing.
    ///
    /// `reason` is for the logs of the coordinator; past 255 characters it is cut.
    pub fn request_rejoin(&self, reason: &str) {
        self.mailbox.put(Wish::Rejoin(reason.to_owned()));
    }

    /// Leaves the group until [`Self::request_rejoin`], as a member that cannot do its part for now. Returns at
    /// once. There is no [`CohortEvent::Lost`]; questions that are not answered are void.
    pub fn step_out(&self, reason: &str) {
        self.mailbox.put(Wish::StepOut(reason.to_owned()));
    }

    /// Who this member is, and in which generation, as of now.
    pub fn epoch(&self) -> GroupEpoch {
        let epoch = self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        epoch.clone()
    }

    /// Leaves the group for good. The owner has stopped its work before. Waits for the coordinator's answer for at
    /// most `request.timeout.ms`; events that come meanwhile need not be read.
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

impl Drop for CohortMembership {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Driver {
    group: Arc<str>,
    member: CohortMember,
    line: Line,
    request_timeout: Duration,
    started: Instant,
    mailbox: Arc<Mailbox>,
    epoch: Arc<Mutex<GroupEpoch>>,
    events: mpsc::Sender<CohortEvent>,
    /// What the owner has not taken yet: at most one event of each kind, see [`Self::tell`].
    outbox: VecDeque<CohortEvent>,
    /// Whether the owner wants out, so that its wish is heard once.
    stopping: bool,
}

/// What woke the driver.
enum Wake {
    Time,
    News(News),
    Wishes,
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
            // Time first: what comes late must not look as if it came in time.
            let mut actions = self.member.on_time(at);
            match wake {
                Wake::Time | Wake::Sent => {}
                Wake::News(News::Reply(reply)) => actions.extend(self.member.on_reply(reply, at)),
                Wake::News(News::Disconnected) => actions.extend(self.member.on_disconnected(at)),
                Wake::Wishes => {
                    for wish in self.mailbox.take() {
                        actions.extend(wish.tell(&mut self.member, at));
                    }
                }
                Wake::Stop => {
                    self.stopping = true;
                    actions.extend(self.member.stop("the member is being closed", at));
                }
            }
            self.perform(actions);
        }
        self.flush().await;
    }

    async fn wait(&mut self, stopping: &mut oneshot::Receiver<()>) -> Wake {
        let deadline = self.member.next_deadline();
        let rest = deadline.map(|deadline| deadline.saturating_sub(self.started.elapsed()));
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
            () = self.mailbox.arrived() => Wake::Wishes,
            () = sleep(rest.unwrap_or(LONGEST_SLEEP)) => Wake::Time,
        }
    }

    fn perform(&mut self, actions: Vec<Action>) {
        // What an event tells is to be found in the epoch as soon as the event is.
        *self.epoch.lock().unwrap_or_else(PoisonError::into_inner) = self.member.epoch();
        for action in actions {
            match action {
                Action::Call(call) => self.line.start(call),
                Action::AskOffers(ticket) => {
                    let question = OffersWanted::new(ticket, Arc::clone(&self.mailbox));
                    self.tell(CohortEvent::OffersWanted(question));
                }
                Action::AskAssignments(ticket, election) => {
                    info!(
                        group = &*self.group,
                        generation = election.generation,
                        members = election.members.len(),
                        "elected leader"
                    );
                    let mailbox = Arc::clone(&self.mailbox);
                    let question = AssignmentsWanted::new(ticket, election, mailbox);
                    self.tell(CohortEvent::AssignmentsWanted(question));
                }
                Action::Assigned(assignment) => {
                    info!(
                        group = &*self.group,
                        generation = assignment.generation,
                        member_id = &*assignment.member_id,
                        leader_id = &*assignment.leader_id,
                        protocol = &*assignment.protocol,
                        "joined the group"
                    );
                    self.tell(CohortEvent::Assigned(assignment));
                }
                Action::Lost(cause) => {
                    warn!(group = &*self.group, %cause, "membership lost");
                    self.tell(CohortEvent::Lost(cause));
                }
                Action::Fatal(error) => self.tell(CohortEvent::Failed(error)),
                Action::Stopped => debug!(group = &*self.group, "left the group"),
            }
        }
    }

    /// Queues an event, and drops those that it makes void: so an owner that reads nothing fills no memory.
    fn tell(&mut self, event: CohortEvent) {
        self.outbox.retain(|queued| !event.voids(queued));
        self.outbox.push_back(event);
    }

    /// Hands an owner that did not want out what is left to say, for as long as a request may take.
    async fn flush(mut self) {
        if self.stopping {
            return;
        }
        let send_all = async {
            for event in self.outbox.drain(..) {
                if self.events.send(event).await.is_err() {
                    return;
                }
            }
        };
        let sent = tokio::time::timeout(self.request_timeout, send_all).await;
        if sent.is_err() {
            warn!(
                group = &*self.group,
                "the owner did not take the last events"
            );
        }
    }

    fn moment(&self) -> Moment {
        Moment {
            now: self.started.elapsed(),
            random: fastrand::f64(),
        }
    }
}

impl CohortEvent {
    /// Whether an owner that has not seen `earlier` need not see it any more.
    fn voids(&self, earlier: &Self) -> bool {
        match self {
            Self::Lost(_) | Self::Failed(_) => true,
            // Each round asks anew.
            Self::OffersWanted(_) | Self::AssignmentsWanted(_) => {
                matches!(earlier, Self::OffersWanted(_) | Self::AssignmentsWanted(_))
            }
            Self::Assigned(_) => matches!(earlier, Self::Assigned(_)),
        }
    }
}

/// Events on the channel to the owner.
const EVENT_LIMIT: usize = 4;

/// How long the driver sleeps when the member waits for nothing.
const LONGEST_SLEEP: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests;

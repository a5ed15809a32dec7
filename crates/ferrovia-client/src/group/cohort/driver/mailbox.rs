//! What an owner says to its membership, kept in order until the driver reads it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::group::cohort::{Action, CohortMember, Election, Moment, Offer, Ticket};

/// One thing the owner says.
#[derive(Debug)]
pub(super) enum Wish {
    Offers(Ticket, Vec<Offer>),
    Assignments(Ticket, Vec<(Arc<str>, Bytes)>),
    Decline(Ticket),
    Rejoin(String),
    StepOut(String),
}

impl Wish {
    pub(super) fn tell(self, member: &mut CohortMember, at: Moment) -> Vec<Action> {
        match self {
            Self::Offers(ticket, offers) => member.on_offers(ticket, offers, at),
            Self::Assignments(ticket, assignments) => {
                member.on_assignments(ticket, assignments, at)
            }
            Self::Decline(ticket) => member.on_declined(ticket, at),
            Self::Rejoin(reason) => member.rejoin(&reason, at),
            Self::StepOut(reason) => member.step_out(&reason, at),
        }
    }
}

/// The wishes that the driver has not read. There is one answer per question at most, and of the other wishes those
/// that a later one makes pointless are dropped, so their number is small without a limit.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    wishes: Mutex<VecDeque<Wish>>,
    news: Notify,
}

impl Mailbox {
    pub(super) fn put(&self, wish: Wish) {
        let mut wishes = self.wishes.lock().unwrap_or_else(PoisonError::into_inner);
        match (&wish, wishes.back()) {
            (Wish::Rejoin(_), Some(Wish::Rejoin(_))) => return,
            (Wish::StepOut(_), _) => {
                wishes.retain(|earlier| !matches!(earlier, Wish::Rejoin(_) | Wish::StepOut(_)));
            }
            _ => {}
        }
        wishes.push_back(wish);
        self.news.notify_one();
    }

    pub(super) async fn arrived(&self) {
        self.news.notified().await;
    }

    pub(super) fn take(&self) -> VecDeque<Wish> {
        std::mem::take(&mut *self.wishes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The question what to join with. Dropping it without an answer means that the owner does not want to join: the
/// member leaves until [`request_rejoin`](super::CohortMembership::request_rejoin).
pub struct OffersWanted(Question);

impl OffersWanted {
    pub(super) fn new(ticket: Ticket, mailbox: Arc<Mailbox>) -> Self {
        Self(Question {
            ticket,
            mailbox: Some(mailbox),
        })
    }

    /// Joins with these protocols, most wanted first. Without any, membership fails.
    pub fn answer(self, offers: Vec<Offer>) {
        self.0.answer(|ticket| Wish::Offers(ticket, offers));
    }
}

impl fmt::Debug for OffersWanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OffersWanted").field(&self.0.ticket).finish()
    }
}

/// The question who gets what. Dropping it without an answer means that the owner cannot lead: the member leaves
/// until [`request_rejoin`](super::CohortMembership::request_rejoin), and another one is elected.
pub struct AssignmentsWanted {
    election: Election,
    question: Question,
}

impl AssignmentsWanted {
    pub(super) fn new(ticket: Ticket, election: Election, mailbox: Arc<Mailbox>) -> Self {
        Self {
            election,
            question: Question {
                ticket,
                mailbox: Some(mailbox),
            },
        }
    }

    /// What there is to divide by.
    pub fn election(&self) -> &Election {
        &self.election
    }

    /// Gives each member its bytes, by member id; a member that is not named gets none.
    pub fn answer(self, assignments: Vec<(Arc<str>, Bytes)>) {
        self.question
            .answer(|ticket| Wish::Assignments(ticket, assignments));
    }
}

impl fmt::Debug for AssignmentsWanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssignmentsWanted")
            .field("election", &self.election)
            .finish_non_exhaustive()
    }
}

/// A question that is either answered or declined, once.
struct Question {
    ticket: Ticket,
    mailbox: Option<Arc<Mailbox>>,
}

impl Question {
    fn answer(mut self, wish: impl FnOnce(Ticket) -> Wish) {
        if let Some(mailbox) = self.mailbox.take() {
            mailbox.put(wish(self.ticket));
        }
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        if let Some(mailbox) = self.mailbox.take() {
            mailbox.put(Wish::Decline(self.ticket));
        }
    }
}

//! What an elected leader does between JoinGroup and SyncGroup: it divides the partitions for all.
//!
//! # Source
//! `ConsumerCoordinator.onLeaderElected`, KIP-814.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{Action, Member, Moment, Ticket};
use crate::group::assignor::{GroupMember, PartitionCounts};
use crate::group::cohort::{Candidate, Election};
use crate::group::{Assignor, MemberAssignment, MemberSubscription};

/// What a leader watches after it has divided the partitions.
#[derive(Debug)]
pub(super) struct Leadership {
    /// The topics of all members.
    pub(super) topics: BTreeSet<Arc<str>>,
    /// The partition counts the division was made from; `None` before it was made.
    pub(super) counts: Option<PartitionCounts>,
}

/// A division that waits for metadata of some member's topics.
#[derive(Debug)]
pub(super) struct Vote {
    ticket: Ticket,
    assignor: Option<Assignor>,
    members: Vec<GroupMember>,
    pub(super) until: Duration,
}

impl Member {
    pub(super) fn elected(&mut self, ticket: Ticket, election: Election, at: Moment) {
        let candidates = election.members.into_iter();
        let members: Vec<GroupMember> = candidates
            .map(|member| self.read_candidate(member))
            .collect();
        let topics = members
            .iter()
            .flat_map(|member| member.subscription.topics.iter().cloned())
            .collect();
        self.leadership = Some(Leadership {
            topics,
            counts: None,
        });
        self.watch();
        if election.skip_assignment {
            // A static leader came back and the group goes on with what it has; it only watches from now on.
            self.remember_counts();
            return self.decide(ticket, Vec::new(), at);
        }
        self.vote = Some(Vote {
            ticket,
            assignor: self.assignor_named(&election.protocol),
            members,
            until: at.now.saturating_add(METADATA_WAIT),
        });
        self.check_vote(at);
    }

    /// Divides the partitions once all topics are known, or have been waited for long enough.
    pub(super) fn check_vote(&mut self, at: Moment) {
        let (Some(vote), Some(leadership)) = (&self.vote, &self.leadership) else {
            return;
        };
        if at.now < vote.until && !self.interest.covers(&leadership.topics) {
            return;
        }
        let Some(vote) = self.vote.take() else {
            return;
        };
        let counts = self.remember_counts();
        let division = vote
            .assignor
            .map(|assignor| assignor.assign(&vote.members, &counts))
            .unwrap_or_default();
        let assignments = division.into_iter().map(|(member_id, partitions)| {
            let assignment = MemberAssignment {
                partitions,
                user_data: None,
            };
            (member_id, assignment.encode())
        });
        self.decide(vote.ticket, assignments.collect(), at);
    }

    pub(super) fn assignor_named(&self, name: &str) -> Option<Assignor> {
        let mut assignors = self.settings.assignors.iter().copied();
        assignors.find(|assignor| assignor.name() == name)
    }

    fn decide(&mut self, ticket: Ticket, assignments: Vec<(Arc<str>, Bytes)>, at: Moment) {
        let actions = self.cohort.on_assignments(ticket, assignments, at);
        self.absorb(actions, at);
    }

    fn remember_counts(&mut self) -> PartitionCounts {
        let Some(leadership) = &mut self.leadership else {
            return PartitionCounts::new();
        };
        let counts = self.interest.counts(&leadership.topics);
        leadership.counts = Some(counts.clone());
        counts
    }

    /// A member that writes nonsense gets nothing; it must not keep the others from working.
    fn read_candidate(&mut self, candidate: Candidate) -> GroupMember {
        let member_id = candidate.member_id;
        let subscription =
            MemberSubscription::decode(&candidate.metadata).unwrap_or_else(|error| {
                let member_id = Arc::clone(&member_id);
                self.actions
                    .push(Action::MalformedMember { member_id, error });
                MemberSubscription::default()
            });
        GroupMember {
            member_id,
            instance_id: candidate.instance_id,
            subscription,
        }
    }
}

/// How long a leader lets the group wait for metadata of topics that only other members want.
const METADATA_WAIT: Duration = Duration::from_secs(5);

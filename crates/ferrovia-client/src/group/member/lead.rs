//! What an elected leader does between JoinGroup and SyncGroup: it divides the partitions for all.
//!
//! # Source
//! `ConsumerCoordinator.onLeaderElected`, KIP-814.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::messages::JoinGroupResponse;
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;

use super::join::text;
use super::{Action, Member, Moment, State};
use crate::group::assignor::{GroupMember, PartitionCounts};
use crate::group::{MemberAssignment, MemberSubscription};

/// What a leader watches after it has divided the partitions.
#[derive(Debug)]
pub(super) struct Leadership {
    /// The topics of all members.
    pub(super) topics: BTreeSet<Arc<str>>,
    /// The partition counts the division was made from; `None` before it was made.
    pub(super) counts: Option<PartitionCounts>,
}

impl Member {
    pub(super) fn elected(&mut self, response: JoinGroupResponse, at: Moment) {
        let skip = response.skip_assignment;
        let members: Vec<GroupMember> = response
            .members
            .into_iter()
            .map(|member| self.read_member(member))
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
        if skip {
            // A static leader came back and the group goes on with what it has; it only watches from now on.
            self.remember_counts();
            self.send_sync(Vec::new(), at);
            return;
        }
        let until = at.now.saturating_add(METADATA_WAIT);
        self.state = State::Electing { members, until };
        self.check_election(at);
    }

    /// Divides the partitions once all topics are known, or have been waited for long enough.
    pub(super) fn check_election(&mut self, at: Moment) {
        let State::Electing { members, until } = &mut self.state else {
            return;
        };
        let Some(leadership) = &self.leadership else {
            return;
        };
        if at.now < *until && !self.interest.covers(&leadership.topics) {
            return;
        }
        let members = std::mem::take(members);
        let counts = self.remember_counts();
        let division = self
            .chosen
            .map(|assignor| assignor.assign(&members, &counts))
            .unwrap_or_default();
        let assignments = division.into_iter().map(|(member_id, partitions)| {
            let assignment = MemberAssignment {
                partitions,
                user_data: None,
            };
            SyncGroupRequestAssignment::default()
                .with_member_id(text(&member_id))
                .with_assignment(assignment.encode())
        });
        let assignments = assignments.collect();
        self.send_sync(assignments, at);
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
    fn read_member(&mut self, member: JoinGroupResponseMember) -> GroupMember {
        let member_id: Arc<str> = Arc::from(&*member.member_id);
        let subscription = MemberSubscription::decode(&member.metadata).unwrap_or_else(|error| {
            let member_id = Arc::clone(&member_id);
            self.actions
                .push(Action::MalformedMember { member_id, error });
            MemberSubscription::default()
        });
        let instance_id = member.group_instance_id.as_deref().map(Arc::from);
        GroupMember {
            member_id,
            instance_id,
            subscription,
        }
    }
}

/// How long a leader lets the group wait for metadata of topics that only other members want.
const METADATA_WAIT: Duration = Duration::from_secs(5);

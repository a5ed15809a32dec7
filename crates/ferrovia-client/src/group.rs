//! Membership in a group by the classic protocol: who owns which work, and since when.
//!
//! Stands between the coordinator's connection and a task or worker. [`cohort`] is membership in a group of any
//! kind, as bytes. The rest is what consumers make of it: [`member`] decides and is free of IO, [`driver`] performs;
//! [`assignor`] divides the partitions when this member leads the group, and [`subscription`] and [`assignment`] are
//! the bytes that members of all languages exchange. Nothing here fetches a record or commits an offset.
//!
//! # Source
//! Apache Kafka 4.2 `ConsumerCoordinator`, `AbstractCoordinator`, KIP-62, KIP-345, KIP-394, KIP-429.

use std::sync::Arc;

pub mod subscription;
pub mod assignment;
mod reader;
pub mod assignor;
mod java_order;
pub mod cohort;
pub mod member;
pub mod driver;

pub use assignment::MemberAssignment;
pub use assignor::{Assignor, RebalanceProtocol};
pub use cohort::driver::{CohortEvent, CohortMembership};
pub use cohort::{CohortMember, CohortSettings};
pub use driver::{GroupEvent, GroupMembership};
pub use member::Subscription;
pub use subscription::MemberSubscription;

/// The protocol type that consumers name in JoinGroup and SyncGroup.
pub const PROTOCOL_TYPE: &str = "consumer";

/// The proof of membership that an offset commit carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupEpoch {
    /// The id the coordinator gave to this member; empty before the first join.
    pub member_id: Arc<str>,
    /// The generation of the group; -1 when this member is in none.
    pub generation: i32,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<Arc<str>>,
}

/// Why a member cannot be, or stay, in its group. None of these heals by trying again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// Another process joined with the same `group.instance.id`.
    #[error("group.instance.id {instance_id} of group {group} is in use by another process")]
    Fenced {
        /// The group.
        group: Arc<str>,
        /// The instance id both processes claim.
        instance_id: Arc<str>,
    },
    /// The coordinator refuses this member for good.
    #[error("group {group} refused {api}: {reason}")]
    Refused {
        /// The group.
        group: Arc<str>,
        /// The request that was refused.
        api: &'static str,
        /// Kafka's error code.
        code: i16,
        /// What the code means, and which setting to look at.
        reason: String,
    },
    /// The coordinator chose an assignor that this member did not offer, or another kind of group.
    #[error("group {group} uses {answered}, which this member did not offer")]
    InconsistentProtocol {
        /// The group.
        group: Arc<str>,
        /// The protocol type or assignor the coordinator named.
        answered: String,
    },
    /// The group's leader sent an assignment that cannot be read.
    #[error("the leader of group {group} sent an unreadable assignment")]
    MalformedAssignment {
        /// The group.
        group: Arc<str>,
        /// What is wrong with it.
        #[source]
        source: MalformedBytes,
    },
    /// The principal may not see topics that the member subscribes to by name.
    #[error("Not authorized to access topics: [{}]", topics.join(", "))]
    TopicAuthorization {
        /// The topics.
        topics: Vec<String>,
    },
    /// The settings cannot make a member.
    #[error("group settings are invalid: {reason}")]
    Settings {
        /// Which setting, and why.
        reason: String,
    },
    /// Nobody performs the member's actions any more.
    #[error("the member of group {group} has stopped")]
    Stopped {
        /// The group.
        group: Arc<str>,
    },
}

pub use reader::MalformedBytes;

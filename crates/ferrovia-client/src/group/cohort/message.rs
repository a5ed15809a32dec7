//! What a member is told, what it wants done, and what goes between it and its owner.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::{
    HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
    LeaveGroupResponse, SyncGroupRequest, SyncGroupResponse,
};

use crate::group::GroupError;
use crate::wire::ErrorCode;

/// When something happened. Machines have no clock and no dice of their own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Time since any fixed point.
    pub now: Duration,
    /// Evenly spread over 0 to 1; stretches waits so that members do not act in step.
    pub random: f64,
}

/// Ties an answer to its question. Answers to questions that no longer matter are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub(super) u64);

/// What a member wants from its coordinator. Every call but the second ends with a [`Reply`].
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// Find the group's coordinator and connect to it.
    FindCoordinator(Ticket),
    /// The coordinator known so far is of no use.
    ForgetCoordinator,
    /// Send, and wait up to `timeout` (longer than usual: the coordinator waits for all members).
    Join {
        /// Goes back with the answer.
        ticket: Ticket,
        /// The request.
        request: JoinGroupRequest,
        /// How long the answer may take.
        timeout: Duration,
    },
    /// Send.
    Sync(Ticket, SyncGroupRequest),
    /// Send.
    Heartbeat(Ticket, HeartbeatRequest),
    /// Send. Only a member that stops for good waits for the answer.
    Leave(Ticket, LeaveGroupRequest),
}

/// How a [`Call`] ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// The coordinator was found and is connected, or was not.
    Coordinator(Ticket, Result<(), RequestFailure>),
    /// To [`Call::Join`].
    Joined(Ticket, Result<JoinGroupResponse, RequestFailure>),
    /// To [`Call::Sync`].
    Synced(Ticket, Result<SyncGroupResponse, RequestFailure>),
    /// To [`Call::Heartbeat`].
    Heartbeat(Ticket, Result<HeartbeatResponse, RequestFailure>),
    /// To [`Call::Leave`].
    Left(Ticket, Result<LeaveGroupResponse, RequestFailure>),
}

/// Why there is no answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestFailure {
    /// The connection failed, or the answer did not come in time.
    Lost,
    /// The lookup of the coordinator was refused.
    Refused(ErrorCode),
    /// The broker cannot serve this client at all.
    Unusable(String),
}

/// What the driver is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Talk to the coordinator.
    Call(Call),
    /// The owner is to say with what it joins, at its leisure: it may stop work first, and heartbeats go on
    /// meanwhile. Then call `on_offers`. A later question replaces this one.
    AskOffers(Ticket),
    /// This member leads: the owner is to say what each member gets. Then call `on_assignments`.
    AskAssignments(Ticket, Election),
    /// A round is over, and this is what the member got.
    Assigned(Assignment),
    /// The group goes on without this member, which joins again by itself. Questions asked before are void.
    Lost(LossCause),
    /// Membership is over for a reason that does not heal, and the assignment with it.
    Fatal(GroupError),
    /// Membership is over because the owner wanted it so.
    Stopped,
}

/// One embedded protocol that a member can work by, and what it says about itself in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The protocol's name, such as an assignor's.
    pub protocol: Arc<str>,
    /// The member's metadata in that protocol.
    pub metadata: Bytes,
}

/// What a leader divides the work by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Election {
    /// The generation that begins.
    pub generation: i32,
    /// The leader: this member.
    pub leader_id: Arc<str>,
    /// The protocol that the coordinator chose among those that all members offer.
    pub protocol: Arc<str>,
    /// All members, this one among them, in the coordinator's order.
    pub members: Vec<Candidate>,
    /// The group keeps its assignments because a static leader came back: answer with none (KIP-814).
    pub skip_assignment: bool,
}

/// A member as its leader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its member id.
    pub member_id: Arc<str>,
    /// Its `group.instance.id`, if it is a static member.
    pub instance_id: Option<Arc<str>>,
    /// Its metadata in the chosen protocol. Written by others: it may be anything.
    pub metadata: Bytes,
}

/// What a round gave to this member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The generation of the group.
    pub generation: i32,
    /// This member.
    pub member_id: Arc<str>,
    /// The group's leader.
    pub leader_id: Arc<str>,
    /// The chosen protocol's name.
    pub protocol: Arc<str>,
    /// What the leader wrote for this member; empty if it wrote nothing.
    pub bytes: Bytes,
}

/// Why the group goes on without this member, or may do so.
///
/// Others may be given its work from now on. Owners of exclusive work stop it at once, as consumers do. A Java
/// Connect worker stops when no coordinator is found; after the other causes it works on, and says so in the metadata
/// of its next join, unless the protocol is the eager one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LossCause {
    /// The member's session ended at the coordinator; it joins as a new member.
    #[error("the coordinator does not know this member any more")]
    UnknownMember,
    /// The member missed a round; it joins again under its old id.
    #[error("the group is in another generation")]
    OtherGeneration,
    /// By the member's own clock its session is over.
    #[error("no heartbeat was answered within session.timeout.ms ({} ms)", .0.as_millis())]
    SessionOver(Duration),
    /// No coordinator was found within this time. The member may still be in the group, but cannot know.
    #[error("no coordinator was found within {} ms", .0.as_millis())]
    CoordinatorUnreachable(Duration),
}

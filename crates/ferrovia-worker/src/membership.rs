//! What the workers of a distributed Connect tell each other through their group, and who gets what.
//!
//! In reading order: the [`protocol`] is what a worker says when it joins and what the leader answers; [`readiness`] is
//! whether the leader knows enough to answer; the [`assignor`]s decide who runs which connectors and tasks. All of it is
//! plain computation: no IO, no clock, and no order that depends on chance. Groups of Java's workers and of ours mix, so
//! the bytes and the decisions are those of Java, down to the order of lists.

pub mod protocol;
pub mod readiness;
pub mod assignor;

mod java_order;

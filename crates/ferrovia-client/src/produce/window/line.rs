//! Which connection to a broker a batch takes.
//!
//! A broker looks at the next request of a connection when it has answered the one before, so one connection keeps one of
//! its threads busy at most. A broker that has as many requests as a connection takes gets a second one, for half of the
//! partitions. Batches of one partition that are on their way share a connection, so their order stays.

use std::collections::BTreeSet;

use super::lane::Lane;
use crate::topic_partition::TopicPartition;

/// A connection to a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::produce) struct Line {
    pub(in crate::produce) node_id: i32,
    /// Whether it is beside another one. Without it all goes by the first.
    pub(in crate::produce) is_second: bool,
}

impl Line {
    pub(in crate::produce) fn first(node_id: i32) -> Self {
        Self {
            node_id,
            is_second: false,
        }
    }

    pub(in crate::produce) fn second(node_id: i32) -> Self {
        Self {
            node_id,
            is_second: true,
        }
    }

    /// The line that the next batch of a partition takes; `None` while others are on their way by another one.
    pub(super) fn of<T>(
        partition: &TopicPartition,
        lane: &Lane<T>,
        leader: i32,
        connected: &BTreeSet<Self>,
    ) -> Option<Self> {
        let second = Self::second(leader);
        let line = match Self::may_take_second(partition) && connected.contains(&second) {
            true => second,
            false => Self::first(leader),
        };
        let taken = lane.line.filter(|_| !lane.on_the_way.is_empty());
        let taken = taken.filter(|taken| taken.node_id == leader);
        taken.is_none_or(|taken| taken == line).then_some(line)
    }

    /// Whether a partition is of the half that goes by the second connection.
    pub(super) fn may_take_second(partition: &TopicPartition) -> bool {
        partition.partition % 2 == 1
    }
}

//! What the leader answers a worker, which is also how a worker says what it holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;

use super::super::java_order;
use super::ConnectProtocol;
use super::wire::{MalformedBytes, Reader, Unwritable, Writer};
use crate::status::TaskId;

/// What a worker gets, or has.
///
/// From a leader, in a cooperative protocol, `connectors` and `tasks` are what comes on top of what the worker has; in
/// metadata, and in [`ConnectProtocol::Eager`], they are everything.
///
/// # Source
/// `ExtendedAssignment`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The version that it was read with. Written is always the version of the protocol it is written in.
    pub version: i16,
    /// 0, or [`Assignment::CONFIG_MISMATCH`]; any other number is an error too.
    pub error: i16,
    /// The leader's member id.
    pub leader: Arc<str>,
    /// Where the leader's REST interface is.
    pub leader_url: Arc<str>,
    /// Up to where the config topic has to be read before the assignment can be followed.
    pub config_offset: i64,
    /// The connectors to run.
    pub connectors: Vec<Arc<str>>,
    /// The tasks to run.
    pub tasks: Vec<TaskId>,
    /// The connectors to stop.
    pub revoked_connectors: Vec<Arc<str>>,
    /// The tasks to stop.
    pub revoked_tasks: Vec<TaskId>,
    /// After how many milliseconds the worker joins again; 0 if it need not.
    pub delay_ms: i32,
}

impl Assignment {
    /// The error of an assignment that worked.
    pub const NO_ERROR: i16 = 0;
    /// The error where the leader knows less of the configuration than a member: all read on and join again.
    pub const CONFIG_MISMATCH: i16 = 1;

    /// Whether it says nothing but that something went wrong.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.error != Self::NO_ERROR
    }

    /// Whether the worker has to stop anything.
    #[must_use]
    pub fn revokes(&self) -> bool {
        !self.revoked_connectors.is_empty() || !self.revoked_tasks.is_empty()
    }

    /// What a worker holds after it was told this in a cooperative protocol, when it held `before`: the new first, then
    /// what is left of the old.
    ///
    /// # Source
    /// `WorkerCoordinator.onJoinComplete`.
    #[must_use]
    pub fn after(mut self, before: &Self) -> Self {
        let revoked: BTreeSet<_> = self.revoked_connectors.iter().collect();
        let kept = before.connectors.iter();
        let kept: Vec<_> = kept.filter(|c| !revoked.contains(c)).cloned().collect();
        self.connectors.extend(kept);
        let revoked: BTreeSet<_> = self.revoked_tasks.iter().collect();
        let kept = before.tasks.iter();
        let kept: Vec<_> = kept.filter(|t| !revoked.contains(t)).cloned().collect();
        self.tasks.extend(kept);
        self
    }

    /// The bytes that Java writes for this assignment. [`ConnectProtocol::Eager`] has no place for what is revoked and
    /// for a delay.
    ///
    /// # Errors
    /// A text or a number does not fit into the protocol.
    pub fn to_bytes(&self, protocol: ConnectProtocol) -> Result<Bytes, Unwritable> {
        let mut out = Writer::default();
        out.int16(protocol.version());
        out.int16(self.error);
        out.string("leader", &self.leader)?;
        out.string("leader-url", &self.leader_url)?;
        out.int64(self.config_offset);
        let mut connectors = distinct(&self.connectors);
        java_order::sort_as_copied(&mut connectors, self.connectors.len(), |connector| {
            *connector
        });
        write_list(&mut out, ASSIGNED, &connectors, &self.tasks)?;
        if protocol.is_cooperative() {
            let connectors = distinct(&self.revoked_connectors);
            write_list(&mut out, REVOKED, &connectors, &self.revoked_tasks)?;
            out.int32(self.delay_ms);
        }
        Ok(out.finish())
    }

    /// Reads what [`Assignment::to_bytes`] or a Java worker wrote, in any version. What is missing at the end is empty;
    /// what follows the end is left alone.
    ///
    /// # Errors
    /// The bytes say nothing, or name a task below zero, which Java would take.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MalformedBytes> {
        let mut fields = Reader::new(bytes);
        let mut read = Self {
            version: fields.version()?,
            error: fields.int16("error")?,
            leader: fields.string("leader")?.into(),
            leader_url: fields.string("leader-url")?.into(),
            config_offset: fields.int64("config-offset")?,
            connectors: Vec::new(),
            tasks: Vec::new(),
            revoked_connectors: Vec::new(),
            revoked_tasks: Vec::new(),
            delay_ms: 0,
        };
        (read.connectors, read.tasks) = read_list(&mut fields, ASSIGNED)?;
        (read.revoked_connectors, read.revoked_tasks) = read_list(&mut fields, REVOKED)?;
        if !fields.is_empty() {
            read.delay_ms = fields.int32("delay")?;
        }
        Ok(read)
    }
}

/// Each connector once, where it comes first.
fn distinct(connectors: &[Arc<str>]) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    let names = connectors.iter().map(|connector| &**connector);
    names.filter(|name| seen.insert(*name)).collect()
}

/// Writes the connectors, then the tasks, all grouped by connector where that comes first.
fn write_list(
    out: &mut Writer,
    field: &'static str,
    connectors: &[&str],
    tasks: &[TaskId],
) -> Result<(), Unwritable> {
    let mut groups: Vec<(&str, Vec<i32>)> = Vec::new();
    let mut places = BTreeMap::new();
    let entries = connectors
        .iter()
        .map(|connector| (*connector, Ok(CONNECTOR)));
    let entries = entries.chain(tasks.iter().map(|task| {
        let number = i32::try_from(task.task).map_err(|_| Unwritable::Task(task.task));
        (&*task.connector, number)
    }));
    for (connector, number) in entries {
        let number = number?;
        let place = *places.entry(connector).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, numbers)) => numbers.push(number),
            None => groups.push((connector, vec![number])),
        }
    }
    out.count(field, groups.len())?;
    for (connector, numbers) in groups {
        out.string("connector", connector)?;
        out.count("tasks", numbers.len())?;
        for number in numbers {
            out.int32(number);
        }
    }
    Ok(())
}

fn read_list(
    fields: &mut Reader<'_>,
    field: &'static str,
) -> Result<(Vec<Arc<str>>, Vec<TaskId>), MalformedBytes> {
    let (mut connectors, mut tasks) = (Vec::new(), Vec::new());
    if fields.is_empty() {
        return Ok((connectors, tasks));
    }
    for _ in 0..fields.count(field)?.unwrap_or(0) {
        let connector: Arc<str> = fields.string("connector")?.into();
        let count = fields.count("tasks")?;
        let count = count.ok_or(MalformedBytes::NegativeLength {
            field: "tasks",
            length: -1,
        })?;
        for _ in 0..count {
            match fields.int32("tasks")? {
                CONNECTOR => connectors.push(Arc::clone(&connector)),
                number => tasks.push(task(&connector, number)?),
            }
        }
    }
    Ok((connectors, tasks))
}

fn task(connector: &Arc<str>, number: i32) -> Result<TaskId, MalformedBytes> {
    let task = u32::try_from(number).map_err(|_| MalformedBytes::Task {
        connector: connector.to_string(),
        task: number,
    })?;
    Ok(TaskId::new(Arc::clone(connector), task))
}

/// The number that stands for the connector itself in a list of its tasks.
const CONNECTOR: i32 = -1;
const ASSIGNED: &str = "assignment";
const REVOKED: &str = "revoked";

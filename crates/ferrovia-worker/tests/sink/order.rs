//! The order in which a task may be called, checked over the whole diary of every test.

use std::collections::{BTreeMap, BTreeSet};

use ferrovia_pipeline::topic::{Offsets, TopicPartition};

use crate::probe::{Call, Entry};

/// What a test's own doing permits beyond the usual.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Leave {
    /// Partitions may be lost: closed without a commit before it, or after one that was refused.
    pub(crate) loss: bool,
    /// Records may come again, because the script goes back.
    pub(crate) rewinds: bool,
    /// Records may be left out, because they are bad or dropped.
    pub(crate) gaps: bool,
}

/// Fails at the first call that must not have been made where it was.
pub(crate) fn check(diary: &[Entry], leave: Leave) {
    let mut tasks: BTreeMap<u64, TaskOrder> = BTreeMap::new();
    for (at, entry) in diary.iter().enumerate() {
        let order = tasks.entry(entry.task).or_default();
        if let Err(fault) = order.on_call(&entry.call, leave) {
            panic!("call {at} of task {}: {fault}\n{diary:#?}", entry.task);
        }
    }
    for (task, order) in tasks {
        assert!(order.stopped, "task {task} was never stopped\n{diary:#?}");
    }
}

#[derive(Default)]
struct TaskOrder {
    started: bool,
    stopped: bool,
    open: BTreeSet<TopicPartition>,
    /// The offset after the last one that was put, since the partition was opened.
    shown: BTreeMap<TopicPartition, i64>,
    /// The offset after the last one that was taken, since the partition was opened.
    taken: BTreeMap<TopicPartition, i64>,
    /// Whether records may come again: something has failed.
    may_repeat: bool,
    /// What the last call answered, if that was a `pre_commit` with its flush.
    just_asked: Option<(Offsets, Option<Offsets>)>,
}

impl TaskOrder {
    fn on_call(&mut self, call: &Call, leave: Leave) -> Result<(), String> {
        if self.stopped {
            return Err(format!("{call:?} after stop"));
        }
        if !self.started && *call != Call::Start {
            return Err(format!("{call:?} before start"));
        }
        match call {
            Call::Start if self.started => return Err("started twice".to_owned()),
            Call::Start => self.started = true,
            Call::Open(partitions) => self.on_open(partitions)?,
            Call::Put { records, taken } => self.on_put(records, *taken, leave)?,
            Call::Flush => return Ok(()),
            Call::PreCommit { asked, safe } => {
                return self.on_pre_commit(asked, safe.as_ref(), leave);
            }
            Call::Close {
                partitions,
                committed,
            } => self.on_close(partitions, committed, leave)?,
            Call::Stop => self.stopped = true,
        }
        self.just_asked = None;
        Ok(())
    }

    fn on_open(&mut self, partitions: &[TopicPartition]) -> Result<(), String> {
        for partition in partitions {
            if !self.open.insert(partition.clone()) {
                return Err(format!("{partition} opened twice"));
            }
        }
        Ok(())
    }

    fn on_put(
        &mut self,
        records: &[(TopicPartition, i64)],
        taken: bool,
        leave: Leave,
    ) -> Result<(), String> {
        let mut first = BTreeSet::new();
        for (partition, offset) in records {
            if !self.open.contains(partition) {
                return Err(format!("{partition}@{offset} put while it is not open"));
            }
            let expected = self.shown.insert(partition.clone(), offset + 1);
            let Some(expected) = expected else {
                first.insert(partition);
                continue;
            };
            let may_repeat = self.may_repeat || leave.rewinds;
            let repeats = *offset < expected && may_repeat && first.insert(partition);
            let leaves_out = *offset > expected && leave.gaps;
            if *offset != expected && !repeats && !leaves_out {
                return Err(format!("{partition}@{offset} put where {expected} was due"));
            }
        }
        self.may_repeat = !taken || (self.may_repeat && records.is_empty());
        if taken {
            self.taken
                .extend(records.iter().map(|(of, offset)| (of.clone(), offset + 1)));
        }
        Ok(())
    }

    fn on_pre_commit(
        &mut self,
        asked: &Offsets,
        safe: Option<&Offsets>,
        leave: Leave,
    ) -> Result<(), String> {
        for (partition, offset) in asked.iter() {
            if !self.open.contains(partition) {
                return Err(format!("asked about {partition}, which is not open"));
            }
            if leave.gaps {
                continue;
            }
            if self.taken.get(partition).is_some_and(|next| offset > *next) {
                return Err(format!(
                    "asked about {partition}@{offset}, which was not taken"
                ));
            }
            if self.shown.contains_key(partition) && !self.taken.contains_key(partition) {
                // Nothing was taken yet: the question is about where reading began, before what was shown.
                let first = self.shown[partition] - 1;
                if offset > first {
                    return Err(format!(
                        "asked about {partition}@{offset}, nothing was taken"
                    ));
                }
            }
        }
        self.may_repeat |= safe.is_none();
        self.just_asked = Some((asked.clone(), safe.cloned()));
        Ok(())
    }

    fn on_close(
        &mut self,
        partitions: &[TopicPartition],
        committed: &BTreeMap<TopicPartition, i64>,
        leave: Leave,
    ) -> Result<(), String> {
        for partition in partitions {
            if !self.open.remove(partition) {
                return Err(format!("{partition} closed while it is not open"));
            }
            self.shown.remove(partition);
            let next = self.taken.remove(partition);
            if leave.loss {
                continue;
            }
            match &self.just_asked {
                Some((asked, safe)) => {
                    let safe = safe.as_ref().and_then(|safe| safe.get(partition));
                    let safe = safe.filter(|safe| asked.get(partition) >= Some(*safe));
                    let known = committed.get(partition).copied();
                    if next.is_some() && safe.is_some() && safe != known {
                        return Err(format!(
                            "{partition} closed with {known:?} committed where {safe:?} is safe"
                        ));
                    }
                }
                None if next.is_some() => {
                    return Err(format!("{partition} closed without a question before"));
                }
                None => {}
            }
        }
        Ok(())
    }
}

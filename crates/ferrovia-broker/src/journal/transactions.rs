//! Journal entries about transactional ids. A standing that is neither ongoing nor being ended
//! takes back what was noted of the transaction before.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};

use super::{Committed, committed, put_committed, put_text, text};
use crate::transaction::{Phase, ProducerKey, Protocol, Standing};

/// First byte of these entries.
const STOOD: u8 = 7;
const PARTITION: u8 = 8;
const GROUP: u8 = 9;
const OFFSET: u8 = 10;

/// Something that happened to a transactional id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TransactionEntry {
    Stood(Standing),
    PartitionJoined {
        topic: String,
        partition: i32,
    },
    GroupJoined {
        group: String,
    },
    OffsetJoined {
        group: String,
        topic: String,
        partition: i32,
        committed: Committed,
    },
}

pub(super) fn encode(out: &mut Vec<u8>, id: &str, entry: &TransactionEntry) {
    match entry {
        TransactionEntry::Stood(standing) => {
            out.put_u8(STOOD);
            put_text(out, id);
            put_standing(out, standing);
        }
        TransactionEntry::PartitionJoined { topic, partition } => {
            out.put_u8(PARTITION);
            put_text(out, id);
            put_text(out, topic);
            out.put_i32(*partition);
        }
        TransactionEntry::GroupJoined { group } => {
            out.put_u8(GROUP);
            put_text(out, id);
            put_text(out, group);
        }
        TransactionEntry::OffsetJoined {
            group,
            topic,
            partition,
            committed,
        } => {
            out.put_u8(OFFSET);
            put_text(out, id);
            put_text(out, group);
            put_text(out, topic);
            out.put_i32(*partition);
            put_committed(out, committed);
        }
    }
}

pub(super) fn decode(tag: u8, from: &mut Bytes) -> Option<(String, TransactionEntry)> {
    let id = text(from)?;
    let entry = match tag {
        STOOD => TransactionEntry::Stood(standing(from)?),
        PARTITION => TransactionEntry::PartitionJoined {
            topic: text(from)?,
            partition: from.try_get_i32().ok()?,
        },
        GROUP => TransactionEntry::GroupJoined { group: text(from)? },
        OFFSET => TransactionEntry::OffsetJoined {
            group: text(from)?,
            topic: text(from)?,
            partition: from.try_get_i32().ok()?,
            committed: committed(from)?,
        },
        _ => return None,
    };
    Some((id, entry))
}

fn put_standing(out: &mut Vec<u8>, standing: &Standing) {
    out.put_i64(standing.producer.id);
    out.put_i16(standing.producer.epoch);
    out.put_i16(standing.last_epoch);
    out.put_i64(standing.previous_id);
    out.put_i64(standing.next_id);
    out.put_u64(u64::try_from(standing.timeout.as_millis()).unwrap_or(u64::MAX));
    let phase = Phase::ALL.iter().position(|known| *known == standing.phase);
    out.put_u8(
        phase
            .and_then(|at| u8::try_from(at).ok())
            .unwrap_or(u8::MAX),
    );
    out.put_u8(u8::from(standing.protocol == Protocol::Two));
}

fn standing(from: &mut Bytes) -> Option<Standing> {
    Some(Standing {
        producer: ProducerKey {
            id: from.try_get_i64().ok()?,
            epoch: from.try_get_i16().ok()?,
        },
        last_epoch: from.try_get_i16().ok()?,
        previous_id: from.try_get_i64().ok()?,
        next_id: from.try_get_i64().ok()?,
        timeout: Duration::from_millis(from.try_get_u64().ok()?),
        phase: Phase::ALL
            .get(usize::from(from.try_get_u8().ok()?))
            .copied()?,
        protocol: match from.try_get_u8().ok()? {
            0 => Protocol::One,
            1 => Protocol::Two,
            _ => return None,
        },
    })
}

//! Offsets that users set by hand: each connector takes those that its own tasks might have stored.
//!
//! # Source
//! `MirrorUtils.validateSourcePartitionString` and those beside it, with their words

use ferrovia_pipeline::connector::SourceOffsetChange;
use ferrovia_pipeline::data::{Map, Value};
use ferrovia_pipeline::error::ConnectError;

const PARTITION: &str = "partition";
const OFFSET: &str = "offset";

/// Which offsets a connector takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allowed {
    /// Zero and nothing else, as the connector has no use for offsets.
    Zero,
    /// Zero and what is above it.
    NotNegative,
}

/// Checks all changes; what is to be forgotten may be anything. `texts` are the keys of a partition that hold text, and
/// `numbered` tells whether it has the number of a topic's partition too.
///
/// # Errors
/// The first change that makes no sense.
pub(crate) fn check(
    changes: &[SourceOffsetChange],
    texts: &[&str],
    numbered: bool,
    allowed: Allowed,
) -> Result<(), ConnectError> {
    for change in changes {
        let Some(offset) = &change.offset else {
            continue;
        };
        for key in texts {
            check_text(&change.partition, key)?;
        }
        if numbered {
            check_number(&change.partition)?;
        }
        check_offset(&change.partition, offset, allowed)?;
    }
    Ok(())
}

fn check_text(partition: &Map<'_>, key: &str) -> Result<(), ConnectError> {
    match partition.get(key) {
        None => refused(format!(
            "Source partition {partition} is missing the '{key}' key, which is required"
        )),
        Some(Value::String(_)) => Ok(()),
        Some(value) => refused(format!(
            "Source partition {partition} has an invalid value {value} for the '{key}' key, which must be a string"
        )),
    }
}

fn check_number(partition: &Map<'_>) -> Result<(), ConnectError> {
    let Some(value) = partition.get(PARTITION) else {
        return refused(format!(
            "Source partition {partition} is missing the '{PARTITION}' key, which is required"
        ));
    };
    let wrong = |rule| {
        refused(format!(
            "Source partition {partition} has an invalid value {value} for the '{PARTITION}' key, which {rule}"
        ))
    };
    match whole(value).filter(|number| *number <= i64::from(i32::MAX)) {
        None => wrong("must be an integer"),
        // As in Java, which looks at the lower half of the number.
        Some(number) if number.cast_unsigned() & SIGN_OF_LOWER_HALF != 0 => {
            wrong("cannot be negative")
        }
        Some(_) => Ok(()),
    }
}

fn check_offset(
    partition: &Map<'_>,
    offset: &Map<'_>,
    allowed: Allowed,
) -> Result<(), ConnectError> {
    let Some(value) = offset.get(OFFSET) else {
        return refused(format!(
            "Source offset {offset} for source partition {partition} is missing the '{OFFSET}' key, which is required"
        ));
    };
    let wrong = |rule| {
        refused(format!(
            "Source offset {offset} for source partition {partition} has an invalid value {value} for the '{OFFSET}' \
             key{rule}"
        ))
    };
    match (whole(value), allowed) {
        (None, _) => wrong(", which must be an integer"),
        (Some(0), Allowed::Zero) => Ok(()),
        (Some(_), Allowed::Zero) => wrong("; the only accepted value is 0"),
        (Some(..=-1), Allowed::NotNegative) => wrong(", which cannot be negative"),
        (Some(_), Allowed::NotNegative) => Ok(()),
    }
}

fn whole(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Int32(number) => Some(i64::from(*number)),
        Value::Int64(number) => Some(*number),
        _ => None,
    }
}

fn refused(message: String) -> Result<(), ConnectError> {
    Err(ConnectError::failed(message))
}

const SIGN_OF_LOWER_HALF: u64 = 1 << 31;

#[cfg(test)]
mod tests;

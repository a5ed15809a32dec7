//! Plain log lines: `[2026-01-31 08:15:56,643] INFO [sink|task-0] message (module:line)`, with times in UTC.
//!
//! # Source
//! `connect-log4j2.yaml` of Kafka 4.2: `[%d] %p %X{connector.context}%m (%c:%L)%n`

use std::fmt::{self, Write};
use std::time::{Duration, SystemTime};

use ferrovia_worker::logging::CONTEXT_FIELD;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

const SECONDS_PER_DAY: u64 = 86_400;

/// Of a span's fields, keeps the context alone; of an event's, the message and then the others as `key=value`.
#[derive(Debug)]
pub(super) struct ContextOnly;

impl<'writer> FormatFields<'writer> for ContextOnly {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut visitor = ContextVisitor {
            writer,
            result: Ok(()),
        };
        fields.record(&mut visitor);
        visitor.result
    }
}

struct ContextVisitor<'writer> {
    writer: Writer<'writer>,
    result: fmt::Result,
}

impl Visit for ContextVisitor<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == CONTEXT_FIELD && self.result.is_ok() {
            self.result = write!(self.writer, "{value:?}");
        }
    }
}

/// Prints one line for each event.
#[derive(Debug)]
pub(super) struct PlainFormat;

impl<S> FormatEvent<S, ContextOnly> for PlainFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, ContextOnly>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        write!(writer, "[{}] {} ", Timestamp(now), metadata.level())?;
        let spans = context.event_scope().into_iter().flatten();
        for span in spans {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<ContextOnly>>();
            if let Some(fields) = fields.filter(|fields| !fields.is_empty()) {
                write!(writer, "[{fields}] ")?;
                break;
            }
        }
        let mut message = MessageVisitor {
            message: String::new(),
            others: String::new(),
        };
        event.record(&mut message);
        let line = metadata.line().unwrap_or_default();
        writeln!(
            writer,
            "{}{} ({}:{line})",
            message.message,
            message.others,
            metadata.target()
        )
    }
}

struct MessageVisitor {
    message: String,
    others: String,
}

impl Visit for MessageVisitor {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message.push_str(value);
        } else {
            // A string never fails to take text.
            let _ = write!(self.others, " {}={value}", field.name());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

/// A time since 1970 in UTC, as log4j prints it.
struct Timestamp(Duration);

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (year, month, day) = civil_date(seconds / SECONDS_PER_DAY);
        let of_day = seconds % SECONDS_PER_DAY;
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        let millis = self.0.subsec_millis();
        write!(
            f,
            "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02},{millis:03}"
        )
    }
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar. Years begin in March here, so that
/// the leap day is the last one and needs no case of its own.
fn civil_date(day: u64) -> (u64, u64, u64) {
    let day = day + 719_468;
    let era = day / 146_097;
    let of_era = day % 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + year_of_era + next_year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_printed_as_log4j_prints_them() {
        let printed = |millis| Timestamp(Duration::from_millis(millis)).to_string();
        assert_eq!(printed(0), "1970-01-01 00:00:00,000");
        assert_eq!(printed(951_782_399_999), "2000-02-28 23:59:59,999");
        assert_eq!(printed(951_782_400_000), "2000-02-29 00:00:00,000");
        assert_eq!(printed(1_795_421_756_643), "2026-11-23 08:15:56,643");
        assert_eq!(printed(4_107_542_400_000), "2100-03-01 00:00:00,000");
    }
}

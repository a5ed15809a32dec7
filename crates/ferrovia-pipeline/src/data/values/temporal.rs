//! Dates, times and timestamps in text.
//!
//! # Source
//! `java.text.SimpleDateFormat`, lenient: numbers may have any sign and size, and what follows the last one is ignored

use crate::data::{SchemaAndValue, Value, calendar, logical};

/// The date, time or timestamp that a text stands for, told apart by its length.
pub(super) fn parse(text: &str) -> Option<SchemaAndValue<'static>> {
    let text = text.replace("\\:", ":");
    let (schema, millis) = match text.encode_utf16().count() {
        10 => (logical::date(), parse_day(&mut Reader(&text))?),
        13 => (logical::time(), parse_time(&mut Reader(&text))?),
        24 => {
            let mut reader = Reader(&text);
            let day = parse_day(&mut reader)?;
            reader.literal('T')?;
            (logical::timestamp(), day + parse_time(&mut reader)?)
        }
        _ => return None,
    };
    Some(SchemaAndValue::new(schema.build(), Value::Date(millis)))
}

fn parse_day(reader: &mut Reader<'_>) -> Option<i64> {
    let year = reader.number()?;
    reader.literal('-')?;
    let month = reader.number()?;
    reader.literal('-')?;
    let day = reader.number()?;
    Some(calendar::millis_of(year, month, day))
}

fn parse_time(reader: &mut Reader<'_>) -> Option<i64> {
    let hours = reader.number()?;
    reader.literal(':')?;
    let minutes = reader.number()?;
    reader.literal(':')?;
    let seconds = reader.number()?;
    reader.literal('.')?;
    let millis = reader.number()?;
    reader.literal('Z')?;
    Some(((hours * 60 + minutes) * 60 + seconds) * 1_000 + millis)
}

struct Reader<'t>(&'t str);

impl Reader<'_> {
    fn number(&mut self) -> Option<i64> {
        let text = self.0.trim_start_matches([' ', '\t']);
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, text),
        };
        let end = digits
            .find(|character: char| !character.is_ascii_digit())
            .unwrap_or(digits.len());
        let (number, rest) = digits.split_at(end);
        self.0 = rest;
        // Java keeps the low 32 bits; the texts are short enough for any other number to fit.
        let number: i128 = number.parse().ok()?;
        let low = i64::try_from(number & 0xffff_ffff).unwrap_or_default();
        Some(i64::from(logical::low_32_bits(low * sign)))
    }

    fn literal(&mut self, expected: char) -> Option<()> {
        self.0 = self.0.strip_prefix(expected)?;
        Some(())
    }
}

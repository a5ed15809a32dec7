//! From a point in time to text.

use std::fmt::Write;

use super::fields::Fields;
use super::names::{ERAS, HALVES_OF_DAY, MONTHS, WEEKDAYS, short};
use super::{DateFormat, Letter, Part};

impl DateFormat {
    /// The text of a point in time, in milliseconds since the epoch.
    pub fn format(&self, millis: i64) -> String {
        let fields = Fields::of(millis);
        let mut text = String::with_capacity(self.pattern.len());
        for part in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Field(letter, count) => write_field(&mut text, &fields, *letter, *count),
            }
        }
        text
    }
}

fn write_field(text: &mut String, fields: &Fields, letter: Letter, count: usize) {
    let moment = &fields.moment;
    let number = match letter {
        Letter::Era => return push_name(text, &ERAS, i64::from(fields.year > 0)),
        Letter::AmPm => return push_name(text, &HALVES_OF_DAY, moment.hour / 12),
        Letter::Month if count >= 3 => {
            return push_long_name(text, &MONTHS, moment.month - 1, count);
        }
        Letter::DayName => return push_long_name(text, &WEEKDAYS, weekday(fields), count),
        Letter::ZoneName if count >= 4 => return text.push_str("Coordinated Universal Time"),
        Letter::ZoneName => return text.push_str("UTC"),
        Letter::ZoneRfc => return text.push_str("+0000"),
        Letter::ZoneIso => return text.push('Z'),
        Letter::Year => return push_year(text, moment.year, count),
        Letter::WeekYear => return push_year(text, fields.week().0, count),
        Letter::Month => moment.month,
        Letter::WeekInYear => fields.week().1,
        Letter::WeekInMonth => fields.week_in_month(),
        Letter::DayInYear => fields.day_in_year(),
        Letter::DayInMonth => moment.day,
        Letter::DayOfWeekInMonth => (moment.day - 1) / 7 + 1,
        Letter::DayNumber => (weekday(fields) + 6) % 7 + 1,
        Letter::Hour0To23 => moment.hour,
        Letter::Hour1To24 => (moment.hour + 23) % 24 + 1,
        Letter::Hour0To11 => moment.hour % 12,
        Letter::Hour1To12 => (moment.hour + 11) % 12 + 1,
        Letter::Minute => moment.minute,
        Letter::Second => moment.second,
        Letter::Millisecond => moment.millisecond,
    };
    push_number(text, number, count);
}

fn weekday(fields: &Fields) -> i64 {
    i64::try_from(fields.moment.weekday).unwrap_or_default()
}

/// Two letters show the last two digits of a year.
fn push_year(text: &mut String, year: i64, count: usize) {
    push_number(text, if count == 2 { year % 100 } else { year }, count);
}

fn push_number(text: &mut String, number: i64, digits: usize) {
    if number < 0 {
        text.push('-');
    }
    // Writing to a text does not fail.
    let _ = write!(text, "{:0digits$}", number.unsigned_abs());
}

fn push_long_name(text: &mut String, names: &[&'static str], index: i64, count: usize) {
    let name = name_of(names, index);
    text.push_str(if count >= 4 { name } else { short(name) });
}

fn push_name(text: &mut String, names: &[&'static str], index: i64) {
    text.push_str(name_of(names, index));
}

fn name_of(names: &[&'static str], index: i64) -> &'static str {
    let index = usize::try_from(index).unwrap_or_default();
    names.get(index).copied().unwrap_or_default()
}

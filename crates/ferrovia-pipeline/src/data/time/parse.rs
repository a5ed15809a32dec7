//! From text to a point in time, as leniently as Java.

use super::names::{ERAS, HALVES_OF_DAY, MONTHS, WEEKDAYS, ZONES, short};
use super::resolve::{Settable, Settings};
use super::{DateFormat, Letter, Part};
use crate::data::logical::low_32_bits;

/// The year that two digits are counted from: 46 is 1946, and 45 is 2045. Java counts from 80 years before the day on
/// which the pattern was made; nothing here reads a clock.
const CENTURY_START_YEAR: i64 = 1946;

impl DateFormat {
    /// The point in time that a text says, in milliseconds since the epoch; `None` if it is not of the pattern. What
    /// follows is left aside, and numbers may lie outside their range, as in Java.
    pub fn parse(&self, text: &str) -> Option<i64> {
        let mut reader = Reader {
            rest: text,
            settings: Settings::default(),
        };
        for (index, part) in self.parts.iter().enumerate() {
            match part {
                Part::Literal(literal) => reader.rest = reader.rest.strip_prefix(&**literal)?,
                Part::Field(letter, count) => {
                    // Only where a number follows directly do the letters say how many digits there are.
                    let width = self.parts.get(index + 1).is_some_and(Part::is_number);
                    reader.read(*letter, *count, width.then_some(*count))?;
                }
            }
        }
        (reader.rest.len() < text.len()).then(|| reader.settings.resolve())
    }
}

impl Part {
    fn is_number(&self) -> bool {
        match self {
            Self::Literal(_) => false,
            Self::Field(Letter::Month, count) => *count <= 2,
            Self::Field(letter, _) => !matches!(
                letter,
                Letter::Era
                    | Letter::DayName
                    | Letter::AmPm
                    | Letter::ZoneName
                    | Letter::ZoneRfc
                    | Letter::ZoneIso
            ),
        }
    }
}

struct Reader<'t> {
    rest: &'t str,
    settings: Settings,
}

impl Reader<'_> {
    fn read(&mut self, letter: Letter, count: usize, width: Option<usize>) -> Option<()> {
        let field = match letter {
            Letter::Era => return self.read_name(Settable::Era, &ERAS, 0),
            Letter::AmPm => return self.read_name(Settable::AmPm, &HALVES_OF_DAY, 0),
            Letter::DayName => return self.read_name(Settable::DayOfWeek, &WEEKDAYS, 1),
            Letter::Month if count >= 3 => return self.read_name(Settable::Month, &MONTHS, 0),
            Letter::ZoneName | Letter::ZoneRfc => return self.read_zone(),
            Letter::ZoneIso => return self.read_iso_zone(count),
            Letter::Year => return self.read_year(Settable::Year, count, width),
            Letter::WeekYear => return self.read_year(Settable::WeekYear, count, width),
            Letter::Month => Settable::Month,
            Letter::WeekInYear => Settable::WeekOfYear,
            Letter::WeekInMonth => Settable::WeekOfMonth,
            Letter::DayInYear => Settable::DayOfYear,
            Letter::DayInMonth => Settable::DayOfMonth,
            Letter::DayOfWeekInMonth => Settable::DayOfWeekInMonth,
            Letter::DayNumber => Settable::DayOfWeek,
            Letter::Hour0To23 | Letter::Hour1To24 => Settable::HourOfDay,
            Letter::Hour0To11 | Letter::Hour1To12 => Settable::Hour,
            Letter::Minute => Settable::Minute,
            Letter::Second => Settable::Second,
            Letter::Millisecond => Settable::Millisecond,
        };
        let (number, _) = self.read_number(width)?;
        let value = match (letter, number) {
            (Letter::Month, _) => number - 1,
            (Letter::Hour1To24, 24) | (Letter::Hour1To12, 12) => 0,
            (Letter::DayNumber, 1..=7) => number % 7 + 1,
            _ => number,
        };
        self.settings.set(field, value);
        Some(())
    }

    /// A number and how many bytes it is written with. With a width it ends there at the latest, counted from before the
    /// white space.
    fn read_number(&mut self, width: Option<usize>) -> Option<(i64, &str)> {
        let blank = self.blank()?;
        let start = self.rest.get(blank..)?;
        let start = match width {
            // As Java does, the width is asked of the text even where fewer digits would do.
            Some(width) => self.rest.get(..width)?.get(blank..)?,
            None => start,
        };
        let digits = start.strip_prefix('-').unwrap_or(start);
        let digits = digits
            .find(|letter: char| !letter.is_ascii_digit())
            .map_or(digits, |end| digits.get(..end).unwrap_or_default());
        let sign = usize::from(start.starts_with('-'));
        let text = start.get(..sign + digits.len())?;
        if digits.is_empty() {
            return None;
        }
        let number = match text.parse::<i64>() {
            Ok(number) => low_32_bits(number),
            Err(_) if sign == 1 => i32::MIN,
            Err(_) => i32::MAX,
        };
        self.rest = self.rest.get(blank + text.len()..)?;
        Some((i64::from(number), text))
    }

    fn read_year(&mut self, field: Settable, count: usize, width: Option<usize>) -> Option<()> {
        let (number, text) = self.read_number(width)?;
        let is_short = count <= 2 && text.len() == 2 && !text.starts_with('-');
        let year = if is_short {
            let century = CENTURY_START_YEAR - CENTURY_START_YEAR % 100;
            let is_next = number < CENTURY_START_YEAR % 100;
            century + number + if is_next { 100 } else { 0 }
        } else {
            number
        };
        self.settings.set(field, year);
        Some(())
    }

    /// The longest name, long or short, in any case. There is no white space before it.
    fn read_name(&mut self, field: Settable, names: &[&'static str], first: i64) -> Option<()> {
        self.blank()?;
        let numbered = (first..).zip(names);
        let forms = numbered.flat_map(|(number, name)| [(number, *name), (number, short(name))]);
        let (number, name) = forms
            .filter(|(_, name)| starts_with_ignoring_case(self.rest, name))
            .max_by_key(|(_, name)| name.len())?;
        self.rest = self.rest.get(name.len()..)?;
        self.settings.set(field, number);
        Some(())
    }

    fn read_zone(&mut self) -> Option<()> {
        self.skip_blank()?;
        if let Some(sign) = self.read_sign() {
            return self.read_offset(sign, 0, false);
        }
        let (name, minutes) = ZONES
            .iter()
            .find(|(name, _)| starts_with_ignoring_case(self.rest, name))?;
        self.rest = self.rest.get(name.len()..)?;
        if *name == "GMT"
            && let Some(sign) = self.read_sign()
        {
            return self.read_offset(sign, 0, true);
        }
        self.settings.set(Settable::ZoneMinutes, *minutes);
        Some(())
    }

    fn read_iso_zone(&mut self, count: usize) -> Option<()> {
        self.skip_blank()?;
        if let Some(rest) = self.rest.strip_prefix('Z') {
            self.rest = rest;
            self.settings.set(Settable::ZoneMinutes, 0);
            return Some(());
        }
        let sign = self.read_sign()?;
        self.read_offset(sign, count, count == 3)
    }

    fn read_sign(&mut self) -> Option<i64> {
        let sign = match self.rest.chars().next()? {
            '+' => 1,
            '-' => -1,
            _ => return None,
        };
        self.rest = self.rest.get(1..)?;
        Some(sign)
    }

    /// `hh`, `hhmm` or `hh:mm`; of a zone that has a name before, an hour may be one digit.
    fn read_offset(&mut self, sign: i64, count: usize, has_colon: bool) -> Option<()> {
        let mut hours = self.read_digit()?;
        match self.read_digit() {
            Some(digit) => hours = hours * 10 + digit,
            None if count > 0 || !has_colon => return None,
            None => {}
        }
        let mut minutes = 0;
        if count != 1 {
            if has_colon {
                self.rest = self.rest.strip_prefix(':')?;
            }
            minutes = self.read_digit()? * 10 + self.read_digit()?;
        }
        if hours > 23 || minutes > 59 {
            return None;
        }
        self.settings
            .set(Settable::ZoneMinutes, sign * (hours * 60 + minutes));
        Some(())
    }

    fn read_digit(&mut self) -> Option<i64> {
        let digit = self.rest.chars().next()?.to_digit(10)?;
        self.rest = self.rest.get(1..)?;
        Some(i64::from(digit))
    }

    /// How much white space there is; `None` if nothing else follows.
    fn blank(&self) -> Option<usize> {
        self.rest.find(|letter| letter != ' ' && letter != '\t')
    }

    fn skip_blank(&mut self) -> Option<()> {
        self.rest = self.rest.get(self.blank()?..)?;
        Some(())
    }
}

fn starts_with_ignoring_case(text: &str, start: &str) -> bool {
    text.get(..start.len())
        .is_some_and(|prefix| prefix.eq_ignore_ascii_case(start))
}

//! Dates as text, by a pattern of letters, in UTC and English.
//!
//! # Source
//! `java.text.SimpleDateFormat` with a time zone of UTC, in the locale of a JVM without one

mod fields;
mod format;
mod names;
mod parse;
mod resolve;

/// A pattern that dates are written by and read by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DateFormat {
    pattern: String,
    parts: Vec<Part>,
}

/// A stretch of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// Stands as it is.
    Literal(String),
    /// Stands for part of a date.
    Field(Letter, usize),
}

/// A letter that has a meaning in patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Letter {
    Era,
    Year,
    WeekYear,
    Month,
    WeekInYear,
    WeekInMonth,
    DayInYear,
    DayInMonth,
    DayOfWeekInMonth,
    DayName,
    DayNumber,
    AmPm,
    Hour0To23,
    Hour1To24,
    Hour0To11,
    Hour1To12,
    Minute,
    Second,
    Millisecond,
    ZoneName,
    ZoneRfc,
    ZoneIso,
}

/// What is wrong with a pattern, in Java's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatePatternError {
    /// A letter without a meaning.
    #[error("Illegal pattern character '{0}'")]
    Letter(char),
    /// A quote that does not end.
    #[error("Unterminated quote")]
    Quote,
    /// More than three letters of a kind that has three forms.
    #[error("invalid ISO 8601 format: length={0}")]
    ZoneLength(usize),
}

impl DateFormat {
    /// The format of a pattern.
    ///
    /// # Errors
    /// What is wrong with the pattern; Java throws an `IllegalArgumentException` with the same text.
    pub fn new(pattern: &str) -> Result<Self, DatePatternError> {
        let mut parts = Vec::new();
        let mut letters = pattern.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '\'' if letters.next_if_eq(&'\'').is_some() => push_literal(&mut parts, '\''),
                '\'' => read_quoted(&mut letters, &mut parts)?,
                _ if letter.is_ascii_alphabetic() => {
                    let meaning = Letter::of(letter).ok_or(DatePatternError::Letter(letter))?;
                    let mut count = 1;
                    while letters.next_if_eq(&letter).is_some() {
                        count += 1;
                    }
                    if meaning == Letter::ZoneIso && count > 3 {
                        return Err(DatePatternError::ZoneLength(count));
                    }
                    parts.push(Part::Field(meaning, count));
                }
                _ => push_literal(&mut parts, letter),
            }
        }
        Ok(Self {
            pattern: pattern.to_owned(),
            parts,
        })
    }

    /// The pattern.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }
}

/// Reads up to the quote that ends it; two quotes are one within.
fn read_quoted(
    letters: &mut std::iter::Peekable<std::str::Chars<'_>>,
    parts: &mut Vec<Part>,
) -> Result<(), DatePatternError> {
    loop {
        match letters.next() {
            None => return Err(DatePatternError::Quote),
            Some('\'') if letters.next_if_eq(&'\'').is_none() => return Ok(()),
            Some(letter) => push_literal(parts, letter),
        }
    }
}

fn push_literal(parts: &mut Vec<Part>, letter: char) {
    if let Some(Part::Literal(text)) = parts.last_mut() {
        text.push(letter);
    } else {
        parts.push(Part::Literal(letter.into()));
    }
}

impl Letter {
    fn of(letter: char) -> Option<Self> {
        Some(match letter {
            'G' => Self::Era,
            'y' => Self::Year,
            'Y' => Self::WeekYear,
            'M' | 'L' => Self::Month,
            'w' => Self::WeekInYear,
            'W' => Self::WeekInMonth,
            'D' => Self::DayInYear,
            'd' => Self::DayInMonth,
            'F' => Self::DayOfWeekInMonth,
            'E' => Self::DayName,
            'u' => Self::DayNumber,
            'a' => Self::AmPm,
            'H' => Self::Hour0To23,
            'k' => Self::Hour1To24,
            'K' => Self::Hour0To11,
            'h' => Self::Hour1To12,
            'm' => Self::Minute,
            's' => Self::Second,
            'S' => Self::Millisecond,
            'z' => Self::ZoneName,
            'Z' => Self::ZoneRfc,
            'X' => Self::ZoneIso,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests;

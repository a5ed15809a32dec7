//! Reads regular expressions: characters, classes, groups, alternatives and repetitions.

use std::iter::Peekable;
use std::str::Chars;

use super::{CHARS_MAX, Part, Regex};

/// How deep groups and repetitions may stand in each other.
const DEPTH_MAX: usize = 32;
/// How many parts an expression may have.
const PARTS_MAX: usize = 10_000;
/// What stands for every character where an expression does not care: what can be printed in ASCII.
const ANY: (u32, u32) = (0x20, 0x7E);

pub(super) fn parse(text: &str) -> Result<Regex, String> {
    let mut text = text.strip_prefix('^').unwrap_or(text);
    if !text.ends_with("\\$") {
        text = text.strip_suffix('$').unwrap_or(text);
    }
    let mut parser = Parser {
        chars: text.chars().peekable(),
        parts: 0,
    };
    let regex = parser.alternatives(0)?;
    if parser.chars.next().is_some() {
        return Err("a ) closes no group".to_owned());
    }
    if regex.shortest > CHARS_MAX {
        return Err(format!("its texts have more than {CHARS_MAX} characters"));
    }
    Ok(regex)
}

struct Parser<'t> {
    chars: Peekable<Chars<'t>>,
    parts: usize,
}

impl Parser<'_> {
    fn alternatives(&mut self, depth: usize) -> Result<Regex, String> {
        if depth > DEPTH_MAX {
            return Err(format!("more than {DEPTH_MAX} groups stand in each other"));
        }
        let first = self.sequence(depth)?;
        let mut parts = vec![first];
        while self.chars.next_if_eq(&'|').is_some() {
            parts.push(self.sequence(depth)?);
        }
        match parts.pop() {
            Some(only) if parts.is_empty() => Ok(only),
            Some(last) => {
                parts.push(last);
                Ok(Regex::new(Part::Choice(parts)))
            }
            None => Err("it is empty".to_owned()),
        }
    }

    fn sequence(&mut self, depth: usize) -> Result<Regex, String> {
        let mut parts = Vec::new();
        while let Some(next) = self.chars.next_if(|c| !matches!(c, '|' | ')')) {
            self.parts += 1;
            if self.parts > PARTS_MAX {
                return Err(format!("it has more than {PARTS_MAX} parts"));
            }
            let mut part = self.part(next, depth)?;
            let mut repeated = 0;
            while let Some((least, most)) = self.repetition()? {
                repeated += 1;
                if repeated > DEPTH_MAX {
                    return Err(format!(
                        "more than {DEPTH_MAX} repetitions stand in each other"
                    ));
                }
                let what = Box::new(part);
                part = Regex::new(Part::Repeat { what, least, most });
            }
            parts.push(part);
        }
        Ok(Regex::new(Part::Sequence(parts)))
    }

    fn part(&mut self, first: char, depth: usize) -> Result<Regex, String> {
        let ranges = match first {
            '(' => {
                if self.chars.next_if_eq(&'?').is_some() && self.chars.next() != Some(':') {
                    return Err(
                        "groups that begin with (? are not supported, but for (?:".to_owned()
                    );
                }
                let group = self.alternatives(depth + 1)?;
                return match self.chars.next() {
                    Some(')') => Ok(group),
                    _ => Err("a group is not closed".to_owned()),
                };
            }
            '[' => self.class()?,
            '.' => vec![ANY],
            '\\' => self.escape()?,
            '*' | '+' | '?' => return Err(format!("there is nothing to repeat before {first}")),
            '^' | '$' => return Err(format!("{first} is supported at either end only")),
            other => vec![single(other)],
        };
        class_of(ranges)
    }

    /// How often the last part is repeated; `None` if that is not said.
    fn repetition(&mut self) -> Result<Option<(usize, usize)>, String> {
        let Some(sign) = self.chars.next_if(|c| matches!(c, '*' | '+' | '?' | '{')) else {
            return Ok(None);
        };
        let counts = match sign {
            '*' => (0, CHARS_MAX),
            '+' => (1, CHARS_MAX),
            '?' => (0, 1),
            _ => self.counts()?,
        };
        Ok(Some(counts))
    }

    fn counts(&mut self) -> Result<(usize, usize), String> {
        let mut inside = String::new();
        loop {
            match self.chars.next() {
                Some('}') => break,
                Some(c) => inside.push(c),
                None => return Err("a { is not closed".to_owned()),
            }
        }
        let (least, most) = inside.split_once(',').unwrap_or((&inside, &inside));
        let number = |text: &str| text.trim().parse::<usize>().ok();
        let most = if most.trim().is_empty() {
            Some(CHARS_MAX)
        } else {
            number(most)
        };
        match (number(least), most) {
            (Some(least), Some(most)) if least <= most && most <= CHARS_MAX => Ok((least, most)),
            _ => Err(format!(
                "{{{inside}}} says no numbers up to {CHARS_MAX} in order"
            )),
        }
    }

    /// What stands behind a backslash.
    fn escape(&mut self) -> Result<Vec<(u32, u32)>, String> {
        let escaped = self.chars.next().ok_or("it ends with a backslash")?;
        let ranges = match escaped {
            'd' => digits(),
            'D' => without(digits()),
            'w' => words(),
            'W' => without(words()),
            's' => blanks(),
            'S' => without(blanks()),
            't' => vec![single('\t')],
            'n' => vec![single('\n')],
            'r' => vec![single('\r')],
            'f' => vec![(0x0C, 0x0C)],
            'x' => self.code(2)?,
            'u' => self.code(4)?,
            c if c.is_ascii_alphanumeric() => return Err(format!("\\{c} is not supported")),
            other => vec![single(other)],
        };
        Ok(ranges)
    }

    fn code(&mut self, digits: usize) -> Result<Vec<(u32, u32)>, String> {
        let text: String = self.chars.by_ref().take(digits).collect();
        match u32::from_str_radix(&text, 16).ok().and_then(char::from_u32) {
            Some(c) if text.len() == digits => Ok(vec![single(c)]),
            _ => Err(format!("{text:?} is not the number of a character")),
        }
    }

    /// What stands between brackets.
    fn class(&mut self) -> Result<Vec<(u32, u32)>, String> {
        let is_negated = self.chars.next_if_eq(&'^').is_some();
        let mut ranges = Vec::new();
        loop {
            let next = self.chars.next().ok_or("a [ is not closed")?;
            if next == ']' && !ranges.is_empty() {
                break;
            }
            if next == '&' && self.chars.peek() == Some(&'&') {
                return Err("&& in classes is not supported".to_owned());
            }
            let begin = if next == '\\' {
                self.escape()?
            } else {
                vec![single(next)]
            };
            let mut ahead = self.chars.clone();
            let is_range = ahead.next() == Some('-') && ahead.next().is_some_and(|c| c != ']');
            let low = match begin.as_slice() {
                [(low, high)] if low == high && is_range => *low,
                _ => {
                    ranges.extend(begin);
                    continue;
                }
            };
            self.chars.next();
            let end = match self.chars.next() {
                Some('\\') => self.escape()?,
                Some(c) => vec![single(c)],
                None => return Err("a [ is not closed".to_owned()),
            };
            match end.as_slice() {
                [(high, also)] if high == also && *high >= low => ranges.push((low, *high)),
                _ => return Err("a class has a range that is not in order".to_owned()),
            }
        }
        Ok(if is_negated { without(ranges) } else { ranges })
    }
}

fn class_of(ranges: Vec<(u32, u32)>) -> Result<Regex, String> {
    let mut ranges = in_order(ranges);
    // No character has the number of half a surrogate pair.
    if let Some(at) = ranges
        .iter()
        .position(|(low, high)| *low < 0xD800 && *high > 0xDFFF)
    {
        let (low, high) = ranges.remove(at);
        ranges.extend([(low, 0xD7FF), (0xE000, high)]);
    }
    let count = ranges.iter().map(|(low, high)| high - low + 1).sum();
    if count == 0 {
        return Err("a class has no characters".to_owned());
    }
    Ok(Regex::new(Part::Class(ranges, count)))
}

/// The same characters, each once.
fn in_order(mut ranges: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    ranges.sort_unstable();
    let mut merged: Vec<(u32, u32)> = Vec::new();
    for (low, high) in ranges {
        match merged.last_mut() {
            Some((_, end)) if low <= *end + 1 => *end = high.max(*end),
            _ => merged.push((low, high)),
        }
    }
    merged
}

/// What can be printed in ASCII and is none of these.
fn without(ranges: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    let (mut from, mut left) = (ANY.0, Vec::new());
    for (low, high) in in_order(ranges) {
        if low > from {
            left.push((from, ANY.1.min(low - 1)));
        }
        from = from.max(high + 1);
        if from > ANY.1 {
            return left;
        }
    }
    left.push((from, ANY.1));
    left
}

fn single(c: char) -> (u32, u32) {
    (u32::from(c), u32::from(c))
}

fn range(low: char, high: char) -> (u32, u32) {
    (u32::from(low), u32::from(high))
}

fn digits() -> Vec<(u32, u32)> {
    vec![range('0', '9')]
}

fn words() -> Vec<(u32, u32)> {
    vec![
        range('0', '9'),
        range('A', 'Z'),
        single('_'),
        range('a', 'z'),
    ]
}

fn blanks() -> Vec<(u32, u32)> {
    vec![single(' '), single('\t')]
}

//! Texts that a regular expression matches, made up at random.
//!
//! Every part knows the shortest and the longest text that it can make, so that a text of a wanted length comes about in
//! one go: choices are made among what can still lead there.

mod parse;

/// Texts that are all known beforehand, up to this many, are made once.
const LISTED_MAX: usize = 1024;
/// And of so many bytes together.
const LISTED_BYTES_MAX: usize = 64 << 10;
/// The longest text that an expression may ask for.
pub(super) const CHARS_MAX: usize = 1 << 16;
/// The most steps that a text may take: nobody can stop a task while it makes one.
pub(super) const STEPS_MAX: usize = 1 << 20;

/// An expression.
#[derive(Clone, Debug)]
pub(super) struct Regex {
    part: Part,
    shortest: usize,
    longest: usize,
}

#[derive(Clone, Debug)]
enum Part {
    /// One of the characters between these, both included; the number is how many there are.
    Class(Vec<(u32, u32)>, u32),
    Sequence(Vec<Regex>),
    Choice(Vec<Regex>),
    Repeat {
        what: Box<Regex>,
        least: usize,
        most: usize,
    },
}

/// The lengths that are wanted, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lengths {
    pub(super) min: usize,
    pub(super) max: usize,
}

impl Regex {
    /// Reads an expression.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        parse::parse(text)
    }

    fn new(part: Part) -> Self {
        let (shortest, longest) = match &part {
            Part::Class(..) => (1, 1),
            Part::Sequence(parts) => (
                parts
                    .iter()
                    .fold(0, |sum, part| part.shortest.saturating_add(sum)),
                parts
                    .iter()
                    .fold(0, |sum, part| part.longest.saturating_add(sum)),
            ),
            Part::Choice(parts) => (
                parts.iter().map(|part| part.shortest).min().unwrap_or(0),
                parts.iter().map(|part| part.longest).max().unwrap_or(0),
            ),
            Part::Repeat { what, least, most } => (
                what.shortest.saturating_mul(*least),
                what.longest.saturating_mul(*most),
            ),
        };
        Self {
            part,
            shortest,
            longest,
        }
    }

    /// The longest text that comes about where these lengths are wanted.
    pub(super) fn chars_max(&self, wanted: Lengths) -> usize {
        self.longest.min(self.shortest.max(wanted.max))
    }

    /// How many steps a text takes at most where these lengths are wanted.
    pub(super) fn steps_max(&self, wanted: Lengths) -> usize {
        let chars = self.chars_max(wanted);
        let (fixed, each) = self.steps(chars);
        fixed.saturating_add(each.saturating_mul(chars))
    }

    /// The steps of a text of so many characters at most: those that it takes anyway, and those for each character.
    fn steps(&self, chars: usize) -> (usize, usize) {
        let chars = chars.max(self.shortest).min(self.longest);
        match &self.part {
            Part::Class(..) => (1, 0),
            Part::Sequence(parts) => parts.iter().fold((1, 0), |(fixed, each), part| {
                let (more, of_each) = part.steps(chars);
                (fixed.saturating_add(more), each.max(of_each))
            }),
            Part::Choice(parts) => {
                let (fixed, each) = parts
                    .iter()
                    .fold((0, 0), |(fixed, each): (usize, _), part| {
                        let (more, of_each) = part.steps(chars);
                        (fixed.max(more), each.max(of_each))
                    });
                (fixed.saturating_add(parts.len()), each)
            }
            Part::Repeat { what, least, most } => {
                let (fixed, each) = what.steps(chars);
                // What may be empty is repeated without a text that grows; all else is limited by the text's length.
                let (times, each) = match what.shortest {
                    0 => (chars.clamp(*least, *most), each),
                    shortest => (*least, each.saturating_add(fixed.div_ceil(shortest))),
                };
                (fixed.saturating_mul(times).saturating_add(1), each)
            }
        }
    }

    /// All texts whose lengths are nearest to what is wanted, if they are few, and short with so many more bytes each.
    pub(super) fn list(&self, wanted: Lengths, more_bytes: usize) -> Option<Vec<String>> {
        let all = self.all()?;
        let distance = |text: &String| {
            let length = text.chars().count();
            wanted
                .min
                .saturating_sub(length)
                .max(length.saturating_sub(wanted.max))
        };
        let nearest = all.iter().map(distance).min()?;
        let listed = all.into_iter().filter(|text| distance(text) == nearest);
        let listed: Vec<String> = listed.collect();
        let more = more_bytes.saturating_mul(listed.len());
        is_short(listed.len(), bytes_of(&listed).saturating_add(more)).then_some(listed)
    }

    fn all(&self) -> Option<Vec<String>> {
        if self.longest > CHARS_MAX {
            return None;
        }
        match &self.part {
            Part::Class(ranges, count) => (*count <= 256).then(|| {
                let chars = ranges.iter().flat_map(|(low, high)| *low..=*high);
                chars.filter_map(char::from_u32).map(String::from).collect()
            }),
            Part::Sequence(parts) => {
                let begin = vec![String::new()];
                parts
                    .iter()
                    .try_fold(begin, |texts, part| joined(&texts, &part.all()?))
            }
            Part::Choice(parts) => {
                let mut texts = Vec::new();
                for part in parts {
                    texts.extend(part.all()?);
                    if !is_short(texts.len(), bytes_of(&texts)) {
                        return None;
                    }
                }
                Some(texts)
            }
            Part::Repeat { what, least, most } => {
                let once = what.all()?;
                let (mut now, mut texts) = (vec![String::new()], Vec::new());
                for count in 0..=*most {
                    if count >= *least {
                        texts.extend_from_slice(&now);
                    }
                    if !is_short(texts.len(), bytes_of(&texts)) || count > LISTED_MAX {
                        return None;
                    }
                    if count < *most {
                        now = joined(&now, &once)?;
                    }
                }
                Some(texts)
            }
        }
    }

    /// Appends a text of a wanted length, or of one as near as choices on the way allow.
    pub(super) fn write(&self, out: &mut String, wanted: Lengths, rng: &mut fastrand::Rng) {
        let min = wanted.min.min(self.longest);
        let max = wanted.max.max(self.shortest).min(self.longest);
        let wanted = Lengths { min, max };
        match &self.part {
            Part::Class(ranges, count) => out.extend(pick(ranges, *count, rng)),
            Part::Sequence(parts) => {
                let mut rest = Rest::of(self);
                for part in parts {
                    rest.write(part, out, wanted, rng);
                }
            }
            Part::Choice(parts) => {
                // One that is too short is better than one that is too long, which there is always another for.
                let is_short = |part: &&Self| part.shortest <= max;
                let fits = |part: &&Self| is_short(part) && part.longest >= min;
                let chosen = match parts.iter().filter(fits).count() {
                    0 => {
                        let count = parts.iter().filter(is_short).count().max(1);
                        parts.iter().filter(is_short).nth(rng.usize(..count))
                    }
                    count => parts.iter().filter(fits).nth(rng.usize(..count)),
                };
                if let Some(part) = chosen {
                    part.write(out, wanted, rng);
                }
            }
            Part::Repeat { what, least, most } => {
                // So many that their shortest texts are not too much, and their longest enough.
                let greatest = max.checked_div(what.shortest).unwrap_or(max);
                let greatest = greatest.clamp(*least, *most);
                let fewest = min.div_ceil(what.longest.max(1));
                let fewest = fewest.clamp(*least, *most).min(greatest);
                let count = rng.usize(fewest..=greatest);
                if let Part::Class(ranges, size) = &what.part {
                    // All are as long as each other: there is no length to make up for.
                    out.reserve(count);
                    out.extend((0..count).filter_map(|_| pick(ranges, *size, rng)));
                    return;
                }
                let mut rest = Rest {
                    shortest: what.shortest.saturating_mul(count),
                    longest: what.longest.saturating_mul(count),
                    written: 0,
                };
                for _ in 0..count {
                    rest.write(what, out, wanted, rng);
                }
            }
        }
    }
}

/// What parts of a sequence that are still to come can make.
struct Rest {
    shortest: usize,
    longest: usize,
    written: usize,
}

impl Rest {
    fn of(sequence: &Regex) -> Self {
        Self {
            shortest: sequence.shortest,
            longest: sequence.longest,
            written: 0,
        }
    }

    /// Writes the next part so that the others can still make up for the length.
    fn write(&mut self, part: &Regex, out: &mut String, wanted: Lengths, rng: &mut fastrand::Rng) {
        self.shortest = self.shortest.saturating_sub(part.shortest);
        // What can be endless stays so.
        if self.longest < usize::MAX {
            self.longest -= part.longest.min(self.longest);
        }
        let left = |length: usize| length.saturating_sub(self.written);
        let lengths = Lengths {
            min: left(wanted.min).saturating_sub(self.longest),
            max: left(wanted.max).saturating_sub(self.shortest),
        };
        let before = out.len();
        part.write(out, lengths, rng);
        let added = out.get(before..).unwrap_or("");
        self.written += added.chars().count();
    }
}

fn pick(ranges: &[(u32, u32)], count: u32, rng: &mut fastrand::Rng) -> Option<char> {
    let mut nth = if count > 1 { rng.u32(..count) } else { 0 };
    for (low, high) in ranges {
        let size = high - low + 1;
        if nth < size {
            return char::from_u32(low + nth);
        }
        nth -= size;
    }
    None
}

/// Whether a list of so many texts, of so many bytes together, may be made.
fn is_short(texts: usize, bytes: usize) -> bool {
    texts <= LISTED_MAX && bytes <= LISTED_BYTES_MAX
}

fn bytes_of(texts: &[String]) -> usize {
    texts.iter().map(String::len).sum()
}

/// Each of these with each of those behind it.
fn joined(these: &[String], those: &[String]) -> Option<Vec<String>> {
    let of_these = bytes_of(these).saturating_mul(those.len());
    let of_those = bytes_of(those).saturating_mul(these.len());
    let count = these.len().saturating_mul(those.len());
    if !is_short(count, of_these.saturating_add(of_those)) {
        return None;
    }
    let pairs = these
        .iter()
        .flat_map(|this| those.iter().map(move |that| format!("{this}{that}")));
    Some(pairs.collect())
}

#[cfg(test)]
mod tests;

//! From Java's dialect to the engine's.

use super::error::PatternError;
use super::escape::Escaped;

/// The expression in the engine's dialect.
pub(super) fn translate(pattern: &str) -> Result<String, PatternError> {
    let mut translator = Translator {
        pattern: pattern.chars().collect(),
        at: 0,
        out: String::with_capacity(pattern.len()),
        flags: Flags::default(),
        groups: 0,
        names: Vec::new(),
        open: Vec::new(),
        atom: None,
    };
    while let Some(letter) = translator.next() {
        translator.step(letter)?;
    }
    if translator.open.is_empty() {
        Ok(translator.out)
    } else {
        Err(translator.error_at(translator.pattern.len(), "Unclosed group"))
    }
}

/// Flags that Java's expressions set within, but for those that the engine understands in the same way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flags {
    dot_all: bool,
    unix_lines: bool,
    multiline: bool,
    pub(super) comments: bool,
}

pub(super) struct Translator {
    pub(super) pattern: Vec<char>,
    /// The next letter to read.
    pub(super) at: usize,
    pub(super) out: String,
    pub(super) flags: Flags,
    /// How many groups have a number by now.
    pub(super) groups: usize,
    /// How the groups are called that have a name.
    pub(super) names: Vec<String>,
    /// The groups that are open: where each begins in `out`, and the flags that come back behind it.
    open: Vec<(usize, Flags)>,
    /// Where the piece that a quantifier would belong to begins in `out`.
    pub(super) atom: Option<usize>,
}

impl Translator {
    pub(super) fn next(&mut self) -> Option<char> {
        let letter = self.pattern.get(self.at).copied()?;
        self.at += 1;
        Some(letter)
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.pattern.get(self.at).copied()
    }

    pub(super) fn next_if(&mut self, expected: char) -> bool {
        let is_there = self.peek() == Some(expected);
        self.at += usize::from(is_there);
        is_there
    }

    pub(super) fn error_at(
        &self,
        index: impl Into<Option<usize>>,
        description: &str,
    ) -> PatternError {
        PatternError::at(&self.pattern, index, description)
    }

    pub(super) fn unsupported(&self, reason: &str) -> PatternError {
        let pattern: String = self.pattern.iter().collect();
        PatternError::unsupported(&pattern, reason)
    }

    fn step(&mut self, letter: char) -> Result<(), PatternError> {
        let start = self.out.len();
        match letter {
            '\\' => return self.escape(start),
            '[' => {
                let class = self.class()?;
                self.out.push_str(&class);
            }
            '(' => return self.group(),
            ')' => return self.close(),
            '.' => self.out.push_str(self.flags.dot()),
            '^' if self.flags.multiline => self.out.push_str("(?m:^)"),
            '$' if self.flags.multiline => self.out.push_str("(?m:$)"),
            '^' | '$' => self.out.push(letter),
            '|' => {
                self.out.push('|');
                self.atom = None;
                return Ok(());
            }
            '*' | '+' | '?' | '{' => return self.quantifier(letter),
            '#' if self.flags.comments => {
                while self.next().is_some_and(|letter| letter != '\n') {}
                return Ok(());
            }
            _ if self.flags.comments && letter.is_ascii_whitespace() => return Ok(()),
            _ => push_literal(&mut self.out, letter),
        }
        self.atom = Some(start);
        Ok(())
    }

    fn escape(&mut self, start: usize) -> Result<(), PatternError> {
        match self.escaped()? {
            Escaped::Literal(letter) => push_literal(&mut self.out, letter),
            Escaped::Quoted(text) => {
                // A quantifier behind belongs to the last letter alone.
                let mut last = start;
                for letter in text.chars() {
                    last = self.out.len();
                    push_literal(&mut self.out, letter);
                }
                if !text.is_empty() {
                    self.atom = Some(last);
                }
                return Ok(());
            }
            Escaped::Class(class) => self.out.push_str(&class),
            Escaped::Expression(expression) => self.out.push_str(&expression),
        }
        self.atom = Some(start);
        Ok(())
    }

    fn group(&mut self) -> Result<(), PatternError> {
        let start = self.out.len();
        let before = self.flags;
        if !self.next_if('?') {
            self.groups += 1;
            self.out.push('(');
        } else if self.group_kind()? {
            self.atom = None;
            return Ok(());
        }
        self.open.push((start, before));
        self.atom = None;
        Ok(())
    }

    /// Reads what follows `(?`. Answers whether it was flags alone, which open no group.
    fn group_kind(&mut self) -> Result<bool, PatternError> {
        let opening = match self.peek() {
            Some(':') => "(?:",
            Some('=') => "(?=",
            Some('!') => "(?!",
            Some('>') => "(?>",
            Some('<') => {
                self.at += 1;
                match self.peek() {
                    Some('=') => "(?<=",
                    Some('!') => "(?<!",
                    Some(letter) if letter.is_ascii_alphabetic() => {
                        self.named_group()?;
                        return Ok(false);
                    }
                    _ => {
                        let text = "capturing group name does not start with a Latin letter";
                        return Err(self.error_at(self.at, text));
                    }
                }
            }
            Some(_) => return self.flag_group(),
            None => return Err(self.error_at(self.at, "Unknown inline modifier")),
        };
        self.at += 1;
        self.out.push_str(opening);
        Ok(false)
    }

    fn named_group(&mut self) -> Result<(), PatternError> {
        let name = self.group_name()?;
        if self.names.contains(&name) {
            let text = format!("Named capturing group <{name}> is already defined");
            return Err(self.error_at(self.at - 1, &text));
        }
        self.groups += 1;
        self.out.push_str(&format!("(?<{name}>"));
        self.names.push(name);
        Ok(())
    }

    /// The name of a group and the `>` behind it.
    pub(super) fn group_name(&mut self) -> Result<String, PatternError> {
        let mut name = String::new();
        while let Some(letter) = self.peek().filter(char::is_ascii_alphanumeric) {
            name.push(letter);
            self.at += 1;
        }
        if self.next_if('>') {
            Ok(name)
        } else {
            let text = "named capturing group is missing trailing '>'";
            Err(self.error_at(self.at, text))
        }
    }

    /// `(?i)`, `(?-s)`, `(?i:`
    fn flag_group(&mut self) -> Result<bool, PatternError> {
        let (mut is_on, mut ignores_case) = (true, None);
        loop {
            match self.next() {
                Some('-') if is_on => is_on = false,
                Some('i') => ignores_case = Some(is_on),
                Some('s') => self.flags.dot_all = is_on,
                Some('d') => self.flags.unix_lines = is_on,
                Some('m') => self.flags.multiline = is_on,
                Some('x') => self.flags.comments = is_on,
                // Case and classes are Unicode's already where the engine compares letters.
                Some('u') => {}
                Some('U') => return Err(self.unsupported("the flag U")),
                Some(end @ (')' | ':')) => {
                    let flags = match ignores_case {
                        Some(true) => "i",
                        Some(false) => "-i",
                        None => "",
                    };
                    match (end, flags) {
                        (':', flags) => self.out.push_str(&format!("(?{flags}:")),
                        (_, "") => {}
                        (_, flags) => self.out.push_str(&format!("(?{flags})")),
                    }
                    return Ok(end == ')');
                }
                _ => {
                    return Err(self.error_at(self.at.saturating_sub(1), "Unknown inline modifier"));
                }
            }
        }
    }

    fn close(&mut self) -> Result<(), PatternError> {
        let Some((start, flags)) = self.open.pop() else {
            let index = self.at.checked_sub(2);
            return Err(self.error_at(index, "Unmatched closing ')'"));
        };
        self.out.push(')');
        self.flags = flags;
        self.atom = Some(start);
        Ok(())
    }

    fn quantifier(&mut self, letter: char) -> Result<(), PatternError> {
        let start = self.atom.take();
        let count = match (start, letter) {
            (_, '{') => self.counts()?,
            (Some(_), _) => letter.to_string(),
            (None, _) => {
                let text = format!("Dangling meta character '{letter}'");
                return Err(self.error_at(self.at - 1, &text));
            }
        };
        let is_lazy = self.next_if('?');
        let is_possessive = !is_lazy && self.next_if('+');
        // Counts without a piece before them repeat nothing.
        if let Some(start) = start {
            self.out.push_str(&count);
            if is_lazy {
                self.out.push('?');
            } else if is_possessive {
                self.out.insert_str(start, "(?>");
                self.out.push(')');
            }
        }
        Ok(())
    }

    /// `{n}`, `{n,}` or `{n,m}`, from behind the brace.
    fn counts(&mut self) -> Result<String, PatternError> {
        let mut least = String::new();
        self.digits(&mut least);
        if least.is_empty() {
            return Err(self.error_at(self.at, "Illegal repetition"));
        }
        let mut counts = format!("{{{least}");
        if self.next_if(',') {
            let mut most = String::new();
            self.digits(&mut most);
            let numbers = (least.parse::<u32>(), most.parse::<u32>());
            if matches!(numbers, (Ok(least), Ok(most)) if most < least) {
                return Err(self.error_at(self.at, "Illegal repetition range"));
            }
            counts.push(',');
            counts.push_str(&most);
        }
        if !self.next_if('}') {
            return Err(self.error_at(self.at, "Unclosed counted closure"));
        }
        counts.push('}');
        Ok(counts)
    }

    fn digits(&mut self, text: &mut String) {
        while let Some(digit) = self.peek().filter(char::is_ascii_digit) {
            text.push(digit);
            self.at += 1;
        }
    }
}

impl Flags {
    /// What a dot matches.
    fn dot(self) -> &'static str {
        if self.dot_all {
            "(?s:.)"
        } else if self.unix_lines {
            "[^\\n]"
        } else {
            "[^\\n\\r\\x{85}\\x{2028}\\x{2029}]"
        }
    }
}

/// A letter that stands for itself.
pub(super) fn push_literal(out: &mut String, letter: char) {
    if letter.is_ascii_control() {
        out.push_str(&format!("\\x{{{:x}}}", u32::from(letter)));
        return;
    }
    // Escaped angle brackets would be the edges of words.
    if letter.is_ascii_punctuation() && !matches!(letter, '<' | '>') {
        out.push('\\');
    }
    out.push(letter);
}

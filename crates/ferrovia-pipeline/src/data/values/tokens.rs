//! A text in pieces: the characters that lists and maps are written with, and what stands between them.
//!
//! # Source
//! `Values.Parser`, with its way of dropping white space between pieces

/// A text and how much of it has been read.
#[derive(Clone, Debug)]
pub(super) struct Tokens<'t> {
    text: &'t str,
    position: usize,
    /// A piece that has been looked at.
    next: Option<&'t str>,
}

impl<'t> Tokens<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            position: 0,
            next: None,
        }
    }

    pub(super) fn original(&self) -> &'t str {
        self.text
    }

    /// Where the next piece begins, to come back to.
    pub(super) fn mark(&self) -> usize {
        self.position - self.next.map_or(0, str::len)
    }

    pub(super) fn rewind_to(&mut self, position: usize) {
        self.position = position;
        self.next = None;
    }

    pub(super) fn has_next(&self) -> bool {
        self.next.is_some() || self.has_rest()
    }

    pub(super) fn next(&mut self) -> &'t str {
        match self.next.take() {
            Some(token) => token,
            None => self.consume(),
        }
    }

    /// The next `count` pieces together; nothing is read when there are fewer.
    pub(super) fn next_together(&mut self, count: usize) -> Option<&'t str> {
        let start = self.mark();
        for _ in 0..count {
            if !self.has_next() {
                self.rewind_to(start);
                return None;
            }
            self.next();
        }
        self.text.get(start..self.position)
    }

    /// Reads the next piece if it is `expected`. Pieces of white space before it are dropped in any case.
    pub(super) fn can_consume(&mut self, expected: &str) -> bool {
        let mut token = match self.next {
            Some(token) => token,
            None if self.has_rest() => self.consume(),
            None => return false,
        };
        while trim(token).is_empty() && self.has_rest() {
            token = self.consume();
        }
        let is_expected = trim(token) == expected;
        self.next = (!is_expected).then_some(token);
        is_expected
    }

    fn has_rest(&self) -> bool {
        self.position < self.text.len()
    }

    fn consume(&mut self) -> &'t str {
        let rest = self.text.get(self.position..).unwrap_or_default();
        let mut is_escaped = false;
        let mut end = rest.len();
        for (index, byte) in rest.bytes().enumerate() {
            match byte {
                b'\\' => is_escaped = !is_escaped,
                b':' | b',' | b'{' | b'}' | b'[' | b']' | b'"' if !is_escaped => {
                    end = index.max(1);
                    break;
                }
                _ => is_escaped = false,
            }
        }
        self.position += end;
        rest.get(..end).unwrap_or_default()
    }
}

/// Without what Java's `String.trim` takes away: spaces and control characters.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(|character| character <= ' ')
}

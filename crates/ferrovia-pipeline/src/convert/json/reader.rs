//! Reading JSON as Jackson does: numbers may begin with zeros, what follows the first value is ignored, of keys that come
//! twice the last counts.
//!
//! The text is checked to be UTF-8 once and then only cut, so that strings without escapes borrow from it. What the values
//! become is up to a [`Tree`].
//!
//! # Source
//! `com.fasterxml.jackson.core.json.UTF8StreamJsonParser` with `ALLOW_LEADING_ZEROS_FOR_NUMBERS`

mod fault;
mod number;
mod string;

use std::borrow::Cow;

pub(super) use fault::Fault;
pub(super) use number::{Number, double, float, wrapped};

/// How deep arrays and objects may be nested, as in Jackson.
pub(super) const MAX_DEPTH: usize = 1_000;

/// What a reader builds of the values it finds.
pub(super) trait Tree<'a>: Sized {
    /// `null`
    fn null() -> Self;
    /// `true` or `false`
    fn boolean(value: bool) -> Self;
    /// A number.
    fn number(number: Number<'a>) -> Self;
    /// A string.
    fn string(text: Cow<'a, str>) -> Self;
    /// An array.
    fn array(items: Vec<Self>) -> Self;
    /// An object without an entry yet.
    fn object() -> Self;
    /// Where in an object the value of that name belongs. Null stands there, whatever stood there before.
    fn slot(&mut self, name: Cow<'a, str>) -> &mut Self;
    /// Puts a value where null stands.
    fn fill(&mut self, value: Self);
}

/// A document and how much of it has been read.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    /// The same, if all of it is UTF-8.
    text: Option<&'a str>,
    position: usize,
    /// Where the arrays and objects begin that are open.
    depth: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            text: str::from_utf8(bytes).ok(),
            // Jackson looks for a byte order mark only where four bytes are.
            position: if bytes.len() > 3 && bytes.starts_with(b"\xef\xbb\xbf") {
                3
            } else {
                0
            },
            depth: 0,
        }
    }

    /// The first value; `None` where there is nothing but white space.
    pub(super) fn root<T: Tree<'a>>(&mut self) -> Result<Option<T>, Box<Fault>> {
        if self.peek_token()?.is_none() {
            return Ok(None);
        }
        let value = self.value()?;
        let is_number = matches!(
            self.position
                .checked_sub(1)
                .and_then(|at| self.bytes.get(at)),
            Some(b'0'..=b'9')
        );
        match self.peek() {
            Some(next) if is_number && !matches!(next, b' ' | b'\t' | b'\r' | b'\n') => {
                Err(self.unexpected(next, "Expected space separating root-level values"))
            }
            _ => Ok(Some(value)),
        }
    }

    /// The next value.
    pub(super) fn value<T: Tree<'a>>(&mut self) -> Result<T, Box<Fault>> {
        let mut value = T::null();
        self.value_into(&mut value)?;
        Ok(value)
    }

    /// The next value, built where it belongs and null stands. Values that are written piece by piece and then moved make
    /// the processor wait for the pieces: that took a tenth of the time of reading.
    fn value_into<T: Tree<'a>>(&mut self, slot: &mut T) -> Result<(), Box<Fault>> {
        match self.peek_token()? {
            Some(b'"') => {
                self.position += 1;
                slot.fill(T::string(self.string()?));
            }
            Some(b'{') => {
                slot.fill(T::object());
                self.object(|reader, name| reader.value_into(slot.slot(name)))?;
            }
            Some(b'[') => slot.fill(T::array(self.array()?)),
            Some(b'-' | b'0'..=b'9') => slot.fill(T::number(self.number()?)),
            Some(b't') => {
                self.word("true")?;
                slot.fill(T::boolean(true));
            }
            Some(b'f') => {
                self.word("false")?;
                slot.fill(T::boolean(false));
            }
            Some(b'n') => self.word("null")?,
            Some(other) => return Err(self.no_value(other)),
            None => return Err(self.end_between("Object")),
        }
        Ok(())
    }

    /// Reads an object, of which each value is read by `visit`.
    pub(super) fn object(
        &mut self,
        mut visit: impl FnMut(&mut Self, Cow<'a, str>) -> Result<(), Box<Fault>>,
    ) -> Result<(), Box<Fault>> {
        let start = self.open()?;
        let mut is_first = true;
        loop {
            match self.peek_token()? {
                Some(b'}') if is_first => break,
                Some(b'"') => self.position += 1,
                Some(b']') if is_first => return Err(self.wrong_close(b']', start)),
                Some(other) => {
                    return Err(self.unexpected_begin(
                        other,
                        "was expecting double-quote to start field name",
                    ));
                }
                None if is_first => return Err(self.end_open(start)),
                None => return Err(self.end_between("Object")),
            }
            is_first = false;
            let name = self.name()?;
            match self.peek_token()? {
                Some(b':') => self.position += 1,
                Some(other) => {
                    return Err(self.unexpected(
                        other,
                        "was expecting a colon to separate field name and value",
                    ));
                }
                None => return Err(self.end_between("Object")),
            }
            visit(self, name)?;
            match self.peek_token()? {
                Some(b',') => self.position += 1,
                Some(b'}') => break,
                Some(b']') => return Err(self.wrong_close(b']', start)),
                Some(other) => {
                    return Err(
                        self.unexpected(other, "was expecting comma to separate Object entries")
                    );
                }
                None => return Err(self.end_open(start)),
            }
        }
        self.close();
        Ok(())
    }

    fn array<T: Tree<'a>>(&mut self) -> Result<Vec<T>, Box<Fault>> {
        let start = self.open()?;
        let mut items = Vec::new();
        match self.peek_token()? {
            Some(b']') => {
                self.close();
                return Ok(items);
            }
            Some(b'}') => return Err(self.wrong_close(b'}', start)),
            None => return Err(self.end_open(start)),
            Some(_) => {}
        }
        loop {
            self.value_into(push_null(&mut items))?;
            match self.peek_token()? {
                Some(b',') => self.position += 1,
                Some(b']') => break,
                Some(b'}') => return Err(self.wrong_close(b'}', start)),
                Some(other) => {
                    return Err(
                        self.unexpected(other, "was expecting comma to separate Array entries")
                    );
                }
                None => return Err(self.end_open(start)),
            }
            if self.peek_token()?.is_none() {
                return Err(self.end_between("Array"));
            }
        }
        self.close();
        Ok(items)
    }

    fn open(&mut self) -> Result<usize, Box<Fault>> {
        let start = self.position;
        self.position += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Fault::too_much(
                "Document nesting depth",
                self.depth,
                MAX_DEPTH,
                "NestingDepth",
            ));
        }
        Ok(start)
    }

    fn close(&mut self) {
        self.position += 1;
        self.depth -= 1;
    }

    /// Reads a word. No letter or digit may follow.
    fn word(&mut self, word: &str) -> Result<(), Box<Fault>> {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let after = rest.get(word.len()).copied().unwrap_or(b' ');
        let is_part = after.is_ascii_alphanumeric() || matches!(after, b'_' | b'$' | 0x7f..);
        if rest.starts_with(word.as_bytes()) && !is_part {
            self.position += word.len();
            return Ok(());
        }
        Err(self.unknown_word())
    }

    /// The next byte.
    #[inline(always)]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.position).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.position += 1;
        }
    }

    /// The next byte that is no white space, not read yet.
    #[inline(always)]
    fn peek_token(&mut self) -> Result<Option<u8>, Box<Fault>> {
        match self.peek() {
            // Most documents are written without white space.
            Some(next) if next > b' ' => Ok(Some(next)),
            _ => self.peek_behind_space(),
        }
    }

    #[inline(never)]
    fn peek_behind_space(&mut self) -> Result<Option<u8>, Box<Fault>> {
        self.skip_space();
        match self.peek() {
            Some(control @ 0..0x20) => Err(self.control_between(control)),
            next => Ok(next),
        }
    }

    /// Where the next token begins.
    pub(super) fn token_start(&mut self) -> usize {
        self.skip_space();
        self.position
    }

    /// The bytes from `start` to where the reader stands.
    pub(super) fn since(&self, start: usize) -> &'a [u8] {
        self.bytes.get(start..self.position).unwrap_or_default()
    }

    /// Skips `known` if it comes next: a whole value that has been read before.
    pub(super) fn skip_known(&mut self, known: &[u8]) -> bool {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let is_next = !known.is_empty() && rest.starts_with(known);
        if is_next {
            self.position += known.len();
        }
        is_next
    }

    /// Whether an object comes next.
    pub(super) fn is_at_object(&mut self) -> bool {
        self.skip_space();
        self.peek() == Some(b'{')
    }
}

#[expect(
    clippy::indexing_slicing,
    reason = "the item was pushed, and no shorter way to it is stable"
)]
fn push_null<'i, 'a, T: Tree<'a>>(items: &'i mut Vec<T>) -> &'i mut T {
    let last = items.len();
    items.extend(std::iter::once_with(T::null));
    &mut items[last]
}

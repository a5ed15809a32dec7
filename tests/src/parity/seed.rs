//! Choices from a seed: the same seed makes the same cases on every machine.

/// A source of choices.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// From a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The next 64 bits (xorshift64*).
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `limit`; 0 where there is none.
    pub fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let chosen = (self.bits() >> 16).checked_rem(limit).unwrap_or(0);
        usize::try_from(chosen).unwrap_or(0)
    }

    /// True once in `times` on average.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of the choices.
    ///
    /// # Panics
    /// There are none.
    #[expect(
        clippy::indexing_slicing,
        reason = "choices are written in the source, at least one each"
    )]
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// One of the words.
    ///
    /// # Panics
    /// There are none.
    pub fn word<'a>(&mut self, words: &[&'a str]) -> &'a str {
        self.pick::<&str>(words)
    }

    /// Mostly one of the right words, now and then one of the wrong ones.
    ///
    /// # Panics
    /// There are none.
    pub fn mostly<'a>(&mut self, right: &[&'a str], wrong: &[&'a str]) -> &'a str {
        let words = if self.once_in(20) { wrong } else { right };
        self.word(words)
    }

    /// A signed number of any size, small ones as likely as large ones.
    pub fn signed(&mut self) -> i64 {
        let bits = self.bits().cast_signed();
        bits >> self.below(64)
    }

    /// Random bytes, `length` of them.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            bytes.extend_from_slice(&self.bits().to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    }
}

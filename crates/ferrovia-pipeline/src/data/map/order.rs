//! The order in which Java shows a map: that of insertion, or that of a hash table as large as Java's would be.

/// The order in which Java shows a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// That of the buckets of a table whose size is two to this power: a byte, so that a map fits into a value.
    Hash { bits: u8 },
    /// That of insertion.
    Insertion,
}

impl Order {
    /// That of a `HashMap` that was made without a size.
    pub(super) const DEFAULT: Self = Self::Hash { bits: 4 };

    /// That of `new HashMap<>(size)`.
    pub(super) fn of_table(size: usize) -> Self {
        let bits = size.max(1).next_power_of_two().trailing_zeros();
        Self::Hash {
            bits: u8::try_from(bits).unwrap_or_default(),
        }
    }

    /// How many buckets there are, if they are what counts.
    pub(super) fn buckets(self) -> Option<usize> {
        match self {
            Self::Hash { bits } => Some(1 << bits),
            Self::Insertion => None,
        }
    }

    /// Makes a table large enough for as many entries.
    #[inline]
    pub(super) fn grow_for(&mut self, entries: usize) {
        if let Self::Hash { bits } = self {
            while entries * 4 > 3 << *bits {
                *bits += 1;
            }
        }
    }
}

//! A request's body in pieces: large ones, such as record batches, are sent from where they are
//! instead of being copied together.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

/// Pieces of a body, in order; none is empty.
#[derive(Debug, Clone, Default)]
pub(crate) struct Body {
    pieces: VecDeque<Bytes>,
    remaining: usize,
}

impl Body {
    /// Adds a piece at the end.
    pub(crate) fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.remaining += piece.len();
            self.pieces.push_back(piece);
        }
    }
}

impl From<Bytes> for Body {
    fn from(whole: Bytes) -> Self {
        let mut body = Self::default();
        body.push(whole);
        body
    }
}

impl Buf for Body {
    fn remaining(&self) -> usize {
        self.remaining
    }

    fn chunk(&self) -> &[u8] {
        self.pieces.front().map_or(&[], |piece| piece)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut filled = 0;
        for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
            *slice = IoSlice::new(piece);
            filled += 1;
        }
        filled
    }

    fn advance(&mut self, mut count: usize) {
        assert!(count <= self.remaining, "a body ends with its last piece");
        self.remaining -= count;
        while count > 0
            && let Some(first) = self.pieces.front_mut()
        {
            let step = count.min(first.len());
            first.advance(step);
            count -= step;
            if first.is_empty() {
                self.pieces.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Read in steps of any size, the pieces are what they are together.
        #[test]
        fn pieces_read_as_one(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..10),
            step in 1_usize..30,
        ) {
            let whole: Vec<u8> = pieces.concat();
            let mut body = Body::default();
            for piece in pieces {
                body.push(piece.into());
            }
            let mut read = Vec::new();
            while body.has_remaining() {
                prop_assert_eq!(body.remaining(), whole.len() - read.len());
                let mut slices = [IoSlice::new(&[]); 3];
                let filled = body.chunks_vectored(&mut slices);
                let seen: Vec<u8> = slices[..filled].iter().flat_map(|it| it.to_vec()).collect();
                prop_assert!(!seen.is_empty() && seen.starts_with(body.chunk()));
                let step = step.min(seen.len());
                read.extend_from_slice(&seen[..step]);
                body.advance(step);
            }
            prop_assert_eq!(read, whole);
        }
    }
}

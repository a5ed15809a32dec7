//! Snappy, in the framing of the `snappy-java` library that Java clients write, or as one raw block, as others do.
//!
//! Framing: a 16-byte header, then blocks of a big-endian length and raw snappy. Streams may follow each other.

use std::fmt;

use crate::batch::CodecFault;
use crate::batch::scratch::Scratch;

const MAGIC: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
/// Version and lowest compatible version, both 1.
const VERSIONS: [u8; 8] = [0, 0, 0, 1, 0, 0, 0, 1];
/// Uncompressed bytes of a block, as Java writes them.
const BLOCK_BYTES: usize = 32 * 1024;
/// No element of the format becomes more than 64 bytes from 3: a block that claims more is lying.
const EXPANSION_MAX: usize = 22;

const CUT_OFF: CodecFault = CodecFault::Corrupt("snappy stream is cut off");
const MALFORMED: CodecFault = CodecFault::Corrupt("snappy block is malformed");

pub(super) fn decode(section: &[u8], scratch: &mut Scratch) -> Result<(), CodecFault> {
    if !section.starts_with(&MAGIC) {
        return decode_block(section, scratch);
    }
    let mut rest = section;
    while !rest.is_empty() {
        if let Some(header) = rest.strip_prefix(&MAGIC) {
            let (versions, after) = header.split_first_chunk::<8>().ok_or(CUT_OFF)?;
            let [v0, v1, v2, v3, ..] = *versions;
            if i32::from_be_bytes([v0, v1, v2, v3]) < 1 {
                return Err(CodecFault::Corrupt("snappy framing has an unknown version"));
            }
            rest = after;
            continue;
        }
        let (length, after) = rest.split_first_chunk().ok_or(CUT_OFF)?;
        let length = usize::try_from(i32::from_be_bytes(*length)).map_err(|_| MALFORMED)?;
        let (block, after) = after.split_at_checked(length).ok_or(CUT_OFF)?;
        decode_block(block, scratch)?;
        rest = after;
    }
    Ok(())
}

fn decode_block(block: &[u8], scratch: &mut Scratch) -> Result<(), CodecFault> {
    let size = snap::raw::decompress_len(block).map_err(|_| MALFORMED)?;
    if size > block.len().saturating_mul(EXPANSION_MAX) {
        return Err(MALFORMED);
    }
    scratch.reserve(size)?;
    let spare = scratch.spare().get_mut(..size).unwrap_or_default();
    let size = snap::raw::Decoder::new()
        .decompress(block, spare)
        .map_err(|_| MALFORMED)?;
    scratch.advance(size);
    Ok(())
}

pub(super) struct Encoder {
    blocks: snap::raw::Encoder,
}

impl Encoder {
    pub(super) fn encode(
        &mut self,
        section: &[u8],
        scratch: &mut Scratch,
    ) -> Result<(), CodecFault> {
        const LENGTH_BYTES: usize = 4;
        scratch.write(&MAGIC)?;
        scratch.write(&VERSIONS)?;
        for block in section.chunks(BLOCK_BYTES) {
            scratch.reserve(LENGTH_BYTES + snap::raw::max_compress_len(block.len()))?;
            let Some((length, spare)) = scratch.spare().split_first_chunk_mut::<LENGTH_BYTES>()
            else {
                return Err(MALFORMED);
            };
            let size = self.blocks.compress(block, spare).map_err(|_| MALFORMED)?;
            *length = u32::try_from(size).map_err(|_| MALFORMED)?.to_be_bytes();
            scratch.advance(LENGTH_BYTES + size);
        }
        Ok(())
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self {
            blocks: snap::raw::Encoder::new(),
        }
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").finish_non_exhaustive()
    }
}

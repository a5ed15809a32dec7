//! LZ4 frames, walked here block by block so that every block is decompressed straight to its place.
//!
//! Read: independent and linked blocks, every checksum that is there, content sizes as hints, frames behind each other and
//! skippable frames. Refused: dictionaries. Written: what Java writes, independent blocks of 64 KiB without checksums of
//! their own, because Java reads no linked ones and the batch has its CRC.
//!
//! # Source
//! The LZ4 frame format 1.6.4; `org.apache.kafka.common.compress.Lz4BlockInputStream`.

use std::fmt;

use lz4_flex::block::{
    CompressTable, DecompressError, compress_into_with_table, decompress_into,
    decompress_into_with_dict, get_maximum_output_size,
};
use twox_hash::XxHash32;

use crate::batch::CodecFault;
use crate::batch::scratch::Scratch;

const MAGIC: u32 = 0x184d_2204;
/// The lowest four bits of a skippable frame's magic are free.
const SKIPPABLE_MAGIC: u32 = 0x184d_2a50;
const VERSION_MASK: u8 = 0xc0;
const VERSION: u8 = 0x40;
const INDEPENDENT_FLAG: u8 = 0x20;
const BLOCK_CHECKSUM_FLAG: u8 = 0x10;
const CONTENT_SIZE_FLAG: u8 = 0x08;
const CONTENT_CHECKSUM_FLAG: u8 = 0x04;
const RESERVED_FLAG: u8 = 0x02;
const DICTIONARY_FLAG: u8 = 0x01;
/// Set in a block's length if the block is not compressed.
const STORED_BIT: u32 = 0x8000_0000;
/// How far back a linked block may refer.
const WINDOW_BYTES: usize = 64 * 1024;
/// A byte of a block stands for at most this many.
const EXPANSION_MAX: usize = 255;

/// Number of the 64 KiB block size in a frame header.
const WRITTEN_BLOCK_NUMBER: u8 = 4;
const WRITTEN_BLOCK_BYTES: usize = 64 * 1024;

const CUT_OFF: CodecFault = CodecFault::Corrupt("lz4 frame is cut off");
const MALFORMED: CodecFault = CodecFault::Corrupt("lz4 block is malformed");
const CHECKSUM: CodecFault = CodecFault::Corrupt("lz4 checksum does not match");

pub(super) fn decode(section: &[u8], scratch: &mut Scratch) -> Result<(), CodecFault> {
    let mut rest = section;
    while !rest.is_empty() {
        let (magic, after) = take_u32(rest)?;
        rest = if magic == MAGIC {
            decode_frame(after, scratch)?
        } else if magic & !0x0f == SKIPPABLE_MAGIC {
            let (length, after) = take_u32(after)?;
            after.get(length as usize..).ok_or(CUT_OFF)?
        } else {
            return Err(CodecFault::Corrupt("no lz4 frame"));
        };
    }
    Ok(())
}

/// What a frame's header says.
struct Frame {
    flags: u8,
    block_bytes_max: usize,
    content_bytes: Option<usize>,
}

impl Frame {
    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Parses the header behind the magic.
    fn parse(bytes: &[u8]) -> Result<(Self, &[u8]), CodecFault> {
        let ([flags, sizes], mut rest) = bytes.split_first_chunk().ok_or(CUT_OFF)?;
        let block_number = (sizes >> 4) & 0x07;
        let reserved = sizes & 0x8f != 0 || flags & RESERVED_FLAG != 0;
        if flags & VERSION_MASK != VERSION || reserved || block_number < WRITTEN_BLOCK_NUMBER {
            return Err(CodecFault::Corrupt("lz4 frame header is malformed"));
        }
        if flags & DICTIONARY_FLAG != 0 {
            return Err(CodecFault::Corrupt("lz4 frame needs a dictionary"));
        }
        let mut content_bytes = None;
        if flags & CONTENT_SIZE_FLAG != 0 {
            let (size, after) = rest.split_first_chunk().ok_or(CUT_OFF)?;
            content_bytes = Some(usize::try_from(u64::from_le_bytes(*size)).unwrap_or(usize::MAX));
            rest = after;
        }
        let descriptor = bytes.get(..bytes.len() - rest.len()).unwrap_or_default();
        let (checksum, rest) = rest.split_first().ok_or(CUT_OFF)?;
        if *checksum != header_checksum(descriptor) {
            return Err(CHECKSUM);
        }
        let block_bytes_max = 1 << (8 + 2 * block_number);
        Ok((
            Self {
                flags: *flags,
                block_bytes_max,
                content_bytes,
            },
            rest,
        ))
    }
}

/// Decompresses one frame from behind its magic, and gives what follows it.
fn decode_frame<'a>(bytes: &'a [u8], scratch: &mut Scratch) -> Result<&'a [u8], CodecFault> {
    let (frame, mut rest) = Frame::parse(bytes)?;
    let start = scratch.filled().len();
    scratch.expect(frame.content_bytes.unwrap_or(0))?;
    loop {
        let (length, after) = take_u32(rest)?;
        rest = after;
        if length == 0 {
            break;
        }
        let (block, after) = rest
            .split_at_checked((length & !STORED_BIT) as usize)
            .ok_or(CUT_OFF)?;
        rest = after;
        if block.len() > frame.block_bytes_max {
            return Err(MALFORMED);
        }
        if frame.has(BLOCK_CHECKSUM_FLAG) {
            rest = verify(block, rest)?;
        }
        if length & STORED_BIT != 0 {
            scratch.write(block)?;
        } else {
            decode_block(&frame, block, start, scratch)?;
        }
    }
    let content = scratch.filled().get(start..).unwrap_or_default();
    if frame
        .content_bytes
        .is_some_and(|size| size != content.len())
    {
        return Err(CodecFault::Corrupt("lz4 content size does not match"));
    }
    if frame.has(CONTENT_CHECKSUM_FLAG) {
        verify(content, rest)
    } else {
        Ok(rest)
    }
}

fn decode_block(
    frame: &Frame,
    block: &[u8],
    frame_start: usize,
    scratch: &mut Scratch,
) -> Result<(), CodecFault> {
    let wanted = block
        .len()
        .saturating_mul(EXPANSION_MAX)
        .min(frame.block_bytes_max);
    scratch.reserve_up_to(wanted);
    let over_limit = scratch.over_limit();
    let (filled, spare) = scratch.split();
    let room = wanted.min(spare.len());
    let spare = spare.get_mut(..room).unwrap_or_default();
    let size = if frame.has(INDEPENDENT_FLAG) {
        decompress_into(block, spare)
    } else {
        let history = filled.get(frame_start..).unwrap_or_default();
        let window = history
            .last_chunk::<WINDOW_BYTES>()
            .map_or(history, |window| window);
        decompress_into_with_dict(block, spare, window)
    };
    match size {
        Ok(size) => {
            scratch.advance(size);
            Ok(())
        }
        Err(DecompressError::OutputTooSmall { .. }) if room < wanted => Err(over_limit),
        Err(_) => Err(MALFORMED),
    }
}

pub(super) struct Encoder {
    table: CompressTable,
}

impl Encoder {
    pub(super) fn encode(
        &mut self,
        section: &[u8],
        scratch: &mut Scratch,
    ) -> Result<(), CodecFault> {
        const LENGTH_BYTES: usize = 4;
        let descriptor = [VERSION | INDEPENDENT_FLAG, WRITTEN_BLOCK_NUMBER << 4];
        scratch.write(&MAGIC.to_le_bytes())?;
        scratch.write(&descriptor)?;
        scratch.write(&[header_checksum(&descriptor)])?;
        for block in section.chunks(WRITTEN_BLOCK_BYTES) {
            scratch.reserve(LENGTH_BYTES + get_maximum_output_size(block.len()))?;
            let Some((length, spare)) = scratch.spare().split_first_chunk_mut::<LENGTH_BYTES>()
            else {
                return Err(MALFORMED);
            };
            let size =
                compress_into_with_table(block, spare, &mut self.table).map_err(|_| MALFORMED)?;
            if size < block.len() {
                *length = u32::try_from(size).map_err(|_| MALFORMED)?.to_le_bytes();
                scratch.advance(LENGTH_BYTES + size);
            } else {
                let stored = u32::try_from(block.len()).map_err(|_| MALFORMED)? | STORED_BIT;
                scratch.write(&stored.to_le_bytes())?;
                scratch.write(block)?;
            }
        }
        scratch.write(&[0; LENGTH_BYTES])
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self {
            table: CompressTable::large(),
        }
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").finish_non_exhaustive()
    }
}

fn take_u32(bytes: &[u8]) -> Result<(u32, &[u8]), CodecFault> {
    let (value, rest) = bytes.split_first_chunk().ok_or(CUT_OFF)?;
    Ok((u32::from_le_bytes(*value), rest))
}

/// Checks content against the checksum in front of `bytes`, and gives what follows the checksum.
fn verify<'a>(content: &[u8], bytes: &'a [u8]) -> Result<&'a [u8], CodecFault> {
    let (checksum, rest) = take_u32(bytes)?;
    if checksum == XxHash32::oneshot(0, content) {
        Ok(rest)
    } else {
        Err(CHECKSUM)
    }
}

fn header_checksum(descriptor: &[u8]) -> u8 {
    let [_, second, ..] = XxHash32::oneshot(0, descriptor).to_le_bytes();
    second
}

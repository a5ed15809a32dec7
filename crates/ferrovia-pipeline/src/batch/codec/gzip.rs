//! gzip members around raw deflate, one or several behind each other.
//!
//! The member's own header and trailer are read here, because the inflate state of a raw stream can be reused while that
//! of a gzip stream is built anew for every batch.
//!
//! # Source
//! RFC 1952.

use flate2::{Compress, Compression, Crc, Decompress, FlushCompress, FlushDecompress, Status};

use crate::batch::CodecFault;
use crate::batch::scratch::Scratch;

const ID: [u8; 2] = [0x1f, 0x8b];
const DEFLATE: u8 = 8;
const HEADER_CRC_FLAG: u8 = 0x02;
const EXTRA_FLAG: u8 = 0x04;
const NAME_FLAG: u8 = 0x08;
const COMMENT_FLAG: u8 = 0x10;
const RESERVED_FLAGS: u8 = 0xe0;
const TRAILER_BYTES: usize = 8;
/// What Kafka's producer writes: no name, no time, no particular system.
const HEADER: [u8; 10] = [0x1f, 0x8b, DEFLATE, 0, 0, 0, 0, 0, 0, 0xff];

const CUT_OFF: CodecFault = CodecFault::Corrupt("gzip stream is cut off");

#[derive(Debug)]
pub(super) struct Decoder {
    inflate: Decompress,
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self {
            inflate: Decompress::new(false),
        }
    }

    pub(super) fn decode(
        &mut self,
        section: &[u8],
        scratch: &mut Scratch,
    ) -> Result<(), CodecFault> {
        if let Some(size) = section.last_chunk() {
            // Of several members it is the last one's size, and of a large one the low 32 bits: a hint and no more.
            let _ = scratch.expect(u32::from_le_bytes(*size) as usize);
        }
        let mut rest = section;
        loop {
            rest = self.decode_member(skip_header(rest)?, scratch)?;
            if rest.is_empty() {
                return Ok(());
            }
        }
    }

    /// Inflates one member from behind its header, and gives what follows its trailer.
    fn decode_member<'a>(
        &mut self,
        member: &'a [u8],
        scratch: &mut Scratch,
    ) -> Result<&'a [u8], CodecFault> {
        self.inflate.reset(false);
        let start = scratch.filled().len();
        let mut rest = member;
        loop {
            let (consumed, produced) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self
                .inflate
                .decompress(rest, scratch.spare(), FlushDecompress::Finish)
                .map_err(|_| CodecFault::Corrupt("deflate stream is malformed"))?;
            let consumed = self.inflate.total_in() - consumed;
            let produced = self.inflate.total_out() - produced;
            let consumed = usize::try_from(consumed).unwrap_or(usize::MAX);
            rest = rest.get(consumed..).unwrap_or_default();
            scratch.advance(usize::try_from(produced).unwrap_or(usize::MAX));
            if status == Status::StreamEnd {
                break;
            }
            if consumed == 0 && produced == 0 {
                if !scratch.spare().is_empty() {
                    return Err(CUT_OFF);
                }
                scratch.reserve(1)?;
            }
        }
        let (trailer, rest) = rest.split_first_chunk::<TRAILER_BYTES>().ok_or(CUT_OFF)?;
        let member = scratch.filled().get(start..).unwrap_or_default();
        if *trailer == trailer_of(member) {
            Ok(rest)
        } else {
            Err(CodecFault::Corrupt("gzip checksum does not match"))
        }
    }
}

#[derive(Debug)]
pub(super) struct Encoder {
    deflate: Compress,
}

impl Encoder {
    /// Levels 1 to 9; others mean the default, 6.
    pub(super) fn new(level: Option<i32>) -> Self {
        let level = level
            .and_then(|level| u32::try_from(level).ok())
            .filter(|level| *level <= 9);
        let level = level.map_or_else(Compression::default, Compression::new);
        Self {
            deflate: Compress::new(level, false),
        }
    }

    pub(super) fn encode(
        &mut self,
        section: &[u8],
        scratch: &mut Scratch,
    ) -> Result<(), CodecFault> {
        scratch.write(&HEADER)?;
        self.deflate.reset();
        let mut rest = section;
        loop {
            scratch.reserve(rest.len() / 2 + 64)?;
            let (consumed, produced) = (self.deflate.total_in(), self.deflate.total_out());
            let status = self
                .deflate
                .compress(rest, scratch.spare(), FlushCompress::Finish)
                .map_err(|_| CodecFault::Corrupt("deflate failed"))?;
            let consumed = self.deflate.total_in() - consumed;
            let produced = self.deflate.total_out() - produced;
            rest = rest
                .get(usize::try_from(consumed).unwrap_or(usize::MAX)..)
                .unwrap_or_default();
            scratch.advance(usize::try_from(produced).unwrap_or(usize::MAX));
            if status == Status::StreamEnd {
                return scratch.write(&trailer_of(section));
            }
        }
    }
}

/// Checksum and size of a member's content.
fn trailer_of(content: &[u8]) -> [u8; TRAILER_BYTES] {
    let mut crc = Crc::new();
    crc.update(content);
    let [a, b, c, d] = crc.sum().to_le_bytes();
    let [e, f, g, h] = crc.amount().to_le_bytes();
    [a, b, c, d, e, f, g, h]
}

/// Passes over a member's header, whatever optional fields it has.
fn skip_header(member: &[u8]) -> Result<&[u8], CodecFault> {
    let (fixed, mut rest) = member.split_first_chunk::<10>().ok_or(CUT_OFF)?;
    let [id1, id2, method, flags, ..] = *fixed;
    if [id1, id2] != ID || method != DEFLATE || flags & RESERVED_FLAGS != 0 {
        return Err(CodecFault::Corrupt("no gzip header"));
    }
    if flags & EXTRA_FLAG != 0 {
        let (length, after) = rest.split_first_chunk().ok_or(CUT_OFF)?;
        rest = after
            .get(usize::from(u16::from_le_bytes(*length))..)
            .ok_or(CUT_OFF)?;
    }
    for flag in [NAME_FLAG, COMMENT_FLAG] {
        if flags & flag != 0 {
            let end = rest.iter().position(|byte| *byte == 0).ok_or(CUT_OFF)?;
            rest = rest.get(end + 1..).ok_or(CUT_OFF)?;
        }
    }
    if flags & HEADER_CRC_FLAG != 0 {
        rest = rest.get(2..).ok_or(CUT_OFF)?;
    }
    Ok(rest)
}

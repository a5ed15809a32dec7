//! The bytes of a standalone worker's file of offsets: a `HashMap<byte[], byte[]>` as Java serialises it.
//!
//! Java's workers write and read the same files. Exactly this shape is read, whatever table it was written from; every
//! length is held against the bytes that are there before anything is reserved for it.
//!
//! # Source
//! `FileOffsetBackingStore` of Kafka 4.2, `java.util.HashMap.writeObject`, and the Java Object Serialization
//! Specification, chapter 6

use bytes::Bytes;

/// An offset by the bytes of its key; `None` where it was forgotten.
pub(super) type Entry = (Bytes, Option<Bytes>);

/// Why a file is no such map.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum JavaFileError {
    /// It ends too early. Java takes that for an empty map.
    #[error("the file ends in the middle")]
    CutOff,
    /// It is something else, in Java's words.
    #[error("{0}")]
    Invalid(String),
}

/// The entries of a map, in the order of the file. Those without a key are left out.
///
/// # Errors
/// [`JavaFileError`], for whatever the bytes are.
pub(super) fn read(file: &Bytes) -> Result<Vec<Entry>, JavaFileError> {
    let mut reader = Reader {
        file,
        at: 0,
        arrays: Vec::new(),
    };
    reader.header()?;
    reader.map_class()?;
    let load_factor = f32::from_be_bytes(reader.take()?);
    let _threshold = reader.int()?;
    reader.expect(TC_BLOCKDATA)?;
    reader.expect(MAP_BLOCK_BYTES)?;
    let (_buckets, count) = reader.map_block()?;
    if load_factor <= 0.0 || load_factor.is_nan() {
        let text = format!("java.io.InvalidObjectException: Illegal load factor: {load_factor:?}");
        return Err(JavaFileError::Invalid(text));
    }
    let Ok(count) = usize::try_from(count) else {
        let text = format!("java.io.InvalidObjectException: Illegal mappings count: {count}");
        return Err(JavaFileError::Invalid(text));
    };
    let mut entries = Vec::new();
    for _ in 0..count {
        let key = reader.array()?;
        let value = reader.array()?;
        entries.extend(key.map(|key| (key, value)));
    }
    reader.expect(TC_ENDBLOCKDATA)?;
    Ok(entries)
}

/// The bytes of a map with these entries; `None` where they are too many or too long for one.
pub(super) fn written<'e>(
    entries: impl ExactSizeIterator<Item = (&'e Bytes, &'e Bytes)>,
) -> Option<Vec<u8>> {
    let count = i32::try_from(entries.len()).ok()?;
    let (buckets, threshold) = table(count);
    let mut file = Vec::new();
    file.extend(MAGIC);
    file.extend([TC_OBJECT]);
    file.extend(MAP_CLASS);
    file.extend(LOAD_FACTOR.to_be_bytes());
    file.extend(threshold.to_be_bytes());
    file.extend([TC_BLOCKDATA, MAP_BLOCK_BYTES]);
    file.extend(buckets.to_be_bytes());
    file.extend(count.to_be_bytes());
    let mut is_class_known = false;
    for array in entries.flat_map(|(key, value)| [key, value]) {
        file.push(TC_ARRAY);
        if is_class_known {
            file.push(TC_REFERENCE);
            file.extend(ARRAY_CLASS_HANDLE.to_be_bytes());
        } else {
            file.extend(ARRAY_CLASS);
            is_class_known = true;
        }
        file.extend(i32::try_from(array.len()).ok()?.to_be_bytes());
        file.extend_from_slice(array);
    }
    file.push(TC_ENDBLOCKDATA);
    Some(file)
}

/// The size of the table that Java's map has for so many entries, and how many it would take.
fn table(count: i32) -> (i32, i32) {
    if count == 0 {
        return (TABLE_MIN, 0);
    }
    let mut buckets = TABLE_MIN;
    while buckets / 4 * 3 < count && buckets <= i32::MAX / 2 {
        buckets *= 2;
    }
    (buckets, buckets / 4 * 3)
}

/// Walks through a file.
struct Reader<'f> {
    file: &'f Bytes,
    at: usize,
    /// The arrays so far, by their handles.
    arrays: Vec<(u32, Bytes)>,
}

impl Reader<'_> {
    fn bytes(&mut self, count: usize) -> Result<Bytes, JavaFileError> {
        let end = self.at.checked_add(count).ok_or(JavaFileError::CutOff)?;
        if end > self.file.len() {
            return Err(JavaFileError::CutOff);
        }
        let bytes = self.file.slice(self.at..end);
        self.at = end;
        Ok(bytes)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], JavaFileError> {
        let bytes = self.bytes(N)?;
        <[u8; N]>::try_from(&*bytes).map_err(|_| JavaFileError::CutOff)
    }

    fn byte(&mut self) -> Result<u8, JavaFileError> {
        let [byte] = self.take()?;
        Ok(byte)
    }

    fn int(&mut self) -> Result<i32, JavaFileError> {
        self.take().map(i32::from_be_bytes)
    }

    fn expect(&mut self, code: u8) -> Result<(), JavaFileError> {
        match self.byte()? {
            found if found == code => Ok(()),
            found => Err(unexpected(found)),
        }
    }

    fn header(&mut self) -> Result<(), JavaFileError> {
        let found: [u8; 4] = self.take()?;
        if found == MAGIC {
            return Ok(());
        }
        let found = u32::from_be_bytes(found);
        Err(JavaFileError::Invalid(format!(
            "java.io.StreamCorruptedException: invalid stream header: {found:08X}"
        )))
    }

    /// The beginning of an object of the class `HashMap`.
    fn map_class(&mut self) -> Result<(), JavaFileError> {
        let other = |class: &str| {
            let text = format!("Expected HashMap but found class {class}");
            Err(JavaFileError::Invalid(text))
        };
        match self.byte()? {
            TC_OBJECT => {}
            TC_STRING => return other("java.lang.String"),
            TC_ARRAY => return other("[B"),
            TC_NULL => return other("null"),
            found => return Err(unexpected(found)),
        }
        let begin = self.at;
        self.expect(TC_CLASSDESC)?;
        let length = u16::from_be_bytes(self.take()?);
        let name = self.bytes(usize::from(length))?;
        if &*name != MAP_CLASS_NAME {
            return other(&String::from_utf8_lossy(&name));
        }
        self.at = begin;
        if *self.bytes(MAP_CLASS.len())? != MAP_CLASS {
            let text = "java.io.InvalidClassException: java.util.HashMap; local class incompatible";
            return Err(JavaFileError::Invalid(text.to_owned()));
        }
        Ok(())
    }

    /// How many buckets and entries the map has.
    fn map_block(&mut self) -> Result<(i32, i32), JavaFileError> {
        if self.file.len() - self.at < usize::from(MAP_BLOCK_BYTES) {
            let text = "java.io.StreamCorruptedException: unexpected EOF in middle of data block";
            return Err(JavaFileError::Invalid(text.to_owned()));
        }
        Ok((self.int()?, self.int()?))
    }

    /// An array of bytes, one of those before, or null.
    fn array(&mut self) -> Result<Option<Bytes>, JavaFileError> {
        match self.byte()? {
            TC_NULL => Ok(None),
            TC_REFERENCE => {
                let handle = u32::from_be_bytes(self.take()?);
                let known = self
                    .arrays
                    .binary_search_by_key(&handle, |(known, _)| *known);
                let array = known.ok().and_then(|at| self.arrays.get(at));
                match array {
                    Some((_, array)) => Ok(Some(array.clone())),
                    None => Err(JavaFileError::Invalid(format!(
                        "java.io.StreamCorruptedException: invalid handle value: {handle:08X}"
                    ))),
                }
            }
            TC_ARRAY => self.new_array().map(Some),
            TC_ENDBLOCKDATA => Err(JavaFileError::Invalid(
                "java.io.OptionalDataException".to_owned(),
            )),
            found => Err(unexpected(found)),
        }
    }

    fn new_array(&mut self) -> Result<Bytes, JavaFileError> {
        if self.arrays.is_empty() {
            if *self.bytes(ARRAY_CLASS.len())? != ARRAY_CLASS {
                return Err(not_bytes());
            }
        } else {
            self.expect(TC_REFERENCE)?;
            if u32::from_be_bytes(self.take()?) != ARRAY_CLASS_HANDLE {
                return Err(not_bytes());
            }
        }
        let length = self.int()?;
        let Ok(length) = usize::try_from(length) else {
            let text = format!("java.lang.NegativeArraySizeException: {length}");
            return Err(JavaFileError::Invalid(text));
        };
        let array = self.bytes(length)?;
        let last = self
            .arrays
            .last()
            .map_or(ARRAY_CLASS_HANDLE, |(last, _)| *last);
        self.arrays.push((last.saturating_add(1), array.clone()));
        Ok(array)
    }
}

fn unexpected(code: u8) -> JavaFileError {
    JavaFileError::Invalid(format!(
        "java.io.StreamCorruptedException: invalid type code: {code:02X}"
    ))
}

fn not_bytes() -> JavaFileError {
    JavaFileError::Invalid(
        "java.lang.ClassCastException: a key or an offset is no array of bytes".to_owned(),
    )
}

const MAGIC: [u8; 4] = [0xac, 0xed, 0x00, 0x05];
const TC_NULL: u8 = 0x70;
const TC_REFERENCE: u8 = 0x71;
const TC_CLASSDESC: u8 = 0x72;
const TC_OBJECT: u8 = 0x73;
const TC_STRING: u8 = 0x74;
const TC_ARRAY: u8 = 0x75;
const TC_BLOCKDATA: u8 = 0x77;
const TC_ENDBLOCKDATA: u8 = 0x78;

const MAP_CLASS_NAME: &[u8] = b"java.util.HashMap";
/// The description of `java.util.HashMap`: name, `serialVersionUID` 362498820763181265, "has a method to write itself",
/// the fields `float loadFactor` and `int threshold`, no annotation, no super class.
const MAP_CLASS: [u8; 58] =
    *b"\x72\x00\x11java.util.HashMap\x05\x07\xda\xc1\xc3\x16\x60\xd1\x03\x00\x02F\x00\x0aloadFactorI\x00\x09threshold\x78\x70";
/// What the map writes of itself before its entries: how many buckets and entries it has.
const MAP_BLOCK_BYTES: u8 = 8;
/// The description of `byte[]`: name, `serialVersionUID`, no field.
const ARRAY_CLASS: [u8; 18] =
    *b"\x72\x00\x02[B\xac\xf3\x17\xf8\x06\x08\x54\xe0\x02\x00\x00\x78\x70";
/// The number of that description, behind the map's class and the map.
const ARRAY_CLASS_HANDLE: u32 = 0x007e_0002;
const LOAD_FACTOR: f32 = 0.75;
/// Buckets of a map that has few entries.
const TABLE_MIN: i32 = 16;

#[cfg(test)]
mod tests;

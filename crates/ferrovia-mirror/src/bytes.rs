//! The bytes of the connectors' own records, as Kafka's schema types have them: numbers with the high byte first, text
//! behind a 16-bit length.
//!
//! # Source
//! `org.apache.kafka.common.protocol.types.Type`

/// Why bytes are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BytesError {
    /// They end too soon.
    #[error("the record ends too soon")]
    Short,
    /// A text's length is negative or its bytes are not text.
    #[error("the record holds a text that is none")]
    Text,
    /// The version is not known.
    #[error("the record has version {0}, and 0 is known")]
    Version(i16),
}

/// Writes fields.
#[derive(Debug, Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn short(mut self, number: i16) -> Self {
        self.0.extend(number.to_be_bytes());
        self
    }

    pub(crate) fn int(mut self, number: i32) -> Self {
        self.0.extend(number.to_be_bytes());
        self
    }

    pub(crate) fn long(mut self, number: i64) -> Self {
        self.0.extend(number.to_be_bytes());
        self
    }

    /// Writes a text, of which no more than [`TEXT_BYTES_MAX`] bytes can be written: names of topics and groups are
    /// shorter, and the brokers limit remarks of committers.
    pub(crate) fn text(self, text: &str) -> Self {
        let mut end = text.len().min(TEXT_BYTES_MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = text.get(..end).unwrap_or_default();
        let mut written = self.short(i16::try_from(text.len()).unwrap_or(0));
        written.0.extend(text.as_bytes());
        written
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// Reads fields.
#[derive(Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn short(&mut self) -> Result<i16, BytesError> {
        Ok(i16::from_be_bytes(self.array()?))
    }

    pub(crate) fn int(&mut self) -> Result<i32, BytesError> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    pub(crate) fn long(&mut self) -> Result<i64, BytesError> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, BytesError> {
        let length = usize::try_from(self.short()?).map_err(|_| BytesError::Text)?;
        let (text, rest) = self.0.split_at_checked(length).ok_or(BytesError::Short)?;
        self.0 = rest;
        std::str::from_utf8(text).map_err(|_| BytesError::Text)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BytesError> {
        let (array, rest) = self.0.split_first_chunk().ok_or(BytesError::Short)?;
        self.0 = rest;
        Ok(*array)
    }
}

/// The longest text that its length can tell of.
const TEXT_BYTES_MAX: usize = 32_767;

#[cfg(test)]
mod tests;

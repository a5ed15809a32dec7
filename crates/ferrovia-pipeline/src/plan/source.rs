//! What happens to each record between a source and its bytes, worked out once when a task starts.

use smallvec::SmallVec;

use crate::batch::HeaderRef;
use crate::convert::{Converter, HeaderConverter, Written};
use crate::data::{Header, Headers, Record, SchemaAndValue};
use crate::error::ConnectError;
use crate::errors::{Failure, Stage};
use crate::transform::TransformationChain;

/// The steps from a source's record to the bytes that are produced.
#[derive(Debug)]
pub struct SourcePlan {
    key: Converter,
    value: Converter,
    headers: HeaderConverter,
    chain: TransformationChain,
}

/// The bytes of a record: those of the record itself where they are stored as they are, else in the room for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordBytes<'r> {
    /// The key.
    pub key: Option<&'r [u8]>,
    /// The value.
    pub value: Option<&'r [u8]>,
    /// The headers, in order.
    pub headers: SmallVec<[HeaderRef<'r>; USUAL_HEADERS]>,
}

/// Headers of a record that are kept without asking for memory.
const USUAL_HEADERS: usize = 4;

impl SourcePlan {
    /// The plan of a task with these converters and transformations.
    pub fn new(
        key: Converter,
        value: Converter,
        headers: HeaderConverter,
        chain: TransformationChain,
    ) -> Self {
        Self {
            key,
            value,
            headers,
            chain,
        }
    }

    /// Whether there is any transformation.
    pub fn has_transformations(&self) -> bool {
        !self.chain.is_empty()
    }

    /// Whether records whose keys, values and headers are bytes leave as they came.
    pub fn is_verbatim(&self) -> bool {
        let keeps_bytes = |converter: &Converter| matches!(converter, Converter::ByteArray);
        let HeaderConverter::Converter(headers) = &self.headers else {
            return false;
        };
        let converters = [&self.key, &self.value, headers];
        self.chain.is_empty() && converters.into_iter().all(keeps_bytes)
    }

    /// Transforms a record: `None` when a transformation dropped it. What has become of a record that cannot be
    /// transformed is nothing to look at.
    ///
    /// # Errors
    /// Where it failed, and why.
    pub fn transform<'a>(&mut self, record: Record<'a>) -> Result<Option<Record<'a>>, Failure> {
        let transformed = self.chain.apply(record);
        transformed.map_err(|at| Failure {
            stage: Stage::Transformation,
            class: at.class,
            error: at.error,
        })
    }

    /// Converts a record as it is after its transformations: headers first, then key and value. What has to be written goes
    /// to `room`, whose old contents go.
    ///
    /// # Errors
    /// Where it failed, and why. The error is never retriable: no built-in converter asks anybody.
    ///
    /// # Source
    /// `AbstractWorkerSourceTask.convertTransformedRecord`, for the order of the steps
    pub fn convert<'r>(
        &self,
        key: &'r SchemaAndValue<'_>,
        value: &'r SchemaAndValue<'_>,
        headers: &'r Headers<'_>,
        room: &'r mut Vec<u8>,
    ) -> Result<RecordBytes<'r>, Failure> {
        let failed = |stage, class| {
            move |error: ConnectError| Failure {
                stage,
                class,
                error,
            }
        };
        room.clear();
        let ends = self.write_headers(headers, room);
        let ends = ends.map_err(failed(Stage::HeaderConverter, self.headers.class()))?;
        let headers_end = room.len();
        let key = self.key.write(room, key.schema.as_ref(), &key.value);
        let key = key.map_err(failed(Stage::KeyConverter, self.key.class()))?;
        let key_end = room.len();
        let value = self.value.write(room, value.schema.as_ref(), &value.value);
        let value = value.map_err(failed(Stage::ValueConverter, self.value.class()))?;

        let (headers_room, rest) = room.split_at_checked(headers_end).unwrap_or_default();
        let (key_room, value_room) = rest
            .split_at_checked(key_end - headers_end)
            .unwrap_or_default();
        Ok(RecordBytes {
            key: bytes(key, key_room),
            value: bytes(value, value_room),
            headers: header_refs(headers, ends, headers_room),
        })
    }

    /// Writes the values of headers one behind the other, and answers where each ends that is not null.
    fn write_headers(
        &self,
        headers: &Headers<'_>,
        room: &mut Vec<u8>,
    ) -> Result<SmallVec<[Option<usize>; USUAL_HEADERS]>, ConnectError> {
        let write = |header: &Header<'_>| {
            let SchemaAndValue { schema, value } = &header.value;
            let is_there = self.headers.write(room, schema.as_ref(), value)?;
            Ok(is_there.then_some(room.len()))
        };
        headers.iter().map(write).collect()
    }
}

fn bytes<'r>(written: Written<'r>, room: &'r [u8]) -> Option<&'r [u8]> {
    match written {
        Written::Null => None,
        Written::AsIs(bytes) => Some(bytes),
        Written::Appended => Some(room),
    }
}

fn header_refs<'r>(
    headers: &'r Headers<'_>,
    ends: SmallVec<[Option<usize>; USUAL_HEADERS]>,
    room: &'r [u8],
) -> SmallVec<[HeaderRef<'r>; USUAL_HEADERS]> {
    let mut rest = room;
    let mut start = 0;
    let header = |(header, end): (&'r Header<'_>, Option<usize>)| HeaderRef {
        key: header.key.as_bytes(),
        value: end.map(|end| {
            let (bytes, behind) = rest.split_at_checked(end - start).unwrap_or_default();
            (rest, start) = (behind, end);
            bytes
        }),
    };
    headers.iter().zip(ends).map(header).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::convert::ConverterRole;
    use crate::data::{Map, Origin, Schema, SchemaAndValue, SchemaType, Value};

    fn converter(class: &str) -> Converter {
        let settings = BTreeMap::from([("schemas.enable".to_owned(), "false".to_owned())]);
        let made = Converter::from_class(class, &settings, ConverterRole::Value);
        made.unwrap().unwrap()
    }

    fn plan(key: &str, value: &str, transforms: &[(&str, &str)]) -> SourcePlan {
        let settings: BTreeMap<String, String> = transforms
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        SourcePlan::new(
            converter(key),
            converter(value),
            HeaderConverter::Simple,
            TransformationChain::from_settings(&settings).unwrap(),
        )
    }

    fn record<'a>(map: &'a Map<'static>, value: Value<'a>) -> Record<'a> {
        let mut headers = Headers::new();
        headers.add("h", SchemaAndValue::new(None, Value::Int32(5)));
        headers.add("n", SchemaAndValue::NULL);
        headers.add("e", SchemaAndValue::new(None, Value::text("")));
        headers.add("t", SchemaAndValue::new(None, Value::text("text")));
        Record {
            topic: "t".into(),
            partition: None,
            key: SchemaAndValue::new(Schema::of(SchemaType::String), Value::text("k")),
            value: SchemaAndValue::new(None, value),
            timestamp: None,
            headers,
            origin: Origin::Source {
                partition: map,
                offset: map,
            },
        }
    }

    fn convert<'r>(
        plan: &SourcePlan,
        record: &'r Record<'_>,
        room: &'r mut Vec<u8>,
    ) -> Result<RecordBytes<'r>, Failure> {
        plan.convert(&record.key, &record.value, &record.headers, room)
    }

    #[test]
    fn text_is_borrowed_and_headers_keep_their_order() {
        let map = Map::new();
        let record = record(&map, Value::text("v"));
        let mut room = b"of another".to_vec();
        let plan = plan("StringConverter", "StringConverter", &[]);
        let bytes = convert(&plan, &record, &mut room).unwrap();
        assert_eq!(bytes.key, Some(b"k".as_slice()));
        assert_eq!(bytes.value, Some(b"v".as_slice()));
        let header = |key: &'static str, value: Option<&'static str>| HeaderRef {
            key: key.as_bytes(),
            value: value.map(str::as_bytes),
        };
        let all = [
            header("h", Some("5")),
            header("n", None),
            header("e", Some("")),
            header("t", Some("text")),
        ];
        assert_eq!(bytes.headers[..], all);
    }

    #[test]
    fn json_is_written_and_null_is_a_tombstone() {
        let map = Map::new();
        let mut value = Map::new();
        value.put("a", Value::Int64(1));
        let plan = plan("StringConverter", "JsonConverter", &[]);
        let object = record(&map, Value::Map(value));
        let mut room = Vec::new();
        assert_eq!(
            convert(&plan, &object, &mut room).unwrap().value,
            Some(br#"{"a":1}"#.as_slice())
        );
        let null = record(&map, Value::Null);
        assert_eq!(convert(&plan, &null, &mut room).unwrap().value, None);
    }

    #[test]
    fn failure_says_where_and_headers_come_first() {
        let map = Map::new();
        let record = record(&map, Value::Int64(1));
        let failed = |plan: SourcePlan| {
            let failure = convert(&plan, &record, &mut Vec::new()).unwrap_err();
            (failure.stage, failure.class.rsplit('.').next().unwrap())
        };
        let value = plan("StringConverter", "ByteArrayConverter", &[]);
        assert_eq!(failed(value), (Stage::ValueConverter, "ByteArrayConverter"));
        let key = plan("ByteArrayConverter", "ByteArrayConverter", &[]);
        assert_eq!(failed(key), (Stage::KeyConverter, "ByteArrayConverter"));
        let mut headers = plan("ByteArrayConverter", "ByteArrayConverter", &[]);
        headers.headers = HeaderConverter::Converter(converter("BooleanConverter"));
        assert_eq!(
            failed(headers),
            (Stage::HeaderConverter, "BooleanConverter")
        );
    }

    #[test]
    fn transformations_rename_and_drop() {
        let route = [
            ("transforms", "r"),
            ("transforms.r.type", "RegexRouter"),
            ("transforms.r.regex", "(.*)"),
            ("transforms.r.replacement", "$1-x"),
        ];
        let map = Map::new();
        let mut routed = plan("StringConverter", "StringConverter", &route);
        assert!(routed.has_transformations());
        let renamed = routed.transform(record(&map, Value::Null)).unwrap();
        assert_eq!(renamed.unwrap().topic, "t-x");
        let drop = [("transforms", "f"), ("transforms.f.type", "Filter")];
        let mut dropped = plan("StringConverter", "StringConverter", &drop);
        assert!(
            dropped
                .transform(record(&map, Value::Null))
                .unwrap()
                .is_none()
        );
    }
}

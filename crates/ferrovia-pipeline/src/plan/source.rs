//! What happens to each record between a source and its bytes, worked out once when a task starts.

use crate::batch::{Fields, RawHeaders, append_header};
use crate::convert::{Converter, HeaderConverter, Written};
use crate::data::{Headers, Record, SchemaAndValue};
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
    /// to `room`, whose old contents go; bytes that are stored as they are stay in the record.
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
    ) -> Result<Fields<'r>, Failure> {
        let failed = |stage, class| {
            move |error: ConnectError| Failure {
                stage,
                class,
                error,
            }
        };
        room.clear();
        for header in headers {
            let SchemaAndValue { schema, value } = &header.value;
            let write = |room: &mut Vec<u8>| self.headers.write(room, schema.as_ref(), value);
            append_header(room, header.key.as_bytes(), write)
                .map_err(failed(Stage::HeaderConverter, self.headers.class()))?;
        }
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
        Ok(Fields::with_raw_headers(
            bytes(key, key_room),
            bytes(value, value_room),
            RawHeaders::of_appended(headers.len(), headers_room),
        ))
    }
}

fn bytes<'r>(written: Written<'r>, room: &'r [u8]) -> Option<&'r [u8]> {
    match written {
        Written::Null => None,
        Written::AsIs(bytes) => Some(bytes),
        Written::Appended => Some(room),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bytes::Bytes;

    use super::*;
    use crate::batch::{BatchOptions, BatchWriter, HeaderRef, Seal};
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
    ) -> Result<Fields<'r>, Failure> {
        plan.convert(&record.key, &record.value, &record.headers, room)
    }

    /// A batch of one record, byte by byte.
    fn batch(fields: &Fields<'_>) -> Bytes {
        let mut writer = BatchWriter::new(BatchOptions::default());
        writer.append_fields(1, fields).unwrap();
        writer.seal(Seal::default()).unwrap()
    }

    /// What [`record`] comes to with this value.
    fn expected(value: Option<&[u8]>) -> Bytes {
        let header = |key: &'static str, value: Option<&'static str>| HeaderRef {
            key: key.as_bytes(),
            value: value.map(str::as_bytes),
        };
        let headers = [
            header("h", Some("5")),
            header("n", None),
            header("e", Some("")),
            header("t", Some("text")),
        ];
        batch(&Fields::new(Some(b"k"), value, &headers))
    }

    #[test]
    fn text_is_borrowed_and_headers_keep_their_order() {
        let map = Map::new();
        let record = record(&map, Value::text("v"));
        let mut room = b"of another".to_vec();
        let plan = plan("StringConverter", "StringConverter", &[]);
        let fields = convert(&plan, &record, &mut room).unwrap();
        assert_eq!(batch(&fields), expected(Some(b"v")));
    }

    #[test]
    fn json_is_written_and_null_is_a_tombstone() {
        let map = Map::new();
        let mut value = Map::new();
        value.put("a", Value::Int64(1));
        let plan = plan("StringConverter", "JsonConverter", &[]);
        let object = record(&map, Value::Map(value));
        let mut room = Vec::new();
        let fields = convert(&plan, &object, &mut room).unwrap();
        assert_eq!(batch(&fields), expected(Some(br#"{"a":1}"#)));
        let null = record(&map, Value::Null);
        let fields = convert(&plan, &null, &mut room).unwrap();
        assert_eq!(batch(&fields), expected(None));
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

//! Layouts are held against the decoder: messages made up from a layout must decode, and damaged
//! ones that still pass the walk must neither panic nor make the decoder reserve what is not there.

use bytes::{BufMut, Bytes};
use fastrand::Rng;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::Decodable;

use super::*;
use crate::wire::api::{Api, ApiInfo};

/// Makes up a message of a layout.
struct Author {
    rng: Rng,
    version: i16,
    flexible: bool,
    out: Vec<u8>,
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "lengths of made-up messages are tiny"
)]
impl Author {
    fn write(api: &ApiInfo, version: i16, seed: u64) -> Vec<u8> {
        let flexible = api.is_flexible(version);
        let mut author = Self {
            rng: Rng::with_seed(seed),
            version,
            flexible,
            out: Vec::new(),
        };
        author.fields(api.shape.fields);
        author.out
    }

    fn fields(&mut self, fields: &[Field]) {
        let version = self.version;
        for field in fields
            .iter()
            .filter(|f| f.tag.is_none() && f.is_in(version))
        {
            self.value(&field.kind, field.nullable);
        }
        if !self.flexible {
            return;
        }
        let mut tagged: Vec<(u32, Vec<u8>)> = Vec::new();
        for field in fields.iter().filter(|f| f.is_in(version)) {
            let Some(tag) = field.tag.filter(|_| self.rng.bool()) else {
                continue;
            };
            let before = std::mem::take(&mut self.out);
            self.value(&field.kind, field.nullable);
            tagged.push((tag, std::mem::replace(&mut self.out, before)));
        }
        if self.rng.u8(..) < 20 {
            tagged.push((77, vec![1, 2, 3]));
        }
        self.varint(tagged.len() as u32);
        for (tag, bytes) in tagged {
            self.varint(tag);
            self.varint(bytes.len() as u32);
            self.out.extend(bytes);
        }
    }

    fn value(&mut self, kind: &Kind, nullable: bool) {
        match kind {
            Kind::Bool => self.out.put_u8(self.rng.u8(..2)),
            Kind::I8 => self.out.put_u8(self.rng.u8(..)),
            Kind::I16 => self.out.put_i16(self.rng.i16(..)),
            Kind::I32 | Kind::Throttle => self.out.put_i32(self.rng.i32(..)),
            Kind::I64 => self.out.put_i64(self.rng.i64(..)),
            Kind::Uuid => self.out.put_u128(self.rng.u128(..)),
            Kind::Text | Kind::Blob => {
                let wide = matches!(kind, Kind::Blob);
                if nullable && self.rng.bool() {
                    return self.length(-1, wide);
                }
                let text = "abcdefgh";
                let length = self.rng.usize(..text.len());
                self.length(length as i32, wide);
                self.out.extend(&text.as_bytes()[..length]);
            }
            Kind::Array(element) => {
                let count = if nullable && self.rng.bool() {
                    -1
                } else {
                    self.rng.i32(0..3)
                };
                self.length(count, true);
                (0..count).for_each(|_| self.value(element, false));
            }
            Kind::Struct(fields) => self.fields(fields),
        }
    }

    fn length(&mut self, length: i32, wide: bool) {
        if self.flexible {
            self.varint((length + 1) as u32);
        } else if wide {
            self.out.put_i32(length);
        } else {
            self.out.put_i16(length as i16);
        }
    }

    fn varint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.out.put_u8(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.put_u8(value as u8);
    }
}

/// Flips, inserts, removes or inflates bytes, with a taste for large counts.
fn damage(bytes: &mut Vec<u8>, rng: &mut Rng) {
    for _ in 0..rng.usize(1..4) {
        if bytes.is_empty() {
            return;
        }
        let at = rng.usize(..bytes.len());
        match rng.u8(..5) {
            0 => bytes[at] = rng.u8(..),
            1 => bytes[at] ^= 1 << rng.u8(..8),
            2 => bytes.truncate(at),
            3 => bytes.insert(at, rng.choice([0, 1, 0x7f, 0x80, 0xff]).unwrap()),
            _ => bytes
                .iter_mut()
                .skip(at)
                .take(5)
                .for_each(|byte| *byte = 0xff),
        }
    }
}

fn hold_against_decoder<R: Api>() {
    let api = R::INFO;
    for version in api.min_version..=api.max_version {
        for seed in 0..200 {
            let bytes = Author::write(api, version, seed);
            let checked = api.shape.check(&bytes, version);
            assert!(checked.is_ok(), "{api} v{version} seed {seed}: {checked:?}");
            let mut rest = Bytes::from(bytes);
            if let Err(error) = R::Response::decode(&mut rest, version) {
                panic!("{api} v{version} seed {seed}: {error}");
            }
            assert!(
                rest.is_empty(),
                "{api} v{version} seed {seed}: {} bytes left",
                rest.len()
            );
        }
    }
    let mut rng = Rng::with_seed(7);
    let mut passed = 0;
    for version in api.min_version..=api.max_version {
        let sound: Vec<_> = (0..64)
            .map(|seed| Author::write(api, version, seed))
            .collect();
        for _ in 0..DAMAGED_PER_API / i32::from(api.max_version - api.min_version + 1) {
            let mut bytes = rng.choice(&sound).unwrap().clone();
            damage(&mut bytes, &mut rng);
            if api.shape.check(&bytes, version).is_ok() {
                passed += 1;
                // An error is fine: a layout does not tell UTF-8 from noise.
                let _either = R::Response::decode(&mut Bytes::from(bytes), version);
            }
        }
    }
    assert!(
        passed > 0,
        "{api}: no damaged message passed, so the decoder was not tried"
    );
}

const DAMAGED_PER_API: i32 = 100_000;

macro_rules! decoders_hold {
    ($($test:ident: $($request:ty),+;)*) => {
        $(#[test]
        fn $test() {
            $(hold_against_decoder::<$request>();)+
        })*
    };
}

decoders_hold! {
    data_layouts_agree_with_the_decoder: ProduceRequest, FetchRequest, ListOffsetsRequest,
        OffsetForLeaderEpochRequest, MetadataRequest, ApiVersionsRequest;
    group_layouts_agree_with_the_decoder: FindCoordinatorRequest, JoinGroupRequest,
        SyncGroupRequest, HeartbeatRequest, LeaveGroupRequest, OffsetCommitRequest,
        OffsetFetchRequest, OffsetDeleteRequest, DescribeGroupsRequest, ListGroupsRequest,
        DeleteGroupsRequest;
    admin_layouts_agree_with_the_decoder: CreateTopicsRequest, DeleteTopicsRequest,
        DescribeConfigsRequest, DescribeClusterRequest, SaslHandshakeRequest,
        SaslAuthenticateRequest, IncrementalAlterConfigsRequest, CreatePartitionsRequest,
        DescribeAclsRequest, CreateAclsRequest;
    transaction_layouts_agree_with_the_decoder: InitProducerIdRequest, AddPartitionsToTxnRequest,
        AddOffsetsToTxnRequest, EndTxnRequest, TxnOffsetCommitRequest;
}

#[test]
fn lying_count_is_found_without_reading_elements() {
    // Metadata v10: throttle 0, then an array of brokers that claims 2^31 - 2 elements.
    let bytes = [0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x07];
    let error = MetadataRequest::INFO.shape.check(&bytes, 10).unwrap_err();
    assert_eq!(
        error.to_string(),
        "brokers claims 2147483646 elements where 0 bytes are left"
    );
}

#[test]
fn null_is_refused_where_the_field_does_not_allow_it() {
    let bytes = [0, 0, 0, 0, 0];
    let error = MetadataRequest::INFO.shape.check(&bytes, 10).unwrap_err();
    assert_eq!(
        error,
        ShapeError::NegativeLength {
            field: "brokers",
            length: -1
        }
    );
}

#[test]
fn throttle_time_is_found_wherever_it_stands() {
    let heartbeat = [0, 0, 0x01, 0x02, 0, 0, 0];
    assert_eq!(HeartbeatRequest::INFO.shape.check(&heartbeat, 4), Ok(258));
    // Produce v9 keeps it at the end: no topics, 7 ms, no tags.
    let produce = [1, 0, 0, 0, 7, 0];
    assert_eq!(ProduceRequest::INFO.shape.check(&produce, 9), Ok(7));
}

#[test]
fn trailing_bytes_are_refused() {
    let heartbeat = [0, 0, 0, 0, 0, 0, 0, 9];
    let checked = HeartbeatRequest::INFO.shape.check(&heartbeat, 4);
    assert_eq!(checked, Err(ShapeError::TrailingBytes { left: 1 }));
}

#[test]
fn over_long_varint_is_refused() {
    let mut cursor = Cursor::new(&[0xff, 0xff, 0xff, 0xff, 0x1f]);
    assert_eq!(cursor.varint("x"), Err(ShapeError::Varint { field: "x" }));
    let mut cursor = Cursor::new(&[0x80; 6]);
    assert_eq!(cursor.varint("x"), Err(ShapeError::Varint { field: "x" }));
}

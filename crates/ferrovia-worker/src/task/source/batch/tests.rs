//! Partitions are chosen and batches closed as they should be.

use ferrovia_client::ErrorCode;
use ferrovia_client::cluster::{PartitionMetadata, TopicMetadata};
use ferrovia_pipeline::batch::{InflateLimits, Inflater, batches};
use ferrovia_pipeline::data::Value;

use super::*;

/// What is known of the topic `t`: the leaders of its partitions.
fn view(generation: u64, leaders: &[Option<i32>]) -> MetadataView {
    let partition = |leader: &Option<i32>| PartitionMetadata {
        topic_id: Default::default(),
        leader: *leader,
        leader_epoch: -1,
    };
    let topic = TopicMetadata {
        topic_id: Default::default(),
        is_internal: false,
        error: ErrorCode::NONE,
        partitions: (0..).zip(leaders.iter().map(partition)).collect(),
    };
    MetadataView {
        generation,
        topics: [("t".into(), topic)].into(),
        ..MetadataView::default()
    }
}

fn lane(
    batches: &mut Batches,
    view: &MetadataView,
    partition: Option<i32>,
    key: Option<&[u8]>,
) -> Option<LaneId> {
    let topic = match batches.topic("t") {
        Some(topic) => topic,
        None => batches.add_topic("t".into()),
    };
    batches.lane(topic, partition, key, view, Instant::now(), |below| {
        below - 1
    })
}

fn valued(value: &[u8]) -> Fields<'_> {
    Fields::new(None, Some(value), &[])
}

fn offset(position: i64) -> Map<'static> {
    let mut map = Map::new();
    map.put("position", Value::Int64(position));
    map
}

fn small(linger: Duration) -> Batches {
    let options = BatchOptions {
        bytes_target: 100,
        ..BatchOptions::default()
    };
    Batches::new(options, Gathering { from: 1, linger })
}

#[test]
fn partition_is_the_given_one_then_the_keys_then_the_one_at_hand() {
    let mut batches = small(Duration::ZERO);
    let view = view(1, &[Some(0), Some(0), Some(0)]);
    assert_eq!(lane(&mut batches, &view, Some(1), Some(b"k")), Some((0, 1)));
    let of_key = partition_for_key(b"k", 3);
    assert_eq!(
        lane(&mut batches, &view, None, Some(b"k")),
        Some((0, of_key))
    );
    assert_eq!(lane(&mut batches, &view, None, None), Some((0, 2)));
    assert_eq!(
        lane(&mut batches, &view, Some(3), None),
        None,
        "there is none"
    );
}

#[test]
fn record_without_a_key_stays_away_from_partitions_without_a_leader() {
    let mut batches = small(Duration::ZERO);
    let some = view(1, &[Some(0), None, None]);
    assert_eq!(lane(&mut batches, &some, None, None), Some((0, 0)));
    let none = view(2, &[None, None, None]);
    assert_eq!(lane(&mut batches, &none, None, None), Some((0, 2)));
}

#[test]
fn another_partition_is_chosen_when_the_batch_is_closed() {
    let mut batches = small(Duration::ZERO);
    let view = view(1, &[Some(0), Some(0)]);
    let lane = lane(&mut batches, &view, None, None).unwrap();
    batches.append(lane, 1, &valued(b"v")).unwrap();
    let topic = batches.topic("t").unwrap();
    let other = |_| panic!("one is at hand");
    assert_eq!(
        batches.lane(topic, None, None, &view, Instant::now(), other),
        Some(lane)
    );
    batches.seal(lane, &mut Reach::default()).unwrap();
    assert_eq!(
        batches.lane(topic, None, None, &view, Instant::now(), |_| 0),
        Some((0, 0))
    );
}

#[test]
fn sealed_batch_reaches_as_far_as_the_polls_that_it_has_records_of() {
    let mut batches = small(Duration::ZERO);
    let view = view(1, &[Some(0)]);
    let lane = lane(&mut batches, &view, None, None).unwrap();
    let span = |first, last| Span {
        first,
        last,
        records: last - first + 1,
    };
    let mut reach = Reach::default();
    batches.append(lane, 1, &valued(b"v")).unwrap();
    reach.begin(lane, 5, span(0, 0), offset(1));
    reach.begin(lane, 6, span(0, 0), offset(7));
    batches.keep(reach);
    assert_eq!(batches.span(lane, 5), Some(span(0, 0)));
    let mut reach = Reach::default();
    batches.append(lane, 1, &valued(b"w")).unwrap();
    batches.remember(lane, Some(3), None);
    reach.begin(lane, 5, span(0, 1), offset(2));
    let sealed = batches.seal(lane, &mut reach).unwrap().unwrap();
    let expected = [(5, span(0, 1), offset(2)), (6, span(0, 0), offset(7))];
    assert_eq!(sealed.contents.spans, expected);
    assert_eq!(sealed.contents.tags, [(3, 1)]);
    assert_eq!(sealed.contents.records, 2);
    assert_eq!(batches.span(lane, 5), None, "the next batch begins anew");
    let raw = records(sealed.bytes);
    assert_eq!(raw, ["v", "w"]);
}

fn records(bytes: Bytes) -> Vec<String> {
    let batch = batches(bytes).next().unwrap().unwrap();
    batch.verify_crc().unwrap();
    let mut inflater = Inflater::new(InflateLimits::default());
    let opened = inflater.open(&batch).unwrap();
    let text = |value: Option<&[u8]>| String::from_utf8(value.unwrap().to_vec()).unwrap();
    let records = opened.records().map(|record| text(record.unwrap().value));
    records.collect()
}

#[test]
fn records_gather_while_enough_batches_are_on_their_way() {
    let mut batches = small(Duration::ZERO);
    let view = view(1, &[Some(0)]);
    let lane = lane(&mut batches, &view, None, None).unwrap();
    assert!(batches.open().is_empty(), "nothing is open");
    batches.append(lane, 1, &valued(b"v")).unwrap();
    assert_eq!(batches.ripe(Instant::now()), [lane]);
    batches.seal(lane, &mut Reach::default()).unwrap();
    batches.append(lane, 1, &valued(b"v")).unwrap();
    assert!(batches.ripe(Instant::now()).is_empty());
    assert_eq!(batches.open(), [lane]);
    batches.on_settled(lane);
    assert_eq!(batches.ripe(Instant::now()), [lane]);
    assert!(!batches.has_room(lane, &valued(&[0; 60])));
}

#[test]
fn first_record_waits_for_others_as_long_as_settings_say() {
    let linger = Duration::from_secs(60);
    let mut batches = small(linger);
    let view = view(1, &[Some(0)]);
    let before = Instant::now();
    let first = lane(&mut batches, &view, None, None).unwrap();
    batches.append(first, 1, &valued(b"v")).unwrap();
    let again = lane(&mut batches, &view, None, None).unwrap();
    batches.append(again, 1, &valued(b"v")).unwrap();
    assert_eq!(batches.open_bytes(), batches.bytes(first));
    let at = batches.ripe_at().unwrap();
    assert!(at >= before + linger && at <= Instant::now() + linger);
    assert!(batches.ripe(at - Duration::from_nanos(1)).is_empty());
    assert_eq!(batches.ripe(at), [first]);
    batches.seal(first, &mut Reach::default()).unwrap();
    assert_eq!(batches.open_bytes(), 0);
    assert_eq!(batches.oldest(), None);
}

#[test]
fn oldest_batch_is_the_one_that_was_opened_first() {
    let mut batches = small(Duration::ZERO);
    let view = view(1, &[Some(0), Some(0)]);
    for partition in [1, 0, 1] {
        let lane = lane(&mut batches, &view, Some(partition), None).unwrap();
        batches.append(lane, 1, &valued(b"v")).unwrap();
    }
    assert_eq!(batches.oldest(), Some((0, 1)));
    let both = batches.bytes((0, 0)) + batches.bytes((0, 1));
    assert_eq!(batches.open_bytes(), both);
    batches.seal((0, 1), &mut Reach::default()).unwrap();
    assert_eq!(batches.oldest(), Some((0, 0)));
    assert_eq!(batches.open_bytes(), batches.bytes((0, 0)));
}

#[test]
fn contents_are_taken_out_part_by_part() {
    let mut contents = Contents {
        records: 5,
        spans: Vec::new(),
        tags: vec![(70, 0), (71, 1), (74, 4)],
        texts: (0..5).map(|place| format!("text {place}")).collect(),
        is_whole: false,
    };
    contents.spans.push((
        0,
        Span {
            first: 0,
            last: 4,
            records: 5,
        },
        offset(9),
    ));
    let parts = [
        contents.take_first(1),
        contents.take_first(2),
        std::mem::take(&mut contents),
    ];
    let seen = parts.map(|part| (part.records, part.tags, part.texts, part.spans.len()));
    let text = |place: i32| format!("text {place}");
    assert_eq!(seen[0], (1, vec![(70, 0)], vec![text(0)], 0));
    assert_eq!(seen[1], (2, vec![(71, 0)], vec![text(1), text(2)], 0));
    assert_eq!(seen[2], (2, vec![(74, 1)], vec![text(3), text(4)], 1));
}

//! What records look like, when there are no more, and how a task goes on.

use ferrovia_pipeline::data::validate::validate_value;
use ferrovia_pipeline::source::OffsetReader;

use super::*;

/// What was stored last.
#[derive(Debug)]
struct Stored(Option<Map<'static>>);

impl OffsetReader for Stored {
    fn offset(&self, partition: &Map<'_>) -> Result<Option<Map<'static>>, ConnectError> {
        assert!(partition.contains_key("task.id"));
        Ok(self.0.clone())
    }
}

/// A started task.
struct Rig {
    task: DatagenTask,
    context: SourceContext,
}

/// What is seen of a record: key and value, and the offset behind it.
type Seen = (String, Map<'static>);

impl Rig {
    fn new(settings: &[(&str, &str)], stored: Option<Map<'static>>) -> Self {
        Self::started(settings, stored).unwrap()
    }

    fn started(
        settings: &[(&str, &str)],
        stored: Option<Map<'static>>,
    ) -> Result<Self, ConnectError> {
        let usual = [
            ("kafka.topic", "t"),
            ("task.id", "0"),
            ("max.interval", "0"),
        ];
        let settings = usual
            .iter()
            .chain(settings)
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let mut context = SourceContext::new(settings, Arc::new(Stored(stored)), false);
        let mut task = DatagenTask::default();
        task.start(&mut context)?;
        Ok(Self { task, context })
    }

    fn poll(&mut self) -> Result<Vec<Seen>, ConnectError> {
        let records = self.task.poll(&mut self.context)?;
        let seen = records.into_iter().map(|record| {
            let shown = format!("{} {}", record.key.value, record.value.value);
            (shown, record.source_offset.into_owned())
        });
        Ok(seen.collect())
    }
}

fn shown(seen: &[Seen]) -> Vec<&str> {
    seen.iter().map(|(shown, _)| shown.as_str()).collect()
}

#[test]
fn records_have_partition_offset_headers_key_and_value() {
    let mut rig = Rig::new(&[("quickstart", "users"), ("task.id", "2")], None);
    let records = rig.task.poll(&mut rig.context).unwrap();
    assert_eq!(records.len(), POLL_RECORDS_MAX);
    for (number, record) in (0_i64..).zip(&records) {
        assert_eq!(record.topic, "t");
        assert_eq!(
            record.source_partition.get("task.id"),
            Some(&Value::Int32(2))
        );
        let offset = &record.source_offset;
        assert_eq!(offset.len(), 3);
        assert_eq!(offset.get("task.generation"), Some(&Value::Int64(1)));
        assert_eq!(
            offset.get("current.iteration"),
            Some(&Value::Int64(number + 1))
        );
        assert!(matches!(offset.get("random.seed"), Some(Value::Int64(_))));
        let headers: Vec<String> = record
            .headers
            .iter()
            .map(|header| {
                assert_eq!(header.value.schema, Some(Schema::of(SchemaType::Int64)));
                format!("{}={}", header.key, header.value.value)
            })
            .collect();
        let iteration = format!("current.iteration={number}");
        assert_eq!(
            headers,
            ["task.generation=0", "task.id=2", iteration.as_str()]
        );
        validate_value(record.value.schema.as_ref().unwrap(), &record.value.value).unwrap();
        let Value::Struct(user) = &record.value.value else {
            panic!("{record:?}")
        };
        assert_eq!(user.get("userid").unwrap(), &record.key.value);
        assert_eq!(record.key.schema, Some(Schema::of(SchemaType::String)));
        assert_eq!((record.partition, record.timestamp), (None, None));
    }
}

#[test]
fn keys_are_null_without_a_field_and_structs_where_it_is_one() {
    let schema = r#"{"type": "record", "name": "r", "fields": [
        {"name": "k", "doc": "Key.", "default": {"a": 1}, "type":
            {"type": "record", "name": "k", "fields": [{"name": "a", "type": "int"}]}},
        {"name": "n", "type": ["null", "int"]}]}"#;
    let mut rig = Rig::new(&[("schema.string", schema)], None);
    let records = rig.task.poll(&mut rig.context).unwrap();
    let key = &records[0].key;
    assert_eq!(key.schema, Some(Schema::optional(SchemaType::String)));
    assert!(key.value.is_null());
    for field in ["k", "n"] {
        let mut rig = Rig::new(
            &[("schema.string", schema), ("schema.keyfield", field)],
            None,
        );
        for record in rig.task.poll(&mut rig.context).unwrap() {
            validate_value(record.key.schema.as_ref().unwrap(), &record.key.value).unwrap();
        }
    }
}

#[test]
fn task_fails_when_all_records_are_made() {
    let settings = [("quickstart", "pageviews"), ("iterations", "400")];
    let mut rig = Rig::new(&settings, None);
    let made = [rig.poll().unwrap(), rig.poll().unwrap()].concat();
    assert_eq!(made.len(), 400);
    for _ in 0..2 {
        let error = rig.poll().unwrap_err();
        assert_eq!(
            error.class(),
            "org.apache.kafka.connect.errors.ConnectException"
        );
        assert_eq!(
            error.to_string(),
            "Stopping connector: generated the configured 400 number of messages"
        );
    }
    let last = made.last().unwrap().1.clone();
    assert!(Rig::new(&settings, Some(last)).poll().is_err());
}

#[test]
fn restarted_task_makes_what_it_would_have_made() {
    for quickstart in [
        "pageviews",
        "pizza_orders",
        "product",
        "syslog_logs",
        "purchases",
    ] {
        let settings = [("quickstart", quickstart), ("random.seed", "77")];
        let all = Rig::new(&settings, None).poll().unwrap();
        for at in [0, 1, 42] {
            let mut rig = Rig::new(&settings, Some(all[at].1.clone()));
            let records = rig.poll().unwrap();
            let left = &all[at + 1..];
            assert_eq!(shown(&records)[..left.len()], shown(left), "{quickstart}");
            let generation = records[0].1.get("task.generation");
            assert_eq!(generation, Some(&Value::Int64(2)));
        }
    }
}

#[test]
fn seed_decides_on_data_and_tasks_differ() {
    let made = |seed: &str, task: &str| {
        let settings = [
            ("quickstart", "users"),
            ("random.seed", seed),
            ("task.id", task),
        ];
        let records = Rig::new(&settings, None).poll().unwrap();
        shown(&records).join("\n")
    };
    assert_eq!(made("5", "0"), made("5", "0"));
    assert_ne!(made("5", "0"), made("6", "0"));
    assert_ne!(made("5", "0"), made("5", "1"));
    let unseeded = || Rig::new(&[("quickstart", "users")], None).poll().unwrap();
    assert_ne!(shown(&unseeded()), shown(&unseeded()));
}

#[test]
fn interval_makes_one_record_at_a_time_and_a_pause() {
    let mut rig = Rig::new(&[("quickstart", "users"), ("max.interval", "40")], None);
    for _ in 0..50 {
        assert_eq!(rig.poll().unwrap().len(), 1);
        let pause = rig.context.take_requests().wait.unwrap();
        assert!(pause < Duration::from_millis(40), "{pause:?}");
    }
    let mut rig = Rig::new(&[("quickstart", "users")], None);
    rig.poll().unwrap();
    assert_eq!(rig.context.take_requests().wait, None);
}

#[test]
fn large_records_come_in_smaller_numbers() {
    let schema = r#"{"type": "record", "name": "r", "fields": [
        {"name": "b", "type": {"type": "bytes", "arg.properties": {"length": 60000}}}]}"#;
    let records = Rig::new(&[("schema.string", schema)], None)
        .poll()
        .unwrap()
        .len();
    assert_eq!(records, POLL_UNITS_MAX / 60_001);
}

#[test]
fn what_a_task_cannot_begin_with_is_refused() {
    let refused = |settings: &[(&str, &str)], stored| {
        let error = Rig::started(settings, stored).err().unwrap();
        error.to_string()
    };
    let users = ("quickstart", "users");
    assert_eq!(
        refused(&[users, ("task.id", "-1")], None),
        "task.id is not the number of a task"
    );
    assert_eq!(
        refused(&[users], Some(Map::new())),
        "The stored offset has no number task.generation"
    );
}

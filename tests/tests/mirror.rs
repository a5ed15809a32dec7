//! MirrorMaker's connectors between two real clusters: what ours copy, remember and translate is what Java's do, a connector
//! goes from Java's worker to ours and back, and workers that are killed lose nothing.

use std::collections::BTreeMap;
use std::io;
use std::time::Instant;

use ferrovia_tests::chase;
use ferrovia_tests::cluster::Cluster;
use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::kafka::Kafka;
use ferrovia_tests::lab::{Lab, Load, Placed, Sample};
use ferrovia_tests::mirror::{
    ARRIVAL_LIMIT, Clusters, Mirror, arrived, numbers, produce_aside, produced, used,
};
use ferrovia_tests::wait;
use ferrovia_tests::worker::{Make, Worker};

#[path = "mirror/groups.rs"]
mod groups;

const PARTITIONS: i32 = 3;
const COMMITTED: &str = "read_committed";

/// Keys and values, the last of each key.
type Table = BTreeMap<Option<Vec<u8>>, Option<Vec<u8>>>;

/// Fills topics of every kind and gives their names.
fn fill(lab: &mut Lab) -> io::Result<Vec<&'static str>> {
    let loads = [
        ("same-none", "none", 7, &["retention.ms=86400000"][..]),
        ("same-lz4", "lz4", 0, &["max.message.bytes=2000000"][..]),
        ("same-zstd", "zstd", 100, &["compression.type=zstd"][..]),
        ("same-gzip", "gzip", 3, &[][..]),
        ("same-snappy", "snappy", 3, &["min.insync.replicas=1"][..]),
        (
            "same-append-time",
            "lz4",
            0,
            &["message.timestamp.type=LogAppendTime"][..],
        ),
        (
            "same-compacted",
            "none",
            50,
            &[
                "cleanup.policy=compact",
                "segment.ms=100",
                "min.cleanable.dirty.ratio=0.01",
            ][..],
        ),
    ];
    for (topic, codec, keys, settings) in loads {
        lab.create_with(topic, PARTITIONS, settings)?;
        lab.produce(&Load {
            codec,
            keys,
            ..Load::text(topic, PARTITIONS, 1_500)
        })?;
    }
    let filled = Instant::now();
    lab.create("same-committed", PARTITIONS)?;
    lab.transact(
        &Load::text("same-committed", PARTITIONS, 300),
        "caccaacacaa",
    )?;
    lab.create("same-shapes", 1)?;
    for record in shapes() {
        lab.send("same-shapes", &record)?;
    }
    compact(lab, filled)?;
    let names = loads.iter().map(|(topic, ..)| *topic);
    Ok(names.chain(["same-committed", "same-shapes"]).collect())
}

/// Waits until the compacted topic has gaps.
fn compact(lab: &mut Lab, filled: Instant) -> io::Result<()> {
    wait::until(
        "the age at which a segment is closed",
        ARRIVAL_LIMIT,
        || Ok((filled.elapsed().as_millis() > 200).then_some(())),
    )?;
    // A record of a new key in each partition closes the segment before it.
    lab.produce(&Load {
        keys: 5_000,
        first: 3_000,
        ..Load::text("same-compacted", PARTITIONS, 3)
    })?;
    wait::until("compaction", ARRIVAL_LIMIT, || {
        Ok((lab.scan("same-compacted")?.count() == 51 * 3).then_some(()))
    })
}

/// Records with and without key, value and headers.
fn shapes() -> Vec<Sample> {
    let bytes = |text: &str| Some(text.as_bytes().to_vec());
    let header = |name: &str, value| (name.to_owned(), value);
    let shape = |key, value, headers| Sample {
        timestamp: 1_700_000_000_000,
        key,
        value,
        headers,
    };
    vec![
        shape(bytes("key"), bytes("value"), vec![]),
        shape(None, bytes("no key"), vec![]),
        shape(bytes("no value"), None, vec![]),
        shape(None, None, vec![]),
        shape(bytes(""), bytes(""), vec![header("empty", bytes(""))]),
        shape(
            bytes("headers"),
            Some(vec![0, 255, 1, 128]),
            vec![
                header("twice", bytes("1")),
                header("none", None),
                header("gone", bytes("dropped where headers are dropped")),
                header("twice", Some(vec![255, 0])),
            ],
        ),
        Sample {
            timestamp: 0,
            ..shape(bytes("old"), bytes("as old as can be"), vec![])
        },
    ]
}

/// A worker of its own cluster, with its connectors.
struct Side {
    cluster: Cluster,
    /// Stops with the side.
    _worker: Worker,
    alias: &'static str,
}

impl Side {
    /// Copies every topic twice: as it is, and with transformations that look into records.
    fn start(clusters: &Clusters, make: Make, alias: &'static str) -> io::Result<Self> {
        let cluster = Cluster::new(&clusters.target);
        let worker = cluster.start(make)?;
        let source = |name: &str, alias: &str| {
            Mirror::new(clusters, "Source", name, alias)
                .with("topics", "same-.*")
                .with("source.consumer.isolation.level", COMMITTED)
        };
        source("plain", alias).create(&worker)?;
        let package = "org.apache.kafka.connect.transforms";
        source("opened", &format!("{alias}-opened"))
            .with("transforms", "drop,route")
            .with("transforms.drop.type", format!("{package}.DropHeaders"))
            .with("transforms.drop.headers", "gone")
            .with("transforms.route.type", format!("{package}.RegexRouter"))
            .with("transforms.route.regex", "absent")
            .with("transforms.route.replacement", "elsewhere")
            .create(&worker)?;
        Ok(Self {
            cluster,
            _worker: worker,
            alias,
        })
    }

    fn aliases(&self) -> [String; 2] {
        [self.alias.to_owned(), format!("{}-opened", self.alias)]
    }

    /// The stored offsets, with one alias for all sides.
    fn offsets(&self, lab: &mut Lab) -> io::Result<BTreeMap<String, String>> {
        let records = lab.read(&self.cluster.topic("offset"))?;
        let text = |bytes: Option<Vec<u8>>| {
            String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
        };
        let nameless = |key: String| {
            let (here, any) = (format!("\"cluster\":\"{}", self.alias), "\"cluster\":\"any");
            key.replace(&here, any)
        };
        let records = records.into_iter();
        Ok(records
            .map(|record| (nameless(text(record.key)), text(record.value)))
            .collect())
    }

    /// The last offset sync of each partition, of both connectors.
    fn syncs(&self, lab: &mut Lab) -> io::Result<Vec<Table>> {
        let topics = self.aliases().map(|alias| syncs_topic(&alias));
        let tables = topics.iter().map(|topic| {
            let records = lab.read(topic)?.into_iter();
            Ok(records.map(|it| (it.key, it.value)).collect())
        });
        tables.collect()
    }
}

fn syncs_topic(alias: &str) -> String {
    format!("mm2-offset-syncs.of-{alias}.internal")
}

/// What Kafka's tool says of the partitions and settings of topics, by what follows `prefix` in their names.
fn descriptions(
    lab: &mut Lab,
    kafka: &Kafka,
    prefix: &str,
) -> io::Result<BTreeMap<String, Vec<String>>> {
    let (bootstrap, topics) = (kafka.bootstrap(), format!("{prefix}.*"));
    let arguments = [
        "--bootstrap-server",
        &bootstrap,
        "--describe",
        "--topic",
        &topics,
    ];
    let (_, text) = lab.tool("org.apache.kafka.tools.TopicCommand", &arguments)?;
    let describe = |line: &str| {
        let (name, rest) = line.strip_prefix("Topic: ")?.split_once(' ')?;
        let (_, rest) = rest.split_once("PartitionCount")?;
        let mut words: Vec<String> = rest.split([' ', ',']).map(str::to_owned).collect();
        words.sort_unstable();
        Some((name.strip_prefix(prefix)?.to_owned(), words))
    };
    Ok(text.lines().filter_map(describe).collect())
}

fn assert_same(what: &str, ours: &[Placed], wanted: &[Placed]) {
    let differs = ours.iter().zip(wanted).position(|(a, b)| a != b);
    assert!(
        ours == wanted,
        "{what}: {} records and not {}, first difference at {differs:?}: {:?}",
        ours.len(),
        wanted.len(),
        differs.map(|at| (ours.get(at), wanted.get(at)))
    );
}

#[test]
fn copies_offsets_and_topics_are_those_of_java() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let clusters = Clusters::shared(ORACLE)?;
    let (mut source, mut target) = clusters.labs()?;
    let topics = fill(&mut source)?;
    let java = Side::start(clusters, Make::Java, "J")?;
    let ours = Side::start(clusters, Make::subject(), "F")?;
    let mut partitions = 0;
    for topic in &topics {
        let origin = source.place(topic, COMMITTED)?;
        for (alias, other) in ours.aliases().iter().zip(java.aliases()) {
            let ours = arrived(&mut target, &format!("{alias}.{topic}"), origin.len())?;
            let java = arrived(&mut target, &format!("{other}.{topic}"), origin.len())?;
            assert_same(&format!("{alias}.{topic}"), &ours, &java);
            let is_copy = |(copy, of): (&Placed, &Placed)| {
                copy.record == of.record && copy.partition == of.partition
            };
            let is_opened = alias.ends_with("opened");
            assert!(
                is_opened || ours.iter().zip(&origin).all(is_copy),
                "{topic}"
            );
        }
        partitions += source.ends(topic)?.len();
    }
    let mut describe =
        |alias| descriptions(&mut target, &clusters.target, &format!("{alias}.same-"));
    let described = describe(ours.alias)?;
    assert_eq!(described.len(), topics.len());
    assert_eq!(described, describe(java.alias)?);
    let mut describe = |alias| descriptions(&mut source, &clusters.source, &syncs_topic(alias));
    let described = describe(ours.alias)?;
    assert_eq!(described.len(), 1);
    assert_eq!(described, describe(java.alias)?);
    let mut last = Default::default();
    let agreed = wait::until("equal offsets", ARRIVAL_LIMIT, || {
        last = (ours.offsets(&mut target)?, java.offsets(&mut target)?);
        let is_done = last.0 == last.1 && last.0.len() == 2 * partitions;
        Ok(is_done.then_some(()))
    });
    agreed.map_err(|e| io::Error::other(format!("{e}: {last:#?}")))?;
    let mut last = Default::default();
    let agreed = wait::until("equal offset syncs", ARRIVAL_LIMIT, || {
        last = (ours.syncs(&mut source)?, java.syncs(&mut source)?);
        let is_whole = last.0.iter().all(|table| table.len() == partitions);
        Ok((is_whole && last.0 == last.1).then_some(()))
    });
    agreed.map_err(|e| io::Error::other(format!("{e}: {last:?}")))
}

/// Workers that are stopped in the midst of copying.
const LEGS: u64 = 3;
/// Records that flow while one of them has the connector.
const LEG: u64 = 2_000;

#[test]
fn connector_goes_from_java_s_worker_to_ours_and_back_in_the_midst_of_copying() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let clusters = Clusters::shared(ORACLE)?;
    let (mut source, mut target) = clusters.labs()?;
    source.create("relay", 2)?;
    let cluster = Cluster::new(&clusters.target);
    let connector = Mirror::new(clusters, "Source", "relay", "R").with("topics", "relay");
    for (leg, make) in (0..LEGS).zip([Make::Java, Make::subject(), Make::Java]) {
        let worker = cluster.start(make)?;
        let before = used(&mut target, "R.relay");
        let load = Load {
            first: leg * LEG,
            rate: LEG,
            ..Load::text("relay", 2, LEG)
        };
        let load = produce_aside(source, load);
        if leg == 0 {
            connector.create(&worker)?;
        }
        wait::until("some copies", ARRIVAL_LIMIT, || {
            Ok((used(&mut target, "R.relay") > before + 300).then_some(()))
        })?;
        worker.stop()?;
        source = produced(load)?;
    }
    let last = cluster.start(Make::subject())?;
    let all = usize::try_from(LEGS * LEG).unwrap_or(usize::MAX);
    let found = numbers(&arrived(&mut target, "R.relay", all)?)?;
    let wanted: Vec<u64> = (0..LEGS * LEG / 2).collect();
    assert_eq!(found, BTreeMap::from([(0, wanted.clone()), (1, wanted)]));
    last.stop().map(drop)
}

/// Workers that are killed in the midst of copying.
const KILLS: u64 = 3;
/// Records that flow while one of them is.
const ROUND: u64 = 4_000;
const FLOW: u64 = KILLS * ROUND;

/// Copies a topic while workers are killed in the midst of it. Gives the numbers at the target.
fn copy_while_killed(
    cluster: &Cluster,
    connector: &Mirror,
    topic: &str,
    copy: &str,
) -> io::Result<BTreeMap<i32, Vec<u64>>> {
    let (mut source, mut target) = Clusters::shared(ORACLE)?.labs()?;
    source.create(topic, 2)?;
    let mut worker = cluster.start(Make::subject())?;
    connector.clone().with("topics", topic).create(&worker)?;
    for round in 0..KILLS {
        let before = used(&mut target, copy);
        let load = Load {
            first: round * ROUND,
            rate: ROUND / 2,
            ..Load::text(topic, 2, ROUND)
        };
        let load = produce_aside(source, load);
        wait::until("some copies", ARRIVAL_LIMIT, || {
            Ok((used(&mut target, copy) > before + 500).then_some(()))
        })?;
        worker.kill()?;
        worker = cluster.launch(Make::subject())?;
        source = produced(load)?;
    }
    let wanted = usize::try_from(FLOW / 2).unwrap_or(usize::MAX);
    let all = wait::until("every record", ARRIVAL_LIMIT, || {
        let found = numbers(&target.place(copy, COMMITTED)?)?;
        let distinct = |numbers: &Vec<u64>| {
            let mut numbers = numbers.clone();
            numbers.sort_unstable();
            numbers.dedup();
            numbers.len()
        };
        let is_done = found.len() == 2 && found.values().all(|it| distinct(it) == wanted);
        Ok(is_done.then_some(found))
    })?;
    worker.stop()?;
    Ok(all)
}

#[test]
fn killed_worker_s_copies_have_no_gap() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let clusters = Clusters::shared(ORACLE)?;
    let connector = Mirror::new(clusters, "Source", "killed", "K");
    let cluster = chase::cluster(&clusters.target);
    let found = copy_while_killed(&cluster, &connector, "killed", "K.killed")?;
    for (partition, numbers) in found {
        let mut next = 0;
        for number in numbers {
            assert!(number <= next, "{number} before {next} in {partition}");
            next = next.max(number + 1);
        }
    }
    Ok(())
}

#[test]
fn killed_worker_s_copies_are_seen_once_with_exactly_once_support() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let clusters = Clusters::shared(ORACLE)?;
    let connector = Mirror::new(clusters, "Source", "once", "O")
        .with("exactly.once.support", "required")
        .with("source.consumer.isolation.level", COMMITTED);
    let cluster = chase::cluster(&clusters.target).with("exactly.once.source.support", "enabled");
    let found = copy_while_killed(&cluster, &connector, "once", "O.once")?;
    let wanted: Vec<u64> = (0..FLOW / 2).collect();
    assert_eq!(found, BTreeMap::from([(0, wanted.clone()), (1, wanted)]));
    Ok(())
}

//! Where a group goes on at the target, and what heartbeats say.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use ferrovia_tests::cluster::Cluster;
use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::lab::{Lab, Load, Placed};
use ferrovia_tests::mirror::{ARRIVAL_LIMIT, Clusters, Mirror, arrived};
use ferrovia_tests::wait;
use ferrovia_tests::worker::{Make, Worker};

use super::COMMITTED;

const TOPIC: &str = "read";
const COPY: &str = "C.read";
const PARTITIONS: i32 = 2;

/// Keys and values of records, the last of each key.
type Table = BTreeMap<Vec<u8>, Vec<u8>>;

/// A heartbeat's key, the version of its value and the value's length.
type Beat = (Vec<u8>, Vec<u8>, usize);

/// A worker that translates the offsets of one group, and beats.
struct Side {
    cluster: Cluster,
    worker: Worker,
    /// The group, and the alias in heartbeats: as long as that of the other side.
    name: &'static str,
}

impl Side {
    fn start(clusters: &Clusters, make: Make, name: &'static str) -> io::Result<Self> {
        let cluster = Cluster::new(&clusters.target);
        let worker = cluster.start(make)?;
        Mirror::new(clusters, "Checkpoint", "check", "C")
            .with("topics", TOPIC)
            .with("groups", name)
            .with("refresh.groups.interval.seconds", 1)
            .with("emit.checkpoints.interval.seconds", 1)
            .with("sync.group.offsets.enabled", true)
            .with("sync.group.offsets.interval.seconds", 1)
            .create(&worker)?;
        Mirror::new(clusters, "Heartbeat", "beat", name).create(&worker)?;
        Ok(Self {
            cluster,
            worker,
            name,
        })
    }

    /// What a topic says of this side, with nobody's name.
    fn table(&self, lab: &mut Lab, topic: &str) -> io::Result<Table> {
        let records = lab.read(topic)?.into_iter();
        let records = records.filter_map(|record| {
            let key = nameless(&record.key?, self.name)?;
            Some((key, record.value.unwrap_or_default()))
        });
        Ok(records.collect())
    }

    /// Its checkpoints, once there is one of every partition at this offset of the source.
    fn checkpoints(&self, lab: &mut Lab, upstream: &BTreeMap<i32, i64>) -> io::Result<Table> {
        let wanted: BTreeSet<i64> = upstream.values().copied().collect();
        let mut last = Table::new();
        let found = wait::until("the checkpoints", ARRIVAL_LIMIT, || {
            last = self
                .table(lab, "C.checkpoints.internal")
                .unwrap_or_default();
            let seen: BTreeSet<i64> = last.values().map(|value| long(value, 2)).collect();
            let is_done = seen == wanted && last.len() == upstream.len();
            Ok(is_done.then(|| last.clone()))
        });
        found.map_err(|e| io::Error::other(format!("{}: {e}, but {last:?}", self.name)))
    }

    /// Its heartbeats; they bear the time at which they were made.
    fn heartbeats(&self, lab: &mut Lab) -> io::Result<BTreeSet<Beat>> {
        wait::until("a heartbeat", ARRIVAL_LIMIT, || {
            let mut beats = BTreeSet::new();
            for record in lab.read("heartbeats").unwrap_or_default() {
                let key = nameless(&record.key.unwrap_or_default(), self.name);
                let value = record.value.unwrap_or_default();
                if let Some(key) = key {
                    assert_eq!(long(&value, 2), record.timestamp);
                    let version = value.get(..2).unwrap_or_default().to_vec();
                    beats.insert((key, version, value.len()));
                }
            }
            Ok((!beats.is_empty()).then_some(beats))
        })
    }

    /// The stored offsets of both connectors.
    fn offsets(&self, lab: &mut Lab) -> io::Result<Table> {
        let partitions = usize::try_from(PARTITIONS).unwrap_or(0);
        let topic = self.cluster.topic("offset");
        wait::until("the stored offsets", ARRIVAL_LIMIT, || {
            let table = self.table(lab, &topic)?;
            Ok((table.len() == partitions + 1).then_some(table))
        })
    }
}

/// With another name in place of this one, where it is there.
fn nameless(bytes: &[u8], name: &str) -> Option<Vec<u8>> {
    let mut windows = bytes.windows(name.len());
    let at = windows.position(|it| it == name.as_bytes())?;
    let (before, rest) = bytes.split_at(at);
    let (_, after) = rest.split_at(name.len());
    let after = nameless(after, name).unwrap_or_else(|| after.to_vec());
    Some([before, b"any", &after].concat())
}

/// The number in these bytes; 0 where they are too short.
fn long(bytes: &[u8], at: usize) -> i64 {
    let bytes = bytes.get(at..).and_then(<[u8]>::first_chunk);
    bytes.map_or(0, |bytes| i64::from_be_bytes(*bytes))
}

/// Puts a group at these offsets of the source.
fn put_group(
    clusters: &Clusters,
    lab: &mut Lab,
    group: &str,
    offsets: &BTreeMap<i32, i64>,
) -> io::Result<()> {
    for (partition, offset) in offsets {
        let (status, printed) = lab.tool(
            "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
            &[
                "--bootstrap-server",
                &clusters.source.bootstrap(),
                "--group",
                group,
                "--topic",
                &format!("{TOPIC}:{partition}"),
                "--reset-offsets",
                "--to-offset",
                &offset.to_string(),
                "--execute",
            ],
        )?;
        assert_eq!(status, 0, "{printed}");
    }
    Ok(())
}

/// Produces transactions, some of which are aborted, and waits until their records are copied and the last one of each
/// partition is in an offset sync. Gives the originals and the copies.
fn copy_more(
    source: &mut Lab,
    target: &mut Lab,
    outcomes: &str,
) -> io::Result<(Vec<Placed>, Vec<Placed>)> {
    source.transact(&Load::text(TOPIC, PARTITIONS, 500), outcomes)?;
    let origin = source.place(TOPIC, COMMITTED)?;
    let copies = arrived(target, COPY, origin.len())?;
    let wanted = last_of(&origin);
    wait::until("the last offset syncs", ARRIVAL_LIMIT, || {
        let mut seen = BTreeSet::new();
        for record in source.read("mm2-offset-syncs.of-C.internal")? {
            let key = record.key.unwrap_or_default();
            seen.insert((key, long(&record.value.unwrap_or_default(), 0)));
        }
        let is_synced = |(partition, offset): (&i32, &i64)| {
            let is_it = |(key, upstream): &(Vec<u8>, i64)| {
                key.ends_with(&partition.to_be_bytes()) && upstream == offset
            };
            seen.iter().any(is_it)
        };
        Ok(wanted.iter().all(is_synced).then_some(()))
    })?;
    Ok((origin, copies))
}

fn last_of(records: &[Placed]) -> BTreeMap<i32, i64> {
    let offsets = records.iter().map(|it| (it.partition, it.offset));
    offsets.collect()
}

/// How many records of a partition stand before an offset.
fn before(records: &[Placed], partition: i32, offset: i64) -> usize {
    let is_before = |it: &&Placed| it.partition == partition && it.offset < offset;
    records.iter().filter(is_before).count()
}

#[test]
fn groups_go_on_where_java_sends_them_and_heartbeats_are_java_s() -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let clusters = Clusters::shared(ORACLE)?;
    let (mut source, mut target) = clusters.labs()?;
    source.create(TOPIC, PARTITIONS)?;
    let java = Side::start(clusters, Make::Java, "group-j")?;
    let ours = Side::start(clusters, Make::subject(), "group-f")?;
    Mirror::new(clusters, "Source", "copy", "C")
        .with("topics", TOPIC)
        .with("source.consumer.isolation.level", COMMITTED)
        .create(&ours.worker)?;

    // A first checkpoint of each shows that both follow the offset syncs from here on.
    let (origin, early) = copy_more(&mut source, &mut target, "ac")?;
    let ends = last_of(&origin).into_iter();
    let ends: BTreeMap<i32, i64> = ends.map(|(at, offset)| (at, offset + 1)).collect();
    for side in [&java, &ours] {
        put_group(clusters, &mut source, side.name, &ends)?;
    }
    for side in [&java, &ours] {
        side.checkpoints(&mut target, &ends)?;
    }

    let (origin, copies) = copy_more(&mut source, &mut target, "caccaaccaccaac")?;
    assert_eq!(origin.len(), copies.len());
    // Offsets near the end are translated well, as fewer and fewer syncs are kept of those behind.
    let goals = last_of(&origin).into_iter();
    let goals: BTreeMap<i32, i64> = goals
        .map(|(partition, last)| (partition, last - (last - ends[&partition]) / 10))
        .collect();
    for side in [&java, &ours] {
        put_group(clusters, &mut source, side.name, &goals)?;
    }
    let found = ours.checkpoints(&mut target, &goals)?;
    assert_eq!(found, java.checkpoints(&mut target, &goals)?);

    let downstream: BTreeSet<i64> = found.values().map(|value| long(value, 10)).collect();
    for side in [&java, &ours] {
        let committed = wait::until("the group at the target", ARRIVAL_LIMIT, || {
            let committed = target.committed(side.name)?;
            let offsets: BTreeSet<i64> = committed.values().copied().collect();
            Ok((offsets == downstream).then_some(committed))
        })?;
        for ((topic, partition), offset) in committed {
            assert_eq!(topic, COPY);
            let read = before(&origin, partition, goals[&partition]);
            let skipped = before(&copies, partition, offset);
            assert!(skipped <= read, "{partition}: {skipped} of {read} read");
            assert!(skipped > before(&early, partition, i64::MAX), "{skipped}");
        }
    }
    assert_eq!(ours.heartbeats(&mut target)?, java.heartbeats(&mut target)?);
    assert_eq!(ours.offsets(&mut target)?, java.offsets(&mut target)?);
    Ok(())
}

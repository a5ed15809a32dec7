//! Several sinks at once, each with a topic and a file of its own, filled while workers come and go: at the end every
//! file must hold its topic.

use std::io;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::census::{Findings, Tally};
use crate::cluster::{self, SETTLE_LIMIT, Whereabouts};
use crate::drain;
use crate::kafka::Kafka;
use crate::lab::{Lab, Load, Offsets};
use crate::wait;
use crate::worker::Worker;

/// Records that each [`Drains::feed`] puts into every topic.
pub const PORTION: u64 = 2_000;

struct Drain {
    name: String,
    produced: Tally,
    committed: Offsets,
}

/// Sinks of one task each; dropping them removes their files.
pub struct Drains {
    lab: Lab,
    folder: TempDir,
    drains: Vec<Drain>,
    fed: u64,
}

impl std::fmt::Debug for Drains {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Drains").field(&self.names()).finish()
    }
}

impl Drains {
    /// Creates `count` topics and, through `worker`, a sink for each.
    ///
    /// # Errors
    /// When the broker or the worker refuses.
    pub fn create(kafka: &Kafka, worker: &Worker, prefix: &str, count: usize) -> io::Result<Self> {
        let mut made = Self {
            lab: Lab::start(kafka)?,
            folder: tempfile::tempdir()?,
            drains: Vec::new(),
            fed: 0,
        };
        for number in 0..count {
            let name = format!("{prefix}-{number}");
            made.lab.create(&name, 1)?;
            let config = cluster::file_sink(&name, &name, 1, &made.file(&name));
            cluster::put_config(worker, &config)?;
            made.drains.push(Drain {
                name,
                produced: Tally::default(),
                committed: Offsets::new(),
            });
        }
        Ok(made)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.txt"))
    }

    /// The connectors' names.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.drains.iter().map(|drain| drain.name.clone()).collect()
    }

    /// Whether every connector and its task runs.
    #[must_use]
    pub fn all_in(&self, seen: &Whereabouts) -> bool {
        let runs =
            |name: &String| seen.contains_key(name) && seen.contains_key(&format!("{name}-0"));
        self.names().iter().all(runs)
    }

    /// Puts [`PORTION`] records into every topic.
    ///
    /// # Errors
    /// When one was not acknowledged.
    pub fn feed(&mut self) -> io::Result<()> {
        for drain in &mut self.drains {
            let load = Load {
                first: self.fed,
                ..Load::text(&drain.name, 1, PORTION)
            };
            drain.produced.add(&self.lab.produce(&load)?);
        }
        self.fed += PORTION;
        Ok(())
    }

    /// Waits until everything is committed. Offsets that are lower than they have been before are an error.
    ///
    /// # Errors
    /// When it is not in time.
    pub fn until_committed(&mut self) -> io::Result<()> {
        for drain in &mut self.drains {
            let group = format!("connect-{}", drain.name);
            let ends = self.lab.ends(&drain.name)?;
            let what = format!("the commit of {} by {group}", self.fed);
            wait::until(&what, SETTLE_LIMIT, || {
                let committed = self.lab.committed(&group)?;
                for (at, before) in &drain.committed {
                    if committed.get(at).is_none_or(|now| now < before) {
                        let message = format!("{at:?} went from {before} to {committed:?}");
                        return Err(io::Error::other(message));
                    }
                }
                drain.committed.clone_from(&committed);
                Ok((committed == ends).then_some(()))
            })?;
        }
        Ok(())
    }

    /// Waits until each task is the only member of its group.
    ///
    /// # Errors
    /// When one is not in time.
    pub fn until_alone(&mut self) -> io::Result<()> {
        for drain in &self.drains {
            let group = format!("connect-{}", drain.name);
            let wanted = [format!("connector-consumer-{}-0", drain.name)];
            until_members(&mut self.lab, &group, &wanted)?;
        }
        Ok(())
    }

    /// Waits until everything is committed, then fails unless every file holds its topic. Gives the number of
    /// duplicates.
    ///
    /// # Errors
    /// Says what is lost.
    pub fn finish(mut self) -> io::Result<u64> {
        self.until_committed()?;
        let mut duplicates = 0;
        for drain in &self.drains {
            let mut found = Findings::default();
            found.read(&self.file(&drain.name), Load::text("", 1, 0).size)?;
            let said = |e| io::Error::other(format!("{}: {e}", drain.name));
            drain::demand_equal(&found, &drain.produced).map_err(said)?;
            duplicates += found.duplicates;
        }
        if self.fed == 0 {
            return Err(io::Error::other("drains without records show nothing"));
        }
        Ok(duplicates)
    }
}

/// Waits until a consumer group has members of exactly these client ids, each once.
///
/// # Errors
/// After [`SETTLE_LIMIT`], with the members seen last.
pub fn until_members(lab: &mut Lab, group: &str, wanted: &[String]) -> io::Result<()> {
    let mut wanted = wanted.to_vec();
    wanted.sort();
    let mut last = Vec::new();
    let found = wait::until(&format!("the members of {group}"), SETTLE_LIMIT, || {
        last = lab.clients(group)?;
        last.sort();
        Ok((last == wanted).then_some(()))
    });
    found.map_err(|e| io::Error::new(e.kind(), format!("{e}: {wanted:?}, but {last:?}")))
}

//! The levels of loggers while the worker runs.
//!
//! Users name loggers as Java does (`org.apache.kafka.connect.runtime.rest`) or as this program does
//! (`ferrovia_worker::rest`); names of Java that stand for a part of this program change the level of that part. Other
//! names are kept and shown, and change nothing.
//!
//! # Source
//! `Loggers` of Kafka 4.2

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::namespaces::{KNOWN, targets};

/// Loggers that users may make up; more are refused a place and change nothing.
const MADE_UP_MAX: usize = 1000;
const ROOT: &str = "root";

/// Which messages a logger lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// None.
    Off,
    /// As `Error`; nothing here is worse.
    Fatal,
    /// Errors.
    Error,
    /// Warnings, and all before.
    Warn,
    /// What operators want to know, and all before.
    Info,
    /// What developers want to know, and all before.
    Debug,
    /// Every step.
    Trace,
    /// As `Trace`.
    All,
}

impl Level {
    const NAMED: [(&'static str, Self); 8] = [
        ("OFF", Self::Off),
        ("FATAL", Self::Fatal),
        ("ERROR", Self::Error),
        ("WARN", Self::Warn),
        ("INFO", Self::Info),
        ("DEBUG", Self::Debug),
        ("TRACE", Self::Trace),
        ("ALL", Self::All),
    ];

    /// The level of this name, in any case.
    pub fn named(text: &str) -> Option<Self> {
        let mut named = Self::NAMED.iter();
        named
            .find(|(name, _)| name.eq_ignore_ascii_case(text.trim()))
            .map(|(_, level)| *level)
    }

    /// Its name in answers and records.
    pub fn name(self) -> &'static str {
        let mut named = Self::NAMED.iter();
        named
            .find(|(_, level)| *level == self)
            .map_or("OFF", |(name, _)| name)
    }

    /// Its name in the directives of a filter.
    fn directive(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Fatal | Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace | Self::All => "trace",
        }
    }
}

/// A logger as shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggerLevel {
    /// What it lets through, by itself or by those above it.
    pub level: Level,
    /// When somebody last changed that, in milliseconds since 1970.
    pub last_modified: Option<i64>,
}

/// The levels of all loggers of this process. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Loggers {
    levels: Arc<Mutex<Levels>>,
    apply: Arc<dyn Fn(&str) + Send + Sync>,
}

impl Loggers {
    /// Loggers that begin as `directives` say, such as `info,ferrovia_client=debug`. Whenever a level changes `apply` gets
    /// the directives of the filter that is wanted from now on.
    pub fn new(directives: &str, apply: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self {
            levels: Arc::new(Mutex::new(Levels::new(directives))),
            apply: Arc::new(apply),
        }
    }

    /// Loggers whose levels change nothing but what is shown.
    pub fn detached() -> Self {
        Self::new("info", |_| ())
    }

    /// A logger that is known.
    pub fn get(&self, name: &str) -> Option<LoggerLevel> {
        let levels = self.locked();
        let name = canonical(name);
        levels.is_known(name).then(|| levels.shown(name))
    }

    /// All loggers that are known, by name.
    pub fn all(&self) -> BTreeMap<String, LoggerLevel> {
        let levels = self.locked();
        let shown = |name: &str| (name.to_owned(), levels.shown(name));
        levels.names().into_iter().map(shown).collect()
    }

    /// Sets the level of a logger and of all below it, and answers whose level that has changed, by name.
    pub fn set(&self, namespace: &str, level: Level) -> Vec<String> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.unwrap_or_default().as_millis();
        self.set_at(namespace, level, i64::try_from(now).unwrap_or(i64::MAX))
    }

    fn set_at(&self, namespace: &str, level: Level, now: i64) -> Vec<String> {
        let mut levels = self.locked();
        let changed = levels.set(canonical(namespace), level, now);
        // Under the lock, so that the last level that was set is the last that is applied.
        (self.apply)(&levels.directives());
        changed
    }

    fn locked(&self) -> MutexGuard<'_, Levels> {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Loggers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loggers").finish_non_exhaustive()
    }
}

/// Java knows the root by no name, too.
fn canonical(name: &str) -> &str {
    match name.is_empty() || name.eq_ignore_ascii_case(ROOT) {
        true => ROOT,
        false => name,
    }
}

/// Which levels are set, and since when.
#[derive(Debug)]
struct Levels {
    root: Level,
    /// Parts of this program with a level of their own.
    of_targets: BTreeMap<String, Level>,
    /// Names that stand for nothing here.
    made_up: BTreeMap<String, Level>,
    modified: BTreeMap<String, i64>,
    /// Directives for spans and fields, which are kept as they are.
    other: Vec<String>,
}

impl Levels {
    fn new(directives: &str) -> Self {
        let mut levels = Self {
            root: Level::Error,
            of_targets: BTreeMap::new(),
            made_up: BTreeMap::new(),
            modified: BTreeMap::new(),
            other: Vec::new(),
        };
        for directive in directives.split(',').map(str::trim) {
            let parsed = match directive.split_once('=') {
                Some((target, level)) => Level::named(level).map(|level| (target, level)),
                None => Level::named(directive).map(|level| (ROOT, level)),
            };
            match parsed {
                Some((ROOT, level)) => levels.root = level,
                Some((target, level)) if !target.contains('[') => {
                    levels.of_targets.insert(target.to_owned(), level);
                }
                _ if directive.is_empty() => (),
                _ => levels.other.push(directive.to_owned()),
            }
        }
        levels
    }

    fn directives(&self) -> String {
        let mut directives = self.other.clone();
        directives.push(self.root.directive().to_owned());
        let of_targets = self.of_targets.iter();
        directives.extend(of_targets.map(|(at, level)| format!("{at}={}", level.directive())));
        directives.join(",")
    }

    fn names(&self) -> BTreeSet<&str> {
        let known = KNOWN.iter().flat_map(|(name, targets)| {
            let targets = targets.iter().copied();
            targets.chain([*name])
        });
        let set = self.of_targets.keys().chain(self.made_up.keys());
        known.chain(set.map(String::as_str)).chain([ROOT]).collect()
    }

    fn is_known(&self, name: &str) -> bool {
        self.names().contains(name)
    }

    fn shown(&self, name: &str) -> LoggerLevel {
        LoggerLevel {
            level: self.effective(name),
            last_modified: self.modified.get(name).copied(),
        }
    }

    /// The level that a name has by itself or by the nearest above it.
    fn effective(&self, name: &str) -> Level {
        let (set, first) = match targets(name).first() {
            Some(target) => (&self.of_targets, *target),
            None if name.starts_with("ferrovia") => (&self.of_targets, name),
            None => (&self.made_up, name),
        };
        let mut above = Some(first);
        while let Some(name) = above {
            if let Some(level) = set.get(name) {
                return *level;
            }
            above = parent(name);
        }
        self.root
    }

    fn set(&mut self, namespace: &str, level: Level, now: i64) -> Vec<String> {
        let names = self.names().into_iter();
        let mut affected: BTreeMap<String, Level> = names
            .filter(|name| namespace == ROOT || is_within(name, namespace))
            .map(|name| (name.to_owned(), self.effective(name)))
            .collect();
        affected.insert(namespace.to_owned(), self.effective(namespace));
        self.put(namespace, level);
        let mut changed = Vec::new();
        for (name, before) in affected {
            if self.effective(&name) != before {
                self.modified.insert(name.clone(), now);
                changed.push(name);
            }
        }
        changed
    }

    fn put(&mut self, namespace: &str, level: Level) {
        if namespace == ROOT {
            self.root = level;
            self.of_targets.clear();
            for made_up in self.made_up.values_mut() {
                *made_up = level;
            }
            return;
        }
        let own = [namespace];
        let meant = match targets(namespace) {
            [] if namespace.starts_with("ferrovia") => own.as_slice(),
            meant => meant,
        };
        // Also what Java has below the name, though this program may have it elsewhere.
        let below = KNOWN.iter().filter(|(name, _)| is_within(name, namespace));
        let below = below.flat_map(|(_, targets)| targets.iter());
        for target in meant.iter().chain(below) {
            self.of_targets.retain(|other, _| !is_within(other, target));
            if !meant
                .iter()
                .any(|above| above != target && is_within(target, above))
            {
                self.of_targets.insert((*target).to_owned(), level);
            }
        }
        for (name, made_up) in &mut self.made_up {
            if is_within(name, namespace) {
                *made_up = level;
            }
        }
        if meant.is_empty() && self.made_up.len() < MADE_UP_MAX {
            self.made_up.insert(namespace.to_owned(), level);
        }
    }
}

/// Whether a name is another or below it.
fn is_within(name: &str, namespace: &str) -> bool {
    name.strip_prefix(namespace).is_some_and(|rest| {
        rest.is_empty() || rest.starts_with(['.', '$']) || rest.starts_with("::")
    })
}

fn parent(name: &str) -> Option<&str> {
    let (above, _) = match name.contains("::") {
        true => name.rsplit_once("::")?,
        false => name.rsplit_once('.')?,
    };
    Some(above)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loggers() -> (Loggers, Arc<Mutex<String>>) {
        let applied = Arc::new(Mutex::new(String::new()));
        let seen = Arc::clone(&applied);
        let loggers = Loggers::new("info,ferrovia_client::group=debug", move |directives| {
            *seen.lock().unwrap() = directives.to_owned();
        });
        (loggers, applied)
    }

    #[test]
    fn javas_names_change_the_parts_that_they_stand_for() {
        let (loggers, applied) = loggers();
        let changed = loggers.set_at("org.apache.kafka.clients", Level::Debug, 7);
        assert!(
            changed.contains(&"org.apache.kafka.clients".to_owned()),
            "{changed:?}"
        );
        assert_eq!(*applied.lock().unwrap(), "info,ferrovia_client=debug");
        let shown = loggers.get("ferrovia_client").unwrap();
        assert_eq!(shown.level, Level::Debug);
        let again = loggers.set_at("org.apache.kafka.clients", Level::Debug, 8);
        assert_eq!(again, Vec::<String>::new());
        let shown = loggers.get("org.apache.kafka.clients").unwrap();
        assert_eq!(shown.last_modified, Some(7));
    }

    #[test]
    fn mirror_maker_is_reached_by_javas_names() {
        let (loggers, applied) = loggers();
        loggers.set_at("org.apache.kafka.connect.mirror", Level::Debug, 1);
        let before = "info,ferrovia_client::group=debug,ferrovia_mirror=debug";
        assert_eq!(*applied.lock().unwrap(), before);
        loggers.set_at("org.apache.kafka.connect", Level::Warn, 2);
        let shown = loggers.get("ferrovia_mirror").unwrap();
        assert_eq!(shown.level, Level::Warn);
    }

    #[test]
    fn a_level_holds_for_all_below() {
        let (loggers, applied) = loggers();
        loggers.set_at("ferrovia_client::group", Level::Trace, 1);
        loggers.set_at("ferrovia_client", Level::Warn, 2);
        assert_eq!(*applied.lock().unwrap(), "info,ferrovia_client=warn");
        loggers.set_at("root", Level::Error, 3);
        assert_eq!(*applied.lock().unwrap(), "error");
        assert_eq!(loggers.get("ROOT").unwrap().level, Level::Error);
        assert_eq!(loggers.get("").unwrap().last_modified, Some(3));
    }

    #[test]
    fn names_that_stand_for_nothing_are_kept() {
        let (loggers, applied) = loggers();
        assert_eq!(loggers.get("made.up"), None);
        assert_eq!(loggers.set_at("made.up", Level::Trace, 1), ["made.up"]);
        assert_eq!(loggers.get("made.up.below"), None);
        assert_eq!(
            loggers.set_at("made.up.below", Level::Warn, 2),
            ["made.up.below"]
        );
        let changed = loggers.set_at("made", Level::Info, 3);
        assert_eq!(changed, ["made.up", "made.up.below"]);
        assert_eq!(loggers.get("made.up").unwrap().last_modified, Some(3));
        assert_eq!(
            *applied.lock().unwrap(),
            "info,ferrovia_client::group=debug"
        );
    }

    #[test]
    fn levels_go_by_log4js_names() {
        assert_eq!(Level::named("fatal"), Some(Level::Fatal));
        assert_eq!(Level::named("nope"), None);
        assert_eq!(Level::All.name(), "ALL");
        assert_eq!(Level::All.directive(), "trace");
    }
}

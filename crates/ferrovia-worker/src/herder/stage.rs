//! What the herder is busy with, for users whose requests were not answered in time.
//!
//! # Source
//! `Stage`, `StagedTimeoutException` and `DistributedHerder.TickThreadStage` of Kafka 4.2

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// What the herder does now, or has done last. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Stages(Arc<Mutex<Option<Stage>>>);

#[derive(Clone, Debug)]
struct Stage {
    doing: Cow<'static, str>,
    began: Instant,
    completed: Option<Instant>,
}

impl Stages {
    /// The herder does this now, or nothing that takes long. The time is in milliseconds since 1970.
    pub(super) fn tell(&self, doing: Option<Cow<'static, str>>, now_ms: i64) {
        let now = Instant(now_ms);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (known.as_mut(), doing) {
            (Some(stage), Some(doing)) if stage.completed.is_none() && stage.doing == doing => {}
            (_, Some(doing)) => {
                *known = Some(Stage {
                    doing,
                    began: now,
                    completed: None,
                });
            }
            (Some(stage), None) => {
                stage.completed.get_or_insert(now);
            }
            (None, None) => {}
        }
    }

    /// It in a sentence; `None` where it never did anything that takes long.
    pub(super) fn summary(&self) -> Option<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let stage = known.as_ref()?;
        let (doing, began) = (&stage.doing, stage.began);
        Some(match stage.completed {
            None => format!("The worker is currently {doing}, which began at {began}."),
            Some(completed) => format!(
                "The last operation the worker completed was {doing}, which began at {began} and completed at {completed}."
            ),
        })
    }
}

/// A time in milliseconds since 1970, shown as `java.time.Instant` shows it.
#[derive(Clone, Copy, Debug)]
struct Instant(i64);

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, millis) = (self.0.div_euclid(1_000), self.0.rem_euclid(1_000));
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        // Years that begin in March have their leap day at the end: 146,097 days are 400 of them.
        let day = days + 719_468;
        let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
        let of_era_year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * of_era_year + of_era_year / 4 - of_era_year / 100);
        let march_month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * march_month + 2) / 5 + 1;
        let month = if march_month < 10 {
            march_month + 3
        } else {
            march_month - 9
        };
        let year = of_era_year + era * 400 + i64::from(month <= 2);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )?;
        if millis > 0 {
            write!(f, ".{millis:03}")?;
        }
        f.write_str("Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_java_writes_them() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_827_696_120, "2000-02-29T12:34:56.120Z"),
            (1_700_000_000_001, "2023-11-14T22:13:20.001Z"),
            (4_107_542_399_000, "2100-02-28T23:59:59Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(Instant(ms).to_string(), text);
        }
    }

    #[test]
    fn stage_is_told_from_its_beginning_to_its_end() {
        let stages = Stages::default();
        stages.tell(None, 1_000);
        assert_eq!(stages.summary(), None);
        stages.tell(Some("shutting down".into()), 1_000);
        stages.tell(Some("shutting down".into()), 2_000);
        assert_eq!(
            stages.summary().unwrap(),
            "The worker is currently shutting down, which began at 1970-01-01T00:00:01Z."
        );
        stages.tell(None, 3_000);
        stages.tell(None, 4_000);
        assert_eq!(
            stages.summary().unwrap(),
            "The last operation the worker completed was shutting down, which began at 1970-01-01T00:00:01Z and \
             completed at 1970-01-01T00:00:03Z."
        );
    }
}

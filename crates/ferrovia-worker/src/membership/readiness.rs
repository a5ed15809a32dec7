//! Whether the leader of a group knows the configuration well enough to say who gets what.
//!
//! Every member says up to where it has read the config topic. A leader that has read less than one of its members could
//! assign what that member knows to be gone, so it looks again first, and where that does not help it tells everyone to
//! read on and to join once more.
//!
//! # Source
//! `ensureLeaderConfig` of `IncrementalCooperativeAssignor` and `EagerAssignor`.

/// What the leader does with the members' offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Assign from the newest snapshot, and tell the members this config offset.
    Assign {
        /// The config offset of the assignment.
        config_offset: i64,
    },
    /// Take a fresh snapshot of what was read already and ask again.
    Refresh,
    /// Tell every member that the configurations do not match.
    Mismatch {
        /// The config offset of the assignment: the highest of the members.
        config_offset: i64,
    },
}

/// Whether to assign.
///
/// `members` are the config offsets of all members, `snapshot` is the leader's when it joined, and `refreshed` that of a
/// snapshot taken since, if any. Offsets are those of the next record; -1 is that of a config topic never read.
#[must_use]
pub fn readiness(
    members: impl IntoIterator<Item = i64>,
    snapshot: i64,
    refreshed: Option<i64>,
) -> Readiness {
    let highest = members.into_iter().max().unwrap_or(snapshot);
    if snapshot >= highest {
        return Readiness::Assign {
            config_offset: highest,
        };
    }
    match refreshed {
        None => Readiness::Refresh,
        Some(config_offset) if config_offset >= highest => Readiness::Assign { config_offset },
        Some(_) => Readiness::Mismatch {
            config_offset: highest,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_offset_decides() {
        let assign = |config_offset| Readiness::Assign { config_offset };
        assert_eq!(readiness([3, 5, 4], 5, None), assign(5));
        assert_eq!(readiness([3, 5, 4], 9, None), assign(5));
        assert_eq!(readiness([3, 5, 4], 4, None), Readiness::Refresh);
        assert_eq!(readiness([3, 5, 4], 4, Some(7)), assign(7));
        assert_eq!(
            readiness([3, 5, 4], 3, Some(4)),
            Readiness::Mismatch { config_offset: 5 }
        );
        assert_eq!(readiness([-1], -1, None), assign(-1));
    }
}

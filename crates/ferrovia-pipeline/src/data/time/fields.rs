//! What a calendar says of a point in time. Weeks begin on Sunday, and the first week of a year or month is the one
//! that its first day is in.

use crate::data::calendar::{Moment, civil, day_of};
use crate::data::logical::DAY_MS;

/// The fields of a calendar.
pub(super) struct Fields {
    pub(super) moment: Moment,
    /// Counted on below 1: the year before year 1 is 0.
    pub(super) year: i64,
    day: i64,
}

impl Fields {
    pub(super) fn of(millis: i64) -> Self {
        let day = millis.div_euclid(DAY_MS);
        let (year, _, _) = civil(day);
        Self {
            moment: Moment::of(millis),
            year,
            day,
        }
    }

    pub(super) fn day_in_year(&self) -> i64 {
        self.day - first_day(self.year, 1) + 1
    }

    /// The year that the week counts to, and the week in it.
    pub(super) fn week(&self) -> (i64, i64) {
        if self.day >= week_of(first_day(self.year + 1, 1)) {
            return (self.year + 1, 1);
        }
        (
            self.year,
            (self.day - week_of(first_day(self.year, 1))) / 7 + 1,
        )
    }

    pub(super) fn week_in_month(&self) -> i64 {
        (self.day - week_of(first_day(self.year, self.moment.month))) / 7 + 1
    }
}

/// The first day of a month, counted from the epoch.
pub(super) fn first_day(year: i64, month: i64) -> i64 {
    day_of(year, month, 1)
}

/// The Sunday on or before a day.
pub(super) fn week_of(day: i64) -> i64 {
    on_or_before(day, 0)
}

/// The last day on or before `day` that is a `weekday`, 0 being Sunday.
pub(super) fn on_or_before(day: i64, weekday: i64) -> i64 {
    day - (day + 4 - weekday).rem_euclid(7)
}

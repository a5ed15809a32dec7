//! Points in time as Java writes and reads them, in UTC, by the calendar that was in use: Julian before 15 October 1582.
//!
//! # Source
//! `java.util.Date`, `java.util.GregorianCalendar`, `java.text.SimpleDateFormat`

use std::fmt;

use crate::data::logical::DAY_MS;

/// The first day by the Gregorian calendar.
const CUTOVER: i64 = -141_427;

/// A day and a time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The year in its era: the year before 1 is 1, too.
    pub year: i64,
    /// From 1.
    pub month: i64,
    /// From 1.
    pub day: i64,
    /// From 0.
    pub hour: i64,
    /// From 0.
    pub minute: i64,
    /// From 0.
    pub second: i64,
    /// From 0.
    pub millisecond: i64,
    /// From 0, which is Sunday.
    pub weekday: usize,
}

impl Moment {
    /// The moment at so many milliseconds since the epoch.
    pub fn of(millis: i64) -> Self {
        let days = millis.div_euclid(DAY_MS);
        let rest = millis.rem_euclid(DAY_MS);
        let (year, month, day) = civil(days);
        Self {
            year: if year > 0 { year } else { 1 - year },
            month,
            day,
            hour: rest / 3_600_000,
            minute: rest / 60_000 % 60,
            second: rest / 1_000 % 60,
            millisecond: rest % 1_000,
            weekday: usize::try_from((days + 4).rem_euclid(7)).unwrap_or_default(),
        }
    }

    /// Writes `yyyy-MM-dd`.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_day(&self, out: &mut impl fmt::Write) -> fmt::Result {
        write!(out, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    /// Writes `HH:mm:ss.SSS'Z'`.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_time(&self, out: &mut impl fmt::Write) -> fmt::Result {
        let Self {
            hour,
            minute,
            second,
            millisecond,
            ..
        } = self;
        write!(out, "{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z")
    }
}

/// Writes a point in time as `java.util.Date.toString` does.
///
/// # Errors
/// Those of `out`.
pub fn write_date(out: &mut impl fmt::Write, millis: i64) -> fmt::Result {
    const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let moment = Moment::of(millis);
    let month = usize::try_from(moment.month - 1).unwrap_or_default();
    write!(
        out,
        "{} {} {:02} {:02}:{:02}:{:02} UTC {}",
        WEEKDAYS.get(moment.weekday).unwrap_or(&""),
        MONTHS.get(month).unwrap_or(&""),
        moment.day,
        moment.hour,
        moment.minute,
        moment.second,
        moment.year
    )
}

/// The milliseconds of a year, month and day, of which the last two may lie outside their range, as lenient Java
/// calendars take them.
pub fn millis_of(year: i64, month: i64, day: i64) -> i64 {
    day_of(year, month, day).saturating_mul(DAY_MS)
}

/// As [`millis_of`], in days since the epoch.
pub(crate) fn day_of(year: i64, month: i64, day: i64) -> i64 {
    let months = month - 1;
    let year = year + months.div_euclid(12);
    let month = months.rem_euclid(12) + 1;
    let days = days_of(year, month, true) + day - 1;
    if days < CUTOVER {
        days_of(year, month, false) + day - 1
    } else {
        days
    }
}

/// Year (0 is the year before 1), month and day of a day since the epoch.
pub(crate) fn civil(days: i64) -> (i64, i64, i64) {
    // Years begin in March here, so that the leap day is the last, and days are counted from March of year 0.
    let (day_of_year, year) = if days >= CUTOVER {
        let days = days + 719_468;
        let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        (day - (365 * year + year / 4 - year / 100), year + era * 400)
    } else {
        let days = days + 719_470;
        let (era, day) = (days.div_euclid(1_461), days.rem_euclid(1_461));
        let year = (day - day / 1_460) / 365;
        (day - 365 * year, year + era * 4)
    };
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    (year + i64::from(month <= 2), month, day)
}

/// The day of a month's first day.
fn days_of(year: i64, month: i64, is_gregorian: bool) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let days = 365 * year + year.div_euclid(4) + (153 * shifted + 2) / 5;
    if is_gregorian {
        days - year.div_euclid(100) + year.div_euclid(400) - 719_468
    } else {
        days - 719_470
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(millis: i64) -> String {
        let mut text = String::new();
        write_date(&mut text, millis).unwrap();
        text
    }

    #[test]
    fn dates_print_as_in_java() {
        // Printed by Java 17 in UTC.
        let golden = [
            (i64::MIN, "Sun Dec 02 16:47:04 UTC 292269055"),
            (i64::MAX, "Sun Aug 17 07:12:55 UTC 292278994"),
            (-62_135_769_600_001, "Fri Dec 31 23:59:59 UTC 1"),
            (-124_271_539_200_000, "Mon Jan 15 00:00:00 UTC 1969"),
            (-12_219_292_800_000, "Fri Oct 15 00:00:00 UTC 1582"),
            (-12_219_292_800_001, "Thu Oct 04 23:59:59 UTC 1582"),
            (0, "Thu Jan 01 00:00:00 UTC 1970"),
            (253_402_300_800_000, "Sat Jan 01 00:00:00 UTC 10000"),
        ];
        for (millis, expected) in golden {
            assert_eq!(shown(millis), expected);
        }
    }

    #[test]
    fn every_day_is_found_again() {
        for days in (-800_000..800_000).step_by(13) {
            let (year, month, day) = civil(days);
            assert_eq!(millis_of(year, month, day), days * DAY_MS, "{days}");
        }
    }
}

//! From fields that were set, perhaps too few or contradicting ones, to a point in time: what was set last counts.
//!
//! # Source
//! `java.util.Calendar.selectFields`, `java.util.GregorianCalendar.computeTime`, `java.text.CalendarBuilder`

use super::fields::{first_day, on_or_before, week_of};
use crate::data::calendar::day_of;
use crate::data::logical::DAY_MS;

/// A field that a text can set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settable {
    Era,
    Year,
    WeekYear,
    /// From 0.
    Month,
    WeekOfYear,
    WeekOfMonth,
    DayOfYear,
    DayOfMonth,
    DayOfWeekInMonth,
    /// From 1, which is Sunday.
    DayOfWeek,
    AmPm,
    HourOfDay,
    Hour,
    Minute,
    Second,
    Millisecond,
    ZoneMinutes,
}

/// Fields and their values, in the order in which they were set. Each stands there once.
#[derive(Debug, Default)]
pub(super) struct Settings {
    fields: Vec<(Settable, i64)>,
}

impl Settings {
    pub(super) fn set(&mut self, field: Settable, value: i64) {
        self.fields.retain(|(known, _)| *known != field);
        self.fields.push((field, value));
    }

    fn get(&self, field: Settable) -> Option<i64> {
        let found = self.fields.iter().find(|(known, _)| *known == field)?;
        Some(found.1)
    }

    /// When it was set: later is more; 0 is never.
    fn stamp(&self, field: Settable) -> usize {
        let place = self.fields.iter().position(|(known, _)| *known == field);
        place.map_or(0, |place| place + 1)
    }

    /// When the later of two was set; 0 unless both were.
    fn stamp_of_both(&self, one: Settable, two: Settable) -> usize {
        match (self.stamp(one), self.stamp(two)) {
            (0, _) | (_, 0) => 0,
            (one, two) => one.max(two),
        }
    }

    /// Milliseconds since the epoch.
    pub(super) fn resolve(&self) -> i64 {
        let zone = self.get(Settable::ZoneMinutes).unwrap_or(0) * 60_000;
        let day = if self.stamp(Settable::WeekYear) > self.stamp(Settable::Year) {
            self.day_of_week_date()
        } else {
            self.day()
        };
        day.wrapping_mul(DAY_MS)
            .wrapping_add(self.time_of_day() - zone)
    }

    fn time_of_day(&self) -> i64 {
        let value = |field| self.get(field).unwrap_or(0);
        let of_half = self.stamp_of_both(Settable::Hour, Settable::AmPm);
        let of_day = self.stamp(Settable::HourOfDay);
        let hours = if of_day > 0 && of_day >= of_half {
            value(Settable::HourOfDay)
        } else {
            value(Settable::Hour) + 12 * value(Settable::AmPm)
        };
        let minutes = hours * 60 + value(Settable::Minute);
        (minutes * 60 + value(Settable::Second)) * 1_000 + value(Settable::Millisecond)
    }

    fn day_of_week_date(&self) -> i64 {
        let year = self.get(Settable::WeekYear).unwrap_or(1970);
        let week = self.get(Settable::WeekOfYear).unwrap_or(1);
        let weekday = self.get(Settable::DayOfWeek).unwrap_or(1);
        // A day outside the week is counted from Monday, as the letter `u` is.
        let days = if (1..=7).contains(&weekday) {
            weekday - 1
        } else {
            let days = weekday - 1;
            days.div_euclid(7) * 7 + (days.rem_euclid(7) + 1) % 7
        };
        week_of(first_day(year, 1)) + days + 7 * (week - 1)
    }

    fn year(&self) -> i64 {
        let year = self.get(Settable::Year).unwrap_or(1970);
        match self.get(Settable::Era) {
            Some(0) => 1 - year,
            _ => year,
        }
    }

    /// The day, counted from the epoch, by the group of fields that was completed last.
    fn day(&self) -> i64 {
        let year = self.year();
        match self.chosen() {
            Chosen::DayOfMonth => {
                let day = self.get(Settable::DayOfMonth).unwrap_or(1);
                day_of(year, self.month(), day)
            }
            Chosen::DayOfYear => {
                first_day(year, 1) + self.get(Settable::DayOfYear).unwrap_or(1) - 1
            }
            Chosen::WeekOfYear => self.in_week(first_day(year, 1), Settable::WeekOfYear),
            Chosen::WeekOfMonth => {
                self.in_week(first_day(year, self.month()), Settable::WeekOfMonth)
            }
            Chosen::DayOfWeekInMonth => self.day_of_week_in_month(year),
        }
    }

    fn month(&self) -> i64 {
        self.get(Settable::Month).unwrap_or(0) + 1
    }

    fn in_week(&self, first: i64, week: Settable) -> i64 {
        let weekday = self.get(Settable::DayOfWeek).unwrap_or(1) - 1;
        let sunday = week_of(first);
        let day = on_or_before(sunday + 6, weekday);
        day + 7 * (self.get(week).unwrap_or(1) - 1)
    }

    fn day_of_week_in_month(&self, year: i64) -> i64 {
        let weekday = self.get(Settable::DayOfWeek).unwrap_or(1) - 1;
        let count = self.get(Settable::DayOfWeekInMonth).unwrap_or(1);
        let latest = if count >= 0 {
            first_day(year, self.month()) + 7 * count - 1
        } else {
            first_day(year, self.month() + 1) + 7 * (count + 1) - 1
        };
        on_or_before(latest, weekday)
    }

    fn chosen(&self) -> Chosen {
        let weekday = self.stamp(Settable::DayOfWeek);
        let week_of_month = self.stamp(Settable::WeekOfMonth);
        let in_month = self.stamp(Settable::DayOfWeekInMonth);
        let week_of_year = self.stamp(Settable::WeekOfYear);
        let with_day = |field| self.stamp_of_both(field, Settable::DayOfWeek);
        let mut stamps = [
            (self.stamp(Settable::DayOfMonth), Chosen::DayOfMonth),
            (with_day(Settable::WeekOfMonth), Chosen::WeekOfMonth),
            (
                with_day(Settable::DayOfWeekInMonth),
                Chosen::DayOfWeekInMonth,
            ),
            (self.stamp(Settable::DayOfYear), Chosen::DayOfYear),
            (with_day(Settable::WeekOfYear), Chosen::WeekOfYear),
        ];
        if stamps.iter().all(|(stamp, _)| *stamp == 0) {
            // No group is complete: a part of one has to do.
            stamps = [
                (0, Chosen::DayOfMonth),
                (week_of_month, Chosen::WeekOfMonth),
                (in_month.max(weekday), Chosen::DayOfWeekInMonth),
                (0, Chosen::DayOfYear),
                (week_of_year, Chosen::WeekOfYear),
            ];
        }
        let best = stamps.iter().map(|(stamp, _)| *stamp).max().unwrap_or(0);
        let is_best = |which| stamps.contains(&(best, which));
        if is_best(Chosen::DayOfMonth) {
            return Chosen::DayOfMonth;
        }
        let by_week = is_best(Chosen::WeekOfMonth) && week_of_month >= week_of_year;
        let by_day = is_best(Chosen::DayOfWeekInMonth) && in_month >= week_of_year;
        match (by_week, by_day) {
            (true, true) if week_of_month >= in_month => Chosen::WeekOfMonth,
            (_, true) => Chosen::DayOfWeekInMonth,
            (true, false) => Chosen::WeekOfMonth,
            _ if is_best(Chosen::DayOfYear) => Chosen::DayOfYear,
            _ => Chosen::WeekOfYear,
        }
    }
}

/// The group of fields that says which day it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chosen {
    DayOfMonth,
    WeekOfMonth,
    DayOfWeekInMonth,
    DayOfYear,
    WeekOfYear,
}

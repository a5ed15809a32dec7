//! Times as HTTP writes them: `Sun, 06 Nov 1994 08:49:37 GMT`.

use std::fmt;

const SECONDS_PER_DAY: u64 = 86_400;
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A time in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct HttpDate(pub(super) u64);

impl fmt::Display for HttpDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (day, second) = (self.0 / SECONDS_PER_DAY, self.0 % SECONDS_PER_DAY);
        let (mut year, mut of_year) = (1970, day);
        while of_year >= days_of(year) {
            of_year -= days_of(year);
            year += 1;
        }
        let february = days_of(year) - 337;
        let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let mut month = "Dec";
        for (name, length) in MONTHS.into_iter().zip(lengths) {
            if of_year < length {
                month = name;
                break;
            }
            of_year -= length;
        }
        let week_day = usize::try_from(day % 7).ok().and_then(|at| DAYS.get(at));
        write!(
            f,
            "{}, {:02} {month} {year} {:02}:{:02}:{:02} GMT",
            week_day.unwrap_or(&"Thu"),
            of_year + 1,
            second / 3600,
            second / 60 % 60,
            second % 60
        )
    }
}

fn days_of(year: u64) -> u64 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    if is_leap { 366 } else { 365 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_http_has_them() {
        for (seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_827_696, "Tue, 29 Feb 2000 12:34:56 GMT"),
            (1_795_439_490, "Mon, 23 Nov 2026 13:11:30 GMT"),
        ] {
            assert_eq!(HttpDate(seconds).to_string(), text);
        }
    }
}

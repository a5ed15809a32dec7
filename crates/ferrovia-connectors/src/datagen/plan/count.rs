//! Values that go on from record to record, and begin anew at an end.
//!
//! # Source
//! `Generator`'s iterators in avro-random-generator

use ferrovia_pipeline::data::Value;

use crate::datagen::avro::Fault;
use crate::datagen::avro::value::{Whole, narrowed};

/// Where a count stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Count {
    Truth(bool),
    Whole(WholeCount),
    /// Of numbers with 64 bits.
    Real(RealCount),
    /// Of numbers with 32 bits.
    Half(RealCount),
}

impl Count {
    /// The next value; a whole number becomes what is said of it.
    pub(super) fn next(&mut self, whole: Whole) -> Value<'static> {
        match self {
            Self::Truth(next) => {
                *next = !*next;
                Value::Boolean(!*next)
            }
            Self::Whole(count) => whole.value(count.next()),
            Self::Real(count) => Value::Float64(count.next()),
            Self::Half(count) => Value::Float32(narrowed(count.next())),
        }
    }
}

/// What is said of a count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Iteration<T> {
    pub(super) start: T,
    pub(super) restart: Option<T>,
    pub(super) step: Option<T>,
    pub(super) initial: Option<T>,
}

impl<T: PartialOrd + Default + Copy> Iteration<T> {
    /// Checks it, and answers where it begins anew and how far one step is.
    fn ends(&self, lowest: T, highest: T, forwards: T, backwards: T) -> Result<(T, T), Fault> {
        let zero = T::default();
        let step = self.step.unwrap_or(match self.restart {
            Some(restart) if restart < self.start => backwards,
            _ => forwards,
        });
        if step == zero {
            return Err(Fault::new("step of iteration is zero"));
        }
        let restart = self
            .restart
            .unwrap_or(if step > zero { highest } else { lowest });
        if restart == self.start {
            return Err(Fault::new("start and restart of iteration are equal"));
        }
        if (restart > self.start) != (step > zero) {
            return Err(Fault::new("step of iteration leads away from its restart"));
        }
        Ok((restart, step))
    }
}

/// A count of whole numbers: how far it is from its start.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct WholeCount {
    start: i128,
    range: i128,
    step: i128,
    current: i128,
}

impl WholeCount {
    /// A count whose numbers are within these, as it stands behind `passed` values.
    pub(super) fn new(
        iteration: &Iteration<i64>,
        (lowest, highest): (i64, i64),
        passed: i64,
    ) -> Result<Self, Fault> {
        let (restart, step) = iteration.ends(lowest, highest, 1, -1)?;
        let start = i128::from(iteration.start);
        let begin = i128::from(iteration.initial.unwrap_or(iteration.start));
        let mut count = Self {
            start,
            range: (i128::from(restart) - start).abs(),
            step: i128::from(step),
            current: begin - start,
        };
        if passed > 0 {
            count.current = count.wrapped(count.current + i128::from(passed) * count.step);
        }
        Ok(count)
    }

    /// The distance within the range, in the direction of the steps.
    fn wrapped(&self, distance: i128) -> i128 {
        let distance = distance.abs();
        let distance = if distance < self.range {
            distance
        } else {
            distance % self.range
        };
        if self.step < 0 { -distance } else { distance }
    }

    pub(super) fn next(&mut self) -> i64 {
        let value = self.start + self.current;
        self.current = self.wrapped(self.current + self.step);
        i64::try_from(value).unwrap_or(i64::MAX)
    }
}

/// A count of numbers with fractions. It counts whole units of the last decimal place, so that no error adds up.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RealCount {
    start: f64,
    range: f64,
    step: f64,
    current: f64,
    units: f64,
}

/// Decimal places beyond which fractions are counted as they are.
const PLACES_MAX: usize = 15;

impl RealCount {
    /// A count of numbers up to that size, as it stands behind `passed` values.
    pub(super) fn new(
        iteration: &Iteration<f64>,
        highest: f64,
        passed: i64,
    ) -> Result<Self, Fault> {
        let (restart, step) = iteration.ends(-highest, highest, 1.0, -1.0)?;
        let Iteration { start, initial, .. } = *iteration;
        let begin = initial.unwrap_or(start);
        let said = [Some(start), iteration.restart, Some(step), initial];
        let places = said.into_iter().flatten().map(places).max().unwrap_or(0);
        let units = match i32::try_from(places) {
            Ok(power) if places <= PLACES_MAX => 10_f64.powi(power),
            _ => 1.0,
        };
        let whole = |number: f64| {
            if units > 1.0 {
                (number * units).round()
            } else {
                number
            }
        };
        let mut count = Self {
            start: whole(start),
            range: whole(restart) - whole(start),
            step: whole(step),
            current: whole(begin) - whole(start),
            units,
        };
        if passed > 0 {
            #[expect(
                clippy::cast_precision_loss,
                reason = "fractions are not counted so far"
            )]
            let passed = passed as f64;
            count.current = (count.current + passed * count.step) % count.range;
        }
        Ok(count)
    }

    pub(super) fn next(&mut self) -> f64 {
        let value = (self.start + self.current) / self.units;
        self.current = (self.current + self.step) % self.range;
        value
    }
}

/// How many digits stand behind the point.
fn places(number: f64) -> usize {
    let text = number.to_string();
    text.split_once('.')
        .map_or(0, |(_, fraction)| fraction.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(
        start: i64,
        restart: Option<i64>,
        step: Option<i64>,
        initial: Option<i64>,
    ) -> Iteration<i64> {
        Iteration {
            start,
            restart,
            step,
            initial,
        }
    }

    fn values(iteration: &Iteration<i64>, passed: i64, count: usize) -> Vec<i64> {
        let limits = (i64::from(i32::MIN), i64::from(i32::MAX));
        let mut counter = WholeCount::new(iteration, limits, passed).unwrap();
        (0..count).map(|_| counter.next()).collect()
    }

    #[test]
    fn whole_counts_begin_anew_at_their_end() {
        assert_eq!(
            values(&whole(0, Some(3), None, None), 0, 5),
            [0, 1, 2, 0, 1]
        );
        assert_eq!(
            values(&whole(5, Some(0), Some(-2), None), 0, 5),
            [5, 3, 1, 4, 2]
        );
        assert_eq!(
            values(&whole(0, Some(9), Some(3), Some(6)), 0, 3),
            [6, 0, 3]
        );
        let last = i64::from(i32::MAX) - 1;
        assert_eq!(
            values(&whole(last, None, None, None), 0, 3),
            [last, last, last]
        );
        assert_eq!(values(&whole(0, None, Some(-1), None), 0, 3), [0, -1, -2]);
    }

    #[test]
    fn count_goes_on_where_it_was() {
        let iterations = [
            whole(0, Some(7), Some(3), None),
            whole(10, Some(-3), Some(-4), Some(6)),
            whole(1, None, Some(10), None),
        ];
        for iteration in &iterations {
            let all = values(iteration, 0, 40);
            for passed in 0..20 {
                let at = usize::try_from(passed).unwrap();
                assert_eq!(values(iteration, passed, 20), all[at..at + 20]);
            }
        }
        let extreme = whole(i64::MIN, Some(i64::MAX), Some(i64::MAX), None);
        let mut count = WholeCount::new(&extreme, (i64::MIN, i64::MAX), i64::MAX).unwrap();
        for _ in 0..10 {
            count.next();
        }
    }

    #[test]
    fn fractions_add_up() {
        let iteration = Iteration {
            start: 0.0,
            restart: Some(0.5),
            step: Some(0.1),
            initial: None,
        };
        let mut count = RealCount::new(&iteration, f64::MAX, 0).unwrap();
        let values: Vec<f64> = (0..7).map(|_| count.next()).collect();
        assert_eq!(values, [0.0, 0.1, 0.2, 0.3, 0.4, 0.0, 0.1]);
        let mut count = RealCount::new(&iteration, f64::MAX, 8).unwrap();
        assert_eq!(count.next(), 0.3);
        let endless = Iteration {
            start: 0.0,
            restart: None,
            step: None,
            initial: None,
        };
        let mut count = RealCount::new(&endless, f64::MAX, 41).unwrap();
        assert_eq!([count.next(), count.next()], [41.0, 42.0]);
    }

    #[test]
    fn what_never_arrives_is_refused() {
        let limits = (i64::MIN, i64::MAX);
        for (iteration, reason) in [
            (whole(0, None, Some(0), None), "step of iteration is zero"),
            (
                whole(0, Some(0), None, None),
                "start and restart of iteration are equal",
            ),
            (
                whole(0, Some(5), Some(-1), None),
                "step of iteration leads away from its restart",
            ),
        ] {
            let refused = WholeCount::new(&iteration, limits, 0).unwrap_err();
            assert_eq!(refused.to_string(), reason);
        }
    }
}

//! The way to one broker: its connection, its session and the one fetch that may be in flight.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::TopicPartition;
use crate::fetch::session::{FetchSession, PartitionAsk, SessionRequest};

/// How a lane stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum LaneState {
    /// No connection, and none before this time.
    #[default]
    Absent,
    Connecting,
    Idle,
    InFlight,
}

#[derive(Debug, Default)]
pub(super) struct Lane {
    state: LaneState,
    retry_at: Option<Instant>,
    failures: u32,
    pub(super) session: FetchSession,
}

impl Lane {
    /// Whether a connection should be opened now; if so, it is taken to be under way.
    pub(super) fn wants_connection(&mut self, now: Instant) -> bool {
        if self.state != LaneState::Absent || self.is_backing_off(now) {
            return false;
        }
        self.state = LaneState::Connecting;
        true
    }

    pub(super) fn is_backing_off(&self, now: Instant) -> bool {
        self.state == LaneState::Absent && self.retry_at.is_some_and(|at| at > now)
    }

    pub(super) fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    pub(super) fn is_idle(&self) -> bool {
        self.state == LaneState::Idle
    }

    pub(super) fn on_connected(&mut self) {
        self.state = LaneState::Idle;
        self.retry_at = None;
        self.session.reset();
    }

    pub(super) fn on_disconnected(
        &mut self,
        now: Instant,
        backoff: (Duration, Duration),
        jitter: f64,
    ) {
        self.state = LaneState::Absent;
        self.session.reset();
        back_off(&mut self.retry_at, &mut self.failures, now, backoff, jitter);
    }

    pub(super) fn begin_fetch(
        &mut self,
        wanted: BTreeMap<TopicPartition, PartitionAsk>,
    ) -> SessionRequest {
        self.state = LaneState::InFlight;
        self.session.request(wanted)
    }

    /// The fetch in flight is answered.
    pub(super) fn on_answer(&mut self) {
        self.state = LaneState::Idle;
        self.failures = 0;
        self.retry_at = None;
    }

    /// The answer was an error for the whole request: wait before the next.
    pub(super) fn on_refused(&mut self, now: Instant, backoff: (Duration, Duration), jitter: f64) {
        self.on_disconnected(now, backoff, jitter);
    }
}

/// Sets the time of the next try: the backoff doubles with each failure up to its maximum, ±20 % (KIP-580).
pub(super) fn back_off(
    retry_at: &mut Option<Instant>,
    failures: &mut u32,
    now: Instant,
    (first, most): (Duration, Duration),
    jitter: f64,
) {
    let doubled = first
        .saturating_mul(1_u32.checked_shl(*failures).unwrap_or(u32::MAX))
        .min(most);
    *failures = failures.saturating_add(1);
    *retry_at = Some(now + doubled.mul_f64(0.8 + 0.4 * jitter.clamp(0.0, 1.0)));
}

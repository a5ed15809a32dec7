//! Topics that the herder was told of: it hears of each again from time to time, as somebody may have reset what it knows.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Topics that need not be told of at the moment.
#[derive(Debug)]
pub(super) struct ToldTopics {
    topics: BTreeSet<Arc<str>>,
    forget_at: Instant,
    kept_for: Duration,
}

impl ToldTopics {
    /// None yet. The herder hears of each topic again after this time.
    pub(super) fn new(kept_for: Duration, now: Instant) -> Self {
        Self {
            topics: BTreeSet::new(),
            forget_at: now + kept_for,
            kept_for,
        }
    }

    /// Whether the herder is to be told of this topic now.
    pub(super) fn is_news(&mut self, topic: &Arc<str>, now: Instant) -> bool {
        if self.forget_at <= now {
            self.topics.clear();
            self.forget_at = now + self.kept_for;
        }
        // Most records are for topics that are known here: nothing is cloned for them.
        !self.topics.contains(topic) && self.topics.insert(Arc::clone(topic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topic_is_news_once_in_a_while() {
        let (while_, now) = (Duration::from_secs(60), Instant::now());
        let mut told = ToldTopics::new(while_, now);
        let (t, u): (Arc<str>, Arc<str>) = ("t".into(), "u".into());
        assert!(told.is_news(&t, now));
        assert!(told.is_news(&u, now));
        assert!(!told.is_news(&t, now + while_ - Duration::from_millis(1)));
        assert!(told.is_news(&t, now + while_));
        assert!(told.is_news(&u, now + while_));
        assert!(!told.is_news(&u, now + while_));
    }
}

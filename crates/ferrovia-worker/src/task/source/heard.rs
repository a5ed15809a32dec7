//! What has happened that the connector's task is to hear of, and when it may: of a record in a transaction once that has
//! ended.

use ferrovia_pipeline::source::Landed;

/// A record that the task tagged, with where it landed.
type Told = (u64, Option<Landed>);

/// What the connector's task is to hear when it can be called.
#[derive(Debug, Default)]
pub(super) struct Heard {
    news: News,
    /// Records of the transaction at hand, where records go in transactions.
    in_transaction: Option<Vec<Told>>,
}

/// What the task may hear of.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// Records.
    pub(super) records: Vec<Told>,
    /// Whether offsets were stored.
    pub(super) is_committed: bool,
}

impl Heard {
    /// Nothing. Of records in transactions nobody hears before these have ended.
    pub(super) fn new(in_transactions: bool) -> Self {
        Self {
            news: News::default(),
            in_transaction: in_transactions.then(Vec::new),
        }
    }

    /// These records have landed, or were skipped.
    pub(super) fn on_records(&mut self, records: impl IntoIterator<Item = Told>) {
        let open = self.in_transaction.as_mut();
        open.unwrap_or(&mut self.news.records).extend(records);
    }

    /// Offsets were stored; with them the transaction at hand.
    pub(super) fn on_committed(&mut self) {
        if let Some(open) = &mut self.in_transaction {
            self.news.records.append(open);
        }
        self.news.is_committed = true;
    }

    /// Nobody will ever see the records of the transaction at hand.
    pub(super) fn on_aborted(&mut self) {
        for (_, landed) in self.in_transaction.iter_mut().flatten() {
            *landed = None;
        }
    }

    /// What the task may hear of, for the only time.
    pub(super) fn take(&mut self) -> News {
        std::mem::take(&mut self.news)
    }
}

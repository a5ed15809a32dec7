//! What a drain has measured, as text and as JSON.

use std::fmt;

use serde::Serialize;

use crate::numbers::megabytes;

/// The figures of one drain, from the first record to the last.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figures {
    pub(super) client: &'static str,
    pub(super) topic: String,
    pub(super) tasks: usize,
    /// Records that the sink has taken.
    pub(super) records: u64,
    /// Bytes of their keys and values, decompressed.
    pub(super) bytes: u64,
    /// Bytes of record batches as they came from the broker.
    pub(super) wire_bytes: u64,
    pub(super) seconds: f64,
    /// CPU seconds of this process in that time; `None` where the system does not tell.
    pub(super) cpu_seconds: Option<f64>,
    pub(super) records_per_s: f64,
    /// Millions of bytes of keys and values.
    pub(super) mb_per_s: f64,
    /// CPU seconds per billion bytes of keys and values.
    pub(super) cpu_s_per_gb: Option<f64>,
    /// The most memory that was resident at once.
    pub(super) peak_memory_bytes: Option<u64>,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_unknown = |figure: Option<f64>, digits: usize| {
            figure.map_or_else(
                || "unknown".to_owned(),
                |figure| format!("{figure:.digits$}"),
            )
        };
        let peak_mb = self.peak_memory_bytes.map(megabytes);
        writeln!(f, "topic                {}", self.topic)?;
        writeln!(f, "tasks                {}", self.tasks)?;
        writeln!(f, "records              {}", self.records)?;
        writeln!(f, "payload MB           {:.1}", megabytes(self.bytes))?;
        writeln!(f, "fetched MB           {:.1}", megabytes(self.wire_bytes))?;
        writeln!(f, "seconds              {:.3}", self.seconds)?;
        writeln!(f, "records/s            {:.0}", self.records_per_s)?;
        writeln!(f, "MB/s                 {:.1}", self.mb_per_s)?;
        writeln!(
            f,
            "CPU s per GB         {}",
            or_unknown(self.cpu_s_per_gb, 3)
        )?;
        write!(f, "peak memory MB       {}", or_unknown(peak_mb, 1))
    }
}

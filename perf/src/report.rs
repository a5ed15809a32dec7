//! Medians and ratios over the rounds, as Markdown for people and JSON for machines.

use std::fmt::Write as _;

use serde::Serialize;

use crate::client::{Client, Sample};
use crate::topic::SHAPES;

/// One client's medians on one topic.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Who did it.
    pub client: Client,
    /// Which topic.
    pub topic: &'static str,
    /// Rounds that gave figures.
    pub rounds: usize,
    /// Median of records per second.
    pub records_per_second: f64,
    /// Slowest and fastest round, records per second.
    pub range: [f64; 2],
    /// Median of payload bytes per second.
    pub bytes_per_second: f64,
    /// Median of CPU seconds per 10⁹ payload bytes.
    pub cpu_seconds_per_gigabyte: f64,
    /// Median of the broker's CPU seconds per 10⁹ payload bytes.
    pub broker_cpu_seconds_per_gigabyte: f64,
    /// The largest resident memory of all rounds.
    pub peak_mebibytes: f64,
}

/// Medians by topic and client, in the order of the topics.
#[must_use]
pub fn rows(samples: &[Sample]) -> Vec<Row> {
    let clients = [
        Client::Java,
        Client::Bare,
        Client::Ferrovia,
        Client::Generator,
        Client::BareUsers,
    ];
    let mut rows = Vec::new();
    for shape in &SHAPES {
        for client in clients {
            let of = |s: &&Sample| s.client == client && s.topic == shape.name;
            let mine: Vec<&Sample> = samples.iter().filter(of).collect();
            rows.extend(row(client, shape.name, &mine));
        }
    }
    rows
}

fn row(client: Client, topic: &'static str, samples: &[&Sample]) -> Option<Row> {
    let over = |figure: fn(&Sample) -> f64| sorted(samples.iter().map(|s| figure(s)).collect());
    let rates = over(|s| s.records as f64 / s.seconds);
    let peaks = over(|s| s.peak_kib as f64 / 1024.0);
    Some(Row {
        client,
        topic,
        rounds: samples.len(),
        records_per_second: median(&rates)?,
        range: [*rates.first()?, *rates.last()?],
        bytes_per_second: median(&over(|s| s.bytes as f64 / s.seconds))?,
        cpu_seconds_per_gigabyte: median(&over(|s| s.cpu_seconds * 1e9 / s.bytes as f64))?,
        broker_cpu_seconds_per_gigabyte: median(&over(|s| {
            s.broker_cpu_seconds * 1e9 / s.bytes as f64
        }))?,
        peak_mebibytes: *peaks.last()?,
    })
}

fn sorted(mut figures: Vec<f64>) -> Vec<f64> {
    figures.sort_by(f64::total_cmp);
    figures
}

/// The middle, or the mean of the two middles.
fn median(sorted: &[f64]) -> Option<f64> {
    let (low, high) = (sorted.len().checked_sub(1)? / 2, sorted.len() / 2);
    Some(f64::midpoint(*sorted.get(low)?, *sorted.get(high)?))
}

/// The report as a Markdown page.
#[must_use]
pub fn markdown(rows: &[Row], about: &str) -> String {
    let mut page = format!("# Drains and fills side by side\n\n{about}\n");
    for shape in &SHAPES {
        let of_topic: Vec<&Row> = rows.iter().filter(|row| row.topic == shape.name).collect();
        if of_topic.is_empty() {
            continue;
        }
        // Writing to a String cannot fail.
        let _ = write!(
            page,
            "\n## {}\n\n| client | M records/s (slowest–fastest) | GB/s | × Java | × bare | CPU s/GB | the broker's | peak MiB | rounds |\n|---|---|---|---|---|---|---|---|---|\n",
            shape.title
        );
        for row in &of_topic {
            let _ = writeln!(page, "{}", line(row, &of_topic));
        }
    }
    page
}

fn line(row: &Row, all: &[&Row]) -> String {
    let bare = match row.client {
        Client::Generator | Client::BareUsers => Client::BareUsers,
        _ => Client::Bare,
    };
    let against = |client: Client| {
        let other = all.iter().find(|other| other.client == client);
        other.map_or_else(
            || "–".to_owned(),
            |other| format!("{:.2}", row.records_per_second / other.records_per_second),
        )
    };
    format!(
        "| {:?} | {:.3} ({:.3}–{:.3}) | {:.2} | {} | {} | {:.2} | {:.2} | {:.0} | {} |",
        row.client,
        row.records_per_second / 1e6,
        row.range[0] / 1e6,
        row.range[1] / 1e6,
        row.bytes_per_second / 1e9,
        against(Client::Java),
        against(bare),
        row.cpu_seconds_per_gigabyte,
        row.broker_cpu_seconds_per_gigabyte,
        row.peak_mebibytes,
        row.rounds
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(client: Client, seconds: f64) -> Sample {
        Sample {
            client,
            topic: "text-100",
            records: 1_000_000,
            bytes: 100_000_000,
            seconds,
            cpu_seconds: 0.2,
            broker_cpu_seconds: 0.1,
            peak_kib: 2_048,
        }
    }

    #[test]
    fn medians_ignore_the_outlier() {
        let samples = [1.0, 2.0, 50.0].map(|seconds| sample(Client::Bare, seconds));
        let rows = rows(&samples);
        assert_eq!(rows.len(), 1);
        assert!((rows[0].records_per_second - 500_000.0).abs() < 1e-6);
        assert!((rows[0].cpu_seconds_per_gigabyte - 2.0).abs() < 1e-9);
    }

    #[test]
    fn the_page_gives_ratios_to_the_other_clients() {
        let rows = rows(&[sample(Client::Java, 4.0), sample(Client::Bare, 1.0)]);
        let page = markdown(&rows, "");
        assert!(
            page.contains("| Bare | 1.000 (1.000–1.000) | 0.10 | 4.00 | 1.00 |"),
            "{page}"
        );
        assert!(
            page.contains("| Java | 0.250 (0.250–0.250) | 0.03 | 1.00 | 0.25 |"),
            "{page}"
        );
    }
}

//! Log lines: in the form that tools for Kafka Connect know, or as JSON.

mod plain;

use ferrovia_worker::logging::Loggers;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt;

use self::plain::{ContextOnly, PlainFormat};

/// The variable that sets the form where the command line does not.
const FORMAT_VARIABLE: &str = "FERROVIA_LOG_FORMAT";
/// Where log lines go, and which, unless somebody says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogPlan {
    /// A worker's: everything of interest to an operator, on standard output, as Kafka Connect does.
    Worker,
    /// A tool's: its own lines and what went wrong, on standard error, because standard output is for results.
    Tool,
}

impl LogPlan {
    fn level(self) -> &'static str {
        match self {
            Self::Worker => "info",
            Self::Tool => "warn,ferrovia::bench=info",
        }
    }

    fn writer(self) -> BoxMakeWriter {
        match self {
            Self::Worker => BoxMakeWriter::new(std::io::stdout),
            Self::Tool => BoxMakeWriter::new(std::io::stderr),
        }
    }
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// `[time] LEVEL [connector|task-0] message (module:line)`
    Plain,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    /// What the environment says; plain if it says nothing.
    pub(crate) fn from_environment() -> Self {
        let is_json = std::env::var(FORMAT_VARIABLE).is_ok_and(|f| f.eq_ignore_ascii_case("json"));
        if is_json { Self::Json } else { Self::Plain }
    }
}

/// Why logging cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoggingError {
    /// The level is not one.
    #[error("invalid log level '{level}': {source}")]
    Level {
        level: String,
        source: tracing_subscriber::filter::ParseError,
    },
    /// Something logs already.
    #[error(transparent)]
    Started(#[from] tracing_subscriber::util::TryInitError),
}

/// Starts to print log lines, of levels that can be changed by what is returned. `level` wins over `RUST_LOG`.
///
/// # Errors
/// [`LoggingError`]
pub(crate) fn start(
    plan: LogPlan,
    format: LogFormat,
    level: Option<&str>,
) -> Result<Loggers, LoggingError> {
    let environment = || std::env::var("RUST_LOG").ok();
    let level = level.map(str::to_owned).or_else(environment);
    let level = level.unwrap_or_else(|| plan.level().to_owned());
    let filter = EnvFilter::try_new(&level).map_err(|source| LoggingError::Level {
        level: level.clone(),
        source,
    })?;
    let (filter, handle) = reload::Layer::new(filter);
    let layers = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(plan.writer());
    match format {
        LogFormat::Json => layers.with(lines.json().flatten_event(true)).try_init()?,
        LogFormat::Plain => {
            layers
                .with(lines.fmt_fields(ContextOnly).event_format(PlainFormat))
                .try_init()?;
        }
    }
    Ok(Loggers::new(&level, move |directives| {
        // Directives of known levels always parse, and the filter lives as long as the process.
        if let Ok(filter) = EnvFilter::try_new(directives) {
            let _ = handle.reload(filter);
        }
    }))
}

//! The command line: which command is meant, and which exit code its end has.
//!
//! A link to the binary whose name is a command's stands for that command, so that `connect-standalone` can replace
//! Kafka's script of that name.

mod worker;
mod standalone;
mod distributed;
mod demo;
mod bench;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::logging::{self, LogFormat, LogPlan};

/// The commands that replace Kafka's scripts.
const SCRIPTS: [&str; 2] = ["connect-standalone", "connect-distributed"];

/// What a process ends with; the numbers are those of Kafka's scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The work is done.
    Done,
    /// The command line is wrong, help was asked for, or the work could not be done.
    Usage,
    /// The worker cannot be configured, or finds no broker.
    Configuration,
    /// A connector of the command line cannot be made, or the file of offsets not be read.
    Connector,
    /// Ended by SIGINT.
    Interrupted,
    /// Ended by SIGTERM.
    Terminated,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Usage => 1,
            Exit::Configuration => 2,
            Exit::Connector => 3,
            Exit::Interrupted => 130,
            Exit::Terminated => 143,
        })
    }
}

/// A Kafka Connect worker in pure Rust.
#[derive(Debug, Parser)]
#[command(name = "ferrovia", version)]
struct Cli {
    /// Finest log lines to print, as error, warn, info, debug or trace, or as RUST_LOG has it.
    #[arg(long, global = true, value_name = "LEVEL")]
    log_level: Option<String>,
    /// Form of log lines; FERROVIA_LOG_FORMAT sets it too.
    #[arg(long, global = true, value_enum, value_name = "FORMAT")]
    log_format: Option<Format>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// As Kafka Connect's.
    Plain,
    /// One JSON object a line.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run one worker with the connectors of these files.
    ConnectStandalone(standalone::Arguments),
    /// Run one worker of a cluster.
    ConnectDistributed(distributed::Arguments),
    /// Show data moving: an embedded broker, a generator and a worker with a file sink.
    Demo(crate::demo::DemoArguments),
    /// Measure how fast a topic drains, and fill topics to measure with.
    #[command(subcommand)]
    Bench(bench::Command),
}

/// Runs the command that the arguments name.
pub(crate) fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(with_command(arguments)) {
        Ok(cli) => cli,
        Err(error) => return not_parsed(&error),
    };
    let format = match cli.log_format {
        Some(Format::Json) => LogFormat::Json,
        Some(Format::Plain) => LogFormat::Plain,
        None => LogFormat::from_environment(),
    };
    let plan = match cli.command {
        Command::ConnectStandalone(_) | Command::ConnectDistributed(_) => LogPlan::Worker,
        Command::Demo(_) | Command::Bench(_) => LogPlan::Tool,
    };
    let loggers = match logging::start(plan, format, cli.log_level.as_deref()) {
        Ok(loggers) => loggers,
        Err(error) => return complain(&error.to_string(), Exit::Usage),
    };
    match cli.command {
        Command::ConnectStandalone(arguments) => standalone::run(&arguments, loggers).into(),
        Command::ConnectDistributed(arguments) => distributed::run(&arguments, loggers).into(),
        Command::Demo(arguments) => demo::run(&arguments).into(),
        Command::Bench(command) => bench::run(&command).into(),
    }
}

/// The arguments with the command in its place where the program's own name says it.
fn with_command(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let program = arguments.first().map(Path::new).and_then(Path::file_stem);
    let script = SCRIPTS
        .into_iter()
        .find(|&script| program.is_some_and(|name| name == script));
    if let Some(script) = script {
        arguments.insert(1, script.into());
    }
    arguments
}

/// Help and version are no errors to this binary, except that Kafka's scripts end with 1 after help, and so does the
/// command that replaces one.
fn not_parsed(error: &clap::Error) -> ExitCode {
    use clap::error::ErrorKind;
    // Where nothing can be printed there is nobody to tell.
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => Exit::Usage.into(),
    }
}

#[expect(clippy::print_stderr, reason = "logging is what failed")]
fn complain(text: &str, exit: Exit) -> ExitCode {
    eprintln!("{text}");
    exit.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(arguments: &[&str]) -> Vec<String> {
        let arguments = arguments.iter().map(OsString::from);
        with_command(arguments)
            .into_iter()
            .map(|word| word.into_string().unwrap())
            .collect()
    }

    #[test]
    fn a_link_named_as_a_command_is_that_command() {
        let plain = ["connect-standalone", "w.properties"];
        assert_eq!(
            words(&plain),
            ["connect-standalone", "connect-standalone", "w.properties"]
        );
        assert_eq!(
            words(&["/usr/bin/connect-standalone.sh", "w"])[1],
            "connect-standalone"
        );
        assert_eq!(words(&["ferrovia", "demo"]), ["ferrovia", "demo"]);
    }

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}

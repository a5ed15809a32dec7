//! The same HTTP requests sent to two workers, and what differs in their answers.
//!
//! A [`Script`] is requests and the events that are waited for between them. [`Script::play`] runs it against one
//! worker and gives an [`Exchange`] for each request, already [`normal`]: what no two runs can agree on is masked.
//! [`diff`] sets two runs side by side; what `docs/differences.md` lists is excused by the rules in [`excuses`] and by
//! nothing else.

pub mod excuses;
pub mod normal;

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use serde_json::Value;

use crate::http::{self, Answer, Request};
use crate::wait;
use excuses::Excuse;
use normal::{Masks, Normal};

/// How long a script waits for one event.
const EVENT_LIMIT: Duration = Duration::from_secs(40);
/// How long a request may be refused because of a rebalance.
const REBALANCE_LIMIT: Duration = Duration::from_secs(20);

/// What is waited for: an answer that passes.
type Event = Box<dyn Fn(&Answer) -> bool + Send + Sync>;

enum Step {
    Ask(Request),
    Until(Request, String, Event),
}

/// Requests and the events between them, in order.
#[derive(Default)]
pub struct Script(Vec<Step>);

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Script").field(&self.questions()).finish()
    }
}

/// One request and its answer.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The request, with `{folder}` as the script has it.
    pub request: Request,
    /// The answer as it came.
    pub raw: Answer,
    /// The answer without what no two runs can agree on.
    pub answer: Normal,
    /// The event that was waited for; its answers are not compared.
    pub event: Option<Awaited>,
}

/// How the wait for an event ended.
#[derive(Debug, Clone)]
pub struct Awaited {
    /// What was waited for.
    pub what: String,
    /// Whether it came.
    pub came: bool,
}

impl Exchange {
    /// What to call it in a report.
    #[must_use]
    pub fn title(&self) -> String {
        let mut title = format!("{} {}", self.request.method, self.request.path);
        for (name, value) in &self.request.headers {
            if name != "Content-Type" || value != "application/json" {
                let _ = write!(title, " [{name}: {value}]");
            }
        }
        if let Some(body) = &self.request.body {
            let start: String = body.chars().take(160).collect();
            let _ = write!(title, " {start}");
        }
        title
    }
}

impl Script {
    /// Any request; `{folder}` in its body stands for the worker's own folder.
    pub fn ask(&mut self, request: Request) -> &mut Self {
        self.0.push(Step::Ask(request));
        self
    }

    /// GETs of these paths.
    pub fn get(&mut self, paths: &[&str]) -> &mut Self {
        for path in paths {
            self.ask(Request::get(path));
        }
        self
    }

    /// A request with a method and no body.
    pub fn call(&mut self, method: &str, path: &str) -> &mut Self {
        self.ask(Request::new(method, path))
    }

    /// A request with a JSON body, which may be broken.
    pub fn json(&mut self, method: &str, path: &str, body: impl ToString) -> &mut Self {
        self.ask(Request::new(method, path).json(body))
    }

    /// Waits until `path` answers with something that passes; the answers do not count.
    pub fn until(
        &mut self,
        path: &str,
        what: &str,
        event: impl Fn(&Answer) -> bool + Send + Sync + 'static,
    ) -> &mut Self {
        let event = Step::Until(Request::get(path), what.to_owned(), Box::new(event));
        self.0.push(event);
        self
    }

    /// Waits until a connector and exactly `tasks` tasks have these states.
    pub fn until_state(&mut self, name: &str, connector: &str, tasks: &[&str]) -> &mut Self {
        let path = format!("/connectors/{name}/status");
        let what = format!("{name} {connector} with tasks {tasks:?}");
        let connector = connector.to_owned();
        let tasks: Vec<String> = tasks.iter().map(|&state| state.to_owned()).collect();
        self.until(&path, &what, move |answer| {
            states(answer) == Some((connector.clone(), tasks.clone()))
        })
    }

    /// Waits until a path answers with a status.
    pub fn until_status(&mut self, path: &str, status: u16) -> &mut Self {
        let what = format!("status {status} of {path}");
        self.until(path, &what, move |answer| answer.status == status)
    }

    /// How many requests count.
    #[must_use]
    pub fn questions(&self) -> usize {
        let asks = self.0.iter().filter(|step| matches!(step, Step::Ask(_)));
        asks.count()
    }

    /// Runs the script against the worker at `port`. An event that does not come is for [`diff`] to tell: what follows
    /// may be worth a comparison nevertheless.
    ///
    /// # Errors
    /// When an answer is not HTTP.
    pub fn play(&self, port: u16, masks: &Masks) -> io::Result<Vec<Exchange>> {
        let mut exchanges = Vec::new();
        for step in &self.0 {
            let (request, raw, event) = match step {
                Step::Ask(request) => {
                    let failed = |e| io::Error::other(format!("{request:?}: {e}"));
                    let raw = settled(port, &masks.filled(request)).map_err(failed)?;
                    (request, raw, None)
                }
                Step::Until(request, what, event) => {
                    let (raw, came) = until(port, request, EVENT_LIMIT, event)?;
                    let what = what.clone();
                    (request, raw, Some(Awaited { what, came }))
                }
            };
            exchanges.push(Exchange {
                request: request.clone(),
                answer: Normal::new(request, &raw, masks),
                raw,
                event,
            });
        }
        Ok(exchanges)
    }
}

/// The answer to a request. When a rebalance happens is no business of a script: a request that is refused because of
/// one, at whatever moment, is sent again for a while. So is one that comes before the last member has left the group of
/// a stopped connector, as the answer says that it can be.
fn settled(port: u16, request: &Request) -> io::Result<Answer> {
    let passes = ["rebalance", "its tasks haven't stopped completely yet"];
    let is_final: Event = Box::new(move |answer| {
        let is_passing = passes.iter().any(|text| answer.body.contains(text));
        ![409, 500].contains(&answer.status) || !is_passing
    });
    until(port, request, REBALANCE_LIMIT, &is_final).map(|(answer, _)| answer)
}

/// The first answer that passes, or the last one, and which of them it is.
fn until(
    port: u16,
    request: &Request,
    limit: Duration,
    event: &Event,
) -> io::Result<(Answer, bool)> {
    let mut last = http::send(port, request)?;
    let found = wait::until("an event", limit, || {
        let came = event(&last);
        if !came {
            last = http::send(port, request)?;
        }
        Ok(came.then_some(()))
    });
    match found {
        Err(e) if e.kind() != io::ErrorKind::TimedOut => Err(e),
        found => Ok((last, found.is_ok())),
    }
}

/// The states of a connector and its tasks in a status answer.
fn states(answer: &Answer) -> Option<(String, Vec<String>)> {
    let status: Value = serde_json::from_str(&answer.body).ok()?;
    let state = |of: &Value| of.get("state")?.as_str().map(str::to_owned);
    let tasks = status.get("tasks")?.as_array()?.iter().map(state);
    Some((
        state(status.get("connector")?)?,
        tasks.collect::<Option<_>>()?,
    ))
}

/// What differs between two runs of one script.
#[derive(Debug, Default)]
pub struct Diff {
    /// Requests that were compared.
    pub compared: usize,
    /// Differences that no rule excuses, ready to be read.
    pub unexcused: Vec<String>,
    /// The rules that were needed, and how often.
    pub excused: std::collections::BTreeMap<&'static str, usize>,
}

/// Sets two runs of one script side by side.
///
/// # Panics
/// When the runs are not of one script.
#[must_use]
pub fn diff(java: &[Exchange], ours: &[Exchange]) -> Diff {
    assert_eq!(java.len(), ours.len(), "two runs of one script");
    let mut diff = Diff::default();
    for (expected, got) in java.iter().zip(ours) {
        assert_eq!(expected.request, got.request, "two runs of one script");
        if expected.event.is_some() {
            diff.unexcused.extend(missed("Java", expected));
            diff.unexcused.extend(missed("ours", got));
            continue;
        }
        diff.compared += 1;
        if expected.answer == got.answer {
            continue;
        }
        let title = expected.title();
        let excuse = excuses::ALL.iter().find(|it| it.covers(expected, got));
        if let Some(Excuse { name, .. }) = excuse {
            *diff.excused.entry(name).or_default() += 1;
        } else {
            let lines = lines_apart(&expected.answer.text(), &got.answer.text());
            diff.unexcused.push(format!("{title}\n{lines}"));
        }
    }
    diff
}

/// What to say of a side where an event has not come.
fn missed(side: &str, exchange: &Exchange) -> Option<String> {
    let event = exchange.event.as_ref().filter(|event| !event.came)?;
    let last = exchange.answer.text();
    Some(format!("{side} waited in vain: {}\n{last}\n", event.what))
}

/// The lines that only one text has, in order: `-` for the first, `+` for the second.
fn lines_apart(first: &str, second: &str) -> String {
    let (mut first, mut second): (Vec<_>, Vec<_>) =
        (first.lines().collect(), second.lines().collect());
    while first.last().is_some() && first.last() == second.last() {
        first.pop();
        second.pop();
    }
    let same = first
        .iter()
        .zip(&second)
        .take_while(|(a, b)| a == b)
        .count();
    let mut report = String::new();
    for (sign, lines) in [('-', first), ('+', second)] {
        for line in lines.into_iter().skip(same) {
            let _ = writeln!(report, "  {sign} {line}");
        }
    }
    report
}

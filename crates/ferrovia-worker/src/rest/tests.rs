//! Whole answers, compared with those that Java's standalone worker gave to the same requests.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

mod changes;
mod edges;
mod forwarding;
mod plugins;
mod secrets;

use super::*;
use crate::config::StandaloneConfig;
use crate::config::rest::RestConfig;
use crate::herder::scripted::{Asked, scripted};
use crate::herder::testing::{Runner, file, parts_of, validator};
use crate::herder::{Change, ConnectorValidator, Herder, HerderError, HerderHandle, Outcome};
use crate::status::State;

const DEADLINE: Duration = Duration::from_secs(10);
/// Of servers before a scripted herder: enough to ask a few times who leads.
const PATIENCE: Duration = Duration::from_secs(2);

struct Served {
    address: SocketAddr,
    herder: HerderHandle,
    stop: watch::Sender<bool>,
    serving: tokio::task::JoinHandle<()>,
}

/// The REST settings of a worker at any free port of this machine.
fn config(settings: &[(&str, &str)]) -> RestConfig {
    let least = [
        ("bootstrap.servers", "b:1"),
        (
            "key.converter",
            "org.apache.kafka.connect.storage.StringConverter",
        ),
        (
            "value.converter",
            "org.apache.kafka.connect.storage.StringConverter",
        ),
        ("offset.storage.file.filename", "/tmp/o"),
        ("listeners", "http://127.0.0.1:0"),
    ];
    let settings = least.iter().chain(settings);
    let settings = settings
        .map(|&(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    StandaloneConfig::from_settings(settings)
        .unwrap()
        .worker
        .rest
}

/// A server before a scripted herder.
struct Stage {
    addresses: Vec<SocketAddr>,
    url: String,
    asked: Asked,
    _stop: watch::Sender<bool>,
}

async fn stage(
    settings: &[(&str, &str)],
    answer: impl FnMut(&Change) -> Result<Outcome, HerderError> + 'static,
) -> Stage {
    let mut server = RestServer::bind(&config(settings)).await.unwrap();
    server.patience = PATIENCE;
    let (herder, asked) = scripted(answer);
    let (addresses, url) = (server.addresses(), server.advertised_url().to_string());
    let (stop, stopping) = watch::channel(false);
    tokio::task::spawn_local(server.serve(herder, None, stopping));
    Stage {
        addresses,
        url,
        asked,
        _stop: stop,
    }
}

impl Stage {
    /// Status, head and body of the answer to a request with a JSON body.
    async fn ask(&self, method: &str, target: &str, body: &str) -> (u16, String, String) {
        let kind = if body.is_empty() {
            ""
        } else {
            "Content-Type: application/json\r\n"
        };
        whole(self.addresses[0], method, target, kind, body).await
    }

    /// Status and message of an error.
    async fn error(&self, method: &str, target: &str, body: &str) -> (u16, String) {
        let (status, _, body) = self.ask(method, target, body).await;
        let error: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
        assert_eq!(error["error_code"], status, "{method} {target}: {body}");
        (
            status,
            error["message"].as_str().unwrap_or_default().to_owned(),
        )
    }

    /// The last change that the herder was asked for.
    fn last(&self) -> String {
        format!("{:?}", self.asked.lock().unwrap().last())
    }
}

async fn serve(runner: Runner) -> Served {
    serve_with(runner, validator(&[])).await
}

async fn serve_with(runner: Runner, validator: ConnectorValidator) -> Served {
    let config = config(&[("rest.advertised.port", "18083")]);
    let server = RestServer::bind(&config).await.unwrap();
    let address = server.addresses()[0];
    let worker_id = server.advertised_url().worker_id();
    let parts = parts_of(worker_id, runner, validator, Duration::from_secs(5));
    let (herder, handle) = Herder::new(parts);
    tokio::task::spawn_local(herder.run());
    let (stop, stopping) = watch::channel(false);
    let cluster = Some("MkU3OEVBNTcwNTJENDM2Qk".to_owned());
    let serving = tokio::task::spawn_local(server.serve(handle.clone(), cluster, stopping));
    Served {
        address,
        herder: handle,
        stop,
        serving,
    }
}

/// Status, content type and body of the answer; `-` for no content type.
async fn request(
    address: SocketAddr,
    method: &str,
    target: &str,
    accept: &str,
) -> (String, String, String) {
    let accept = if accept == "-" {
        String::new()
    } else {
        format!("Accept: {accept}\r\n")
    };
    send(address, method, target, &accept, "").await
}

/// As [`request`], with whole lines of headers and a body.
async fn send(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &str,
    body: &str,
) -> (String, String, String) {
    let (status, head, body) = whole(address, method, target, headers, body).await;
    let kind = head
        .lines()
        .find_map(|line| line.strip_prefix("content-type: "))
        .unwrap_or("-");
    (status.to_string(), kind.to_owned(), body)
}

/// Status, head and body.
async fn whole(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &str,
    body: &str,
) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let text = format!(
        "{method} {target} HTTP/1.1\r\nHost: w\r\n{headers}Content-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(DEADLINE, stream.read_to_string(&mut answer))
        .await
        .unwrap()
        .unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_owned(), body.to_owned())
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, test);
}

async fn create_java_sink(herder: &HerderHandle) {
    let settings = [
        ("name", "local-file-sink"),
        ("connector.class", "FileStreamSink"),
        ("tasks.max", "2"),
        ("file", "/tmp/out.txt"),
        ("topics", "connect-test"),
    ];
    herder.create(file(&settings)).await.unwrap();
    for task in 0..2 {
        let id = crate::status::TaskId::new("local-file-sink", task);
        let running = async {
            while herder.task_status(id.clone()).await.unwrap().is_none() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(DEADLINE, running).await.unwrap();
    }
}

#[test]
fn answers_are_javas_to_the_byte() {
    run(async {
        let served = serve(Runner::reporting(State::Running, "")).await;
        create_java_sink(&served.herder).await;
        served.herder.ready().await.unwrap();
        let golden: Vec<&str> = include_str!("golden.txt")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .collect();
        for pair in golden.chunks(2) {
            let asked: Vec<&str> = pair[0].split(' ').collect();
            let (status, kind, body) = request(served.address, asked[0], asked[1], asked[2]).await;
            assert_eq!(
                format!("{status} {kind} {body}").trim_end(),
                pair[1],
                "{}",
                pair[0]
            );
        }
        assert!(
            golden.len() > 80,
            "the golden file has {} lines",
            golden.len()
        );
    });
}

#[test]
fn the_worker_is_starting_until_it_is_ready() {
    run(async {
        let served = serve(Runner::reporting(State::Running, "")).await;
        let health = async || request(served.address, "GET", "/health", "-").await;
        let (status, _, body) = health().await;
        assert_eq!(status, "503");
        assert_eq!(
            body,
            r#"{"status":"starting","message":"Worker is still starting up."}"#
        );
        served.herder.ready().await.unwrap();
        assert_eq!(health().await.0, "200");
        served.herder.stop().await.unwrap();
        let (status, _, body) = health().await;
        assert_eq!(status, "500");
        assert!(
            body.starts_with(r#"{"status":"unhealthy","message":"Worker was unable"#),
            "{body}"
        );
    });
}

#[test]
fn a_failed_task_shows_its_trace_after_its_version() {
    run(async {
        let served = serve(Runner::reporting(
            State::Failed,
            "org.x.E: no\nCaused by: y",
        ))
        .await;
        create_java_sink(&served.herder).await;
        let target = "/connectors/local-file-sink/tasks/1/status";
        let (_, _, body) = request(served.address, "GET", target, "-").await;
        let expected = r#"{"id":1,"state":"FAILED","worker_id":"127.0.0.1:18083","version":"4.2.0","trace":"org.x.E: no\nCaused by: y"}"#;
        assert_eq!(body, expected);
    });
}

#[test]
fn stopping_ends_connections_and_frees_the_port() {
    run(async {
        let served = serve(Runner::reporting(State::Running, "")).await;
        let idle = TcpStream::connect(served.address).await.unwrap();
        served.stop.send(true).unwrap();
        tokio::time::timeout(DEADLINE, served.serving)
            .await
            .unwrap()
            .unwrap();
        assert!(TcpStream::connect(served.address).await.is_err());
        drop(idle);
    });
}

#[test]
fn headers_beyond_the_limit_are_refused() {
    run(async {
        let served = serve(Runner::reporting(State::Running, "")).await;
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        let big = "x".repeat(1024 * 1024);
        let text = format!("GET / HTTP/1.1\r\nHost: w\r\nX-Big: {big}\r\n\r\n");
        // The server may close before it has read everything.
        let _ = stream.write_all(text.as_bytes()).await;
        let mut answer = Vec::new();
        let ended = tokio::time::timeout(DEADLINE, stream.read_to_end(&mut answer)).await;
        assert!(ended.is_ok(), "the connection ends");
        assert!(!String::from_utf8_lossy(&answer).contains(" 200 "));
    });
}

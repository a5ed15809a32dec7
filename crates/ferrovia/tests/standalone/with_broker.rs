//! A worker with a broker: it comes up, answers, and ends in order.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;

use ferrovia_broker::{BlockingBroker, BrokerConfig, EmbeddedBroker};
use tempfile::TempDir;

use crate::process::{Running, check_end, ferrovia, worker_file};

struct Ground {
    folder: TempDir,
    broker: BlockingBroker,
}

impl Ground {
    fn new() -> Self {
        let config = BrokerConfig {
            listen: "127.0.0.1:0".to_owned(),
            ..BrokerConfig::default()
        };
        let broker = EmbeddedBroker::start_blocking(config).unwrap();
        Self {
            folder: TempDir::new().unwrap(),
            broker,
        }
    }

    fn worker(&self, lines: &str) -> PathBuf {
        let lines = format!("bootstrap.servers={}\n{lines}", self.broker.address());
        worker_file(&self.folder, &lines)
    }

    fn connector(&self, text: &str) -> PathBuf {
        let file = self.folder.path().join("c.properties");
        fs::write(&file, text).unwrap();
        file
    }
}

/// The body of the answer to a GET.
fn get(address: SocketAddr, target: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {target} HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// The REST address that the log names.
fn rest_address(worker: &mut Running) -> SocketAddr {
    let line = worker.wait_for("REST server listening at ");
    let (_, rest) = line.split_once("http://").unwrap();
    rest.split('/').next().unwrap().parse().unwrap()
}

#[test]
fn a_worker_comes_up_answers_and_ends_with_143() {
    let ground = Ground::new();
    let out = ground.folder.path().join("out.txt");
    let connector = ground.connector(&format!(
        "name=s\nconnector.class=FileStreamSink\ntasks.max=2\ntopics=t\nfile={}\n",
        out.display()
    ));
    let mut worker = Running::start(&ground.worker(""), &[&connector]);
    let rest = rest_address(&mut worker);
    worker.wait_for("Kafka Connect started");
    worker.wait_for("Created connector s");
    assert_eq!(get(rest, "/connectors"), r#"["s"]"#);
    assert!(get(rest, "/connectors/s").contains(r#""tasks":[{"connector":"s","task":0},{"#));
    assert!(get(rest, "/").starts_with(r#"{"version":"4.2.0","commit":"a18251bae0b825c6","#));
    worker.signal("TERM");
    for line in [
        "Kafka Connect stopping",
        "REST server stopped",
        "Herder stopped",
    ] {
        worker.wait_for(line);
    }
    worker.wait_for("Kafka Connect stopped");
    assert_eq!(worker.end().code(), Some(143));
}

#[test]
fn a_worker_takes_as_many_open_files_as_it_may_have() {
    let ground = Ground::new();
    let mut worker = Running::start_limited(&ground.worker(""), &["-Sn 256"]);
    worker.wait_for("Raised the limit of open files from 256 to ");
    worker.wait_for("Kafka Connect started");
    let (soft, hard) = worker.open_files();
    assert!(soft > 256 && soft == hard, "{soft} of {hard}");
    drop(worker);
    let mut worker = Running::start_limited(&ground.worker(""), &["-Sn 256", "-Hn 512"]);
    let line = worker.wait_for("no more than 512 files open");
    assert!(line.contains(" WARN "), "{line}");
    worker.wait_for("Kafka Connect started");
    assert_eq!(worker.open_files(), (512, 512));
}

#[test]
fn an_interrupted_worker_ends_with_130() {
    let ground = Ground::new();
    let mut worker = Running::start(&ground.worker(""), &[]);
    worker.wait_for("Kafka Connect started");
    worker.signal("INT");
    assert_eq!(worker.end().code(), Some(130));
}

#[test]
fn a_bad_connector_ends_the_worker_with_3_in_javas_words() {
    let ground = Ground::new();
    let worker = ground.worker("");
    let cases = [
        (
            "topics=t\n",
            "c.properties' is missing the mandatory 'name' configuration",
        ),
        (
            "name=s\ntopics=t\n",
            "Connector config {name=s, topics=t} contains no connector type",
        ),
        (
            "name=s\nconnector.class=FileStreamSink\n",
            "Must configure one of topics or topics.regex",
        ),
        (
            "{\"name\":\"j\",\"config\":{\"name\":\"k\"}}",
            "doesn't match the one specified",
        ),
    ];
    for (text, message) in cases {
        let connector = ground.connector(text);
        let output = ferrovia()
            .arg("connect-standalone")
            .arg(&worker)
            .arg(connector)
            .output()
            .unwrap();
        check_end(&output, 3, message);
    }
}

#[test]
fn a_name_that_comes_twice_ends_the_worker_with_3() {
    let ground = Ground::new();
    let connector = ground.connector("name=s\nconnector.class=FileStreamSink\ntopics=t\n");
    let output = ferrovia()
        .arg("connect-standalone")
        .arg(ground.worker(""))
        .args([&connector, &connector])
        .output()
        .unwrap();
    check_end(&output, 3, "Connector s already exists");
}

#[test]
fn a_taken_port_ends_the_worker_with_2_and_is_named() {
    let ground = Ground::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let worker = ground.worker(&format!("listeners=http://{address}"));
    let output = ferrovia()
        .arg("connect-standalone")
        .arg(worker)
        .output()
        .unwrap();
    check_end(
        &output,
        2,
        &format!("failed to bind REST listener http://{address}"),
    );
}

#[test]
fn a_file_of_offsets_that_is_none_ends_the_worker_with_3() {
    let ground = Ground::new();
    fs::write(ground.folder.path().join("offsets"), "hello world").unwrap();
    let output = ferrovia()
        .arg("connect-standalone")
        .arg(ground.worker(""))
        .output()
        .unwrap();
    let message = "java.io.StreamCorruptedException: invalid stream header: 68656C6C";
    check_end(&output, 3, message);
}

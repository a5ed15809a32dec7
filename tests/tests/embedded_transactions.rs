//! Java's own idempotent and transactional producers against the embedded broker, in both transaction
//! protocols (`tests/java/Transactions.java`).

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and tells what Java printed"
)]

use std::io;
use std::process::{Command, Stdio};
use std::time::Duration;

use ferrovia_broker::{ApiKey, BrokerConfig, EmbeddedBroker, Fault, Times, TransactionVersion};
use ferrovia_tests::grounds::{self, ORACLE};
use ferrovia_tests::process;

const DEADLINE: Duration = Duration::from_secs(60);

/// What `Transactions` prints where everything is as it should be.
const FACTS: [&str; 9] = [
    "idempotent true",
    "committed kept00,kept01,kept20,kept21",
    "all kept00,kept01,dropped10,dropped11,kept20,kept21,dropped30,dropped31,open",
    "zombie true",
    "fenced by admin true",
    "after zombies of the successor",
    "timed out true",
    "slow 0",
    "",
];

#[test]
fn javas_producers_keep_their_promises_with_protocol_two() -> io::Result<()> {
    check(TransactionVersion::Two)
}

#[test]
fn javas_producers_keep_their_promises_with_protocol_one() -> io::Result<()> {
    check(TransactionVersion::One)
}

fn check(transaction_version: TransactionVersion) -> io::Result<()> {
    if !grounds::has_kafka(ORACLE)? {
        return Ok(());
    }
    let config = BrokerConfig {
        transaction_version,
        ..BrokerConfig::default()
    };
    let broker = EmbeddedBroker::start_blocking(config).unwrap();
    let faults = broker.faults();
    faults.inject(ApiKey::Produce, Fault::DropAfterHandling, Times::N(3));
    // NotEnoughReplicas and NotCoordinator: the client tries again.
    faults.inject(ApiKey::Produce, Fault::ErrorCode(19), Times::Once);
    faults.inject(ApiKey::EndTxn, Fault::DropAfterHandling, Times::Once);
    faults.inject(ApiKey::EndTxn, Fault::ErrorCode(16), Times::Once);
    faults.inject(ApiKey::TxnOffsetCommit, Fault::Drop, Times::Once);
    let printed = run(&broker.address().to_string());
    assert_eq!(printed.split('\n').collect::<Vec<_>>(), FACTS);
    assert_eq!(broker.faults().pending(), 0, "every fault has struck");
    assert_eq!(broker.committed_offset("readers", "outcomes", 0), Some(3));
    broker.stop();
    Ok(())
}

fn run(bootstrap: &str) -> String {
    let child = process::jvm(ORACLE, "256m")
        .args(["Transactions", bootstrap])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("java is needed for this test");
    let id = child.id();
    let (done, finished) = std::sync::mpsc::sync_channel::<()>(1);
    // Ends a program that hangs, so that the test fails instead of waiting for ever.
    let watchdog = std::thread::spawn(move || {
        if finished.recv_timeout(DEADLINE).is_err() {
            let _ = Command::new("kill").arg(id.to_string()).status();
        }
    });
    let output = child.wait_with_output().unwrap();
    let _ = done.send(());
    watchdog.join().unwrap();
    eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "Java failed after\n{printed}");
    printed
}

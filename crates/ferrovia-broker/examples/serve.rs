//! Runs an embedded broker until interrupted: `cargo run --release --example serve -- 9092 [folder]`.

use std::path::PathBuf;

use ferrovia_broker::{BrokerConfig, EmbeddedBroker};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments
        .next()
        .map_or(Ok(9092), |port| port.parse::<u16>())?;
    let data_dir = arguments.next().map(PathBuf::from);
    let listen = format!("127.0.0.1:{port}");
    let broker = EmbeddedBroker::start(BrokerConfig {
        listen,
        data_dir,
        ..BrokerConfig::default()
    })
    .await?;
    #[expect(
        clippy::print_stdout,
        reason = "the one line this program is started to print"
    )]
    {
        println!("listening on {}", broker.address());
    }
    tokio::signal::ctrl_c().await?;
    broker.stop().await;
    Ok(())
}

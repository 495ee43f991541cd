//! Stopping a processor on an in-process broker.

use orderly::config::Config;
use orderly::process::{Observed, Processor, memory_broker, open_store};
use orderly_broker::Status;
use std::time::Duration;
use tokio::time::timeout;

/// Far longer than stopping takes.
const GRACE: Duration = Duration::from_secs(60);

#[test]
fn a_paused_processor_stops_without_waiting() {
    let directory = tempfile::tempdir().expect("a directory");
    let environment = [("ORDERLY_BROKER__URL", "memory:"), ("ORDERLY_ADMIN__BIND", "127.0.0.1:0")];
    let config = Config::load(None, environment.map(|(key, value)| (key.into(), value.into())))
        .expect("it is valid");
    orderly::process::runtime().expect("a runtime").block_on(async {
        // Given a processor that is paused
        let observed = Observed::start(&config).expect("it can be watched");
        let opened = open_store(&config, &directory.path().join("store")).expect("a new store");
        let link = memory_broker(&config).link(10);
        let mut status = link.status.clone();
        let mut processor =
            Processor::start(opened, link, None, &config, &observed).expect("it starts");
        status.wait_for(Status::connected).await.expect("it goes on");
        processor.handle.pause(None).await.expect("it answers");
        status.wait_for(|status| status.paused).await.expect("it goes on");
        // and has handled that: messages of the broker come after the pause
        tokio::time::sleep(Duration::from_millis(200)).await;

        // When the processor is stopped
        processor.handle.stop(GRACE).await;

        // Then it does not wait for the broker to report the pause again
        let ended = timeout(GRACE / 10, processor.ended()).await.expect("it ends in time");
        ended.expect("it ends in good order");
    });
}

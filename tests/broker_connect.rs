//! Connecting to a real broker: over IPv6, and every reason for a failure. The tests change the users and virtual hosts of the
//! node, so they have a node of their own.

#[path = "support/rabbit.rs"]
mod rabbit;
#[path = "support/raw_client.rs"]
mod raw_client;

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::OnceLock,
    time::Duration,
};

use orderly_broker::{
    Failure, FailureKind, Phase, Settings,
    client::{Client, command},
    rabbit::Claim,
};
use rabbit::{Node, namespace};
use raw_client::{TIMEOUT, deliveries, ids, link, settings, up};
use rstest::rstest;

fn node() -> &'static Node {
    static NODE: OnceLock<Node> = OnceLock::new();
    NODE.get_or_init(Node::start_with_tls)
}

/// Tries to claim a namespace until the first failure, and returns that.
async fn failure(url: &str) -> Failure {
    first_failure(settings(url, &namespace("reason"))).await
}

async fn first_failure(settings: Settings) -> Failure {
    let claim = Claim::new(settings).expect("a URL");
    let mut status = claim.status();
    let acquiring = tokio::spawn(claim.acquire(TIMEOUT));
    let failed = status.wait_for(|status| status.last_error.is_some());
    let failed = tokio::time::timeout(TIMEOUT, failed).await.expect("in time");
    let status = failed.expect("it still tries").clone();
    acquiring.abort();
    assert_eq!(status.phase, Phase::Connecting);
    status.last_error.expect("waited for it")
}

fn assert_is(failure: &Failure, kind: FailureKind, parts: &[&str]) {
    assert_eq!(failure.kind, kind, "{failure}");
    for part in parts {
        assert!(failure.detail.contains(part), "{failure} names {part}");
    }
    for secret in ["hunter2", "guest"] {
        assert!(!failure.detail.contains(secret), "{failure}");
    }
}

#[tokio::test]
async fn a_refused_login_is_another_failure_than_a_refused_connection() {
    let port = node().port();
    let login = failure(&format!("amqp://guest:hunter2@127.0.0.1:{port}/%2f")).await;
    let address = format!("127.0.0.1:{port}");
    assert_is(&login, FailureKind::LoginRefused, &[&address, "login"]);

    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let closed = listener.local_addr().expect("its address").to_string();
    drop(listener);
    let connection = failure(&format!("amqp://guest:hunter2@{closed}/%2f")).await;
    assert_is(&connection, FailureKind::ConnectionRefused, &[&closed, "refused"]);
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_named() {
    let failure = failure("amqp://guest:hunter2@no-such-broker.invalid:5673/%2f").await;
    let parts = ["no-such-broker.invalid:5673", "cannot be resolved"];
    assert_is(&failure, FailureKind::UnresolvedHost, &parts);
}

#[tokio::test]
async fn a_virtual_host_that_is_missing_or_closed_to_the_user_is_named() {
    let (node, port) = (node(), node().port());
    let missing = failure(&format!("amqp://guest:guest@127.0.0.1:{port}/nowhere")).await;
    let address = format!("127.0.0.1:{port}");
    let parts = [address.as_str(), "nowhere", "does not exist"];
    assert_is(&missing, FailureKind::VhostMissing, &parts);

    node.ctl(&["add_vhost", "closed"]);
    let closed = failure(&format!("amqp://guest:guest@127.0.0.1:{port}/closed")).await;
    let parts = [address.as_str(), "closed", "refused the user"];
    assert_is(&closed, FailureKind::VhostRefused, &parts);
}

#[tokio::test]
async fn a_port_without_tls_is_a_failure_of_tls() {
    let port = node().port();
    let failure = failure(&format!("amqps://guest:guest@127.0.0.1:{port}/%2f")).await;
    let parts = [&*format!("127.0.0.1:{port}"), "does not speak TLS", "amqp://"];
    assert_is(&failure, FailureKind::Tls, &parts);
}

#[tokio::test]
async fn a_port_with_tls_is_a_failure_of_tls_for_a_url_without() {
    let port = node().tls_port();
    let failure = failure(&format!("amqp://guest:guest@127.0.0.1:{port}/%2f")).await;
    let parts = [&*format!("127.0.0.1:{port}"), "expects TLS", "amqps://"];
    assert_is(&failure, FailureKind::Tls, &parts);
}

/// Answers every connection with these bytes, as soon as something came in, and closes it.
fn server(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = listener.local_addr().expect("its address").to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let _ = stream.read(&mut [0; 512]);
            let _ = stream.write_all(answer);
        }
    });
    address
}

/// A row: what answers on the port, and what is said of it.
#[rstest]
#[case(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "an HTTP server answers there")]
#[case(b"SSH-2.0-OpenSSH_9.2p1\r\n", "is no AMQP broker: it says \"SSH-2.0-OpenSSH_9.2p1\"")]
#[case(b"AMQP\x00\x01\x00\x00", "does not speak AMQP 0-9-1")]
#[case(b"", "closes the connection without an answer")]
#[tokio::test]
async fn what_is_no_amqp_broker_is_called_so(#[case] answer: &'static [u8], #[case] said: &str) {
    let address = server(answer);
    let failure = failure(&format!("amqp://guest:hunter2@{address}/%2f")).await;
    assert_is(&failure, FailureKind::NoBroker, &[&address, said]);
}

#[tokio::test]
async fn an_http_server_is_no_peer_for_tls() {
    let address = server(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let failure = failure(&format!("amqps://guest:hunter2@{address}/%2f")).await;
    assert_is(&failure, FailureKind::Tls, &[&address, "does not speak TLS"]);
}

#[tokio::test]
async fn tls_trusts_only_the_configured_authority_and_the_name_in_the_certificate() {
    let port = node().tls_port();
    let url = format!("amqps://guest:guest@127.0.0.1:{port}/%2f");
    let mut trusting = settings(&url, &namespace("tls"));
    trusting.ca_file = Some(Node::authority());
    let mut link = link(&trusting).await;
    up(&mut link).await;
    link.control.close().await;

    let unknown = failure(&url).await;
    assert_is(&unknown, FailureKind::Tls, &[&format!("127.0.0.1:{port}"), "UnknownIssuer"]);

    trusting.urls = vec![format!("amqps://guest:guest@localhost:{port}/%2f")];
    let other_name = first_failure(trusting).await;
    let address = format!("localhost:{port}");
    assert_is(&other_name, FailureKind::Tls, &[&address, "not valid for name"]);
}

#[tokio::test]
async fn a_listener_that_says_nothing_is_a_timeout() {
    let silent = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = silent.local_addr().expect("its address").to_string();
    let failure = failure(&format!("amqp://guest:guest@{address}/%2f")).await;
    let parts = [&*address, "handshake", "no AMQP broker, or it is overloaded"];
    assert_is(&failure, FailureKind::TimedOut, &parts);
    // Every attempt that was given up has closed its connection.
    let (mut accepted, _) = silent.accept().expect("the attempt");
    accepted.set_read_timeout(Some(Duration::from_secs(5))).expect("set");
    let read = std::io::copy(&mut accepted, &mut std::io::sink());
    assert_eq!(read.expect("the end of the stream"), 8, "nothing but the protocol header");
}

#[tokio::test]
async fn the_broker_is_reached_by_an_ipv6_address() {
    let Some(url) = node().ipv6_url() else {
        panic!("this machine has no IPv6 loopback");
    };
    let settings = settings(&url, &namespace("ipv6"));
    let mut link = link(&settings).await;
    up(&mut link).await;
    let client = Client::connect(&settings).await.expect("connected");
    let sent = command(&settings.names, "order.place", "1", None, "{}".into());
    client.publish(&[sent]).await.expect("published");
    assert_eq!(ids(&deliveries(&mut link, 1).await), ["1"]);
    client.close().await;
    link.control.close().await;

    let refused = failure(&url.replace(":guest@", ":hunter2@")).await;
    let address = format!("[::1]:{}", node().port());
    assert_is(&refused, FailureKind::LoginRefused, &[&address]);
}

//! What becomes of spans that the endpoint takes, refuses, or cannot take yet.

use super::*;
use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

/// An endpoint that answers with these statuses, one after the other.
fn endpoint(statuses: &[u16]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1/traces", listener.local_addr().expect("an address"));
    let mut statuses = VecDeque::from(statuses.to_vec());
    std::thread::spawn(move || {
        while !statuses.is_empty() {
            let (stream, _) = listener.accept().expect("a connection");
            // a client that closes its connection makes another one
            let _ = answer(&stream, &mut statuses);
        }
    });
    url
}

fn answer(mut stream: &TcpStream, statuses: &mut VecDeque<u16>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let header = line.trim().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length: ") {
                length = value.parse().expect("a number");
            }
        }
        reader.read_exact(&mut vec![0; length])?;
        let Some(status) = statuses.pop_front() else { return Ok(()) };
        stream.write_all(format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n").as_bytes())?;
    }
}

/// 503 may be another time, 400 never is.
#[tokio::test]
#[allow(clippy::float_cmp, reason = "counts are whole numbers")]
async fn what_may_be_taken_later_is_sent_again_and_what_is_refused_is_dropped() {
    let url = endpoint(&[503, 200, 400, 200]);
    let (metrics, reader) = Metrics::new();
    let about = (Names::new("shop"), "shop");
    let (tracer, exporter) = Exporter::new(&url, 0, about, metrics).expect("a URL");
    let running = tokio::spawn(exporter.run());
    let counted = |outcome| reader.reading().sum("orderly_spans_total", Some(("outcome", outcome)));
    for (spans, exported, dropped) in [(2, 2.0, 0.0), (1, 2.0, 1.0), (3, 5.0, 1.0)] {
        let shared = tracer.0.as_deref().expect("it is on");
        (0..spans).for_each(|_| shared.add(span()));
        tracer.flush(Duration::from_secs(10)).await;
        assert_eq!([counted("exported"), counted("dropped")], [exported, dropped]);
    }
    drop(tracer);
    running.await.expect("it ends with the last tracer");
}

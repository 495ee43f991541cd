//! Values of the configuration, queries of the admin API, times, the command line.

use super::{Form, Target};
use clap::Parser as _;
use orderly::admin;
use orderly::cli::Cli;
use orderly::config::{self, BrokerUrl, ByteSize, TopicPattern, WebhookUrl};
use orderly_domain::duration;
use orderly_domain::id::{CommandId, CustomerId, Operator, OrderId, Sku, Source};
use orderly_domain::time::Timestamp;
use orderly_domain::trace::TraceParent;

pub(super) fn targets() -> Vec<Target> {
    of_the_configuration().into_iter().chain(of_the_shop()).collect()
}

fn of_the_configuration() -> Vec<Target> {
    vec![
        Target::new(
            "config.duration",
            Form::Text,
            40,
            texts(&["15m", "1h 30m", "500ms", "PT1H30M", "99y"]),
            |input| {
                let text = String::from_utf8_lossy(input);
                let _ = duration::parse(&text);
                if let Ok(read) = text.parse::<config::Duration>() {
                    assert_eq!(read.to_string().parse::<config::Duration>().ok(), Some(read));
                }
            },
        ),
        Target::new(
            "config.size",
            Form::Text,
            40,
            texts(&["24MiB", "1 GB", "512", "16 KiB"]),
            |input| {
                if let Ok(read) = String::from_utf8_lossy(input).parse::<ByteSize>() {
                    assert_eq!(read.to_string().parse::<ByteSize>().ok(), Some(read));
                }
            },
        ),
        Target::new(
            "config.url",
            Form::Text,
            20,
            texts(&[
                "amqp://user:word@rabbit:5672/%2f",
                "amqps://[::1]/shop?heartbeat=5",
                "memory:",
                "https://shop.example/hook?a=b",
            ]),
            |input| {
                let text = String::from_utf8_lossy(input);
                if let Ok(url) = text.parse::<BrokerUrl>() {
                    let _ = (url.is_local(), url.has_empty_vhost(), url.scheme(), url.to_string());
                }
                if let Ok(url) = text.parse::<WebhookUrl>() {
                    let _ = (url.is_local(), url.is_encrypted(), url.origin());
                }
            },
        ),
        Target::new(
            "config.word",
            Form::Text,
            40,
            texts(&["order.*", "#", "payment.#.captured", "0.25", "1"]),
            |input| {
                let text = String::from_utf8_lossy(input);
                let _ = text.parse::<TopicPattern>();
            },
        ),
    ]
}

fn of_the_shop() -> Vec<Target> {
    vec![
        Target::new(
            "time",
            Form::Text,
            40,
            texts(&[
                "2026-01-31T12:00:00Z",
                "2026-02-28T23:59:60.123456789+14:00",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            ]),
            |input| {
                let text = String::from_utf8_lossy(input);
                if let Ok(time) = Timestamp::parse(&text) {
                    assert_eq!(Timestamp::parse(&time.to_string()).ok(), Some(time));
                }
                if let Some(trace) = TraceParent::parse(&text) {
                    assert_eq!(TraceParent::parse(&trace.to_string()), Some(trace));
                }
            },
        ),
        Target::new(
            "id",
            Form::Text,
            40,
            texts(&["o-1", "customer@example.com", "tea/green"]),
            |input| {
                let text = String::from_utf8_lossy(input);
                if let Ok(id) = OrderId::new(&*text) {
                    assert_eq!(id.as_str(), text);
                }
                let _ = (
                    Sku::new(&*text).is_ok(),
                    CustomerId::new(&*text).is_ok(),
                    Source::new(&*text).is_ok(),
                );
                let _ = (CommandId::new(&*text).is_ok(), Operator::new(&*text).is_ok());
            },
        ),
        queries(),
        Target::new("cli", Form::Text, 1, texts(COMMAND_LINES), |input| {
            let text = String::from_utf8_lossy(input);
            let arguments = std::iter::once("orderly").chain(text.split('\n'));
            if let Err(error) = Cli::try_parse_from(arguments) {
                assert!(!error.to_string().is_empty());
            }
        }),
    ]
}

/// Arguments, one a line.
const COMMAND_LINES: &[&str] = &[
    "serve\n--config\norderly.toml",
    "demo\n--orders\n100\n--seed\n7",
    "publish\n--type\norder.place\n--id\n1\nfile.json",
    "store\nverify\n--path\nstore",
    "parked\nlist\n--reason\nfailed",
    "explain\no-1",
    "watch\n--url\nhttp://127.0.0.1:8080",
    "dead\nlist\n--limit\n10",
    "schema\n--command\norder.place",
];

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// A path of the admin API with a query. A path that no route has is one of some route all the same.
fn queries() -> Target {
    let routes = admin::table().all().to_vec();
    let mut samples: Vec<_> = routes
        .iter()
        .map(|route| {
            let of_parameter = |parameter: &admin::Parameter| format!("{}=1", parameter.name);
            let query: Vec<_> = route.operation().query.iter().map(of_parameter).collect();
            format!("{}?{}", route.path(), query.join("&")).into_bytes()
        })
        .collect();
    samples.extend(texts(&[
        "/api/orders?status=paid&customer=u-1&limit=500&after=1700000000000000.7&sort=oldest&disputed=true",
        "/api/orders?from=2026-01-31T12:00:00%2B01:00&until=2026-02-01T00:00:00Z&sku=tea",
        "/api/orders/o-1?at=12",
        "/api/parked?reason=failed&count=3",
        "/api/search?q=o-1",
    ]));
    Target::new("admin.query", Form::Text, 10, samples, move |input| {
        let text = String::from_utf8_lossy(input);
        let (path, query) = text.split_once('?').unwrap_or((&*text, ""));
        let route = routes.iter().find(|route| route.path() == path);
        let route = route.unwrap_or(&routes[path.len() % routes.len()]);
        if let Err(problem) = route.check_query(query) {
            assert!(problem.to_string().len() < 4_096, "an error is short");
        }
    })
}

//! The rules and the dashboard of `deploy/` in a real Prometheus, beside the program with a real RabbitMQ: what each alert is
//! about is provoked, each alert fires, and every expression finds data. The commands of the runbooks are run, too.

#[path = "support/deploy.rs"]
mod deploy;
#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/prometheus.rs"]
mod prometheus;
#[path = "support/rabbit.rs"]
mod rabbit;

use deploy::{alerts, commands, expressions_of_dashboard, file, recorded};
use lapin::types::{AMQPValue, FieldTable};
use orderly::config::Config;
use orderly::process::open_store;
use orderly_actors::counters;
use orderly_domain::order::Status;
use orderly_domain::record::{Origin, UnitRecord};
use orderly_domain::stored::Stored as _;
use orderly_domain::verdict::Verdict;
use processor::{Processor, free_port};
use producer::{Producer, Sent, captured, place, stock};
use prometheus::Prometheus;
use rabbit::{Node, namespace, runtime};
use serde_json::{Value, json};
use std::sync::Arc;

/// What is longer or larger in the shop than in a test, by alert: the end of the expression, and what stands there in the test.
const THRESHOLDS: [(&str, &str, &str); 10] = [
    ("OrderlyQueueGrows", "> 1000", "> 2"),
    ("OrderlySlow", "> 1", "> 0.00001"),
    ("OrderlyParkedOld", "> 86400", "> 1"),
    ("OrderlyEventsPending", "> 10000", "> 3"),
    ("OrderlyEventsLate", "> 300", "> 2"),
    ("OrderlyNotificationsLate", "> 3600", "> 2"),
    ("OrderlyRefundsUnanswered", "> 3 * 86400", "> 2"),
    ("OrderlyDiskLow", "< 5e9", "< 1e18"),
    ("OrderlyStoreGrows", "> 50e9", "> 0"),
    ("OrderlyFilesLow", "> 0.8", "> 0.0001"),
];

/// The alerts about the members of a cluster.
const OF_A_CLUSTER: [&str; 3] = ["OrderlyNoOwner", "OrderlyNoStandby", "OrderlyJournalShort"];

/// The alerts that fire only without a broker.
const WITHOUT_BROKER: [&str; 2] = ["OrderlyBrokerLost", "OrderlyNotReady"];

/// The same rules for a test that has seconds and not hours.
fn hastened(text: &str) -> String {
    let replace = |text: &str, pattern: &str, with: &str| {
        let pattern = regex_lite::Regex::new(pattern).expect("a pattern");
        pattern.replace_all(text, with).into_owned()
    };
    let text = replace(text, r"\[\d+[mh]\]", "[6s]");
    let text = replace(&text, r"offset \d+m", "offset 6s");
    replace(&text, r"for: \d+[smh]", "for: 1s")
}

fn rules() -> String {
    let mut text = file("deploy/alerts.yml");
    for alert in alerts() {
        let Some((_, from, to)) = THRESHOLDS.iter().find(|(name, ..)| *name == alert.name) else {
            continue;
        };
        let expression = alert.expression.strip_suffix(from);
        let expression = expression.unwrap_or_else(|| panic!("{}: no {from}", alert.name));
        text = text.replace(&alert.expression, &format!("{expression}{to}"));
    }
    hastened(&text)
}

/// A store that counts one paid order too many.
fn forge(processor: &Processor) {
    let mut config = Config::default();
    config.store.path = processor.store();
    config.broker.namespace.clone_from(&processor.namespace);
    let mut opened = open_store(&config, &config.store.path).expect("a store");
    let record = UnitRecord {
        origin: Origin::Restored,
        trace: None,
        order: None,
        verdict: Verdict::Applied,
        reason: None,
        detail: None,
        original: None,
        events: Vec::new(),
        ignored: None,
        operator: None,
        parked: None,
    };
    let mut body = Vec::new();
    record.write(&mut body).expect("it is short");
    let mut builder = opened.view.begin(0);
    builder.count(counters::of_status(Status::Paid), 1);
    let unit = builder.seal(0, &body);
    opened.view.seal(Arc::clone(&unit));
    opened.log.commit(&[unit]).expect("it is durable");
}

/// A processor whose webhook is down, which panics at one order, and has room to park one message.
fn processor(node: &Node) -> Processor {
    let webhook = format!("http://127.0.0.1:{}/", free_port());
    let processor = Processor::new(&node.url(), &namespace("watched"))
        .with("RUST_LOG", "off")
        .with("FAILPOINTS", "order:o-poison=panic")
        .with("ORDERLY_BROKER__RETRY_DELAYS", "[\"100ms\", \"200ms\"]")
        .with("ORDERLY_PARKED__MAX_COUNT", "1")
        .with("ORDERLY_NOTIFICATIONS__CHANNELS", "[\"amqp\", \"webhook\"]")
        .with("ORDERLY_NOTIFICATIONS__RETRY__CAP", "1s")
        .with("ORDERLY_NOTIFICATIONS__RETRY__GIVE_UP_AFTER", "8s")
        .with("ORDERLY_NOTIFICATIONS__WEBHOOK__URL", &webhook)
        .with("ORDERLY_NOTIFICATIONS__WEBHOOK__SECRET", "0123456789abcdef0123456789abcdef")
        .with("ORDERLY_NOTIFICATIONS__WEBHOOK__BREAKER_FAILURES", "1")
        .with("ORDERLY_NOTIFICATIONS__WEBHOOK__BREAKER_COOLDOWN", "1s")
        .with("ORDERLY_NOTIFICATIONS__WEBHOOK__BREAKER_COOLDOWN_CAP", "1s");
    forge(&processor);
    processor
}

/// Does everything that somebody is to be alerted about, but for what the broker would have to be away for.
async fn go_wrong(processor: &mut Processor, producer: &Producer) {
    let of_orders = |id: &str| [place(id, &[("tea", 1, 700)]), captured(id, 700)];
    producer.bind_limited("events", "#", 2).await;
    producer.publish(&[stock("tea", 1_000)]).await;
    producer.publish(&[Sent::raw("order.place", "broken", b"{".into())]).await;
    processor.wait(|processor| processor.metric("orderly_parked{", "malformed") > 0.5);
    let mut all: Vec<Sent> = ["o-1", "o-2", "o-3"].iter().flat_map(|id| of_orders(id)).collect();
    let refund = json!({"order_id": "o-1", "refund_id": "r-1", "amount": 100});
    let foreign = json!({
        "provider": "acme", "event_id": "e-foreign", "order_id": "o-2", "attempt_id": "a-9",
        "kind": "captured", "capture_id": "c-9", "amount": 100, "currency": "USD",
        "occurred_at": "2026-01-01T00:00:00Z",
    });
    all.push(Sent::new("refund.request", "refund", &refund));
    all.push(Sent::new("payment.callback", "foreign", &foreign));
    all.push(Sent::new("stock.teleport", "unknown", &json!({})));
    all.push(place("o-poison", &[("tea", 1, 700)]));
    producer.publish(&all).await;
    processor.wait(|processor| processor.metric("orderly_dead_lettered_total{", "failed") > 0.5);
    let audit = processor.get("/api/audit").expect("an audit");
    assert_eq!(audit["balanced"], false, "{audit}");
    assert_eq!(processor.post("/api/intake/pause").0, 200);
    let more: Vec<_> = (0..5).map(|number| stock(&format!("sku-{number}"), 1)).collect();
    producer.publish(&more).await;
}

#[test]
fn every_alert_fires_and_every_expression_finds_data() {
    let recording = hastened(&file("deploy/recording.yml"));
    let mut node = Node::start();
    let mut processor = processor(&node);
    let port = free_port();
    let files = [("alerts.yml", &*rules()), ("recording.yml", &*recording)];
    let prometheus = Prometheus::start(&files, port);
    prometheus.wait_for(&["OrderlyDown"]);

    // Given a processor that Prometheus has seen in good order
    processor.start_on(port);
    Prometheus::wait("its metrics", || {
        let seen = prometheus.ask("count_over_time(orderly_ready[10s]) > 2");
        seen.is_some_and(|seen| !seen.is_empty())
    });

    // When everything goes wrong, then every alert fires
    let runtime = runtime();
    let producer = runtime.block_on(Producer::new(&node.url(), &processor.namespace));
    runtime.block_on(go_wrong(&mut processor, &producer));
    let alerts = alerts();
    let names = alerts.iter().map(|alert| alert.name.as_str());
    let later = [&OF_A_CLUSTER[..], &WITHOUT_BROKER].concat();
    let with_broker: Vec<_> = names.filter(|name| !later.contains(name)).collect();
    prometheus.wait_for(&with_broker);

    // And every expression finds data
    let recorded = recorded().into_iter().map(|(name, _)| name);
    for expression in expressions_of_dashboard().into_iter().chain(recorded) {
        let asked = expression.replace("$__rate_interval", "10s").replace("$instance", ".*");
        let asked = asked.replace("$job", "orderly");
        let found = prometheus.ask(&asked);
        let found = found.unwrap_or_else(|| panic!("not understood: {asked}"));
        assert!(!found.is_empty(), "no data: {asked}");
    }
    shown_is_so(&prometheus);

    // And the commands of the runbooks work
    run_commands(&processor, &node);

    // When a member of a cluster is alone, then it owns nothing for a while, and has no standby after that; and its journal is short
    processor.kill();
    let namespace = namespace("member");
    let text = |text: &str| AMQPValue::LongString(text.into());
    let mut journal = FieldTable::default();
    journal.insert("x-queue-type".into(), text("stream"));
    journal.insert("x-max-length-bytes".into(), AMQPValue::LongLongInt(4_000));
    journal.insert("x-stream-max-segment-size-bytes".into(), AMQPValue::LongLongInt(1_000));
    runtime.block_on(producer.declare(&format!("{namespace}.journal"), journal));
    let mut member = Processor::new(&node.url(), &namespace)
        .with("RUST_LOG", "off")
        .with("ORDERLY_CLUSTER__MODE", "standby");
    member.spawn_on(port);
    prometheus.wait_for(&OF_A_CLUSTER);

    // When the broker dies, then the others fire, too
    node.kill();
    prometheus.wait_for(&WITHOUT_BROKER);
    member.kill();
}

/// What the metrics that are counted beside the work say of this shop.
fn shown_is_so(prometheus: &Prometheus) {
    let value = |expression: &str| {
        let found = prometheus.ask(expression).expect("it is understood");
        let value = found[0]["value"][1].as_str().expect("a value");
        value.parse::<f64>().expect("a number")
    };
    for (expression, wanted) in [
        ("orderly_refunds_pending", 1.0),
        ("orderly_attention", 1.0),
        ("orderly_audit_violations", 1.0),
        ("orderly_queue_messages", 5.0),
        ("orderly:parked", 1.0),
        ("orderly_channel_configured{channel=\"webhook\"}", 1.0),
        // nothing is bound for notifications: all three waited, and were given up meanwhile
        ("max_over_time(orderly_notifications_pending{channel=\"amqp\"}[2m])", 3.0),
    ] {
        let found = value(expression);
        assert!((found - wanted).abs() < 0.1, "{expression}: {found}, not {wanted}");
    }
}

/// Runs the commands that only look; of the others the route must be documented.
fn run_commands(processor: &Processor, node: &Node) {
    let document = processor.get("/openapi.json").expect("the document");
    let (mut asked, mut run) = (0, 0);
    for command in commands() {
        if let Some(arguments) = command.strip_prefix("rabbitmqctl ") {
            node.ctl(&arguments.split(' ').collect::<Vec<_>>());
            run += 1;
        } else if command.starts_with("curl ") {
            let url = command.split_whitespace().find(|word| word.contains("http://"));
            let url = url.expect("an address").trim_matches('"');
            let path = url.strip_prefix("http://127.0.0.1:8080").expect("the admin API");
            if command.contains("-X POST") {
                let path = path.split('?').next().expect("a path");
                assert!(document["paths"][path]["post"].is_object(), "{command}");
            } else {
                let answer = processor.get(path).unwrap_or(Value::Null);
                assert!(!answer.is_null(), "{command}");
            }
            asked += 1;
        }
    }
    assert!(asked > 8 && run > 3, "{asked} {run}");
}

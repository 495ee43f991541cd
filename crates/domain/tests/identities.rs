//! The hash that tells a duplicate from a conflict. The same data has the same hash for ever, however
//! the data was written. Other data has another hash.

mod support;

use orderly_domain::canonical::{Canonical, Form, Member, form1};
use orderly_domain::command::{Command, Kind};
use orderly_domain::id::{CommandId, Source};
use orderly_domain::identity::{self, DataHash, NameOf};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use support::{callback, command, id};

/// (type, hash, data). A row never changes.
const TABLE: &str = include_str!("golden/data_hashes.txt");

fn rows() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    TABLE.lines().map(|line| {
        let mut words = line.splitn(3, ' ');
        let mut next = || words.next().expect("is a row of three");
        (next(), next(), next())
    })
}

fn word(kind: &str, data: &str) -> u64 {
    DataHash::new(&command(kind, data)).word()
}

#[test]
fn the_same_data_has_the_same_hash_for_ever() {
    let wrong: Vec<_> = rows()
        .filter_map(|(kind, hash, data)| {
            let found = format!("{:016x}", word(kind, data));
            (found != hash).then(|| format!("{kind} {found} {data}"))
        })
        .collect();
    assert!(wrong.is_empty(), "found instead:\n{}", wrong.join("\n"));
}

#[test]
fn the_table_has_every_type_twice_and_no_hash_twice() {
    for kind in Kind::ALL {
        assert!(rows().filter(|(name, ..)| *name == kind.as_str()).count() >= 2, "{kind:?}");
    }
    let hashes: BTreeSet<_> = rows().map(|(_, hash, _)| hash).collect();
    assert_eq!(hashes.len(), rows().count());
}

/// The form itself, as its module describes it.
#[test]
fn the_canonical_form_is_written_as_its_module_says() {
    let form =
        |kind: &str, data: &str| String::from_utf8(command(kind, data).form1()).expect("is text");
    assert_eq!(
        form("order.cancel", r#"{"reason":"grün","order_id":"o-1"}"#),
        "s12:order.cancel{s8:order_ids3:o-1s6:reasons5:grün}"
    );
    assert_eq!(
        form(
            "order.place",
            r#"{"order_id":"o","customer":{"id":"c","phone":null},"currency":"EUR","adjustments":[],
                "lines":[{"unit_price":5,"sku":"tea","quantity":1}],"hold_for":"1m 1ms"}"#
        ),
        "s11:order.place{s8:currencys3:EURs8:customer{s2:ids1:c}s8:hold_fors13:60s 1000000ns\
         s5:lines[{s8:quantityi1;s3:skus3:teas10:unit_pricei5;}]s8:order_ids1:o}"
    );
    assert_eq!(
        form(
            "cart.put",
            r#"{"cart_id":"k","sku":"s","quantity":0,"unit_price":0,"currency":"EUR","name":""}"#
        ),
        "s8:cart.put{s7:cart_ids1:ks8:currencys3:EURs4:names0:s8:quantityi0;s3:skus1:ss10:unit_pricei0;}"
    );
    let placed = form(
        "order.place",
        r#"{"order_id":"o","customer":{"id":"c"},"currency":"EUR","lines":[{"sku":"tea","quantity":1,"unit_price":5}],
            "shipping_address":{"lines":["a","b"],"name":"Ada","city":null},"billing_address":{"lines":[]},
            "metadata":{"b":null,"a":-1.50}}"#,
    );
    assert_eq!(
        placed,
        "s11:order.place{s15:billing_address{}s8:currencys3:EURs8:customer{s2:ids1:c}\
         s5:lines[{s8:quantityi1;s3:skus3:teas10:unit_pricei5;}]s8:metadata{s1:ad-15e-1;s1:bn}\
         s8:order_ids1:os16:shipping_address{s5:lines[s1:as1:b]s4:names3:Ada}}"
    );
    let callback = form(
        "payment.callback",
        r#"{"provider":"p","event_id":"e","order_id":"o","attempt_id":"a","kind":"failed",
            "final":false,"occurred_at":"2026-01-01T00:00:00+01:00"}"#,
    );
    assert!(callback.ends_with(
        "s11:occurred_ats27:2025-12-31T23:00:00.000000Zs8:order_ids1:os8:providers1:p}"
    ));
    assert!(!callback.contains("final"));
}

/// An optional field that is given is written, whatever its value. (No command has an optional flag or list yet.)
#[test]
fn an_optional_field_that_is_given_is_written() {
    struct Optional(Option<Vec<u64>>, Option<bool>);
    impl Canonical for Optional {
        fn write(&self, form: &mut Form) -> Member {
            form.begin();
            form.member("flag", &self.1);
            form.member("list", &self.0);
            form.end()
        }
    }
    assert_eq!(form1("x", &Optional(None, None)), b"s1:x{}");
    assert_eq!(form1("x", &Optional(Some(vec![]), Some(false))), b"s1:x{s4:flagfs4:list[]}");
}

#[test]
fn a_stored_hash_says_by_which_form_it_was_made() {
    let command = command("order.cancel", r#"{"order_id":"o-1"}"#);
    let hash = DataHash::new(&command);
    assert_eq!(hash.word().to_be_bytes()[0], 1);
    assert!(hash.is_same(hash.word()));
    assert!(!hash.is_same(hash.word() ^ 1));
    assert!(!hash.is_same(hash.word() ^ (0xff << 56)), "of an unknown form");
    // the stored word of a freed identity never changes, and is the hash of no data: no form has the number 0
    assert_eq!(DataHash::FREED.word(), 0);
    assert!(DataHash::is_freed(0) && !DataHash::is_freed(hash.word()) && !hash.is_same(0));
}

/// The other hashes that are stored or computed again. They never change either.
#[test]
fn names_and_identities_never_change() {
    let hex = |bytes: [u8; 16]| format!("{:032x}", u128::from_be_bytes(bytes));
    let (source, message): (Source, CommandId) = (id("shop"), id("m-1"));
    assert_eq!(hex(identity::of_message(&source, &message)), MESSAGE);
    assert_eq!(hex(identity::of_callback(&callback())), CALLBACK);
    assert_eq!(
        identity::of(&source, &message, &Command::PaymentCallback(callback())),
        identity::of_callback(&callback())
    );
    assert_eq!(hex(identity::of_name("o-1")), NAME);
    assert_eq!(hex(identity::of_parked("shop", "m-1", b"{}")), PARKED);
    let capture = identity::of_capture(&id("acme"), &id("a-1"), &id("cap-1"));
    assert_eq!(hex(capture), CAPTURE);
    assert_eq!(hex(identity::of_attempt(&id("acme"), &id("a-1"))), ATTEMPT);
    let of = |what| hex(identity::of_order(7, what, &["r-1", "acme"]));
    let names = [
        NameOf::Attempt,
        NameOf::Refund,
        NameOf::RefundId,
        NameOf::Dispute,
        NameOf::Event,
        NameOf::Authorization,
        NameOf::Notification,
        NameOf::EndedAttempt,
        NameOf::RefundSuccess,
        NameOf::RefundFailure,
    ];
    assert_eq!(names.map(of), OF_ORDER);
    assert_eq!(identity::derived("n-", &["o-1", "order_confirmed"]), DERIVED);
    let data = DataHash::new(&command("order.cancel", r#"{"order_id":"o-1"}"#));
    let before = identity::of_message(&source, &message);
    assert_eq!(hex(identity::of_replayed_conflict(before, data)), REPLAYED);
    assert_eq!(identity::of_nameless("shop", b"{}"), NAMELESS);
    let spread = identity::spread("k-1", Duration::from_secs(3600));
    assert_eq!(spread, Duration::from_micros(SPREAD));
}

const MESSAGE: &str = "fe2315bc4392717fbee61e5a377d8f2a";
const CALLBACK: &str = "d024551b13375cba9d53bcd251ec4552";
const NAME: &str = "4b7c6d0699c78bf13f0029de4961cad3";
const PARKED: &str = "c95adac2ba1139c2e4201d6f3c96a5c6";
const ATTEMPT: &str = "ae6807df3e51e8d3c652584995c2dd79";
const CAPTURE: &str = "e9e777ef2136dabde5bead2823143c5f";
const OF_ORDER: [&str; 10] = [
    "1c3d1634d49c94b7de006310ca243735",
    "e393ca11debb3089b1d0979ec047f478",
    "feb1552e44111885cde51bebff336ba9",
    "42bdfa56ca3ce04c0723d752fc572b93",
    "7b638c641e30ce6b321d60048e979115",
    "40027978087dd02a4197ae3579cebde9",
    "ca0635f77808a3263cf7203bdfc8111b",
    "515ce77760ab5bf96fbcc80c507f03a6",
    "49abdc4162e50afc72666776804ca575",
    "feaee16a300e30b1626ebb8e763c31f8",
];
const DERIVED: &str = "n-ef4d85ff38ca442b2414d255f262ba54";
const REPLAYED: &str = "7b0f883389d364b6af96941fe83f10fe";
const NAMELESS: &str = "parked-4061ba55dfd56f4e0b28fb9df0b5d5f8";
const SPREAD: u64 = 2_688_645_794;

/// The fields that a command may lack, by its schema.
fn optional_fields(kind: &str) -> Vec<String> {
    let kind = Kind::from_name(kind).expect("is a type");
    let mut generator = schemars::SchemaGenerator::default();
    let reference = kind.schema(&mut generator).to_value();
    let name = reference["$ref"].as_str().and_then(|path| path.rsplit('/').next()).expect("a name");
    let schema = &generator.definitions()[name];
    let required: BTreeSet<_> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let all = schema["properties"].as_object().expect("has fields").keys();
    all.filter(|name| !required.contains(name.as_str())).cloned().collect()
}

#[test]
fn the_table_has_every_optional_field_of_every_type() {
    for kind in Kind::ALL {
        let data: Vec<Value> = rows()
            .filter(|(name, ..)| *name == kind.as_str())
            .map(|(.., data)| serde_json::from_str(data).expect("is JSON"))
            .collect();
        for name in optional_fields(kind.as_str()) {
            assert!(data.iter().any(|data| data.get(&name).is_some()), "{kind:?}: {name} is given");
            assert!(
                data.iter().any(|data| data.get(&name).is_none()),
                "{kind:?}: {name} is absent"
            );
        }
    }
}

/// Writes `value` with the members of its objects in an order that `seed` says, and up to `unknown` unknown ones among
/// them. (In metadata no member is unknown.)
fn shuffled(value: &Value, unknown: usize, seed: &mut u64) -> String {
    let mut next = |below: usize| {
        *seed =
            seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(*seed >> 33).unwrap_or(0) % below
    };
    match value {
        Value::Object(members) => {
            let mut names: Vec<_> = members.keys().collect();
            for last in (1..names.len()).rev() {
                names.swap(last, next(last + 1));
            }
            let count = next(unknown + 1);
            let mut written: Vec<_> = names
                .into_iter()
                .map(|name| {
                    let unknown = if name == "metadata" { 0 } else { unknown };
                    format!("{}: {}", json!(name), shuffled(&members[name], unknown, seed))
                })
                .collect();
            for number in 0..count {
                written.insert(number, format!("\"unknown_{number}\": [{{\"a\": {number}}}]"));
            }
            format!("{{{}}}", written.join(" ,\n"))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| shuffled(item, unknown, seed)).collect();
            format!("[ {} ]", items.join(","))
        }
        other => other.to_string(),
    }
}

proptest! {
    #[test]
    fn the_way_in_which_data_is_written_does_not_matter(row in 0..rows().count(), mut seed: u64) {
        let (kind, _, data) = rows().nth(row).expect("is a row");
        let mut value: Value = serde_json::from_str(data).expect("is JSON");
        // `null` means the same as an absent field, except for a list or a flag: each has a default
        let with_default = ["adjustments", "restock", "final"];
        let absent = optional_fields(kind).into_iter();
        let absent = absent.filter(|name| !with_default.contains(&name.as_str()));
        for (number, name) in absent.enumerate() {
            if value.get(&name).is_none() && (seed >> number) & 1 == 1 {
                value[name] = Value::Null;
            }
        }
        let written = shuffled(&value, 2, &mut seed);
        prop_assert_eq!(word(kind, &written), word(kind, data), "{}", written);
    }
}

/// Every field counts: a change of any one of them, or its absence, is other data.
#[test]
fn every_field_counts() {
    for (kind, _, data) in rows() {
        let value: Value = serde_json::from_str(data).expect("is JSON");
        let mut seen = BTreeSet::from([word(kind, data)]);
        let mut tried = 1;
        for (name, old) in value.as_object().expect("is an object") {
            let mut others = vec![None];
            match old {
                Value::String(text) => others.push(Some(json!(format!("{text}x")))),
                Value::Number(number) => {
                    others.push(Some(json!(number.as_i64().expect("is one") + 1)));
                }
                Value::Bool(flag) => others.push(Some(json!(!flag))),
                Value::Array(items) => {
                    others.push(Some(items.iter().chain(items.first()).cloned().collect()));
                }
                Value::Object(members) => {
                    let mut members: Map<_, _> = members.clone();
                    // a customer has an id, an address a city, and metadata anything
                    let field = if members.contains_key("id") { "id" } else { "city" };
                    members.insert(field.to_owned(), json!("another"));
                    others.push(Some(members.into()));
                }
                Value::Null => {}
            }
            others.retain(|other| other.as_ref() != Some(old)); // an empty list has no item to repeat
            for other in others {
                let mut changed = value.clone();
                match other {
                    Some(other) => changed[name] = other,
                    None => drop(changed.as_object_mut().and_then(|all| all.remove(name))),
                }
                let kind = Kind::from_name(kind).expect("is a type");
                // not every change is valid, such as one of a currency
                if let Ok(command) = Command::parse(kind, changed.to_string().as_bytes()) {
                    let word = DataHash::new(&command).word();
                    // `final: false` is the same as no `final`
                    let is_flag = ["final", "again"].contains(&name.as_str());
                    if !is_flag || changed.get(name).is_none() {
                        tried += 1;
                        assert!(seen.insert(word), "{kind:?}, {name}: {changed}");
                    }
                }
            }
        }
        assert!(tried > 1, "{kind}");
        assert_eq!(seen.len(), tried);
    }
}

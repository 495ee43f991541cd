//! The data of each command; what a damaged message is about; commands over HTTP and of files.

use super::{Form, Target};
use crate::corpus;
use orderly::command_input::CommandInput;
use orderly_broker::Names;
use orderly_domain::command::{Command, Kind};
use orderly_domain::identity::DataHash;
use orderly_domain::subject::{self, Subject};

pub(super) fn targets() -> Vec<Target> {
    let examples = corpus::commands();
    let mut targets = Vec::new();
    for &kind in Kind::ALL {
        let samples: Vec<_> = examples
            .iter()
            .filter(|(of, ..)| of == kind.as_str())
            .map(|(_, _, data)| data.clone().into_bytes())
            .collect();
        assert!(!samples.is_empty(), "{} has an example", kind.as_str());
        let name = format!("command.{}", kind.as_str());
        targets.push(Target::new(name, Form::Json, 20, samples, move |input| read(kind, input)));
    }
    let data = || examples.iter().map(|(_, _, data)| data.clone().into_bytes()).collect::<Vec<_>>();
    targets.push(Target::new("subject", Form::Json, 40, data(), |input| {
        let _ = (Subject::read(input), subject::trace(input));
    }));
    let lines = examples.iter().map(|(kind, id, data)| {
        format!(
            r#"{{"type":"{kind}","id":"{id}","source":"web","deadline":"2026-01-31T12:00:00Z","reply_to":"q","trace":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01","data":{data}}}"#
        )
        .into_bytes()
    });
    targets.push(Target::new("command_input", Form::Json, 20, lines.collect(), |input| {
        if let Ok(command) = CommandInput::parse(input, "web") {
            let message = command.message(&Names::new("shop"));
            assert!(message.properties.message_id.is_some_and(|id| id.len() <= 255));
        }
    }));
    targets
}

/// What is read is valid: it has a canonical form and is the same as itself.
fn read(kind: Kind, input: &[u8]) {
    let Ok(decoded) = Command::decode(kind, input) else { return };
    let again = Command::parse(kind, input).expect("what was read once is read again");
    assert_eq!(again, decoded.command);
    assert!(!decoded.command.form1().is_empty());
    assert_eq!(DataHash::new(&decoded.command), DataHash::new(&again));
    assert_eq!(decoded.command.kind(), kind);
    // the bytes of a command name what the command names; members that the command does not know may name more
    let (named, read) = (decoded.command.subject(), Subject::read(input));
    let Subject { order_id, provider, event_id, cart_id, sku } = named.clone();
    let both = Subject {
        order_id: order_id.or(read.order_id.clone()),
        provider: provider.or(read.provider.clone()),
        event_id: event_id.or(read.event_id.clone()),
        cart_id: cart_id.or(read.cart_id.clone()),
        sku: sku.or(read.sku.clone()),
    };
    assert_eq!(both, read, "{named:?}");
}

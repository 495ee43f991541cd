//! A store to lines.

use super::Error;
use super::line::{END, STORE, Stored};
use crate::admin::shown;
use orderly_actors::clock::{Clock as _, SystemClock};
use orderly_store::transfer::Item;
use orderly_store::{Entity, ReadOnly};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::io::Write;

/// Writes every line, and counts and sums up the lines so far.
struct Lines<W> {
    out: W,
    count: u64,
    sum: Sha256,
}

impl<W: Write> Lines<W> {
    fn write(&mut self, kind: &str, shown: Value, stored: &Stored) -> Result<u64, Error> {
        let written = |error| Error::Write(std::io::Error::other(error));
        let mut line = json!({ "kind": kind });
        if let (Some(line), Value::Object(shown)) = (line.as_object_mut(), shown) {
            line.extend(shown);
        }
        line["stored"] = serde_json::to_value(stored).map_err(written)?;
        let mut bytes = serde_json::to_vec(&line).map_err(written)?;
        bytes.push(b'\n');
        self.out.write_all(&bytes).map_err(Error::Write)?;
        self.sum.update(&bytes);
        self.count += 1;
        Ok(bytes.len() as u64)
    }
}

/// Writes everything in a store. `progress` is told the number of bytes that were written since the last time. Returns the
/// number of lines.
pub fn export(
    store: &ReadOnly,
    out: impl Write,
    mut progress: impl FnMut(u64),
) -> Result<u64, Error> {
    let mut lines = Lines { out, count: 0, sum: Sha256::new() };
    let mut export = store.export()?.ok_or(orderly_store::Error::InUse)?;
    let about = export.about();
    let shown = json!({
        "orderly": env!("CARGO_PKG_VERSION"),
        "namespace": about.namespace,
        "incarnation": about.incarnations.current(),
        "format": about.formats.to_string(),
        "next_sequence": about.next.0,
        "exported_at": SystemClock::default().now(),
    });
    progress(lines.write(STORE, shown, &Stored::about(about))?);
    while let Some(item) = export.next_item()? {
        let (kind, shown) = for_people(&item)?;
        progress(lines.write(kind, shown, &Stored::item(&item))?);
    }
    let sha256 = hex::encode(lines.sum.clone().finalize());
    let end = Stored::End { lines: lines.count, sha256 };
    lines.write(END, Value::Null, &end)?;
    lines.out.flush().map_err(Error::Write)?;
    Ok(lines.count)
}

/// What a person may want to know of an item, and its kind.
fn for_people(item: &Item) -> Result<(&'static str, Value), Error> {
    Ok(match item {
        Item::Entity { table, ordinal, parts, .. } => {
            let entity = Entity { ordinal: *ordinal, parts: parts.clone() };
            match shown::entity(*table, &entity)? {
                Some(shown) => (shown.kind, json!({ shown.kind: shown.view })),
                None => ("entity", Value::Null),
            }
        }
        Item::Name(_) => ("name", Value::Null),
        Item::Identity { .. } => ("identity", Value::Null),
        Item::Posting(_) => ("posting", Value::Null),
        Item::Timer(_) => ("timer", Value::Null),
        Item::Unit(unit) => {
            let timeline = shown::unit(unit)?;
            ("unit", json!({ "sequence": unit.seq.0, "timeline": timeline }))
        }
    })
}

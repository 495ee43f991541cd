//! Writes the tables and plots of the figures into docs/performance.md and its images.

mod figures;
mod tables;

use std::{fmt::Write as _, fs, path::Path};

use anyhow::{Context, Result, ensure};

use super::results::Results;

/// Replaces the tables of what was measured, and its plots. What was not measured stays as it is.
pub(crate) fn write(results: &Results, docs: &Path) -> Result<()> {
    let page = docs.join("performance.md");
    let mut text =
        fs::read_to_string(&page).with_context(|| format!("cannot read {}", page.display()))?;
    let mut blocks: Vec<(&str, String)> = Vec::new();
    let mut images = Vec::new();
    if let Some(relay) = &results.relay {
        blocks.push(("relay", tables::relay(relay)));
    }
    if let Some(defaults) = &results.defaults {
        blocks.push(("defaults", tables::defaults(defaults)));
    }
    if let Some(unbound) = &results.unbound {
        blocks.push(("unbound", tables::unbound(unbound)));
    }
    if let Some(latency) = &results.latency {
        blocks.push(("latency", tables::latency(latency)));
        images.push(("bench-latency.svg", figures::latency(latency)));
    }
    if let Some(growth) = &results.growth {
        blocks.push(("growth", tables::growth(growth)));
        images.push(("bench-growth.svg", figures::growth(growth)));
        if let Some(shrinking) = &growth.shrinking {
            blocks.push(("shrinking", tables::shrinking(shrinking, &growth.machine)));
            images.push(("bench-shrinking.svg", figures::shrinking(shrinking)));
        }
    }
    if let Some(skew) = &results.skew {
        blocks.push(("skew", tables::skew(skew)));
    }
    if let Some(soak) = &results.soak {
        blocks.push(("soak", tables::soak(soak)));
        images.push(("bench-soak.svg", figures::soak(soak)));
    }
    if let Some(standby) = &results.standby {
        blocks.push(("standby", tables::standby(standby)));
    }
    ensure!(!blocks.is_empty(), "there are no figures yet");
    for (name, block) in &mut blocks {
        let image = format!("bench-{name}.svg");
        if images.iter().any(|(file, _)| *file == image) {
            write!(block, "\n![{name}: the figures of the table](images/{image})\n")?;
        }
        text = replaced(&text, name, block)?;
    }
    for (name, figure) in images {
        let path = docs.join("images").join(name);
        fs::write(&path, figure.svg()?)
            .with_context(|| format!("cannot write {}", path.display()))?;
        println!("{}", path.display());
    }
    fs::write(&page, text)?;
    println!("{}", page.display());
    Ok(())
}

/// Puts a block between its markers.
fn replaced(text: &str, name: &str, block: &str) -> Result<String> {
    let (open, close) = (format!("<!-- bench:{name} -->"), format!("<!-- /bench:{name} -->"));
    let (before, rest) =
        text.split_once(&open).with_context(|| format!("the page has no {open}"))?;
    let (_, after) = rest.split_once(&close).with_context(|| format!("the page has no {close}"))?;
    Ok(format!("{before}{open}\n{block}{close}{after}"))
}

//! `orderly schema`: the JSON Schemas of everything that orderly takes and gives, and its AsyncAPI document.

use super::output;
use crate::schema;
use clap::builder::PossibleValuesParser;
use orderly_domain::command::Kind;
use orderly_domain::event::Type;
use std::io;

/// Arguments of `orderly schema`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print the schema of the data of this command only
    #[arg(long, value_name = "TYPE", value_parser = types(Kind::ALL.iter().map(|kind| kind.as_str())))]
    command: Option<String>,
    /// Print the schema of this event only
    #[arg(long, value_name = "TYPE", value_parser = types(Type::ALL.iter().map(|kind| kind.as_str())), conflicts_with = "command")]
    event: Option<String>,
    /// Print the AsyncAPI 3 document of the messages on the broker
    #[arg(long, conflicts_with_all = ["command", "event"])]
    asyncapi: bool,
    /// The namespace of the exchanges in the AsyncAPI document
    #[arg(long, value_name = "NAME", default_value = "orderly", requires = "asyncapi")]
    namespace: String,
}

fn types(names: impl Iterator<Item = &'static str>) -> PossibleValuesParser {
    PossibleValuesParser::new(names)
}

/// Prints one JSON document.
///
/// # Errors
///
/// Standard output is closed or full.
pub fn run(args: &Args) -> io::Result<()> {
    let command = args.command.as_deref().and_then(Kind::from_name);
    let event = Type::ALL.iter().find(|kind| Some(kind.as_str()) == args.event.as_deref());
    let document = match (command, event) {
        (Some(kind), _) => schema::of_command(kind),
        (None, Some(kind)) => schema::of_event(*kind),
        (None, None) if args.asyncapi => schema::asyncapi(&args.namespace),
        (None, None) => schema::document(),
    };
    output::print(&format!("{document:#}\n"))
}

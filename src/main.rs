//! The `orderly` program: reads the command line, runs one command, and ends with its exit code.
//!
//! Errors of every kind end up here: as one message on standard error, and as an exit code.

mod allocator;

use std::env;
use std::process::ExitCode;

use clap::Parser as _;
use orderly::cli::exit::Exit;
use orderly::cli::{
    Cli, Command, check, cluster, dead, demo, explain, parked, publish, schema, serve, simulate,
    store, watch,
};
use orderly::config::Config;

fn main() -> ExitCode {
    // `parse` ends the program by itself: with 2 for a usage error, with 0 for --help.
    let exit = run(&Cli::parse()).unwrap_or_else(|error| {
        eprintln!("orderly: {error:#}");
        Exit::of(error.as_ref())
    });
    exit.into()
}

fn run(cli: &Cli) -> anyhow::Result<Exit> {
    if let Command::Schema(args) = &cli.command {
        schema::run(args)?;
        return Ok(Exit::Success);
    }
    if let Command::Simulate(args) = &cli.command {
        return Ok(simulate::run(args)?);
    }
    if let Command::Serve(_) | Command::Demo(_) = &cli.command {
        allocator::keep_freed_pages();
    }
    let config = Config::load(cli.config.as_deref(), env::vars_os())?;
    match &cli.command {
        Command::Check(args) => return Ok(check::run(&config, *args)?),
        Command::Demo(args) => return Ok(demo::run(&config, args)?),
        Command::Explain(args) => explain::run(&config, args)?,
        Command::Serve(args) => serve::run(config, args)?,
        Command::Watch(args) => watch::run(&config, args)?,
        Command::Publish(args) => return Ok(publish::run(&config, args)?),
        Command::Store(args) => return Ok(store::run(&config, args)?.into()),
        Command::Cluster(args) => return Ok(cluster::run(&config, args)?),
        Command::Parked(args) => return Ok(parked::run(&config, args)?),
        Command::Dead(args) => return Ok(dead::run(&config, args)?),
        Command::Schema(_) | Command::Simulate(_) => {} // ran above, without a configuration
    }
    Ok(Exit::Success)
}

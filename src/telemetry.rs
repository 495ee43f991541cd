//! Logging: one event for one fact, to standard error, as text or as JSON.
//!
//! `RUST_LOG` chooses the targets and levels. A panic is logged as an event, so a collector of JSON lines sees it too.
//!
//! Two targets are names of what is logged, and not of a module: [`VERDICT`] and [`PARKED`].

use std::env;
use std::io::{self, IsTerminal as _};
use std::panic;

use tracing::error;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{fmt, registry};

use crate::config::LogFormat;

/// The variable with the levels by target, such as `info,orderly=debug`.
const VARIABLE: &str = "RUST_LOG";

/// The levels of `serve` where `RUST_LOG` is not set.
pub const SERVE: &str = "info";
/// The levels of `demo` where `RUST_LOG` is not set: only errors, so that the summary stands out.
pub const DEMO: &str = "error";
/// The most that a library logs that `RUST_LOG` does not name. lapin logs whole messages, with the data of customers, and logs
/// an error for every queue that is missing when we look for it. sled logs its own view of what the store does. The process
/// logs the failures of both itself. actix tells of every thread that it starts.
const QUIET: [(&str, LevelFilter); 3] =
    [("lapin", LevelFilter::OFF), ("sled", LevelFilter::OFF), ("actix_server", LevelFilter::WARN)];

/// The target of the line for each verdict on a command, at the level debug.
pub const VERDICT: &str = "orderly::verdict";
/// The target of the line for each parked message, at the level warn.
pub const PARKED: &str = "orderly::parked";

/// The levels that there are.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
/// The most letters that a misspelt level has wrong.
const WRONG_LETTERS: usize = 2;

/// Why logging did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `RUST_LOG` has the wrong form.
    #[error(
        "cannot read RUST_LOG: {0:?} is no level (off, error, warn, info, debug, trace), no target, and no target with a level, \
         such as in \"info,orderly=debug\""
    )]
    Filter(String),
    /// A level in `RUST_LOG` is misspelt, and would be taken for the name of a target.
    #[error("cannot read RUST_LOG: there is no level {found:?}; did you mean {meant:?}?")]
    Level {
        /// What there is in its place.
        found: String,
        /// The level that it is most like.
        meant: &'static str,
    },
    /// `RUST_LOG` is not UTF-8.
    #[error("cannot read RUST_LOG: it is not UTF-8")]
    Encoding,
    /// The process has a logger already.
    #[error("cannot start logging")]
    Started(#[source] TryInitError),
}

/// Checks `RUST_LOG`, and starts nothing.
pub fn check() -> Result<(), Error> {
    filter(SERVE).map(drop)
}

/// The levels by target, as `RUST_LOG` has them; where it is not set, `default`.
fn filter(default: &str) -> Result<Targets, Error> {
    match env::var(VARIABLE) {
        Ok(given) if !given.trim().is_empty() => targets(&given),
        Ok(_) | Err(env::VarError::NotPresent) => targets(default),
        Err(env::VarError::NotUnicode(_)) => Err(Error::Encoding),
    }
}

/// Reads levels and targets, and quiets the libraries that are not named.
fn targets(text: &str) -> Result<Targets, Error> {
    let mut targets = Targets::new();
    let mut named = Vec::new();
    for one in text.split(',').map(str::trim).filter(|one| !one.is_empty()) {
        let wrong = || Error::Filter(one.to_owned());
        let (target, level) = match one.split_once('=') {
            Some((target, level)) => (target, level.parse().map_err(|_| wrong())?),
            None => match one.parse::<LevelFilter>() {
                Ok(level) => {
                    targets = targets.with_default(level);
                    continue;
                }
                Err(_) => (one, LevelFilter::TRACE),
            },
        };
        if let (Some(meant), false) = (misspelt_level(one), one.contains('=')) {
            return Err(Error::Level { found: one.to_owned(), meant });
        }
        if target.is_empty() || !target.chars().all(is_of_target) {
            return Err(wrong());
        }
        named.push(target);
        targets = targets.with_target(target, level);
    }
    let default = targets.default_level().unwrap_or(LevelFilter::OFF);
    let is_named = |library| {
        let of_library = |target: &&str| {
            let rest = target.strip_prefix(library);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        };
        named.iter().any(of_library)
    };
    let quiet = QUIET.into_iter().filter(|(library, _)| !is_named(*library));
    Ok(quiet.fold(targets, |targets, (library, level)| {
        targets.with_target(library, level.min(default))
    }))
}

/// Whether names of targets have such characters. Filters by span or field, with brackets, are not read.
fn is_of_target(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | ':' | '-' | '.')
}

/// The level that a word was most likely meant to be. `None` for a level, and for the name of a target.
fn misspelt_level(word: &str) -> Option<&'static str> {
    let word = word.to_ascii_lowercase();
    let longer = |level: &str| {
        word.strip_prefix(level).is_some_and(|rest| rest.chars().all(char::is_alphabetic))
    };
    if let Some(level) = LEVELS.into_iter().find(|level| *level != word && longer(level)) {
        return Some(level); // as in `warning`
    }
    let distance = |level| strsim::damerau_levenshtein(&word, level);
    let (distance, level) = LEVELS.iter().map(|level| (distance(level), *level)).min()?;
    (1..=WRONG_LETTERS).contains(&distance).then_some(level)
}

/// Starts logging for the whole process. `default` holds the levels where `RUST_LOG` is not set.
pub fn init(format: LogFormat, default: &str) -> Result<(), Error> {
    let targets = filter(default)?;
    let lines = fmt::layer().with_writer(io::stderr);
    match format {
        LogFormat::Text => {
            let lines = lines.with_ansi(io::stderr().is_terminal());
            registry().with(lines).with(targets).try_init()
        }
        LogFormat::Json => {
            registry().with(lines.json().flatten_event(true)).with(targets).try_init()
        }
    }
    .map_err(Error::Started)?;
    log_panics();
    Ok(())
}

/// An error and its causes in one line.
pub fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn log_panics() {
    panic::set_hook(Box::new(|info| {
        let thread = std::thread::current();
        let at = info.location().map(ToString::to_string);
        let text = info.payload().downcast_ref::<&str>().copied();
        let message = text.or_else(|| info.payload().downcast_ref::<String>().map(String::as_str));
        error!(thread = thread.name(), at, panic = message, "panicked");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn a_library_is_quiet_unless_it_is_named() {
        let hears = |text: &str, target: &str, level| {
            targets(text).expect("levels").would_enable(target, &level)
        };
        for text in ["info", "debug,orderly=trace", "info,unsled=debug", "info,sledge=debug"] {
            assert!(!hears(text, "sled::pagecache", Level::ERROR), "{text}");
            assert!(!hears(text, "lapin::channel", Level::ERROR), "{text}");
            assert!(hears(text, "actix_server::worker", Level::WARN), "{text}");
            assert!(!hears(text, "actix_server::worker", Level::INFO), "{text}");
            assert!(hears(text, "orderly::relay", Level::INFO), "{text}");
        }
        assert!(!hears("error", "actix_server", Level::WARN));
        assert!(!hears("off", "actix_server", Level::ERROR));
        assert!(!hears("orderly=debug", "actix_server", Level::ERROR));
        for text in ["info,sled=info", " info , sled=info ,", "info,sled::pagecache=debug"] {
            assert!(hears(text, "sled::pagecache", Level::INFO), "{text}");
            assert!(!hears(text, "lapin", Level::ERROR), "{text}");
        }
        assert!(hears("sled", "sled::tree", Level::TRACE));
    }

    #[test]
    fn what_is_no_level_and_no_target_is_an_error_that_names_it() {
        for (text, wrong) in [
            ("orderly=louder", "orderly=louder"),
            ("info,=debug", "=debug"),
            ("[span]=debug", "[span]=debug"),
            ("debug, orderly{order}", "orderly{order}"),
        ] {
            let found = targets(text);
            assert!(
                matches!(&found, Err(Error::Filter(found)) if found == wrong),
                "{text}: {found:?}"
            );
        }
        let misspelt = targets("orderly=debug,inof");
        assert!(
            matches!(&misspelt, Err(Error::Level { found, meant: "info" }) if found == "inof"),
            "{misspelt:?}"
        );
        // with a level behind it, it is the name of a target
        assert!(targets("inof=debug").is_ok());
        assert!(targets("").is_ok());
    }

    #[test]
    fn an_error_is_told_with_all_of_its_causes() {
        let cause = io::Error::other(Error::Encoding);
        let causes = causes(&crate::notify::webhook::Error::Certificates(cause));
        let of_webhook = "cannot read the trusted certificates for the webhook";
        assert_eq!(causes, format!("{of_webhook}: cannot read RUST_LOG: it is not UTF-8"));
    }

    #[test]
    fn a_misspelt_level_is_told_from_a_level_and_from_a_target() {
        for (word, meant) in [
            ("inof", Some("info")),
            ("DEBGU", Some("debug")),
            ("warning", Some("warn")),
            ("warnn", Some("warn")),
            ("info", None),
            ("TRACE", None),
            ("orderly", None),
            ("hyper_util", None),
            ("sled", None),
            ("", None),
        ] {
            assert_eq!(misspelt_level(word), meant, "{word}");
        }
    }
}

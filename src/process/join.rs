//! Getting a store that can follow the journal: a copy of another member's.
//!
//! It takes the place of a store that the journal has passed. That store is kept until there is a copy, checked and whole, and
//! it is given up only if the copy goes on from it: a store with units that were never in this journal is not touched.

use super::store::{close_store, store_options};
use super::{Error, Shows, broker_settings, journal_stream};
use crate::backup::incoming::Arrived;
use crate::backup::{self, Scratch};
use crate::config::Config;
use crate::copy::client::Client;
use crate::copy::fetch::fetch;
use crate::copy::{self, Progress};
use crate::journal::listen;
use crate::pipeline;
use crate::telemetry::causes;
use orderly_journal::Refusal;
use orderly_store::{Follower, Position, Seq};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use uuid::Uuid;

/// The copy is made in a folder of this name behind that of the store.
const BESIDE: &str = ".copy";
/// How long a member listens who there is. Every member says something each second.
const LISTEN: Duration = Duration::from_millis(2_500);
/// The pauses after nobody could give a copy: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// The store that the journal has passed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passed {
    next: Seq,
    position: Option<Position>,
    incarnation: Uuid,
}

/// Why there is no copy yet.
enum Failed {
    /// Another member may give one, or the same one later.
    ForNow(String),
    /// The store and the copy do not go together: nothing was changed.
    ForGood(Error),
}

impl Passed {
    /// What must be known of a store in case that the journal has passed it.
    pub(super) fn of(follower: &Follower) -> Self {
        Self {
            next: follower.next_seq(),
            position: follower.position(),
            incarnation: follower.recovery().incarnations.current(),
        }
    }

    /// Whether the store has units that may be in no other store.
    fn is_unique(&self) -> bool {
        self.next > Seq::FIRST && self.position.is_none()
    }

    /// Where the copy must know what this store has.
    fn compared_at(&self) -> Seq {
        self.position.map_or(Seq::FIRST, |position| position.next)
    }

    /// Checks that a copy goes on from this store: a copy of this incarnation, with the units before `end`, and what it knows of
    /// the last position of this store.
    fn check(&self, incarnation: Uuid, end: Seq, known: Option<Position>) -> Result<(), Refusal> {
        if self.next <= Seq::FIRST {
            return Ok(());
        }
        if incarnation != self.incarnation {
            return Err(Refusal::AnotherJournal);
        }
        let differs = self.position.zip(known).is_some_and(|(own, its)| own.chain != its.chain);
        if differs || end < self.next {
            return Err(Refusal::Diverged { next: self.next.0 });
        }
        Ok(())
    }
}

/// Puts the store back in its place that a process was about to replace when it died, and removes what is left of a copy. To be
/// called before the store is opened.
pub(super) fn tidy(config: &Config) -> Result<(), Error> {
    backup::tidy(&config.store.path, BESIDE).map_err(Error::Replace)
}

/// Replaces the store by a copy of another member's, for as long as it takes. The store that was replaced is removed when what
/// is returned is dropped.
///
/// # Errors
/// The store has units that no other member has, or other ones: nothing was changed.
pub(super) async fn replace_store(
    config: &Config,
    observed: &Shows,
    passed: Passed,
    refusal: Refusal,
) -> Result<Scratch, Error> {
    if passed.is_unique() {
        tracing::error!(
            "the store was never in the journal, and has units: it is not replaced by a copy"
        );
        return Err(refused(refusal));
    }
    tracing::warn!(%refusal, next = passed.next.0, "the journal has passed the store: it is replaced by a copy");
    let mut pause = PAUSES.0;
    loop {
        observed
            .cluster
            .show_copying("listens which member can give a copy of its store".to_owned());
        let turn = observed.copying.acquire().await;
        let tried = try_members(config, observed, passed).await;
        drop(turn);
        let problem = match tried {
            Ok(replaced) => return Ok(replaced),
            Err(Failed::ForGood(error)) => return Err(error),
            Err(Failed::ForNow(problem)) => problem,
        };
        tracing::warn!(problem, retry_in = ?pause, "no copy of another member's store");
        observed
            .cluster
            .show_copying(format!("there is no copy of another member's store: {problem}"));
        sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// Tries one member after the other.
async fn try_members(config: &Config, observed: &Shows, passed: Passed) -> Result<Scratch, Failed> {
    let mut problem =
        "no other member was heard that has an address (cluster.advertise)".to_owned();
    for url in urls(config).await? {
        match copy_from(&url, config, observed, passed).await {
            Err(Failed::ForNow(why)) => {
                tracing::warn!(url, problem = why, "this member gives no copy");
                problem = why;
            }
            done => return done,
        }
    }
    Err(Failed::ForNow(problem))
}

/// The URLs of the members that live, the owner last: it has other work.
async fn urls(config: &Config) -> Result<Vec<String>, Failed> {
    let cluster = &config.cluster;
    let stream = journal_stream(config);
    let heard = listen::members(&broker_settings(config), &stream, LISTEN).await;
    let heard = heard.map_err(|problem| Failed::ForGood(Error::Unheard(problem)))?;
    let mut urls: Vec<(bool, String)> = Vec::new();
    for (_, member) in heard {
        let Some(name) = member.node else { continue };
        let is_known = urls.iter().any(|(_, url)| *url == name.url);
        if !name.url.is_empty() && name.url != cluster.advertise && !is_known {
            // only those that follow say how far they have come
            urls.push((member.stored.is_none(), name.url));
        }
    }
    urls.sort_by_key(|(is_owner, _)| *is_owner);
    Ok(urls.into_iter().map(|(_, url)| url).collect())
}

/// Copies the store of one member, and puts the copy in the place of the store.
async fn copy_from(
    url: &str,
    config: &Config,
    observed: &Shows,
    passed: Passed,
) -> Result<Scratch, Failed> {
    let cluster = observed.cluster.clone();
    let show = {
        let url = url.to_owned();
        move |Progress { came, of }| {
            let (came, of) = (came >> 20, of.max(came) >> 20);
            cluster.show_copying(format!("copying the store from {url}: {came} of about {of} MiB"));
        }
    };
    let copying = {
        let (url, config) = (url.to_owned(), config.clone());
        async move {
            let client = Client::new(&url, &config.admin.token)?.of_partition(config.partition());
            let scratch = Scratch::instead(&config.store.path, BESIDE)?;
            fetch(&client, scratch, &store_options(&config), passed.compared_at(), show).await
        }
    };
    let copying = spawn_blocking(move || Handle::current().block_on(copying));
    let arrived: Result<Arrived, copy::Error> =
        copying.await.map_err(|panicked| Failed::ForGood(Error::Start(panicked.into())))?;
    let arrived = arrived.map_err(|error| Failed::ForNow(causes(&error)))?;
    let end = Seq(arrived.manifest.end_sequence);
    let checked = passed.check(arrived.incarnation, end, arrived.known);
    checked.map_err(|refusal| Failed::ForGood(refused(refusal)))?;
    tracing::info!(
        url, end_sequence = end.0, bytes = arrived.manifest.bytes(),
        position = ?arrived.position, "the store of a member was copied"
    );
    observed.backend.read_nothing();
    put_in_place(config, arrived.scratch).await.map_err(Failed::ForGood)
}

/// Puts the copy in the place of the store, which nobody has open any more.
async fn put_in_place(config: &Config, scratch: Scratch) -> Result<Scratch, Error> {
    let path = config.store.path.clone();
    let replacing = spawn_blocking(move || {
        close_store(&path)?;
        scratch.replace().map_err(Error::Replace)?;
        Ok(scratch)
    });
    replacing.await.map_err(|panicked| Error::Start(panicked.into()))?
}

fn refused(refusal: Refusal) -> Error {
    Error::Pipeline(pipeline::Error::Refused(refusal))
}

#[cfg(test)]
mod tests;

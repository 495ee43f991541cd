//! Making a store of a copy as it comes.

use super::client::{Client, Error};
use crate::backup::incoming::{Arrived, Incoming};
use crate::backup::{Scratch, tar};
use orderly_store::{Options, Seq};

/// How far a copy has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The bytes that came.
    pub came: u64,
    /// About how many bytes there are.
    pub of: u64,
}

/// Copies the store of a member into a scratch folder. `options` says what the store must be; `at` asks for its position
/// behind the units before this sequence. It writes to the disk, so it must run on a thread of its own.
pub(crate) async fn fetch(
    client: &Client,
    scratch: Scratch,
    options: &Options,
    at: Seq,
    mut progress: impl FnMut(Progress),
) -> Result<Arrived, Error> {
    let copy = client.begin().await?;
    let mut shown = Progress { came: 0, of: copy.bytes };
    progress(shown);
    let mut incoming = Incoming::begin(scratch)?;
    let mut archive = tar::Unpacker::default();
    let mut number = 0;
    while archive.end().is_err() {
        let part = client.part(&copy, number).await?;
        number += 1;
        shown.came += part.len() as u64;
        progress(shown);
        archive.push(&part);
        while let Some(file) = archive.next_file()? {
            incoming.take(&file)?;
        }
    }
    Ok(incoming.finish(options, at)?)
}

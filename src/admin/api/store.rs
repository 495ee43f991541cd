//! `POST /api/store/backup`.
//!
//! The backup is read on a thread of its own, and not on one of those for queries: it may take hours. What it has read waits
//! until the caller has taken what came before, so it holds a few files in memory at most.

use super::Backend;
use crate::admin::operation::{Answer, Content, Operation, Output};
use crate::admin::problem::Problem;
use crate::admin::query::{Query, parameters};
use crate::admin::values::PartitionNumber;
use crate::backup::{Files, tar};
use crate::pipeline::Handle;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};
use bytes::Bytes;
use futures_util::stream;
use orderly_actors::clock::{Clock as _, SystemClock};
use std::io;
use std::thread;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::{self, error::TrySendError};

/// The media type of the archive.
const TAR: &str = "application/x-tar";
/// The pieces that wait for the caller.
const WAITING: usize = 3;
/// The pause between two looks whether the caller has taken one.
const LOOK: Duration = Duration::from_millis(10);
/// The time after which a backup is given up when the caller takes nothing.
const STALLED: Duration = Duration::from_secs(60);

/// A piece of the archive; `None` is its end. An archive that was not ended is an error for the caller.
type Piece = Option<Bytes>;

/// The archive, while it is made.
pub(super) struct Archive {
    name: String,
    pieces: mpsc::Receiver<Piece>,
}

impl Output for Archive {
    fn describe(operation: &mut Operation) {
        let content = Content::Bytes(&[TAR]);
        operation.answers.push(Answer { status: StatusCode::OK, about: "", content });
    }
}

impl Responder for Archive {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let pieces = stream::unfold(Some(self.pieces), |pieces| async move {
            let mut pieces = pieces?;
            match pieces.recv().await {
                Some(Some(piece)) => Some((Ok(piece), Some(pieces))),
                Some(None) => None,
                None => {
                    let error = io::Error::other("the backup was given up");
                    Some((Err(error), None))
                }
            }
        });
        HttpResponse::Ok()
            .content_type(TAR)
            .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", self.name)))
            .streaming(Box::pin(pieces))
    }
}

parameters! {
    /// The store that a backup is made of.
    pub(super) struct OfStore {
        /// The number of the partition whose store it is. It must be given where there are partitions, and means nothing where
        /// there are none.
        partition: Option<PartitionNumber>,
    }
}

pub(super) async fn back_up(
    backend: Data<Backend>,
    of: Query<OfStore>,
) -> Result<Archive, Problem> {
    let backend = backend.chosen(of.0.partition)?;
    let Some((files, core, turn)) = backend.back_up().await? else {
        let problem = Problem::new(StatusCode::CONFLICT);
        return Err(problem.detail("another backup is under way"));
    };
    let (namespace, sequence) = (files.manifest().namespace.clone(), files.manifest().end_sequence);
    let name = match backend.partition() {
        None => format!("{namespace}-{sequence}.tar"),
        Some(number) => format!("{namespace}-p{number}-{sequence}.tar"),
    };
    let (sender, pieces) = mpsc::channel(WAITING);
    let copy = Copy { files, sender, core, turn: Some(turn) };
    let spawned = thread::Builder::new().name("backup".to_owned()).spawn(move || copy.run());
    spawned.map_err(|error| Problem::internal(&error))?;
    Ok(Archive { name, pieces })
}

/// A backup under way.
struct Copy {
    files: Files,
    sender: mpsc::Sender<Piece>,
    /// What processes the commands of the store.
    core: Handle,
    /// Held until the caller has everything.
    turn: Option<OwnedSemaphorePermit>,
}

/// Why a backup was given up.
#[derive(Debug, thiserror::Error)]
enum GivenUp {
    #[error("the store cannot be read")]
    Store(#[from] orderly_store::Error),
    #[error("the caller has gone")]
    Gone,
    #[error("the caller took nothing for {} s", STALLED.as_secs())]
    Stalled,
    #[error("the process is ending, or leaves the store to another member")]
    Ending,
}

impl Copy {
    fn run(mut self) {
        let namespace = self.files.manifest().namespace.clone();
        tracing::info!(namespace, "backup begun");
        match self.send_all() {
            Ok(()) => {
                let manifest = self.files.manifest();
                tracing::info!(
                    namespace,
                    end_sequence = manifest.end_sequence,
                    bytes = manifest.bytes(),
                    "backup complete"
                );
            }
            Err(error) => {
                let error = crate::telemetry::causes(&error);
                tracing::warn!(namespace, error, "backup given up");
            }
        }
    }

    fn send_all(&mut self) -> Result<(), GivenUp> {
        while let Some(file) = self.files.next_file()? {
            for piece in tar::pack(&file, SystemClock::default().now()) {
                if !piece.is_empty() {
                    self.send(Some(piece))?;
                }
            }
        }
        self.send(Some(tar::end()))?;
        self.turn = None;
        self.send(None)
    }

    /// Sends a piece when there is room for it.
    fn send(&self, mut piece: Piece) -> Result<(), GivenUp> {
        let clock = SystemClock::default();
        loop {
            piece = match self.sender.try_send(piece) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Closed(_)) => return Err(GivenUp::Gone),
                Err(TrySendError::Full(piece)) => piece,
            };
            if self.core.has_ended() {
                return Err(GivenUp::Ending);
            }
            if clock.monotonic() > STALLED {
                return Err(GivenUp::Stalled);
            }
            thread::sleep(LOOK);
        }
    }
}

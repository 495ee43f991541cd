//! Several processes that share a journal: the protocol (`orderly-journal`), and what it does to a store (`orderly-member`),
//! around the same core and in the same shop. Each member has a disk and a clock of its own; the journal is simulated.
//!
//! After every step: what was told as durable, acknowledged, published or notified is in the journal, as a plain list reads it;
//! no two owners hold different units for one sequence; the units of the journal agree with the reference model; stores that
//! have come equally far are equal. When nothing goes wrong any more, a member owns within a minute, and does everything that
//! is left.
//!
//! | module | is |
//! |---|---|
//! | `world` | a run: the members and the broker between them, a step at a time |
//! | `starting` | how a process starts |
//! | `plan` | what goes wrong, and how often |
//! | `going_wrong`, `ending` | what goes wrong; the end, and its checks |
//! | `stream` | the stream of the journal |
//! | `oracle` | what the records of the stream mean, as a plain list |
//! | `truth` | what the shop is by the units of the journal, and the checks of all that members tell the outside |
//! | `member` | a member: its disk, and its process while it has one |
//! | `owning` | the core of a member that owns |

mod ending;
mod going_wrong;
mod member;
mod oracle;
mod owning;
mod plan;
mod starting;
mod stream;
mod truth;
mod world;

use crate::case::Case;
use crate::summary::Summary;
use crate::trace::Trace;
use world::World;

/// Runs a case with members to its end.
pub(crate) async fn run(case: Case, trace: Trace) -> Summary {
    let mut world = World::new(case, trace);
    while !world.is_out_of_input() {
        world.step().await;
    }
    world.end().await;
    world.summary()
}

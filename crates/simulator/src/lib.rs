//! The whole core, simulated: sequencer, owners, store, acknowledgements and relay, on a disk that crashes at any write or
//! sync, under a broker that redelivers, duplicates and reorders, by a clock that steps. The invariants of the design are
//! checked after every step, and the reference model (`orderly-model`) says what every command must come to.
//!
//! One run has one thread and no wall clock, and all chance comes from its seed: what failed once fails again. A run that
//! finds a violation can be made smaller: see [`shrink()`].
//!
//! The rules, the owners, the sequencer, the store and the ledger of acknowledgements are those of the process. What stands
//! around them in a process (threads, sockets, `RabbitMQ`, sled) is simulated here.
//!
//! | module | is |
//! |---|---|
//! | `case` | what a run is made of: its seed, its size, its faults |
//! | `shrink` | the smallest case that still fails |
//! | `sweep` | many seeds on many threads |
//! | `summary` | what a run came to |
//! | `panics` | how a failed check ends a run and not the program |
//! | `world` | all parts of one run, and crashes |
//! | `plan` | the configuration of a run, made from its seed |
//! | `steps`, `ending` | the steps of a run; the checks at its end |
//! | `process`, `relay`, `notifier` | the process around the core, driven a step at a time |
//! | `members` | several processes that share a journal |
//! | `queue`, `exchange` | the broker: commands in, events out |
//! | `shop`, `message` | the producers and what they send |
//! | `fault_injection` | a disk whose reads panic in the middle of the core |
//! | `earlier` | states in the stored form of an earlier build |
//! | `mirror` | the states of the shop by its units |
//! | `consistency` | the comparison of the units with the reference model |
//! | `durable` | the states that no crash can take back |
//! | [`observed`] | the states of the shop in the model's plain data |
//! | `observations` | the acks, events and notifications that arrived, and their checks |
//! | `trace` | the last steps of a run |

mod case;
mod consistency;
mod durable;
mod earlier;
mod ending;
mod exchange;
mod fault_injection;
mod members;
mod message;
mod mirror;
mod notifier;
mod observations;
pub mod observed;
mod panics;
mod plan;
mod process;
mod queue;
mod relay;
mod shop;
mod shrink;
mod steps;
mod summary;
mod sweep;
mod trace;
mod world;

pub use case::{Case, Fault, Violation};
pub use consistency::Aged;
pub use shrink::shrink;
pub use summary::Summary;
pub use sweep::{Sweep, sweep};

use panics::Panicked;
use trace::Trace;
use world::World;

/// Runs a case to its end.
///
/// # Errors
///
/// An invariant did not hold. The violation has the last `steps` steps before it, but for 0: a run that keeps none is faster.
pub fn run(case: &Case, steps: usize) -> Result<Summary, Box<Violation>> {
    let trace = if steps == 0 { Trace::off() } else { Trace::new(steps) };
    let run = || {
        actix::System::new().block_on(async {
            if case.members > 0 {
                return Box::pin(members::run(case.clone(), trace.clone())).await;
            }
            let mut world = World::new(case.clone(), trace.clone());
            while !world.is_out_of_input() {
                world.step().await;
            }
            world.end().await;
            world.summary()
        })
    };
    panics::caught(run).map_err(|Panicked { what, place }| {
        let (commands, steps) = (trace.made(), trace.lines());
        Box::new(Violation { case: case.clone(), what, place, commands, steps })
    })
}

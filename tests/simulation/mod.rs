//! | module | is |
//! |---|---|
//! | `world` | all parts of one run, and crashes |
//! | `plan` | the configuration of a run, made from its seed |
//! | `steps`, `ending` | the steps of a run; the checks at its end |
//! | `process`, `relay`, `notifier` | the process around the core, driven a step at a time |
//! | `queue`, `exchange` | the broker: commands in, events out |
//! | `shop`, `message` | the producers and what they send |
//! | `fault_injection` | a disk whose reads panic in the middle of the core |
//! | `mirror` | the states of the shop by its units |
//! | `consistency` | the comparison of the units with the reference model (`orderly-model`) |
//! | `observed` | the states of the shop in the model's plain data |
//! | `observations` | the acks, events and notifications that arrived, and their checks |

mod consistency;

mod ending;
mod exchange;
mod fault_injection;
mod message;
mod mirror;
mod notifier;
mod observations;
#[path = "../../actors/tests/life_cycles/observed.rs"]
#[allow(unreachable_pub, reason = "the life-cycle tests share it")]
mod observed;
mod plan;
mod process;
mod queue;
mod relay;
mod shop;
mod steps;
mod trace;
mod world;

pub(crate) use consistency::Aged;
pub(crate) use ending::Summary;
pub(crate) use trace::Trace;

/// Runs one seed to its end. Panics when an invariant does not hold.
pub(crate) fn run(seed: u64, trace: &Trace) -> Summary {
    fault_injection::silence_planned_panics();
    actix::System::new().block_on(async {
        let mut world = world::World::new(seed, trace.clone());
        while !world.is_out_of_input() {
            world.step().await;
        }
        world.end().await;
        world.summary()
    })
}

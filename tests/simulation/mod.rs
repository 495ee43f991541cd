//! | module | is |
//! |---|---|
//! | `world` | everything of one run, and what a crash does to it |
//! | `plan` | what a seed makes of a run |
//! | `steps`, `ending` | what may happen next; what must be so at the end |
//! | `process`, `relay`, `notifier` | the process around the core, driven a step at a time |
//! | `queue`, `exchange` | the broker: commands in, events out |
//! | `shop`, `message` | the producers and what they send |
//! | `fault_injection` | a disk whose reads panic in the middle of the core |
//! | `mirror` | what the units say the store holds |
//! | `consistency` | that the units and the reference model (`orderly-model`) agree on the shop |
//! | `observed` | the states of the shop in the model's plain data |
//! | `observations` | what producers and subscribers have seen, and whether they could have |

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

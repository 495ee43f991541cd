//! | module | is |
//! |---|---|
//! | `world` | a run: members, and the broker between them |
//! | `going_wrong`, `ending` | what goes wrong; the end, and its checks |
//! | `plan` | how many members, and how often what goes wrong, made from the seed |
//! | `stream` | the broker |
//! | `member` | a process: the protocol, and a core that owns or not |
//! | `disk` | a store |
//! | `oracle` | the accepted units by a second reading of the rules, and all that was promised to the outside |

mod disk;
mod ending;
mod going_wrong;
mod member;
mod oracle;
mod plan;
mod stream;
mod world;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

pub(crate) use world::Summary;
use world::World;

thread_local! {
    static IS_RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// A panic of a run is told by who called it, with the steps before it.
fn silence_panics_of_runs() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !IS_RUNNING.get() {
                usual(info);
            }
        }));
    });
}

/// Runs a seed. An error is what went wrong, behind the steps before it.
pub(crate) fn run(seed: u64) -> Result<Summary, String> {
    silence_panics_of_runs();
    let mut world = World::new(seed);
    IS_RUNNING.set(true);
    let ran = catch_unwind(AssertUnwindSafe(|| world.run()));
    IS_RUNNING.set(false);
    ran.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
        format!("{world}seed {seed}: {text}")
    })
}

//! How a failed check ends a run and not the program. The checks panic; here the panic becomes the text of a violation.

use crate::fault_injection::Planned;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

thread_local! {
    /// What panicked in the run of this thread. `None`: the thread has no run.
    static PANICS: RefCell<Option<Vec<Panicked>>> = const { RefCell::new(None) };
}

/// What a panic said, and where: a file and a line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Panicked {
    pub(crate) what: String,
    pub(crate) place: String,
}

/// Runs a simulation. A panic in it is not printed: its text and its place are the error, with the texts of panics before it.
pub(crate) fn caught<T>(run: impl FnOnce() -> T) -> Result<T, Panicked> {
    install();
    PANICS.with_borrow_mut(|panics| *panics = Some(Vec::new()));
    let done = panic::catch_unwind(AssertUnwindSafe(run));
    let panics = PANICS.with_borrow_mut(Option::take).unwrap_or_default();
    done.map_err(|_| {
        let texts: Vec<_> = panics.iter().map(|panic| panic.what.as_str()).collect();
        let what = texts.join("\nthen: ");
        let place = panics.last().map(|panic| panic.place.clone());
        Panicked { what, place: place.unwrap_or_default() }
    })
}

/// Keeps the panics of simulations out of standard error. Other threads have the hook that was there before.
fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let is_kept = PANICS.with_borrow_mut(|panics| {
                let Some(panics) = panics else { return false };
                if !info.payload().is::<Planned>() {
                    panics.push(panicked(info));
                }
                true
            });
            if !is_kept {
                before(info);
            }
        }));
    });
}

fn panicked(info: &PanicHookInfo<'_>) -> Panicked {
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let what = text.unwrap_or("a panic without a text").to_owned();
    let place = info.location().map(|place| format!("{}:{}", place.file(), place.line()));
    Panicked { what, place: place.unwrap_or_default() }
}

//! Faults on purpose, for tests: with the feature `failpoints`, the environment or a test makes
//! one command panic or abort (`FAILPOINTS="inventory:sku-13=panic"`). Other builds have no faults.
//!
//! The name of a failpoint is its place and its subject:
//!
//! | place | subject | hit |
//! |---|---|---|
//! | `order` | order id | before anything is done for a command on that order |
//! | `inventory` | sku | with each change of its stock |
//! | `cart` | cart id | with each change of the cart |
//! | `payment` | event id | before a callback is recorded |
//! | `notification` | order id | when a notification is requested |
//! | `reload` | owner | when that owner is restarted after a panic |
//! | `delete` | order id | when the other owners have deleted their parts of the order |
//! | `finish` | order id | when all owners have staged what a command on that order changes |
//! | `worker` | name of a worker | when a thread or task around the core takes up work |
//! | `point` | a point of a command's way | when a command, a group of units or a batch of events has come there |
//! | `worker` | `publish_events`, `publish_mandatory`, `publish_replies` | when a publishing channel takes up a batch (in `orderly-broker`) |
//!
//! The points are, in the order of the way: `decoded`, `sealed`, `commit` (before the fsync), `committed`, `durable` (before the
//! acks), `acknowledged`, `mark`, `publish`, `published`, `confirmed` (before the cursor), and beside it `checkpoint` (after each
//! of its steps), `checkpointed` and `merge`.
//!
//! The action is one of the `fail` crate (`1*panic`: once), or `return(abort)`.

/// Reads the faults that the environment asks for, once.
#[cfg(feature = "failpoints")]
static ENVIRONMENT: std::sync::LazyLock<()> = std::sync::LazyLock::new(|| {
    let faults = std::env::var("FAILPOINTS").unwrap_or_default();
    for (name, actions) in faults.split(';').filter_map(|fault| fault.split_once('=')) {
        if let Err(problem) = fail::cfg(name.trim(), actions.trim()) {
            tracing::error!(name, problem, "a failpoint of the environment cannot be read");
        }
    }
});

/// A place where a test may inject a fault for one subject.
#[cfg(feature = "failpoints")]
pub fn hit(place: &str, subject: &str) {
    *ENVIRONMENT;
    // benches are built with the feature too: without a fault it costs them next to nothing
    if fail::list().is_empty() {
        return;
    }
    let name = format!("{place}:{subject}");
    fail::fail_point!(&name, |action| {
        if action.as_deref() == Some("abort") {
            std::process::abort();
        }
    });
}

/// A place where a test may inject a fault for one subject: not in this build.
#[cfg(not(feature = "failpoints"))]
pub fn hit(_: &str, _: &str) {}

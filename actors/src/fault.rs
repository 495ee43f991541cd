//! Faults on purpose, for tests: with the feature `failpoints`, the environment or a test makes
//! one command panic or abort (`FAILPOINTS="inventory:sku-13=panic"`). Without it, nothing.

/// A place where a test may let things go wrong for one subject.
#[cfg(feature = "failpoints")]
pub(crate) fn point(place: &str, subject: &str) {
    let name = format!("{place}:{subject}");
    fail::fail_point!(&name, |action| {
        if action.as_deref() == Some("abort") {
            std::process::abort();
        }
    });
}

/// A place where a test may let things go wrong for one subject: not in this build.
#[cfg(not(feature = "failpoints"))]
pub(crate) fn point(_: &str, _: &str) {}

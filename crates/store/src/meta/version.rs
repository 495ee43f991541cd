//! The version of the small records and of the manifest.

/// The version of the records of this folder and of the manifest, their first byte. It also grows when a stored state changes its form, so that
/// an older store is refused when it is opened, not when an old state is touched.
pub(crate) const VERSION: u8 = 2;

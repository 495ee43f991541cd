//! What several changes of one posting come to.

use crate::unit::PostingChange;

/// The changes of one posting in some consecutive units, or in some adjacent segments.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Net {
    oldest: PostingChange,
    newest: PostingChange,
}

impl Net {
    pub(crate) const fn new(change: PostingChange) -> Self {
        Self { oldest: change, newest: change }
    }

    /// Adds a change that is newer than those so far.
    pub(crate) const fn and_then(self, newer: PostingChange) -> Self {
        Self { newest: newer, ..self }
    }

    /// Adds a change that is older than those so far.
    pub(crate) const fn after(self, older: PostingChange) -> Self {
        Self { oldest: older, ..self }
    }

    /// The one change that has the same effect. `None`: nothing is to be kept, since nothing older can have the posting.
    /// `is_oldest`: there are no older units or segments at all.
    pub(crate) const fn change(self, is_oldest: bool) -> Option<PostingChange> {
        let is_new = matches!(self.oldest, PostingChange::New);
        match self.newest {
            PostingChange::Removed if is_new || is_oldest => None,
            PostingChange::Removed => Some(PostingChange::Removed),
            PostingChange::Added | PostingChange::New if is_new => Some(PostingChange::New),
            PostingChange::Added | PostingChange::New => Some(PostingChange::Added),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PostingChange::{Added, New, Removed};
    use super::*;

    #[test]
    fn a_posting_that_was_new_leaves_no_trace_of_its_removal() {
        // the changes, the oldest first; what they come to over older ones, and over none
        let rows: [(&[PostingChange], Option<PostingChange>, Option<PostingChange>); 8] = [
            (&[Added], Some(Added), Some(Added)),
            (&[New], Some(New), Some(New)),
            (&[Removed], Some(Removed), None),
            (&[New, Removed], None, None),
            (&[Added, Removed], Some(Removed), None),
            (&[New, Removed, Added], Some(New), Some(New)),
            (&[Removed, Added], Some(Added), Some(Added)),
            (&[New, Removed, Added, Removed], None, None),
        ];
        for (changes, over_older, over_none) in rows {
            let (first, rest) = changes.split_first().expect("a change");
            let forwards = rest.iter().fold(Net::new(*first), |net, change| net.and_then(*change));
            assert_eq!(forwards.change(false), over_older, "{changes:?}");
            assert_eq!(forwards.change(true), over_none, "{changes:?}");
            let (last, rest) = changes.split_last().expect("a change");
            let backwards =
                rest.iter().rev().fold(Net::new(*last), |net, change| net.after(*change));
            assert_eq!(backwards.change(false), over_older, "{changes:?}");
        }
    }
}

//! The difference between the lists of two values of a state.

use super::Listed;

/// What became of a place in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It is there no more.
    Gone,
    /// It is there now.
    Added,
}

/// A state that says in which lists its entity is.
pub trait InLists {
    /// Every place, once.
    fn each(&self, add: &mut impl FnMut(Listed));

    /// How the places differ from those of an earlier value. Each place that differs is given once, what is gone before
    /// what is added.
    fn changes(&self, before: &Self, changed: &mut impl FnMut(Listed, Changed)) {
        compare(self, before, changed);
    }
}

/// How the places of a state change from one value to another. `None`: the state is not there.
pub fn changes<S: InLists>(
    before: Option<&S>,
    after: Option<&S>,
    changed: &mut impl FnMut(Listed, Changed),
) {
    match (before, after) {
        (None, None) => {}
        (Some(before), None) => before.each(&mut |list| changed(list, Changed::Gone)),
        (None, Some(after)) => after.each(&mut |list| changed(list, Changed::Added)),
        (Some(before), Some(after)) => after.changes(before, changed),
    }
}

/// Compares all places of both values.
pub(super) fn compare<S: InLists + ?Sized>(
    after: &S,
    before: &S,
    changed: &mut impl FnMut(Listed, Changed),
) {
    let sorted = |state: &S| {
        let mut places = Vec::new();
        state.each(&mut |list| places.push(list));
        places.sort_unstable();
        places
    };
    let (after, before) = (sorted(after), sorted(before));
    let is_in = |places: &[Listed], place: &Listed| places.binary_search(place).is_ok();
    before.iter().filter(|one| !is_in(&after, one)).for_each(|one| changed(*one, Changed::Gone));
    after.iter().filter(|one| !is_in(&before, one)).for_each(|one| changed(*one, Changed::Added));
}

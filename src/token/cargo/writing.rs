//! What cargos inside of a caller's type tell beside their entries when they are sealed: serde has no place for an entry's end.

use std::cell::RefCell;

use super::{Cargo, Text};

/// Entries with the second at which each of them ends.
type Ends = Vec<(Text, i64)>;

thread_local! {
    static MET: RefCell<Option<Ends>> = const { RefCell::new(None) };
}

/// Puts back what was met before, also after a panic.
struct Before(Option<Ends>);

impl Drop for Before {
    fn drop(&mut self) {
        MET.set(self.0.take());
    }
}

/// Writes a caller's type with `write`, and tells whether every entry that ends in a [`Cargo`] of it has its end in `ends`.
pub(crate) fn has_only_ends<R>(ends: &[(Text, i64)], write: impl FnOnce() -> R) -> (R, bool) {
    let before = Before(MET.replace(Some(Ends::new())));
    let written = write();
    let known = |met: &Ends| met.iter().all(|end| ends.contains(end));
    let known = MET.with_borrow(|met| met.as_ref().is_none_or(known));
    drop(before);
    (written, known)
}

impl Cargo {
    /// Takes note of the entries that end, where a token is being sealed.
    pub(super) fn note_ends(&self) {
        if self.ends.is_empty() {
            return;
        }
        MET.with_borrow_mut(|met| {
            if let Some(met) = met {
                let ends = self.iter().filter_map(|(name, _)| {
                    let end = self.ends.get(name)?;
                    Some((Text::from(name), end))
                });
                met.extend(ends);
            }
        });
    }
}

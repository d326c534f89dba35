//! States, and sets of them.

use std::fmt;

use serde::{Serialize, Serializer};

/// The state of a stored value or token, in every service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum State {
    /// It can be used.
    Live,
    /// It has expired.
    Expired,
    /// It was soft-deleted and can be restored. `expires_at` shows whether it has also expired.
    Deleted,
    /// It was revoked and can be restored. `expires_at` shows whether it has also expired.
    Revoked,
}

impl State {
    /// The stable name: `live`, `expired`, `deleted` or `revoked`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Expired => "expired",
            Self::Deleted => "deleted",
            Self::Revoked => "revoked",
        }
    }
}

/// The states that a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct States(u8);

impl States {
    pub(crate) const ALL: Self = Self(u8::MAX);

    pub(crate) const fn only(state: State) -> Self {
        Self(match state {
            State::Live => 1,
            State::Expired => 2,
            State::Deleted => 4,
            State::Revoked => 8,
        })
    }

    pub(crate) const fn with(self, state: State) -> Self {
        Self(self.0 | Self::only(state).0)
    }

    pub(crate) const fn contains(self, state: State) -> bool {
        self.0 & Self::only(state).0 != 0
    }

    /// Whether it contains all of these.
    pub(crate) fn contains_all(self, states: impl IntoIterator<Item = State>) -> bool {
        states.into_iter().all(|state| self.contains(state))
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Serializes the stable name.
impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_states_has_those_that_were_added_and_no_others() {
        const EACH: [State; 4] = [State::Live, State::Expired, State::Deleted, State::Revoked];
        for state in EACH {
            assert!(States::ALL.contains(state));
            for other in EACH {
                assert_eq!(States::only(state).contains(other), state == other);
                let both = States::only(state).with(other);
                assert!(both.contains_all([state, other]) && !both.contains_all(EACH));
                for one in EACH {
                    let is_in = one == state || one == other;
                    assert_eq!(both.contains(one), is_in, "{state} {other} {one}");
                }
            }
        }
    }
}

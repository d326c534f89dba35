//! The roles and scopes of a token.

use serde::{Deserialize, Serialize};

use super::PatError;

/// The maximum number of roles, and of scopes.
const MAX_COUNT: usize = 50;
/// The maximum number of roles with a label of their own: a record has few labels, and each is
/// written with it.
const MAX_LABELLED: usize = 8;
const CHARACTERS: std::ops::RangeInclusive<usize> = 1..=100;

/// The roles of a token, both lists sorted. The first eight have a label each. Later ones share one
/// label, and are searched for among all tokens that have it.
///
/// A role keeps its place until it is removed, so a list by role that runs meanwhile skips no
/// token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Roles {
    pub(super) labelled: Vec<String>,
    pub(super) more: Vec<String>,
}

impl Roles {
    pub(super) fn new(roles: &[String]) -> Result<Self, PatError> {
        let mut all = Self::default();
        roles.iter().try_for_each(|role| all.add(role))?;
        Ok(all)
    }

    pub(super) fn has(&self, role: &str) -> bool {
        self.labelled
            .iter()
            .chain(&self.more)
            .any(|has| has == role)
    }

    /// Adds a role. An existing one keeps its place.
    pub(super) fn add(&mut self, role: &str) -> Result<(), PatError> {
        check(role)?;
        if self.has(role) {
            return Ok(());
        }
        if self.labelled.len().saturating_add(self.more.len()) >= MAX_COUNT {
            return Err(PatError::TooManyRoles);
        }
        let list = if self.labelled.len() < MAX_LABELLED {
            &mut self.labelled
        } else {
            &mut self.more
        };
        list.push(role.into());
        list.sort_unstable();
        Ok(())
    }

    /// Removes a role, if the token has it.
    pub(super) fn remove(&mut self, role: &str) {
        self.retain(|has| has != role);
    }

    /// Removes all other roles, and adds those of these that are missing.
    pub(super) fn replace(&mut self, roles: &[String]) -> Result<(), PatError> {
        self.retain(|role| roles.contains(role));
        roles.iter().try_for_each(|role| self.add(role))
    }

    fn retain(&mut self, keep: impl Fn(&String) -> bool) {
        self.labelled.retain(&keep);
        self.more.retain(&keep);
    }
}

/// Texts in order, each once.
pub(super) fn sorted(texts: impl IntoIterator<Item = impl Into<String>>) -> Vec<String> {
    let mut texts: Vec<String> = texts.into_iter().map(Into::into).collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}

/// Checks scopes: the limits are those of roles.
pub(super) fn check_scopes(scopes: &[String]) -> Result<(), PatError> {
    if scopes.len() > MAX_COUNT {
        return Err(PatError::TooManyRoles);
    }
    scopes.iter().try_for_each(|scope| check(scope))
}

fn check(role: &str) -> Result<(), PatError> {
    if has_characters(role, CHARACTERS) {
        Ok(())
    } else {
        Err(PatError::InvalidRole)
    }
}

/// Whether the number of characters is in this range. A long text is not read to its end.
pub(super) fn has_characters(text: &str, range: std::ops::RangeInclusive<usize>) -> bool {
    let enough = range.end().saturating_add(1);
    range.contains(&text.chars().take(enough).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(roles: impl IntoIterator<Item = usize>) -> Vec<String> {
        let name = |role: usize| format!("r{role:02}");
        roles.into_iter().map(name).collect()
    }

    #[test]
    fn a_role_keeps_its_place_until_it_is_removed() {
        let mut roles = Roles::new(&list(0..20)).unwrap();
        assert_eq!((roles.labelled.len(), roles.more.len()), (8, 12));
        roles.remove("r00");
        roles.add("r15").unwrap();
        assert!(roles.more.iter().any(|role| role == "r15") && roles.labelled.len() == 7);
        roles.add("new").unwrap();
        assert!(roles.labelled.iter().any(|role| role == "new"));
        roles.replace(&list(5..10)).unwrap();
        assert_eq!(roles.labelled, list(5..8));
        assert_eq!(roles.more, list(8..10));
        roles.replace(&[]).unwrap();
        assert_eq!(roles, Roles::default());
    }

    #[test]
    fn a_token_has_at_most_fifty_roles_of_a_hundred_characters() {
        let mut roles = Roles::new(&list(0..50)).unwrap();
        assert_eq!(roles.add("r49"), Ok(()));
        assert_eq!(roles.add("r50"), Err(PatError::TooManyRoles));
        assert_eq!(Roles::new(&list(0..51)), Err(PatError::TooManyRoles));
        roles.remove("r00");
        assert_eq!(roles.add(&"ä".repeat(100)), Ok(()));
        for bad in [String::new(), "a".repeat(101)] {
            assert_eq!(Roles::default().add(&bad), Err(PatError::InvalidRole));
        }
        assert_eq!(check_scopes(&list(0..50)), Ok(()));
        assert_eq!(check_scopes(&list(0..51)), Err(PatError::TooManyRoles));
    }
}

//! The exit codes that `docs/command-line.md` and `docs/refusals.md` document.

use std::collections::BTreeSet;
use std::time::Duration;

use sealtoken::store::{Collection, RecordKey, StoreError};
use sealtoken::vault::VaultError;
use sealtoken::{Key, PublicError, ServiceError};

const DOCUMENT: &str = include_str!("../../../../docs/command-line.md");

/// The codes of the services that the document gives this exit code, in its second table.
fn documented(status: &str) -> BTreeSet<&'static str> {
    let (_, rest) = DOCUMENT
        .split_once("### The codes of the services")
        .unwrap();
    let (section, _) = rest.split_once("\n## ").unwrap();
    let row = section
        .lines()
        .find(|line| line.starts_with(&format!("| {status} |")));
    row.unwrap().split('`').skip(1).step_by(2).collect()
}

/// The command has one rule: 1 for what `public` calls unavailable and for all that the store
/// reports, 2 for the rest. Unit tests check that it keeps the rule.
#[test]
fn every_code_of_the_services_is_documented_with_its_exit_code() {
    let retry_after = Duration::from_secs(1);
    let keyset = RecordKey::new(Collection::from_static("keysets"), &b"vault"[..]);
    let mut expected = [BTreeSet::new(), BTreeSet::new()];
    for error in [
        ServiceError::Tampered,
        ServiceError::UnknownKey(Key::generate().id()),
        ServiceError::KeysetMissing(keyset),
        ServiceError::Store(StoreError::Cursor),
        ServiceError::Store(StoreError::Corrupt),
        ServiceError::Contended,
        ServiceError::TooManyAttempts { retry_after },
        ServiceError::Busy { retry_after },
        ServiceError::Hashing,
        ServiceError::InvalidExpiry(sealtoken::ExpiryError::Zero),
        ServiceError::InvalidSetting(""),
        ServiceError::Randomness,
    ] {
        let is_fault =
            error.public() == PublicError::Unavailable || matches!(error, ServiceError::Store(_));
        expected[usize::from(!is_fault)].insert(error.code());
    }
    let full = VaultError::TooManyDataKeys;
    assert_eq!(full.public(), PublicError::Unavailable);
    expected[0].insert(full.code());
    assert_eq!(documented("1"), expected[0]);
    assert_eq!(documented("2"), expected[1]);
}

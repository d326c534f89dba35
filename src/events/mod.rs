//! Layer 3: what the services did, told to whoever keeps records of it. No event holds a secret.

#[cfg(feature = "tracing")]
mod tracing;

use std::fmt;

use crate::crypto::clock::UnixTime;

#[cfg(feature = "tracing")]
pub use self::tracing::TracingSink;

/// What was done, to what, and how it ended.
///
/// It holds no token, password or value: a token is named by its [`Fingerprint`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// What was asked for.
    pub operation: Operation,
    /// How it ended: `Ok`, or the stable code of the error.
    pub outcome: Result<(), &'static str>,
    /// The token that it was about; none for what is about many.
    pub token: Option<Fingerprint>,
    /// The namespace, as the caller named it.
    pub namespace: Option<String>,
    /// How many records it was about, where that is more than one or none.
    pub count: Option<u64>,
    /// When it ended, on the service's clock.
    pub at: UnixTime,
}

/// The operations of every service of the crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// A value was put into the vault.
    VaultCreate,
    /// A value was read.
    VaultRead,
    /// An earlier value was read.
    VaultReadVersion,
    /// A value was replaced.
    VaultUpdate,
    /// A value was replaced by an earlier one.
    VaultRollBack,
    /// Earlier values were removed.
    VaultPrune,
    /// An end was moved.
    VaultRenew,
    /// A value was hidden until it is restored.
    VaultSoftDelete,
    /// A hidden value was brought back.
    VaultRestore,
    /// A value was removed.
    VaultDelete,
    /// What is known about a token was looked up.
    VaultInfo,
    /// It was asked whether a value can be had.
    VaultExists,
    /// Values were listed or counted.
    VaultList,
    /// Earlier values were listed.
    VaultVersions,
    /// A password was tried, and its keys taken.
    VaultUnlock,
    /// A password took the place of another one.
    VaultRekey,
    /// What had expired was hidden or removed.
    VaultSweep,
    /// What had been hidden was removed.
    VaultPurge,
    /// Keysets were sealed again by the ring's current key.
    VaultRewrap,
    /// Values of another system were taken in.
    VaultImport,
    /// A personal access token was issued.
    PatIssue,
    /// A token that was made elsewhere was registered.
    PatRegister,
    /// A token was presented.
    PatVerify,
    /// What is known about a token was changed.
    PatUpdate,
    /// A token was revoked.
    PatRevoke,
    /// A revoked token was brought back.
    PatRestore,
    /// A token got a new secret.
    PatRotate,
    /// A token was removed.
    PatDelete,
    /// Tokens were looked up by id.
    PatGet,
    /// Tokens were listed or counted.
    PatList,
    /// The first admin presented its token.
    PatBootstrap,
    /// Tokens of another system were taken in.
    PatImport,
    /// Tokens whose time was over were removed.
    PatPurge,
    /// The keyset was sealed again by the ring's current key.
    PatRewrap,
}

impl Operation {
    /// The stable name, such as `vault.create`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::VaultCreate => "vault.create",
            Self::VaultRead => "vault.read",
            Self::VaultReadVersion => "vault.read_version",
            Self::VaultUpdate => "vault.update",
            Self::VaultRollBack => "vault.roll_back",
            Self::VaultPrune => "vault.prune",
            Self::VaultRenew => "vault.renew",
            Self::VaultSoftDelete => "vault.soft_delete",
            Self::VaultRestore => "vault.restore",
            Self::VaultDelete => "vault.delete",
            Self::VaultInfo => "vault.info",
            Self::VaultExists => "vault.exists",
            Self::VaultList => "vault.list",
            Self::VaultVersions => "vault.versions",
            Self::VaultUnlock => "vault.unlock",
            Self::VaultRekey => "vault.rekey",
            Self::VaultSweep => "vault.sweep",
            Self::VaultPurge => "vault.purge",
            Self::VaultRewrap => "vault.rewrap",
            Self::VaultImport => "vault.import",
            Self::PatIssue => "pat.issue",
            Self::PatRegister => "pat.register",
            Self::PatVerify => "pat.verify",
            Self::PatUpdate => "pat.update",
            Self::PatRevoke => "pat.revoke",
            Self::PatRestore => "pat.restore",
            Self::PatRotate => "pat.rotate",
            Self::PatDelete => "pat.delete",
            Self::PatGet => "pat.get",
            Self::PatList => "pat.list",
            Self::PatBootstrap => "pat.bootstrap",
            Self::PatImport => "pat.import",
            Self::PatPurge => "pat.purge",
            Self::PatRewrap => "pat.rewrap",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name of a token in logs: eight bytes of a keyed hash. It is the same each time, and nobody finds the token by it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 8]);

impl Fingerprint {
    pub(crate) const fn new(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// Where events go: a log, an audit table, a counter.
///
/// It is called when an operation has ended, on the task that asked for it: hand on what takes time.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use sealtoken::events::{Event, EventSink};
///
/// #[derive(Debug, Default)]
/// struct Refusals(AtomicU64);
///
/// impl EventSink for Refusals {
///     fn record(&self, event: &Event) {
///         if event.outcome.is_err() {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
/// ```
pub trait EventSink: fmt::Debug + Send + Sync + 'static {
    /// Takes an event.
    fn record(&self, event: &Event);
}

/// No events.
impl EventSink for () {
    fn record(&self, _: &Event) {}
}

impl<S: EventSink + ?Sized> EventSink for std::sync::Arc<S> {
    fn record(&self, event: &Event) {
        (**self).record(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Audit logs are searched by it.
    #[test]
    fn the_name_of_an_operation_is_that_of_its_variant() {
        use Operation as Op;
        let all = [
            Op::VaultCreate,
            Op::VaultRead,
            Op::VaultReadVersion,
            Op::VaultUpdate,
            Op::VaultRollBack,
            Op::VaultPrune,
            Op::VaultRenew,
            Op::VaultSoftDelete,
            Op::VaultRestore,
            Op::VaultDelete,
            Op::VaultInfo,
            Op::VaultExists,
            Op::VaultList,
            Op::VaultVersions,
            Op::VaultUnlock,
            Op::VaultRekey,
            Op::VaultSweep,
            Op::VaultPurge,
            Op::VaultRewrap,
            Op::VaultImport,
            Op::PatIssue,
            Op::PatRegister,
            Op::PatVerify,
            Op::PatUpdate,
            Op::PatRevoke,
            Op::PatRestore,
            Op::PatRotate,
            Op::PatDelete,
            Op::PatGet,
            Op::PatList,
            Op::PatBootstrap,
            Op::PatImport,
            Op::PatPurge,
            Op::PatRewrap,
        ];
        for operation in all {
            let mut name = String::new();
            for letter in format!("{operation:?}").chars() {
                if letter.is_ascii_uppercase() && !name.is_empty() {
                    name.push('_');
                }
                name.push(letter.to_ascii_lowercase());
            }
            assert_eq!(operation.to_string(), name.replacen('_', ".", 1));
        }
    }

    #[test]
    fn a_sink_behind_an_arc_is_told() {
        #[derive(Debug, Default)]
        struct Counter(std::sync::atomic::AtomicU64);

        impl EventSink for Counter {
            fn record(&self, _: &Event) {
                self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            }
        }

        let counter = std::sync::Arc::new(Counter::default());
        EventSink::record(
            &counter,
            &Event {
                operation: Operation::VaultRead,
                outcome: Ok(()),
                token: None,
                namespace: None,
                count: None,
                at: UnixTime::from_secs(0),
            },
        );
        assert_eq!(counter.0.load(std::sync::atomic::Ordering::SeqCst), 1);
    }

    #[test]
    fn a_fingerprint_has_sixteen_digits() {
        let name = Fingerprint::new([0, 1, 0x23, 0, 0, 0, 0, 0xf]);
        assert_eq!(name.to_string(), "000123000000000f");
        assert_eq!(format!("{name:?}"), "Fingerprint(000123000000000f)");
    }
}

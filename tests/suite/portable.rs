//! Every public type can be sent to other threads, shared between them and moved, and the list here
//! is complete.

use std::collections::BTreeSet;
use std::path::Path;

use crate::sources::code;

fn is_portable<T: Send + Sync + Unpin>() {}

macro_rules! portable {
    ($($type:ty),* $(,)?) => {
        $(is_portable::<$type>();)*
    };
}

/// Types with a lifetime are checked with `'static`. A type that holds a caller's type is as
/// portable as that type.
#[test]
fn every_public_type_can_be_sent_shared_and_moved() {
    use sealtoken::*;
    portable! {
        Backend, Cargo, CargoError, CargoIter<'static>, CargoKey<u8>, Codec, Expiry, ExpiryError,
        ForeignToken, JsonFormat, Key, KeyError, KeyId, KeyRing, Lifetime, ManualClock, Merge,
        Number, Object, OpenError, Opened<'static>, ParseTimeError, PurposeKey, Ring<PurposeKey>,
        Role, SealError, Text, Token, TokenHeader, Typed<u8>, TypedToken<u8>, UnixTime, Value, Zone,
    }
}

#[cfg(feature = "store")]
#[test]
fn every_type_of_a_store_can_be_sent_shared_and_moved() {
    use sealtoken::store;
    portable! {
        store::Change, store::Collection, store::Cursor, store::Effect, store::Label,
        store::LabelName, store::Limits, store::MemoryStore, store::Outcome, store::Page,
        store::Query, store::Record, store::RecordError, store::RecordKey, store::Selection,
        Box<dyn store::Store>, store::StoreError, store::Values, store::Version,
        store::engine::Backoff, store::engine::Paging<'static>, store::engine::Position,
    }
}

#[cfg(all(feature = "pat", feature = "vault"))]
#[test]
fn every_type_of_the_services_can_be_sent_shared_and_moved() {
    use sealtoken::*;
    type Failure = &'static str;
    portable! {
        Bulk<'static, u8, Failure>, ListStream<vault::ListedValues>, Listing<vault::ListedValues>,
        Page<u8, Failure>, PublicError, Rewrapped, ServiceError, State, Tally, events::Event,
        events::Fingerprint, events::Operation, limits::Allowance, limits::Exhausted,
        limits::MemoryLimiter, limits::Subject, limits::SubjectKind,
    }
    portable! {
        vault::Argon2Cost, vault::Create<'static>, vault::Create<'static, Vec<vault::SecretBytes>>,
        vault::ForeignValue<Failure>, vault::Import<'static, Failure>,
        vault::ImportError<Failure>, vault::ListedValues, vault::Password, vault::Read<'static>,
        vault::ReadMany<'static>, vault::Renew<'static>, vault::Renew<'static, Expiry>,
        vault::RollBack<'static>, vault::SecretBytes, vault::Target, vault::Unlocked,
        vault::Update<'static>, vault::Create<'static, (vault::Target, vault::SecretBytes)>,
        vault::ValueId, vault::ValueInfo, vault::Vault, vault::VaultError, vault::VaultOptions,
        vault::VaultToken, vault::VersionInfo,
    }
    portable! {
        pat::ForeignPat, pat::Generated, pat::Import<'static>, pat::Imported, pat::Issue<'static>,
        pat::Issue<'static, (pat::PatId, pat::SecretHash)>, pat::Issued, pat::ListedTokens,
        pat::Origin, pat::OwnedTokens<'static>, pat::PatError, pat::PatId, pat::PatOptions,
        pat::PatRecord, pat::PatToken, pat::PersonalAccessTokens, pat::Prefix, pat::Reason,
        pat::Revoke<'static>, pat::Rotate<'static>, pat::Rotate<'static, pat::SecretHash>,
        pat::SecretHash, pat::Update<'static>, pat::VerifyError,
    }
}

#[cfg(feature = "tracing")]
#[cfg(any(feature = "pat", feature = "vault"))]
#[test]
fn a_sink_of_events_can_be_sent_shared_and_moved() {
    use sealtoken::events;
    portable! { events::TracingSink }
}

/// The public modules, each with the file that declares its names. `sealtoken` shows the names of
/// the time crate as its own.
const MODULES: [(&str, &str); 12] = [
    ("", "src/lib.rs"),
    ("", "crates/sealtoken-time/src/lib.rs"),
    ("events", "src/events/mod.rs"),
    ("limits", "src/limits/mod.rs"),
    ("pat", "src/pat/mod.rs"),
    ("pat::operation", "src/pat/operation.rs"),
    ("pat::subject", "src/pat/subject.rs"),
    ("store", "crates/sealtoken-store/src/lib.rs"),
    ("store::engine", "crates/sealtoken-store/src/engine/mod.rs"),
    ("vault", "src/vault/mod.rs"),
    ("vault::operation", "src/vault/operation.rs"),
    ("vault::subject", "src/vault/subject.rs"),
];

/// Modules that are not part of the API: for tests of engines, and for the fuzzers.
const OTHER_MODULES: [&str; 2] = ["fuzzing", "store::conformance"];

/// Public names that are traits, and have nothing to send.
const TRAITS: [&str; 9] = [
    "CargoName",
    "Clock",
    "Content",
    "Context",
    "Listed",
    "RingKey",
    "events::EventSink",
    "limits::AttemptLimiter",
    "store::Store",
];

/// The code of a module's file, or of the block that declares it there.
fn code_of(module: &str, file: &str) -> String {
    let code = code(&Path::new(env!("CARGO_MANIFEST_DIR")).join(file));
    match code.split_once(&format!("pub mod {module} {{\n")) {
        Some((_, block)) => {
            let (block, _) = block.split_once("\n}").unwrap();
            block
                .lines()
                .map(str::trim_start)
                .collect::<Vec<_>>()
                .join("\n")
        }
        None => code,
    }
}

/// The name after `keyword`, up to anything that is no part of a name.
fn word_after<'a>(keyword: &str, line: &'a str) -> Option<&'a str> {
    let rest = line.strip_prefix(keyword)?;
    rest.split(|c: char| !c.is_alphanumeric() && c != '_')
        .next()
}

/// The types and traits that a module declares or re-exports. Constants are in upper case, and
/// modules and functions in lower case.
fn declared(code: &str) -> BTreeSet<String> {
    let kinds = [
        "pub struct ",
        "pub enum ",
        "pub union ",
        "pub type ",
        "pub trait ",
    ];
    let own = code
        .lines()
        .filter_map(|line| kinds.iter().find_map(|kind| word_after(kind, line)));
    let statements = code.split("\npub use ").skip(1);
    let exported = statements.flat_map(|rest| {
        let (statement, _) = rest.split_once(';').unwrap();
        assert!(!statement.contains('*'), "name what is public: {statement}");
        let names = match statement.split_once('{') {
            Some((_, names)) => names.trim_end_matches('}'),
            None => statement.rsplit("::").next().unwrap(),
        };
        names
            .split(',')
            .map(|name| name.rsplit(" as ").next().unwrap().trim())
    });
    let is_type =
        |name: &&str| name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase);
    own.chain(exported)
        .filter(is_type)
        .map(str::to_owned)
        .collect()
}

/// The names in the lists above.
fn listed() -> BTreeSet<String> {
    let file = code(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/portable.rs"));
    let lists = file.split("    portable! {").skip(1);
    let names = lists.flat_map(|rest| {
        let (list, _) = rest.split_once('}').unwrap();
        list.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':')
    });
    names.map(str::to_owned).collect()
}

fn within(module: &str, name: &str) -> String {
    match module {
        "" => name.to_owned(),
        module => format!("{module}::{name}"),
    }
}

#[test]
fn no_public_type_is_missing_in_the_lists() {
    let mut public = BTreeSet::new();
    for (module, file) in MODULES {
        let names = declared(&format!("\n{}", code_of(module, file)));
        public.extend(names.iter().map(|name| within(module, name)));
    }
    assert!(public.len() > 100, "{}", public.len());
    for name in TRAITS {
        assert!(public.remove(name), "{name} is no public trait");
    }
    let listed = listed();
    let missing: Vec<_> = public.difference(&listed).collect();
    assert!(missing.is_empty(), "add to a list above: {missing:?}");
}

/// Engines and importers list their types themselves: the files that name what is public, and the
/// file with the list.
const OTHER_CRATES: [(&[&str], &str); 4] = [
    (
        &["crates/sealtoken-dynamodb/src/lib.rs"],
        "crates/sealtoken-dynamodb/src/store.rs",
    ),
    (
        &[
            "crates/sealtoken-import/src/lib.rs",
            "crates/sealtoken-import/src/access_tokens/mod.rs",
        ],
        "crates/sealtoken-import/src/lib.rs",
    ),
    (
        &["crates/sealtoken-postgres/src/lib.rs"],
        "crates/sealtoken-postgres/src/store.rs",
    ),
    (
        &["crates/sealtoken-sqlite/src/lib.rs"],
        "crates/sealtoken-sqlite/src/store.rs",
    ),
];

#[test]
fn no_public_type_is_missing_in_the_lists_of_the_other_crates() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (files, list) in OTHER_CRATES {
        let list = code(&root.join(list));
        let (_, list) = list
            .split_once("fn shared<T: Send + Sync + Unpin>() {}")
            .unwrap();
        let listed: BTreeSet<_> = list
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .collect();
        for file in files {
            let public = declared(&format!("\n{}", code(&root.join(file))));
            assert!(!public.is_empty(), "{file}");
            let missing: Vec<_> = public
                .iter()
                .filter(|name| !listed.contains(&***name))
                .collect();
            assert!(missing.is_empty(), "add to the list of {file}: {missing:?}");
        }
    }
}

#[test]
fn no_public_module_is_missing_among_the_modules() {
    for (module, file) in MODULES {
        let code = code_of(module, file);
        for inner in code.lines().filter_map(|line| word_after("pub mod ", line)) {
            let path = within(module, inner);
            let known = MODULES.iter().any(|(known, _)| *known == path);
            assert!(
                known || OTHER_MODULES.contains(&path.as_str()),
                "add {path} to the modules above"
            );
        }
    }
}

#[test]
fn the_check_finds_what_a_module_makes_public() {
    let code = concat!(
        "\npub mod inner;\npub use a::b::{One, two, THREE};\npub use self::four::Four;\n",
        "pub use five::Other as Five;\npub(crate) use six::Six;\nuse seven::Seven;\n",
        "pub struct Eight<T>(T);\npub enum Nine {}\npub type Ten = u8;\npub trait Eleven {}\n",
        "struct Twelve;\npub const THIRTEEN: u8 = 13;\n",
    );
    let found: Vec<_> = declared(code).into_iter().collect();
    assert_eq!(
        found,
        ["Eight", "Eleven", "Five", "Four", "Nine", "One", "Ten"]
    );
}

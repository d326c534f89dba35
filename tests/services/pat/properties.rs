//! What holds for any text, and for any sequence of changes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use sealtoken::Lifetime;
use sealtoken::pat::{PatError, PersonalAccessTokens, Reason, SecretHash, Update};

use super::{ADA, Bench, NOW, at, originals, reason};
use crate::engine::Engine;

fn run<T>(work: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(work)
}

/// What is done to a token.
#[derive(Debug, Clone)]
enum Step {
    Add(Vec<u8>),
    Remove(Vec<u8>),
    Replace(BTreeSet<u8>),
    AddAndRemove(u8, u8),
    Owner(u8),
    Admin(bool),
    Name(Option<String>),
    Metadata(BTreeMap<String, String>),
    Ends(Option<i64>),
    Revoke(Option<u64>),
    Restore,
    Verify,
    Rotate(u8),
    Wait(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => proptest::collection::vec(0_u8..60, 1..12).prop_map(Step::Add),
        2 => proptest::collection::vec(0_u8..60, 1..6).prop_map(Step::Remove),
        1 => proptest::collection::btree_set(0_u8..60, 0..55).prop_map(Step::Replace),
        1 => (0_u8..60, 0_u8..60).prop_map(|(add, remove)| Step::AddAndRemove(add, remove)),
        1 => (0_u8..3).prop_map(Step::Owner),
        1 => any::<bool>().prop_map(Step::Admin),
        1 => proptest::option::of(".{0,101}").prop_map(Step::Name),
        1 => proptest::collection::btree_map(".{0,9}", ".{0,99}", 0..4).prop_map(Step::Metadata),
        1 => proptest::option::of(-20_i64..200).prop_map(Step::Ends),
        1 => proptest::option::of(0_u64..200).prop_map(Step::Revoke),
        1 => Just(Step::Restore),
        2 => Just(Step::Verify),
        1 => (0_u8..40).prop_map(Step::Rotate),
        2 => (1_u8..30).prop_map(Step::Wait),
    ]
}

/// A token, as simply as it can be written down.
struct Model {
    roles: BTreeSet<String>,
    owner: String,
    admin: bool,
    name: Option<String>,
    metadata: BTreeMap<String, String>,
    expires: Option<i64>,
    revoked: Option<i64>,
    purge: Option<i64>,
    last_used: Option<i64>,
    /// The valid secrets: the present one, and the previous one with its expiry.
    secrets: (String, Option<(String, i64)>),
    now: i64,
}

fn role(n: u8) -> String {
    format!("role {n}")
}

impl Model {
    fn expired(&self) -> bool {
        self.expires.is_some_and(|end| end <= self.now)
    }

    /// What an update of roles and the rest gives, by the documentation.
    fn update<'a>(
        &mut self,
        step: &Step,
        update: Update<'a>,
    ) -> Option<(Update<'a>, Result<(), PatError>)> {
        let mut result = Ok(());
        let update = match step {
            Step::Add(_) | Step::Remove(_) | Step::Replace(_) | Step::AddAndRemove(..) => {
                let mut roles = self.roles.clone();
                let update = match step {
                    Step::Add(added) => {
                        roles.extend(added.iter().copied().map(role));
                        added
                            .iter()
                            .fold(update, |update, n| update.add_role(role(*n)))
                    }
                    Step::Remove(removed) => {
                        removed.iter().for_each(|n| {
                            roles.remove(&role(*n));
                        });
                        removed
                            .iter()
                            .fold(update, |update, n| update.remove_role(role(*n)))
                    }
                    Step::Replace(all) => {
                        roles = all.iter().copied().map(role).collect();
                        update.roles(roles.clone())
                    }
                    Step::AddAndRemove(add, remove) => {
                        roles.insert(role(*add));
                        roles.remove(&role(*remove));
                        update.add_role(role(*add)).remove_role(role(*remove))
                    }
                    _ => return None,
                };
                if roles.len() > 50 {
                    result = Err(PatError::TooManyRoles);
                } else {
                    self.roles = roles;
                }
                update
            }
            Step::Owner(n) => {
                self.owner = format!("owner {n}");
                update.owner(&self.owner)
            }
            Step::Admin(admin) => {
                self.admin = *admin;
                update.admin(*admin)
            }
            Step::Name(None) => {
                self.name = None;
                update.clear_name()
            }
            Step::Name(Some(name)) => {
                if (1..=100).contains(&name.chars().count()) {
                    self.name = Some(name.clone());
                } else {
                    result = Err(PatError::InvalidName);
                }
                update.name(name)
            }
            Step::Metadata(metadata) => {
                if metadata.keys().all(|key| !key.is_empty()) {
                    self.metadata.clone_from(metadata);
                } else {
                    result = Err(PatError::InvalidMetadata);
                }
                update.metadata(metadata.clone())
            }
            Step::Ends(None) => {
                self.expires = None;
                update.expires(sealtoken::Expiry::Never)
            }
            Step::Ends(Some(after)) => {
                // A moment that has passed means now, and an expired token keeps its expiry.
                if *after > 0 || !self.expired() {
                    self.expires = Some(self.now + (*after).max(0));
                }
                update.expires(at(self.now + after))
            }
            _ => return None,
        };
        Some((update, result))
    }

    /// Why this secret is refused now, if it is; by the order of the reasons.
    fn judge(&self, secret: &str) -> Option<Reason> {
        let (current, before) = &self.secrets;
        let end = match before {
            _ if secret == current => None,
            Some((before, end)) if before == secret => Some(*end),
            _ => return Some(Reason::InvalidSecret),
        };
        if self.revoked.is_some() {
            Some(Reason::Revoked)
        } else if self.expired() || end.is_some_and(|end| end <= self.now) {
            Some(Reason::Expired)
        } else {
            None
        }
    }
}

async fn follow(steps: Vec<Step>, cached: bool) {
    let mut options = PersonalAccessTokens::options().last_used_every(Duration::from_secs(25));
    if cached {
        options = options.cache(8, Duration::from_secs(1000));
    }
    let bench = Bench::with(Engine::memory(), options).await;
    let pats = &bench.pats;
    let issued = bench.issue(ADA).await.unwrap();
    let id = issued.record.id;
    let mut model = Model {
        roles: BTreeSet::new(),
        owner: "ada@example.com".into(),
        admin: false,
        name: None,
        metadata: BTreeMap::new(),
        expires: None,
        revoked: None,
        purge: None,
        last_used: None,
        secrets: (issued.token.expose().to_owned(), None),
        now: NOW,
    };
    let mut texts = vec![issued.token.expose().to_owned()];
    for step in steps {
        if let Some((update, expected)) = model.update(&step, pats.update(id)) {
            let updated = update.await;
            assert_eq!(updated.map(|_| ()), expected, "{step:?}");
        }
        match step {
            Step::Revoke(after) => {
                let revoked = match after {
                    Some(after) => pats.revoke(id).purge_after(Lifetime::seconds(after)).await,
                    None => pats.revoke(id).await,
                };
                if after == Some(0) {
                    assert!(revoked.is_err());
                } else {
                    model.revoked.get_or_insert(model.now);
                    let seconds = after.map(|after| i64::try_from(after).unwrap());
                    model.purge = seconds.map(|after| model.now + after).or(model.purge);
                }
            }
            Step::Restore => {
                pats.restore(id).await.unwrap();
                (model.revoked, model.purge) = (None, None);
            }
            Step::Rotate(overlap) => {
                let rotated = pats
                    .rotate(id)
                    .overlap(Duration::from_secs(overlap.into()))
                    .await;
                if model.revoked.is_some() {
                    assert_eq!(rotated.map(|_| ()), Err(PatError::Revoked));
                } else if model.expired() {
                    assert_eq!(rotated.map(|_| ()), Err(PatError::Expired));
                } else {
                    let text = rotated.unwrap().token.expose().to_owned();
                    let before = std::mem::replace(&mut model.secrets.0, text.clone());
                    let until = model.now + i64::from(overlap);
                    model.secrets.1 = (overlap > 0).then_some((before, until));
                    texts.push(text);
                }
            }
            Step::Wait(seconds) => {
                model.now += i64::from(seconds);
                bench.clock.set(at(model.now));
            }
            Step::Verify => {
                for text in &texts {
                    let verified = pats.verify(text).await;
                    let judged = model.judge(text);
                    assert_eq!(reason(verified), judged);
                    let due = model.last_used.is_none_or(|last| last + 25 <= model.now);
                    if judged.is_none() && due && !cached {
                        model.last_used = Some(model.now);
                    }
                }
                pats.flush().await;
            }
            _ => {}
        }
        let record = pats.get(id).await.unwrap();
        assert!(record.roles.iter().eq(&model.roles), "{:?}", record.roles);
        assert_eq!((&record.owner, record.admin), (&model.owner, model.admin));
        assert_eq!(record.name, model.name);
        let metadata: Vec<_> = model.metadata.clone().into_iter().collect();
        assert_eq!(record.metadata, metadata);
        assert_eq!(record.expires_at, model.expires.map(at));
        assert_eq!(
            (record.revoked_at, record.purge_at),
            (model.revoked.map(at), model.purge.map(at))
        );
        if !cached {
            assert_eq!(record.last_used_at, model.last_used.map(at));
        }
        let owned = pats.list().owner(&model.owner).count().await;
        assert_eq!(owned, Ok(1));
        for n in [0, 30, 59] {
            let listed = pats.list().role(role(n)).count().await.unwrap() == 1;
            assert_eq!(listed, model.roles.contains(&role(n)));
        }
    }
}

/// A hash in PHC's form, right or nearly.
fn phc() -> impl Strategy<Value = String> {
    let text = "[$=,a-zA-Z0-9/+.-]{0,60}";
    let scrypt = (
        8_u32..19,
        0_u32..18,
        0_u32..18,
        "[A-Za-z0-9/+]{0,30}",
        "[A-Za-z0-9/+]{0,50}",
    );
    let scrypt = scrypt
        .prop_map(|(ln, r, p, salt, hash)| format!("$scrypt$ln={ln},r={r},p={p}${salt}${hash}"));
    let keyed = ("[A-Za-z0-9/+]{7,9}", "[A-Za-z0-9/+]{42,44}");
    let keyed = keyed.prop_map(|(kid, mac)| format!("$hmac-sha256$kid={kid}${mac}"));
    prop_oneof![
        text,
        text.prop_map(|text| format!("$scrypt{text}")),
        scrypt,
        keyed,
        any::<String>()
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_token_is_what_was_made_of_it(
        steps in proptest::collection::vec(step(), 1..40),
        cached in any::<bool>(),
    ) {
        run(follow(steps, cached));
    }

    #[test]
    fn no_text_that_was_not_handed_out_is_a_token(
        any in any::<String>(),
        like in "(pat_)?[0-9A-Za-z_.]{0,90}",
        tail in "[._]?[0-9A-Za-z+/=-]{0,60}",
    ) {
        run(async {
            let bench = Bench::on(Engine::memory()).await;
            bench.pats.register(originals::id(), originals::hash(), ADA).await.unwrap();
            for text in [any, like, format!("pat_{}{tail}", originals::ID)] {
                assert!(reason(bench.pats.verify(&text).await).is_some(), "{text}");
            }
        });
    }

    #[test]
    fn a_hash_that_is_read_is_written_again(text in phc()) {
        if let Ok(hash) = text.parse::<SecretHash>() {
            let written = hash.to_string();
            prop_assert_eq!(&written, &text);
            prop_assert_eq!(written.parse::<SecretHash>().unwrap(), hash);
        }
    }
}

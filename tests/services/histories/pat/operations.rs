//! The operations that the histories run.

use sealtoken::pat::{ListedTokens, OwnedTokens, PatError, PersonalAccessTokens, Update};
use sealtoken::{Lifetime, Listing};

use super::super::{Answer, answer, done, gone, op, says};
use super::{EXPIRED, FREE, IDS, LIVE, MINUTE, Op, REVOKED, THEIRS, Tokens, gave, id, theirs};

impl Tokens {
    pub(super) fn operations(&self) -> Vec<Op> {
        let (new, next) = (self.new.clone(), self.next.clone());
        let next_of_ours = next.clone();
        type Edit = for<'a> fn(Update<'a>) -> Update<'a>;
        let update = |name: &'static str, one: &'static str, edit: Edit| {
            op(name, move |pats: PersonalAccessTokens| async move {
                says(edit(pats.update(id(one))).await)
            })
        };
        vec![
            op("issue", |pats: PersonalAccessTokens| async move {
                gave(pats.issue("grace").role("writer").await)
            }),
            op("issue as", |pats: PersonalAccessTokens| async move {
                gave(pats.issue("grace").id(id(FREE)).await)
            }),
            op("register", move |pats: PersonalAccessTokens| {
                let new = new.clone();
                async move {
                    let registered = pats.register(new.id, new.hash, "hedy");
                    answer(registered.await, |_| {
                        Answer::Told("done".into(), vec![new.token.expose().to_owned()])
                    })
                }
            }),
            update("add a role", LIVE, |update| update.add_role("writer")),
            update("remove a role", LIVE, |update| update.remove_role("writer")),
            update("another owner", LIVE, |update| update.owner("grace")),
            update("another end", LIVE, |update| {
                update.expires(Lifetime::days(1))
            }),
            update("an end for what is over", EXPIRED, |update| {
                update.expires(sealtoken::Expiry::Never)
            }),
            op("revoke", |pats: PersonalAccessTokens| async move {
                says(pats.revoke(id(LIVE)).await)
            }),
            op(
                "revoke for a time",
                |pats: PersonalAccessTokens| async move {
                    says(pats.revoke(id(LIVE)).purge_after(Lifetime::days(1)).await)
                },
            ),
            op(
                "restore this one",
                |pats: PersonalAccessTokens| async move { says(pats.restore(id(LIVE)).await) },
            ),
            op("restore", |pats: PersonalAccessTokens| async move {
                says(pats.restore(id(REVOKED)).await)
            }),
            op("revoke again", |pats: PersonalAccessTokens| async move {
                says(pats.revoke(id(REVOKED)).await)
            }),
            op("rotate", |pats: PersonalAccessTokens| async move {
                gave(pats.rotate(id(LIVE)).overlap(MINUTE).await)
            }),
            op("rotate to", move |pats: PersonalAccessTokens| {
                let next = next.clone();
                async move {
                    let rotated = pats.rotate(id(LIVE)).to(next.hash).overlap(MINUTE).await;
                    answer(rotated, |_| {
                        Answer::Told("done".into(), vec![next.token.expose().to_owned()])
                    })
                }
            }),
            op("delete", |pats: PersonalAccessTokens| async move {
                gone(pats.delete(id(LIVE)).await)
            }),
            op(
                "delete the new one",
                |pats: PersonalAccessTokens| async move { gone(pats.delete(id(FREE)).await) },
            ),
            op(
                "delete what is revoked",
                |pats: PersonalAccessTokens| async move { gone(pats.delete(id(REVOKED)).await) },
            ),
            op("issue it anew", |pats: PersonalAccessTokens| async move {
                gave(pats.issue("lise").id(id(LIVE)).await)
            }),
            op("purge", |pats: PersonalAccessTokens| async move {
                says(pats.purge_expired().await)
            }),
            op("import", |pats: PersonalAccessTokens| async move {
                says(pats.import([theirs("")]).await.map(|mut all| all.remove(0)))
            }),
            op(
                "import what was revoked there",
                |pats: PersonalAccessTokens| async move {
                    let item = theirs(r#""revokedAt": {"N": "1763755000"},"#);
                    says(pats.import([item]).await.map(|mut all| all.remove(0)))
                },
            ),
            op("delete theirs", |pats: PersonalAccessTokens| async move {
                gone(pats.delete(id(THEIRS)).await)
            }),
            op("restore theirs", |pats: PersonalAccessTokens| async move {
                says(pats.restore(id(THEIRS)).await)
            }),
            op("rewrap", |pats: PersonalAccessTokens| async move {
                done(pats.rewrap().await.map(drop))
            }),
            op("get", |pats: PersonalAccessTokens| async move {
                says(pats.get(id(LIVE)).await)
            }),
            op(
                "get with its hash",
                |pats: PersonalAccessTokens| async move {
                    let record = pats.get_with_hash(id(LIVE)).await;
                    // A secret that was drawn has another hash each time.
                    says(record.map(|mut record| {
                        record.hash = None;
                        record
                    }))
                },
            ),
            op("get many", |pats: PersonalAccessTokens| async move {
                says(pats.get_many(&IDS.map(id)).await)
            }),
            op("list", |pats: PersonalAccessTokens| async move {
                says(listed(&pats.list().owner("ada")).await)
            }),
            op("count", |pats: PersonalAccessTokens| async move {
                says(pats.list().count().await)
            }),
            op("verify", {
                let text = self.texts[0].clone();
                move |pats: PersonalAccessTokens| {
                    let text = text.clone();
                    async move { says(pats.verify(&text).await) }
                }
            }),
            op("list ours", |pats: PersonalAccessTokens| async move {
                says(listed(&ours(&pats).list()).await)
            }),
            op("get ours", |pats: PersonalAccessTokens| async move {
                says(ours(&pats).get(id(LIVE)).await)
            }),
            op("revoke ours", |pats: PersonalAccessTokens| async move {
                says(ours(&pats).revoke(id(LIVE)).await)
            }),
            op("rotate ours", |pats: PersonalAccessTokens| async move {
                gave(ours(&pats).rotate(id(LIVE)).overlap(MINUTE).await)
            }),
            op("rotate ours to", move |pats: PersonalAccessTokens| {
                let next = next_of_ours.clone();
                async move {
                    let rotated = ours(&pats)
                        .rotate(id(LIVE))
                        .to(next.hash)
                        .overlap(MINUTE)
                        .await;
                    answer(rotated, |_| {
                        Answer::Told("done".into(), vec![next.token.expose().to_owned()])
                    })
                }
            }),
            op("update ours", |pats: PersonalAccessTokens| async move {
                says(ours(&pats).update(id(LIVE)).name("laptop").await)
            }),
            op("delete ours", |pats: PersonalAccessTokens| async move {
                gone(ours(&pats).delete(id(LIVE)).await)
            }),
        ]
    }
}

/// What the first owner of the live token does on a page of their own.
fn ours(pats: &PersonalAccessTokens) -> OwnedTokens<'_> {
    pats.owned_by("ada")
}

/// All entries, each as it is.
async fn listed(list: &Listing<ListedTokens>) -> Result<Vec<String>, PatError> {
    let entries = list.clone().await?.entries.into_iter();
    let mut entries: Vec<_> = entries.map(|entry| format!("{entry:?}")).collect();
    entries.sort_unstable();
    Ok(entries)
}

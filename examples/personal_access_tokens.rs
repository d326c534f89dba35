//! Personal access tokens of a small API: the first admin, tokens with roles and scopes, a rotation
//! without an outage, a revocation, and a ring whose key is replaced.
//!
//! ```console
//! cargo run --features pat --example personal_access_tokens
//! ```

use std::error::Error;
use std::time::Duration;

use sealtoken::pat::{PersonalAccessTokens, VerifyError};
use sealtoken::store::MemoryStore;
use sealtoken::{Key, KeyRing, Lifetime, ManualClock, UnixTime};
use sealtoken::{PublicError, State};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (old, new) = (Key::generate(), Key::generate());
    // A service: env::var("SEALTOKEN_KEYS")?.parse()?, and
    // sealtoken_sqlite::SqliteStore::open("tokens.db").await?
    let keys = KeyRing::new(old.clone());
    let store = MemoryStore::new();
    let clock = ManualClock::at(UnixTime::now());
    let open = |keys: KeyRing, first_admin: Option<String>| {
        let (store, clock) = (store.clone(), clock.clone());
        async move {
            let mut options = PersonalAccessTokens::options().prefix("acme_".parse()?);
            if let Some(hash) = first_admin {
                options = options.bootstrap(hash.parse()?);
            }
            options.clock(clock).open(store, &keys).await
        }
    };

    // The operator makes a token, keeps it, and puts its hash into the environment of the service.
    let generated = open(keys.clone(), None).await?.generate()?;
    let pats = open(keys.clone(), Some(generated.hash.to_string())).await?;
    let root = pats
        .bootstrap(generated.token.expose(), "root@example.com")
        .await?;
    println!("the first admin is {}, by token {}", root.owner, root.id);
    let again = pats.bootstrap(generated.token.expose(), "eve@example.com");
    assert!(again.await.is_err());

    let issued = pats
        .issue("ada@example.com")
        .name("laptop")
        .role("reader")
        .scope("repo:read")
        .metadata("ticket", "OPS-12")
        .expires(Lifetime::days(90))
        .await?;
    let text = issued.token.expose();
    println!("Ada's token has {} characters: {}…", text.len(), &text[..9]);

    pats.update(issued.record.id)
        .add_role("writer")
        .remove_role("reader")
        .await?;
    let record = pats.verify(text).await?;
    assert!(
        record.has_role("writer") && !record.has_role("reader") && record.has_scope("repo:read")
    );

    // A log gets the reason; a caller always gets the same answer.
    let mistyped = format!("{}_{}", &text[..20], &text[21..]);
    let unknown = pats.generate()?;
    for (text, code) in [
        ("ghp_0123", "invalid_prefix"),
        (&mistyped, "invalid_format"),
        (unknown.token.expose(), "not_found"),
    ] {
        let error = pats.verify(text).await.err().ok_or("it was taken")?;
        assert_eq!((error.code(), error.public()), (code, PublicError::Refused));
        println!(
            "refused: {}: {error}; the caller sees: {}",
            error.code(),
            error.public()
        );
    }

    // Another secret for the same token: both are valid for an hour, so nobody is cut off.
    let rotated = pats
        .rotate(record.id)
        .overlap(Duration::from_secs(3600))
        .await?;
    assert!(pats.verify(text).await.is_ok() && pats.verify(rotated.token.expose()).await.is_ok());
    clock.advance(3600);
    let over = pats.verify(text).await;
    assert_eq!(over.err().map(|error| error.code()), Some("expired"));

    pats.revoke(record.id)
        .purge_after(Lifetime::days(30))
        .await?;
    let refused = pats.verify(rotated.token.expose()).await;
    assert!(matches!(refused, Err(VerifyError::Refused(reason)) if reason.code() == "revoked"));
    let live = pats.list().only(State::Live).count().await?;
    println!("{live} of {} tokens is live", pats.list().count().await?);
    let restored = pats.restore(record.id).await?;
    assert_eq!(restored.expires_at, issued.record.expires_at);

    // Replace the ring's key: opening seals the keyset again, and the old key can go.
    open(KeyRing::new(new.clone()).with_retired(old)?, None).await?;
    let pats = open(KeyRing::new(new), None).await?;
    assert!(pats.verify(rotated.token.expose()).await.is_ok());
    println!("after the rotation of the ring, every token is still good");

    clock.advance(90 * 86_400);
    let refused = pats.verify(rotated.token.expose()).await;
    println!("in 90 days: {}", refused.err().ok_or("it was taken")?);
    Ok(())
}

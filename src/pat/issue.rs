//! New tokens: issued, registered, or generated without being stored.

use crate::crypto::clock::Expiry;
use crate::crypto::secret::{DEEP, overwrite_stack};
use crate::events::Observed;
use crate::sealed::{Rounds, awaited};

use super::new::NewPat;
use super::record::Origin;
use super::{PatError, PatId, PatRecord, PatToken, PersonalAccessTokens, SecretHash, operation};

/// A new token: [`PersonalAccessTokens::issue`] and [`PersonalAccessTokens::register`].
///
/// It has no role and never expires unless you say so. `S` is the source of its secret. One drawn
/// here, perhaps for an id of your choice, gives an [`Issued`] when it is awaited. One made
/// elsewhere, with an id and a hash, gives a [`PatRecord`].
#[derive(Debug, Clone)]
#[must_use = "nothing is stored until this is awaited"]
pub struct Issue<'a, S = Option<PatId>> {
    pats: &'a PersonalAccessTokens,
    secret: S,
    new: NewPat,
}

/// A token that was issued, or that got a new secret.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Issued {
    /// Its text. It cannot be recovered later: hand it to its owner now.
    pub token: PatToken,
    /// What is known about it.
    pub record: PatRecord,
    /// The hash of its secret.
    pub hash: SecretHash,
}

/// A token that was made but not stored.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Generated {
    /// Its text.
    pub token: PatToken,
    /// The id to [register](PersonalAccessTokens::register) it under.
    pub id: PatId,
    /// The hash to register. It is valid in this store only: another has other keys.
    pub hash: SecretHash,
}

impl PersonalAccessTokens {
    /// Issues a token for this owner, of 1 to 100 characters.
    ///
    /// ```
    /// # use sealtoken::Lifetime;
    /// # use sealtoken::pat::{PatError, PersonalAccessTokens};
    /// # async fn example(pats: PersonalAccessTokens) -> Result<(), PatError> {
    /// let issued = pats
    ///     .issue("ada@example.com")
    ///     .name("laptop")
    ///     .role("reader")
    ///     .scope("repo:read")
    ///     .metadata("ticket", "OPS-12")
    ///     .expires(Lifetime::days(90))
    ///     .await?;
    /// println!("{}", issued.token.expose());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Invalid input fails before anything is stored, as [`PatError::InvalidOwner`],
    /// [`PatError::TooManyRoles`] and so on. [`PatError::AlreadyExists`] for an
    /// [`id`](Issue::id) that is taken, and [`PatError::Service`].
    pub fn issue(&self, owner: impl Into<String>) -> Issue<'_> {
        self.new_token(None, owner.into())
    }

    /// Registers a token whose secret was made elsewhere: by
    /// [`generate`](PersonalAccessTokens::generate) on this store or, with an scrypt hash, by
    /// `@access-tokens/core`.
    ///
    /// ```
    /// # use sealtoken::pat::{PatError, PersonalAccessTokens};
    /// # async fn example(pats: PersonalAccessTokens) -> Result<(), PatError> {
    /// let generated = pats.generate()?;
    /// let hash = generated.hash.to_string(); // into a file that is deployed
    /// pats.register(generated.id, hash.parse()?, "ci").role("deployer").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`issue`](PersonalAccessTokens::issue), and [`PatError::Hash`] for a hash that was
    /// made under the keys of another store.
    pub fn register(
        &self,
        id: PatId,
        hash: SecretHash,
        owner: impl Into<String>,
    ) -> Issue<'_, (PatId, SecretHash)> {
        self.new_token((id, hash), owner.into())
    }

    fn new_token<S>(&self, secret: S, owner: String) -> Issue<'_, S> {
        Issue {
            pats: self,
            secret,
            new: NewPat::of(owner),
        }
    }

    /// Makes a token without storing it: to hand it out before you
    /// [register](PersonalAccessTokens::register) it, or to
    /// [bootstrap](PersonalAccessTokens::bootstrap) the first admin.
    ///
    /// ```
    /// # use sealtoken::pat::{PatError, PersonalAccessTokens};
    /// # use sealtoken::store::MemoryStore;
    /// # use sealtoken::{Key, KeyRing};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), PatError> {
    /// # let keys = KeyRing::new(Key::generate());
    /// # let pats = PersonalAccessTokens::open(MemoryStore::new(), &keys).await?;
    /// let generated = pats.generate()?;
    /// println!("{}", generated.token.expose()); // hand it out
    /// pats.register(generated.id, generated.hash, "ada@example.com").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`PatError::Service`] if the operating system cannot provide random bytes.
    pub fn generate(&self) -> Result<Generated, PatError> {
        self.generate_as(PatId::generate()?)
    }

    /// Makes a token with an id of your choice without storing it: a new secret for an existing
    /// token, for instance.
    ///
    /// ```
    /// # use sealtoken::pat::{PatError, PersonalAccessTokens};
    /// # use sealtoken::store::MemoryStore;
    /// # use sealtoken::{Key, KeyRing};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), PatError> {
    /// # let keys = KeyRing::new(Key::generate());
    /// # let pats = PersonalAccessTokens::open(MemoryStore::new(), &keys).await?;
    /// # let id = pats.issue("ada@example.com").await?.record.id;
    /// let generated = pats.generate_as(id)?;
    /// println!("{}", generated.token.expose()); // hand it out
    /// pats.rotate(id).to(generated.hash).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`generate`](PersonalAccessTokens::generate).
    pub fn generate_as(&self, id: PatId) -> Result<Generated, PatError> {
        let token = PatToken::draw(self.prefix(), id)?;
        let hash = self.shared.hasher.hash(token.hashed());
        // What follows is moved to the heap from where this was hashed.
        overwrite_stack::<DEEP>();
        Ok(Generated { token, id, hash })
    }
}

impl Issue<'_> {
    /// An id of your choice, so that you can look the token up if the reply is lost.
    pub fn id(mut self, id: PatId) -> Self {
        self.secret = Some(id);
        self
    }
}

impl<S> Issue<'_, S> {
    /// Whether its owner may do everything. Default: `false`.
    pub fn admin(mut self, admin: bool) -> Self {
        self.new.admin = admin;
        self
    }

    /// Adds a role: at most 50, of 1 to 100 characters each.
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.new.roles.push(role.into());
        self
    }

    /// Adds roles.
    pub fn roles(mut self, roles: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.new.roles.extend(roles.into_iter().map(Into::into));
        self
    }

    /// Adds a scope: at most 50, of 1 to 100 characters each.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.new.scopes.push(scope.into());
        self
    }

    /// Adds scopes.
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.new.scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// The owner's name for it: 1 to 100 characters.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.new.name = Some(name.into());
        self
    }

    /// Adds an entry of your own: at most 50, with values of at most 1,000 characters, 8 KiB in
    /// all.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.new.metadata.push((key.into(), value.into()));
        self
    }

    /// When it expires: after a [`Lifetime`](crate::Lifetime), at a moment, or never.
    pub fn expires(mut self, expiry: impl Into<Expiry>) -> Self {
        self.new.expiry = Some(expiry.into().into());
        self
    }
}

impl Issue<'_> {
    async fn run(self) -> Result<Issued, PatError> {
        let pats = self.pats;
        let observed = pats.observe(operation::ISSUE);
        observed.run(self.issue(&observed)).await
    }

    async fn issue(&self, observed: &Observed<'_>) -> Result<Issued, PatError> {
        let tokens = self.pats.tokens(observed);
        let mut rounds = Rounds::default();
        loop {
            rounds.next().await?;
            let id = self.secret.map_or_else(PatId::generate, Ok)?;
            // Known from here on, even if this is cancelled.
            self.pats.name(observed, id);
            let Generated { token, hash, .. } = self.pats.generate_as(id)?;
            let parts = (id, hash.clone(), Origin::Issued);
            let meta = self.new.clone().meta(parts, tokens.now())?;
            match tokens.insert(meta).await {
                // Another token has the id that was drawn.
                Err(PatError::AlreadyExists) if self.secret.is_none() => {}
                row => {
                    let record = row?.into_record(false);
                    return Ok(Issued {
                        token,
                        record,
                        hash,
                    });
                }
            }
        }
    }
}

impl Issue<'_, (PatId, SecretHash)> {
    async fn run(self) -> Result<PatRecord, PatError> {
        let (pats, (id, hash)) = (self.pats, self.secret);
        let observed = pats.observe_one(operation::REGISTER, id);
        let register = async {
            pats.shared.hasher.check(&hash)?;
            let tokens = pats.tokens(&observed);
            let parts = (id, hash, Origin::Registered);
            let meta = self.new.meta(parts, tokens.now())?;
            Ok(tokens.insert(meta).await?.into_record(false))
        };
        observed.run(register).await
    }
}

awaited! {
    Issue<'a> => Result<Issued, PatError>,
    Issue<'a, (PatId, SecretHash)> => Result<PatRecord, PatError>,
}

//! The table of users, in memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use axum::http::StatusCode;

#[derive(Clone)]
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) email: String,
    pub(crate) password_hash: String,
    /// A session is good while it has this number: see `session.rs`.
    pub(crate) session_epoch: u32,
    /// Whether the user's tokens may have the role `deployer`.
    pub(crate) may_deploy: bool,
}

#[derive(Clone, Default)]
pub(crate) struct Users(Arc<Mutex<Vec<User>>>);

impl Users {
    fn rows(&self) -> MutexGuard<'_, Vec<User>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, email: &str, password_hash: String, may_deploy: bool) {
        let mut rows = self.rows();
        let id = rows.last().map_or(1, |user| user.id + 1);
        let email = email.to_owned();
        rows.push(User {
            id,
            email,
            password_hash,
            session_epoch: 0,
            may_deploy,
        });
    }

    pub(crate) fn by_id(&self, id: u64) -> Option<User> {
        self.rows().iter().find(|user| user.id == id).cloned()
    }

    pub(crate) fn by_email(&self, email: &str) -> Option<User> {
        self.rows().iter().find(|user| user.email == email).cloned()
    }

    #[cfg(test)]
    pub(crate) fn forbid_deploying(&self, email: &str) {
        let mut rows = self.rows();
        if let Some(user) = rows.iter_mut().find(|user| user.email == email) {
            user.may_deploy = false;
        }
    }

    /// ```sql
    /// UPDATE users SET password_hash = $new, session_epoch = session_epoch + 1
    /// WHERE id = $id AND password_hash = $old RETURNING *
    /// ```
    ///
    /// `None` if no row matched: somebody else has changed the password.
    pub(crate) fn replace_hash(&self, id: u64, old: &str, new: String) -> Option<User> {
        let mut rows = self.rows();
        let user = rows
            .iter_mut()
            .find(|user| user.id == id && user.password_hash == old)?;
        user.password_hash = new;
        user.session_epoch += 1;
        Some(user.clone())
    }
}

/// The password could not be hashed.
const FAULT: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

/// Argon2id, off the async threads. A service also bounds how many run at once.
pub(crate) async fn hash(password: String) -> Result<String, StatusCode> {
    let work = move || {
        Argon2::default()
            .hash_password(password.as_bytes())
            .map(|h| h.to_string())
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| FAULT)?
        .map_err(|_| FAULT)
}

/// Whether the password is right. An unknown user costs the same as a known one.
pub(crate) async fn verify(password: String, user: Option<&User>) -> Result<bool, StatusCode> {
    let Some(hash) = user.map(|user| user.password_hash.clone()) else {
        hash(password).await?;
        return Ok(false);
    };
    let work = move || {
        let hash = PasswordHash::new(&hash).map_err(|_| FAULT)?;
        Ok(Argon2::default()
            .verify_password(password.as_bytes(), &hash)
            .is_ok())
    };
    tokio::task::spawn_blocking(work).await.map_err(|_| FAULT)?
}

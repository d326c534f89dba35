//! A password-reset link: sealed, opened, and refused where it must be.
//!
//! ```console
//! cargo run --example password_reset
//! ```

use std::error::Error;
use std::time::Duration;

use sealtoken::{
    CargoKey, Codec, Key, KeyError, KeyRing, Lifetime, ManualClock, OpenError, Token, UnixTime,
};

const USER_ID: CargoKey<u64> = CargoKey::new("user_id");

/// A row of your user table.
struct User {
    id: u64,
    password_hash: String,
}

impl User {
    /// The codec for links that work for this user until the password changes.
    ///
    /// The hash changes when the password does, so a link dies with its first use, without a
    /// database of links.
    fn reset_codec(&self, reset: &Codec) -> Result<Codec, KeyError> {
        reset.bound_to([&self.id.to_string(), &self.password_hash])
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // A service reads its keys: let keys: KeyRing = std::env::var("SEALTOKEN_KEYS")?.parse()?;
    let keys = KeyRing::new(Key::generate());
    // So that this example need not wait for half an hour.
    let clock = ManualClock::at(UnixTime::now());
    let reset = keys.codec("password-reset")?.with_clock(clock.clone());

    let mut user = User {
        id: 123,
        password_hash: "$argon2id$v=19$m=19456,t=2,p=1$b2xkIHNhbHQ$b2xkIGhhc2g".into(),
    };

    // 1. The user asks for a link.
    let mut token = Token::new();
    token.cargo_mut().insert(USER_ID, user.id)?;
    let text = user
        .reset_codec(&reset)?
        .seal(&mut token, Lifetime::minutes(30))?;
    let link = format!("https://example.com/reset/{}/{text}", user.id);
    println!("The link, {} characters:\n\n  {link}\n", link.len());

    // 2. The user follows it. The id in the path finds the row; the token proves that the link is
    //   ours.
    let opened = user.reset_codec(&reset)?.open(&text)?;
    let expiry = opened.expires_at().ok_or("it never expires")?;
    assert_eq!(opened.cargo().require(USER_ID)?, user.id);
    assert_eq!(opened.uuid(), token.uuid());
    println!("It opens:\n\n  user_id {}, until {expiry}\n", user.id);

    // 3. What does not open, and the code that goes into your log.
    println!("It is refused:\n");
    let bound = user.reset_codec(&reset)?;
    let changed = bound.open(&change_a_character(&text));
    refused("one character changed", "forged", changed)?;

    let cut_off = bound.open(text.get(..40).ok_or("too short")?);
    refused("cut off by a mail program", "malformed", cut_off)?;

    let session = user.reset_codec(&keys.codec("session")?)?;
    refused("used for another purpose", "forged", session.open(&text))?;

    let other = User {
        id: 124,
        password_hash: user.password_hash.clone(),
    };
    let others = other.reset_codec(&reset)?.open(&text);
    refused("used for another user", "forged", others)?;

    let others = KeyRing::new(Key::generate()).codec("password-reset")?;
    let elsewhere = user.reset_codec(&others)?.open(&text);
    refused("where the key is unknown", "unknown_key", elsewhere)?;

    // 4. The last second, and the one after it.
    clock.set(expiry - Duration::from_secs(1));
    assert!(bound.open(&text).is_ok());
    clock.set(expiry);
    refused("after 30 minutes", "expired", bound.open(&text))?;

    // 5. Single use: the first use changes the password, and the link dies with the old one.
    clock.advance(-60);
    assert!(bound.open(&text).is_ok());
    user.password_hash = "$argon2id$v=19$m=19456,t=2,p=1$bmV3IHNhbHQ$bmV3IGhhc2g".into();
    let again = user.reset_codec(&reset)?.open(&text);
    refused("used a second time", "forged", again)?;
    Ok(())
}

/// Changes one character in the middle of a token.
fn change_a_character(text: &str) -> String {
    let middle = text.len() / 2;
    let change = |(at, c)| match c {
        'A' if at == middle => 'B',
        _ if at == middle => 'A',
        c => c,
    };
    text.chars().enumerate().map(change).collect()
}

/// Prints why a token was refused, and fails unless that is `code`.
fn refused(what: &str, code: &str, opened: Result<Token, OpenError>) -> Result<(), Box<dyn Error>> {
    let error = opened.err().ok_or_else(|| format!("opened: {what}"))?;
    println!("  {what:<26} {:<12} {error}", error.code());
    assert_eq!(error.code(), code, "{what}");
    Ok(())
}

//! A stateless session in a cookie: a type of your own, renewed while it is used, up to an absolute
//! expiry.
//!
//! ```console
//! cargo run --example session_cookie
//! ```

use std::error::Error;

use sealtoken::{Key, KeyRing, Lifetime, ManualClock, TypedToken, UnixTime};
use serde::{Deserialize, Serialize};

/// Without a request for this long, the session expires.
const IDLE: Lifetime = Lifetime::minutes(20);
/// It expires after this long in any case, however much it is used.
const ABSOLUTE: Lifetime = Lifetime::hours(2);

#[derive(Serialize, Deserialize)]
struct Session {
    user: u64,
    role: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let keys = KeyRing::new(Key::generate());
    // So that this example need not wait for two hours.
    let clock = ManualClock::at(UnixTime::now());
    // Padded, so that the length of a cookie does not reveal the role.
    let sessions = keys
        .codec("session")?
        .with_padding(64)
        .with_clock(clock.clone());

    // The user logs in.
    let (user, role) = (42, "editor".into());
    let session = Session { user, role };
    let mut cookie = sessions.seal_value(&session, IDLE)?;
    println!("{}\n", header(&cookie, 20 * 60)?);

    let (user, role) = (7, "administrator".into());
    let other = sessions.seal_value(&Session { user, role }, IDLE)?;
    assert_eq!(cookie.len(), other.len());

    // A request every seven minutes, until the session expires.
    let mut renewed = Vec::new();
    let mut last = 0;
    for minute in (7..).step_by(7) {
        clock.advance(7 * 60);
        let mut session: TypedToken<Session> = match sessions.open_value(&cookie) {
            Ok(session) => session,
            Err(error) => {
                println!("minute {minute:>3}: refused, {error}");
                assert_eq!(error.code(), "expired");
                break;
            }
        };
        assert_eq!(session.value().user, 42);
        if let Some(text) = sessions.renew_if_due(&mut session, IDLE, ABSOLUTE)? {
            let max_age = session.remaining().ok_or("it never expires")?.as_secs();
            println!("minute {minute:>3}: renewed for {max_age:>4} seconds");
            cookie = text;
            renewed.push(minute);
        } else {
            println!("minute {minute:>3}: good as it is");
        }
        last = minute;
    }
    // It expired two hours after the log-in, although requests came every seven minutes.
    assert_eq!(last, 119);
    assert_eq!(renewed, [14, 28, 42, 56, 70, 84, 98, 112]);

    // A session that nobody uses expires sooner.
    let idle = sessions.seal_value(&session, IDLE)?;
    clock.advance(20 * 60);
    let refused = sessions.open_value::<Session>(&idle).err();
    assert_eq!(refused.map(|error| error.code()), Some("expired"));
    println!("\nunused for 20 minutes: expired");
    Ok(())
}

/// `__Host-` makes the browser keep the cookie to this host and to HTTPS; `HttpOnly` keeps scripts
/// away from it.
///
/// Browsers drop a cookie whose name and value have more than 4,096 bytes together.
fn header(text: &str, max_age: u64) -> Result<String, &'static str> {
    const NAME: &str = "__Host-session";
    if NAME.len().saturating_add(text.len()) > 4096 {
        return Err("the cookie is too long");
    }
    Ok(format!(
        "Set-Cookie: {NAME}={text}; Max-Age={max_age}; Path=/; Secure; HttpOnly; SameSite=Lax"
    ))
}

//! A key is replaced while two servers run, in three steps, and no session is lost.
//!
//! ```console
//! cargo run --example key_rotation
//! ```

use std::error::Error;

use sealtoken::{Codec, Key, KeyRing, Lifetime, OpenError, Token};

/// A server with its keys, and a codec that was made when it started.
struct Server {
    name: &'static str,
    keys: KeyRing,
    sessions: Codec,
}

impl Server {
    fn start(name: &'static str, keys: &str) -> Result<Self, Box<dyn Error>> {
        let keys: KeyRing = keys.parse()?;
        let sessions = keys.codec("session")?;
        Ok(Self {
            name,
            keys,
            sessions,
        })
    }

    /// Takes the new keys while it runs: the codec, and all clones of it, use them from their next
    /// call on.
    fn deploy(&self, keys: &str) -> Result<(), Box<dyn Error>> {
        self.keys.replace(&keys.parse()?)?;
        println!("{} now has {:?}", self.name, self.keys);
        Ok(())
    }

    /// One request. Returns the newer cookie where a retired key sealed this one.
    fn request(&self, cookie: &str) -> Result<Option<String>, Box<dyn Error>> {
        let mut session = self.sessions.open(cookie)?;
        if !session.needs_reseal() {
            return Ok(None);
        }
        println!("  {} re-seals the session", self.name);
        Ok(Some(self.sessions.reseal(&mut session)?))
    }
}

/// Six requests that reach the servers in turn. Returns how many of them re-sealed the session.
fn six_requests(servers: &[Server; 2], cookie: &mut String) -> Result<usize, Box<dyn Error>> {
    let mut resealed = Vec::new();
    for server in servers.iter().cycle().take(6) {
        if let Some(newer) = server.request(cookie)? {
            *cookie = newer;
            resealed.push(server.name);
        }
    }
    println!("  6 requests, {} re-sealed\n", resealed.len());
    Ok(resealed.len())
}

fn main() -> Result<(), Box<dyn Error>> {
    let (old, new) = (Key::generate(), Key::generate());
    println!("the old key is {}, the new one {}\n", old.id(), new.id());
    // What an operator writes into SEALTOKEN_KEYS, from first to last.
    let (old, new) = (old.expose(), new.expose());
    let before = old.to_string();
    let step_1 = format!("{},+{}", *old, *new); // old seals; both open
    let step_2 = format!("{},{}", *new, *old); //  new seals; both open, and old asks for a re-seal
    let step_3 = new.to_string(); //               8 hours and the clocks' difference later

    let servers = [Server::start("A", &before)?, Server::start("B", &before)?];
    let [a, b] = &servers;
    let mut cookie = a.sessions.seal(&mut Token::new(), Lifetime::hours(8))?;
    let forgotten = a.sessions.seal(&mut Token::new(), Lifetime::hours(8))?;
    let uuid = a.sessions.open(&cookie)?.uuid();
    // Between the deploys the two servers have different keys. That is when a session could be
    // lost.
    let mut resealed = Vec::new();
    for keys in [&step_1, &step_2] {
        for server in &servers {
            server.deploy(keys)?;
            resealed.push(six_requests(&servers, &mut cookie)?);
        }
    }
    // Once, when A was the first to seal with the new key. B, where that key is standby, left it
    // so.
    assert_eq!(resealed, [0, 0, 1, 0]);

    for server in &servers {
        server.deploy(&step_3)?;
    }
    assert_eq!(six_requests(&servers, &mut cookie)?, 0);
    assert_eq!(b.sessions.open(&cookie)?.uuid(), uuid);
    // What nobody used since the rotation began was not re-sealed, and is refused now.
    let refused = a.sessions.open(&forgotten).err();
    assert_eq!(refused, Some(OpenError::UnknownKey));
    println!("A session from before the rotation, not used since: unknown_key\n");

    // Without the + the servers undo each other's work for as long as they differ.
    println!("The same without standby:");
    a.deploy(&format!("{},{}", *old, *new))?;
    b.deploy(&step_2)?;
    assert_eq!(six_requests(&servers, &mut cookie)?, 6);
    Ok(())
}

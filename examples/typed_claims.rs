//! Names that know their type, a type of your own as cargo, and one that borrows.
//!
//! ```console
//! cargo run --example typed_claims
//! ```

use std::borrow::Cow;
use std::error::Error;

use sealtoken::{CargoError, CargoKey, Key, KeyRing, Lifetime, OpenError, Token, TypedToken};
use serde::{Deserialize, Serialize};

// 1. A map whose names are declared once, with the type of their value.
const USER_ID: CargoKey<u64> = CargoKey::new("user_id");
const ROLES: CargoKey<Vec<String>> = CargoKey::new("roles");

// 2. A type of your own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Claims {
    subject: String,
    display_name: String,
    scopes: Vec<String>,
}

// 3. The same JSON, borrowed from the opened bytes.
#[derive(Deserialize)]
struct Borrowed<'a> {
    /// Text with an escape in it (`\"`, `\n`) cannot be borrowed, and is refused here.
    subject: &'a str,
    /// `Cow` takes any text: it borrows where it can, and owns where it cannot.
    #[serde(borrow)]
    display_name: Cow<'a, str>,
}

/// As `Borrowed`, for names that need no escapes.
#[derive(Deserialize)]
struct PlainName<'a> {
    display_name: &'a str,
}

fn main() -> Result<(), Box<dyn Error>> {
    let keys = KeyRing::new(Key::generate());

    println!("1. A map with declared names");
    let links = keys.codec("invitation")?;
    let mut token = Token::new();
    token.cargo_mut().insert(USER_ID, 123)?; // a 123_i32 or a "123" would not compile
    token.cargo_mut().push(ROLES, "editor".to_owned())?;
    let text = links.seal(&mut token, Lifetime::days(3))?;

    let token = links.open(&text)?;
    let user = token.cargo().require(USER_ID)?; // a u64, and no annotation
    let roles = token.cargo().require(ROLES)?;
    println!("   user {user}, roles {roles:?}");
    assert_eq!((user, roles), (123, vec!["editor".to_owned()]));
    // A plain name goes with any type; whether it is the right one shows when it is read.
    let wrong = token.cargo().require::<bool>("user_id");
    assert_eq!(wrong, Err(CargoError::WrongType));
    assert_eq!(token.cargo().get::<bool>("absent")?, None);

    println!("2. A type of your own");
    let access = keys.codec("access")?;
    let claims = Claims {
        subject: "user:42".into(),
        display_name: r#"Ada "the first" Lovelace"#.into(),
        scopes: vec!["read".into()],
    };
    let text = access.seal_value(&claims, Lifetime::hours(1))?;
    let mut token: TypedToken<Claims> = access.open_value(&text)?;
    println!("   {:?}", token.value());

    token.set(claims.clone()); // equal to what is there
    println!("   set to the same: dirty {}", token.is_dirty());
    assert!(!token.is_dirty());
    token.value_mut().scopes.push("write".into());
    println!("   a scope more:    dirty {}", token.is_dirty());
    assert!(token.is_dirty());

    let text = access.reseal(&mut token)?; // the same UUID, the same expiry
    assert!(!token.is_dirty());
    let again: TypedToken<Claims> = access.open_value(&text)?;
    assert_eq!(again.uuid(), token.uuid());
    assert_eq!(again.expires_at(), token.expires_at());
    assert_eq!(again.value().scopes, ["read", "write"]);

    println!("3. Borrowed from the opened bytes");
    let (borrowed, name) = access.open_with(&text, |opened| {
        let claims: Borrowed<'_> = opened.cargo()?;
        println!("   {}: {}", claims.subject, claims.display_name);
        let borrowed = matches!(claims.display_name, Cow::Borrowed(_));
        Ok((borrowed, claims.display_name.into_owned()))
    })?;
    assert_eq!(name, claims.display_name);
    assert!(!borrowed, "its quotes are escaped in the JSON");

    // A &str in the place of that Cow refuses the quotes, and takes a name without them.
    let plain = |text: &str| {
        access.open_with(text, |opened| {
            let claims: PlainName<'_> = opened.cargo()?;
            Ok(claims.display_name.len())
        })
    };
    println!("   as &str: {:?}", plain(&text));
    assert_eq!(plain(&text), Err(OpenError::Payload));
    token.value_mut().display_name = "Ada Lovelace".into();
    let text = access.reseal(&mut token)?;
    assert_eq!(plain(&text), Ok(12));
    Ok(())
}

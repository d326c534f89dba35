//! The data that every contestant seals: a struct for each of three sizes.
//!
//! A size is the length of the data's own JSON, without claims. [`assert_sizes`] checks the sizes
//! to the byte before every measurement.

use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Data that every contestant can seal: a struct or a map.
pub trait Plain: Serialize + DeserializeOwned + Clone + PartialEq + Debug + 'static {}

impl<T: Serialize + DeserializeOwned + Clone + PartialEq + Debug + 'static> Plain for T {}

/// A struct that can be opened owned or borrowed.
pub trait Payload: Plain {
    /// The same fields, with strings borrowed from the decrypted bytes.
    type Borrowed<'a>: Deserialize<'a> + Debug;

    /// Copies a borrowed value, for comparison in the checks.
    fn from_borrowed(borrowed: &Self::Borrowed<'_>) -> Self;
}

/// 63 bytes: the data of a password-reset link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResetLink {
    pub user_id: u64,
    pub email: String,
    pub purpose: String,
}

#[derive(Debug, Deserialize)]
pub struct ResetLinkRef<'a> {
    pub user_id: u64,
    pub email: &'a str,
    pub purpose: &'a str,
}

impl Payload for ResetLink {
    type Borrowed<'a> = ResetLinkRef<'a>;

    fn from_borrowed(borrowed: &ResetLinkRef<'_>) -> Self {
        Self {
            user_id: borrowed.user_id,
            email: borrowed.email.into(),
            purpose: borrowed.purpose.into(),
        }
    }
}

pub fn reset_link() -> ResetLink {
    ResetLink {
        user_id: 4_815_162,
        email: "ada@example.com".into(),
        purpose: "reset".into(),
    }
}

/// 340 bytes: the data of a signed-in session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    pub user_id: u64,
    pub name: String,
    pub email: String,
    pub tenant: String,
    pub roles: Vec<String>,
    pub locale: String,
    pub csrf: String,
    pub signed_in_at: u64,
    pub mfa: bool,
    pub theme: Option<String>,
    pub device: String,
}

#[derive(Debug, Deserialize)]
pub struct SessionRef<'a> {
    pub user_id: u64,
    pub name: &'a str,
    pub email: &'a str,
    pub tenant: &'a str,
    #[serde(borrow)]
    pub roles: Vec<&'a str>,
    pub locale: &'a str,
    pub csrf: &'a str,
    pub signed_in_at: u64,
    pub mfa: bool,
    pub theme: Option<&'a str>,
    pub device: &'a str,
}

impl Payload for Session {
    type Borrowed<'a> = SessionRef<'a>;

    fn from_borrowed(borrowed: &SessionRef<'_>) -> Self {
        Self {
            user_id: borrowed.user_id,
            name: borrowed.name.into(),
            email: borrowed.email.into(),
            tenant: borrowed.tenant.into(),
            roles: borrowed.roles.iter().map(|&role| role.into()).collect(),
            locale: borrowed.locale.into(),
            csrf: borrowed.csrf.into(),
            signed_in_at: borrowed.signed_in_at,
            mfa: borrowed.mfa,
            theme: borrowed.theme.map(Into::into),
            device: borrowed.device.into(),
        }
    }
}

pub fn session() -> Session {
    Session {
        user_id: 4_815_162,
        name: "Ada K Lovelace".into(),
        email: "ada.lovelace@example.com".into(),
        tenant: "analytical-engines".into(),
        roles: ["editor", "billing", "auditor"].map(Into::into).into(),
        locale: "en-GB".into(),
        csrf: "q7Zr0Yt3Kc9VnB5xLm2WsD8hJf6GpA4e".into(),
        signed_in_at: 1_767_225_600,
        mfa: true,
        theme: Some("dark".into()),
        device: "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0".into(),
    }
}

/// 2.9 KiB (2,944 bytes): a session cookie that also holds a basket. Sealed, it comes close to
/// the 4,096 characters that a browser accepts, including the cookie's name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Basket {
    pub session: Session,
    pub currency: String,
    pub coupon: Option<String>,
    pub lines: Vec<Line>,
    pub note: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub sku: String,
    pub title: String,
    pub quantity: u32,
    pub cents: u64,
    pub gift: bool,
}

#[derive(Debug, Deserialize)]
pub struct BasketRef<'a> {
    #[serde(borrow)]
    pub session: SessionRef<'a>,
    pub currency: &'a str,
    pub coupon: Option<&'a str>,
    #[serde(borrow)]
    pub lines: Vec<LineRef<'a>>,
    pub note: &'a str,
}

#[derive(Debug, Deserialize)]
pub struct LineRef<'a> {
    pub sku: &'a str,
    pub title: &'a str,
    pub quantity: u32,
    pub cents: u64,
    pub gift: bool,
}

impl Payload for Basket {
    type Borrowed<'a> = BasketRef<'a>;

    fn from_borrowed(borrowed: &BasketRef<'_>) -> Self {
        let lines = borrowed.lines.iter().map(|line| Line {
            sku: line.sku.into(),
            title: line.title.into(),
            quantity: line.quantity,
            cents: line.cents,
            gift: line.gift,
        });
        Self {
            session: Session::from_borrowed(&borrowed.session),
            currency: borrowed.currency.into(),
            coupon: borrowed.coupon.map(Into::into),
            lines: lines.collect(),
            note: borrowed.note.into(),
        }
    }
}

pub fn basket() -> Basket {
    let lines = (0..28_u64).map(|index| Line {
        sku: format!("AE-{:05}", 10_007 + index * 131),
        title: format!("Brass gear, {:03} teeth", 12 + index * 7),
        quantity: 1 + (index % 4) as u32,
        cents: 1_250 + index * 35,
        gift: index % 5 == 0,
    });
    Basket {
        session: session(),
        currency: "EUR".into(),
        coupon: Some("SPRING-25".into()),
        lines: lines.collect(),
        note: "Leave it with no. 12".into(),
    }
}

/// 100 bytes: the data of `--lengths`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    pub id: String,
    pub role: String,
    pub tenant: String,
    pub email: String,
}

#[derive(Debug, Deserialize)]
pub struct IdentityRef<'a> {
    pub id: &'a str,
    pub role: &'a str,
    pub tenant: &'a str,
    pub email: &'a str,
}

impl Payload for Identity {
    type Borrowed<'a> = IdentityRef<'a>;

    fn from_borrowed(borrowed: &IdentityRef<'_>) -> Self {
        Self {
            id: borrowed.id.into(),
            role: borrowed.role.into(),
            tenant: borrowed.tenant.into(),
            email: borrowed.email.into(),
        }
    }
}

pub fn identity() -> Identity {
    Identity {
        id: "6f1c2c1e-8a53-4c1b-9d0e-2b7f5a90c3d4".into(),
        role: "dev".into(),
        tenant: "acme".into(),
        email: "ada@example.com".into(),
    }
}

/// The same data as a map, for callers without a struct.
pub fn as_map<T: Payload>(data: &T) -> Value {
    serde_json::to_value(data).expect("the payloads are plain JSON")
}

/// Panics unless every payload's JSON has the length that the tables state.
pub fn assert_sizes() {
    fn json_len<T: Payload>(data: &T) -> usize {
        serde_json::to_vec(data).map_or(0, |json| json.len())
    }
    assert_eq!(json_len(&reset_link()), 63, "the reset link");
    assert_eq!(json_len(&session()), 340, "the session");
    assert_eq!(json_len(&basket()), 2_944, "the basket");
    assert_eq!(json_len(&identity()), 100, "the identity");
}

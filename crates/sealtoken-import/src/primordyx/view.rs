//! A token in the framework's own JSON.

use sealtoken::{Lifetime, Token, UnixTime, Value, Zone};
use serde::{Serialize, Serializer};

/// A token with the names that Primordyx uses in `asArray` and `asJson`, for code and logs that
/// expect them.
///
/// Write it with any serializer. [`Token::to_json`] does the same with the names of this crate.
///
/// ```
/// use sealtoken::{Key, KeyRing, Lifetime, Token};
/// use sealtoken_import::PrimordyxView;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let codec = KeyRing::new(Key::generate()).codec("demo")?;
/// let mut token = Token::new();
/// token.cargo_mut().insert("user_id", 123)?;
/// codec.seal(&mut token, Lifetime::hours(1))?;
///
/// println!("{}", serde_json::to_string(&PrimordyxView::basic(&token))?);
/// // {"timestamp":1763755200,"seconds_to_expire":3600,"custom":{"user_id":123}}
/// println!("{}", serde_json::to_string_pretty(&PrimordyxView::with_extras(&token))?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
#[must_use = "this shows nothing until it is serialized"]
pub struct PrimordyxView<'a> {
    token: &'a Token,
    extras: bool,
    sealed: bool,
    zone: Zone,
    now: Option<UnixTime>,
}

impl<'a> PrimordyxView<'a> {
    /// `timestamp`, `seconds_to_expire` (`null` for never) and `custom`.
    pub fn basic(token: &'a Token) -> Self {
        Self {
            token,
            extras: false,
            sealed: false,
            zone: Zone::UTC,
            now: None,
        }
    }

    /// The basic members and eight more: `uuid`, `current_time`, `expires_at`, `is_expired`,
    /// `encryption_is_valid`, `is_dirty`, `cargo_is_dirty` and `cargo_dump`. The ninth,
    /// `shareable_token`, comes only [with the text](PrimordyxView::with_sealed_text).
    pub fn with_extras(token: &'a Token) -> Self {
        Self {
            extras: true,
            ..Self::basic(token)
        }
    }

    /// Shows the sealed text as well, as `shareable_token`.
    ///
    /// # Security
    ///
    /// The text is a bearer secret: anyone who reads the log can use the token.
    pub fn with_sealed_text(mut self) -> Self {
        self.sealed = true;
        self
    }

    /// The time zone; UTC unless set.
    pub fn in_zone(mut self, zone: impl Into<Zone>) -> Self {
        self.zone = zone.into();
        self
    }

    /// The time in `current_time`; the present unless set.
    pub fn at(mut self, now: impl Into<UnixTime>) -> Self {
        self.now = Some(now.into());
        self
    }

    fn members(&self) -> Vec<(&'static str, Value)> {
        let token = self.token;
        let issued_at = token.issued_at();
        let lifetime = token.lifetime().and_then(Lifetime::as_duration);
        let mut members: Vec<(_, Value)> = vec![
            ("timestamp", issued_at.map(UnixTime::as_secs).into()),
            (
                "seconds_to_expire",
                lifetime.map(|lifetime| lifetime.as_secs()).into(),
            ),
            ("custom", token.cargo().into()),
        ];
        if self.extras {
            let now = self.now.unwrap_or_else(UnixTime::now);
            let text = |moment: UnixTime| self.zone.text(moment);
            members.extend([
                ("uuid", token.uuid().to_string().into()),
                ("current_time", text(now).into()),
                ("expires_at", token.expires_at().map(text).into()),
                ("is_expired", token.is_expired().into()),
                ("encryption_is_valid", token.is_valid().into()),
                ("is_dirty", token.is_dirty().into()),
                ("cargo_is_dirty", token.cargo().is_dirty().into()),
                ("cargo_dump", token.cargo().into()),
            ]);
        }
        if self.sealed {
            members.push(("shareable_token", token.sealed().into()));
        }
        members
    }
}

/// In the order of that framework.
impl Serialize for PrimordyxView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.members())
    }
}

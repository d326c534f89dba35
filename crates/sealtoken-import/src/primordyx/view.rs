//! A token in the framework's own JSON.

use sealtoken::{Lifetime, Token, UnixTime, Value, Zone};
use serde::ser::{Serialize, SerializeMap as _, Serializer};

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
/// println!("{}", serde_json::to_string(&PrimordyxView::new(&token))?);
/// // {"timestamp":1763755200,"seconds_to_expire":3600,"custom":{"user_id":123}}
/// println!("{}", serde_json::to_string_pretty(&PrimordyxView::new(&token).with_extras())?);
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
    pub fn new(token: &'a Token) -> Self {
        Self {
            token,
            extras: false,
            sealed: false,
            zone: Zone::UTC,
            now: None,
        }
    }

    /// Shows eight more: `uuid`, `current_time`, `expires_at`, `is_expired`, `encryption_is_valid`,
    /// `is_dirty`, `cargo_is_dirty` and `cargo_dump`. The ninth, `shareable_token`, comes only
    /// [with the text](PrimordyxView::with_sealed_text).
    pub fn with_extras(mut self) -> Self {
        self.extras = true;
        self
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

    /// The time zone. Default: UTC.
    pub fn in_zone(mut self, zone: impl Into<Zone>) -> Self {
        self.zone = zone.into();
        self
    }

    /// The time in `current_time`. Default: the present.
    pub fn at(mut self, now: impl Into<UnixTime>) -> Self {
        self.now = Some(now.into());
        self
    }
}

/// In the order of that framework.
impl Serialize for PrimordyxView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (token, cargo) = (self.token, self.token.cargo());
        let lifetime = token.lifetime().and_then(Lifetime::as_duration);

        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("timestamp", &token.issued_at().map(UnixTime::as_secs))?;
        map.serialize_entry(
            "seconds_to_expire",
            &lifetime.map(|lifetime| lifetime.as_secs()),
        )?;
        map.serialize_entry("custom", &Value::from(cargo))?;
        if self.extras {
            let now = self.now.unwrap_or_else(UnixTime::now);
            let text = |moment: UnixTime| self.zone.text(moment);
            map.serialize_entry("uuid", &token.uuid().to_string())?;
            map.serialize_entry("current_time", &text(now))?;
            map.serialize_entry("expires_at", &token.expires_at().map(text))?;
            map.serialize_entry("is_expired", &token.is_expired())?;
            map.serialize_entry("encryption_is_valid", &token.is_valid())?;
            map.serialize_entry("is_dirty", &token.is_dirty())?;
            map.serialize_entry("cargo_is_dirty", &cargo.is_dirty())?;
            map.serialize_entry("cargo_dump", &Value::from(cargo))?;
        }
        if self.sealed {
            map.serialize_entry("shareable_token", &token.sealed())?;
        }
        map.end()
    }
}

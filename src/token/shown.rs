//! A token as JSON, for people and logs.

use serde::{Serialize, Serializer};

use crate::crypto::clock::UnixTime;

use super::cargo::Value;
use super::state::Token;
use super::times::Lifetime;
use super::zone::Zone;

/// How [`Token::to_json`] shows a token. Default: on one line, times in UTC, and without the sealed
/// text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[must_use = "this is an option of `Token::to_json`"]
pub struct JsonFormat {
    pretty: bool,
    sealed: bool,
    zone: Zone,
}

impl JsonFormat {
    /// Over several lines, indented.
    pub fn pretty(mut self) -> Self {
        self.pretty = true;
        self
    }

    /// The zone of times.
    pub fn in_zone(mut self, zone: impl Into<Zone>) -> Self {
        self.zone = zone.into();
        self
    }

    /// Shows the sealed text as well, as `sealed`.
    ///
    /// # Security
    ///
    /// The text is a bearer secret: whoever reads the log can use the token.
    pub fn with_sealed_text(mut self) -> Self {
        self.sealed = true;
        self
    }
}

impl Token {
    /// The token as JSON, for logs and debugging: its UUID, times and states, and the cargo.
    ///
    /// `lifetime` is in seconds. It and the times are `null` in a token that was never sealed;
    /// `lifetime` and `expires_at` also in one that never expires. `now` and `is_expired` are by
    /// the clock of the codec that sealed or opened the token.
    ///
    /// ```
    /// use sealtoken::{JsonFormat, Key, KeyRing, Lifetime, Token};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let codec = KeyRing::new(Key::generate()).codec("demo")?;
    /// let mut token = Token::new();
    /// token.cargo_mut().insert("user_id", 123)?;
    /// codec.seal(&mut token, Lifetime::hours(1))?;
    ///
    /// println!("{}", token.to_json(JsonFormat::default().pretty()));
    /// // {
    /// //   "uuid": "2f0c6b1e-8d5f-4a53-9d55-5a1f9f5f4f0e",
    /// //   "issued_at": "2025-11-21T20:00:00Z",
    /// //   "lifetime": 3600,
    /// //   "not_before": null,
    /// //   "expires_at": "2025-11-21T21:00:00Z",
    /// //   "now": "2025-11-21T20:00:00Z",
    /// //   "is_valid": true,
    /// //   "is_expired": false,
    /// //   "is_dirty": false,
    /// //   "cargo_is_dirty": false,
    /// //   "cargo": {
    /// //     "user_id": 123
    /// //   }
    /// // }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn to_json(&self, format: JsonFormat) -> String {
        let members = InOrder(self.members(format));
        let written = if format.pretty {
            serde_json::to_string_pretty(&members)
        } else {
            serde_json::to_string(&members)
        };
        // A value holds nothing that JSON cannot.
        written.unwrap_or_default()
    }

    fn members(&self, format: JsonFormat) -> Vec<(&'static str, Value)> {
        let text = |moment: UnixTime| format.zone.text(moment);
        let lifetime = self.lifetime().and_then(Lifetime::as_duration);
        let lifetime = lifetime.map(|lifetime| lifetime.as_secs());
        let mut members: Vec<(_, Value)> = vec![
            ("uuid", self.uuid().to_string().into()),
            ("issued_at", or_null(self.issued_at().map(text))),
            ("lifetime", or_null(lifetime)),
            ("not_before", or_null(self.not_before().map(text))),
            ("expires_at", or_null(self.expires_at().map(text))),
            ("now", text(self.clock().now()).into()),
            ("is_valid", self.is_valid().into()),
            ("is_expired", self.is_expired().into()),
            ("is_dirty", self.is_dirty().into()),
            ("cargo_is_dirty", self.cargo().is_dirty().into()),
            ("cargo", self.cargo().into()),
        ];
        if format.sealed {
            members.push(("sealed", or_null(self.sealed())));
        }
        members
    }
}

fn or_null(value: Option<impl Into<Value>>) -> Value {
    value.map_or(Value::Null, Into::into)
}

/// Members in the order in which they are listed. A map of values would sort them.
struct InOrder(Vec<(&'static str, Value)>);

impl Serialize for InOrder {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

//! What a cargo entry can hold, and which entries expire.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;

use zeroize::Zeroize as _;

use super::error::CargoError;

/// A JSON value: what an entry of a [`Cargo`](super::Cargo) holds.
///
/// Text is wiped when dropped, and `Debug` shows no content.
///
/// ```
/// use sealtoken::Value;
///
/// # fn main() -> Result<(), sealtoken::CargoError> {
/// let list = vec![Value::from(1_u64), Value::try_from(2.5)?, Value::from("x")];
/// let value = Value::Object([("list", Value::Array(list))].into_iter().collect());
/// assert_eq!(serde_json::to_string(&value).ok().as_deref(), Some(r#"{"list":[1,2.5,"x"]}"#));
/// assert_eq!(format!("{value:?}"), "Object(1)");
/// assert!(Value::try_from(f64::NAN).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Default)]
pub enum Value {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer or a finite floating-point number.
    Number(Number),
    /// Text.
    String(Text),
    /// A list.
    Array(Vec<Value>),
    /// A map with distinct names.
    Object(Object),
}

/// A map of values with distinct names. `collect` makes one; of equal names it keeps the last.
#[derive(Clone, PartialEq, Default)]
pub struct Object(pub(super) Entries);

/// Values by their names.
pub(super) type Entries = BTreeMap<Text, Value>;

impl Object {
    /// The value with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// How many values it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<Text>> FromIterator<(N, Value)> for Object {
    fn from_iter<I: IntoIterator<Item = (N, Value)>>(entries: I) -> Self {
        let entries = entries.into_iter();
        Self(entries.map(|(name, value)| (name.into(), value)).collect())
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Object({})", self.len())
    }
}

/// A number that JSON can hold: an integer in `i64::MIN..=u64::MAX`, or a finite `f64`.
///
/// `1` and `1.0` are different numbers, and each comes back as itself.
#[derive(Clone, Copy, PartialEq)]
pub struct Number(Inner);

/// Each integer has one representation, so derived equality is numeric equality.
#[derive(Clone, Copy)]
pub(super) enum Inner {
    Natural(u64),
    Negative(i64),
    Float(f64),
}

impl PartialEq for Inner {
    /// Floats compare by their bits: `0.0` and `-0.0` are different cargo.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Natural(a), Self::Natural(b)) => a == b,
            (Self::Negative(a), Self::Negative(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            _ => false,
        }
    }
}

impl Number {
    /// The number as `u64`, if it is an integer in that range.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match self.0 {
            Inner::Natural(n) => Some(n),
            _ => None,
        }
    }

    /// The number as `i64`, if it is an integer in that range.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self.0 {
            Inner::Natural(n) => i64::try_from(n).ok(),
            Inner::Negative(n) => Some(n),
            Inner::Float(_) => None,
        }
    }

    /// The number as `f64`, if it is a floating-point number.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self.0 {
            Inner::Float(n) => Some(n),
            _ => None,
        }
    }

    pub(super) fn inner(self) -> Inner {
        self.0
    }
}

impl From<u64> for Number {
    fn from(n: u64) -> Self {
        Self(Inner::Natural(n))
    }
}

impl From<i64> for Number {
    fn from(n: i64) -> Self {
        Self(u64::try_from(n).map_or(Inner::Negative(n), Inner::Natural))
    }
}

impl TryFrom<f64> for Number {
    type Error = CargoError;

    /// # Errors
    ///
    /// [`CargoError::NotFinite`] for NaN and infinities.
    fn try_from(n: f64) -> Result<Self, CargoError> {
        if n.is_finite() {
            Ok(Self(Inner::Float(n)))
        } else {
            Err(CargoError::NotFinite)
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Number")
    }
}

/// Text that is wiped when dropped and never shown by `Debug`.
///
/// It derefs to `str`; `String::from` copies it out.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Text(String);

impl Drop for Text {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&Text> for String {
    fn from(text: &Text) -> Self {
        text.to_string()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text")
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Number(value.into())
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Number(value.into())
    }
}

impl TryFrom<f64> for Value {
    type Error = CargoError;

    /// # Errors
    ///
    /// [`CargoError::NotFinite`] for NaN and infinities.
    fn try_from(value: f64) -> Result<Self, CargoError> {
        value.try_into().map(Self::Number)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value.into())
    }
}

impl fmt::Debug for Value {
    /// Prints the kind and size of the value, but no content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Bool(_) => f.write_str("Bool"),
            Self::Number(_) => f.write_str("Number"),
            Self::String(_) => f.write_str("String"),
            Self::Array(values) => write!(f, "Array({})", values.len()),
            Self::Object(values) => values.fmt(f),
        }
    }
}

/// The entries of a token that expire, each with its second.
pub(crate) type Expiries = Vec<(Text, i64)>;

/// The second at which an entry expires, for those that do.
#[derive(Clone, Default)]
pub(super) struct EntryExpiries(BTreeMap<Text, i64>);

impl EntryExpiries {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn get(&self, name: &str) -> Option<i64> {
        self.0.get(name).copied()
    }

    pub(super) fn set(&mut self, name: &str, second: i64) {
        self.0.insert(name.into(), second);
    }

    pub(super) fn unset(&mut self, name: &str) -> Option<i64> {
        self.0.remove(name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, i64)> {
        self.0.iter().map(|(name, second)| (&**name, *second))
    }

    pub(super) fn retain(&mut self, mut keep: impl FnMut(&str, i64) -> bool) {
        self.0.retain(|name, second| keep(name, *second));
    }
}

impl From<Expiries> for EntryExpiries {
    fn from(expiries: Expiries) -> Self {
        Self(expiries.into_iter().collect())
    }
}

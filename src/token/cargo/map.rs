//! The map itself: entries in and out.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::crypto::clock::{ClockSource, Expiry, UnixTime};
use crate::crypto::scratch::Scratch;
use crate::crypto::st1::StateId;
use crate::token::json::{Unwritable, depth, write_entry};

use super::error::CargoError;
use super::key::CargoName;
use super::read::{LEVELS, read_value};
use super::value::{Entries, EntryExpiries, Expiries, Value};
use super::writing::has_only;

/// A map of typed entries, which knows whether it was changed.
///
/// Entries are named by text or by a [`CargoKey`](crate::CargoKey). A value goes in as any
/// `Serialize` type and comes out as any `Deserialize` type that fits; text can be borrowed. An
/// entry can expire by itself: from then on no method sees it.
///
/// ```
/// use sealtoken::Cargo;
///
/// # fn main() -> Result<(), sealtoken::CargoError> {
/// let mut cargo = Cargo::new();
/// cargo.insert("user_id", 123)?;
/// cargo.insert("name", "Ada")?;
/// cargo.push("roles", "admin")?;
///
/// let id: u64 = cargo.require("user_id")?;
/// let name: &str = cargo.require("name")?;
/// let roles = cargo.require::<Vec<String>>("roles")?;
/// assert_eq!((id, name, roles.len()), (123, "Ada", 1));
/// assert_eq!(cargo.get::<bool>("seen")?, None);
/// assert_eq!(cargo.get_or("seen", false)?, false);
/// # Ok(())
/// # }
/// ```
///
/// # Security
///
/// Text is wiped when it is dropped, and `Debug` shows neither names nor values. Do not copy
/// entries that a browser must not see into plain cookies.
#[derive(Clone, Default)]
pub struct Cargo {
    pub(super) values: Entries,
    pub(super) expiries: EntryExpiries,
    pub(super) dirty: bool,
    /// The state of the token that it was sealed or opened in. Another cargo in its place has
    /// another one.
    pub(super) state: StateId,
    pub(super) clock: ClockSource,
}

impl Cargo {
    /// An empty cargo, clean.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The entry as a `T`, or `None` if it does not exist.
    ///
    /// # Errors
    ///
    /// [`CargoError::WrongType`] if the entry is not a `T`, or serde cannot read it back: see
    /// [`insert`](Cargo::insert).
    pub fn get<'a, T: Deserialize<'a>>(
        &'a self,
        name: impl CargoName<T>,
    ) -> Result<Option<T>, CargoError> {
        self.value(name.as_ref()).map(T::deserialize).transpose()
    }

    /// The entry as a `T`, or `default` if it does not exist.
    ///
    /// # Errors
    ///
    /// [`CargoError::WrongType`] if the entry exists and is not a `T`.
    pub fn get_or<'a, T: Deserialize<'a>>(
        &'a self,
        name: impl CargoName<T>,
        default: T,
    ) -> Result<T, CargoError> {
        self.get(name).map(|value| value.unwrap_or(default))
    }

    /// The entry as a `T`.
    ///
    /// # Errors
    ///
    /// [`CargoError::Missing`] if it does not exist, [`CargoError::WrongType`] if it is not a `T`.
    pub fn require<'a, T: Deserialize<'a>>(
        &'a self,
        name: impl CargoName<T>,
    ) -> Result<T, CargoError> {
        self.get(name)?.ok_or(CargoError::Missing)
    }

    /// The entry's value as it is, or `None` if it does not exist.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name).filter(|_| self.is_live(name))
    }

    /// Whether the entry exists. One that holds `null` does.
    #[must_use]
    pub fn contains(&self, name: impl AsRef<str>) -> bool {
        self.value(name.as_ref()).is_some()
    }

    /// Sets the entry to `value` without an expiry, and returns the previous value.
    ///
    /// The cargo is dirty afterwards unless the entry was the same before.
    ///
    /// # Errors
    ///
    /// [`CargoError::NotFinite`] for NaN and infinities at any depth, [`CargoError::TooDeep`]
    /// beyond 64 levels, [`CargoError::DuplicateName`] for a name that occurs twice,
    /// [`CargoError::NestedExpiry`] for a map with entries that expire, and
    /// [`CargoError::Unsupported`] for anything else that a cargo cannot hold. The cargo is then
    /// unchanged.
    ///
    /// # Types that serde reads back differently
    ///
    /// A cargo takes, and [`get`](Cargo::get) reads back as the same type: a map with numbers or
    /// booleans for keys, and an integer of a 128-bit type that fits 64 bits. Under
    /// `#[serde(flatten)]`, `tag` and `untagged`, serde reads neither back, and nothing shows here
    /// that they are in use: `get` then answers [`WrongType`](CargoError::WrongType). A `Some`
    /// around a null is a null: `Some(None)` comes back as `None`. And a `serde_json::Value` reads
    /// an object whose only entry is named `$serde_json::private::RawValue` as the JSON in its
    /// text: read user-supplied data as a [`Value`] of this crate.
    /// [`Codec::seal_value`](crate::Codec::seal_value) lists what else serde does not show.
    pub fn insert<T: Serialize>(
        &mut self,
        name: impl CargoName<T>,
        value: T,
    ) -> Result<Option<Value>, CargoError> {
        let value = to_value(&value)?;
        Ok(self.put(name.as_ref(), value, None))
    }

    /// Sets the entry to `value`, which expires: see [`set_expiry`](Cargo::set_expiry).
    ///
    /// # Errors
    ///
    /// As for [`insert`](Cargo::insert); and [`CargoError::Expiry`] for a lifetime of zero and for
    /// a moment before 1970 or after 9999.
    ///
    /// ```
    /// use std::time::Duration;
    /// use sealtoken::Cargo;
    ///
    /// # fn main() -> Result<(), sealtoken::CargoError> {
    /// let mut cargo = Cargo::new();
    /// cargo.insert_with_expiry("mfa", true, Duration::from_secs(300))?;
    /// assert!(cargo.contains("mfa"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn insert_with_expiry<T: Serialize>(
        &mut self,
        name: impl CargoName<T>,
        value: T,
        expiry: impl Into<Expiry>,
    ) -> Result<Option<Value>, CargoError> {
        let expiry = self.second_of(expiry.into())?;
        let value = to_value(&value)?;
        Ok(self.put(name.as_ref(), value, expiry))
    }

    fn put(&mut self, name: &str, value: Value, expiry: Option<i64>) -> Option<Value> {
        let before = self.drop_entry(name);
        let same = before
            .as_ref()
            .is_some_and(|(old, old_expiry)| *old == value && *old_expiry == expiry);
        self.dirty |= !same;
        self.values.insert(name.into(), value);
        if let Some(second) = expiry {
            self.expiries.set(name, second);
        }
        before.map(|(value, _)| value)
    }

    /// Takes the entry out with its expiry. One that has expired is removed, too, but not returned.
    fn drop_entry(&mut self, name: &str) -> Option<(Value, Option<i64>)> {
        let live = self.is_live(name);
        let expiry = self.expiries.unset(name);
        self.values
            .remove(name)
            .filter(|_| live)
            .map(|value| (value, expiry))
    }

    /// Whether the entry, if it exists, has not expired.
    pub(super) fn is_live(&self, name: &str) -> bool {
        self.expiries.is_empty()
            || self
                .expiries
                .get(name)
                .is_none_or(|second| second > self.clock.now().as_secs())
    }

    /// Removes the entry, and returns whether it existed.
    pub fn remove(&mut self, name: impl AsRef<str>) -> bool {
        let removed = self.drop_entry(name.as_ref()).is_some();
        self.dirty |= removed;
        removed
    }

    /// Removes the entry and returns it as a `T`, or `None` if it does not exist.
    ///
    /// # Errors
    ///
    /// [`CargoError::WrongType`] if it is not a `T`; the entry then stays.
    ///
    /// ```
    /// use sealtoken::Cargo;
    ///
    /// # fn main() -> Result<(), sealtoken::CargoError> {
    /// let mut cargo: Cargo = r#"{"flash":"saved"}"#.parse()?;
    /// assert_eq!(cargo.take::<String>("flash")?.as_deref(), Some("saved"));
    /// assert!(!cargo.contains("flash"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn take<T: DeserializeOwned>(
        &mut self,
        name: impl CargoName<T>,
    ) -> Result<Option<T>, CargoError> {
        let name = name.as_ref();
        let value = self.value(name).map(T::deserialize).transpose()?;
        self.remove(name);
        Ok(value)
    }

    /// The entry as a `T`. If it does not exist, it is set to what `make` returns.
    ///
    /// # Errors
    ///
    /// [`CargoError::WrongType`] if it exists and is not a `T`; otherwise as for
    /// [`insert`](Cargo::insert).
    ///
    /// ```
    /// use sealtoken::Cargo;
    ///
    /// # fn main() -> Result<(), sealtoken::CargoError> {
    /// let mut cargo = Cargo::new();
    /// assert_eq!(cargo.get_or_insert_with("visits", || 1)?, 1);
    /// assert_eq!(cargo.get_or_insert_with("visits", || 9)?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_or_insert_with<T: Serialize + DeserializeOwned>(
        &mut self,
        name: impl CargoName<T>,
        make: impl FnOnce() -> T,
    ) -> Result<T, CargoError> {
        let name = name.as_ref();
        if let Some(value) = self.value(name) {
            return T::deserialize(value);
        }
        let made = make();
        self.put(name, to_value(&made)?, None);
        Ok(made)
    }

    /// Appends `value` to the list in the entry, or makes it a list of one if it does not exist.
    /// Its expiry stays.
    ///
    /// # Errors
    ///
    /// [`CargoError::WrongType`] if the entry is not a list; otherwise as for
    /// [`insert`](Cargo::insert).
    ///
    /// ```
    /// use sealtoken::Cargo;
    ///
    /// # fn main() -> Result<(), sealtoken::CargoError> {
    /// let mut cargo = Cargo::new();
    /// cargo.push("roles", "reader")?;
    /// cargo.push("roles", "writer")?;
    /// assert_eq!(cargo.require::<Vec<&str>>("roles")?, ["reader", "writer"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn push<T: Serialize>(
        &mut self,
        name: impl CargoName<Vec<T>>,
        value: T,
    ) -> Result<(), CargoError> {
        let name = name.as_ref();
        let value = to_value_at(&value, LEVELS_OF_ELEMENTS)?;
        if !self.is_live(name) {
            self.drop_entry(name);
        }
        match self.values.get_mut(name) {
            Some(Value::Array(values)) => values.push(value),
            Some(_) => return Err(CargoError::WrongType),
            None => {
                self.values.insert(name.into(), Value::Array(vec![value]));
            }
        }
        self.dirty = true;
        Ok(())
    }

    /// Copies the entries of `other` with their expiries, and returns how many changed this cargo.
    ///
    /// ```
    /// use sealtoken::{Cargo, Merge};
    ///
    /// # fn main() -> Result<(), sealtoken::CargoError> {
    /// let mut cargo: Cargo = r#"{"theme":"dark"}"#.parse()?;
    /// let defaults: Cargo = r#"{"theme":"light","size":12}"#.parse()?;
    /// assert_eq!(cargo.merge(&defaults, Merge::Keep), 1);
    /// assert_eq!(cargo.require::<&str>("theme")?, "dark");
    /// # Ok(())
    /// # }
    /// ```
    pub fn merge(&mut self, other: &Cargo, conflicts: Merge) -> usize {
        let mut changed = 0_usize;
        for (name, value) in other {
            let expiry = other.expiries.get(name);
            let same = self.value(name) == Some(value) && self.expiries.get(name) == expiry;
            if same || (conflicts == Merge::Keep && self.contains(name)) {
                continue;
            }
            self.put(name, value.clone(), expiry);
            changed = changed.saturating_add(1);
        }
        changed
    }

    /// Replaces all entries by those of `other`, with their expiries.
    ///
    /// The cargo is dirty afterwards unless it held the same before.
    pub fn replace(&mut self, other: Cargo) {
        self.dirty |= *self != other;
        self.values = other.values;
        self.expiries = other.expiries;
    }

    /// Removes every entry.
    pub fn clear(&mut self) {
        self.replace(Self::new());
    }

    /// The number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        if self.expiries.is_empty() {
            self.values.len()
        } else {
            self.iter().count()
        }
    }

    /// Whether it has no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the cargo was changed since it was made, sealed, opened or set clean.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// Marks the cargo as unchanged.
    pub fn set_clean(&mut self) {
        self.dirty = false;
    }

    /// Adds the expiries of entries to a cargo that a codec read.
    pub(crate) fn with_expiries(mut self, expiries: Expiries) -> Self {
        self.expiries = expiries.into();
        self
    }

    /// Notes that it was sealed or opened as it is at `now`, in this state of its token.
    pub(crate) fn now_sealed(&mut self, now: UnixTime, clock: &ClockSource, state: StateId) {
        if !self.expiries.is_empty() {
            self.remove_expired_at(now);
        }
        self.clock = clock.clone();
        self.state = state;
        self.dirty = false;
    }

    /// Whether it differs from what was sealed or opened in this state.
    pub(crate) fn differs_from(&self, state: StateId) -> bool {
        self.dirty || self.state != state
    }
}

/// What [`Cargo::merge`] does with an entry that both sides have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Merge {
    /// Keeps this cargo's entry.
    Keep,
    /// Takes the other cargo's entry.
    Overwrite,
}

/// The token's object and the cargo's surround a value; a list surrounds an element as well.
const LEVELS_OF_VALUES: usize = LEVELS - 2;
const LEVELS_OF_ELEMENTS: usize = LEVELS - 3;

fn to_value<T: Serialize>(value: &T) -> Result<Value, CargoError> {
    to_value_at(value, LEVELS_OF_VALUES)
}

/// Converts through text, so that a value goes in by the same rules by which it is read.
fn to_value_at<T: Serialize>(value: &T, levels: usize) -> Result<Value, CargoError> {
    let mut scratch = Scratch::take(usize::MAX);
    // An expiry inside an entry would be lost.
    if !has_only(&[], || write_entry(&mut scratch, value))? {
        return Err(CargoError::NestedExpiry);
    }
    if !scratch.is_whole() {
        return Err(CargoError::Unsupported);
    }
    let text = str::from_utf8(scratch.as_slice()).map_err(|_| CargoError::Unsupported)?;
    if depth(text.as_bytes()) > levels {
        return Err(CargoError::TooDeep);
    }
    read_value::<LEVELS_OF_VALUES>(text).ok_or(CargoError::Unsupported)
}

impl From<Unwritable> for CargoError {
    fn from(error: Unwritable) -> Self {
        match error {
            Unwritable::NotFinite => Self::NotFinite,
            Unwritable::NameConflict => Self::DuplicateName,
            Unwritable::TooDeep => Self::TooDeep,
            Unwritable::Unsupported
            | Unwritable::WideInteger
            | Unwritable::KeyNotText
            | Unwritable::SomeNull => Self::Unsupported,
        }
    }
}

impl PartialEq for Cargo {
    /// Whether both hold the same entries with the same expiries. Dirtiness and clocks do not
    /// count.
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self
                .iter()
                .zip(other)
                .all(|((name, value), (name2, value2))| {
                    name == name2
                        && value == value2
                        && self.expiries.get(name) == other.expiries.get(name)
                })
    }
}

impl fmt::Debug for Cargo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cargo")
            .field("entries", &self.len())
            .field("dirty", &self.dirty)
            .finish_non_exhaustive()
    }
}

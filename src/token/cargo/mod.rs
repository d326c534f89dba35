//! The typed map that a token carries.

mod ends;
mod error;
mod give;
mod iter;
mod key;
mod own;
mod read;
mod reading;
mod text;
mod value;
mod writing;

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::crypto::clock::{ClockSource, UnixTime};
use crate::crypto::scratch::Scratch;
use crate::token::json::{Unwritable, depth, write_entry};

pub use error::CargoError;
pub use iter::Iter;
pub use key::{CargoKey, CargoName};
pub use value::{Number, Object, Text, Value};

pub(crate) use own::Own;
pub(crate) use reading::with_ends;
pub(crate) use writing::has_only_ends;

use ends::EntryEnds;
use read::{LEVELS, read_value};

/// A map of typed entries, which knows whether it was changed.
///
/// Entries are named by text or by a [`CargoKey`]. A value goes in as any `Serialize` type and comes out as any
/// `Deserialize` type that fits; text can be borrowed. An entry can have an end of its own: once it has
/// come, the entry is as if it were not there.
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
/// Text is wiped when it is dropped, and `Debug` shows neither names nor values. It is the cargo of a bearer
/// token all the same: what a browser must not see does not belong in plain cookies beside it.
#[derive(Clone, Default)]
pub struct Cargo {
    values: Object,
    ends: EntryEnds,
    dirty: bool,
    /// Which sealed state it belongs to, so that another cargo in its place is noticed.
    mark: Mark,
    clock: ClockSource,
}

/// One sealed or opened state of a cargo. No two are the same, but for clones; the default is of none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Mark(u64);

impl Mark {
    /// Threads take marks by the million, so that they do not meet at every token.
    fn fresh() -> Self {
        const MANY: u64 = 1 << 20;
        static TAKEN: AtomicU64 = AtomicU64::new(0);
        thread_local! {
            static LAST: Cell<u64> = const { Cell::new(0) };
        }
        LAST.with(|last| {
            if last.get().is_multiple_of(MANY) {
                last.set(TAKEN.fetch_add(MANY, Ordering::Relaxed));
            }
            last.set(last.get().wrapping_add(1));
            Self(last.get())
        })
    }
}

impl Cargo {
    /// An empty cargo, clean.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The entry as a `T`, or `None` where there is none.
    ///
    /// # Errors
    ///
    /// [`CargoError::WrongType`] when the entry is not a `T`, or not one that serde can read: see [`insert`](Cargo::insert).
    pub fn get<'a, T: Deserialize<'a>>(
        &'a self,
        name: impl CargoName<T>,
    ) -> Result<Option<T>, CargoError> {
        self.value(name.as_ref()).map(T::deserialize).transpose()
    }

    /// The entry as a `T`, or `default` where there is none.
    ///
    /// # Errors
    ///
    /// [`CargoError::WrongType`] when there is an entry and it is not a `T`.
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
    /// [`CargoError::Missing`] where there is none, [`CargoError::WrongType`] when it is not a `T`.
    pub fn require<'a, T: Deserialize<'a>>(
        &'a self,
        name: impl CargoName<T>,
    ) -> Result<T, CargoError> {
        self.get(name)?.ok_or(CargoError::Missing)
    }

    /// The entry's value as it is, or `None` where there is none.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name).filter(|_| self.is_live(name))
    }

    /// Whether there is such an entry. A `null` is one.
    #[must_use]
    pub fn contains(&self, name: impl AsRef<str>) -> bool {
        self.value(name.as_ref()).is_some()
    }

    /// Puts `value` into the entry, which then has no end, and returns what was there.
    ///
    /// The cargo is dirty afterwards unless the entry was the same before.
    ///
    /// # Errors
    ///
    /// [`CargoError::NotFinite`] for NaN and infinities at any depth, [`CargoError::TooDeep`] beyond 64 levels,
    /// [`CargoError::Name`] for a name that is there twice,
    /// [`CargoError::Ends`] for a map with entries that end, and [`CargoError::Unsupported`] for what else a cargo cannot hold. The
    /// cargo is then as it was.
    ///
    /// Taken is, and read by [`get`](Cargo::get) as the type that it was: a map with numbers or truth values for keys, and an
    /// integer of a 128-bit type that is no larger than 64 bits. Under `#[serde(flatten)]`, `tag` and `untagged` serde reads neither
    /// back, and does not show here that they are in use: `get` then answers [`WrongType`](CargoError::WrongType). A `Some` around a
    /// null is a null: what went in as `Some(None)` comes out as `None`. And a
    /// `serde_json::Value` reads an object of one entry that is named `$serde_json::private::RawValue` as the JSON in its text: read
    /// what users bring as a [`Value`] of this crate. What else
    /// serde does not show stands at [`Codec::seal_value`](crate::Codec::seal_value).
    pub fn insert<T: Serialize>(
        &mut self,
        name: impl CargoName<T>,
        value: T,
    ) -> Result<Option<Value>, CargoError> {
        let value = to_value(&value)?;
        Ok(self.put(name.as_ref(), value, None))
    }

    /// Puts `value` into the entry, which ends at `end`: by the system's clock, or by that of the codec which sealed or
    /// opened the cargo.
    ///
    /// # Errors
    ///
    /// As for [`insert`](Cargo::insert); [`CargoError::End`] for an end before 1970 or after 9999.
    ///
    /// ```
    /// use sealtoken::{Cargo, UnixTime};
    ///
    /// # fn main() -> Result<(), sealtoken::CargoError> {
    /// let mut cargo = Cargo::new();
    /// cargo.insert_until("mfa", true, UnixTime::now().saturating_add(300))?;
    /// assert!(cargo.contains("mfa"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn insert_until<T: Serialize>(
        &mut self,
        name: impl CargoName<T>,
        value: T,
        end: UnixTime,
    ) -> Result<Option<Value>, CargoError> {
        let end = ends::in_range(end)?;
        let value = to_value(&value)?;
        Ok(self.put(name.as_ref(), value, Some(end)))
    }

    fn put(&mut self, name: &str, value: Value, end: Option<i64>) -> Option<Value> {
        let before = self.drop_entry(name);
        let same = before
            .as_ref()
            .is_some_and(|(old, old_end)| *old == value && *old_end == end);
        self.dirty |= !same;
        self.values.insert(name.into(), value);
        if let Some(end) = end {
            self.ends.set(name, end);
        }
        before.map(|(value, _)| value)
    }

    /// Takes the entry out with its end; an entry that has ended is gone afterwards, and was not there.
    fn drop_entry(&mut self, name: &str) -> Option<(Value, Option<i64>)> {
        let live = self.is_live(name);
        let end = self.ends.unset(name);
        self.values
            .remove(name)
            .filter(|_| live)
            .map(|value| (value, end))
    }

    /// Removes the entry, and tells whether there was one.
    pub fn remove(&mut self, name: impl AsRef<str>) -> bool {
        let removed = self.drop_entry(name.as_ref()).is_some();
        self.dirty |= removed;
        removed
    }

    /// Removes the entry and returns it as a `T`, or `None` where there was none.
    ///
    /// # Errors
    ///
    /// [`CargoError::WrongType`] when it is not a `T`; it is then still there.
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
    pub fn take<T: serde::de::DeserializeOwned>(
        &mut self,
        name: impl CargoName<T>,
    ) -> Result<Option<T>, CargoError> {
        let name = name.as_ref();
        let value = self.value(name).map(T::deserialize).transpose()?;
        self.remove(name);
        Ok(value)
    }

    /// The entry as a `T`; where there is none, `make` makes it first.
    ///
    /// # Errors
    ///
    /// [`CargoError::WrongType`] when there is one and it is not a `T`; otherwise as for [`insert`](Cargo::insert).
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
    pub fn get_or_insert_with<T: Serialize + serde::de::DeserializeOwned>(
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

    /// Appends `value` to the list in the entry; where there is none, it becomes a list of one. An end stays.
    ///
    /// # Errors
    ///
    /// [`CargoError::WrongType`] when the entry is not a list; otherwise as for [`insert`](Cargo::insert).
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

    /// Takes over the entries of `other` with their ends, and returns how many changed this cargo.
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
            let end = other.ends.get(name);
            let same = self.value(name) == Some(value) && self.ends.get(name) == end;
            if same || (conflicts == Merge::Keep && self.contains(name)) {
                continue;
            }
            self.put(name, value.clone(), end);
            changed = changed.saturating_add(1);
        }
        changed
    }

    /// Puts the entries of `other`, with their ends, in the place of all that are here.
    ///
    /// The cargo is dirty afterwards unless it held the same before.
    pub fn replace(&mut self, other: Cargo) {
        self.dirty |= *self != other;
        self.values = other.values;
        self.ends = other.ends;
    }

    /// Removes every entry.
    pub fn clear(&mut self) {
        self.replace(Self::new());
    }

    /// The number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        if self.ends.is_empty() {
            self.values.len()
        } else {
            self.iter().count()
        }
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A copy of all entries as one value.
    #[must_use]
    pub fn dump(&self) -> Value {
        let copy = |(name, value): (&str, &Value)| (name.into(), value.clone());
        Value::Object(self.iter().map(copy).collect())
    }

    /// Whether the cargo was changed since it was made, sealed, opened or set clean.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// Forgets that the cargo was changed.
    pub fn set_clean(&mut self) {
        self.dirty = false;
    }
}

/// What happens to an entry that both sides of [`Cargo::merge`] have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// It stays as it is.
    Keep,
    /// It becomes what the other cargo has.
    Overwrite,
}

/// Around a value stand the token's object and the cargo's, around an element also its list.
const LEVELS_OF_VALUES: usize = LEVELS - 2;
const LEVELS_OF_ELEMENTS: usize = LEVELS - 3;

fn to_value<T: Serialize>(value: &T) -> Result<Value, CargoError> {
    to_value_at(value, LEVELS_OF_VALUES)
}

/// Through text, so that what goes in keeps the very rules that are kept when it is read.
fn to_value_at<T: Serialize>(value: &T, levels: usize) -> Result<Value, CargoError> {
    let mut scratch = Scratch::take(usize::MAX);
    // An end inside of an entry would be lost.
    if !has_only_ends(&[], || write_entry(&mut scratch, value))? {
        return Err(CargoError::Ends);
    }
    if !scratch.is_whole() {
        return Err(CargoError::Unsupported);
    }
    let text = str::from_utf8(scratch.as_slice()).map_err(|_| CargoError::Unsupported)?;
    if depth(text.as_bytes()) > levels {
        return Err(CargoError::TooDeep);
    }
    match read_value::<LEVELS_OF_VALUES>(text) {
        Some((value, "")) => Ok(value),
        _ => Err(CargoError::Unsupported),
    }
}

impl From<Unwritable> for CargoError {
    fn from(error: Unwritable) -> Self {
        match error {
            Unwritable::NotFinite => Self::NotFinite,
            Unwritable::Name => Self::Name,
            Unwritable::TooDeep => Self::TooDeep,
            Unwritable::Unsupported
            | Unwritable::WideInteger
            | Unwritable::KeyIsNoText
            | Unwritable::SomeNull => Self::Unsupported,
        }
    }
}

impl PartialEq for Cargo {
    /// Whether both hold the same entries with the same ends. Dirtiness and clocks do not count.
    fn eq(&self, other: &Self) -> bool {
        let with_ends = |cargo: &'_ Self, name: &str| cargo.ends.get(name);
        self.len() == other.len()
            && self
                .iter()
                .zip(other)
                .all(|((name, value), (name2, value2))| {
                    name == name2
                        && value == value2
                        && with_ends(self, name) == with_ends(other, name)
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

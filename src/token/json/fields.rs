//! Writes the fields of a struct, which must have distinct names.

use serde::Serialize;
use serde::ser::{SerializeStruct, SerializeStructVariant};

use super::checked::Nested;
use super::rules::{Place, Rules};

/// Notices when two fields may have the same name, which every reader refuses: a struct with a
/// `tag` can repeat the tag's name. The finished JSON is then checked.
pub(super) struct Fields<'c, S> {
    inner: S,
    rules: &'c Rules,
    /// Digests of the first names, which differ for most names.
    digests: [u32; 16],
    count: usize,
}

impl<'c, S> Fields<'c, S> {
    #[inline]
    pub(super) fn of(inner: S, rules: &'c Rules) -> Self {
        Self {
            inner,
            rules,
            digests: [0; 16],
            count: 0,
        }
    }

    #[inline]
    fn note(&mut self, name: &'static str) {
        let digest = digest(name.as_bytes());
        let seen = self.digests.get(..self.count).unwrap_or_default();
        let known = seen.contains(&digest);
        match self.digests.get_mut(self.count) {
            Some(free) if !known => {
                *free = digest;
                self.count = self.count.saturating_add(1);
            }
            _ => self.rules.names.set(true),
        }
    }
}

/// A digest of a name: its length and three of its bytes.
#[inline]
fn digest(name: &[u8]) -> u32 {
    let letter = |at: usize| name.get(at).copied().unwrap_or_default();
    let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
    let last = letter(name.len().saturating_sub(1));
    u32::from_le_bytes([length, letter(0), letter(name.len() / 2), last])
}

macro_rules! fields {
    ($($trait:ident),* $(,)?) => {$(
        impl<S: $trait> $trait for Fields<'_, S> {
            type Ok = S::Ok;
            type Error = S::Error;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), S::Error> {
                self.note(name);
                let value = Nested {
                    value,
                    rules: self.rules,
                    place: Place::INSIDE,
                };
                self.inner.serialize_field(name, &value)
            }

            #[inline]
            fn skip_field(&mut self, name: &'static str) -> Result<(), S::Error> {
                self.inner.skip_field(name)
            }

            #[inline]
            fn end(self) -> Result<S::Ok, S::Error> {
                self.inner.end()
            }
        }
    )*};
}

fields!(SerializeStruct, SerializeStructVariant);

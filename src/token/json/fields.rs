//! The fields of a struct that is written, each of another name.

use serde::Serialize;
use serde::ser::{SerializeStruct, SerializeStructVariant};

use super::finite::Nested;
use super::rules::{Place, Rules};

/// Notices what may be a second field of one name, which no reader takes: a struct behind a `tag` can bring the tag's name once
/// more. The JSON is then looked at in the end.
pub(super) struct Fields<'c, S> {
    inner: S,
    rules: &'c Rules,
    /// Of the first of the names, what tells most of them apart.
    marks: [u32; 16],
    count: usize,
}

impl<'c, S> Fields<'c, S> {
    #[inline]
    pub(super) fn of(inner: S, rules: &'c Rules) -> Self {
        Self {
            inner,
            rules,
            marks: [0; 16],
            count: 0,
        }
    }

    #[inline]
    fn note(&mut self, name: &'static str) {
        let mark = mark(name.as_bytes());
        let seen = self.marks.get(..self.count).unwrap_or_default();
        let known = seen.contains(&mark);
        match self.marks.get_mut(self.count) {
            Some(free) if !known => {
                *free = mark;
                self.count = self.count.saturating_add(1);
            }
            _ => self.rules.names.set(true),
        }
    }
}

/// The same for equal names: the length, and three of the letters.
#[inline]
fn mark(name: &[u8]) -> u32 {
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

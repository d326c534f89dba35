//! The fields of a struct that is written, each of another name.

use serde::Serialize;
use serde::ser::{SerializeStruct, SerializeStructVariant};

use super::finite::Nested;
use super::rules::{Place, Rules, Unwritable};

/// Refuses a second field of one name, which no reader takes: a struct behind a `tag` can bring the tag's name once more.
pub(super) struct Fields<'c, S> {
    inner: S,
    rules: &'c Rules,
    /// The first of the names; of a type with more, the JSON is looked at in the end.
    names: [&'static str; 16],
    count: usize,
}

impl<'c, S> Fields<'c, S> {
    #[inline]
    pub(super) fn of(inner: S, rules: &'c Rules) -> Self {
        Self {
            inner,
            rules,
            names: [""; 16],
            count: 0,
        }
    }

    #[inline]
    fn note<E: serde::ser::Error>(&mut self, name: &'static str) -> Result<(), E> {
        let seen = self.names.get(..self.count).unwrap_or_default();
        if self.rules.own && seen.contains(&name) {
            self.rules.broken.set(Some(Unwritable::Name));
            return Err(E::custom("refused"));
        }
        if let Some(free) = self.names.get_mut(self.count) {
            *free = name;
            self.count = self.count.saturating_add(1);
        } else {
            self.rules.names.set(true);
        }
        Ok(())
    }
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
                self.note(name)?;
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

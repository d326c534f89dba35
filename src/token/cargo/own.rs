//! Distinguishes the token's own entries from entries of the same name nested inside others.
//!
//! serde cannot pass context, and buffers what `flatten`, `tag` and `untagged` read twice. But
//! borrowed text keeps its address. So the names of expiring entries are lent from the list of
//! expiries and recognised by their address.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Visitor};

use super::value::Text;

/// The addresses of the lent names, with the second at which each entry expires.
#[derive(Clone, Default)]
pub(super) struct LentNames(Vec<(*const u8, i64)>);

impl LentNames {
    #[inline]
    pub(super) fn of(expiries: &[(Text, i64)]) -> Self {
        if expiries.is_empty() {
            return Self::default();
        }
        let addresses = expiries
            .iter()
            .map(|(name, second)| (name.as_ptr(), *second));
        Self(addresses.collect())
    }

    /// The expiry of the token's own entry, if this is the name that was lent for it.
    pub(super) fn expiry_of(&self, name: &str) -> Option<i64> {
        let same = |(lent, _): &&(*const u8, i64)| std::ptr::eq(*lent, name.as_ptr());
        self.0.iter().find(same).map(|(_, second)| *second)
    }
}

/// Wraps a part of serde around the token's own object, or around one of its names. It forwards
/// everything to `inner`, but lends the names in `expiries`.
pub(crate) struct Own<'e, X> {
    pub(crate) inner: X,
    pub(crate) expiries: &'e [(Text, i64)],
}

impl<'e, X> Own<'e, X> {
    fn around<Y>(&self, inner: Y) -> Own<'e, Y> {
        let expiries = self.expiries;
        Own { inner, expiries }
    }

    fn lent(&self, name: &str) -> Option<&'e str> {
        let mut names = self.expiries.iter().map(|(name, _)| &**name);
        names.find(|lent| *lent == name)
    }
}

macro_rules! deserialize {
    ($($method:ident($($name:ident: $type:ty),*);)*) => {$(
        fn $method<V: Visitor<'e>>(
            self,
            $($name: $type,)*
            visitor: V,
        ) -> Result<V::Value, D::Error> {
            let visitor = self.around(visitor);
            self.inner.$method($($name,)* visitor)
        }
    )*};
}

impl<'e, D: Deserializer<'e>> Deserializer<'e> for Own<'e, D> {
    type Error = D::Error;

    deserialize! {
        deserialize_any();
        deserialize_bool();
        deserialize_i8();
        deserialize_i16();
        deserialize_i32();
        deserialize_i64();
        deserialize_i128();
        deserialize_u8();
        deserialize_u16();
        deserialize_u32();
        deserialize_u64();
        deserialize_u128();
        deserialize_f32();
        deserialize_f64();
        deserialize_char();
        deserialize_str();
        deserialize_string();
        deserialize_bytes();
        deserialize_byte_buf();
        deserialize_option();
        deserialize_unit();
        deserialize_unit_struct(name: &'static str);
        deserialize_newtype_struct(name: &'static str);
        deserialize_seq();
        deserialize_tuple(length: usize);
        deserialize_tuple_struct(name: &'static str, length: usize);
        deserialize_map();
        deserialize_struct(name: &'static str, fields: &'static [&'static str]);
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
        deserialize_identifier();
        deserialize_ignored_any();
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

macro_rules! visit {
    ($($method:ident($($type:ty)?);)*) => {$(
        visit!(@ $method $($type)?);
    )*};
    (@ $method:ident $type:ty) => {
        fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.inner.$method(value)
        }
    };
    (@ $method:ident) => {
        fn $method<E: Error>(self) -> Result<V::Value, E> {
            self.inner.$method()
        }
    };
}

impl<'e, V: Visitor<'e>> Visitor<'e> for Own<'e, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    visit! {
        visit_bool(bool);
        visit_i8(i8);
        visit_i16(i16);
        visit_i32(i32);
        visit_i64(i64);
        visit_i128(i128);
        visit_u8(u8);
        visit_u16(u16);
        visit_u32(u32);
        visit_u64(u64);
        visit_u128(u128);
        visit_f32(f32);
        visit_f64(f64);
        visit_char(char);
        visit_bytes(&[u8]);
        visit_borrowed_bytes(&'e [u8]);
        visit_byte_buf(Vec<u8>);
        visit_none();
        visit_unit();
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<V::Value, E> {
        match self.lent(text) {
            Some(lent) => self.inner.visit_borrowed_str(lent),
            None => self.inner.visit_str(text),
        }
    }

    fn visit_borrowed_str<E: Error>(self, text: &'e str) -> Result<V::Value, E> {
        let lent = self.lent(text);
        self.inner.visit_borrowed_str(lent.unwrap_or(text))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<V::Value, E> {
        match self.lent(&text) {
            Some(lent) => self.inner.visit_borrowed_str(lent),
            None => self.inner.visit_string(text),
        }
    }

    fn visit_some<D: Deserializer<'e>>(self, inner: D) -> Result<V::Value, D::Error> {
        let own = self.around(inner);
        self.inner.visit_some(own)
    }

    fn visit_newtype_struct<D: Deserializer<'e>>(self, inner: D) -> Result<V::Value, D::Error> {
        let own = self.around(inner);
        self.inner.visit_newtype_struct(own)
    }

    fn visit_map<A: MapAccess<'e>>(self, entries: A) -> Result<V::Value, A::Error> {
        let own = self.around(entries);
        self.inner.visit_map(own)
    }

    // The inside of an array or of a variant is not the token's own object.
    fn visit_seq<A: SeqAccess<'e>>(self, elements: A) -> Result<V::Value, A::Error> {
        self.inner.visit_seq(elements)
    }

    fn visit_enum<A: EnumAccess<'e>>(self, variant: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(variant)
    }
}

impl<'e, A: MapAccess<'e>> MapAccess<'e> for Own<'e, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'e>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let own = self.around(seed);
        self.inner.next_key_seed(own)
    }

    fn next_value_seed<S: DeserializeSeed<'e>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.next_value_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'e, S: DeserializeSeed<'e>> DeserializeSeed<'e> for Own<'e, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'e>>(self, name: D) -> Result<S::Value, D::Error> {
        let own = self.around(name);
        self.inner.deserialize(own)
    }
}

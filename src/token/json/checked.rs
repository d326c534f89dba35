//! Forwards a caller's value to serde_json, except for what would not come back unchanged:
//! serde_json turns NaN and infinities into `null`, reads some values only where their type stands
//! alone, and trusts the length that a type announces.

use serde::Serialize;
use serde::ser::{
    SerializeSeq, SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::entries::Entries;
use super::fields::Fields;
use super::lint::is_private;
use super::numbers::{is_huge, survives_widening};
use super::rules::{EXPIRES, Kind, Part, Place, Rules, Unwritable};

/// Forwards everything to `inner`, except what breaks the rules.
pub(super) struct Checked<'c, S> {
    pub(super) inner: S,
    pub(super) rules: &'c Rules,
    pub(super) place: Place,
}

/// A value inside a value, which is serialised through [`Checked`] as well.
pub(super) struct Nested<'c, 'v, T: ?Sized> {
    pub(super) value: &'v T,
    pub(super) rules: &'c Rules,
    pub(super) place: Place,
}

impl<T: Serialize + ?Sized> Serialize for Nested<'_, '_, T> {
    #[inline]
    fn serialize<S: Serializer>(&self, inner: S) -> Result<S::Ok, S::Error> {
        let written = self.value.serialize(Checked {
            inner,
            rules: self.rules,
            place: self.place,
        });
        if written.is_err() {
            self.rules.failed();
        }
        written
    }
}

impl<'c, S> Checked<'c, S> {
    #[inline]
    fn nest<'v, T: ?Sized>(&self, value: &'v T, place: Place) -> Nested<'c, 'v, T> {
        Nested {
            value,
            rules: self.rules,
            place,
        }
    }

    #[inline]
    fn check<E: serde::ser::Error>(&self, kept: bool, rule: Unwritable) -> Result<(), E> {
        if kept { Ok(()) } else { self.refuse(rule) }
    }

    #[cold]
    fn refuse<E: serde::ser::Error>(&self, rule: Unwritable) -> Result<(), E> {
        self.rules.broken.set(Some(rule));
        Err(E::custom("refused"))
    }

    #[inline]
    fn no_key<E: serde::ser::Error>(&self) -> Result<(), E> {
        let text = self.place.part != Part::Key || self.rules.kind != Kind::Own;
        self.check(text, Unwritable::KeyNotText)
    }

    #[inline]
    fn check_float<E: serde::ser::Error>(&self, value: f64) -> Result<(), E> {
        if is_huge(value) {
            self.rules.huge.set(true);
        }
        self.check(value.is_finite(), Unwritable::NotFinite)
    }

    #[inline]
    fn no_null<E: serde::ser::Error>(&self) -> Result<(), E> {
        let read = self.place.part != Part::Some || self.rules.kind != Kind::Own;
        self.check(read, Unwritable::SomeNull)
    }
}

/// Methods that forward a plain value.
macro_rules! pass_on {
    ($($method:ident: $type:ty),* $(,)?) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result<S::Ok, S::Error> {
            self.inner.$method(value)
        }
    )*};
}

/// The same for values that would become text as a map key, which only some kinds allow.
macro_rules! no_key {
    ($($method:ident: $type:ty),* $(,)?) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result<S::Ok, S::Error> {
            self.no_key()?;
            self.inner.$method(value)
        }
    )*};
}

/// The same for integers of 128 bits.
macro_rules! wide {
    ($($method:ident: $type:ty),* $(,)?) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result<S::Ok, S::Error> {
            self.check(self.rules.kind != Kind::Own, Unwritable::WideInteger)?;
            self.inner.$method(value)
        }
    )*};
}

/// Methods that begin a compound value of a fixed length.
macro_rules! begin {
    ($($method:ident($($name:ident: $type:ty),*) -> $kind:ident;)*) => {$(
        #[inline]
        fn $method(self, $($name: $type,)* len: usize) -> Result<Self::$kind, S::Error> {
            let inner = self.inner.$method($($name,)* not_empty(len))?;
            Ok(Checked { inner, rules: self.rules, place: Place::INSIDE })
        }
    )*};
}

/// The length to announce. serde_json closes a value announced as empty at once, and a second time
/// at its end if elements followed. It ignores any other length, and a value that stays empty is
/// written the same.
#[inline]
const fn not_empty(len: usize) -> usize {
    if len == 0 { 1 } else { len }
}

impl<'c, S: Serializer> Serializer for Checked<'c, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Checked<'c, S::SerializeSeq>;
    type SerializeTuple = Checked<'c, S::SerializeTuple>;
    type SerializeTupleStruct = Checked<'c, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Checked<'c, S::SerializeTupleVariant>;
    type SerializeMap = Entries<'c, S::SerializeMap>;
    type SerializeStruct = Fields<'c, S::SerializeStruct>;
    type SerializeStructVariant = Fields<'c, S::SerializeStructVariant>;

    pass_on! {
        serialize_char: char, serialize_bytes: &[u8],
    }

    no_key! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32,
        serialize_i64: i64, serialize_u8: u8, serialize_u16: u16, serialize_u32: u32,
        serialize_u64: u64,
    }

    wide! {
        serialize_i128: i128, serialize_u128: u128,
    }

    begin! {
        serialize_tuple() -> SerializeTuple;
        serialize_tuple_struct(name: &'static str) -> SerializeTupleStruct;
        serialize_tuple_variant(name: &'static str, index: u32, variant: &'static str)
            -> SerializeTupleVariant;
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        Ok(Checked {
            inner: self.inner.serialize_seq(len.map(not_empty))?,
            rules: self.rules,
            place: Place::INSIDE,
        })
    }

    #[inline]
    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        self.rules.names.set(true);
        let inner = self.inner.serialize_map(len.map(not_empty))?;
        Ok(Entries::of(inner, self.rules, self.place.of(Part::Any)))
    }

    #[inline]
    fn serialize_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStruct, S::Error> {
        // No Rust type has such a name: its text is JSON already.
        if name.starts_with('$') {
            self.rules.names.set(true);
            self.rules.raw.set(true);
        }
        let inner = self.inner.serialize_struct(name, not_empty(len))?;
        Ok(Fields::of(inner, self.rules))
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        let inner = self
            .inner
            .serialize_struct_variant(name, index, variant, not_empty(len))?;
        Ok(Fields::of(inner, self.rules))
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<S::Ok, S::Error> {
        let name = self.place.part == Part::Key;
        let sound = !name || self.rules.kind != Kind::Own || !is_private(value);
        self.check(sound, Unwritable::NameConflict)?;
        self.inner.serialize_str(value)
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<S::Ok, S::Error> {
        self.no_key()?;
        self.check_float(value.into())?;
        if survives_widening(value) {
            self.inner.serialize_f32(value)
        } else {
            self.inner.serialize_f64(value.into())
        }
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<S::Ok, S::Error> {
        self.no_key()?;
        self.check_float(value)?;
        self.inner.serialize_f64(value)
    }

    #[inline]
    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.no_null()?;
        self.inner.serialize_none()
    }

    #[inline]
    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.no_null()?;
        self.inner.serialize_unit()
    }

    #[inline]
    fn serialize_unit_struct(self, name: &'static str) -> Result<S::Ok, S::Error> {
        self.no_null()?;
        self.inner.serialize_unit_struct(name)
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        let part = match self.place.part {
            Part::Key => Part::Key,
            _ => Part::Some,
        };
        let value = self.nest(value, self.place.of(part));
        self.inner.serialize_some(&value)
    }

    #[inline]
    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit_variant(name, index, variant)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        if name == EXPIRES && self.place == Place::WHOLE.of(Part::Key) {
            let own = &self.rules.own_expiries;
            own.set(own.get().saturating_add(1));
        }
        let value = self.nest(value, self.place);
        self.inner.serialize_newtype_struct(name, &value)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let value = self.nest(value, Place::INSIDE);
        self.inner
            .serialize_newtype_variant(name, index, variant, &value)
    }

    #[inline]
    fn collect_str<T: std::fmt::Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(value)
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// The parts of a compound value without names.
macro_rules! elements {
    ($($trait:ident::$method:ident),* $(,)?) => {$(
        impl<S: $trait> $trait for Checked<'_, S> {
            type Ok = S::Ok;
            type Error = S::Error;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
                let value = self.nest(value, Place::INSIDE);
                self.inner.$method(&value)
            }

            #[inline]
            fn end(self) -> Result<S::Ok, S::Error> {
                self.inner.end()
            }
        }
    )*};
}

elements! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
}

//! Writing a caller's value with serde_json, which would turn NaN and infinities into `null`.

use std::cell::Cell;

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use crate::crypto::scratch::Scratch;

/// Why a value was not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unwritable {
    /// It holds NaN or an infinity.
    NotFinite,
    /// serde_json refused it, its own `Serialize` failed, or it brought JSON that no opener accepts.
    Unsupported,
    /// It is nested more deeply than an opener accepts.
    TooDeep,
}

/// Appends the JSON of `value`, compact.
pub(crate) fn write_value<T: Serialize + ?Sized>(
    out: &mut Scratch,
    value: &T,
) -> Result<(), Unwritable> {
    let met = Cell::new(false);
    let mut json = serde_json::Serializer::new(out);
    let inner = &mut json;
    value
        .serialize(Finite { inner, met: &met })
        // The message may quote the value, so it ends here.
        .map_err(|_| {
            if met.get() {
                Unwritable::NotFinite
            } else {
                Unwritable::Unsupported
            }
        })
}

/// Passes everything on to `inner`, but floats that are not finite.
struct Finite<'c, S> {
    inner: S,
    met: &'c Cell<bool>,
}

/// A value inside a value, which is serialised through [`Finite`] in its turn.
struct Nested<'c, 'v, T: ?Sized> {
    value: &'v T,
    met: &'c Cell<bool>,
}

impl<T: Serialize + ?Sized> Serialize for Nested<'_, '_, T> {
    #[inline]
    fn serialize<S: Serializer>(&self, inner: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(Finite {
            inner,
            met: self.met,
        })
    }
}

impl<'c, S> Finite<'c, S> {
    #[inline]
    fn nest<'v, T: ?Sized>(&self, value: &'v T) -> Nested<'c, 'v, T> {
        Nested {
            value,
            met: self.met,
        }
    }

    #[inline]
    fn check<E: serde::ser::Error>(&self, finite: bool) -> Result<(), E> {
        if finite {
            return Ok(());
        }
        self.met.set(true);
        Err(E::custom("not finite"))
    }
}

/// Methods that take a plain value and pass it on.
macro_rules! pass_on {
    ($($method:ident: $type:ty),* $(,)?) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result<S::Ok, S::Error> {
            self.inner.$method(value)
        }
    )*};
}

/// Methods that begin a compound value.
macro_rules! begin {
    ($($method:ident($($name:ident: $type:ty),*) -> $kind:ident;)*) => {$(
        #[inline]
        fn $method(self, $($name: $type),*) -> Result<Self::$kind, S::Error> {
            let inner = self.inner.$method($($name),*)?;
            Ok(Finite { inner, met: self.met })
        }
    )*};
}

impl<'c, S: Serializer> Serializer for Finite<'c, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Finite<'c, S::SerializeSeq>;
    type SerializeTuple = Finite<'c, S::SerializeTuple>;
    type SerializeTupleStruct = Finite<'c, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Finite<'c, S::SerializeTupleVariant>;
    type SerializeMap = Finite<'c, S::SerializeMap>;
    type SerializeStruct = Finite<'c, S::SerializeStruct>;
    type SerializeStructVariant = Finite<'c, S::SerializeStructVariant>;

    pass_on! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32,
        serialize_i64: i64, serialize_i128: i128, serialize_u8: u8, serialize_u16: u16,
        serialize_u32: u32, serialize_u64: u64, serialize_u128: u128, serialize_char: char,
        serialize_str: &str, serialize_bytes: &[u8], serialize_unit_struct: &'static str,
    }

    begin! {
        serialize_seq(len: Option<usize>) -> SerializeSeq;
        serialize_tuple(len: usize) -> SerializeTuple;
        serialize_tuple_struct(name: &'static str, len: usize) -> SerializeTupleStruct;
        serialize_tuple_variant(name: &'static str, index: u32, variant: &'static str, len: usize)
            -> SerializeTupleVariant;
        serialize_map(len: Option<usize>) -> SerializeMap;
        serialize_struct(name: &'static str, len: usize) -> SerializeStruct;
        serialize_struct_variant(name: &'static str, index: u32, variant: &'static str, len: usize)
            -> SerializeStructVariant;
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<S::Ok, S::Error> {
        self.check(value.is_finite())?;
        self.inner.serialize_f32(value)
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<S::Ok, S::Error> {
        self.check(value.is_finite())?;
        self.inner.serialize_f64(value)
    }

    #[inline]
    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_none()
    }

    #[inline]
    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit()
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        let value = self.nest(value);
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
        let value = self.nest(value);
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
        let value = self.nest(value);
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
        impl<S: $trait> $trait for Finite<'_, S> {
            type Ok = S::Ok;
            type Error = S::Error;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
                let value = self.nest(value);
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

/// The parts of a compound value with names.
macro_rules! fields {
    ($($trait:ident),* $(,)?) => {$(
        impl<S: $trait> $trait for Finite<'_, S> {
            type Ok = S::Ok;
            type Error = S::Error;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), S::Error> {
                let value = self.nest(value);
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

impl<S: SerializeMap> SerializeMap for Finite<'_, S> {
    type Ok = S::Ok;
    type Error = S::Error;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), S::Error> {
        let key = self.nest(key);
        self.inner.serialize_key(&key)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
        let value = self.nest(value);
        self.inner.serialize_value(&value)
    }

    #[inline]
    fn end(self) -> Result<S::Ok, S::Error> {
        self.inner.end()
    }
}

//! serde into nodes.

use std::fmt;

use serde::ser::{self, Serialize};

use crate::nodes::{Builder, Value};
use crate::Error;

/// How a number goes by its text: the name of a newtype.
pub(crate) const NUMBER: &str = "$spikard::number";
/// How a value of ours asks for one.
pub(crate) const VALUE: &str = "$spikard::value";

pub(crate) fn write(b: &mut Builder, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
    value.serialize(Nodes(b)).map_err(|e| Error::Convert(e.0))
}

#[derive(Debug)]
pub(crate) struct Wrong(pub String);

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for Wrong {}
impl ser::Error for Wrong {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Wrong(message.to_string())
    }
}
impl serde::de::Error for Wrong {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Wrong(message.to_string())
    }
}

struct Nodes<'a>(&'a mut Builder);

/// A list or an object that is being written, and the object around it where a variant has one.
struct Many<'a> {
    b: &'a mut Builder,
    at: usize,
    count: usize,
    outer: Option<usize>,
}

impl Many<'_> {
    fn close(self) -> Result<(), Wrong> {
        self.b.end(self.at, self.count);
        if let Some(outer) = self.outer {
            self.b.end(outer, 1);
        }
        Ok(())
    }
    fn element(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Wrong> {
        self.count += 1;
        value.serialize(Nodes(self.b))
    }
    fn field(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> Result<(), Wrong> {
        self.count += 1;
        self.b.text(name);
        value.serialize(Nodes(self.b))
    }
}

macro_rules! number {
    ($($name:ident $type:ty => $to:ident,)*) => { $(fn $name(self, v: $type) -> Result<(), Wrong> { self.0.$to(v.into()); Ok(()) })* };
}

impl<'a> ser::Serializer for Nodes<'a> {
    type Ok = ();
    type Error = Wrong;
    type SerializeSeq = Many<'a>;
    type SerializeTuple = Many<'a>;
    type SerializeTupleStruct = Many<'a>;
    type SerializeTupleVariant = Many<'a>;
    type SerializeMap = Many<'a>;
    type SerializeStruct = Many<'a>;
    type SerializeStructVariant = Many<'a>;

    number! {
        serialize_bool bool => bool,
        serialize_i8 i8 => int,
        serialize_i16 i16 => int,
        serialize_i32 i32 => int,
        serialize_i64 i64 => int,
        serialize_u8 u8 => uint,
        serialize_u16 u16 => uint,
        serialize_u32 u32 => uint,
        serialize_u64 u64 => uint,
    }
    fn serialize_i128(self, v: i128) -> Result<(), Wrong> {
        match i64::try_from(v) {
            Ok(v) => self.0.int(v),
            Err(_) => self.0.number(&v.to_string()),
        }
        Ok(())
    }
    fn serialize_u128(self, v: u128) -> Result<(), Wrong> {
        match u64::try_from(v) {
            Ok(v) => self.0.uint(v),
            Err(_) => self.0.number(&v.to_string()),
        }
        Ok(())
    }
    fn serialize_f32(self, v: f32) -> Result<(), Wrong> {
        // The shortest text that is this f32, not all digits of the double next to it.
        self.serialize_f64(v.to_string().parse().unwrap_or(v as f64))
    }
    fn serialize_f64(self, v: f64) -> Result<(), Wrong> {
        if !v.is_finite() {
            return Err(Wrong(format!("{v} is no number of JSON")));
        }
        self.0.float(v);
        Ok(())
    }
    fn serialize_char(self, v: char) -> Result<(), Wrong> {
        self.0.text(v.encode_utf8(&mut [0; 4]));
        Ok(())
    }
    fn serialize_str(self, v: &str) -> Result<(), Wrong> {
        self.0.text(v);
        Ok(())
    }
    fn serialize_bytes(self, v: &[u8]) -> Result<(), Wrong> {
        self.0.bytes(v);
        Ok(())
    }
    fn serialize_none(self) -> Result<(), Wrong> {
        self.serialize_unit()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, v: &T) -> Result<(), Wrong> {
        v.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), Wrong> {
        self.0.null();
        Ok(())
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Wrong> {
        self.serialize_unit()
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Wrong> {
        self.serialize_str(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, v: &T) -> Result<(), Wrong> {
        if name == NUMBER {
            return v.serialize(NumberText(self.0));
        }
        v.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(self, _: &'static str, _: u32, variant: &'static str, v: &T) -> Result<(), Wrong> {
        let at = self.0.begin_object();
        self.0.text(variant);
        v.serialize(Nodes(self.0))?;
        self.0.end(at, 1);
        Ok(())
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Many<'a>, Wrong> {
        let at = self.0.begin_list();
        Ok(Many { b: self.0, at, count: 0, outer: None })
    }
    fn serialize_tuple(self, n: usize) -> Result<Many<'a>, Wrong> {
        self.serialize_seq(Some(n))
    }
    fn serialize_tuple_struct(self, _: &'static str, n: usize) -> Result<Many<'a>, Wrong> {
        self.serialize_seq(Some(n))
    }
    fn serialize_tuple_variant(self, _: &'static str, _: u32, variant: &'static str, _: usize) -> Result<Many<'a>, Wrong> {
        let outer = self.0.begin_object();
        self.0.text(variant);
        let at = self.0.begin_list();
        Ok(Many { b: self.0, at, count: 0, outer: Some(outer) })
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Many<'a>, Wrong> {
        let at = self.0.begin_object();
        Ok(Many { b: self.0, at, count: 0, outer: None })
    }
    fn serialize_struct(self, _: &'static str, n: usize) -> Result<Many<'a>, Wrong> {
        self.serialize_map(Some(n))
    }
    fn serialize_struct_variant(self, _: &'static str, _: u32, variant: &'static str, _: usize) -> Result<Many<'a>, Wrong> {
        let outer = self.0.begin_object();
        self.0.text(variant);
        let at = self.0.begin_object();
        Ok(Many { b: self.0, at, count: 0, outer: Some(outer) })
    }
}

macro_rules! list {
    ($($trait:ident $method:ident,)*) => { $(impl ser::$trait for Many<'_> {
        type Ok = ();
        type Error = Wrong;
        fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Wrong> { self.element(value) }
        fn end(self) -> Result<(), Wrong> { self.close() }
    })* };
}
list! { SerializeSeq serialize_element, SerializeTuple serialize_element, SerializeTupleStruct serialize_field, SerializeTupleVariant serialize_field, }

macro_rules! object {
    ($($trait:ident,)*) => { $(impl ser::$trait for Many<'_> {
        type Ok = ();
        type Error = Wrong;
        fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Wrong> { self.field(name, value) }
        fn end(self) -> Result<(), Wrong> { self.close() }
    })* };
}
object! { SerializeStruct, SerializeStructVariant, }

impl ser::SerializeMap for Many<'_> {
    type Ok = ();
    type Error = Wrong;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Wrong> {
        self.count += 1;
        let mark = self.b.mark();
        key.serialize(Nodes(self.b))?;
        // Keys are text: numbers and booleans by theirs, as JSON writers of Rust do.
        self.b.key_as_text(mark)
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Wrong> {
        value.serialize(Nodes(self.b))
    }
    fn end(self) -> Result<(), Wrong> {
        self.close()
    }
}

impl Builder {
    fn key_as_text(&mut self, mark: (usize, usize)) -> Result<(), Wrong> {
        match self.scalar_text(mark.0) {
            None => Ok(()),
            Some(Ok(text)) => {
                self.rewind(mark);
                self.text(&text);
                Ok(())
            }
            Some(Err(())) => Err(Wrong("a key of an object is text".into())),
        }
    }
}

/// The text of a number.
struct NumberText<'a>(&'a mut Builder);

macro_rules! refuse {
    ($($name:ident($($type:ty),*);)*) => { $(fn $name(self, $(_: $type),*) -> Result<(), Wrong> { Err(Wrong("a number by its text is text".into())) })* };
}

impl ser::Serializer for NumberText<'_> {
    type Ok = ();
    type Error = Wrong;
    type SerializeSeq = ser::Impossible<(), Wrong>;
    type SerializeTuple = ser::Impossible<(), Wrong>;
    type SerializeTupleStruct = ser::Impossible<(), Wrong>;
    type SerializeTupleVariant = ser::Impossible<(), Wrong>;
    type SerializeMap = ser::Impossible<(), Wrong>;
    type SerializeStruct = ser::Impossible<(), Wrong>;
    type SerializeStructVariant = ser::Impossible<(), Wrong>;
    fn serialize_str(self, v: &str) -> Result<(), Wrong> {
        self.0.number(v);
        Ok(())
    }
    refuse! {
        serialize_bool(bool); serialize_i8(i8); serialize_i16(i16); serialize_i32(i32); serialize_i64(i64); serialize_u8(u8); serialize_u16(u16); serialize_u32(u32);
        serialize_u64(u64); serialize_f32(f32); serialize_f64(f64); serialize_char(char); serialize_bytes(&[u8]); serialize_none(); serialize_unit(); serialize_unit_struct(&'static str);
        serialize_unit_variant(&'static str, u32, &'static str);
    }
    fn serialize_some<T: Serialize + ?Sized>(self, v: &T) -> Result<(), Wrong> {
        v.serialize(self)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, v: &T) -> Result<(), Wrong> {
        v.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(self, _: &'static str, _: u32, _: &'static str, _: &T) -> Result<(), Wrong> {
        Err(Wrong("a number by its text is text".into()))
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Wrong> {
        Err(Wrong("a number by its text is text".into()))
    }
    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Wrong> {
        self.serialize_seq(None)
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Wrong> {
        self.serialize_seq(None)
    }
    fn serialize_tuple_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Result<Self::SerializeTupleVariant, Wrong> {
        self.serialize_seq(None)
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Wrong> {
        self.serialize_seq(None)
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Wrong> {
        self.serialize_seq(None)
    }
    fn serialize_struct_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Result<Self::SerializeStructVariant, Wrong> {
        self.serialize_seq(None)
    }
}

impl Serialize for Value {
    fn serialize<S: ser::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => s.serialize_unit(),
            Value::Bool(v) => s.serialize_bool(*v),
            Value::Int(v) => s.serialize_i64(*v),
            Value::Uint(v) => s.serialize_u64(*v),
            Value::Float(v) => s.serialize_f64(*v),
            Value::Number(v) => s.serialize_newtype_struct(NUMBER, v),
            Value::Text(v) => s.serialize_str(v),
            Value::Bytes(v) => s.serialize_bytes(v),
            Value::List(v) => s.collect_seq(v),
            Value::Object(v) => s.collect_map(v.iter().map(|(k, v)| (k, v))),
        }
    }
}

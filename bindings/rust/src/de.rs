//! serde from nodes.

use std::fmt;

use serde::de::{self, DeserializeOwned, DeserializeSeed, Visitor};

use crate::nodes::{Elements, Members, Tree, Value};
use crate::ser::{Wrong, VALUE};
use crate::{sys, Error};

pub(crate) fn read<T: DeserializeOwned>(tree: Tree<'_>) -> Result<T, Error> {
    T::deserialize(Node(tree)).map_err(|e| Error::Convert(e.0))
}

/// Members of an object that lie one by one, as parameters do.
pub(crate) fn read_members<'a, T: DeserializeOwned>(members: impl Iterator<Item = (&'a str, Tree<'a>)>) -> Result<T, Error> {
    T::deserialize(de::value::MapDeserializer::new(members.map(|(k, v)| (k, Node(v))))).map_err(|e: Wrong| Error::Convert(e.0))
}

#[derive(Clone, Copy)]
pub(crate) struct Node<'a>(pub Tree<'a>);

impl<'de> de::IntoDeserializer<'de, Wrong> for Node<'de> {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! any {
    ($($name:ident)*) => { $(fn $name<V: Visitor<'de>>(self, v: V) -> Result<V::Value, Wrong> { self.deserialize_any(v) })* };
}

impl<'de> de::Deserializer<'de> for Node<'de> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, v: V) -> Result<V::Value, Wrong> {
        let node = self.0.node();
        match node.r#type {
            sys::SPK_BOOL => v.visit_bool(node.u != 0),
            sys::SPK_INT => v.visit_i64(node.u as i64),
            sys::SPK_UINT => v.visit_u64(node.u),
            sys::SPK_F64 => v.visit_f64(f64::from_bits(node.u)),
            sys::SPK_STR => v.visit_borrowed_str(self.0.str()),
            sys::SPK_BYTES => v.visit_borrowed_bytes(if node.len == 0 { &[] } else { self.0.data() }),
            sys::SPK_NUMTEXT => number(self.0.str(), v),
            sys::SPK_ARR => {
                let mut list = List(self.0.elements());
                let out = v.visit_seq(&mut list)?;
                match list.0.left {
                    0 => Ok(out),
                    left => Err(Wrong(format!("{left} elements too many"))),
                }
            }
            sys::SPK_OBJ => v.visit_map(Object { members: self.0.members(), value: None }),
            _ => v.visit_unit(),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, v: V) -> Result<V::Value, Wrong> {
        match self.0.kind() {
            sys::SPK_NUMTEXT => v.visit_borrowed_str(self.0.str()),
            _ => self.deserialize_any(v),
        }
    }
    fn deserialize_string<V: Visitor<'de>>(self, v: V) -> Result<V::Value, Wrong> {
        self.deserialize_str(v)
    }
    fn deserialize_bytes<V: Visitor<'de>>(self, v: V) -> Result<V::Value, Wrong> {
        match self.0.kind() {
            sys::SPK_STR => v.visit_borrowed_bytes(self.0.str().as_bytes()),
            _ => self.deserialize_any(v),
        }
    }
    fn deserialize_byte_buf<V: Visitor<'de>>(self, v: V) -> Result<V::Value, Wrong> {
        self.deserialize_bytes(v)
    }
    fn deserialize_seq<V: Visitor<'de>>(self, v: V) -> Result<V::Value, Wrong> {
        match self.0.kind() {
            // A Vec<u8> asks for a list.
            sys::SPK_BYTES => v.visit_seq(de::value::SeqDeserializer::new(if self.0.node().len == 0 { [].iter() } else { self.0.data().iter() }.copied())),
            _ => self.deserialize_any(v),
        }
    }
    fn deserialize_option<V: Visitor<'de>>(self, v: V) -> Result<V::Value, Wrong> {
        match self.0.kind() {
            sys::SPK_NULL => v.visit_none(),
            _ => v.visit_some(self),
        }
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, v: V) -> Result<V::Value, Wrong> {
        if name == VALUE && self.0.kind() == sys::SPK_NUMTEXT {
            return v.visit_enum(Variant { name: self.0.str(), value: None }); // nothing else of JSON's is one
        }
        if name == VALUE {
            return self.deserialize_any(v);
        }
        v.visit_newtype_struct(self)
    }
    fn deserialize_enum<V: Visitor<'de>>(self, _: &'static str, _: &'static [&'static str], v: V) -> Result<V::Value, Wrong> {
        match self.0.kind() {
            sys::SPK_STR => v.visit_enum(Variant { name: self.0.str(), value: None }),
            sys::SPK_OBJ => {
                let mut members = self.0.members();
                match (members.next(), members.next()) {
                    (Some((name, value)), None) => v.visit_enum(Variant { name, value: Some(value) }),
                    _ => Err(Wrong("expected an object of one member".into())),
                }
            }
            _ => self.deserialize_any(v),
        }
    }
    any! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64 deserialize_char deserialize_unit deserialize_map deserialize_identifier deserialize_ignored_any
    }
    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, v: V) -> Result<V::Value, Wrong> {
        self.deserialize_any(v)
    }
    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, v: V) -> Result<V::Value, Wrong> {
        self.deserialize_seq(v)
    }
    fn deserialize_tuple_struct<V: Visitor<'de>>(self, _: &'static str, _: usize, v: V) -> Result<V::Value, Wrong> {
        self.deserialize_seq(v)
    }
    fn deserialize_struct<V: Visitor<'de>>(self, _: &'static str, _: &'static [&'static str], v: V) -> Result<V::Value, Wrong> {
        self.deserialize_any(v)
    }
}

fn number<'de, V: Visitor<'de>>(text: &'de str, v: V) -> Result<V::Value, Wrong> {
    if let Ok(whole) = text.parse::<i128>() {
        return v.visit_i128(whole);
    }
    match text.parse::<f64>() {
        Ok(n) if n.is_finite() => v.visit_f64(n),
        _ => v.visit_borrowed_str(text),
    }
}

struct List<'a>(Elements<'a>);

impl<'de> de::SeqAccess<'de> for &mut List<'de> {
    type Error = Wrong;
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Wrong> {
        self.0.next().map(|e| seed.deserialize(Node(e))).transpose()
    }
    fn size_hint(&self) -> Option<usize> {
        Some(self.0.left)
    }
}

struct Object<'a> {
    members: Members<'a>,
    value: Option<Tree<'a>>,
}

impl<'de> de::MapAccess<'de> for Object<'de> {
    type Error = Wrong;
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Wrong> {
        let Some((name, value)) = self.members.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(Key(name)).map(Some)
    }
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        seed.deserialize(Node(self.value.take().ok_or_else(|| Wrong("a value before its key".into()))?))
    }
    fn size_hint(&self) -> Option<usize> {
        Some(self.members.left)
    }
}

/// The name of a member: text, or a number for maps that have those as keys.
struct Key<'a>(&'a str);

macro_rules! key {
    ($($name:ident $visit:ident)*) => { $(fn $name<V: Visitor<'de>>(self, v: V) -> Result<V::Value, Wrong> {
        match self.0.parse() { Ok(n) => v.$visit(n), Err(_) => v.visit_borrowed_str(self.0) }
    })* };
}

impl<'de> de::Deserializer<'de> for Key<'de> {
    type Error = Wrong;
    fn deserialize_any<V: Visitor<'de>>(self, v: V) -> Result<V::Value, Wrong> {
        v.visit_borrowed_str(self.0)
    }
    key! {
        deserialize_bool visit_bool deserialize_i8 visit_i8 deserialize_i16 visit_i16 deserialize_i32 visit_i32 deserialize_i64 visit_i64
        deserialize_u8 visit_u8 deserialize_u16 visit_u16 deserialize_u32 visit_u32 deserialize_u64 visit_u64
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, v: V) -> Result<V::Value, Wrong> {
        v.visit_newtype_struct(self)
    }
    fn deserialize_enum<V: Visitor<'de>>(self, _: &'static str, _: &'static [&'static str], v: V) -> Result<V::Value, Wrong> {
        v.visit_enum(Variant { name: self.0, value: None })
    }
    serde::forward_to_deserialize_any! {
        f32 f64 i128 u128 char str string bytes byte_buf option unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Variant<'a> {
    name: &'a str,
    value: Option<Tree<'a>>,
}

impl<'de> de::EnumAccess<'de> for Variant<'de> {
    type Error = Wrong;
    type Variant = Self;
    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Wrong> {
        Ok((seed.deserialize(Key(self.name))?, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'de> {
    type Error = Wrong;
    fn unit_variant(self) -> Result<(), Wrong> {
        Ok(())
    }
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Wrong> {
        match self.value {
            Some(value) => seed.deserialize(Node(value)),
            None => Err(Wrong(format!("variant {} without a value", self.name))),
        }
    }
    fn tuple_variant<V: Visitor<'de>>(self, _: usize, v: V) -> Result<V::Value, Wrong> {
        match self.value {
            Some(value) => de::Deserializer::deserialize_any(Node(value), v),
            None => Err(Wrong(format!("variant {} without a value", self.name))),
        }
    }
    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], v: V) -> Result<V::Value, Wrong> {
        self.tuple_variant(0, v)
    }
}

impl<'de> de::Deserialize<'de> for Value {
    fn deserialize<D: de::Deserializer<'de>>(d: D) -> Result<Value, D::Error> {
        d.deserialize_newtype_struct(VALUE, Any)
    }
}

struct Any;

macro_rules! visit {
    ($($name:ident($type:ty) => |$v:ident| $make:expr;)*) => { $(fn $name<E: de::Error>(self, $v: $type) -> Result<Value, E> { Ok($make) })* };
}

impl<'de> Visitor<'de> for Any {
    type Value = Value;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }
    visit! {
        visit_bool(bool) => |v| Value::Bool(v);
        visit_i64(i64) => |v| Value::Int(v);
        visit_u64(u64) => |v| v.into();
        visit_i128(i128) => |v| i64::try_from(v).map_or_else(|_| Value::Number(v.to_string()), Value::Int);
        visit_f64(f64) => |v| Value::Float(v);
        visit_str(&str) => |v| v.into();
        visit_bytes(&[u8]) => |v| v.into();
    }
    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_some<D: de::Deserializer<'de>>(self, d: D) -> Result<Value, D::Error> {
        d.deserialize_any(self)
    }
    fn visit_newtype_struct<D: de::Deserializer<'de>>(self, d: D) -> Result<Value, D::Error> {
        d.deserialize_any(self)
    }
    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        while let Some(one) = list.next_element()? {
            out.push(one);
        }
        Ok(Value::List(out))
    }
    fn visit_enum<A: de::EnumAccess<'de>>(self, number: A) -> Result<Value, A::Error> {
        number.variant::<String>().map(|(text, _)| Value::Number(text))
    }
    fn visit_map<A: de::MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut out: Vec<(String, Value)> = Vec::new();
        while let Some((name, value)) = members.next_entry::<String, Value>()? {
            out.push((name, value));
        }
        Ok(Value::Object(out))
    }
}

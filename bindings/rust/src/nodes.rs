//! Values of the core's: nodes in preorder with their text behind them.

use std::fmt;
use std::ptr;
use std::sync::Arc;

use crate::sys;
use crate::sys::{spk_node, spk_pair, spk_view};
use crate::Error;

const NODE: usize = std::mem::size_of::<spk_node>();

/// Memory aligned to 8 bytes.
#[derive(Default)]
pub(crate) struct Memory {
    words: Vec<u64>,
    used: usize,
}

impl Memory {
    pub fn append(&mut self, data: &[u8]) -> usize {
        let at = (self.used + 7) & !7;
        let words = (at + data.len()).div_ceil(8);
        if words > self.words.len() {
            self.words.resize(words, 0);
        }
        // SAFETY: the words are there, and bytes have no invalid values.
        unsafe { ptr::copy_nonoverlapping(data.as_ptr(), self.words.as_mut_ptr().cast::<u8>().add(at), data.len()) };
        self.used = at + data.len();
        at
    }

    pub fn address(&self, at: usize) -> *const u8 {
        // SAFETY: `at` came from append.
        unsafe { self.words.as_ptr().cast::<u8>().add(at) }
    }

    /// Forgets what is in it, and gives back what is more than `keep` bytes.
    pub fn reset(&mut self, keep: usize) {
        self.used = 0;
        if self.words.len() * 8 > keep {
            self.words = Vec::new();
        } else {
            self.words.clear();
        }
    }
}

/// Writes nodes: first all of them, then their text.
#[derive(Default)]
pub(crate) struct Builder {
    nodes: Vec<spk_node>,
    text: Vec<u8>,
}

impl Builder {
    fn put(&mut self, kind: u32, len: usize, u: u64) {
        self.nodes.push(spk_node { r#type: kind, len: len as u32, u });
    }
    fn put_text(&mut self, kind: u32, data: &[u8]) {
        let at = self.text.len() as u64;
        self.put(kind, data.len(), at);
        self.text.extend_from_slice(data);
    }
    pub fn null(&mut self) {
        self.put(sys::SPK_NULL, 0, 0);
    }
    pub fn bool(&mut self, value: bool) {
        self.put(sys::SPK_BOOL, 0, value as u64);
    }
    pub fn int(&mut self, value: i64) {
        self.put(sys::SPK_INT, 0, value as u64);
    }
    pub fn uint(&mut self, value: u64) {
        self.put(if value > i64::MAX as u64 { sys::SPK_UINT } else { sys::SPK_INT }, 0, value);
    }
    pub fn float(&mut self, value: f64) {
        self.put(sys::SPK_F64, 0, value.to_bits());
    }
    pub fn text(&mut self, value: &str) {
        self.put_text(sys::SPK_STR, value.as_bytes());
    }
    pub fn bytes(&mut self, value: &[u8]) {
        self.put_text(sys::SPK_BYTES, value);
    }
    pub fn number(&mut self, value: &str) {
        self.put_text(sys::SPK_NUMTEXT, value.as_bytes());
    }
    pub fn begin_list(&mut self) -> usize {
        self.put(sys::SPK_ARR, 0, 0);
        self.nodes.len() - 1
    }
    pub fn begin_object(&mut self) -> usize {
        self.put(sys::SPK_OBJ, 0, 0);
        self.nodes.len() - 1
    }
    pub fn end(&mut self, at: usize, count: usize) {
        self.nodes[at].len = count as u32;
        self.nodes[at].u = (self.nodes.len() - at - 1) as u64;
    }
    /// How many nodes and bytes there are, to go back to.
    pub fn mark(&self) -> (usize, usize) {
        (self.nodes.len(), self.text.len())
    }
    pub fn rewind(&mut self, mark: (usize, usize)) {
        self.nodes.truncate(mark.0);
        self.text.truncate(mark.1);
    }
    pub fn is_null_at(&self, at: usize) -> bool {
        self.nodes[at].r#type == sys::SPK_NULL
    }
    /// All of it in one piece.
    pub fn finish(mut self) -> Vec<u8> {
        let base = (self.nodes.len() * NODE) as u64;
        for node in &mut self.nodes {
            if matches!(node.r#type, sys::SPK_STR | sys::SPK_BYTES | sys::SPK_NUMTEXT) {
                node.u += base;
            }
        }
        let mut out = Vec::with_capacity(base as usize + self.text.len());
        // SAFETY: nodes are plain data without padding.
        out.extend_from_slice(unsafe { std::slice::from_raw_parts(self.nodes.as_ptr().cast::<u8>(), base as usize) });
        out.extend_from_slice(&self.text);
        out
    }
}

/// A record of the core's, copied: it is this crate's own.
#[derive(Clone)]
pub(crate) struct Record(Arc<[u64]>, usize);

impl Record {
    /// Copies a record; its first member is its size.
    ///
    /// # Safety
    /// `at` points to a valid record.
    pub unsafe fn copy(at: *const std::ffi::c_void) -> Record {
        let size = *at.cast::<u32>() as usize;
        let mut words = vec![0u64; size.div_ceil(8)];
        ptr::copy_nonoverlapping(at.cast::<u8>(), words.as_mut_ptr().cast::<u8>(), size);
        Record(words.into(), size)
    }

    fn bare(nodes: &[u8]) -> Record {
        let mut memory = Memory::default();
        memory.append(nodes);
        let size = nodes.len();
        Record(memory.words.into(), size)
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: the words hold at least so many bytes.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast::<u8>(), self.1) }
    }

    pub fn request(&self) -> &sys::spk_request {
        assert!(self.1 >= std::mem::size_of::<sys::spk_request>());
        // SAFETY: it is as long, aligned, and plain data.
        unsafe { &*self.0.as_ptr().cast() }
    }

    pub fn record(&self) -> &sys::spk_record {
        assert!(self.1 >= std::mem::size_of::<sys::spk_record>());
        // SAFETY: it is as long, aligned, and plain data.
        unsafe { &*self.0.as_ptr().cast() }
    }

    pub fn view(&self, at: spk_view) -> &[u8] {
        if at.len == 0 {
            return &[];
        }
        &self.bytes()[at.off as usize..at.off as usize + at.len as usize]
    }

    pub fn text(&self, at: spk_view) -> &str {
        std::str::from_utf8(self.view(at)).unwrap_or_default()
    }

    fn array<T: Copy>(&self, at: spk_view) -> &[T] {
        if at.len == 0 {
            return &[];
        }
        let end = at.off as usize + at.len as usize * std::mem::size_of::<T>();
        assert!(end <= self.1 && at.off as usize % std::mem::align_of::<T>() == 0);
        // SAFETY: it lies inside, is aligned, and T is plain data of the ABI.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast::<u8>().add(at.off as usize).cast(), at.len as usize) }
    }

    pub fn pairs(&self, at: spk_view) -> impl Iterator<Item = (&str, &str)> {
        self.array::<spk_pair>(at).iter().map(|p| (self.text(p.name), self.text(p.value)))
    }

    pub fn tokens(&self, at: spk_view) -> &[u64] {
        self.array(at)
    }

    pub fn tree(&self, at: spk_view) -> Option<Tree<'_>> {
        (at.len > 0).then(|| Tree { record: self, nodes: self.array(at), at: 0 })
    }
}

/// One value in a record.
#[derive(Clone, Copy)]
pub(crate) struct Tree<'a> {
    record: &'a Record,
    nodes: &'a [spk_node],
    at: usize,
}

impl<'a> Tree<'a> {
    pub fn node(&self) -> &'a spk_node {
        &self.nodes[self.at]
    }
    pub fn kind(&self) -> u32 {
        self.node().r#type
    }
    pub fn data(&self) -> &'a [u8] {
        let node = self.node();
        &self.record.bytes()[node.u as usize..node.u as usize + node.len as usize]
    }
    pub fn str(&self) -> &'a str {
        if self.node().len == 0 {
            return "";
        }
        std::str::from_utf8(self.data()).unwrap_or_default()
    }
    fn at(&self, at: usize) -> Tree<'a> {
        Tree { at, ..*self }
    }
    fn end(&self) -> usize {
        match self.kind() {
            sys::SPK_ARR | sys::SPK_OBJ => self.at + 1 + self.node().u as usize,
            _ => self.at + 1,
        }
    }
    /// What follows this and all below it.
    pub fn next(&self) -> Option<Tree<'a>> {
        (self.end() < self.nodes.len()).then(|| self.at(self.end()))
    }
    pub fn elements(&self) -> Elements<'a> {
        let left = if self.kind() == sys::SPK_ARR { self.node().len as usize } else { 0 };
        Elements { next: self.at(self.at + 1), left }
    }
    pub fn members(&self) -> Members<'a> {
        let left = if self.kind() == sys::SPK_OBJ { self.node().len as usize } else { 0 };
        Members { next: self.at(self.at + 1), left }
    }
    pub fn member(&self, name: &str) -> Option<Tree<'a>> {
        self.members().find(|(key, _)| *key == name).map(|(_, value)| value)
    }
    pub fn value(&self) -> Value {
        let node = self.node();
        match node.r#type {
            sys::SPK_BOOL => Value::Bool(node.u != 0),
            sys::SPK_INT => Value::Int(node.u as i64),
            sys::SPK_UINT => Value::Uint(node.u),
            sys::SPK_F64 => Value::Float(f64::from_bits(node.u)),
            sys::SPK_STR => Value::Text(self.str().into()),
            sys::SPK_BYTES => Value::Bytes(if node.len == 0 { Vec::new() } else { self.data().into() }),
            sys::SPK_NUMTEXT => Value::Number(self.str().into()),
            sys::SPK_ARR => Value::List(self.elements().map(|e| e.value()).collect()),
            sys::SPK_OBJ => Value::Object(self.members().map(|(k, v)| (k.into(), v.value())).collect()),
            _ => Value::Null,
        }
    }
}

pub(crate) struct Elements<'a> {
    next: Tree<'a>,
    pub left: usize,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Tree<'a>;
    fn next(&mut self) -> Option<Tree<'a>> {
        self.left = self.left.checked_sub(1)?;
        let one = self.next;
        self.next = one.at(one.end());
        Some(one)
    }
}

pub(crate) struct Members<'a> {
    next: Tree<'a>,
    pub left: usize,
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, Tree<'a>);
    fn next(&mut self) -> Option<(&'a str, Tree<'a>)> {
        self.left = self.left.checked_sub(1)?;
        let key = self.next;
        let value = key.at(key.at + 1);
        self.next = value.at(value.end());
        Some((key.str(), value))
    }
}

/// Any value: JSON's, and bytes. Members of objects keep their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    /// Above `i64::MAX`.
    Uint(u64),
    Float(f64),
    /// A number that neither an integer nor a double holds, by its text.
    Number(String),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Object(Vec<(String, Value)>),
}

static NULL: Value = Value::Null;

impl Value {
    /// An object without members.
    pub fn object() -> Value {
        Value::Object(Vec::new())
    }

    /// Reads JSON text, as the core does.
    pub fn from_json(text: impl AsRef<[u8]>) -> Result<Value, Error> {
        let text = text.as_ref();
        let mut out = ptr::null();
        // SAFETY: the text is borrowed during the call; the record is freed after it was read.
        unsafe {
            let rc = sys::spk_json_read(if text.is_empty() { c"".as_ptr() } else { text.as_ptr().cast() }, text.len(), &mut out);
            if rc < 0 {
                return Err(Error::port(rc, "reading JSON"));
            }
            let record = Record::copy(out.cast());
            sys::spk_record_free(out);
            Ok(record.tree(record.record().nodes).map(|t| t.value()).unwrap_or_default())
        }
    }

    /// Writes JSON text, as the core does; bytes are base64.
    pub fn to_json(&self) -> String {
        let mut b = Builder::default();
        self.write(&mut b);
        json_of(&b.finish())
    }

    /// Any value that serde knows.
    pub fn of(value: &(impl serde::Serialize + ?Sized)) -> Result<Value, Error> {
        let mut b = Builder::default();
        crate::ser::write(&mut b, value)?;
        Ok(built(b))
    }

    /// This as a type. Nothing is validated.
    pub fn decode<T: serde::de::DeserializeOwned>(&self) -> Result<T, Error> {
        let mut b = Builder::default();
        self.write(&mut b);
        let record = Record::bare(&b.finish());
        let count = record.1; // at least as many as there are nodes; the tree stops by itself
        let nodes = record.array_prefix(count);
        crate::de::read(Tree { record: &record, nodes, at: 0 })
    }

    pub(crate) fn write(&self, b: &mut Builder) {
        match self {
            Value::Null => b.null(),
            Value::Bool(v) => b.bool(*v),
            Value::Int(v) => b.int(*v),
            Value::Uint(v) => b.uint(*v),
            Value::Float(v) => b.float(*v),
            Value::Number(v) => b.number(v),
            Value::Text(v) => b.text(v),
            Value::Bytes(v) => b.bytes(v),
            Value::List(list) => {
                let at = b.begin_list();
                list.iter().for_each(|v| v.write(b));
                b.end(at, list.len());
            }
            Value::Object(members) => {
                let at = b.begin_object();
                for (name, value) in members {
                    b.text(name);
                    value.write(b);
                }
                b.end(at, members.len());
            }
        }
    }

    pub fn is_null(&self) -> bool {
        *self == Value::Null
    }
    /// The member of an object; null where there is none.
    pub fn get(&self, name: &str) -> &Value {
        self.member(name).unwrap_or(&NULL)
    }
    /// The member of an object.
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.members().iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
    /// The members of an object; none of anything else.
    pub fn members(&self) -> &[(String, Value)] {
        match self {
            Value::Object(members) => members,
            _ => &[],
        }
    }
    /// The elements of a list; none of anything else.
    pub fn list(&self) -> &[Value] {
        match self {
            Value::List(list) => list,
            _ => &[],
        }
    }
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Int(value) => Some(*value),
            _ => None,
        }
    }
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Value::Int(value) => u64::try_from(*value).ok(),
            Value::Uint(value) => Some(*value),
            _ => None,
        }
    }
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Float(value) => Some(*value),
            Value::Int(value) => Some(*value as f64),
            Value::Uint(value) => Some(*value as f64),
            _ => None,
        }
    }
    /// Bytes, or those of text.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Bytes(value) => Some(value),
            Value::Text(text) => Some(text.as_bytes()),
            _ => None,
        }
    }
    /// Sets a member; what is no object becomes one.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) -> &mut Value {
        *self.entry(name) = value.into();
        self
    }
    /// `set` on the way.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Value {
        self.set(name, value);
        self
    }
    pub(crate) fn entry(&mut self, name: &str) -> &mut Value {
        if !matches!(self, Value::Object(_)) {
            *self = Value::object();
        }
        let Value::Object(members) = self else { unreachable!("it was made an object") };
        let at = members.iter().position(|(key, _)| key == name).unwrap_or_else(|| {
            members.push((name.into(), Value::Null));
            members.len() - 1
        });
        &mut members[at].1
    }
    pub(crate) fn push(&mut self, value: Value) {
        if !matches!(self, Value::List(_)) {
            *self = Value::List(Vec::new());
        }
        if let Value::List(list) = self {
            list.push(value);
        }
    }
    /// Lays `more` over this: objects are merged, anything else is replaced.
    pub(crate) fn merge(&mut self, more: Value) {
        match more {
            Value::Object(members) => {
                if !matches!(self, Value::Object(_)) {
                    *self = Value::object();
                }
                for (name, value) in members {
                    self.entry(&name).merge(value);
                }
            }
            other => *self = other,
        }
    }
}

impl Record {
    /// As many nodes as the preorder at the start has.
    fn array_prefix(&self, bytes: usize) -> &[spk_node] {
        let all = self.array::<spk_node>(spk_view { off: 0, len: (bytes / NODE) as u32 });
        let whole = Tree { record: self, nodes: all, at: 0 };
        &all[..whole.end()]
    }
}

fn built(b: Builder) -> Value {
    let record = Record::bare(&b.finish());
    let nodes = record.array_prefix(record.1);
    Tree { record: &record, nodes, at: 0 }.value()
}

/// JSON text of nodes.
pub(crate) fn json_of(nodes: &[u8]) -> String {
    let record = Record::bare(nodes);
    let mut out = vec![0u8; record.1 + 64];
    loop {
        // SAFETY: nodes and text are aligned and borrowed during the call; at most `cap` bytes are written.
        let need = unsafe { sys::spk_json_write(record.0.as_ptr().cast(), record.1, out.as_mut_ptr().cast(), out.len()) };
        if need < out.len() {
            out.truncate(need);
            return String::from_utf8(out).unwrap_or_default();
        }
        out.resize(need + 1, 0);
    }
}

impl fmt::Display for Value {
    /// JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json())
    }
}

macro_rules! from {
    ($($type:ty => |$v:ident| $make:expr;)*) => { $(impl From<$type> for Value { fn from($v: $type) -> Value { $make } })* };
}
from! {
    bool => |v| Value::Bool(v);
    i8 => |v| Value::Int(v.into());
    i16 => |v| Value::Int(v.into());
    i32 => |v| Value::Int(v.into());
    i64 => |v| Value::Int(v);
    u8 => |v| Value::Int(v.into());
    u16 => |v| Value::Int(v.into());
    u32 => |v| Value::Int(v.into());
    u64 => |v| i64::try_from(v).map_or(Value::Uint(v), Value::Int);
    usize => |v| Value::from(v as u64);
    f64 => |v| Value::Float(v);
    &str => |v| Value::Text(v.into());
    String => |v| Value::Text(v);
    &String => |v| Value::Text(v.clone());
    Vec<u8> => |v| Value::Bytes(v);
    &[u8] => |v| Value::Bytes(v.into());
    Vec<Value> => |v| Value::List(v);
    Vec<String> => |v| Value::List(v.into_iter().map(Value::Text).collect());
    &Value => |v| v.clone();
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(v: Option<T>) -> Value {
        v.map_or(Value::Null, Into::into)
    }
}

impl Builder {
    /// The text of what was written at `at`: None where it is text already, an error where it is no scalar.
    pub fn scalar_text(&self, at: usize) -> Option<Result<String, ()>> {
        let node = &self.nodes[at];
        Some(match node.r#type {
            sys::SPK_STR => return None,
            sys::SPK_BOOL => Ok((node.u != 0).to_string()),
            sys::SPK_INT => Ok((node.u as i64).to_string()),
            sys::SPK_UINT => Ok(node.u.to_string()),
            sys::SPK_F64 => Ok(f64::from_bits(node.u).to_string()),
            _ => Err(()),
        })
    }
}

//! What cases hold, and what the protocol makes of values.

use std::fmt;
use std::io::Read;
use std::time::Duration;

use spikard::{Failure, Result, Value};

/// A key or a kind of the case that this harness, or the product, does not have.
#[derive(Debug)]
pub struct NotBuilt(String);

impl fmt::Display for NotBuilt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not built: {}", self.0)
    }
}
impl std::error::Error for NotBuilt {}

pub fn not_built(what: impl fmt::Display) -> Failure {
    NotBuilt(what.to_string()).into()
}

pub fn only(value: &Value, known: &str, place: &str) -> Result<()> {
    match value.members().iter().find(|(key, _)| !known.split(' ').any(|k| k == key)) {
        Some((key, _)) => Err(not_built(format!("{place}.{key}"))),
        None => Ok(()),
    }
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
pub fn whole(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}
pub fn some_u32(value: &Value) -> Option<u32> {
    value.as_u64().map(|n| n as u32)
}
pub fn span(value: &Value) -> Option<Duration> {
    value.as_i64().map(|ms| Duration::from_millis(ms.max(0) as u64))
}
pub fn some_text(value: &Value) -> Option<&str> {
    value.as_str().filter(|t| !t.is_empty())
}
pub fn bytes(value: &Value) -> Vec<u8> {
    value.as_bytes().unwrap_or_default().to_vec()
}

pub fn without(from: &Value, names: &str) -> Value {
    Value::Object(from.members().iter().filter(|(key, _)| !names.split(' ').any(|n| n == key)).cloned().collect())
}

pub fn base64(data: &[u8]) -> String {
    Value::from(data).to_json().trim_matches('"').to_string()
}

pub fn from_base64(text: &str) -> Vec<u8> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::new();
    let (mut bits, mut held) = (0u32, 0);
    for letter in text.bytes().filter(|b| *b != b'=') {
        let Some(value) = LETTERS.iter().position(|l| *l == letter) else { panic!("{text:?} is no base64") };
        bits = bits << 6 | value as u32;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    out
}

/// The bytes of a content object of a case.
pub fn content(content: &Value) -> Vec<u8> {
    if let Some(value) = content.member("json") {
        return value.to_json().into_bytes();
    }
    if let Some(value) = content.member("text") {
        return text(value).into();
    }
    from_base64(text(content.get("base64")))
}

/// `$bytes` as bytes, at any depth.
pub fn unpacked(value: &Value) -> Value {
    match value {
        Value::Object(members) => match members.as_slice() {
            [(name, data)] if name == "$bytes" => Value::Bytes(from_base64(text(data))),
            _ => Value::Object(members.iter().map(|(k, v)| (k.clone(), unpacked(v))).collect()),
        },
        Value::List(list) => Value::List(list.iter().map(unpacked).collect()),
        other => other.clone(),
    }
}

/// A result as the protocol has it.
pub fn packed(value: &Value) -> Value {
    let exact = |text: String| Value::object().with("$int64", text);
    match value {
        Value::Bytes(data) => Value::object().with("$bytes", base64(data)),
        Value::Number(text) if text.contains(['.', 'e', 'E']) => Value::object().with("$decimal", text),
        Value::Number(text) => exact(text.clone()),
        Value::Int(n) if n.unsigned_abs() > 1 << 53 => exact(n.to_string()),
        Value::Uint(n) => exact(n.to_string()),
        Value::List(list) => Value::List(list.iter().map(packed).collect()),
        Value::Object(members) => Value::Object(members.iter().map(|(k, v)| (k.clone(), packed(v))).collect()),
        other => other.clone(),
    }
}

pub fn random() -> [u8; 16] {
    let mut out = [0; 16];
    std::fs::File::open("/dev/urandom").and_then(|mut f| f.read_exact(&mut out)).expect("the system has random bytes");
    out
}

pub fn unique() -> String {
    random()[..12].iter().map(|b| format!("{b:02x}")).collect()
}

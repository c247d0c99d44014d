//! The configuration as it crosses the C interface: names and texts.
use std::collections::HashMap;
use std::time::Duration;

use opendal::{Error, ErrorKind, Result};

#[derive(Default, Clone)]
pub struct Options {
    values: HashMap<String, String>,
}

impl Options {
    pub fn new(values: HashMap<String, String>) -> Options {
        Options { values }
    }
    /// Nothing for what is empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }
    pub fn flag(&self, name: &str) -> bool {
        self.text(name) == Some("true")
    }
    pub fn number(&self, name: &str, default: u64) -> u64 {
        self.text(name).and_then(|text| text.parse().ok()).unwrap_or(default)
    }
    pub fn need(&self, name: &'static str) -> Result<String> {
        self.text(name)
            .map(str::to_string)
            .ok_or_else(|| Error::new(ErrorKind::ConfigInvalid, format!("{name}: expected a value")))
    }
    /// All but our own (`spikard.`), for OpenDAL.
    pub fn foreign(&self) -> impl Iterator<Item = (String, String)> + '_ {
        self.values
            .iter()
            .filter(|(name, value)| !name.starts_with("spikard.") && !value.is_empty())
            .map(|(name, value)| (name.clone(), value.clone()))
    }
    pub fn policy(&self) -> Policy {
        Policy {
            silence: Duration::from_millis(self.number("spikard.timeout_ms", 30_000).max(1)),
            retries: self.number("spikard.max_retries", 3).min(20) as u32,
        }
    }
}

/// How long a server may be silent, and how often a request is made again.
#[derive(Clone, Copy)]
pub struct Policy {
    pub silence: Duration,
    pub retries: u32,
}

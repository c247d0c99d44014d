// Code generated from spec/services by codegen. DO NOT EDIT.

//! The application as plain data: what crosses to the core once. Applications write parts of it as configuration; the core checks all of it.
//! `None` is the default of a member: `CacheConfig { url: Some("memory:".into()), ..Default::default() }`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::Value;

/// A colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Colour {
    /// Like fire.
    #[default]
    #[serde(rename = "red")]
    Red,
    /// See the type.
    #[serde(rename = "null")]
    Null,
}

/// A wheel.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Wheel {
    /// Its size, in inches.
    #[serde(rename = "in")]
    pub r#in: u16,
    /// Spokes; -1: not counted.
    #[serde(rename = "spokes", skip_serializing_if = "Option::is_none")]
    pub spokes: Option<i32>,
}

/// A shop of bikes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Shop {
    /// Its name.
    #[serde(rename = "name", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// It is open.
    #[serde(rename = "open", skip_serializing_if = "Option::is_none")]
    pub open: Option<bool>,
    /// Of the door.
    #[serde(rename = "colour", skip_serializing_if = "Option::is_none")]
    pub colour: Option<Colour>,
    /// Of the bikes.
    #[serde(rename = "colours", skip_serializing_if = "Option::is_none")]
    pub colours: Option<Vec<Colour>>,
    /// Words.
    #[serde(rename = "tags", skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// In store.
    #[serde(rename = "wheels", skip_serializing_if = "Option::is_none")]
    pub wheels: Option<Vec<Wheel>>,
    /// The best one.
    #[serde(rename = "best", skip_serializing_if = "Option::is_none")]
    pub best: Option<Wheel>,
    /// Named ones.
    #[serde(rename = "by_name", skip_serializing_if = "Option::is_none")]
    pub by_name: Option<BTreeMap<String, Wheel>>,
    /// Anything.
    #[serde(rename = "any", skip_serializing_if = "Option::is_none")]
    pub any: Option<Value>,
    /// How many; null: any number.
    #[serde(rename = "limit", skip_serializing_if = "Option::is_none")]
    pub limit: Option<Option<u64>>,
}

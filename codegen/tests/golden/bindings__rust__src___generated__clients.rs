// Code generated from spec/operations by codegen. DO NOT EDIT.

//! The operations of the toolbox. Each is a value with its options as methods: await it, and it is done.

use std::future::IntoFuture;
use std::time::Duration;

use serde::Serialize;

use crate::call::{Call, Client, Pending, Streaming};
use crate::sys;
use crate::{Error, Value};

/// One method for each operation of shop; [`crate::Shop`] builds on it.
#[derive(Clone, Debug)]
pub struct ShopClient {
    pub(crate) client: Client,
}

impl ShopClient {
    /// Buys.
    ///
    /// In full: "a\b".
    ///
    /// Errors: not_found.
    pub fn buy(&self, what: &str) -> ShopBuy {
        let mut c = Call::new(&self.client, sys::SPK_OP_SHOP_BUY);
        c.text("what", what);
        ShopBuy(c)
    }

    /// Reads.
    pub fn read(&self, what: &str) -> ShopRead {
        let mut c = Call::new(&self.client, sys::SPK_OP_SHOP_READ);
        c.text("what", what);
        ShopRead(c)
    }

    /// Writes.
    pub fn write(&self, what: &str) -> ShopWrite {
        let mut c = Call::new(&self.client, sys::SPK_OP_SHOP_WRITE);
        c.text("what", what);
        ShopWrite(c)
    }
}

/// What shop.buy gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShopBuyResult {
    /// Its number.
    pub id: u64,
    /// How long.
    pub takes: Option<Duration>,
    /// When.
    pub bought_at: i64,
    /// Its parts; null for what is missing.
    pub parts: Vec<Option<Vec<u8>>>,
}

/// shop.buy, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct ShopBuy(pub(crate) Call);

impl ShopBuy {
    /// Where.
    pub fn r#in(mut self, value: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.0.texts("in", value);
        self
    }

    /// Notes.
    pub fn by_name(mut self, value: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<[u8]>)>) -> Self {
        self.0.bytes_map("by_name", value);
        self
    }

    /// How long. Null: as long as it takes.
    pub fn wait(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("wait_ms", value);
        }
        self
    }

    /// How long it is held.
    pub fn hold(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("hold_ms", value);
        }
        self
    }

    /// Wrapped.
    pub fn gift(mut self, value: impl Into<Option<bool>>) -> Self {
        if let Some(value) = value.into() {
            self.0.bool("gift", value);
        }
        self
    }

    /// A note.
    pub fn note(mut self, value: impl AsRef<[u8]>) -> Self {
        self.0.bytes("note", value);
        self
    }
}

impl IntoFuture for ShopBuy {
    type Output = Result<ShopBuyResult, Error>;
    type IntoFuture = Pending<ShopBuyResult>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| ShopBuyResult {
            id: r.uint("id").unwrap_or_default(),
            takes: r.span("takes_ms"),
            bought_at: r.int("bought_at").unwrap_or_default(),
            parts: r.bytes_list("parts"),
        })
    }
}

/// shop.read, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited, sent or opened"]
pub struct ShopRead(pub(crate) Call);

impl ShopRead {
    /// Begins it: what comes is read from the stream.
    pub fn open(self) -> Streaming<u64> {
        self.0.open(|r| r.uint("size").unwrap_or_default())
    }
}

/// shop.write, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited, sent or opened"]
pub struct ShopWrite(pub(crate) Call);

impl ShopWrite {
    /// Any.
    pub fn kind(mut self, value: impl Serialize) -> Self {
        self.0.any_unless_null("kind", &value);
        self
    }

    /// Does it with the chunks of a stream. When one of them is an error, or this is dropped, nothing is done.
    pub async fn send<S, B, E>(self, chunks: S) -> Result<(), crate::Failure>
    where
        S: futures_core::Stream<Item = Result<B, E>> + Send,
        B: AsRef<[u8]> + Send,
        E: Into<crate::Failure>,
    {
        self.0.send(chunks, |_| ()).await
    }
}

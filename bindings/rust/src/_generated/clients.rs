// Code generated from spec/operations by codegen. DO NOT EDIT.

//! The operations of the toolbox. Each is a value with its options as methods: await it, and it is done.

use std::future::IntoFuture;
use std::time::Duration;

use serde::Serialize;

use crate::call::{Call, Client, Pending, Streaming};
use crate::sys;
use crate::{Error, Value};

/// One method for each operation of cache; [`crate::Cache`] builds on it.
#[derive(Clone, Debug)]
pub struct CacheClient {
    pub(crate) client: Client,
}

impl CacheClient {
    /// The value of a key; null for a miss.
    ///
    /// Errors: invalid_argument, unavailable, timeout.
    pub fn get(&self, key: &str) -> CacheGet {
        let mut c = Call::new(&self.client, sys::SPK_OP_CACHE_GET);
        c.text("key", key);
        CacheGet(c)
    }

    /// Sets a key, whatever was there.
    ///
    /// Errors: invalid_argument, too_large, unavailable, timeout.
    pub fn set(&self, key: &str, value: impl AsRef<[u8]>) -> CacheSet {
        let mut c = Call::new(&self.client, sys::SPK_OP_CACHE_SET);
        c.text("key", key);
        c.bytes("value", value);
        CacheSet(c)
    }

    /// Deletes a key.
    ///
    /// Errors: invalid_argument, unavailable, timeout.
    pub fn delete(&self, key: &str) -> CacheDelete {
        let mut c = Call::new(&self.client, sys::SPK_OP_CACHE_DELETE);
        c.text("key", key);
        CacheDelete(c)
    }

    /// Whether a key is there. Counts as no use of it.
    ///
    /// Errors: invalid_argument, unavailable, timeout.
    pub fn exists(&self, key: &str) -> CacheExists {
        let mut c = Call::new(&self.client, sys::SPK_OP_CACHE_EXISTS);
        c.text("key", key);
        CacheExists(c)
    }

    /// Gives a key a new time to live, from now.
    ///
    /// Errors: invalid_argument, unavailable, timeout.
    pub fn touch(&self, key: &str) -> CacheTouch {
        let mut c = Call::new(&self.client, sys::SPK_OP_CACHE_TOUCH);
        c.text("key", key);
        CacheTouch(c)
    }

    /// How long a key has left. A miss is not_found.
    ///
    /// Errors: not_found, invalid_argument, unavailable, timeout.
    pub fn ttl(&self, key: &str) -> CacheTtl {
        let mut c = Call::new(&self.client, sys::SPK_OP_CACHE_TTL);
        c.text("key", key);
        CacheTtl(c)
    }

    /// Adds to an integer that is kept as decimal text, from nought where there is none. The time to live stays. A value that is no integer of 64 bits is
    /// invalid_argument with detail not_an_integer, a result that is none out_of_range; both leave the value.
    ///
    /// Errors: invalid_argument, unavailable, timeout.
    pub fn increment(&self, key: &str) -> CacheIncrement {
        let mut c = Call::new(&self.client, sys::SPK_OP_CACHE_INCREMENT);
        c.text("key", key);
        CacheIncrement(c)
    }

    /// Sets a key that is not there.
    ///
    /// Errors: invalid_argument, too_large, unavailable, timeout.
    pub fn set_if_absent(&self, key: &str, value: impl AsRef<[u8]>) -> CacheSetIfAbsent {
        let mut c = Call::new(&self.client, sys::SPK_OP_CACHE_SET_IF_ABSENT);
        c.text("key", key);
        c.bytes("value", value);
        CacheSetIfAbsent(c)
    }

    /// Deletes a key if it has this value.
    ///
    /// Errors: invalid_argument, unavailable, timeout.
    pub fn delete_if(&self, key: &str, equals: impl AsRef<[u8]>) -> CacheDeleteIf {
        let mut c = Call::new(&self.client, sys::SPK_OP_CACHE_DELETE_IF);
        c.text("key", key);
        c.bytes("equals", equals);
        CacheDeleteIf(c)
    }

    /// The values of keys, in their order; a key may be there twice. At most 65536 keys.
    ///
    /// Errors: invalid_argument, unavailable, timeout.
    pub fn get_many(&self, keys: impl IntoIterator<Item = impl AsRef<str>>) -> CacheGetMany {
        let mut c = Call::new(&self.client, sys::SPK_OP_CACHE_GET_MANY);
        c.texts("keys", keys);
        CacheGetMany(c)
    }

    /// Sets many keys, one after the other; not atomic. At most 65536.
    ///
    /// Errors: invalid_argument, too_large, unavailable, timeout.
    pub fn set_many(&self, items: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<[u8]>)>) -> CacheSetMany {
        let mut c = Call::new(&self.client, sys::SPK_OP_CACHE_SET_MANY);
        c.bytes_map("items", items);
        CacheSetMany(c)
    }

    /// Deletes every key of the namespace.
    ///
    /// Errors: invalid_argument, unavailable, timeout.
    pub fn clear(&self) -> CacheClear {
        CacheClear(Call::new(&self.client, sys::SPK_OP_CACHE_CLEAR))
    }

    /// How many keys the namespace has. Looks at every entry of the cache.
    ///
    /// Errors: invalid_argument, unavailable, timeout.
    pub fn count(&self) -> CacheCount {
        CacheCount(Call::new(&self.client, sys::SPK_OP_CACHE_COUNT))
    }

    /// Deletes every key of any namespace that was set with one of these tags.
    ///
    /// Errors: invalid_argument, unsupported, unavailable, timeout.
    pub fn invalidate_tags(&self, tags: impl IntoIterator<Item = impl AsRef<str>>) -> CacheInvalidateTags {
        let mut c = Call::new(&self.client, sys::SPK_OP_CACHE_INVALIDATE_TAGS);
        c.texts("tags", tags);
        CacheInvalidateTags(c)
    }

    /// The value of a key, or the duty to load it. See above for what a binding makes of it. A load that another caller has begun is waited for; it fails
    /// as that one failed (internal, detail load_failed).
    ///
    /// Errors: invalid_argument, timeout, cancelled, unavailable, internal.
    pub fn get_or_begin_load(&self, key: &str) -> CacheGetOrBeginLoad {
        let mut c = Call::new(&self.client, sys::SPK_OP_CACHE_GET_OR_BEGIN_LOAD);
        c.text("key", key);
        CacheGetOrBeginLoad(c)
    }

    /// Ends a load. `failed` answers the old value where one was kept (`stale_if_error_ms`), else internal with detail load_failed and the message; so it
    /// does for all who wait. `given_up` makes one of those who wait the loader. A flight that is over (`load_timeout_ms`) takes no result: the value is
    /// answered to its caller, but not kept.
    ///
    /// Errors: invalid_argument, internal, unavailable.
    pub fn end_load(&self, flight: u64, outcome: &str) -> CacheEndLoad {
        let mut c = Call::new(&self.client, sys::SPK_OP_CACHE_END_LOAD);
        c.uint("flight", flight);
        c.text("outcome", outcome);
        CacheEndLoad(c)
    }

    /// What the cache counted since it was opened, over all namespaces, in this process.
    ///
    /// Errors: unavailable.
    pub fn stats(&self) -> CacheStats {
        CacheStats(Call::new(&self.client, sys::SPK_OP_CACHE_STATS))
    }

    /// Deletes keys, and what was set with one of the tags; in a transaction of `db` when it commits, and not at all when it does not.
    ///
    /// Errors: invalid_argument, not_found, unsupported, unavailable, timeout.
    pub fn invalidate(&self) -> CacheInvalidate {
        CacheInvalidate(Call::new(&self.client, sys::SPK_OP_CACHE_INVALIDATE))
    }
}

/// cache.get, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct CacheGet(pub(crate) Call);

impl CacheGet {
    /// The namespace.
    pub fn namespace<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("namespace", value);
        }
        self
    }
}

impl IntoFuture for CacheGet {
    type Output = Result<Option<Vec<u8>>, Error>;
    type IntoFuture = Pending<Option<Vec<u8>>>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.bytes("value"))
    }
}

/// cache.set, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct CacheSet(pub(crate) Call);

impl CacheSet {
    /// How long it lives. Null: as long as the cache's default says.
    pub fn ttl(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("ttl_ms", value);
        }
        self
    }

    /// No time limit, whatever the default.
    pub fn forever(mut self, value: impl Into<Option<bool>>) -> Self {
        if let Some(value) = value.into() {
            self.0.bool("forever", value);
        }
        self
    }

    /// What `cache.invalidate_tags` finds it by.
    pub fn tags(mut self, value: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.0.texts("tags", value);
        self
    }

    /// What it counts towards the cache's limit, in its unit (entries or bytes). 0: one entry, or its bytes.
    pub fn weight(mut self, value: impl Into<Option<u32>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("weight", u64::from(value));
        }
        self
    }

    /// The namespace.
    pub fn namespace<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("namespace", value);
        }
        self
    }
}

impl IntoFuture for CacheSet {
    type Output = Result<(), Error>;
    type IntoFuture = Pending<()>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|_| ())
    }
}

/// cache.delete, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct CacheDelete(pub(crate) Call);

impl CacheDelete {
    /// The namespace.
    pub fn namespace<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("namespace", value);
        }
        self
    }
}

impl IntoFuture for CacheDelete {
    type Output = Result<bool, Error>;
    type IntoFuture = Pending<bool>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.bool("value").unwrap_or_default())
    }
}

/// cache.exists, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct CacheExists(pub(crate) Call);

impl CacheExists {
    /// The namespace.
    pub fn namespace<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("namespace", value);
        }
        self
    }
}

impl IntoFuture for CacheExists {
    type Output = Result<bool, Error>;
    type IntoFuture = Pending<bool>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.bool("value").unwrap_or_default())
    }
}

/// cache.touch, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct CacheTouch(pub(crate) Call);

impl CacheTouch {
    /// How long it lives from now. Null: as long as the cache's default says.
    pub fn ttl(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("ttl_ms", value);
        }
        self
    }

    /// No time limit, whatever the default.
    pub fn forever(mut self, value: impl Into<Option<bool>>) -> Self {
        if let Some(value) = value.into() {
            self.0.bool("forever", value);
        }
        self
    }

    /// The namespace.
    pub fn namespace<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("namespace", value);
        }
        self
    }
}

impl IntoFuture for CacheTouch {
    type Output = Result<bool, Error>;
    type IntoFuture = Pending<bool>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.bool("value").unwrap_or_default())
    }
}

/// cache.ttl, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct CacheTtl(pub(crate) Call);

impl CacheTtl {
    /// The namespace.
    pub fn namespace<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("namespace", value);
        }
        self
    }
}

impl IntoFuture for CacheTtl {
    type Output = Result<Option<Duration>, Error>;
    type IntoFuture = Pending<Option<Duration>>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.span("value"))
    }
}

/// cache.increment, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct CacheIncrement(pub(crate) Call);

impl CacheIncrement {
    /// What to add; may be negative.
    pub fn by(mut self, value: impl Into<Option<i64>>) -> Self {
        if let Some(value) = value.into() {
            self.0.int("by", value);
        }
        self
    }

    /// How long it lives if this makes it. Null: as long as the cache's default says.
    pub fn ttl(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("ttl_ms", value);
        }
        self
    }

    /// No time limit if this makes it.
    pub fn forever(mut self, value: impl Into<Option<bool>>) -> Self {
        if let Some(value) = value.into() {
            self.0.bool("forever", value);
        }
        self
    }

    /// The namespace.
    pub fn namespace<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("namespace", value);
        }
        self
    }
}

impl IntoFuture for CacheIncrement {
    type Output = Result<i64, Error>;
    type IntoFuture = Pending<i64>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.int("value").unwrap_or_default())
    }
}

/// cache.set_if_absent, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct CacheSetIfAbsent(pub(crate) Call);

impl CacheSetIfAbsent {
    /// How long it lives. Null: as long as the cache's default says.
    pub fn ttl(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("ttl_ms", value);
        }
        self
    }

    /// No time limit, whatever the default.
    pub fn forever(mut self, value: impl Into<Option<bool>>) -> Self {
        if let Some(value) = value.into() {
            self.0.bool("forever", value);
        }
        self
    }

    /// What `cache.invalidate_tags` finds it by.
    pub fn tags(mut self, value: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.0.texts("tags", value);
        self
    }

    /// As in `cache.set`.
    pub fn weight(mut self, value: impl Into<Option<u32>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("weight", u64::from(value));
        }
        self
    }

    /// The namespace.
    pub fn namespace<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("namespace", value);
        }
        self
    }
}

impl IntoFuture for CacheSetIfAbsent {
    type Output = Result<bool, Error>;
    type IntoFuture = Pending<bool>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.bool("value").unwrap_or_default())
    }
}

/// cache.delete_if, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct CacheDeleteIf(pub(crate) Call);

impl CacheDeleteIf {
    /// The namespace.
    pub fn namespace<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("namespace", value);
        }
        self
    }
}

impl IntoFuture for CacheDeleteIf {
    type Output = Result<bool, Error>;
    type IntoFuture = Pending<bool>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.bool("value").unwrap_or_default())
    }
}

/// cache.get_many, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct CacheGetMany(pub(crate) Call);

impl CacheGetMany {
    /// The namespace.
    pub fn namespace<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("namespace", value);
        }
        self
    }
}

impl IntoFuture for CacheGetMany {
    type Output = Result<Vec<Option<Vec<u8>>>, Error>;
    type IntoFuture = Pending<Vec<Option<Vec<u8>>>>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.bytes_list("value"))
    }
}

/// cache.set_many, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct CacheSetMany(pub(crate) Call);

impl CacheSetMany {
    /// How long they live. Null: as long as the cache's default says.
    pub fn ttl(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("ttl_ms", value);
        }
        self
    }

    /// No time limit, whatever the default.
    pub fn forever(mut self, value: impl Into<Option<bool>>) -> Self {
        if let Some(value) = value.into() {
            self.0.bool("forever", value);
        }
        self
    }

    /// What `cache.invalidate_tags` finds them by.
    pub fn tags(mut self, value: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.0.texts("tags", value);
        self
    }

    /// The namespace.
    pub fn namespace<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("namespace", value);
        }
        self
    }
}

impl IntoFuture for CacheSetMany {
    type Output = Result<(), Error>;
    type IntoFuture = Pending<()>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|_| ())
    }
}

/// cache.clear, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct CacheClear(pub(crate) Call);

impl CacheClear {
    /// The namespace.
    pub fn namespace<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("namespace", value);
        }
        self
    }
}

impl IntoFuture for CacheClear {
    type Output = Result<(), Error>;
    type IntoFuture = Pending<()>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|_| ())
    }
}

/// cache.count, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct CacheCount(pub(crate) Call);

impl CacheCount {
    /// The namespace.
    pub fn namespace<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("namespace", value);
        }
        self
    }
}

impl IntoFuture for CacheCount {
    type Output = Result<u64, Error>;
    type IntoFuture = Pending<u64>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.uint("value").unwrap_or_default())
    }
}

/// cache.invalidate_tags, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct CacheInvalidateTags(pub(crate) Call);

impl CacheInvalidateTags {
}

impl IntoFuture for CacheInvalidateTags {
    type Output = Result<(), Error>;
    type IntoFuture = Pending<()>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|_| ())
    }
}

/// What cache.get_or_begin_load gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CacheGetOrBeginLoadResult {
    /// `value`, or `load`: the caller must load and call `cache.end_load`.
    pub state: String,
    /// With `value`: the value; null is known not to exist.
    pub value: Option<Vec<u8>>,
    /// What to give to `cache.end_load`; with `value`: load in the background.
    pub flight: Option<u64>,
}

/// cache.get_or_begin_load, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct CacheGetOrBeginLoad(pub(crate) Call);

impl CacheGetOrBeginLoad {
    /// How long the loaded value lives. Null: as long as the cache's default says.
    pub fn ttl(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("ttl_ms", value);
        }
        self
    }

    /// No time limit for the loaded value.
    pub fn forever(mut self, value: impl Into<Option<bool>>) -> Self {
        if let Some(value) = value.into() {
            self.0.bool("forever", value);
        }
        self
    }

    /// How long it is remembered that the loader found nothing. 0: not at all.
    pub fn negative_ttl(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("negative_ttl_ms", value);
        }
        self
    }

    /// How long past its time the loaded value is kept, to be answered when a load fails.
    pub fn stale_if_error(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("stale_if_error_ms", value);
        }
        self
    }

    /// A hit with less than this left makes one caller load it again in the background.
    pub fn early_refresh(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("early_refresh_ms", value);
        }
        self
    }

    /// How long to wait for another caller's load; then timeout. Null: as long as it takes.
    pub fn wait(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("wait_ms", value);
        }
        self
    }

    /// A load that takes longer is given to another caller; its result is then thrown away.
    pub fn load_timeout(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("load_timeout_ms", value);
        }
        self
    }

    /// Tags of the loaded value.
    pub fn tags(mut self, value: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.0.texts("tags", value);
        self
    }

    /// Weight of the loaded value, as in `cache.set`.
    pub fn weight(mut self, value: impl Into<Option<u32>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("weight", u64::from(value));
        }
        self
    }

    /// The namespace.
    pub fn namespace<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("namespace", value);
        }
        self
    }
}

impl IntoFuture for CacheGetOrBeginLoad {
    type Output = Result<CacheGetOrBeginLoadResult, Error>;
    type IntoFuture = Pending<CacheGetOrBeginLoadResult>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| CacheGetOrBeginLoadResult {
            state: r.text("state").unwrap_or_default(),
            value: r.bytes("value"),
            flight: r.uint("flight"),
        })
    }
}

/// cache.end_load, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct CacheEndLoad(pub(crate) Call);

impl CacheEndLoad {
    /// With `value`: what was loaded.
    pub fn value(mut self, value: impl AsRef<[u8]>) -> Self {
        self.0.bytes("value", value);
        self
    }

    /// With `failed`: why, for the callers' errors.
    pub fn message<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("message", value);
        }
        self
    }
}

impl IntoFuture for CacheEndLoad {
    type Output = Result<Option<Vec<u8>>, Error>;
    type IntoFuture = Pending<Option<Vec<u8>>>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.bytes("value"))
    }
}

/// What cache.stats gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CacheStatsResult {
    /// Reads that found a value.
    pub hits: u64,
    /// Reads that found none.
    pub misses: u64,
    /// Entries that had to go for want of room.
    pub evictions: u64,
    /// Entries removed because their time was over.
    pub expirations: u64,
    /// Loads that succeeded, those that found nothing included.
    pub loads: u64,
    /// Loads that failed.
    pub load_failures: u64,
    /// Entries present, expired ones that are not yet removed included.
    pub entries: u64,
    /// Their weight, in the unit of the limit.
    pub weight: u64,
    /// The limit: entries, or bytes.
    pub max_weight: u64,
}

/// cache.stats, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct CacheStats(pub(crate) Call);

impl CacheStats {
}

impl IntoFuture for CacheStats {
    type Output = Result<CacheStatsResult, Error>;
    type IntoFuture = Pending<CacheStatsResult>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| CacheStatsResult {
            hits: r.uint("hits").unwrap_or_default(),
            misses: r.uint("misses").unwrap_or_default(),
            evictions: r.uint("evictions").unwrap_or_default(),
            expirations: r.uint("expirations").unwrap_or_default(),
            loads: r.uint("loads").unwrap_or_default(),
            load_failures: r.uint("load_failures").unwrap_or_default(),
            entries: r.uint("entries").unwrap_or_default(),
            weight: r.uint("weight").unwrap_or_default(),
            max_weight: r.uint("max_weight").unwrap_or_default(),
        })
    }
}

/// cache.invalidate, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct CacheInvalidate(pub(crate) Call);

impl CacheInvalidate {
    /// The keys.
    pub fn keys(mut self, value: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.0.texts("keys", value);
        self
    }

    /// The tags, of any namespace.
    pub fn tags(mut self, value: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.0.texts("tags", value);
        self
    }

    /// The namespace of the keys.
    pub fn namespace<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("namespace", value);
        }
        self
    }

    /// The transaction of `db`.
    pub fn transaction(mut self, value: impl Into<Option<u64>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("transaction", value);
        }
        self
    }
}

impl IntoFuture for CacheInvalidate {
    type Output = Result<(), Error>;
    type IntoFuture = Pending<()>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|_| ())
    }
}

/// One method for each operation of cloudevents; [`crate::CloudEvents`] builds on it.
#[derive(Clone, Debug)]
pub struct CloudEventsClient {
    pub(crate) client: Client,
}

impl CloudEventsClient {
    /// Lays an event out in a message of a protocol. Completes at once.
    ///
    /// Errors: invalid_argument, unsupported.
    pub fn encode(&self, event: impl Serialize) -> CloudEventsEncode {
        let mut c = Call::new(&self.client, sys::SPK_OP_CLOUDEVENTS_ENCODE);
        c.any("event", &event);
        CloudEventsEncode(c)
    }

    /// Reads the events of a message. Completes at once.
    ///
    /// Errors: invalid_argument, unsupported.
    pub fn decode(&self) -> CloudEventsDecode {
        CloudEventsDecode(Call::new(&self.client, sys::SPK_OP_CLOUDEVENTS_DECODE))
    }

    /// Checks an event against the specification, its text included. Completes at once.
    pub fn validate(&self, event: impl Serialize) -> CloudEventsValidate {
        let mut c = Call::new(&self.client, sys::SPK_OP_CLOUDEVENTS_VALIDATE);
        c.any("event", &event);
        CloudEventsValidate(c)
    }

    /// Sends an event where `services.events` says and waits until it was taken, with retries. A missing id is made (UUID), a missing source is the
    /// sender's, a missing time is now.
    ///
    /// Errors: invalid_argument, permission_denied, not_found, unavailable, rate_limited, timeout, cancelled, outcome_unknown, unsupported.
    pub fn send(&self, event: impl Serialize) -> CloudEventsSend {
        let mut c = Call::new(&self.client, sys::SPK_OP_CLOUDEVENTS_SEND);
        c.any("event", &event);
        CloudEventsSend(c)
    }

    /// Sends events together: as one batch over HTTP, one message each to a broker.
    ///
    /// Errors: invalid_argument, permission_denied, not_found, unavailable, rate_limited, timeout, cancelled, outcome_unknown, unsupported.
    pub fn send_batch(&self, events: impl Serialize) -> CloudEventsSendBatch {
        let mut c = Call::new(&self.client, sys::SPK_OP_CLOUDEVENTS_SEND_BATCH);
        c.any("events", &events);
        CloudEventsSendBatch(c)
    }
}

/// What cloudevents.encode gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CloudEventsEncodeResult {
    /// Headers as an object of text (http, kafka, redis), else null.
    pub headers: Value,
    /// Application or user properties as an object of text, with their prefix (amqp, mqtt5), else null.
    pub properties: Value,
    /// What the names in `properties` begin with.
    pub property_prefix: String,
    /// The media type of the message, which is also among the headers where they have it; null for none.
    pub content_type: Value,
    /// The body; empty when there is no data.
    pub body: Vec<u8>,
    /// False: the event has no data.
    pub has_body: bool,
    /// The message's key, or null.
    pub key: Value,
}

/// cloudevents.encode, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct CloudEventsEncode(pub(crate) Call);

impl CloudEventsEncode {
    /// http, kafka, amqp, mqtt3, mqtt5, nats or redis.
    pub fn binding<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("binding", value);
        }
        self
    }

    /// binary, structured, or (http) batched. mqtt3 has structured only.
    pub fn mode<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("mode", value);
        }
        self
    }

    /// kafka, redis: the attribute whose value is the message's key, such as partitionkey. Empty: no key.
    pub fn key_mapper<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("key_mapper", value);
        }
        self
    }
}

impl IntoFuture for CloudEventsEncode {
    type Output = Result<CloudEventsEncodeResult, Error>;
    type IntoFuture = Pending<CloudEventsEncodeResult>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| CloudEventsEncodeResult {
            headers: r.value("headers"),
            properties: r.value("properties"),
            property_prefix: r.text("property_prefix").unwrap_or_default(),
            content_type: r.value("content_type"),
            body: r.bytes("body").unwrap_or_default(),
            has_body: r.bool("has_body").unwrap_or_default(),
            key: r.value("key"),
        })
    }
}

/// What cloudevents.decode gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CloudEventsDecodeResult {
    /// The events, valid; one unless it is a batch.
    pub events: Value,
    /// binary, structured or batched.
    pub mode: String,
}

/// cloudevents.decode, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct CloudEventsDecode(pub(crate) Call);

impl CloudEventsDecode {
    /// http, kafka, amqp, mqtt3, mqtt5, nats or redis.
    pub fn binding<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("binding", value);
        }
        self
    }

    /// An object of text, or an array of \[name, value\] where a name comes more than once.
    pub fn headers(mut self, value: impl Serialize) -> Self {
        self.0.any_unless_null("headers", &value);
        self
    }

    /// The same for amqp and mqtt5; amqp's booleans and integers may come as such.
    pub fn properties(mut self, value: impl Serialize) -> Self {
        self.0.any_unless_null("properties", &value);
        self
    }

    /// The protocol's own property (amqp, mqtt5).
    pub fn content_type<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("content_type", value);
        }
        self
    }

    /// The body; empty for none.
    pub fn body(mut self, value: impl AsRef<[u8]>) -> Self {
        self.0.bytes("body", value);
        self
    }
}

impl IntoFuture for CloudEventsDecode {
    type Output = Result<CloudEventsDecodeResult, Error>;
    type IntoFuture = Pending<CloudEventsDecodeResult>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| CloudEventsDecodeResult {
            events: r.value("events"),
            mode: r.text("mode").unwrap_or_default(),
        })
    }
}

/// cloudevents.validate, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct CloudEventsValidate(pub(crate) Call);

impl CloudEventsValidate {
}

impl IntoFuture for CloudEventsValidate {
    type Output = Result<Vec<String>, Error>;
    type IntoFuture = Pending<Vec<String>>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.texts("problems"))
    }
}

/// What cloudevents.send gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CloudEventsSendResult {
    /// The event's id.
    pub id: String,
    /// HTTP: the status that took it; 0 for a broker.
    pub status: u16,
    /// Tries, the last one included.
    pub attempts: u32,
    /// The event that answered, or null.
    pub reply: Value,
}

/// cloudevents.send, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct CloudEventsSend(pub(crate) Call);

impl CloudEventsSend {
    /// binary or structured. Empty: as configured.
    pub fn mode<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("mode", value);
        }
        self
    }

    /// Brokers: the message's key. Empty: its `partitionkey`, if it has one.
    pub fn key<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("key", value);
        }
        self
    }
}

impl IntoFuture for CloudEventsSend {
    type Output = Result<CloudEventsSendResult, Error>;
    type IntoFuture = Pending<CloudEventsSendResult>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| CloudEventsSendResult {
            id: r.text("id").unwrap_or_default(),
            status: r.uint("status").unwrap_or_default() as u16,
            attempts: r.uint("attempts").unwrap_or_default() as u32,
            reply: r.value("reply"),
        })
    }
}

/// What cloudevents.send_batch gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CloudEventsSendBatchResult {
    /// Their ids, in order.
    pub ids: Vec<String>,
    /// HTTP: the status that took them; 0 for a broker.
    pub status: u16,
    /// Tries, the last one included.
    pub attempts: u32,
}

/// cloudevents.send_batch, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct CloudEventsSendBatch(pub(crate) Call);

impl CloudEventsSendBatch {
}

impl IntoFuture for CloudEventsSendBatch {
    type Output = Result<CloudEventsSendBatchResult, Error>;
    type IntoFuture = Pending<CloudEventsSendBatchResult>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| CloudEventsSendBatchResult {
            ids: r.texts("ids"),
            status: r.uint("status").unwrap_or_default() as u16,
            attempts: r.uint("attempts").unwrap_or_default() as u32,
        })
    }
}

/// One method for each operation of cron; [`crate::Cron`] builds on it.
#[derive(Clone, Debug)]
pub struct CronClient {
    pub(crate) client: Client,
}

impl CronClient {
    /// The next times of an expression, strictly after `after`; fewer when there are no more. Result: `times`, RFC 3339 text in UTC.
    ///
    /// Errors: invalid_argument.
    pub fn next(&self, expr: &str) -> CronNext {
        let mut c = Call::new(&self.client, sys::SPK_OP_CRON_NEXT);
        c.text("expr", expr);
        CronNext(c)
    }
}

/// cron.next, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct CronNext(pub(crate) Call);

impl CronNext {
    /// A name of the IANA data base.
    pub fn timezone<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("timezone", value);
        }
        self
    }

    /// An instant: RFC 3339 text or ms since the epoch. Null: now.
    pub fn after(mut self, value: impl Serialize) -> Self {
        self.0.any_unless_null("after", &value);
        self
    }

    /// How many.
    pub fn count(mut self, value: impl Into<Option<u32>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("count", u64::from(value));
        }
        self
    }
}

impl IntoFuture for CronNext {
    type Output = Result<Vec<String>, Error>;
    type IntoFuture = Pending<Vec<String>>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.texts("times"))
    }
}

/// One method for each operation of db; [`crate::Database`] builds on it.
#[derive(Clone, Debug)]
pub struct DatabaseClient {
    pub(crate) client: Client,
}

impl DatabaseClient {
    /// The rows of a statement.
    ///
    /// Errors: invalid_argument, already_exists, conflict, too_large, timeout, unavailable.
    pub fn query(&self, sql: &str) -> DatabaseQuery {
        let mut c = Call::new(&self.client, sys::SPK_OP_DB_QUERY);
        c.text("sql", sql);
        DatabaseQuery(c)
    }

    /// The first row of a statement, null when there is none. The others are not read.
    ///
    /// Errors: invalid_argument, already_exists, conflict, timeout, unavailable.
    pub fn first(&self, sql: &str) -> DatabaseFirst {
        let mut c = Call::new(&self.client, sys::SPK_OP_DB_FIRST);
        c.text("sql", sql);
        DatabaseFirst(c)
    }

    /// Runs a statement and passes over its rows.
    ///
    /// Errors: invalid_argument, already_exists, conflict, timeout, unavailable.
    pub fn execute(&self, sql: &str) -> DatabaseExecute {
        let mut c = Call::new(&self.client, sys::SPK_OP_DB_EXECUTE);
        c.text("sql", sql);
        DatabaseExecute(c)
    }

    /// Runs one statement once for each set of parameters, all of it in one transaction (or the one that is named).
    ///
    /// Errors: invalid_argument, already_exists, conflict, timeout, unavailable.
    pub fn batch(&self, sql: &str, params: impl Serialize) -> DatabaseBatch {
        let mut c = Call::new(&self.client, sys::SPK_OP_DB_BATCH);
        c.text("sql", sql);
        c.any("params", &params);
        DatabaseBatch(c)
    }

    /// Streamed: the rows of a statement as JSON text, read no faster than they are taken. `format` json: one array; ndjson: one object a line. In JSON
    /// text decimals are numbers with all their digits, timestamps text, bytes base64.
    ///
    /// Errors: invalid_argument, already_exists, conflict, cancelled, timeout, unavailable.
    pub fn query_stream(&self, sql: &str) -> DatabaseQueryStream {
        let mut c = Call::new(&self.client, sys::SPK_OP_DB_QUERY_STREAM);
        c.text("sql", sql);
        DatabaseQueryStream(c)
    }

    /// Begins a transaction. It holds a connection until `db.commit` or `db.rollback`; after `transaction_timeout_ms` it is rolled back. After a failed
    /// statement only rollback is left (conflict, transaction_aborted).
    ///
    /// Errors: invalid_argument, timeout, unavailable.
    pub fn begin(&self) -> DatabaseBegin {
        DatabaseBegin(Call::new(&self.client, sys::SPK_OP_DB_BEGIN))
    }

    /// Commits and ends a transaction; with `savepoint` ends the innermost nested scope and keeps what it did.
    ///
    /// Errors: not_found, conflict, timeout, unavailable, outcome_unknown.
    pub fn commit(&self, transaction: u64) -> DatabaseCommit {
        let mut c = Call::new(&self.client, sys::SPK_OP_DB_COMMIT);
        c.uint("transaction", transaction);
        DatabaseCommit(c)
    }

    /// Undoes and ends a transaction; with `savepoint` the innermost nested scope, after which the transaction can go on.
    ///
    /// Errors: not_found, conflict, unavailable.
    pub fn rollback(&self, transaction: u64) -> DatabaseRollback {
        let mut c = Call::new(&self.client, sys::SPK_OP_DB_ROLLBACK);
        c.uint("transaction", transaction);
        DatabaseRollback(c)
    }

    /// Opens a nested scope in a transaction.
    ///
    /// Errors: not_found, conflict, timeout, unavailable.
    pub fn savepoint(&self, transaction: u64) -> DatabaseSavepoint {
        let mut c = Call::new(&self.client, sys::SPK_OP_DB_SAVEPOINT);
        c.uint("transaction", transaction);
        DatabaseSavepoint(c)
    }

    /// Begins to read the rows of a statement; it holds a connection until `db.close_cursor` or its end.
    ///
    /// Errors: invalid_argument, already_exists, conflict, timeout, unavailable.
    pub fn open_cursor(&self, sql: &str) -> DatabaseOpenCursor {
        let mut c = Call::new(&self.client, sys::SPK_OP_DB_OPEN_CURSOR);
        c.text("sql", sql);
        DatabaseOpenCursor(c)
    }

    /// The next rows of a cursor. It closes itself at the end and after an error.
    ///
    /// Errors: not_found, invalid_argument, conflict, timeout, unavailable.
    pub fn fetch(&self, cursor: u64) -> DatabaseFetch {
        let mut c = Call::new(&self.client, sys::SPK_OP_DB_FETCH);
        c.uint("cursor", cursor);
        DatabaseFetch(c)
    }

    /// Ends a cursor. One that is not there is fine.
    ///
    /// Errors: unavailable.
    pub fn close_cursor(&self, cursor: u64) -> DatabaseCloseCursor {
        let mut c = Call::new(&self.client, sys::SPK_OP_DB_CLOSE_CURSOR);
        c.uint("cursor", cursor);
        DatabaseCloseCursor(c)
    }

    /// Applies the files of the migrations folder that were not applied yet, in order, each in a transaction, once for any number of processes. A file
    /// that was changed after it was applied is conflict, and nothing is done.
    ///
    /// Errors: invalid_argument, not_found, conflict, timeout, unavailable.
    pub fn migrate(&self) -> DatabaseMigrate {
        DatabaseMigrate(Call::new(&self.client, sys::SPK_OP_DB_MIGRATE))
    }

    /// What is applied and what is not.
    ///
    /// Errors: invalid_argument, not_found, timeout, unavailable.
    pub fn migration_status(&self) -> DatabaseMigrationStatus {
        DatabaseMigrationStatus(Call::new(&self.client, sys::SPK_OP_DB_MIGRATION_STATUS))
    }

    /// Notes (source, id) in a transaction and says whether it was new. What a handler does in the same transaction then happens once, however often a
    /// message or an event is delivered.
    ///
    /// Errors: not_found, conflict, timeout, unavailable.
    pub fn inbox(&self, transaction: u64, source: &str, id: &str) -> DatabaseInbox {
        let mut c = Call::new(&self.client, sys::SPK_OP_DB_INBOX);
        c.uint("transaction", transaction);
        c.text("source", source);
        c.text("id", id);
        DatabaseInbox(c)
    }

    /// What the client is doing.
    ///
    /// Errors: unavailable.
    pub fn stats(&self) -> DatabaseStats {
        DatabaseStats(Call::new(&self.client, sys::SPK_OP_DB_STATS))
    }

    /// Closes the client; what comes after is unavailable, closed.
    pub fn close(&self) -> DatabaseClose {
        DatabaseClose(Call::new(&self.client, sys::SPK_OP_DB_CLOSE))
    }
}

/// What db.query gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DatabaseQueryResult {
    /// A list of objects.
    pub rows: Value,
    /// Names, in the order of the statement.
    pub columns: Vec<String>,
    /// Of the columns.
    pub types: Vec<String>,
}

/// db.query, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct DatabaseQuery(pub(crate) Call);

impl DatabaseQuery {
    /// Its parameters: a list, or an object; null for none.
    pub fn params(mut self, value: impl Serialize) -> Self {
        self.0.any_unless_null("params", &value);
        self
    }

    /// The transaction it is part of.
    pub fn transaction(mut self, value: impl Into<Option<u64>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("transaction", value);
        }
        self
    }

    /// Longest it may take. Null: the configuration's `statement_timeout_ms`.
    pub fn timeout(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("timeout_ms", value);
        }
        self
    }
}

impl IntoFuture for DatabaseQuery {
    type Output = Result<DatabaseQueryResult, Error>;
    type IntoFuture = Pending<DatabaseQueryResult>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| DatabaseQueryResult {
            rows: r.value("rows"),
            columns: r.texts("columns"),
            types: r.texts("types"),
        })
    }
}

/// What db.first gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DatabaseFirstResult {
    /// An object, or null.
    pub row: Value,
    /// Of the columns.
    pub types: Vec<String>,
}

/// db.first, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct DatabaseFirst(pub(crate) Call);

impl DatabaseFirst {
    /// Its parameters: a list, or an object; null for none.
    pub fn params(mut self, value: impl Serialize) -> Self {
        self.0.any_unless_null("params", &value);
        self
    }

    /// The transaction it is part of.
    pub fn transaction(mut self, value: impl Into<Option<u64>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("transaction", value);
        }
        self
    }

    /// Longest it may take. Null: the configuration's `statement_timeout_ms`.
    pub fn timeout(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("timeout_ms", value);
        }
        self
    }
}

impl IntoFuture for DatabaseFirst {
    type Output = Result<DatabaseFirstResult, Error>;
    type IntoFuture = Pending<DatabaseFirstResult>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| DatabaseFirstResult {
            row: r.value("row"),
            types: r.texts("types"),
        })
    }
}

/// db.execute, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct DatabaseExecute(pub(crate) Call);

impl DatabaseExecute {
    /// Its parameters: a list, or an object; null for none.
    pub fn params(mut self, value: impl Serialize) -> Self {
        self.0.any_unless_null("params", &value);
        self
    }

    /// The transaction it is part of.
    pub fn transaction(mut self, value: impl Into<Option<u64>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("transaction", value);
        }
        self
    }

    /// Longest it may take. Null: the configuration's `statement_timeout_ms`.
    pub fn timeout(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("timeout_ms", value);
        }
        self
    }
}

impl IntoFuture for DatabaseExecute {
    type Output = Result<u64, Error>;
    type IntoFuture = Pending<u64>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.uint("affected").unwrap_or_default())
    }
}

/// db.batch, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct DatabaseBatch(pub(crate) Call);

impl DatabaseBatch {
    /// The transaction it is part of.
    pub fn transaction(mut self, value: impl Into<Option<u64>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("transaction", value);
        }
        self
    }

    /// Longest all of it may take. Null: the configuration's `statement_timeout_ms`.
    pub fn timeout(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("timeout_ms", value);
        }
        self
    }
}

impl IntoFuture for DatabaseBatch {
    type Output = Result<u64, Error>;
    type IntoFuture = Pending<u64>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.uint("affected").unwrap_or_default())
    }
}

/// db.query_stream, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited, sent or opened"]
pub struct DatabaseQueryStream(pub(crate) Call);

impl DatabaseQueryStream {
    /// Its parameters: a list, or an object; null for none.
    pub fn params(mut self, value: impl Serialize) -> Self {
        self.0.any_unless_null("params", &value);
        self
    }

    /// `json` or `ndjson`.
    pub fn format<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("format", value);
        }
        self
    }

    /// The transaction it is part of.
    pub fn transaction(mut self, value: impl Into<Option<u64>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("transaction", value);
        }
        self
    }

    /// Longest between two parts. Null: the configuration's `statement_timeout_ms`.
    pub fn timeout(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("timeout_ms", value);
        }
        self
    }

    /// Begins it: what comes is read from the stream.
    pub fn open(self) -> Streaming<u64> {
        self.0.open(|r| r.uint("rows").unwrap_or_default())
    }
}

/// db.begin, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct DatabaseBegin(pub(crate) Call);

impl DatabaseBegin {
    /// `read_committed`, `repeatable_read` or `serializable`; empty for the database's default. SQLite always is serializable.
    pub fn isolation<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("isolation", value);
        }
        self
    }

    /// It only reads. On SQLite it then does not wait for those that write.
    pub fn read_only(mut self, value: impl Into<Option<bool>>) -> Self {
        if let Some(value) = value.into() {
            self.0.bool("read_only", value);
        }
        self
    }
}

impl IntoFuture for DatabaseBegin {
    type Output = Result<u64, Error>;
    type IntoFuture = Pending<u64>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.uint("transaction").unwrap_or_default())
    }
}

/// db.commit, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct DatabaseCommit(pub(crate) Call);

impl DatabaseCommit {
    /// Only the innermost nested scope.
    pub fn savepoint(mut self, value: impl Into<Option<bool>>) -> Self {
        if let Some(value) = value.into() {
            self.0.bool("savepoint", value);
        }
        self
    }
}

impl IntoFuture for DatabaseCommit {
    type Output = Result<(), Error>;
    type IntoFuture = Pending<()>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|_| ())
    }
}

/// db.rollback, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct DatabaseRollback(pub(crate) Call);

impl DatabaseRollback {
    /// Only the innermost nested scope.
    pub fn savepoint(mut self, value: impl Into<Option<bool>>) -> Self {
        if let Some(value) = value.into() {
            self.0.bool("savepoint", value);
        }
        self
    }
}

impl IntoFuture for DatabaseRollback {
    type Output = Result<(), Error>;
    type IntoFuture = Pending<()>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|_| ())
    }
}

/// db.savepoint, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct DatabaseSavepoint(pub(crate) Call);

impl DatabaseSavepoint {
}

impl IntoFuture for DatabaseSavepoint {
    type Output = Result<(), Error>;
    type IntoFuture = Pending<()>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|_| ())
    }
}

/// What db.open_cursor gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DatabaseOpenCursorResult {
    /// Its number.
    pub cursor: u64,
    /// Names, in the order of the statement.
    pub columns: Vec<String>,
    /// Of the columns.
    pub types: Vec<String>,
}

/// db.open_cursor, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct DatabaseOpenCursor(pub(crate) Call);

impl DatabaseOpenCursor {
    /// Its parameters: a list, or an object; null for none.
    pub fn params(mut self, value: impl Serialize) -> Self {
        self.0.any_unless_null("params", &value);
        self
    }

    /// The transaction it is part of; it cannot do anything else meanwhile.
    pub fn transaction(mut self, value: impl Into<Option<u64>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("transaction", value);
        }
        self
    }

    /// Longest a `db.fetch` may take. Null: the configuration's `statement_timeout_ms`.
    pub fn timeout(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("timeout_ms", value);
        }
        self
    }
}

impl IntoFuture for DatabaseOpenCursor {
    type Output = Result<DatabaseOpenCursorResult, Error>;
    type IntoFuture = Pending<DatabaseOpenCursorResult>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| DatabaseOpenCursorResult {
            cursor: r.uint("cursor").unwrap_or_default(),
            columns: r.texts("columns"),
            types: r.texts("types"),
        })
    }
}

/// What db.fetch gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DatabaseFetchResult {
    /// A list of objects.
    pub rows: Value,
    /// There are no more; the cursor is closed.
    pub done: bool,
}

/// db.fetch, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct DatabaseFetch(pub(crate) Call);

impl DatabaseFetch {
    /// Most rows to give.
    pub fn max(mut self, value: impl Into<Option<u32>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("max", u64::from(value));
        }
        self
    }
}

impl IntoFuture for DatabaseFetch {
    type Output = Result<DatabaseFetchResult, Error>;
    type IntoFuture = Pending<DatabaseFetchResult>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| DatabaseFetchResult {
            rows: r.value("rows"),
            done: r.bool("done").unwrap_or_default(),
        })
    }
}

/// db.close_cursor, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct DatabaseCloseCursor(pub(crate) Call);

impl DatabaseCloseCursor {
}

impl IntoFuture for DatabaseCloseCursor {
    type Output = Result<(), Error>;
    type IntoFuture = Pending<()>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|_| ())
    }
}

/// db.migrate, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct DatabaseMigrate(pub(crate) Call);

impl DatabaseMigrate {
    /// Another folder than the configuration's `migrations`.
    pub fn folder<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("folder", value);
        }
        self
    }
}

impl IntoFuture for DatabaseMigrate {
    type Output = Result<Vec<String>, Error>;
    type IntoFuture = Pending<Vec<String>>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.texts("applied"))
    }
}

/// db.migration_status, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct DatabaseMigrationStatus(pub(crate) Call);

impl DatabaseMigrationStatus {
    /// Another folder than the configuration's `migrations`.
    pub fn folder<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("folder", value);
        }
        self
    }
}

impl IntoFuture for DatabaseMigrationStatus {
    type Output = Result<Value, Error>;
    type IntoFuture = Pending<Value>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.value("migrations"))
    }
}

/// db.inbox, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct DatabaseInbox(pub(crate) Call);

impl DatabaseInbox {
}

impl IntoFuture for DatabaseInbox {
    type Output = Result<bool, Error>;
    type IntoFuture = Pending<bool>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.bool("first").unwrap_or_default())
    }
}

/// What db.stats gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DatabaseStatsResult {
    /// The scheme of its URL.
    pub backend: String,
    /// Connections in use.
    pub in_use: u32,
    /// Calls that wait for one.
    pub waiting: u32,
    /// Open transactions of hosts.
    pub transactions: u32,
    /// Open cursors.
    pub cursors: u32,
    /// Entries of the outbox that were not delivered yet.
    pub outbox: u64,
    /// Entries of the outbox that their target refused for good, set aside.
    pub refused: u64,
}

/// db.stats, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct DatabaseStats(pub(crate) Call);

impl DatabaseStats {
}

impl IntoFuture for DatabaseStats {
    type Output = Result<DatabaseStatsResult, Error>;
    type IntoFuture = Pending<DatabaseStatsResult>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| DatabaseStatsResult {
            backend: r.text("backend").unwrap_or_default(),
            in_use: r.uint("in_use").unwrap_or_default() as u32,
            waiting: r.uint("waiting").unwrap_or_default() as u32,
            transactions: r.uint("transactions").unwrap_or_default() as u32,
            cursors: r.uint("cursors").unwrap_or_default() as u32,
            outbox: r.uint("outbox").unwrap_or_default(),
            refused: r.uint("refused").unwrap_or_default(),
        })
    }
}

/// db.close, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct DatabaseClose(pub(crate) Call);

impl DatabaseClose {
}

impl IntoFuture for DatabaseClose {
    type Output = Result<(), Error>;
    type IntoFuture = Pending<()>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|_| ())
    }
}

/// One method for each operation of messaging; [`crate::Messaging`] builds on it.
#[derive(Clone, Debug)]
pub struct MessagingClient {
    pub(crate) client: Client,
}

impl MessagingClient {
    /// Done when the broker has the message: nothing that was confirmed is lost. The trace of the caller goes with it (traceparent) unless the headers
    /// have one.
    ///
    /// Errors: invalid_argument, too_large, rate_limited, unavailable, timeout, cancelled, outcome_unknown, unsupported.
    pub fn publish(&self, topic: &str, payload: impl AsRef<[u8]>) -> MessagingPublish {
        let mut c = Call::new(&self.client, sys::SPK_OP_MESSAGING_PUBLISH);
        c.text("topic", topic);
        c.bytes("payload", payload);
        MessagingPublish(c)
    }

    /// Several in one go, in this order: with one confirmation, and on `memory:` and `sqlite:` all or none.
    ///
    /// Errors: invalid_argument, too_large, rate_limited, unavailable, timeout, cancelled, outcome_unknown.
    pub fn publish_batch(&self, messages: impl Serialize) -> MessagingPublishBatch {
        let mut c = Call::new(&self.client, sys::SPK_OP_MESSAGING_PUBLISH_BATCH);
        c.any("messages", &messages);
        MessagingPublishBatch(c)
    }

    /// Starts a consumer beside those of the manifest, with the same options. Its messages come as events of the port, like theirs.
    ///
    /// Errors: invalid_argument, already_exists, unavailable, unsupported.
    pub fn start_consumer(&self, name: &str, topic: &str) -> MessagingStartConsumer {
        let mut c = Call::new(&self.client, sys::SPK_OP_MESSAGING_START_CONSUMER);
        c.text("name", name);
        c.text("topic", topic);
        MessagingStartConsumer(c)
    }

    /// Takes nothing new, waits for the handlers, then cancels those that are left and hands their messages back at once, without using up a try.
    ///
    /// Errors: invalid_argument, not_found.
    pub fn stop_consumer(&self, consumer: u64) -> MessagingStopConsumer {
        let mut c = Call::new(&self.client, sys::SPK_OP_MESSAGING_STOP_CONSUMER);
        c.uint("consumer", consumer);
        MessagingStopConsumer(c)
    }

    /// For tests: as if its process had died. Nothing is acked or handed back; its messages come again when their leases run out.
    ///
    /// Errors: invalid_argument, not_found.
    pub fn kill_consumer(&self, consumer: u64) -> MessagingKillConsumer {
        let mut c = Call::new(&self.client, sys::SPK_OP_MESSAGING_KILL_CONSUMER);
        c.uint("consumer", consumer);
        MessagingKillConsumer(c)
    }

    /// The dead letters of a topic, oldest first.
    ///
    /// Errors: invalid_argument, unavailable, unsupported.
    pub fn list_dead_letters(&self, topic: &str) -> MessagingListDeadLetters {
        let mut c = Call::new(&self.client, sys::SPK_OP_MESSAGING_LIST_DEAD_LETTERS);
        c.text("topic", topic);
        MessagingListDeadLetters(c)
    }

    /// One dead letter with its payload; it stays where it is.
    ///
    /// Errors: invalid_argument, not_found, unavailable, unsupported.
    pub fn peek_dead_letter(&self, topic: &str, position: u64) -> MessagingPeekDeadLetter {
        let mut c = Call::new(&self.client, sys::SPK_OP_MESSAGING_PEEK_DEAD_LETTER);
        c.text("topic", topic);
        c.uint("position", position);
        MessagingPeekDeadLetter(c)
    }

    /// Sends dead letters to where they came from, for the group that gave them up, with all their tries again; each leaves the dead letters as it is
    /// sent.
    ///
    /// Errors: invalid_argument, unavailable, unsupported.
    pub fn redrive_dead_letters(&self, topic: &str) -> MessagingRedriveDeadLetters {
        let mut c = Call::new(&self.client, sys::SPK_OP_MESSAGING_REDRIVE_DEAD_LETTERS);
        c.text("topic", topic);
        MessagingRedriveDeadLetters(c)
    }

    /// Deletes dead letters.
    ///
    /// Errors: invalid_argument, unavailable, unsupported.
    pub fn purge_dead_letters(&self, topic: &str) -> MessagingPurgeDeadLetters {
        let mut c = Call::new(&self.client, sys::SPK_OP_MESSAGING_PURGE_DEAD_LETTERS);
        c.text("topic", topic);
        MessagingPurgeDeadLetters(c)
    }

    /// Replay: the group goes on with the first message at or after this place, and gets what comes after it again. Deliveries of later messages that are
    /// in hand count no more; earlier ones that are not settled yet stay. Makes the group when it is not there. Exactly one of `position`, `time` and
    /// `from`.
    ///
    /// Errors: invalid_argument, unavailable, unsupported.
    pub fn seek(&self, group: &str, topic: &str) -> MessagingSeek {
        let mut c = Call::new(&self.client, sys::SPK_OP_MESSAGING_SEEK);
        c.text("group", group);
        c.text("topic", topic);
        MessagingSeek(c)
    }

    /// The groups that the broker knows, by topic and name.
    ///
    /// Errors: unavailable, unsupported.
    pub fn groups(&self) -> MessagingGroups {
        MessagingGroups(Call::new(&self.client, sys::SPK_OP_MESSAGING_GROUPS))
    }

    /// Forgets a group that nobody consumes any more: nothing is kept for it from then on.
    ///
    /// Errors: invalid_argument, conflict, unavailable, unsupported.
    pub fn delete_group(&self, group: &str, topic: &str) -> MessagingDeleteGroup {
        let mut c = Call::new(&self.client, sys::SPK_OP_MESSAGING_DELETE_GROUP);
        c.text("group", group);
        c.text("topic", topic);
        MessagingDeleteGroup(c)
    }

    /// Whether a pattern stands for a topic. A pattern that is not one in this style stands for none.
    ///
    /// Errors: invalid_argument.
    pub fn topic_match(&self, style: &str, pattern: &str, topic: &str) -> MessagingTopicMatch {
        let mut c = Call::new(&self.client, sys::SPK_OP_MESSAGING_TOPIC_MATCH);
        c.text("style", style);
        c.text("pattern", pattern);
        c.text("topic", topic);
        MessagingTopicMatch(c)
    }

    /// Counts of this process since its start.
    pub fn stats(&self) -> MessagingStats {
        MessagingStats(Call::new(&self.client, sys::SPK_OP_MESSAGING_STATS))
    }
}

/// messaging.publish, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct MessagingPublish(pub(crate) Call);

impl MessagingPublish {
    /// Messages of one key stay in order for consumers that are `ordered`.
    pub fn key<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("key", value);
        }
        self
    }

    /// Any text. Names are kept as they are and are not empty.
    pub fn headers(mut self, value: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<str>)>) -> Self {
        self.0.text_map("headers", value);
        self
    }

    /// A transaction of `db`: the message is published when it commits, and not at all when it does not.
    pub fn transaction(mut self, value: impl Into<Option<u64>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("transaction", value);
        }
        self
    }
}

impl IntoFuture for MessagingPublish {
    type Output = Result<Option<u64>, Error>;
    type IntoFuture = Pending<Option<u64>>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.uint("position"))
    }
}

/// messaging.publish_batch, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct MessagingPublishBatch(pub(crate) Call);

impl MessagingPublishBatch {
}

impl IntoFuture for MessagingPublishBatch {
    type Output = Result<Vec<u64>, Error>;
    type IntoFuture = Pending<Vec<u64>>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.uints("positions"))
    }
}

/// messaging.start_consumer, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct MessagingStartConsumer(pub(crate) Call);

impl MessagingStartConsumer {
    /// Each message goes to one consumer of a group; empty for `name`.
    pub fn group<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("group", value);
        }
        self
    }

    /// Handlers at once.
    pub fn concurrency(mut self, value: impl Into<Option<u32>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("concurrency", u64::from(value));
        }
        self
    }

    /// Messages in hand, those included that wait for a handler; 0 for as many as `concurrency`.
    pub fn max_in_flight(mut self, value: impl Into<Option<u32>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("max_in_flight", u64::from(value));
        }
        self
    }

    /// A message waits until the one before it of the same key is settled.
    pub fn ordered(mut self, value: impl Into<Option<bool>>) -> Self {
        if let Some(value) = value.into() {
            self.0.bool("ordered", value);
        }
        self
    }

    /// After 1 + `max_retries` tries a message goes to the dead letters.
    pub fn max_retries(mut self, value: impl Into<Option<u32>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("max_retries", u64::from(value));
        }
        self
    }

    /// An object `{kind, initial_ms, factor, max_ms, jitter_percent}`, as `Backoff` of the manifest; null for its defaults.
    pub fn backoff(mut self, value: impl Serialize) -> Self {
        self.0.any_unless_null("backoff", &value);
        self
    }

    /// Topic for what is given up. Null: it is dropped and counted.
    pub fn dead_letter<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("dead_letter", value);
        }
        self
    }

    /// A message whose consumer died goes to another one after this time.
    pub fn ack_wait(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("ack_wait_ms", value);
        }
        self
    }

    /// The longest a handler may take. Null for no limit.
    pub fn handler_timeout(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("handler_timeout_ms", value);
        }
        self
    }

    /// `latest` or `earliest`: where a new group begins.
    pub fn start_from<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("start_from", value);
        }
        self
    }

    /// JSON Schema 2020-12 of the payload.
    pub fn schema(mut self, value: impl Serialize) -> Self {
        self.0.any_unless_null("schema", &value);
        self
    }

    /// Comes back as `user` of its events.
    pub fn user(mut self, value: impl Into<Option<u64>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("user", value);
        }
        self
    }
}

impl IntoFuture for MessagingStartConsumer {
    type Output = Result<u64, Error>;
    type IntoFuture = Pending<u64>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.uint("consumer").unwrap_or_default())
    }
}

/// What messaging.stop_consumer gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MessagingStopConsumerResult {
    /// All of them finished.
    pub drained: bool,
    /// Messages whose handlers were cancelled.
    pub unfinished: u64,
}

/// messaging.stop_consumer, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct MessagingStopConsumer(pub(crate) Call);

impl MessagingStopConsumer {
    /// How long to wait for handlers.
    pub fn drain_timeout(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("drain_timeout_ms", value);
        }
        self
    }
}

impl IntoFuture for MessagingStopConsumer {
    type Output = Result<MessagingStopConsumerResult, Error>;
    type IntoFuture = Pending<MessagingStopConsumerResult>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| MessagingStopConsumerResult {
            drained: r.bool("drained").unwrap_or_default(),
            unfinished: r.uint("unfinished").unwrap_or_default(),
        })
    }
}

/// messaging.kill_consumer, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct MessagingKillConsumer(pub(crate) Call);

impl MessagingKillConsumer {
}

impl IntoFuture for MessagingKillConsumer {
    type Output = Result<(), Error>;
    type IntoFuture = Pending<()>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|_| ())
    }
}

/// What messaging.list_dead_letters gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MessagingListDeadLettersResult {
    /// An array of objects `{position, topic, original_topic, group, reason, delivery_count, error, first_error, trace_id, validation_errors, key,
    /// headers, size, time, payload}`; `payload` is bytes, null if not asked for.
    pub messages: Value,
    /// `after` for the next page; null when there is none.
    pub next: Option<u64>,
}

/// messaging.list_dead_letters, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct MessagingListDeadLetters(pub(crate) Call);

impl MessagingListDeadLetters {
    /// Only those behind this position.
    pub fn after(mut self, value: impl Into<Option<u64>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("after", value);
        }
        self
    }

    /// How many at most.
    pub fn limit(mut self, value: impl Into<Option<u32>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("limit", u64::from(value));
        }
        self
    }

    /// With their payloads.
    pub fn payloads(mut self, value: impl Into<Option<bool>>) -> Self {
        if let Some(value) = value.into() {
            self.0.bool("payloads", value);
        }
        self
    }
}

impl IntoFuture for MessagingListDeadLetters {
    type Output = Result<MessagingListDeadLettersResult, Error>;
    type IntoFuture = Pending<MessagingListDeadLettersResult>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| MessagingListDeadLettersResult {
            messages: r.value("messages"),
            next: r.uint("next"),
        })
    }
}

/// messaging.peek_dead_letter, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct MessagingPeekDeadLetter(pub(crate) Call);

impl MessagingPeekDeadLetter {
}

impl IntoFuture for MessagingPeekDeadLetter {
    type Output = Result<Value, Error>;
    type IntoFuture = Pending<Value>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.value("message"))
    }
}

/// messaging.redrive_dead_letters, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct MessagingRedriveDeadLetters(pub(crate) Call);

impl MessagingRedriveDeadLetters {
    /// Which; null for all.
    pub fn positions(mut self, value: impl IntoIterator<Item = u64>) -> Self {
        self.0.uints("positions", value);
        self
    }

    /// Another topic instead, for all its groups.
    pub fn to<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("to", value);
        }
        self
    }
}

impl IntoFuture for MessagingRedriveDeadLetters {
    type Output = Result<u64, Error>;
    type IntoFuture = Pending<u64>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.uint("count").unwrap_or_default())
    }
}

/// messaging.purge_dead_letters, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct MessagingPurgeDeadLetters(pub(crate) Call);

impl MessagingPurgeDeadLetters {
    /// Which; null for all.
    pub fn positions(mut self, value: impl IntoIterator<Item = u64>) -> Self {
        self.0.uints("positions", value);
        self
    }
}

impl IntoFuture for MessagingPurgeDeadLetters {
    type Output = Result<u64, Error>;
    type IntoFuture = Pending<u64>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.uint("count").unwrap_or_default())
    }
}

/// messaging.seek, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct MessagingSeek(pub(crate) Call);

impl MessagingSeek {
    /// A position.
    pub fn position(mut self, value: impl Into<Option<u64>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("position", value);
        }
        self
    }

    /// When it was published, RFC 3339.
    pub fn time<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("time", value);
        }
        self
    }

    /// `earliest` or `latest`.
    pub fn from<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("from", value);
        }
        self
    }
}

impl IntoFuture for MessagingSeek {
    type Output = Result<(), Error>;
    type IntoFuture = Pending<()>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|_| ())
    }
}

/// messaging.groups, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct MessagingGroups(pub(crate) Call);

impl MessagingGroups {
}

impl IntoFuture for MessagingGroups {
    type Output = Result<Value, Error>;
    type IntoFuture = Pending<Value>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.value("groups"))
    }
}

/// messaging.delete_group, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct MessagingDeleteGroup(pub(crate) Call);

impl MessagingDeleteGroup {
}

impl IntoFuture for MessagingDeleteGroup {
    type Output = Result<bool, Error>;
    type IntoFuture = Pending<bool>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.bool("deleted").unwrap_or_default())
    }
}

/// messaging.topic_match, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct MessagingTopicMatch(pub(crate) Call);

impl MessagingTopicMatch {
}

impl IntoFuture for MessagingTopicMatch {
    type Output = Result<bool, Error>;
    type IntoFuture = Pending<bool>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.bool("value").unwrap_or_default())
    }
}

/// What messaging.stats gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MessagingStatsResult {
    /// Confirmed.
    pub messages_published: u64,
    /// Handled.
    pub messages_acked: u64,
    /// Gone to a dead letter topic.
    pub messages_dead_lettered: u64,
    /// Given up where there is no dead letter topic.
    pub messages_dropped: u64,
}

/// messaging.stats, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct MessagingStats(pub(crate) Call);

impl MessagingStats {
}

impl IntoFuture for MessagingStats {
    type Output = Result<MessagingStatsResult, Error>;
    type IntoFuture = Pending<MessagingStatsResult>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| MessagingStatsResult {
            messages_published: r.uint("messages_published").unwrap_or_default(),
            messages_acked: r.uint("messages_acked").unwrap_or_default(),
            messages_dead_lettered: r.uint("messages_dead_lettered").unwrap_or_default(),
            messages_dropped: r.uint("messages_dropped").unwrap_or_default(),
        })
    }
}

/// One method for each operation of storage; [`crate::Storage`] builds on it.
#[derive(Clone, Debug)]
pub struct StorageClient {
    pub(crate) client: Client,
}

impl StorageClient {
    /// An object, or a part of it, in one piece. At most `max_read_bytes` of the store; more is too_large.
    ///
    /// Errors: invalid_argument, not_found, condition_failed, too_large, unavailable.
    pub fn read(&self, key: &str) -> StorageRead {
        let mut c = Call::new(&self.client, sys::SPK_OP_STORAGE_READ);
        c.text("key", key);
        StorageRead(c)
    }

    /// An object, or a part of it, in chunks. The object read is that of the beginning, whatever is written meanwhile.
    ///
    /// Errors: invalid_argument, not_found, condition_failed, cancelled, unavailable.
    pub fn read_stream(&self, key: &str) -> StorageReadStream {
        let mut c = Call::new(&self.client, sys::SPK_OP_STORAGE_READ_STREAM);
        c.text("key", key);
        StorageReadStream(c)
    }

    /// Writes an object whole, metadata included: what was there is replaced in one step. Returns when it is durable.
    ///
    /// Errors: invalid_argument, condition_failed, too_large, unavailable.
    pub fn write(&self, key: &str, data: impl AsRef<[u8]>) -> StorageWrite {
        let mut c = Call::new(&self.client, sys::SPK_OP_STORAGE_WRITE);
        c.text("key", key);
        c.bytes("data", data);
        StorageWrite(c)
    }

    /// As `storage.write`, from chunks. A caller that gives up before the last chunk leaves everything as it was: cancelled, detail aborted.
    ///
    /// Errors: invalid_argument, condition_failed, cancelled, too_large, unavailable.
    pub fn write_stream(&self, key: &str) -> StorageWriteStream {
        let mut c = Call::new(&self.client, sys::SPK_OP_STORAGE_WRITE_STREAM);
        c.text("key", key);
        StorageWriteStream(c)
    }

    /// What is known of an object, without its content.
    ///
    /// Errors: invalid_argument, not_found, unavailable.
    pub fn stat(&self, key: &str) -> StorageStat {
        let mut c = Call::new(&self.client, sys::SPK_OP_STORAGE_STAT);
        c.text("key", key);
        StorageStat(c)
    }

    /// Whether there is an object of this key.
    ///
    /// Errors: invalid_argument, unavailable.
    pub fn exists(&self, key: &str) -> StorageExists {
        let mut c = Call::new(&self.client, sys::SPK_OP_STORAGE_EXISTS);
        c.text("key", key);
        StorageExists(c)
    }

    /// Deletes an object. One that is not there is no error.
    ///
    /// Errors: invalid_argument, unavailable.
    pub fn delete(&self, key: &str) -> StorageDelete {
        let mut c = Call::new(&self.client, sys::SPK_OP_STORAGE_DELETE);
        c.text("key", key);
        StorageDelete(c)
    }

    /// Deletes objects, each by itself.
    ///
    /// Errors: invalid_argument, unavailable.
    pub fn delete_many(&self, keys: impl IntoIterator<Item = impl AsRef<str>>) -> StorageDeleteMany {
        let mut c = Call::new(&self.client, sys::SPK_OP_STORAGE_DELETE_MANY);
        c.texts("keys", keys);
        StorageDeleteMany(c)
    }

    /// A page of objects in the order of the UTF-8 bytes of their keys. With a delimiter, keys that have it after the prefix are rolled up to one prefix
    /// each.
    ///
    /// Errors: invalid_argument, unavailable.
    pub fn list(&self) -> StorageList {
        StorageList(Call::new(&self.client, sys::SPK_OP_STORAGE_LIST))
    }

    /// Copies an object, metadata included, onto another key of the same store.
    ///
    /// Errors: invalid_argument, not_found, condition_failed, too_large, unavailable.
    pub fn copy(&self, source: &str, target: &str) -> StorageCopy {
        let mut c = Call::new(&self.client, sys::SPK_OP_STORAGE_COPY);
        c.text("source", source);
        c.text("target", target);
        StorageCopy(c)
    }

    /// Moves an object, metadata included, to another key of the same store. One step where the backend says so (`memory:`, `file:`), else a copy and a
    /// delete.
    ///
    /// Errors: invalid_argument, not_found, condition_failed, unavailable.
    pub fn rename(&self, source: &str, target: &str) -> StorageRename {
        let mut c = Call::new(&self.client, sys::SPK_OP_STORAGE_RENAME);
        c.text("source", source);
        c.text("target", target);
        StorageRename(c)
    }

    /// A URL that lets whoever has it do one thing with one object for a while, without credentials.
    ///
    /// Errors: invalid_argument, unsupported.
    pub fn presign(&self, method: &str, key: &str) -> StoragePresign {
        let mut c = Call::new(&self.client, sys::SPK_OP_STORAGE_PRESIGN);
        c.text("method", method);
        c.text("key", key);
        StoragePresign(c)
    }

    /// Lets others, a browser perhaps, upload a large object in parts straight to the store, without credentials: what each part's request is. The object
    /// is there once `storage.complete_upload` was called.
    ///
    /// Errors: invalid_argument, unsupported, too_large, unavailable.
    pub fn plan_upload(&self, key: &str, size: u64) -> StoragePlanUpload {
        let mut c = Call::new(&self.client, sys::SPK_OP_STORAGE_PLAN_UPLOAD);
        c.text("key", key);
        c.uint("size", size);
        StoragePlanUpload(c)
    }

    /// Makes the parts the object, in one step. A part that is missing, has another size or another etag is conflict, detail invalid_part: it can be
    /// uploaded and the upload completed then. One that the store does not know (any more) is not_found, detail no_such_upload.
    ///
    /// Errors: invalid_argument, not_found, condition_failed, conflict, too_large, outcome_unknown, unavailable.
    pub fn complete_upload(&self, key: &str, upload: &str) -> StorageCompleteUpload {
        let mut c = Call::new(&self.client, sys::SPK_OP_STORAGE_COMPLETE_UPLOAD);
        c.text("key", key);
        c.text("upload", upload);
        StorageCompleteUpload(c)
    }

    /// Takes away what arrived. One that was completed or aborted is no error, and what was completed stays.
    ///
    /// Errors: invalid_argument, unavailable.
    pub fn abort_upload(&self, key: &str, upload: &str) -> StorageAbortUpload {
        let mut c = Call::new(&self.client, sys::SPK_OP_STORAGE_ABORT_UPLOAD);
        c.text("key", key);
        c.text("upload", upload);
        StorageAbortUpload(c)
    }
}

/// What storage.read gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StorageReadResult {
    /// The bytes.
    pub data: Vec<u8>,
    /// Where in the object they begin.
    pub offset: u64,
    /// The object.
    pub object: Value,
}

/// storage.read, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct StorageRead(pub(crate) Call);

impl StorageRead {
    /// First byte. At or after the end is invalid_argument, detail range_not_satisfiable.
    pub fn offset(mut self, value: impl Into<Option<u64>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("offset", value);
        }
        self
    }

    /// How many bytes; an end past the object is cut. 0 is refused.
    pub fn length(mut self, value: impl Into<Option<u64>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("length", value);
        }
        self
    }

    /// The last so many bytes, without `offset` and `length`. 0 is refused.
    pub fn suffix(mut self, value: impl Into<Option<u64>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("suffix", value);
        }
        self
    }

    /// Only if the object has this etag.
    pub fn if_match<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("if_match", value);
        }
        self
    }

    /// Only if the object has another etag than this.
    pub fn if_none_match<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("if_none_match", value);
        }
        self
    }
}

impl IntoFuture for StorageRead {
    type Output = Result<StorageReadResult, Error>;
    type IntoFuture = Pending<StorageReadResult>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| StorageReadResult {
            data: r.bytes("data").unwrap_or_default(),
            offset: r.uint("offset").unwrap_or_default(),
            object: r.value("object"),
        })
    }
}

/// What storage.read_stream gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StorageReadStreamResult {
    /// Where in the object the chunks began.
    pub offset: u64,
    /// How many bytes the chunks had.
    pub size: u64,
    /// The object.
    pub object: Value,
}

/// storage.read_stream, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited, sent or opened"]
pub struct StorageReadStream(pub(crate) Call);

impl StorageReadStream {
    /// First byte. At or after the end is invalid_argument, detail range_not_satisfiable.
    pub fn offset(mut self, value: impl Into<Option<u64>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("offset", value);
        }
        self
    }

    /// How many bytes; an end past the object is cut. 0 is refused.
    pub fn length(mut self, value: impl Into<Option<u64>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("length", value);
        }
        self
    }

    /// The last so many bytes, without `offset` and `length`. 0 is refused.
    pub fn suffix(mut self, value: impl Into<Option<u64>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("suffix", value);
        }
        self
    }

    /// Only if the object has this etag.
    pub fn if_match<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("if_match", value);
        }
        self
    }

    /// Only if the object has another etag than this.
    pub fn if_none_match<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("if_none_match", value);
        }
        self
    }

    /// Begins it: what comes is read from the stream.
    pub fn open(self) -> Streaming<StorageReadStreamResult> {
        self.0.open(|r| StorageReadStreamResult {
            offset: r.uint("offset").unwrap_or_default(),
            size: r.uint("size").unwrap_or_default(),
            object: r.value("object"),
        })
    }
}

/// storage.write, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct StorageWrite(pub(crate) Call);

impl StorageWrite {
    /// Content-Type that readers are told.
    pub fn content_type<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("content_type", value);
        }
        self
    }

    /// Cache-Control that readers are told.
    pub fn cache_control<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("cache_control", value);
        }
        self
    }

    /// Content-Disposition that readers are told.
    pub fn content_disposition<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("content_disposition", value);
        }
        self
    }

    /// An object of texts, names and texts together 2048 bytes at most. Names are tokens as in HTTP headers and become lower case.
    pub fn metadata(mut self, value: impl Serialize) -> Self {
        self.0.any_unless_null("metadata", &value);
        self
    }

    /// Only if the object that is there has this etag.
    pub fn if_match<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("if_match", value);
        }
        self
    }

    /// `*`: only if nothing is there.
    pub fn if_none_match<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("if_none_match", value);
        }
        self
    }
}

impl IntoFuture for StorageWrite {
    type Output = Result<Value, Error>;
    type IntoFuture = Pending<Value>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.value("object"))
    }
}

/// storage.write_stream, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited, sent or opened"]
pub struct StorageWriteStream(pub(crate) Call);

impl StorageWriteStream {
    /// Content-Type that readers are told.
    pub fn content_type<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("content_type", value);
        }
        self
    }

    /// Cache-Control that readers are told.
    pub fn cache_control<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("cache_control", value);
        }
        self
    }

    /// Content-Disposition that readers are told.
    pub fn content_disposition<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("content_disposition", value);
        }
        self
    }

    /// An object of texts, names and texts together 2048 bytes at most. Names are tokens as in HTTP headers and become lower case.
    pub fn metadata(mut self, value: impl Serialize) -> Self {
        self.0.any_unless_null("metadata", &value);
        self
    }

    /// Only if the object that is there has this etag.
    pub fn if_match<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("if_match", value);
        }
        self
    }

    /// `*`: only if nothing is there.
    pub fn if_none_match<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("if_none_match", value);
        }
        self
    }

    /// Does it with the chunks of a stream. When one of them is an error, or this is dropped, nothing is done.
    pub async fn send<S, B, E>(self, chunks: S) -> Result<Value, crate::Failure>
    where
        S: futures_core::Stream<Item = Result<B, E>> + Send,
        B: AsRef<[u8]> + Send,
        E: Into<crate::Failure>,
    {
        self.0.send(chunks, |r| r.value("object")).await
    }
}

/// storage.stat, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct StorageStat(pub(crate) Call);

impl StorageStat {
}

impl IntoFuture for StorageStat {
    type Output = Result<Value, Error>;
    type IntoFuture = Pending<Value>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.value("object"))
    }
}

/// storage.exists, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct StorageExists(pub(crate) Call);

impl StorageExists {
}

impl IntoFuture for StorageExists {
    type Output = Result<bool, Error>;
    type IntoFuture = Pending<bool>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.bool("value").unwrap_or_default())
    }
}

/// storage.delete, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct StorageDelete(pub(crate) Call);

impl StorageDelete {
}

impl IntoFuture for StorageDelete {
    type Output = Result<(), Error>;
    type IntoFuture = Pending<()>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|_| ())
    }
}

/// storage.delete_many, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct StorageDeleteMany(pub(crate) Call);

impl StorageDeleteMany {
}

impl IntoFuture for StorageDeleteMany {
    type Output = Result<Value, Error>;
    type IntoFuture = Pending<Value>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.value("errors"))
    }
}

/// What storage.list gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StorageListResult {
    /// An array of `{key, size, etag, last_modified}`.
    pub entries: Value,
    /// The rolled-up prefixes, each with its delimiter.
    pub prefixes: Vec<String>,
    /// `token` of the next page; null on the last.
    pub next: Option<String>,
}

/// storage.list, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct StorageList(pub(crate) Call);

impl StorageList {
    /// Only keys that begin with this.
    pub fn prefix<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("prefix", value);
        }
        self
    }

    /// What ends a rolled-up prefix, `/` as a rule. Empty: nothing is rolled up.
    pub fn delimiter<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("delimiter", value);
        }
        self
    }

    /// Only what is strictly greater.
    pub fn start_after<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("start_after", value);
        }
        self
    }

    /// Entries and prefixes of a page together.
    pub fn limit(mut self, value: impl Into<Option<u32>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("limit", u64::from(value));
        }
        self
    }

    /// `next` of the page before, with the same prefix and delimiter. A place in the order of keys, not a snapshot.
    pub fn token<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("token", value);
        }
        self
    }
}

impl IntoFuture for StorageList {
    type Output = Result<StorageListResult, Error>;
    type IntoFuture = Pending<StorageListResult>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| StorageListResult {
            entries: r.value("entries"),
            prefixes: r.texts("prefixes"),
            next: r.text("next"),
        })
    }
}

/// storage.copy, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct StorageCopy(pub(crate) Call);

impl StorageCopy {
    /// Only if the object that is there has this etag.
    pub fn if_match<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("if_match", value);
        }
        self
    }

    /// `*`: only if nothing is there.
    pub fn if_none_match<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("if_none_match", value);
        }
        self
    }
}

impl IntoFuture for StorageCopy {
    type Output = Result<Value, Error>;
    type IntoFuture = Pending<Value>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.value("object"))
    }
}

/// storage.rename, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct StorageRename(pub(crate) Call);

impl StorageRename {
    /// Only if the object that is there has this etag.
    pub fn if_match<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("if_match", value);
        }
        self
    }

    /// `*`: only if nothing is there.
    pub fn if_none_match<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("if_none_match", value);
        }
        self
    }
}

impl IntoFuture for StorageRename {
    type Output = Result<Value, Error>;
    type IntoFuture = Pending<Value>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.value("object"))
    }
}

/// What storage.presign gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoragePresignResult {
    /// The URL.
    pub url: String,
    /// When it ends, in ms since the epoch.
    pub expires_at: i64,
}

/// storage.presign, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct StoragePresign(pub(crate) Call);

impl StoragePresign {
    /// How long it is good for.
    pub fn expires_s(mut self, value: impl Into<Option<u32>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("expires_s", u64::from(value));
        }
        self
    }
}

impl IntoFuture for StoragePresign {
    type Output = Result<StoragePresignResult, Error>;
    type IntoFuture = Pending<StoragePresignResult>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| StoragePresignResult {
            url: r.text("url").unwrap_or_default(),
            expires_at: r.int("expires_at").unwrap_or_default(),
        })
    }
}

/// What storage.plan_upload gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoragePlanUploadResult {
    /// Opaque, for the two operations below. It can be read, not forged, and is for this key and store only.
    pub upload: String,
    /// The key.
    pub key: String,
    /// An array of `{number, method, url, headers, offset, size}`: a request with these headers, whose body is the `size` bytes of the object from
    /// `offset`. Numbers are from 1. Any 2xx says that the part arrived; where parts are ordered, 308 too.
    pub parts: Value,
    /// Whether parts must be sent one after the other (`gcs:`).
    pub ordered: bool,
    /// When the URLs end, in ms since the epoch. The upload can be completed until a day later.
    pub expires_at: i64,
}

/// storage.plan_upload, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct StoragePlanUpload(pub(crate) Call);

impl StoragePlanUpload {
    /// Size of each part but the last. Rounded up to 256 KiB, and to what 10,000 parts need.
    pub fn part_bytes(mut self, value: impl Into<Option<u64>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("part_bytes", value);
        }
        self
    }

    /// Content-Type that readers are told.
    pub fn content_type<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("content_type", value);
        }
        self
    }

    /// Cache-Control that readers are told.
    pub fn cache_control<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("cache_control", value);
        }
        self
    }

    /// Content-Disposition that readers are told.
    pub fn content_disposition<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("content_disposition", value);
        }
        self
    }

    /// An object of texts, names and texts together 2048 bytes at most. Names are tokens as in HTTP headers and become lower case.
    pub fn metadata(mut self, value: impl Serialize) -> Self {
        self.0.any_unless_null("metadata", &value);
        self
    }

    /// Only if the object that is there has this etag.
    pub fn if_match<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("if_match", value);
        }
        self
    }

    /// `*`: only if nothing is there.
    pub fn if_none_match<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("if_none_match", value);
        }
        self
    }

    /// `https://HOST[:PORT]` of the pages whose scripts upload: the session of `gcs:` answers the browser for no other. Stores besides look at their CORS
    /// rules only.
    pub fn origin<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("origin", value);
        }
        self
    }

    /// How long the URLs are good for. A part that has begun by then is taken.
    pub fn expires_s(mut self, value: impl Into<Option<u32>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("expires_s", u64::from(value));
        }
        self
    }
}

impl IntoFuture for StoragePlanUpload {
    type Output = Result<StoragePlanUploadResult, Error>;
    type IntoFuture = Pending<StoragePlanUploadResult>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| StoragePlanUploadResult {
            upload: r.text("upload").unwrap_or_default(),
            key: r.text("key").unwrap_or_default(),
            parts: r.value("parts"),
            ordered: r.bool("ordered").unwrap_or_default(),
            expires_at: r.int("expires_at").unwrap_or_default(),
        })
    }
}

/// storage.complete_upload, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct StorageCompleteUpload(pub(crate) Call);

impl StorageCompleteUpload {
    /// The `ETag` of each part's answer, in the order of parts: that no other bytes came after it. None, or an empty text, where it is not known (`gcs:`
    /// and `azblob:` tell none).
    pub fn etags(mut self, value: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.0.texts("etags", value);
        self
    }
}

impl IntoFuture for StorageCompleteUpload {
    type Output = Result<Value, Error>;
    type IntoFuture = Pending<Value>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.value("object"))
    }
}

/// storage.abort_upload, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct StorageAbortUpload(pub(crate) Call);

impl StorageAbortUpload {
}

impl IntoFuture for StorageAbortUpload {
    type Output = Result<(), Error>;
    type IntoFuture = Pending<()>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|_| ())
    }
}

/// One method for each operation of tasks; [`crate::Tasks`] builds on it.
#[derive(Clone, Debug)]
pub struct TasksClient {
    pub(crate) client: Client,
}

impl TasksClient {
    /// Puts one task into a queue. With `unique_key`, gives the job of that key that has not ended, if there is one.
    ///
    /// Errors: invalid_argument, not_found, conflict, unavailable.
    pub fn enqueue(&self, task: &str) -> TasksEnqueue {
        let mut c = Call::new(&self.client, sys::SPK_OP_TASKS_ENQUEUE);
        c.text("task", task);
        TasksEnqueue(c)
    }

    /// Puts many tasks into queues in one transaction: all of them or none.
    ///
    /// Errors: invalid_argument, not_found, conflict, unavailable.
    pub fn enqueue_many(&self, jobs: impl Serialize) -> TasksEnqueueMany {
        let mut c = Call::new(&self.client, sys::SPK_OP_TASKS_ENQUEUE_MANY);
        c.any("jobs", &jobs);
        TasksEnqueueMany(c)
    }

    /// Puts many tasks into queues as one batch, in one transaction. When all of them have ended, `callback` is released.
    ///
    /// Errors: invalid_argument, not_found, conflict, unavailable.
    pub fn enqueue_batch(&self, jobs: impl Serialize) -> TasksEnqueueBatch {
        let mut c = Call::new(&self.client, sys::SPK_OP_TASKS_ENQUEUE_BATCH);
        c.any("jobs", &jobs);
        TasksEnqueueBatch(c)
    }

    /// How far a batch is.
    ///
    /// Errors: not_found.
    pub fn batch(&self, id: &str) -> TasksBatch {
        let mut c = Call::new(&self.client, sys::SPK_OP_TASKS_BATCH);
        c.text("id", id);
        TasksBatch(c)
    }

    /// A job as it is now.
    ///
    /// Errors: not_found.
    pub fn job(&self, id: &str) -> TasksJob {
        let mut c = Call::new(&self.client, sys::SPK_OP_TASKS_JOB);
        c.text("id", id);
        TasksJob(c)
    }

    /// Jobs in the order of their ids.
    ///
    /// Errors: invalid_argument.
    pub fn list(&self) -> TasksList {
        TasksList(Call::new(&self.client, sys::SPK_OP_TASKS_LIST))
    }

    /// Ends a job that has not ended. A running handler is told and its result is thrown away; jobs that depend on it are cancelled too.
    ///
    /// Errors: not_found.
    pub fn cancel(&self, id: &str) -> TasksCancel {
        let mut c = Call::new(&self.client, sys::SPK_OP_TASKS_CANCEL);
        c.text("id", id);
        TasksCancel(c)
    }

    /// Lets a job that has ended run once more.
    ///
    /// Errors: not_found, conflict.
    pub fn retry(&self, id: &str) -> TasksRetry {
        let mut c = Call::new(&self.client, sys::SPK_OP_TASKS_RETRY);
        c.text("id", id);
        TasksRetry(c)
    }

    /// All queues with their counts and settings.
    pub fn queues(&self) -> TasksQueues {
        TasksQueues(Call::new(&self.client, sys::SPK_OP_TASKS_QUEUES))
    }

    /// Jobs of a queue that neither run nor have ended.
    pub fn pending_count(&self) -> TasksPendingCount {
        TasksPendingCount(Call::new(&self.client, sys::SPK_OP_TASKS_PENDING_COUNT))
    }

    /// No worker, in no process, takes from this queue until `tasks.resume`. What runs goes on.
    pub fn pause(&self) -> TasksPause {
        TasksPause(Call::new(&self.client, sys::SPK_OP_TASKS_PAUSE))
    }

    /// Workers take from this queue again.
    pub fn resume(&self) -> TasksResume {
        TasksResume(Call::new(&self.client, sys::SPK_OP_TASKS_RESUME))
    }

    /// How many jobs of a queue may begin in a span of time, over all workers of all processes (a token bucket).
    ///
    /// Errors: invalid_argument.
    pub fn set_rate_limit(&self) -> TasksSetRateLimit {
        TasksSetRateLimit(Call::new(&self.client, sys::SPK_OP_TASKS_SET_RATE_LIMIT))
    }

    /// What a handler tells about its run. conflict when the lease was lost.
    ///
    /// Errors: not_found, conflict.
    pub fn progress(&self, id: &str, lease: u64, progress: impl Serialize) -> TasksProgress {
        let mut c = Call::new(&self.client, sys::SPK_OP_TASKS_PROGRESS);
        c.text("id", id);
        c.uint("lease", lease);
        c.any("progress", &progress);
        TasksProgress(c)
    }

    /// Renews a run's lease now and says whether it is still this worker's. Workers do so by themselves; this is for a handler that is about to do what
    /// cannot be undone.
    pub fn heartbeat(&self, id: &str, lease: u64) -> TasksHeartbeat {
        let mut c = Call::new(&self.client, sys::SPK_OP_TASKS_HEARTBEAT);
        c.text("id", id);
        c.uint("lease", lease);
        TasksHeartbeat(c)
    }

    /// Waits until a job has ended and gives it as `tasks.job` does.
    ///
    /// Errors: not_found, timeout.
    pub fn wait(&self, id: &str) -> TasksWait {
        let mut c = Call::new(&self.client, sys::SPK_OP_TASKS_WAIT);
        c.text("id", id);
        TasksWait(c)
    }

    /// Starts a worker beside those of the manifest. Its tasks come as SPK_EV_TASK.
    ///
    /// Errors: invalid_argument, already_exists, unavailable.
    pub fn start_worker(&self, name: &str) -> TasksStartWorker {
        let mut c = Call::new(&self.client, sys::SPK_OP_TASKS_START_WORKER);
        c.text("name", name);
        TasksStartWorker(c)
    }

    /// Drains a worker: takes no more, finishes what runs within the time, hands back the rest without using up an attempt.
    ///
    /// Errors: not_found.
    pub fn stop_worker(&self, name: &str) -> TasksStopWorker {
        let mut c = Call::new(&self.client, sys::SPK_OP_TASKS_STOP_WORKER);
        c.text("name", name);
        TasksStopWorker(c)
    }

    /// For tests: the worker dies without a word, as if its process were gone.
    ///
    /// Errors: not_found.
    pub fn kill_worker(&self, name: &str) -> TasksKillWorker {
        let mut c = Call::new(&self.client, sys::SPK_OP_TASKS_KILL_WORKER);
        c.text("name", name);
        TasksKillWorker(c)
    }

    /// Makes or changes a schedule, which any running scheduler of this store fires. Times not yet reached follow the new expression.
    ///
    /// Errors: invalid_argument.
    pub fn schedule(&self, name: &str, cron: &str, task: &str) -> TasksSchedule {
        let mut c = Call::new(&self.client, sys::SPK_OP_TASKS_SCHEDULE);
        c.text("name", name);
        c.text("cron", cron);
        c.text("task", task);
        TasksSchedule(c)
    }

    /// Takes a schedule away. Its jobs stay.
    pub fn unschedule(&self, name: &str) -> TasksUnschedule {
        let mut c = Call::new(&self.client, sys::SPK_OP_TASKS_UNSCHEDULE);
        c.text("name", name);
        TasksUnschedule(c)
    }

    /// All schedules of the store.
    pub fn schedules(&self) -> TasksSchedules {
        TasksSchedules(Call::new(&self.client, sys::SPK_OP_TASKS_SCHEDULES))
    }

    /// Starts a scheduler beside that of the manifest. Any number may run, in any number of processes: each time of a schedule makes one job.
    ///
    /// Errors: already_exists.
    pub fn start_scheduler(&self) -> TasksStartScheduler {
        TasksStartScheduler(Call::new(&self.client, sys::SPK_OP_TASKS_START_SCHEDULER))
    }

    /// Stops a scheduler.
    ///
    /// Errors: not_found.
    pub fn stop_scheduler(&self) -> TasksStopScheduler {
        TasksStopScheduler(Call::new(&self.client, sys::SPK_OP_TASKS_STOP_SCHEDULER))
    }
}

/// What tasks.enqueue gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TasksEnqueueResult {
    /// The job's id.
    pub id: String,
    /// False: it was there (`unique_key`).
    pub created: bool,
}

/// tasks.enqueue, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TasksEnqueue(pub(crate) Call);

impl TasksEnqueue {
    /// The queue.
    pub fn queue<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("queue", value);
        }
        self
    }

    /// What the handler gets, as JSON.
    pub fn args(mut self, value: impl Serialize) -> Self {
        self.0.any_unless_null("args", &value);
        self
    }

    /// Not before this long from now.
    pub fn delay(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("delay_ms", value);
        }
        self
    }

    /// Not before this instant: RFC 3339 text or ms since the epoch. Not with `delay_ms`.
    pub fn run_at(mut self, value: impl Serialize) -> Self {
        self.0.any_unless_null("run_at", &value);
        self
    }

    /// Higher goes first; first come among equals.
    pub fn priority(mut self, value: impl Into<Option<i32>>) -> Self {
        if let Some(value) = value.into() {
            self.0.int("priority", i64::from(value));
        }
        self
    }

    /// Runs at most, the first one included.
    pub fn max_attempts(mut self, value: impl Into<Option<u32>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("max_attempts", u64::from(value));
        }
        self
    }

    /// `{initial_ms, factor, max_ms, jitter_percent}` between failed runs. Null: 1000, 2, 300000, 10. An object without `jitter_percent` has none.
    pub fn backoff(mut self, value: impl Serialize) -> Self {
        self.0.any_unless_null("backoff", &value);
        self
    }

    /// A run that takes longer is cancelled and has failed. 0: the worker's limit.
    pub fn timeout(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("timeout_ms", value);
        }
        self
    }

    /// At most one job of this key that has not ended is in the store. Empty: none.
    pub fn unique_key<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("unique_key", value);
        }
        self
    }

    /// Of the jobs of this key at most `concurrency_limit` run at a time, over all workers. Empty: none.
    pub fn concurrency_key<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("concurrency_key", value);
        }
        self
    }

    /// See `concurrency_key`.
    pub fn concurrency_limit(mut self, value: impl Into<Option<u32>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("concurrency_limit", u64::from(value));
        }
        self
    }

    /// Ids of jobs that must complete before this one begins. When one is discarded or cancelled, so is this one (cancelled, with the reason).
    pub fn depends_on(mut self, value: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.0.texts("depends_on", value);
        self
    }

    /// Id of a batch that is not done, which this job joins.
    pub fn batch<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("batch", value);
        }
        self
    }

    /// For people and lists.
    pub fn tags(mut self, value: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.0.texts("tags", value);
        self
    }

    /// How long the job and its result are kept after its end. 0: the store's default.
    pub fn retention(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("retention_ms", value);
        }
        self
    }

    /// A transaction of `db`: the task is enqueued when it commits, and not at all when it does not. A store in another database gets it through the
    /// outbox; the result then has no id (empty).
    pub fn transaction(mut self, value: impl Into<Option<u64>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("transaction", value);
        }
        self
    }
}

impl IntoFuture for TasksEnqueue {
    type Output = Result<TasksEnqueueResult, Error>;
    type IntoFuture = Pending<TasksEnqueueResult>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| TasksEnqueueResult {
            id: r.text("id").unwrap_or_default(),
            created: r.bool("created").unwrap_or_default(),
        })
    }
}

/// tasks.enqueue_many, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TasksEnqueueMany(pub(crate) Call);

impl TasksEnqueueMany {
}

impl IntoFuture for TasksEnqueueMany {
    type Output = Result<Value, Error>;
    type IntoFuture = Pending<Value>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.value("jobs"))
    }
}

/// What tasks.enqueue_batch gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TasksEnqueueBatchResult {
    /// The batch's id.
    pub batch: String,
    /// For each, in order, `{id, created}`.
    pub jobs: Value,
    /// Id of the callback's job, or null.
    pub callback: Value,
}

/// tasks.enqueue_batch, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TasksEnqueueBatch(pub(crate) Call);

impl TasksEnqueueBatch {
    /// A job (arguments of `tasks.enqueue`) that is pending until the batch is done; it finds the batch by `tasks.batch`, whose id is its `batch_done`.
    /// Null: none.
    pub fn callback(mut self, value: impl Serialize) -> Self {
        self.0.any_unless_null("callback", &value);
        self
    }
}

impl IntoFuture for TasksEnqueueBatch {
    type Output = Result<TasksEnqueueBatchResult, Error>;
    type IntoFuture = Pending<TasksEnqueueBatchResult>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| TasksEnqueueBatchResult {
            batch: r.text("batch").unwrap_or_default(),
            jobs: r.value("jobs"),
            callback: r.value("callback"),
        })
    }
}

/// What tasks.batch gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TasksBatchResult {
    /// Its id.
    pub id: String,
    /// Jobs in it.
    pub total: u64,
    /// Jobs that have not ended.
    pub pending: u64,
    /// Jobs that completed.
    pub completed: u64,
    /// Jobs that were cancelled.
    pub cancelled: u64,
    /// Jobs that were discarded.
    pub discarded: u64,
    /// All have ended.
    pub done: bool,
    /// Id of the callback's job, or null.
    pub callback: Value,
}

/// tasks.batch, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TasksBatch(pub(crate) Call);

impl TasksBatch {
}

impl IntoFuture for TasksBatch {
    type Output = Result<TasksBatchResult, Error>;
    type IntoFuture = Pending<TasksBatchResult>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| TasksBatchResult {
            id: r.text("id").unwrap_or_default(),
            total: r.uint("total").unwrap_or_default(),
            pending: r.uint("pending").unwrap_or_default(),
            completed: r.uint("completed").unwrap_or_default(),
            cancelled: r.uint("cancelled").unwrap_or_default(),
            discarded: r.uint("discarded").unwrap_or_default(),
            done: r.bool("done").unwrap_or_default(),
            callback: r.value("callback"),
        })
    }
}

/// What tasks.job gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TasksJobResult {
    /// Its id.
    pub id: String,
    /// Its queue.
    pub queue: String,
    /// The task's name.
    pub task: String,
    /// Its arguments.
    pub args: Value,
    /// pending, scheduled, available, running, retryable, completed, cancelled or discarded.
    pub state: String,
    /// Its priority.
    pub priority: i32,
    /// Runs begun, those that do not count left out.
    pub attempt: u32,
    /// Runs at most.
    pub max_attempts: u32,
    /// Not before this instant.
    pub run_at: i64,
    /// When it was enqueued.
    pub enqueued_at: i64,
    /// When the latest run began, or null.
    pub started_at: Value,
    /// When it ended, or null.
    pub ended_at: Value,
    /// The occurrence of its schedule that it stands for, or null.
    pub scheduled_at: Value,
    /// Its schedule, or null.
    pub schedule: Value,
    /// Who runs it, or null.
    pub worker: Value,
    /// Its unique key, or null.
    pub unique_key: Value,
    /// Its concurrency key, or null.
    pub concurrency_key: Value,
    /// Its batch, or null.
    pub batch: Value,
    /// The batch whose callback it is, or null.
    pub batch_done: Value,
    /// Its tags.
    pub tags: Vec<String>,
    /// What its handler told last, or null.
    pub progress: Value,
    /// What its handler returned, or null.
    pub result: Value,
    /// The latest error, or the reason of its cancellation; null for none.
    pub error: Value,
    /// error, timeout, fatal, lease_lost, unknown_task, dependency or a code of the handler's; null for none.
    pub error_code: Value,
}

/// tasks.job, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TasksJob(pub(crate) Call);

impl TasksJob {
}

impl IntoFuture for TasksJob {
    type Output = Result<TasksJobResult, Error>;
    type IntoFuture = Pending<TasksJobResult>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| TasksJobResult {
            id: r.text("id").unwrap_or_default(),
            queue: r.text("queue").unwrap_or_default(),
            task: r.text("task").unwrap_or_default(),
            args: r.value("args"),
            state: r.text("state").unwrap_or_default(),
            priority: r.int("priority").unwrap_or_default() as i32,
            attempt: r.uint("attempt").unwrap_or_default() as u32,
            max_attempts: r.uint("max_attempts").unwrap_or_default() as u32,
            run_at: r.int("run_at").unwrap_or_default(),
            enqueued_at: r.int("enqueued_at").unwrap_or_default(),
            started_at: r.value("started_at"),
            ended_at: r.value("ended_at"),
            scheduled_at: r.value("scheduled_at"),
            schedule: r.value("schedule"),
            worker: r.value("worker"),
            unique_key: r.value("unique_key"),
            concurrency_key: r.value("concurrency_key"),
            batch: r.value("batch"),
            batch_done: r.value("batch_done"),
            tags: r.texts("tags"),
            progress: r.value("progress"),
            result: r.value("result"),
            error: r.value("error"),
            error_code: r.value("error_code"),
        })
    }
}

/// tasks.list, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TasksList(pub(crate) Call);

impl TasksList {
    /// Of this queue only.
    pub fn queue<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("queue", value);
        }
        self
    }

    /// In this state only.
    pub fn state<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("state", value);
        }
        self
    }

    /// Of this name only.
    pub fn task<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("task", value);
        }
        self
    }

    /// Of this schedule only.
    pub fn schedule<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("schedule", value);
        }
        self
    }

    /// Of this batch only.
    pub fn batch<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("batch", value);
        }
        self
    }

    /// Only ids after this one: the last of the page before.
    pub fn after<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("after", value);
        }
        self
    }

    /// How many at most.
    pub fn limit(mut self, value: impl Into<Option<u32>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("limit", u64::from(value));
        }
        self
    }
}

impl IntoFuture for TasksList {
    type Output = Result<Value, Error>;
    type IntoFuture = Pending<Value>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.value("jobs"))
    }
}

/// tasks.cancel, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TasksCancel(pub(crate) Call);

impl TasksCancel {
    /// Kept as the job's error.
    pub fn reason<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("reason", value);
        }
        self
    }
}

impl IntoFuture for TasksCancel {
    type Output = Result<bool, Error>;
    type IntoFuture = Pending<bool>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.bool("cancelled").unwrap_or_default())
    }
}

/// tasks.retry, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TasksRetry(pub(crate) Call);

impl TasksRetry {
}

impl IntoFuture for TasksRetry {
    type Output = Result<bool, Error>;
    type IntoFuture = Pending<bool>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.bool("retried").unwrap_or_default())
    }
}

/// tasks.queues, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TasksQueues(pub(crate) Call);

impl TasksQueues {
}

impl IntoFuture for TasksQueues {
    type Output = Result<Value, Error>;
    type IntoFuture = Pending<Value>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.value("queues"))
    }
}

/// tasks.pending_count, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TasksPendingCount(pub(crate) Call);

impl TasksPendingCount {
    /// The queue.
    pub fn queue<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("queue", value);
        }
        self
    }
}

impl IntoFuture for TasksPendingCount {
    type Output = Result<u64, Error>;
    type IntoFuture = Pending<u64>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.uint("count").unwrap_or_default())
    }
}

/// tasks.pause, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TasksPause(pub(crate) Call);

impl TasksPause {
    /// The queue.
    pub fn queue<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("queue", value);
        }
        self
    }
}

impl IntoFuture for TasksPause {
    type Output = Result<(), Error>;
    type IntoFuture = Pending<()>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|_| ())
    }
}

/// tasks.resume, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TasksResume(pub(crate) Call);

impl TasksResume {
    /// The queue.
    pub fn queue<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("queue", value);
        }
        self
    }
}

impl IntoFuture for TasksResume {
    type Output = Result<(), Error>;
    type IntoFuture = Pending<()>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|_| ())
    }
}

/// tasks.set_rate_limit, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TasksSetRateLimit(pub(crate) Call);

impl TasksSetRateLimit {
    /// The queue.
    pub fn queue<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("queue", value);
        }
        self
    }

    /// So many. 0: no limit.
    pub fn count(mut self, value: impl Into<Option<u32>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("count", u64::from(value));
        }
        self
    }

    /// In this span.
    pub fn period(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("period_ms", value);
        }
        self
    }

    /// So many at once after a rest. 0: as `count`.
    pub fn burst(mut self, value: impl Into<Option<u32>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("burst", u64::from(value));
        }
        self
    }
}

impl IntoFuture for TasksSetRateLimit {
    type Output = Result<(), Error>;
    type IntoFuture = Pending<()>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|_| ())
    }
}

/// tasks.progress, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TasksProgress(pub(crate) Call);

impl TasksProgress {
}

impl IntoFuture for TasksProgress {
    type Output = Result<(), Error>;
    type IntoFuture = Pending<()>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|_| ())
    }
}

/// tasks.heartbeat, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TasksHeartbeat(pub(crate) Call);

impl TasksHeartbeat {
    /// From now.
    pub fn lease_ms(mut self, value: impl Into<Option<u64>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("lease_ms", value);
        }
        self
    }
}

impl IntoFuture for TasksHeartbeat {
    type Output = Result<bool, Error>;
    type IntoFuture = Pending<bool>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.bool("held").unwrap_or_default())
    }
}

/// tasks.wait, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TasksWait(pub(crate) Call);

impl TasksWait {
    /// At most this long; then timeout.
    pub fn timeout(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("timeout_ms", value);
        }
        self
    }
}

impl IntoFuture for TasksWait {
    type Output = Result<Value, Error>;
    type IntoFuture = Pending<Value>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.value("job"))
    }
}

/// tasks.start_worker, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TasksStartWorker(pub(crate) Call);

impl TasksStartWorker {
    /// The queue.
    pub fn queue<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("queue", value);
        }
        self
    }

    /// Handlers at once.
    pub fn concurrency(mut self, value: impl Into<Option<u32>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("concurrency", u64::from(value));
        }
        self
    }

    /// A job comes back this long after its worker died; renewed every third of it.
    pub fn lease(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("lease_ms", value);
        }
        self
    }

    /// For tasks without a limit of their own. 0: none.
    pub fn timeout(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("timeout_ms", value);
        }
        self
    }

    /// Names it has handlers for; any other is discarded with the code unknown_task. Null: all.
    pub fn tasks(mut self, value: impl Serialize) -> Self {
        self.0.any_unless_null("tasks", &value);
        self
    }

    /// Comes back as `user` of its events.
    pub fn user(mut self, value: impl Into<Option<u64>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("user", value);
        }
        self
    }
}

impl IntoFuture for TasksStartWorker {
    type Output = Result<(), Error>;
    type IntoFuture = Pending<()>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|_| ())
    }
}

/// What tasks.stop_worker gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TasksStopWorkerResult {
    /// Everything finished in time.
    pub drained: bool,
    /// Handed back.
    pub unfinished: u64,
}

/// tasks.stop_worker, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TasksStopWorker(pub(crate) Call);

impl TasksStopWorker {
    /// For what runs.
    pub fn timeout(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("timeout_ms", value);
        }
        self
    }
}

impl IntoFuture for TasksStopWorker {
    type Output = Result<TasksStopWorkerResult, Error>;
    type IntoFuture = Pending<TasksStopWorkerResult>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| TasksStopWorkerResult {
            drained: r.bool("drained").unwrap_or_default(),
            unfinished: r.uint("unfinished").unwrap_or_default(),
        })
    }
}

/// tasks.kill_worker, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TasksKillWorker(pub(crate) Call);

impl TasksKillWorker {
}

impl IntoFuture for TasksKillWorker {
    type Output = Result<(), Error>;
    type IntoFuture = Pending<()>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|_| ())
    }
}

/// tasks.schedule, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TasksSchedule(pub(crate) Call);

impl TasksSchedule {
    /// A name of the IANA data base.
    pub fn timezone<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("timezone", value);
        }
        self
    }

    /// Where its jobs go.
    pub fn queue<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("queue", value);
        }
        self
    }

    /// The arguments of every job.
    pub fn args(mut self, value: impl Serialize) -> Self {
        self.0.any_unless_null("args", &value);
        self
    }

    /// As in `tasks.enqueue`.
    pub fn priority(mut self, value: impl Into<Option<i32>>) -> Self {
        if let Some(value) = value.into() {
            self.0.int("priority", i64::from(value));
        }
        self
    }

    /// As in `tasks.enqueue`.
    pub fn max_attempts(mut self, value: impl Into<Option<u32>>) -> Self {
        if let Some(value) = value.into() {
            self.0.uint("max_attempts", u64::from(value));
        }
        self
    }

    /// As in `tasks.enqueue`.
    pub fn timeout(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("timeout_ms", value);
        }
        self
    }

    /// What becomes of times at which no scheduler ran: skip, once (one job for all of them), all (one for each).
    pub fn misfire<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("misfire", value);
        }
        self
    }

    /// forbid: a time is left out while the job before has not ended.
    pub fn overlap<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("overlap", value);
        }
        self
    }
}

impl IntoFuture for TasksSchedule {
    type Output = Result<Value, Error>;
    type IntoFuture = Pending<Value>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.value("next"))
    }
}

/// tasks.unschedule, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TasksUnschedule(pub(crate) Call);

impl TasksUnschedule {
}

impl IntoFuture for TasksUnschedule {
    type Output = Result<bool, Error>;
    type IntoFuture = Pending<bool>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.bool("removed").unwrap_or_default())
    }
}

/// tasks.schedules, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TasksSchedules(pub(crate) Call);

impl TasksSchedules {
}

impl IntoFuture for TasksSchedules {
    type Output = Result<Value, Error>;
    type IntoFuture = Pending<Value>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.value("schedules"))
    }
}

/// tasks.start_scheduler, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TasksStartScheduler(pub(crate) Call);

impl TasksStartScheduler {
    /// Its name; unique among those that run.
    pub fn name<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("name", value);
        }
        self
    }
}

impl IntoFuture for TasksStartScheduler {
    type Output = Result<(), Error>;
    type IntoFuture = Pending<()>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|_| ())
    }
}

/// tasks.stop_scheduler, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TasksStopScheduler(pub(crate) Call);

impl TasksStopScheduler {
    /// Its name.
    pub fn name<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("name", value);
        }
        self
    }
}

impl IntoFuture for TasksStopScheduler {
    type Output = Result<(), Error>;
    type IntoFuture = Pending<()>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|_| ())
    }
}

/// One method for each operation of telemetry; [`crate::Telemetry`] builds on it.
#[derive(Clone, Debug)]
pub struct TelemetryClient {
    pub(crate) client: Client,
}

impl TelemetryClient {
    /// The context of the request, message or task whose handler calls.
    pub fn context(&self) -> TelemetryContext {
        TelemetryContext(Call::new(&self.client, sys::SPK_OP_TELEMETRY_CONTEXT))
    }

    /// Begins a span. It must be ended; at most 65536 of an application are open at once, of one more only the context is handed on.
    ///
    /// Errors: invalid_argument.
    pub fn start_span(&self, name: &str) -> TelemetryStartSpan {
        let mut c = Call::new(&self.client, sys::SPK_OP_TELEMETRY_START_SPAN);
        c.text("name", name);
        TelemetryStartSpan(c)
    }

    /// Ends a span. A number that is not open any more is ignored.
    ///
    /// Errors: invalid_argument.
    pub fn end_span(&self, span: u64) -> TelemetryEndSpan {
        let mut c = Call::new(&self.client, sys::SPK_OP_TELEMETRY_END_SPAN);
        c.uint("span", span);
        TelemetryEndSpan(c)
    }

    /// A log record: a line of the application's log with trace and span id, and a record for the exporter.
    ///
    /// Errors: invalid_argument.
    pub fn log(&self, message: &str) -> TelemetryLog {
        let mut c = Call::new(&self.client, sys::SPK_OP_TELEMETRY_LOG);
        c.text("message", message);
        TelemetryLog(c)
    }

    /// Adds to a sum.
    ///
    /// Errors: invalid_argument.
    pub fn add(&self, name: &str) -> TelemetryAdd {
        let mut c = Call::new(&self.client, sys::SPK_OP_TELEMETRY_ADD);
        c.text("name", name);
        TelemetryAdd(c)
    }

    /// Records a value of a distribution.
    ///
    /// Errors: invalid_argument.
    pub fn record(&self, name: &str, value: impl Serialize) -> TelemetryRecord {
        let mut c = Call::new(&self.client, sys::SPK_OP_TELEMETRY_RECORD);
        c.text("name", name);
        c.any("value", &value);
        TelemetryRecord(c)
    }

    /// Exports what waits now. Done when the collector has it or it was given up.
    pub fn flush(&self) -> TelemetryFlush {
        TelemetryFlush(Call::new(&self.client, sys::SPK_OP_TELEMETRY_FLUSH))
    }

    /// What became of spans and log records since the start.
    pub fn statistics(&self) -> TelemetryStatistics {
        TelemetryStatistics(Call::new(&self.client, sys::SPK_OP_TELEMETRY_STATISTICS))
    }

    /// The spans that ended since the last call, of exporter `memory`.
    ///
    /// Errors: unsupported.
    pub fn take_spans(&self) -> TelemetryTakeSpans {
        TelemetryTakeSpans(Call::new(&self.client, sys::SPK_OP_TELEMETRY_TAKE_SPANS))
    }

    /// The log records since the last call, of exporter `memory`.
    ///
    /// Errors: unsupported.
    pub fn take_logs(&self) -> TelemetryTakeLogs {
        TelemetryTakeLogs(Call::new(&self.client, sys::SPK_OP_TELEMETRY_TAKE_LOGS))
    }

    /// All metrics now, whatever the exporter.
    pub fn collect_metrics(&self) -> TelemetryCollectMetrics {
        TelemetryCollectMetrics(Call::new(&self.client, sys::SPK_OP_TELEMETRY_COLLECT_METRICS))
    }

    /// Reads a traceparent (W3C Trace Context).
    pub fn parse_traceparent(&self, value: &str) -> TelemetryParseTraceparent {
        let mut c = Call::new(&self.client, sys::SPK_OP_TELEMETRY_PARSE_TRACEPARENT);
        c.text("value", value);
        TelemetryParseTraceparent(c)
    }

    /// Reads a tracestate (W3C Trace Context).
    ///
    /// Errors: invalid_argument.
    pub fn parse_tracestate(&self, values: impl Serialize) -> TelemetryParseTracestate {
        let mut c = Call::new(&self.client, sys::SPK_OP_TELEMETRY_PARSE_TRACESTATE);
        c.any("values", &values);
        TelemetryParseTracestate(c)
    }

    /// Reads baggage (W3C Baggage).
    ///
    /// Errors: invalid_argument.
    pub fn parse_baggage(&self, values: impl Serialize) -> TelemetryParseBaggage {
        let mut c = Call::new(&self.client, sys::SPK_OP_TELEMETRY_PARSE_BAGGAGE);
        c.any("values", &values);
        TelemetryParseBaggage(c)
    }
}

/// What telemetry.context gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TelemetryContextResult {
    /// Null where there is none.
    pub traceparent: Option<String>,
    /// As it came.
    pub tracestate: Option<String>,
    /// As it came.
    pub baggage: Option<String>,
}

/// telemetry.context, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TelemetryContext(pub(crate) Call);

impl TelemetryContext {
}

impl IntoFuture for TelemetryContext {
    type Output = Result<TelemetryContextResult, Error>;
    type IntoFuture = Pending<TelemetryContextResult>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| TelemetryContextResult {
            traceparent: r.text("traceparent"),
            tracestate: r.text("tracestate"),
            baggage: r.text("baggage"),
        })
    }
}

/// What telemetry.start_span gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TelemetryStartSpanResult {
    /// Its number for `telemetry.end_span`; 0 for one that is not recorded, which need not be ended.
    pub span: u64,
    /// Its context, to hand on.
    pub traceparent: Option<String>,
}

/// telemetry.start_span, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TelemetryStartSpan(pub(crate) Call);

impl TelemetryStartSpan {
    /// `internal`, `server`, `client`, `producer` or `consumer`.
    pub fn kind<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("kind", value);
        }
        self
    }

    /// The parent.
    pub fn traceparent<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("traceparent", value);
        }
        self
    }

    /// Of a parent that is given.
    pub fn tracestate<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("tracestate", value);
        }
        self
    }

    /// Of a parent that is given.
    pub fn baggage<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("baggage", value);
        }
        self
    }

    /// An object of texts, numbers, booleans and lists of one of them.
    pub fn attributes(mut self, value: impl Serialize) -> Self {
        self.0.any_unless_null("attributes", &value);
        self
    }

    /// A list of traceparents.
    pub fn links(mut self, value: impl Serialize) -> Self {
        self.0.any_unless_null("links", &value);
        self
    }
}

impl IntoFuture for TelemetryStartSpan {
    type Output = Result<TelemetryStartSpanResult, Error>;
    type IntoFuture = Pending<TelemetryStartSpanResult>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| TelemetryStartSpanResult {
            span: r.uint("span").unwrap_or_default(),
            traceparent: r.text("traceparent"),
        })
    }
}

/// telemetry.end_span, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TelemetryEndSpan(pub(crate) Call);

impl TelemetryEndSpan {
    /// A new name.
    pub fn name<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("name", value);
        }
        self
    }

    /// Further attributes; they replace those of the same name.
    pub fn attributes(mut self, value: impl Serialize) -> Self {
        self.0.any_unless_null("attributes", &value);
        self
    }

    /// A list of `{name, time_unix_nano, attributes}`; `exception` is one by the semantic conventions.
    pub fn events(mut self, value: impl Serialize) -> Self {
        self.0.any_unless_null("events", &value);
        self
    }

    /// `unset`, `ok` or `error`.
    pub fn status<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("status", value);
        }
        self
    }

    /// Of status error.
    pub fn message<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("message", value);
        }
        self
    }
}

impl IntoFuture for TelemetryEndSpan {
    type Output = Result<(), Error>;
    type IntoFuture = Pending<()>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|_| ())
    }
}

/// telemetry.log, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TelemetryLog(pub(crate) Call);

impl TelemetryLog {
    /// `trace`, `debug`, `info`, `warn` or `error`.
    pub fn level<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("level", value);
        }
        self
    }

    /// As of a span. Values of names that are secret are redacted.
    pub fn attributes(mut self, value: impl Serialize) -> Self {
        self.0.any_unless_null("attributes", &value);
        self
    }

    /// The span it belongs to.
    pub fn traceparent<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("traceparent", value);
        }
        self
    }

    /// Off: only the exporter gets it (the host writes the line itself).
    pub fn line(mut self, value: impl Into<Option<bool>>) -> Self {
        if let Some(value) = value.into() {
            self.0.bool("line", value);
        }
        self
    }
}

impl IntoFuture for TelemetryLog {
    type Output = Result<(), Error>;
    type IntoFuture = Pending<()>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|_| ())
    }
}

/// telemetry.add, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TelemetryAdd(pub(crate) Call);

impl TelemetryAdd {
    /// A number, not below nought where it only grows; null is 1.
    pub fn value(mut self, value: impl Serialize) -> Self {
        self.0.any_unless_null("value", &value);
        self
    }

    /// The sum goes both ways.
    pub fn up_down(mut self, value: impl Into<Option<bool>>) -> Self {
        if let Some(value) = value.into() {
            self.0.bool("up_down", value);
        }
        self
    }

    /// By UCUM: `s`, `By`, `{order}`.
    pub fn unit<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("unit", value);
        }
        self
    }

    /// For people.
    pub fn description<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("description", value);
        }
        self
    }

    /// As of a span; of few different values.
    pub fn attributes(mut self, value: impl Serialize) -> Self {
        self.0.any_unless_null("attributes", &value);
        self
    }
}

impl IntoFuture for TelemetryAdd {
    type Output = Result<(), Error>;
    type IntoFuture = Pending<()>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|_| ())
    }
}

/// telemetry.record, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TelemetryRecord(pub(crate) Call);

impl TelemetryRecord {
    /// By UCUM.
    pub fn unit<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("unit", value);
        }
        self
    }

    /// For people.
    pub fn description<'a>(mut self, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.0.text("description", value);
        }
        self
    }

    /// Upper bounds of the buckets, ascending; null for those that are advised for seconds.
    pub fn boundaries(mut self, value: impl Serialize) -> Self {
        self.0.any_unless_null("boundaries", &value);
        self
    }

    /// As of a span; of few different values.
    pub fn attributes(mut self, value: impl Serialize) -> Self {
        self.0.any_unless_null("attributes", &value);
        self
    }
}

impl IntoFuture for TelemetryRecord {
    type Output = Result<(), Error>;
    type IntoFuture = Pending<()>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|_| ())
    }
}

/// telemetry.flush, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TelemetryFlush(pub(crate) Call);

impl TelemetryFlush {
    /// The longest it may take.
    pub fn timeout(mut self, value: impl Into<Option<Duration>>) -> Self {
        if let Some(value) = value.into() {
            self.0.span("timeout_ms", value);
        }
        self
    }
}

impl IntoFuture for TelemetryFlush {
    type Output = Result<bool, Error>;
    type IntoFuture = Pending<bool>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.bool("flushed").unwrap_or_default())
    }
}

/// What telemetry.statistics gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TelemetryStatisticsResult {
    /// `{ended, exported, dropped, failed, waiting}`: dropped did not fit into the queue, failed were given up by the exporter.
    pub spans: Value,
    /// The same of log records.
    pub logs: Value,
}

/// telemetry.statistics, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TelemetryStatistics(pub(crate) Call);

impl TelemetryStatistics {
}

impl IntoFuture for TelemetryStatistics {
    type Output = Result<TelemetryStatisticsResult, Error>;
    type IntoFuture = Pending<TelemetryStatisticsResult>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| TelemetryStatisticsResult {
            spans: r.value("spans"),
            logs: r.value("logs"),
        })
    }
}

/// telemetry.take_spans, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TelemetryTakeSpans(pub(crate) Call);

impl TelemetryTakeSpans {
}

impl IntoFuture for TelemetryTakeSpans {
    type Output = Result<Value, Error>;
    type IntoFuture = Pending<Value>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.value("spans"))
    }
}

/// telemetry.take_logs, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TelemetryTakeLogs(pub(crate) Call);

impl TelemetryTakeLogs {
}

impl IntoFuture for TelemetryTakeLogs {
    type Output = Result<Value, Error>;
    type IntoFuture = Pending<Value>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.value("logs"))
    }
}

/// telemetry.collect_metrics, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TelemetryCollectMetrics(pub(crate) Call);

impl TelemetryCollectMetrics {
}

impl IntoFuture for TelemetryCollectMetrics {
    type Output = Result<Value, Error>;
    type IntoFuture = Pending<Value>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.value("metrics"))
    }
}

/// telemetry.parse_traceparent, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TelemetryParseTraceparent(pub(crate) Call);

impl TelemetryParseTraceparent {
}

impl IntoFuture for TelemetryParseTraceparent {
    type Output = Result<Value, Error>;
    type IntoFuture = Pending<Value>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.value("value"))
    }
}

/// telemetry.parse_tracestate, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TelemetryParseTracestate(pub(crate) Call);

impl TelemetryParseTracestate {
}

impl IntoFuture for TelemetryParseTracestate {
    type Output = Result<Value, Error>;
    type IntoFuture = Pending<Value>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.value("value"))
    }
}

/// telemetry.parse_baggage, and what it takes beside its arguments.
#[must_use = "an operation begins when it is awaited"]
pub struct TelemetryParseBaggage(pub(crate) Call);

impl TelemetryParseBaggage {
}

impl IntoFuture for TelemetryParseBaggage {
    type Output = Result<Value, Error>;
    type IntoFuture = Pending<Value>;

    fn into_future(self) -> Self::IntoFuture {
        self.0.pending(|r| r.value("value"))
    }
}

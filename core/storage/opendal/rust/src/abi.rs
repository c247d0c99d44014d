//! The C interface (../../opendal.h). A call runs on our two threads and ends by its callback, exactly once.
use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use opendal::raw::Timestamp;
use opendal::{Buffer, Error, ErrorKind};

use crate::call::{CALL, Call};
use crate::list::Query;
use crate::options::Options;
use crate::store::{Info, Kind, Listing, ReadArgs, Reader, Store, WriteArgs, Writer};
use crate::upload::Upload;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Text {
    data: *const u8,
    size: usize,
}
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Pair {
    name: Text,
    value: Text,
}
#[repr(C)]
pub struct InfoOut {
    size: u64,
    modified_ns: i64,
    etag: Text,
    content_type: Text,
    cache_control: Text,
    content_disposition: Text,
    metadata: *const Pair,
    metadata_count: usize,
}
#[repr(C)]
pub struct EntryOut {
    key: Text,
    etag: Text,
    size: u64,
    modified_ns: i64,
}
#[repr(C)]
pub struct FailureOut {
    at: usize,
    code: i32,
    temporary: i32,
    message: Text,
}
#[repr(C)]
pub struct Answer {
    code: i32,
    temporary: i32,
    message: Text,
    info: *const InfoOut,
    offset: u64,
    size: u64,
    data: *const Text,
    data_count: usize,
    entries: *const EntryOut,
    entry_count: usize,
    prefixes: *const Text,
    prefix_count: usize,
    cursor: Text,
    failures: *const FailureOut,
    failure_count: usize,
    handle: *mut c_void,
}
#[repr(C)]
pub struct ReadIn {
    offset: u64,
    length: u64,
    suffix: u64,
    has: u32, // 1 offset, 2 length, 4 suffix
    if_match: Text,
    if_none_match: Text,
}
#[repr(C)]
pub struct WriteIn {
    content_type: Text,
    cache_control: Text,
    content_disposition: Text,
    metadata: *const Pair,
    metadata_count: usize,
    if_match: Text,
    if_absent: i32,
}
#[repr(C)]
pub struct ListIn {
    prefix: Text,
    delimiter: Text,
    start_after: Text,
    cursor: Text,
    limit: usize,
}
#[repr(C)]
pub struct UploadIn {
    id: Text,
    size: u64,
    part_bytes: u64,
    origin: Text,
    expires_s: u32,
}
type Done = extern "C" fn(*mut c_void, *const Answer);
type Release = extern "C" fn(*mut c_void);

const NONE: Text = Text { data: std::ptr::null(), size: 0 };
const NO_TIME: i64 = i64::MIN;

mod code {
    pub const OK: i32 = 0;
    pub const UNEXPECTED: i32 = 1;
    pub const UNSUPPORTED: i32 = 2;
    pub const CONFIG_INVALID: i32 = 3;
    pub const NOT_FOUND: i32 = 4;
    pub const PERMISSION_DENIED: i32 = 5;
    pub const ALREADY_EXISTS: i32 = 6;
    pub const RATE_LIMITED: i32 = 7;
    pub const CONDITION_FAILED: i32 = 8;
    pub const RANGE: i32 = 9;
    pub const CONFLICT: i32 = 10;
    pub const OUTCOME_UNKNOWN: i32 = 11;
    pub const CORRUPT: i32 = 12;
    pub const TOO_LARGE: i32 = 13;
    pub const CANCELLED: i32 = 14;
    pub const REFUSED: i32 = 15;
    pub const NO_STORE: i32 = 16;
    pub const NO_UPLOAD: i32 = 17;
    pub const INVALID_PART: i32 = 18;
}

fn code_of(error: &Error) -> i32 {
    match error.kind() {
        ErrorKind::Unsupported => code::UNSUPPORTED,
        ErrorKind::ConfigInvalid => code::CONFIG_INVALID,
        ErrorKind::NotFound => code::NOT_FOUND,
        ErrorKind::PermissionDenied => code::PERMISSION_DENIED,
        ErrorKind::AlreadyExists => code::ALREADY_EXISTS,
        ErrorKind::RateLimited => code::RATE_LIMITED,
        ErrorKind::ConditionNotMatch => code::CONDITION_FAILED,
        ErrorKind::RangeNotSatisfied => code::RANGE,
        ErrorKind::Conflict => code::CONFLICT,
        _ => code::UNEXPECTED,
    }
}

/// Without context and sources: these have URLs and answers of the server.
fn message_of(error: &Error) -> String {
    let text: String = error.message().chars().filter(|c| !c.is_control()).take(300).collect();
    match std::error::Error::source(error).map(ToString::to_string) {
        Some(cause) if error.kind() == ErrorKind::Unexpected && !cause.contains("://") => {
            let mut deepest: &dyn std::error::Error = std::error::Error::source(error).unwrap();
            while let Some(inner) = deepest.source() {
                deepest = inner;
            }
            let deep: String = deepest.to_string().chars().filter(|c| !c.is_control()).take(200).collect();
            format!("{text}: {deep}")
        }
        _ => text,
    }
}

impl Text {
    unsafe fn string(self) -> String {
        unsafe { String::from_utf8_lossy(self.bytes()).into_owned() }
    }
    unsafe fn option(self) -> Option<String> {
        if self.data.is_null() { None } else { Some(unsafe { self.string() }) }
    }
    unsafe fn bytes<'a>(self) -> &'a [u8] {
        if self.data.is_null() || self.size == 0 { &[] } else { unsafe { std::slice::from_raw_parts(self.data, self.size) } }
    }
    fn of(text: &str) -> Text {
        Text { data: text.as_ptr(), size: text.len() }
    }
    fn of_option(text: &Option<String>) -> Text {
        text.as_ref().map_or(NONE, |text| Text::of(text))
    }
}

unsafe fn pairs_of(data: *const Pair, count: usize) -> Vec<(String, String)> {
    if count == 0 {
        return Vec::new();
    }
    unsafe { std::slice::from_raw_parts(data, count) }.iter().map(|pair| unsafe { (pair.name.string(), pair.value.string()) }).collect()
}

unsafe fn texts_of(data: *const Text, count: usize) -> Vec<String> {
    if count == 0 {
        return Vec::new();
    }
    unsafe { std::slice::from_raw_parts(data, count) }.iter().map(|text| unsafe { text.string() }).collect()
}

unsafe fn write_args(args: *const WriteIn) -> WriteArgs {
    unsafe {
        let args = &*args;
        WriteArgs {
            content_type: args.content_type.option(),
            cache_control: args.cache_control.option(),
            content_disposition: args.content_disposition.option(),
            metadata: pairs_of(args.metadata, args.metadata_count),
            if_match: args.if_match.option(),
            if_absent: args.if_absent != 0,
        }
    }
}

unsafe fn read_args(args: *const ReadIn) -> ReadArgs {
    unsafe {
        let args = &*args;
        ReadArgs {
            offset: (args.has & 1 != 0).then_some(args.offset),
            length: (args.has & 2 != 0).then_some(args.length),
            suffix: (args.has & 4 != 0).then_some(args.suffix),
            if_match: args.if_match.option(),
            if_none_match: args.if_none_match.option(),
        }
    }
}

unsafe fn upload_of(args: &UploadIn) -> Upload {
    Upload { id: unsafe { args.id.string() }, size: args.size, part_bytes: args.part_bytes }
}

fn nanos(time: Option<Timestamp>) -> i64 {
    time.and_then(|time| i64::try_from(time.into_inner().as_nanosecond()).ok()).unwrap_or(NO_TIME)
}

/// The threads, made at the first call: after every fork.
static RUNTIME: Mutex<Option<(u32, &'static tokio::runtime::Runtime)>> = Mutex::new(None);

/// They belong to the host's threads; SIGPIPE of a connection that broke must not end the process.
fn block_signals() {
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, std::ptr::null_mut());
    }
}

fn runtime() -> &'static tokio::runtime::Runtime {
    let mut held = RUNTIME.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let process = std::process::id();
    match *held {
        Some((owner, runtime)) if owner == process => runtime,
        _ => {
            // A parent's threads are not here: its runtime is left alone.
            let made = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .max_blocking_threads(8)
                .thread_name("spikard-opendal")
                .on_thread_start(block_signals)
                .enable_all()
                .build()
                .expect("threads for object storage");
            let made: &'static tokio::runtime::Runtime = Box::leak(Box::new(made));
            *held = Some((process, made));
            made
        }
    }
}

/// Aborts that go on after their writer is gone.
#[derive(Default)]
struct Pending {
    count: Mutex<usize>,
    none: Condvar,
}

/// Opened at its first call, as the threads are, so that nothing of it exists before a fork.
pub struct StoreHandle {
    store: Arc<Store>,
    pending: Arc<Pending>,
}

struct User(*mut c_void);
unsafe impl Send for User {}

/// Calls back exactly once, also when the call's future is dropped.
struct Completion {
    user: Option<User>,
    done: Done,
}
impl Completion {
    fn answer(mut self, answer: &Answer) {
        if let Some(user) = self.user.take() {
            (self.done)(user.0, answer);
        }
    }
}
impl Drop for Completion {
    fn drop(&mut self) {
        if let Some(user) = self.user.take() {
            let message = "the call was given up";
            (self.done)(user.0, &Answer { code: code::CANCELLED, message: Text::of(message), ..Answer::empty() });
        }
    }
}

impl Answer {
    fn empty() -> Answer {
        Answer {
            code: code::OK,
            temporary: 0,
            message: NONE,
            info: std::ptr::null(),
            offset: 0,
            size: 0,
            data: std::ptr::null(),
            data_count: 0,
            entries: std::ptr::null(),
            entry_count: 0,
            prefixes: std::ptr::null(),
            prefix_count: 0,
            cursor: NONE,
            failures: std::ptr::null(),
            failure_count: 0,
            handle: std::ptr::null_mut(),
        }
    }
}

/// What a call came to.
#[derive(Default)]
struct Outcome {
    info: Option<Info>,
    span: (u64, u64),
    data: Buffer,
    listing: Option<Listing>,
    failures: Vec<(usize, Error)>,
    text: Option<String>,
    handle: Option<Handle>,
}
enum Handle {
    Reader(Box<ReaderHandle>),
    Writer(Box<WriterHandle>),
}
pub struct ReaderHandle {
    reader: Arc<tokio::sync::Mutex<Reader>>,
}
pub struct WriterHandle {
    writer: Arc<tokio::sync::Mutex<Writer>>,
    pending: Arc<Pending>,
    finished: Arc<AtomicU32>,
}

struct TooLarge(u64);
enum Wrong {
    Error(Error),
    TooLarge(TooLarge),
}
impl From<Error> for Wrong {
    fn from(error: Error) -> Wrong {
        Wrong::Error(error)
    }
}

fn deliver(completion: Completion, call: &Call, outcome: Result<Outcome, Wrong>) {
    let mut answer = Answer::empty();
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(Wrong::TooLarge(TooLarge(size))) => {
            answer.code = code::TOO_LARGE;
            answer.size = size;
            return completion.answer(&answer);
        }
        Err(Wrong::Error(error)) => {
            answer.code = code_of(&error);
            // Only what failed without an answer of its own is unknown.
            if call.unknown() && answer.code != code::CONDITION_FAILED {
                answer.code = code::OUTCOME_UNKNOWN;
            }
            if answer.code == code::UNEXPECTED && !error.is_temporary() && matches!(call.status(), 400 | 413 | 414) {
                answer.code = code::REFUSED;
            }
            if call.corrupt() {
                answer.code = code::CORRUPT;
            }
            let bucket = ["NoSuchBucket", "ContainerNotFound", "bucket does not exist"];
            if matches!(answer.code, code::NOT_FOUND | code::CONFIG_INVALID) && bucket.iter().any(|code| error.message().contains(code)) {
                answer.code = code::NO_STORE;
            }
            if call.no_upload() {
                answer.code = code::NO_UPLOAD;
            }
            if call.invalid_part() {
                answer.code = code::INVALID_PART;
            }
            answer.temporary = i32::from(error.is_temporary());
            let message = message_of(&error);
            answer.message = Text::of(&message);
            return completion.answer(&answer);
        }
    };
    let pairs: Vec<Pair>;
    let info: InfoOut;
    if let Some(known) = &outcome.info {
        pairs = known.metadata.iter().map(|(name, value)| Pair { name: Text::of(name), value: Text::of(value) }).collect();
        info = InfoOut {
            size: known.size,
            modified_ns: nanos(known.modified),
            etag: Text::of(&known.etag),
            content_type: Text::of_option(&known.content_type),
            cache_control: Text::of_option(&known.cache_control),
            content_disposition: Text::of_option(&known.content_disposition),
            metadata: pairs.as_ptr(),
            metadata_count: pairs.len(),
        };
        answer.info = &info;
    }
    (answer.offset, answer.size) = outcome.span;
    let blocks: Vec<Bytes> = outcome.data.collect();
    let mut data: Vec<Text> = blocks.iter().map(|block| Text { data: block.as_ptr(), size: block.len() }).collect();
    if let Some(text) = &outcome.text {
        data.push(Text::of(text));
    }
    answer.data = data.as_ptr();
    answer.data_count = data.len();
    let entries: Vec<EntryOut>;
    let prefixes: Vec<Text>;
    if let Some(listing) = &outcome.listing {
        entries = listing
            .entries
            .iter()
            .map(|entry| EntryOut { key: Text::of(&entry.key), etag: Text::of(&entry.etag), size: entry.size, modified_ns: nanos(entry.modified) })
            .collect();
        prefixes = listing.prefixes.iter().map(|prefix| Text::of(prefix)).collect();
        answer.entries = entries.as_ptr();
        answer.entry_count = entries.len();
        answer.prefixes = prefixes.as_ptr();
        answer.prefix_count = prefixes.len();
        answer.cursor = Text::of_option(&listing.cursor);
    }
    let messages: Vec<String> = outcome.failures.iter().map(|(_, error)| message_of(error)).collect();
    let failures: Vec<FailureOut> = outcome
        .failures
        .iter()
        .zip(&messages)
        .map(|((at, error), message)| FailureOut {
            at: *at,
            code: code_of(error),
            temporary: i32::from(error.is_temporary()),
            message: Text::of(message),
        })
        .collect();
    answer.failures = failures.as_ptr();
    answer.failure_count = failures.len();
    answer.handle = match outcome.handle {
        None => std::ptr::null_mut(),
        Some(Handle::Reader(reader)) => Box::into_raw(reader).cast(),
        Some(Handle::Writer(writer)) => Box::into_raw(writer).cast(),
    };
    completion.answer(&answer);
}

/// What the caller holds while its call runs.
pub struct CallHandle {
    task: tokio::task::AbortHandle,
}

/// `cancellable`: dropped where it stands when it is given up. Writes are not: what a server did of them must be known.
fn start<F>(user: *mut c_void, done: Done, call: Arc<Call>, cancellable: bool, work: F) -> *mut CallHandle
where
    F: Future<Output = Result<Outcome, Wrong>> + Send + 'static,
{
    let completion = Completion { user: Some(User(user)), done };
    let task = runtime().spawn(async move {
        let outcome = CALL.scope(call.clone(), work).await;
        deliver(completion, &call, outcome);
    });
    if !cancellable {
        return std::ptr::null_mut();
    }
    Box::into_raw(Box::new(CallHandle { task: task.abort_handle() }))
}

static OPEN: AtomicUsize = AtomicUsize::new(0);

/// # Safety
/// As opendal.h says, here and below.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn spk_opendal_open(
    scheme: Text,
    options: *const Pair,
    count: usize,
    capabilities: *mut u32,
    user: *mut c_void,
    refused: Done,
) -> *mut StoreHandle {
    let values: HashMap<String, String> = unsafe { pairs_of(options, count) }.into_iter().collect();
    let scheme = unsafe { scheme.string() };
    let opened = std::panic::catch_unwind(|| {
        // Clients are made inside of a runtime.
        let _inside = runtime().enter();
        Store::open(&scheme, Options::new(values))
    });
    let opened = opened.unwrap_or_else(|_| Err(Error::new(ErrorKind::Unexpected, "panic")));
    match opened {
        Ok(store) => {
            let cap = &store.cap;
            let known = store.kind != Kind::Other;
            let bits = [
                known || (cap.write_with_content_type && cap.write_with_user_metadata && cap.write_with_content_disposition),
                cap.write_with_if_not_exists && (cap.write_with_if_match || cap.write_with_if_version_match),
                if known { store.signs } else { cap.presign },
                // A session of GCS is a URL by itself.
                store.kind == Kind::Gcs || (known && store.signs),
            ];
            unsafe { *capabilities = bits.iter().enumerate().map(|(at, on)| u32::from(*on) << at).sum() };
            OPEN.fetch_add(1, Ordering::Relaxed);
            Box::into_raw(Box::new(StoreHandle { store: Arc::new(store), pending: Arc::default() }))
        }
        Err(error) => {
            let message = message_of(&error);
            refused(user, &Answer { code: code_of(&error), message: Text::of(&message), ..Answer::empty() });
            std::ptr::null_mut()
        }
    }
}

/// Waits a while for aborts on their way.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn spk_opendal_close(store: *mut StoreHandle, wait_ms: u32) {
    let store = unsafe { Box::from_raw(store) };
    let end = Instant::now() + Duration::from_millis(u64::from(wait_ms));
    let mut count = store.pending.count.lock().unwrap();
    while *count > 0 {
        let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else { break };
        count = store.pending.none.wait_timeout(count, left).unwrap().0;
    }
    OPEN.fetch_sub(1, Ordering::Relaxed);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn spk_opendal_cancel(call: *mut CallHandle) {
    if !call.is_null() {
        unsafe { Box::from_raw(call) }.task.abort();
    }
}
#[unsafe(no_mangle)]
pub unsafe extern "C" fn spk_opendal_release(call: *mut CallHandle) {
    if !call.is_null() {
        drop(unsafe { Box::from_raw(call) });
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn spk_opendal_stat(store: *const StoreHandle, key: Text, user: *mut c_void, done: Done) -> *mut CallHandle {
    let (store, key) = unsafe { ((*store).store.clone(), key.string()) };
    start(user, done, Arc::default(), true, async move {
        let info = store.stat(&key).await?;
        Ok(Outcome { info: Some(info), ..Outcome::default() })
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn spk_opendal_get(
    store: *const StoreHandle,
    key: Text,
    args: *const ReadIn,
    max_bytes: u64,
    user: *mut c_void,
    done: Done,
) -> *mut CallHandle {
    let (store, key, args) = unsafe { ((*store).store.clone(), key.string(), read_args(args)) };
    start(user, done, Arc::default(), true, async move {
        let mut reader = store.open_read(key, args).await?;
        if reader.size > max_bytes {
            return Err(Wrong::TooLarge(TooLarge(reader.size)));
        }
        let data = reader.read_all().await?;
        Ok(Outcome { span: (reader.offset, reader.size), info: Some(reader.info), data, ..Outcome::default() })
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn spk_opendal_read(
    store: *const StoreHandle,
    key: Text,
    args: *const ReadIn,
    user: *mut c_void,
    done: Done,
) -> *mut CallHandle {
    let (store, key, args) = unsafe { ((*store).store.clone(), key.string(), read_args(args)) };
    start(user, done, Arc::default(), true, async move {
        let reader = store.open_read(key, args).await?;
        let (info, span) = (reader.info.clone(), (reader.offset, reader.size));
        let handle = Handle::Reader(Box::new(ReaderHandle { reader: Arc::new(tokio::sync::Mutex::new(reader)) }));
        Ok(Outcome { info: Some(info), span, handle: Some(handle), ..Outcome::default() })
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn spk_opendal_next(reader: *const ReaderHandle, user: *mut c_void, done: Done) -> *mut CallHandle {
    let reader = unsafe { (*reader).reader.clone() };
    start(user, done, Arc::default(), true, async move {
        let data = reader.lock().await.next().await?;
        Ok(Outcome { data, ..Outcome::default() })
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn spk_opendal_reader_free(reader: *mut ReaderHandle) {
    // Streams go where their runtime is.
    let _inside = runtime().enter();
    drop(unsafe { Box::from_raw(reader) });
}

/// Bytes of the caller's, given back when the last of OpenDAL's references is gone.
struct Owned {
    data: *const u8,
    size: usize,
    owner: *mut c_void,
    release: Release,
}
unsafe impl Send for Owned {}
unsafe impl Sync for Owned {}
impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        if self.size == 0 { &[] } else { unsafe { std::slice::from_raw_parts(self.data, self.size) } }
    }
}
impl Drop for Owned {
    fn drop(&mut self) {
        (self.release)(self.owner);
    }
}
fn owned(data: Text, owner: *mut c_void, release: Release) -> Bytes {
    Bytes::from_owner(Owned { data: data.data, size: data.size, owner, release })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn spk_opendal_put(
    store: *const StoreHandle,
    key: Text,
    data: Text,
    owner: *mut c_void,
    release: Release,
    args: *const WriteIn,
    user: *mut c_void,
    done: Done,
) {
    let (store, key, args) = unsafe { ((*store).store.clone(), key.string(), write_args(args)) };
    let data = owned(data, owner, release);
    start(user, done, Arc::default(), false, async move {
        let info = store.put(key, data, args).await?;
        Ok(Outcome { info: Some(info), ..Outcome::default() })
    });
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn spk_opendal_write(store: *const StoreHandle, key: Text, args: *const WriteIn, user: *mut c_void, done: Done) {
    let (pending, store, key, args) = unsafe { ((*store).pending.clone(), (*store).store.clone(), key.string(), write_args(args)) };
    start(user, done, Arc::default(), false, async move {
        let writer = store.open_write(key, args)?;
        let handle = WriterHandle { writer: Arc::new(tokio::sync::Mutex::new(writer)), pending, finished: Arc::default() };
        Ok(Outcome { handle: Some(Handle::Writer(Box::new(handle))), ..Outcome::default() })
    });
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn spk_opendal_push(
    writer: *const WriterHandle,
    data: Text,
    owner: *mut c_void,
    release: Release,
    user: *mut c_void,
    done: Done,
) {
    let writer = unsafe { (*writer).writer.clone() };
    let data = owned(data, owner, release);
    start_writer(writer, user, done, move |mut writer| async move {
        writer.push(data).await?;
        Ok(Outcome::default())
    });
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn spk_opendal_finish(writer: *const WriterHandle, user: *mut c_void, done: Done) {
    let (writer, finished) = unsafe { ((*writer).writer.clone(), (*writer).finished.clone()) };
    start_writer(writer, user, done, move |mut writer| async move {
        let info = writer.finish().await?;
        finished.store(1, Ordering::Release);
        Ok(Outcome { info: Some(info), ..Outcome::default() })
    });
}

/// Under the call that the writer was opened with: it has the object's headers.
fn start_writer<F, W>(writer: Arc<tokio::sync::Mutex<Writer>>, user: *mut c_void, done: Done, work: W)
where
    W: FnOnce(tokio::sync::OwnedMutexGuard<Writer>) -> F + Send + 'static,
    F: Future<Output = Result<Outcome, Wrong>> + Send + 'static,
{
    let completion = Completion { user: Some(User(user)), done };
    runtime().spawn(async move {
        let guard = writer.lock_owned().await;
        let call = guard.call.clone();
        let outcome = CALL.scope(call.clone(), work(guard)).await;
        deliver(completion, &call, outcome);
    });
}

/// One that was not finished is aborted, after what it does just now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn spk_opendal_writer_free(writer: *mut WriterHandle) {
    let handle = unsafe { Box::from_raw(writer) };
    if handle.finished.load(Ordering::Acquire) == 1 {
        return;
    }
    *handle.pending.count.lock().unwrap() += 1;
    runtime().spawn(async move {
        struct Less(Arc<Pending>);
        impl Drop for Less {
            fn drop(&mut self) {
                *self.0.count.lock().unwrap() -= 1;
                self.0.none.notify_all();
            }
        }
        let _less = Less(handle.pending.clone());
        let mut writer = handle.writer.lock().await;
        if handle.finished.load(Ordering::Acquire) == 0 {
            let call = writer.call.clone();
            CALL.scope(call, writer.abort()).await;
        }
    });
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn spk_opendal_remove(store: *const StoreHandle, keys: *const Text, count: usize, user: *mut c_void, done: Done) {
    let store = unsafe { (*store).store.clone() };
    let keys = unsafe { texts_of(keys, count) };
    start(user, done, Arc::default(), false, async move {
        let failures = store.remove(keys).await?;
        Ok(Outcome { failures, ..Outcome::default() })
    });
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn spk_opendal_list(store: *const StoreHandle, query: *const ListIn, user: *mut c_void, done: Done) -> *mut CallHandle {
    let (store, query) = unsafe {
        let query = &*query;
        let made = Query {
            prefix: query.prefix.string(),
            delimiter: query.delimiter.string(),
            start_after: query.start_after.string(),
            limit: query.limit,
            cursor: query.cursor.option(),
        };
        ((*store).store.clone(), made)
    };
    start(user, done, Arc::default(), true, async move {
        let listing = store.list(query).await?;
        Ok(Outcome { listing: Some(listing), ..Outcome::default() })
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn spk_opendal_copy(
    store: *const StoreHandle,
    source: Text,
    target: Text,
    args: *const WriteIn,
    rename: i32,
    user: *mut c_void,
    done: Done,
) {
    let (store, source, target, args) = unsafe { ((*store).store.clone(), source.string(), target.string(), write_args(args)) };
    start(user, done, Arc::default(), false, async move {
        let info = if rename != 0 { store.rename(&source, &target, args).await? } else { store.copy(&source, &target, args).await? };
        Ok(Outcome { info: Some(info), ..Outcome::default() })
    });
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn spk_opendal_presign(
    store: *const StoreHandle,
    method: Text,
    key: Text,
    expires_s: u32,
    user: *mut c_void,
    done: Done,
) -> *mut CallHandle {
    let (store, method, key) = unsafe { ((*store).store.clone(), method.string(), key.string()) };
    start(user, done, Arc::default(), true, async move {
        let url = store.presign(&method, &key, Duration::from_secs(u64::from(expires_s))).await?;
        Ok(Outcome { text: Some(url), ..Outcome::default() })
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn spk_opendal_begin_upload(
    store: *const StoreHandle,
    key: Text,
    upload: *const UploadIn,
    args: *const WriteIn,
    user: *mut c_void,
    done: Done,
) {
    let (store, key, args) = unsafe { ((*store).store.clone(), key.string(), write_args(args)) };
    let (upload, origin, expires) =
        unsafe { (upload_of(&*upload), (*upload).origin.option(), Duration::from_secs(u64::from((*upload).expires_s))) };
    start(user, done, Arc::default(), false, async move {
        let (id, urls) = store.begin_upload(&key, &args, upload, origin, expires).await?;
        Ok(Outcome { text: Some(std::iter::once(id).chain(urls).collect::<Vec<_>>().join("\n")), ..Outcome::default() })
    });
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn spk_opendal_complete_upload(
    store: *const StoreHandle,
    key: Text,
    upload: *const UploadIn,
    args: *const WriteIn,
    etags: *const Text,
    count: usize,
    user: *mut c_void,
    done: Done,
) {
    let (store, key, args, upload) = unsafe { ((*store).store.clone(), key.string(), write_args(args), upload_of(&*upload)) };
    let etags = unsafe { texts_of(etags, count) };
    start(user, done, Arc::default(), false, async move {
        let info = store.complete_upload(&key, &args, upload, etags).await?;
        Ok(Outcome { info: Some(info), ..Outcome::default() })
    });
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn spk_opendal_abort_upload(store: *const StoreHandle, key: Text, id: Text, user: *mut c_void, done: Done) {
    let (store, key, id) = unsafe { ((*store).store.clone(), key.string(), id.string()) };
    start(user, done, Arc::default(), false, async move {
        store.abort_upload(&key, &id).await?;
        Ok(Outcome::default())
    });
}

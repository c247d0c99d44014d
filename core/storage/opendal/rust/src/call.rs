//! What a call knows of its requests, and its requests of the call: they run in one task, below OpenDAL.
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use opendal::raw::Timestamp;

tokio::task_local! {
    pub static CALL: Arc<Call>;
}

#[derive(Default)]
pub struct Call {
    /// Added to the requests that make an object, before they are signed.
    extra: Mutex<Vec<(HeaderName, HeaderValue)>>,
    /// GCS has no header for it in the JSON API.
    pub json_disposition: Mutex<Option<String>>,
    /// Of the last answer.
    date: Mutex<Option<Timestamp>>,
    status: AtomicU16,
    /// Headers of the last answer that carries an object's content.
    content: Mutex<Option<HeaderMap>>,
    /// A request that may not be made twice got no answer.
    unknown: AtomicBool,
    /// Bytes were not the ones that were sent.
    corrupt: AtomicBool,
    /// The store knows no such upload, or not all of its parts.
    no_upload: AtomicBool,
    invalid_part: AtomicBool,
}

impl Call {
    pub fn add(&self, name: &'static str, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.extra.lock().unwrap().push((HeaderName::from_static(name), value));
        }
    }
    pub fn add_named(&self, name: &str, value: &str) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            self.extra.lock().unwrap().push((name, value));
        }
    }
    pub fn extra(&self) -> Vec<(HeaderName, HeaderValue)> {
        self.extra.lock().unwrap().clone()
    }
    pub fn set_answer(&self, status: StatusCode, headers: &HeaderMap) {
        self.status.store(status.as_u16(), Ordering::Relaxed);
        let date = headers.get(http::header::DATE).and_then(|v| v.to_str().ok()).and_then(|v| Timestamp::parse_rfc2822(v).ok());
        if date.is_some() {
            *self.date.lock().unwrap() = date;
        }
    }
    pub fn status(&self) -> u16 {
        self.status.load(Ordering::Relaxed)
    }
    pub fn date(&self) -> Option<Timestamp> {
        *self.date.lock().unwrap()
    }
    pub fn set_content(&self, headers: &HeaderMap) {
        *self.content.lock().unwrap() = Some(headers.clone());
    }
    pub fn take_content(&self) -> Option<HeaderMap> {
        self.content.lock().unwrap().take()
    }
    pub fn set_unknown(&self) {
        self.unknown.store(true, Ordering::Relaxed);
    }
    pub fn unknown(&self) -> bool {
        self.unknown.load(Ordering::Relaxed)
    }
    pub fn set_corrupt(&self) {
        self.corrupt.store(true, Ordering::Relaxed);
    }
    pub fn corrupt(&self) -> bool {
        self.corrupt.load(Ordering::Relaxed)
    }
    pub fn set_no_upload(&self) {
        self.no_upload.store(true, Ordering::Relaxed);
    }
    pub fn no_upload(&self) -> bool {
        self.no_upload.load(Ordering::Relaxed)
    }
    pub fn set_invalid_part(&self) {
        self.invalid_part.store(true, Ordering::Relaxed);
    }
    pub fn invalid_part(&self) -> bool {
        self.invalid_part.load(Ordering::Relaxed)
    }
}

/// The running call's, if there is one (OpenDAL's tasks for parts have none).
pub fn with<T>(f: impl FnOnce(&Call) -> T) -> Option<T> {
    CALL.try_with(|call| f(call)).ok()
}

//! Below OpenDAL: what its services don't do. Adds checksums and headers, signs, waits with a limit, makes requests again.
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures::stream;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use md5::{Digest, Md5};
use opendal::raw::ServiceOperation;
use opendal::raw::oio::ReadStream;
use opendal::{Buffer, Error, ErrorKind, HttpBody, HttpTransport, HttpTransporter, Result};

use crate::call;
use crate::options::Policy;
use crate::sign::Signing;
use crate::store::{Kind, NO_GENERATION};

/// Answers but objects' content are read whole: so much at most.
const MAX_ANSWER: usize = 32 << 20;
const MAX_WAIT: Duration = Duration::from_secs(5);

pub struct Transport {
    pub kind: Kind,
    pub http: HttpTransporter,
    pub signing: Arc<Signing>,
    pub policy: Policy,
}

/// Whether a request whose answer was lost may be made again.
#[derive(PartialEq, Clone, Copy)]
enum Repeat {
    Always,
    /// Only if it cannot have been done: it was not sent, or the server says so.
    IfUndone,
}

fn operation_of(request: &Request<Buffer>) -> &'static str {
    request.extensions().get::<ServiceOperation>().map_or("", |operation| operation.0)
}

fn repeat_of(request: &Request<Buffer>, operation: &str) -> Repeat {
    // A piece of a resumable upload that is there already is passed over; a mark that is gone is gone.
    if [Method::GET, Method::HEAD, Method::DELETE].contains(request.method())
        || matches!(operation, "UploadResumableChunk" | "PatchObject")
    {
        return Repeat::Always;
    }
    let query = request.uri().query().unwrap_or_default();
    let conditional = request.headers().contains_key(IF_MATCH)
        || request.headers().contains_key(IF_NONE_MATCH)
        || query.contains("ifGenerationMatch")
        || operation == "CompleteMultipartUpload";
    if conditional { Repeat::IfUndone } else { Repeat::Always }
}

fn is_content(operation: &str) -> bool {
    operation == "GetObject" || operation == "GetBlob"
}

impl HttpTransport for Transport {
    async fn fetch(&self, request: Request<Buffer>) -> Result<Response<HttpBody>> {
        let operation = operation_of(&request);
        let request = self.complete(request, operation)?;
        let repeat = repeat_of(&request, operation);
        let mut attempt = 0;
        loop {
            let mut again = Request::new(request.body().clone());
            *again.method_mut() = request.method().clone();
            *again.uri_mut() = request.uri().clone();
            *again.headers_mut() = request.headers().clone();
            *again.extensions_mut() = request.extensions().clone();
            let (mut parts, body) = again.into_parts();
            let signed = self.signing.sign(&mut parts).await;
            let outcome = match signed {
                Ok(()) => self.attempt(Request::from_parts(parts, body), operation).await,
                Err(error) => Err(Failure { error, undone: true }),
            };
            let left = attempt < self.policy.retries;
            let wait = match &outcome {
                Ok(response) if !is_trouble(response.status()) => return outcome.map_err(|failure| failure.error),
                Ok(response) => {
                    let undone = matches!(response.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
                    if repeat == Repeat::IfUndone && !undone {
                        call::with(|call| call.set_unknown());
                        return outcome.map_err(|failure| failure.error);
                    }
                    asked_wait(response.headers())
                }
                Err(failure) => {
                    if repeat == Repeat::IfUndone && !failure.undone {
                        call::with(|call| call.set_unknown());
                        return outcome.map_err(|failure| failure.error);
                    }
                    if !failure.error.is_temporary() {
                        return outcome.map_err(|failure| failure.error);
                    }
                    None
                }
            };
            if !left {
                return outcome.map_err(|failure| failure.error);
            }
            tokio::time::sleep(wait.unwrap_or_else(|| backoff(attempt))).await;
            attempt += 1;
        }
    }
}

struct Failure {
    error: Error,
    undone: bool,
}

fn is_trouble(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// What the servers say when a checksum of ours does not fit.
fn says_other_bytes(answer: &Buffer) -> bool {
    const CODES: [&str; 4] = ["BadDigest", "XAmzContentChecksumMismatch", "Md5Mismatch", "InvalidDigest"];
    let text = answer.slice(0..answer.len().min(4096)).to_vec();
    let text = String::from_utf8_lossy(&text);
    CODES.iter().any(|code| text.contains(code))
}

/// Whether `Content-Range` says one byte or more.
fn has_range(headers: &HeaderMap) -> bool {
    let Some(text) = headers.get(CONTENT_RANGE).and_then(|value| value.to_str().ok()) else { return true };
    let Some((begin, end)) = text.strip_prefix("bytes ").and_then(|text| text.split_once('/')).and_then(|(range, _)| range.split_once('-'))
    else {
        return false;
    };
    matches!((begin.trim().parse::<u64>(), end.trim().parse::<u64>()), (Ok(begin), Ok(end)) if begin <= end)
}

fn asked_wait(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_WAIT))
}

/// 100 ms doubled each time, of which a random half to the whole.
pub fn backoff(attempt: u32) -> Duration {
    let whole = Duration::from_millis(100 << attempt.min(6)).min(MAX_WAIT);
    let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.subsec_nanos());
    let part = nanos.wrapping_mul(2_654_435_761) >> 16;
    whole / 2 + (whole / 2).mul_f64(f64::from(part & 0xffff) / 65536.0)
}

impl Transport {
    /// One request with its answer; that of an object's content goes on as a stream.
    async fn attempt(&self, request: Request<Buffer>, operation: &str) -> std::result::Result<Response<HttpBody>, Failure> {
        // The client's own limit is on silence, but waits for the answer's head only once all was sent.
        let sent = Duration::from_secs(request.body().len() as u64 / (128 << 10));
        let response = match tokio::time::timeout(self.policy.silence + sent, self.http.fetch(request)).await {
            Err(_) => {
                let error = Error::new(ErrorKind::Unexpected, "the server did not answer in time").set_temporary();
                return Err(Failure { error, undone: false });
            }
            Ok(Err(error)) => {
                let undone = is_connect(&error);
                return Err(Failure { error, undone });
            }
            Ok(Ok(response)) => response,
        };
        call::with(|call| call.set_answer(response.status(), response.headers()));
        if is_content(operation) && response.status() == StatusCode::PARTIAL_CONTENT && !has_range(response.headers()) {
            // MinIO, Azurite: of a range that is not there.
            call::with(|call| call.set_answer(StatusCode::RANGE_NOT_SATISFIABLE, response.headers()));
            let (mut parts, _) = response.into_parts();
            parts.status = StatusCode::RANGE_NOT_SATISFIABLE;
            return Ok(Response::from_parts(parts, HttpBody::new(stream::iter(Vec::new()), Some(0))));
        }
        if is_content(operation) && response.status().is_success() && !self.is_json(&response) {
            call::with(|call| call.set_content(response.headers()));
            return Ok(response);
        }
        // HEAD says a length without having a body.
        let (parts, mut body) = response.into_parts();
        let read = async {
            let mut blocks: Vec<Bytes> = Vec::new();
            let mut size = 0;
            loop {
                let buffer = body.read().await?;
                if buffer.is_empty() {
                    return Ok(Buffer::from(blocks));
                }
                size += buffer.len();
                if size > MAX_ANSWER {
                    return Err(Error::new(ErrorKind::Unexpected, "the server's answer is too large"));
                }
                blocks.extend(buffer);
            }
        };
        let buffer = match tokio::time::timeout(self.policy.silence, read).await {
            Ok(Ok(buffer)) => buffer,
            Ok(Err(error)) => return Err(Failure { error, undone: false }),
            Err(_) => {
                let error = Error::new(ErrorKind::Unexpected, "the server's answer did not end in time").set_temporary();
                return Err(Failure { error, undone: false });
            }
        };
        if parts.status == StatusCode::BAD_REQUEST && says_other_bytes(&buffer) {
            call::with(|call| call.set_corrupt());
            let error = Error::new(ErrorKind::Unexpected, "the server got other bytes than were sent").set_temporary();
            return Err(Failure { error, undone: true });
        }
        let size = buffer.len() as u64;
        let body = if buffer.is_empty() {
            HttpBody::new(stream::iter(Vec::new()), Some(0))
        } else {
            HttpBody::new(stream::iter(vec![Ok(buffer)]), Some(size))
        };
        Ok(Response::from_parts(parts, body))
    }

    /// GCS's metadata has the same operation's name.
    fn is_json(&self, response: &Response<HttpBody>) -> bool {
        self.kind == Kind::Gcs
            && response.extensions().get::<http::Uri>().is_some_and(|uri| !uri.query().unwrap_or_default().contains("alt=media"))
    }

    /// What must be there before the signature.
    fn complete(&self, request: Request<Buffer>, operation: &str) -> Result<Request<Buffer>> {
        let (mut parts, mut body) = request.into_parts();
        let makes = matches!(
            operation,
            "PutObject" | "CreateMultipartUpload" | "CopyObject" | "PutBlob" | "PutBlockList" | "InsertObject" | "InitiateResumableUpload"
        );
        if makes {
            for (name, value) in call::with(|call| call.extra()).unwrap_or_default() {
                parts.headers.insert(name, value);
            }
        }
        match self.kind {
            Kind::S3 if operation == "GetObject" => {
                parts.headers.insert("x-amz-checksum-mode", HeaderValue::from_static("ENABLED"));
            }
            Kind::Azblob if matches!(operation, "PutBlob" | "PutBlock") => {
                let mut digest = Md5::new();
                body.clone().for_each(|block| digest.update(&block));
                let text = BASE64_STANDARD.encode(digest.finalize());
                parts.headers.insert("content-md5", HeaderValue::try_from(text).unwrap());
            }
            Kind::Gcs if makes => {
                let whole = parts.uri.to_string();
                let taken = whole.replacen(&format!("&ifGenerationNotMatch={NO_GENERATION}"), "", 1);
                if operation == "InitiateResumableUpload" && taken != whole {
                    parts.uri = taken.parse().map_err(bad_uri)?;
                }
                if let Some(disposition) = call::with(|call| call.json_disposition.lock().unwrap().clone()).flatten() {
                    body = set_disposition(&mut parts, body, operation, &disposition)?;
                }
            }
            _ => {}
        }
        Ok(Request::from_parts(parts, body))
    }
}

/// OpenDAL's GCS service does not know `contentDisposition`.
fn set_disposition(parts: &mut Parts, body: Buffer, operation: &str, disposition: &str) -> Result<Buffer> {
    let member = serde_json::to_string(disposition).unwrap();
    let whole = parts.uri.to_string();
    match operation {
        "CreateMultipartUpload" => {
            if let Ok(value) = HeaderValue::from_str(disposition) {
                parts.headers.insert("content-disposition", value);
            }
            Ok(body)
        }
        "InsertObject" if whole.contains("uploadType=media") => {
            parts.uri = whole.replacen("uploadType=media", "uploadType=multipart", 1).parse().map_err(bad_uri)?;
            const BOUNDARY: &str = "spikard-4f1c5f0a9e7b4d6d";
            let head = format!(
                "--{BOUNDARY}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{{\"contentDisposition\":{member}}}\r\n\
                 --{BOUNDARY}\r\nContent-Type: application/octet-stream\r\n\r\n"
            );
            let mut blocks = vec![Bytes::from(head)];
            blocks.extend(body);
            blocks.push(Bytes::from(format!("\r\n--{BOUNDARY}--\r\n")));
            let body = Buffer::from(blocks);
            parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
            let kind = format!("multipart/related; boundary={BOUNDARY}");
            parts.headers.insert(CONTENT_TYPE, HeaderValue::try_from(kind).unwrap());
            Ok(body)
        }
        _ => {
            // The JSON is at the beginning, before any content.
            let mut blocks: Vec<Bytes> = body.collect();
            let mut done = false;
            for block in &mut blocks {
                let Some(at) = block.iter().position(|&b| b == b'{') else { continue };
                let comma = if block.get(at + 1) == Some(&b'}') { "" } else { "," };
                let mut text = block[..=at].to_vec();
                text.extend_from_slice(format!("\"contentDisposition\":{member}{comma}").as_bytes());
                text.extend_from_slice(&block[at + 1..]);
                *block = Bytes::from(text);
                done = true;
                break;
            }
            if !done {
                return Err(Error::new(ErrorKind::Unsupported, "content_disposition: the request has no metadata"));
            }
            let body = Buffer::from(blocks);
            if parts.headers.contains_key(CONTENT_LENGTH) {
                parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
            }
            Ok(body)
        }
    }
}

fn bad_uri(error: http::uri::InvalidUri) -> Error {
    Error::new(ErrorKind::Unexpected, format!("URL: {error}"))
}

/// Nothing was sent.
fn is_connect(error: &Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if let Some(inner) = inner.downcast_ref::<reqwest::Error>() {
            return inner.is_connect();
        }
        source = inner.source();
    }
    false
}

//! Listings by the services' own pages. OpenDAL gives out no continuation tokens, has no delimiter but `/`, and does not ask S3
//! for encoded keys, without which XML cannot hold all of them.
use http::{Method, Request};
use opendal::raw::{ServiceOperation, Timestamp, parse_header_to_str};
use opendal::{Buffer, Error, ErrorKind, Result};
use serde::Deserialize;

use crate::store::{Entry, Kind, Listing, Store, encode_query};

pub struct Query {
    pub prefix: String,
    pub delimiter: String,
    pub start_after: String,
    pub limit: usize,
    pub cursor: Option<String>,
}

#[derive(Default)]
struct Page {
    entries: Vec<Entry>,
    prefixes: Vec<String>,
    cursor: Option<String>,
}

/// Pages that hold nothing of what is asked for, one after the other: then the caller goes on by the cursor.
const MAX_PAGES: usize = 64;

pub async fn list(store: &Store, query: Query) -> Result<Listing> {
    let mut out = Listing::default();
    let mut cursor = query.cursor.clone();
    for _ in 0..MAX_PAGES {
        let room = query.limit - out.entries.len() - out.prefixes.len();
        let page = match store.kind {
            Kind::S3 => s3(store, &query, &cursor, room.min(1000)).await?,
            Kind::Gcs => gcs(store, &query, &cursor, room.min(1000)).await?,
            _ => azblob(store, &query, &cursor, room.min(5000)).await?,
        };
        // Azure has no place to start at, GCS's is inclusive, and a rolled-up prefix may be before it.
        out.entries.extend(page.entries.into_iter().filter(|entry| entry.key > query.start_after));
        out.prefixes.extend(page.prefixes.into_iter().filter(|prefix| *prefix > query.start_after));
        cursor = page.cursor;
        if cursor.is_none() || out.entries.len() + out.prefixes.len() >= query.limit {
            break;
        }
    }
    out.cursor = cursor;
    Ok(out)
}

async fn send(store: &Store, url: String, operation: &'static str) -> Result<Buffer> {
    let request = Request::builder()
        .method(Method::GET)
        .uri(url)
        .extension(ServiceOperation(operation))
        .body(Buffer::new())
        .map_err(|error| Error::new(ErrorKind::Unexpected, format!("URL: {error}")))?;
    let response = store.send(request).await?;
    if !response.status().is_success() {
        return Err(answer_error(response.status().as_u16(), &response));
    }
    Ok(response.into_body())
}

pub fn answer_error(status: u16, response: &http::Response<Buffer>) -> Error {
    let code = code_of(response);
    let kind = match (status, code.as_str()) {
        (404, _) => ErrorKind::NotFound,
        (401 | 403, _) => ErrorKind::PermissionDenied,
        (409, _) => ErrorKind::Conflict,
        (304 | 412, _) => ErrorKind::ConditionNotMatch,
        (416, _) => ErrorKind::RangeNotSatisfied,
        (429, _) => ErrorKind::RateLimited,
        _ => ErrorKind::Unexpected,
    };
    let error = Error::new(kind, format!("the server answered {status} {code}").trim_end().to_string());
    if matches!(status, 408 | 429 | 500 | 502 | 503 | 504) { error.set_temporary() } else { error }
}

/// The error's name in the server's answer; nothing of its text, which may repeat what was sent.
pub fn code_of(response: &http::Response<Buffer>) -> String {
    if let Ok(Some(code)) = parse_header_to_str(response.headers(), "x-ms-error-code") {
        return code.to_string();
    }
    let text = String::from_utf8_lossy(&response.body().to_bytes()).into_owned();
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map_or("", |(code, _)| code);
    code.chars().filter(|c| c.is_ascii_alphanumeric()).take(64).collect()
}

pub fn xml<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T> {
    quick_xml::de::from_str(text).map_err(|error| Error::new(ErrorKind::Unexpected, format!("the server's answer: {error}")))
}

pub fn text_of(body: Buffer) -> Result<String> {
    String::from_utf8(body.to_vec()).map_err(|_| Error::new(ErrorKind::Unexpected, "the server's answer: not UTF-8"))
}

fn decode(text: &str, plus: bool) -> String {
    let text = if plus { text.replace('+', " ") } else { text.to_string() };
    percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

pub fn quoted(etag: &str) -> String {
    if etag.starts_with('"') || etag.is_empty() { etag.to_string() } else { format!("\"{etag}\"") }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct S3Page {
    is_truncated: bool,
    next_continuation_token: Option<String>,
    encoding_type: Option<String>,
    contents: Vec<S3Entry>,
    common_prefixes: Vec<S3Prefix>,
}
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct S3Entry {
    key: String,
    #[serde(rename = "ETag", default)]
    etag: String,
    size: u64,
    last_modified: String,
}
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct S3Prefix {
    prefix: String,
}

async fn s3(store: &Store, query: &Query, cursor: &Option<String>, limit: usize) -> Result<Page> {
    let mut url = format!("{}?list-type=2&encoding-type=url&max-keys={limit}", store.base);
    for (name, value) in [("prefix", &query.prefix), ("delimiter", &query.delimiter)] {
        if !value.is_empty() {
            url += &format!("&{name}={}", encode_query(value));
        }
    }
    match cursor {
        Some(token) => url += &format!("&continuation-token={}", encode_query(token)),
        None if !query.start_after.is_empty() => url += &format!("&start-after={}", encode_query(&query.start_after)),
        None => {}
    }
    let text = text_of(send(store, url, "ListObjectsV2").await?)?;
    let page: S3Page = xml(&text)?;
    let plain = page.encoding_type.as_deref() != Some("url");
    let name = |text: String| if plain { text } else { decode(&text, true) };
    let mut out = Page::default();
    for entry in page.contents {
        out.entries.push(Entry {
            key: name(entry.key),
            etag: quoted(&entry.etag),
            size: entry.size,
            modified: entry.last_modified.parse::<Timestamp>().ok(),
        });
    }
    out.prefixes = page.common_prefixes.into_iter().map(|prefix| name(prefix.prefix)).collect();
    out.cursor = if page.is_truncated { page.next_continuation_token } else { None };
    Ok(out)
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct GcsPage {
    next_page_token: Option<String>,
    prefixes: Vec<String>,
    items: Vec<GcsEntry>,
}
#[derive(Deserialize, Default)]
#[serde(default)]
struct GcsEntry {
    name: String,
    generation: String,
    size: String,
    updated: String,
}

async fn gcs(store: &Store, query: &Query, cursor: &Option<String>, limit: usize) -> Result<Page> {
    let mut url = format!(
        "{}/storage/v1/b/{}/o?maxResults={limit}&fields=nextPageToken,prefixes,items(name,generation,size,updated)",
        store.base, store.bucket
    );
    for (name, value) in [("prefix", &query.prefix), ("delimiter", &query.delimiter), ("startOffset", &query.start_after)] {
        if !value.is_empty() {
            url += &format!("&{name}={}", encode_query(value));
        }
    }
    if let Some(token) = cursor {
        url += &format!("&pageToken={}", encode_query(token));
    }
    let body = send(store, url, "ListObjects").await?;
    let page: GcsPage = serde_json::from_slice(&body.to_bytes())
        .map_err(|error| Error::new(ErrorKind::Unexpected, format!("listing: {error}")))?;
    let mut out = Page { prefixes: page.prefixes, cursor: page.next_page_token.filter(|token| !token.is_empty()), ..Page::default() };
    for entry in page.items {
        out.entries.push(Entry {
            key: entry.name,
            etag: quoted(&entry.generation),
            size: entry.size.parse().unwrap_or(0),
            modified: entry.updated.parse::<Timestamp>().ok(),
        });
    }
    Ok(out)
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct AzurePage {
    blobs: AzureBlobs,
    next_marker: Option<String>,
}
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct AzureBlobs {
    blob: Vec<AzureEntry>,
    blob_prefix: Vec<AzurePrefix>,
}
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AzureEntry {
    name: AzureName,
    properties: AzureProperties,
}
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AzurePrefix {
    name: AzureName,
}
#[derive(Deserialize)]
struct AzureName {
    #[serde(rename = "@Encoded")]
    encoded: Option<bool>,
    #[serde(rename = "$text", default)]
    text: String,
}
#[derive(Deserialize, Default)]
#[serde(default)]
struct AzureProperties {
    #[serde(rename = "Content-Length")]
    length: u64,
    #[serde(rename = "Last-Modified")]
    modified: String,
    #[serde(rename = "Etag")]
    etag: String,
}

impl AzureName {
    fn text(self) -> String {
        if self.encoded == Some(true) { decode(&self.text, false) } else { self.text }
    }
}

async fn azblob(store: &Store, query: &Query, cursor: &Option<String>, limit: usize) -> Result<Page> {
    let mut url = format!("{}?restype=container&comp=list&maxresults={limit}", store.base);
    for (name, value) in [("prefix", &query.prefix), ("delimiter", &query.delimiter)] {
        if !value.is_empty() {
            url += &format!("&{name}={}", encode_query(value));
        }
    }
    if let Some(token) = cursor {
        url += &format!("&marker={}", encode_query(token));
    }
    let text = text_of(send(store, url, "ListBlobs").await?)?;
    let page: AzurePage = xml(text.trim_start_matches('\u{feff}'))?;
    let mut out = Page { cursor: page.next_marker.filter(|marker| !marker.is_empty()), ..Page::default() };
    for entry in page.blobs.blob {
        out.entries.push(Entry {
            key: entry.name.text(),
            etag: quoted(&entry.properties.etag),
            size: entry.properties.length,
            modified: Timestamp::parse_rfc2822(&entry.properties.modified).ok(),
        });
    }
    out.prefixes = page.blobs.blob_prefix.into_iter().map(|prefix| prefix.name.text()).collect();
    Ok(out)
}

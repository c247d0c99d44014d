//! Uploads in parts by others: URLs that need no credentials, and what ends them. OpenDAL has no such thing, so all of it is requests of our own.
//!
//! S3: CreateMultipartUpload, a presigned UploadPart a part, CompleteMultipartUpload. Azure: Put Block by SAS, Put Block List. GCS: a resumable session, whose URL
//! needs no signature; the object is there with its last part, marked as not completed.
use std::collections::HashMap;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, LAST_MODIFIED, LOCATION, ORIGIN, RANGE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use opendal::raw::{ServiceOperation, Timestamp, percent_encode_path};
use opendal::{Buffer, Error, ErrorKind, Result};
use serde::Deserialize;

use crate::call::{self, CALL};
use crate::list::{answer_error, code_of, quoted, text_of, xml};
use crate::store::{Info, Kind, Store, WriteArgs, encode_query};
use crate::text;
use crate::transport::backoff;

/// In the metadata of an object of GCS whose parts all arrived: by which upload, until it is completed.
pub const UPLOAD_MARK: &str = "spikard-upload";
const PARTS_A_PAGE: u32 = 1000;

pub struct Upload {
    /// What the store calls it. Of a new one: 10 characters of chance, for stores that have no names of their own.
    pub id: String,
    pub size: u64,
    pub part_bytes: u64,
}

impl Upload {
    pub fn parts(&self) -> u32 {
        self.size.div_ceil(self.part_bytes) as u32
    }
    fn size_of(&self, number: u32) -> u64 {
        self.part_bytes.min(self.size - u64::from(number - 1) * self.part_bytes)
    }
    /// Azure wants ids of one length for all blocks of a blob: that of OpenDAL's.
    fn block(&self, number: u32) -> String {
        BASE64_STANDARD.encode(format!("{}{number:06}", self.id))
    }
}

/// One part that arrived.
struct Part {
    size: u64,
    etag: String,
}

fn bad_request(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Unexpected, format!("request: {error}"))
}

fn no_upload() -> Error {
    call::with(|call| call.set_no_upload());
    Error::new(ErrorKind::NotFound, "no such upload")
}

fn invalid_part(message: String) -> Error {
    call::with(|call| call.set_invalid_part());
    Error::new(ErrorKind::Conflict, message)
}

fn unexpected(what: &str) -> Error {
    Error::new(ErrorKind::Unexpected, format!("the server's answer has no {what}"))
}

/// Every part of the plan is there, as large as planned and, where the uploader says an etag, with that one. Gives the etags.
fn check_parts(upload: &Upload, found: &HashMap<u32, Part>, given: &[String]) -> Result<Vec<String>> {
    let count = upload.parts();
    (1..=count)
        .map(|number| {
            let Some(part) = found.get(&number) else { return Err(invalid_part(format!("part {number} of {count} is missing"))) };
            let expected = upload.size_of(number);
            if part.size != expected {
                return Err(invalid_part(format!("part {number} has {} bytes, expected {expected}", part.size)));
            }
            let told = given.get(number as usize - 1).map(|etag| quoted(etag)).unwrap_or_default();
            if !told.is_empty() && !part.etag.is_empty() && told != part.etag {
                return Err(invalid_part(format!("part {number} has another etag")));
            }
            Ok(part.etag.clone())
        })
        .collect()
}

struct Headers(HeaderMap);

impl Headers {
    fn new() -> Headers {
        Headers(HeaderMap::new())
    }
    fn add(mut self, name: HeaderName, value: &str) -> Result<Headers> {
        self.0.insert(name, HeaderValue::from_bytes(value.as_bytes()).map_err(bad_request)?);
        Ok(self)
    }
    fn add_named(self, name: &str, value: &str) -> Result<Headers> {
        self.add(HeaderName::try_from(name).map_err(bad_request)?, value)
    }
    fn some(self, name: &'static str, value: &Option<String>) -> Result<Headers> {
        match value {
            Some(value) => self.add(HeaderName::from_static(name), value),
            None => Ok(self),
        }
    }
    fn conditions(self, args: &WriteArgs) -> Result<Headers> {
        let out = match &args.if_match {
            Some(etag) => self.add(IF_MATCH, etag)?,
            None => self,
        };
        if args.if_absent { out.add(IF_NONE_MATCH, "*") } else { Ok(out) }
    }
}

impl Store {
    async fn ask(&self, method: Method, url: String, headers: Headers, body: String, operation: &'static str) -> Result<Response<Buffer>> {
        let mut request = Request::new(Buffer::from(Bytes::from(body)));
        *request.method_mut() = method;
        *request.uri_mut() = url.parse().map_err(bad_request)?;
        let mut headers = headers.0;
        headers.insert(CONTENT_LENGTH, HeaderValue::from(request.body().len()));
        *request.headers_mut() = headers;
        request.extensions_mut().insert(ServiceOperation(operation));
        self.send(request).await
    }

    fn url_of(&self, key: &str) -> String {
        format!("{}/{}", self.base, percent_encode_path(key))
    }

    /// The upload's id, and a URL for each part; only one where all have the same.
    pub async fn begin_upload(
        &self,
        key: &str,
        args: &WriteArgs,
        upload: Upload,
        origin: Option<String>,
        expires: Duration,
    ) -> Result<(String, Vec<String>)> {
        match self.kind {
            Kind::S3 => self.begin_s3(key, args, upload, expires).await,
            Kind::Azblob => self.begin_azblob(key, upload, expires).await,
            Kind::Gcs => self.begin_gcs(key, args, upload, origin).await,
            Kind::Other => Err(Error::new(ErrorKind::Unsupported, "the service has no uploads in parts by signed URLs")),
        }
    }

    pub async fn complete_upload(&self, key: &str, args: &WriteArgs, upload: Upload, etags: Vec<String>) -> Result<Info> {
        match self.kind {
            Kind::S3 => self.complete_s3(key, args, upload, etags).await,
            Kind::Azblob => self.complete_azblob(key, args, upload).await,
            _ => self.complete_gcs(key, args, upload).await,
        }
    }

    /// What is not there any more is no error.
    pub async fn abort_upload(&self, key: &str, id: &str) -> Result<()> {
        match self.kind {
            Kind::S3 => self.abort_s3(key, id).await,
            Kind::Gcs => self.abort_gcs(key, id).await,
            // Azure has no such request: it drops blocks that are in no list with the blob's next write, or after a week.
            _ => Ok(()),
        }
    }

    fn completed(&self, size: u64, etag: String, modified: Option<Timestamp>, args: &WriteArgs) -> Info {
        Info {
            size,
            etag,
            modified: modified.or_else(|| call::with(|call| call.date()).flatten()),
            content_type: args.content_type.clone(),
            cache_control: args.cache_control.clone(),
            content_disposition: args.content_disposition.clone(),
            metadata: args.metadata.clone(),
        }
    }

    // -- S3

    async fn begin_s3(&self, key: &str, args: &WriteArgs, upload: Upload, expires: Duration) -> Result<(String, Vec<String>)> {
        let mut headers = Headers::new()
            .some("content-type", &args.content_type)?
            .some("cache-control", &args.cache_control)?
            .some("content-disposition", &args.content_disposition)?;
        for (name, value) in &args.metadata {
            headers = headers.add_named(&format!("x-amz-meta-{name}"), &text::encode_value(value))?;
        }
        let url = self.url_of(key);
        let response = self.ask(Method::POST, format!("{url}?uploads"), headers, String::new(), "CreateMultipartUpload").await?;
        if response.status() != StatusCode::OK {
            return Err(answer_error(response.status().as_u16(), &response));
        }
        let made: S3Made = xml(&text_of(response.into_body())?)?;
        let id = encode_query(&made.upload_id);
        let mut urls = Vec::with_capacity(upload.parts() as usize);
        for number in 1..=upload.parts() {
            let part = format!("{url}?partNumber={number}&uploadId={id}");
            // The length is signed: a part of another one is refused where it arrives.
            urls.push(self.signed_url(&Method::PUT, part, Some(upload.size_of(number)), expires).await?);
        }
        Ok((made.upload_id, urls))
    }

    async fn parts_of_s3(&self, url: &str, id: &str, count: u32) -> Result<HashMap<u32, Part>> {
        let mut out = HashMap::new();
        let mut marker = 0;
        for _ in 0..=count / PARTS_A_PAGE {
            let page = format!("{url}?max-parts={PARTS_A_PAGE}&part-number-marker={marker}&uploadId={}", encode_query(id));
            let response = self.ask(Method::GET, page, Headers::new(), String::new(), "ListParts").await?;
            if response.status() != StatusCode::OK {
                return Err(s3_error(&response, false));
            }
            let page: S3Parts = xml(&text_of(response.into_body())?)?;
            for part in page.part {
                out.insert(part.part_number, Part { size: part.size, etag: quoted(&part.etag) });
            }
            if !page.is_truncated || page.next_part_number_marker <= marker {
                break;
            }
            marker = page.next_part_number_marker;
        }
        Ok(out)
    }

    async fn complete_s3(&self, key: &str, args: &WriteArgs, upload: Upload, given: Vec<String>) -> Result<Info> {
        let url = self.url_of(key);
        let found = self.parts_of_s3(&url, &upload.id, upload.parts()).await?;
        let etags = check_parts(&upload, &found, &given)?;
        let mut body = String::from("<CompleteMultipartUpload>");
        for (at, etag) in etags.iter().enumerate() {
            let etag = quick_xml::escape::escape(etag.as_str());
            body += &format!("<Part><PartNumber>{}</PartNumber><ETag>{etag}</ETag></Part>", at + 1);
        }
        body += "</CompleteMultipartUpload>";
        let headers = Headers::new().add(CONTENT_TYPE, "application/xml")?.conditions(args)?;
        let whole = format!("{url}?uploadId={}", encode_query(&upload.id));
        let response = self.ask(Method::POST, whole, headers, body, "CompleteMultipartUpload").await?;
        // It may say what went wrong after a head that says 200.
        if response.status() != StatusCode::OK || !code_of(&response).is_empty() {
            return Err(s3_error(&response, args.if_match.is_some()));
        }
        let done: S3Done = xml(&text_of(response.into_body())?)?;
        Ok(self.completed(upload.size, quoted(&done.etag), None, args))
    }

    /// A part that was on its way may arrive behind the abort and be kept, so S3 is asked until it knows nothing of the upload.
    async fn abort_s3(&self, key: &str, id: &str) -> Result<()> {
        let url = format!("{}?uploadId={}", self.url_of(key), encode_query(id));
        for attempt in 0..5 {
            let response = self.ask(Method::DELETE, url.clone(), Headers::new(), String::new(), "AbortMultipartUpload").await?;
            match response.status().as_u16() {
                404 if code_of(&response) == "NoSuchUpload" => break,
                200..=299 => tokio::time::sleep(backoff(attempt)).await,
                status => return Err(answer_error(status, &response)),
            }
        }
        Ok(())
    }

    // -- Azure

    async fn begin_azblob(&self, key: &str, upload: Upload, expires: Duration) -> Result<(String, Vec<String>)> {
        // A SAS is for the blob, whatever is asked of it.
        let signed = self.signed_url(&Method::PUT, self.url_of(key), None, expires).await?;
        let urls = (1..=upload.parts()).map(|number| format!("{signed}&comp=block&blockid={}", encode_query(&upload.block(number)))).collect();
        Ok((upload.id, urls))
    }

    async fn complete_azblob(&self, key: &str, args: &WriteArgs, upload: Upload) -> Result<Info> {
        let url = format!("{}?comp=blocklist", self.url_of(key));
        let response = self.ask(Method::GET, format!("{url}&blocklisttype=all"), Headers::new(), String::new(), "GetBlockList").await?;
        let blocks: AzureBlocks = match response.status().as_u16() {
            200 => xml(text_of(response.into_body())?.trim_start_matches('\u{feff}'))?,
            404 if code_of(&response) == "BlobNotFound" => AzureBlocks::default(),
            status => return Err(answer_error(status, &response)),
        };
        let names: HashMap<String, u32> = (1..=upload.parts()).map(|number| (upload.block(number), number)).collect();
        let mut found = HashMap::new();
        for block in blocks.uncommitted.block {
            if let Some(number) = names.get(&block.name) {
                found.insert(*number, Part { size: block.size, etag: String::new() });
            }
        }
        if found.is_empty() && blocks.committed.block.iter().any(|block| names.contains_key(&block.name)) {
            return Err(no_upload());
        }
        check_parts(&upload, &found, &[])?;
        let mut body = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
        for number in 1..=upload.parts() {
            // Latest: made again after an answer that was lost, it finds what it has done.
            body += &format!("<Latest>{}</Latest>", upload.block(number));
        }
        body += "</BlockList>";
        let mut headers = Headers::new()
            .add(CONTENT_TYPE, "application/xml")?
            .some("x-ms-blob-content-type", &args.content_type)?
            .some("x-ms-blob-cache-control", &args.cache_control)?
            .some("x-ms-blob-content-disposition", &args.content_disposition)?
            .conditions(args)?;
        for (name, value) in &args.metadata {
            headers = headers.add_named(&format!("x-ms-meta-{}", text::encode_azure_name(name)), &text::encode_value(value))?;
        }
        let response = self.ask(Method::PUT, url, headers, body, "PutBlockList").await?;
        let code = code_of(&response);
        match response.status().as_u16() {
            201 => {}
            400 if code == "InvalidBlockList" => return Err(invalid_part("another write of the object took its parts away".into())),
            409 if code == "BlobAlreadyExists" => return Err(Error::new(ErrorKind::ConditionNotMatch, "if_none_match")),
            404 if args.if_match.is_some() => return Err(Error::new(ErrorKind::ConditionNotMatch, "if_match")),
            status => return Err(answer_error(status, &response)),
        }
        let header = |name| response.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let etag = header(ETAG).map(quoted).ok_or_else(|| unexpected("etag"))?;
        let modified = header(LAST_MODIFIED).and_then(|text| Timestamp::parse_rfc2822(text).ok());
        Ok(self.completed(upload.size, etag, modified, args))
    }

    // -- GCS

    async fn begin_gcs(&self, key: &str, args: &WriteArgs, upload: Upload, origin: Option<String>) -> Result<(String, Vec<String>)> {
        let mut url = format!("{}/upload/storage/v1/b/{}/o?uploadType=resumable&name={}", self.base, self.bucket, encode_query(key));
        if args.if_absent {
            url += "&ifGenerationMatch=0";
        } else if let Some(etag) = &args.if_match {
            url += &format!("&ifGenerationMatch={}", self.generation(etag)?);
        }
        let mut metadata: serde_json::Map<String, serde_json::Value> =
            args.metadata.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
        metadata.insert(UPLOAD_MARK.into(), upload.id.clone().into());
        let mut about = serde_json::Map::from_iter([("metadata".to_string(), metadata.into())]);
        for (name, value) in
            [("contentType", &args.content_type), ("cacheControl", &args.cache_control), ("contentDisposition", &args.content_disposition)]
        {
            if let Some(value) = value {
                about.insert(name.into(), value.clone().into());
            }
        }
        let mut headers = Headers::new()
            .add(CONTENT_TYPE, "application/json; charset=UTF-8")?
            .add_named("x-upload-content-length", &upload.size.to_string())?
            .some("x-upload-content-type", &args.content_type)?;
        // Its answers to a browser are for the origin that the session was begun with.
        if let Some(origin) = origin {
            headers = headers.add(ORIGIN, &origin)?;
        }
        let body = serde_json::Value::from(about).to_string();
        let response = self.ask(Method::POST, url, headers, body, "InitiateResumableUpload").await?;
        if !response.status().is_success() {
            return Err(answer_error(response.status().as_u16(), &response));
        }
        let session = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).ok_or_else(|| unexpected("session"))?;
        Ok((format!("{} {session}", upload.id), vec![session.to_string()]))
    }

    fn gcs_object(&self, key: &str) -> String {
        format!("{}/storage/v1/b/{}/o/{}", self.base, self.bucket, encode_query(key))
    }

    /// The object, where it came by this upload and was not completed.
    async fn arrived_at_gcs(&self, key: &str, mark: &str) -> Result<Option<GcsObject>> {
        let url = format!("{}?fields=generation,size,updated,metadata", self.gcs_object(key));
        let response = self.ask(Method::GET, url, Headers::new(), String::new(), "GetObjectMetadata").await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if response.status() != StatusCode::OK {
            return Err(answer_error(response.status().as_u16(), &response));
        }
        let object: GcsObject = serde_json::from_slice(&response.into_body().to_bytes()).map_err(bad_request)?;
        let ours = object.metadata.as_ref().and_then(|all| all.get(UPLOAD_MARK)).is_some_and(|value| value == mark);
        Ok(ours.then_some(object))
    }

    async fn remove_at_gcs(&self, key: &str, object: &GcsObject) -> Result<()> {
        let url = format!("{}?ifGenerationMatch={}", self.gcs_object(key), object.generation);
        let response = self.ask(Method::DELETE, url, Headers::new(), String::new(), "DeleteObject").await?;
        match response.status().as_u16() {
            // Another has taken its place.
            200..=299 | 404 | 412 => Ok(()),
            status => Err(answer_error(status, &response)),
        }
    }

    async fn complete_gcs(&self, key: &str, args: &WriteArgs, upload: Upload) -> Result<Info> {
        let (mark, session) = upload.id.split_once(' ').ok_or_else(no_upload)?;
        let mut arrived = self.arrived_at_gcs(key, mark).await?;
        if arrived.is_none() {
            let headers = Headers::new().add(CONTENT_RANGE, &format!("bytes */{}", upload.size))?;
            let response = self.ask(Method::PUT, session.to_string(), headers, String::new(), "QueryResumableUpload").await?;
            match response.status().as_u16() {
                308 => {
                    let range = response.headers().get(RANGE).and_then(|value| value.to_str().ok());
                    let last: Option<u64> = range.and_then(|text| text.rsplit_once('-')).and_then(|(_, last)| last.parse().ok());
                    let there = last.map_or(0, |last| last + 1);
                    let part = there / upload.part_bytes + 1;
                    return Err(invalid_part(format!("part {part} of {} is missing: {there} of {} bytes arrived", upload.parts(), upload.size)));
                }
                // The last part came in between, or what it made is another object by now.
                200 | 201 => arrived = self.arrived_at_gcs(key, mark).await?,
                404 | 410 | 499 => {}
                status => return Err(answer_error(status, &response)),
            }
        }
        let object = arrived.ok_or_else(no_upload)?;
        let size: u64 = object.size.parse().unwrap_or(0);
        if size != upload.size {
            self.remove_at_gcs(key, &object).await?;
            return Err(invalid_part(format!("{size} bytes arrived, expected {}", upload.size)));
        }
        let url = format!("{}?ifGenerationMatch={}", self.gcs_object(key), object.generation);
        let headers = Headers::new().add(CONTENT_TYPE, "application/json; charset=UTF-8")?;
        let body = format!("{{\"metadata\":{{\"{UPLOAD_MARK}\":null}}}}");
        let response = self.ask(Method::PATCH, url, headers, body, "PatchObject").await?;
        match response.status().as_u16() {
            // It was there, and another has taken its place.
            200..=299 | 404 | 412 => {}
            status => return Err(answer_error(status, &response)),
        }
        Ok(self.completed(size, quoted(&object.generation), object.updated.parse::<Timestamp>().ok(), args))
    }

    async fn abort_gcs(&self, key: &str, id: &str) -> Result<()> {
        let Some((mark, session)) = id.split_once(' ') else { return Ok(()) };
        let response = self.ask(Method::DELETE, session.to_string(), Headers::new(), String::new(), "CancelResumableUpload").await?;
        match response.status().as_u16() {
            200..=299 | 404 | 410 | 499 => {}
            status => return Err(answer_error(status, &response)),
        }
        match self.arrived_at_gcs(key, mark).await? {
            Some(object) => self.remove_at_gcs(key, &object).await,
            None => Ok(()),
        }
    }
}

fn s3_error(response: &Response<Buffer>, if_match: bool) -> Error {
    match code_of(response).as_str() {
        "NoSuchUpload" => no_upload(),
        "InvalidPart" | "InvalidPartOrder" | "EntityTooSmall" => invalid_part("a part was taken away".into()),
        "NoSuchKey" if if_match => Error::new(ErrorKind::ConditionNotMatch, "if_match"),
        "PreconditionFailed" => Error::new(ErrorKind::ConditionNotMatch, "the object"),
        code if response.status() == StatusCode::OK => {
            CALL.with(|call| call.set_unknown());
            Error::new(ErrorKind::Unexpected, format!("the server answered {code}")).set_temporary()
        }
        _ => answer_error(response.status().as_u16(), response),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct S3Made {
    upload_id: String,
}
#[derive(Deserialize)]
struct S3Done {
    #[serde(rename = "ETag")]
    etag: String,
}
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct S3Parts {
    is_truncated: bool,
    next_part_number_marker: u32,
    part: Vec<S3Part>,
}
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct S3Part {
    part_number: u32,
    #[serde(rename = "ETag", default)]
    etag: String,
    size: u64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct AzureBlocks {
    #[serde(rename = "CommittedBlocks")]
    committed: AzureList,
    #[serde(rename = "UncommittedBlocks")]
    uncommitted: AzureList,
}
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct AzureList {
    block: Vec<AzureBlock>,
}
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AzureBlock {
    name: String,
    size: u64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct GcsObject {
    generation: String,
    size: String,
    updated: String,
    metadata: Option<HashMap<String, String>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload(size: u64) -> Upload {
        Upload { id: "0123456789".into(), size, part_bytes: 5 << 20 }
    }

    #[test]
    fn parts_of_an_upload() {
        let one = upload(1);
        assert_eq!((one.parts(), one.size_of(1)), (1, 1));
        let three = upload((10 << 20) + 7);
        assert_eq!((three.parts(), three.size_of(2), three.size_of(3)), (3, 5 << 20, 7));
        let even = upload(10 << 20);
        assert_eq!((even.parts(), even.size_of(2)), (2, 5 << 20));
        assert_eq!(BASE64_STANDARD.decode(even.block(10_000)).unwrap().len(), 16);
    }

    #[test]
    fn what_is_wrong_with_parts() {
        let two = upload((5 << 20) + 1);
        let part = |size, etag: &str| Part { size, etag: etag.into() };
        let message = |found: Vec<(u32, Part)>, given: &[&str]| {
            let given: Vec<String> = given.iter().map(|text| text.to_string()).collect();
            check_parts(&two, &found.into_iter().collect(), &given).map_or_else(|error| error.message().to_string(), |etags| etags.join(" "))
        };
        let whole = || vec![(1, part(5 << 20, "\"a\"")), (2, part(1, "\"b\""))];
        assert_eq!(message(whole(), &[]), "\"a\" \"b\"");
        assert_eq!(message(whole(), &["a", "\"b\""]), "\"a\" \"b\"");
        assert_eq!(message(whole(), &["", "\"c\""]), "part 2 has another etag");
        assert_eq!(message(vec![(2, part(1, ""))], &[]), "part 1 of 2 is missing");
        assert_eq!(message(vec![(1, part(5 << 20, "")), (2, part(2, ""))], &[]), "part 2 has 2 bytes, expected 1");
    }

    #[test]
    fn answers_of_servers() {
        let parts: S3Parts = xml(
            "<ListPartsResult><Bucket>b</Bucket><NextPartNumberMarker>2</NextPartNumberMarker><IsTruncated>true</IsTruncated><Part><PartNumber>1</PartNumber>\
             <ETag>&quot;a&quot;</ETag><Size>5</Size></Part><Owner/><Part><PartNumber>2</PartNumber><ETag>\"b\"</ETag><Size>6</Size></Part></ListPartsResult>",
        )
        .unwrap();
        assert!(parts.is_truncated && parts.next_part_number_marker == 2 && parts.part.len() == 2 && parts.part[0].etag == "\"a\"");
        let blocks: AzureBlocks = xml(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList><CommittedBlocks /><UncommittedBlocks><Block><Name>QQ==</Name><Size>7</Size></Block>\
             </UncommittedBlocks></BlockList>",
        )
        .unwrap();
        assert!(blocks.committed.block.is_empty() && blocks.uncommitted.block[0].size == 7);
        let object: GcsObject = serde_json::from_str("{\"generation\":\"5\",\"size\":\"9\",\"kind\":1,\"metadata\":{\"a\":\"b\"}}").unwrap();
        assert_eq!((object.generation.as_str(), object.size.as_str()), ("5", "9"));
    }
}

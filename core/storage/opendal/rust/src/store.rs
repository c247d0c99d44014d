//! A store: OpenDAL's raw service (its Operator rewrites keys) over our transport, and what the services differ in.
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use http::{Method, Request, Response};
use opendal::raw::oio::{self, Copy as _, Delete as _, List as _, Read as _, ReadStream as _, Write as _};
use opendal::raw::{
    OpCopy, OpDelete, OpList, OpPresign, OpRead, OpStat, OpWrite, PresignOperation, Service as _, Servicer, Timestamp,
    percent_encode_path,
};
use opendal::{
    Buffer, BytesRange, Capability, Error, ErrorKind, HttpTransporter, Metadata, OperationContext, Operator, Result, options as with,
};

use crate::call::{CALL, Call};
use crate::check::{Check, PART_MARK};
use crate::list;
use crate::options::{Options, Policy};
use crate::sign::Signing;
use crate::text;
use crate::transport::{Transport, backoff};
use crate::upload::UPLOAD_MARK;

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Kind {
    S3,
    Gcs,
    Azblob,
    Other,
}

/// Parts are of this size, and larger the more there are, so that 10,000 of them hold any object: x2 each 2000.
pub const PART: usize = 8 << 20;
const PARTS_EACH: usize = 2000;
/// Of a server-side copy, and when one is made in parts: S3 copies up to 5 GiB at once, and parts are 5 MiB at least.
const COPY_PART: usize = 512 << 20;
const COPY_AT_ONCE: u64 = 5 << 30;
const COPY_IN_PARTS: u64 = 5 << 20;
pub const NO_GENERATION: &str = "1";
const MAX_METADATA: usize = 2048;
const MAX_LISTED: usize = 100_000;

#[derive(Default, Clone)]
pub struct Info {
    pub size: u64,
    pub etag: String,
    pub modified: Option<Timestamp>,
    pub content_type: Option<String>,
    pub cache_control: Option<String>,
    pub content_disposition: Option<String>,
    pub metadata: Vec<(String, String)>,
}

#[derive(Default)]
pub struct Entry {
    pub key: String,
    pub etag: String,
    pub size: u64,
    pub modified: Option<Timestamp>,
}

#[derive(Default)]
pub struct Listing {
    pub entries: Vec<Entry>,
    pub prefixes: Vec<String>,
    pub cursor: Option<String>,
}

#[derive(Default, Clone)]
pub struct ReadArgs {
    pub offset: Option<u64>,
    pub length: Option<u64>,
    pub suffix: Option<u64>,
    pub if_match: Option<String>,
    pub if_none_match: Option<String>,
}

#[derive(Default, Clone)]
pub struct WriteArgs {
    pub content_type: Option<String>,
    pub cache_control: Option<String>,
    pub content_disposition: Option<String>,
    pub metadata: Vec<(String, String)>,
    pub if_match: Option<String>,
    pub if_absent: bool,
}

pub struct Store {
    pub kind: Kind,
    pub base: String,
    pub bucket: String,
    pub cap: Capability,
    pub signs: bool,
    service: Servicer,
    ctx: OperationContext,
    http: HttpTransporter,
    signing: Arc<Signing>,
    policy: Policy,
    concurrency: usize,
}

pub fn encode_query(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn condition_failed(message: &str) -> Error {
    Error::new(ErrorKind::ConditionNotMatch, message)
}

fn client(policy: &Policy) -> Result<reqwest::Client> {
    reqwest::Client::builder()
        .connect_timeout(policy.silence.min(Duration::from_secs(10)))
        .read_timeout(policy.silence)
        .pool_idle_timeout(Duration::from_secs(20))
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("spikard/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| Error::new(ErrorKind::ConfigInvalid, format!("HTTP client: {}", error.without_url())))
}

impl Store {
    pub fn open(scheme: &str, options: Options) -> Result<Store> {
        opendal::install_default();
        let policy = options.policy();
        let plain = HttpTransporter::new(opendal_http_transport_reqwest::ReqwestTransport::new(client(&policy)?));
        let mut map: HashMap<String, String> = HashMap::new();
        let anonymous = options.flag("spikard.anonymous");
        let (kind, signing, base, bucket) = match scheme {
            "s3" => {
                let bucket = options.need("bucket")?;
                let region = options.need("region")?;
                let endpoint = options.need("endpoint")?.trim_end_matches('/').to_string();
                let virtual_host = options.flag("spikard.virtual_host");
                map.insert("bucket".into(), bucket.clone());
                map.insert("region".into(), region);
                map.insert("endpoint".into(), endpoint.clone());
                map.insert("checksum_algorithm".into(), "crc32c".into());
                map.insert("disable_config_load".into(), "true".into());
                map.insert("enable_virtual_host_style".into(), virtual_host.to_string());
                let base = if virtual_host {
                    endpoint.replacen("//", &format!("//{bucket}."), 1)
                } else {
                    format!("{endpoint}/{bucket}")
                };
                let signing = if anonymous { Signing::None } else { Signing::aws(&options, plain.clone()) };
                (Kind::S3, signing, base, bucket)
            }
            "gcs" => {
                let bucket = options.need("bucket")?;
                let endpoint = options.text("endpoint").unwrap_or("https://storage.googleapis.com").trim_end_matches('/').to_string();
                map.insert("bucket".into(), bucket.clone());
                map.insert("endpoint".into(), endpoint.clone());
                let signing = if anonymous { Signing::None } else { Signing::google(&options, plain.clone()) };
                (Kind::Gcs, signing, endpoint, bucket)
            }
            "azblob" => {
                let container = options.need("container")?;
                let endpoint = options.need("endpoint")?.trim_end_matches('/').to_string();
                map.insert("container".into(), container.clone());
                map.insert("endpoint".into(), endpoint.clone());
                let signing = if anonymous { Signing::None } else { Signing::azure(&options, plain.clone()) };
                (Kind::Azblob, signing, format!("{endpoint}/{container}"), container)
            }
            _ => {
                map.extend(options.foreign());
                (Kind::Other, Signing::None, String::new(), String::new())
            }
        };
        if kind != Kind::Other {
            map.insert("skip_signature".into(), "true".into());
        }
        let signing = Arc::new(signing);
        let http = HttpTransporter::new(Transport { kind, http: plain, signing: signing.clone(), policy });
        let operator = Operator::via_iter(scheme, map)?.with_context(OperationContext::new().with_http_transport(http.clone()));
        let (ctx, service) = operator.into_parts();
        let cap = service.capability();
        let concurrency = options.number("spikard.concurrency", 2).clamp(1, 16) as usize;
        Ok(Store { kind, base, bucket, cap, signs: !anonymous, service, ctx, http, signing, policy, concurrency })
    }

    /// A request of ours: signed and made again as OpenDAL's are.
    pub async fn send(&self, request: Request<Buffer>) -> Result<Response<Buffer>> {
        self.http.send(request).await
    }

    fn info_of(&self, meta: &Metadata, size: u64) -> Info {
        let etag = match self.kind {
            Kind::Gcs => meta.version().unwrap_or_default(),
            _ => meta.etag().unwrap_or_default(),
        };
        let etag = if etag.is_empty() || etag.starts_with('"') { etag.to_string() } else { format!("\"{etag}\"") };
        let mut out = Info {
            size,
            etag,
            modified: meta.last_modified(),
            content_type: meta.content_type().filter(|text| !text.is_empty()).map(str::to_string),
            cache_control: meta.cache_control().map(str::to_string),
            content_disposition: meta.content_disposition().map(str::to_string),
            metadata: Vec::new(),
        };
        // What the servers say where the writer said nothing.
        let unset = match self.kind {
            Kind::S3 => "binary/octet-stream",
            _ => "application/octet-stream",
        };
        out.content_type = out.content_type.filter(|text| text != unset);
        for (name, value) in meta.user_metadata().into_iter().flatten() {
            if name.eq_ignore_ascii_case(PART_MARK) || name.eq_ignore_ascii_case(UPLOAD_MARK) {
                continue;
            }
            let name = if self.kind == Kind::Azblob { text::decode_azure_name(name) } else { name.to_string() };
            out.metadata.push((name.to_ascii_lowercase(), text::decode_value(value)));
        }
        out
    }

    pub async fn stat(&self, key: &str) -> Result<Info> {
        self.stat_if(key, None, None).await
    }

    async fn stat_if(&self, key: &str, if_match: Option<&str>, if_none_match: Option<&str>) -> Result<Info> {
        let meta = self.service.stat(&self.ctx, key, OpStat::default()).await?.into_metadata();
        let info = self.info_of(&meta, meta.content_length());
        if if_match.is_some_and(|etag| etag != "*" && etag != info.etag) {
            return Err(condition_failed("if_match"));
        }
        if if_none_match.is_some_and(|etag| etag == "*" || etag == info.etag) {
            return Err(condition_failed("if_none_match"));
        }
        Ok(info)
    }

    /// `max`: more is refused before any of it is read.
    pub async fn open_read(self: &Arc<Self>, key: String, args: ReadArgs) -> Result<Reader> {
        let call = CALL.with(Clone::clone);
        // GCS tells metadata by another request than content, and a suffix needs the size where the service has none.
        let apart = self.kind == Kind::Gcs || (args.suffix.is_some() && !self.cap.read_with_suffix);
        for _ in 0..32 {
            let mut info = None;
            let mut pin = args.if_match.clone();
            if apart {
                let known = self.stat_if(&key, args.if_match.as_deref(), args.if_none_match.as_deref()).await?;
                pin = Some(known.etag.clone());
                info = Some(known);
            }
            let range = match &info {
                Some(known) => {
                    let span = resolve(&args, known.size)?;
                    if span.1 == 0 {
                        return Ok(Reader::empty(self.clone(), key, known.clone(), span.0));
                    }
                    if span == (0, known.size) { BytesRange::default() } else { BytesRange::new(span.0, Some(span.1)) }
                }
                None => range_of(&args),
            };
            let none_match = if apart { None } else { args.if_none_match.clone() };
            let opened = self.open_stream(&key, range, pin, none_match).await;
            match opened {
                // Written between the two requests.
                Err(error) if apart && matches!(error.kind(), ErrorKind::ConditionNotMatch | ErrorKind::NotFound) => continue,
                // Of an empty object any range is, but no beginning is asked for by a length alone.
                Err(error) if is_range(&error, &call) && args.offset.is_none() => {
                    let known = self.stat_if(&key, args.if_match.as_deref(), args.if_none_match.as_deref()).await?;
                    let span = resolve(&args, known.size)?;
                    if span.1 == 0 {
                        return Ok(Reader::empty(self.clone(), key, known, span.0));
                    }
                    return Err(error);
                }
                Err(error) if is_range(&error, &call) => return Err(Error::new(ErrorKind::RangeNotSatisfied, "range")),
                Err(error) => return Err(error),
                // fake-gcs passes over the condition.
                Ok((meta, _)) if apart && info.as_ref().is_some_and(|known| known.etag != self.info_of(&meta, 0).etag) => continue,
                Ok((meta, stream)) => {
                    let headers = call.take_content();
                    let info = info.unwrap_or_else(|| {
                        let mut info = self.info_of(&meta, meta.content_length());
                        if self.kind == Kind::Azblob {
                            add_azure_metadata(&mut info, headers.as_ref());
                        }
                        info
                    });
                    let (offset, size) = resolve(&args, info.size)?;
                    let whole = offset == 0 && size == info.size;
                    let check = if whole { Check::of(self.kind, headers, &info) } else { None };
                    return Ok(Reader {
                        store: self.clone(),
                        key,
                        info,
                        offset,
                        size,
                        done: 0,
                        stream: Some(stream),
                        rest: Buffer::new(),
                        check,
                        retries: 0,
                    });
                }
            }
        }
        Err(Error::new(ErrorKind::Unexpected, "the object is written all the time").set_temporary())
    }

    async fn open_stream(
        &self,
        key: &str,
        range: BytesRange,
        if_match: Option<String>,
        if_none_match: Option<String>,
    ) -> Result<(Metadata, Box<dyn oio::ReadStreamDyn>)> {
        let mut options = with::ReadOptions { range, ..Default::default() };
        if self.kind == Kind::Gcs {
            options.if_version_match = if_match.map(|etag| etag.trim_matches('"').to_string());
        } else if self.kind != Kind::Other || self.cap.read_with_if_match {
            options.if_match = if_match;
        } else if if_match.is_some() {
            return Err(Error::new(ErrorKind::Unsupported, "if_match: the service has no conditional reads"));
        }
        options.if_none_match = if_none_match;
        let (_, op, _): (BytesRange, OpRead, _) = options.into();
        let reader = self.service.read(&self.ctx, key, op)?;
        let (answer, stream) = reader.open(range).await?;
        let meta = match answer.into_metadata() {
            Some(meta) => meta,
            None => self.service.stat(&self.ctx, key, OpStat::default()).await?.into_metadata(),
        };
        Ok((meta, stream))
    }

    fn write_op(&self, args: &WriteArgs, call: &Call, streamed: bool) -> Result<OpWrite> {
        let unsupported = |what: &str| Error::new(ErrorKind::Unsupported, format!("{what}: the service cannot keep it"));
        let mut options = with::WriteOptions {
            content_type: args.content_type.clone(),
            cache_control: args.cache_control.clone(),
            concurrent: self.concurrency,
            ..Default::default()
        };
        let mut metadata: HashMap<String, String> = HashMap::new();
        for (name, value) in &args.metadata {
            let name = if self.kind == Kind::Azblob { text::encode_azure_name(name) } else { name.clone() };
            let value = if matches!(self.kind, Kind::S3 | Kind::Azblob) { text::encode_value(value) } else { value.clone() };
            metadata.insert(name, value);
        }
        let taken: usize = metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
        if streamed && self.kind == Kind::S3 && taken + 64 < MAX_METADATA {
            metadata.insert(PART_MARK.to_string(), PART.to_string());
        }
        if self.kind == Kind::Other {
            if args.content_type.is_some() && !self.cap.write_with_content_type {
                return Err(unsupported("content_type"));
            }
            if args.cache_control.is_some() && !self.cap.write_with_cache_control {
                return Err(unsupported("cache_control"));
            }
            if !metadata.is_empty() && !self.cap.write_with_user_metadata {
                return Err(unsupported("metadata"));
            }
            if args.content_disposition.is_some() && !self.cap.write_with_content_disposition {
                return Err(unsupported("content_disposition"));
            }
        }
        if let Some(disposition) = &args.content_disposition {
            match self.kind {
                Kind::Gcs => *call.json_disposition.lock().unwrap() = Some(disposition.clone()),
                Kind::Azblob => call.add("x-ms-blob-content-disposition", disposition),
                _ => options.content_disposition = Some(disposition.clone()),
            }
        }
        if !metadata.is_empty() {
            options.user_metadata = Some(metadata);
        }
        options.if_not_exists = args.if_absent;
        // A resumable upload, which OpenDAL makes of conditional writes: it ends by itself where nobody goes on. Taken out again below.
        if streamed && self.kind == Kind::Gcs && !args.if_absent && args.if_match.is_none() {
            options.if_version_not_match = Some(NO_GENERATION.to_string());
        }
        if let Some(etag) = &args.if_match {
            if self.kind == Kind::Gcs {
                options.if_version_match = Some(self.generation(etag)?);
            } else {
                options.if_match = Some(etag.clone());
            }
        }
        Ok(OpWrite::from_options(&self.cap, options)?.0)
    }

    /// An etag that is none of ours matches nothing.
    pub fn generation(&self, etag: &str) -> Result<String> {
        let inner = etag.trim_matches('"');
        if inner.is_empty() || !inner.bytes().all(|b| b.is_ascii_digit()) || inner == "0" {
            return Err(condition_failed("if_match"));
        }
        Ok(inner.to_string())
    }

    fn written(&self, meta: &Metadata, size: u64, args: &WriteArgs, call: &Call) -> Info {
        let mut info = self.info_of(meta, size);
        info.size = size;
        info.modified = info.modified.or(call.date());
        info.content_type = args.content_type.clone();
        info.cache_control = args.cache_control.clone();
        info.content_disposition = args.content_disposition.clone();
        info.metadata = args.metadata.clone();
        info
    }

    pub async fn put(self: &Arc<Self>, key: String, data: Bytes, args: WriteArgs) -> Result<Info> {
        if data.len() > 4 * PART && self.cap.write_can_multi {
            let mut writer = self.open_write(key, args)?;
            let written = async {
                writer.push(data).await?;
                writer.finish().await
            };
            let outcome = written.await;
            if outcome.is_err() {
                writer.abort().await;
            }
            return outcome;
        }
        let call = CALL.with(Clone::clone);
        let size = data.len() as u64;
        let op = self.write_op(&args, &call, false)?;
        let expected = (self.kind == Kind::Gcs).then(|| Check::md5_text(&data));
        let mut writer = self.service.write(&self.ctx, &key, op)?;
        writer.write(Buffer::from(data)).await?;
        let meta = close_of(&mut writer, self, &call).await?;
        if let (Some(expected), Some(told)) = (expected, meta.content_md5())
            && !told.is_empty()
            && told != expected
        {
            call.set_corrupt();
            return Err(Error::new(ErrorKind::Unexpected, "the server has other bytes than were sent"));
        }
        Ok(self.written(&meta, size, &args, &call))
    }

    pub fn open_write(self: &Arc<Self>, key: String, args: WriteArgs) -> Result<Writer> {
        let call = CALL.with(Clone::clone);
        let op = self.write_op(&args, &call, true)?;
        let inner = self.service.write(&self.ctx, &key, op)?;
        Ok(Writer {
            store: self.clone(),
            call,
            args,
            inner,
            blocks: Vec::new(),
            small: BytesMut::new(),
            held: 0,
            size: 0,
            parts: 0,
            failed: false,
            digest: (self.kind == Kind::Azblob).then(Default::default),
        })
    }

    async fn remove_one(&self, key: &str) -> Result<()> {
        let mut deleter = self.service.delete(&self.ctx)?;
        deleter.delete(key, OpDelete::new()).await?;
        match deleter.close().await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Those that failed, by their place.
    pub async fn remove(self: &Arc<Self>, keys: Vec<String>) -> Result<Vec<(usize, Error)>> {
        use futures::StreamExt as _;
        if self.kind == Kind::S3 && keys.len() > 1 {
            let batch = async {
                let mut deleter = self.service.delete(&self.ctx)?;
                for key in &keys {
                    deleter.delete(key, OpDelete::new()).await?;
                }
                deleter.close().await
            };
            if batch.await.is_ok() {
                return Ok(Vec::new());
            }
        }
        let each = keys.into_iter().enumerate().map(|(at, key)| {
            let store = self.clone();
            async move { (at, store.remove_one(&key).await) }
        });
        let results: Vec<(usize, Result<()>)> = futures::stream::iter(each).buffer_unordered(16).collect().await;
        let mut failed: Vec<(usize, Error)> =
            results.into_iter().filter_map(|(at, result)| result.err().map(|error| (at, error))).collect();
        failed.sort_by_key(|(at, _)| *at);
        Ok(failed)
    }

    pub async fn list(&self, query: list::Query) -> Result<Listing> {
        if self.kind != Kind::Other {
            return list::list(self, query).await;
        }
        // All below the prefix's folder; the caller puts it in order and makes pages of it.
        let folder = query.prefix.rfind('/').map_or("/", |at| &query.prefix[..=at]);
        let op: OpList = with::ListOptions { recursive: true, ..Default::default() }.into();
        let mut lister = self.service.list(&self.ctx, folder, op)?;
        let mut out = Listing::default();
        loop {
            let entry = match lister.next().await {
                Ok(Some(entry)) => entry,
                Ok(None) => break,
                Err(error) if error.kind() == ErrorKind::NotFound => break,
                Err(error) => return Err(error),
            };
            if entry.path().ends_with('/') || !entry.path().starts_with(&query.prefix) {
                continue;
            }
            if out.entries.len() == MAX_LISTED {
                return Err(Error::new(ErrorKind::Unsupported, "list: the service cannot list so many objects in their order"));
            }
            let meta = entry.metadata();
            let info = self.info_of(meta, 0);
            out.entries.push(Entry {
                key: entry.path().to_string(),
                etag: info.etag,
                size: if meta.is_file() { meta.content_length() } else { 0 },
                modified: info.modified,
            });
        }
        Ok(out)
    }

    pub async fn copy(self: &Arc<Self>, source: &str, target: &str, args: WriteArgs) -> Result<Info> {
        let call = CALL.with(Clone::clone);
        let known = self.stat(source).await?;
        // Not every server that speaks S3 knows conditions of a copy (MinIO passes over them), but of an upload.
        let conditional = args.if_absent || args.if_match.is_some();
        let through = if self.kind == Kind::S3 { conditional && known.size < COPY_IN_PARTS } else { !self.cap.copy };
        if through {
            return self.copy_through(source, target, args).await;
        }
        let mut options = with::CopyOptions { concurrent: self.concurrency, ..Default::default() };
        options.if_not_exists = args.if_absent && self.cap.copy_with_if_not_exists;
        if let Some(etag) = &args.if_match {
            if self.kind == Kind::Gcs {
                options.if_version_match = Some(self.generation(etag)?);
            } else {
                options.if_match = Some(etag.clone());
            }
        }
        if args.if_absent && self.kind == Kind::Gcs {
            options.if_version_match = Some("0".to_string());
            options.if_not_exists = false;
        } else if args.if_absent && !self.cap.copy_with_if_not_exists {
            return Err(Error::new(ErrorKind::Unsupported, "if_none_match: the service has no conditional copies"));
        }
        options.source_content_length_hint = Some(known.size);
        let parts = self.kind == Kind::S3 && (conditional || known.size > COPY_AT_ONCE);
        if parts {
            options.chunk = Some(COPY_PART.min(known.size as usize));
        }
        // S3 copies nothing onto itself without a change, and a copy in parts takes no metadata along.
        if self.kind == Kind::S3 && (source == target || parts) {
            if !parts {
                call.add("x-amz-metadata-directive", "REPLACE");
            }
            for (name, value) in
                [("content-type", &known.content_type), ("cache-control", &known.cache_control), ("content-disposition", &known.content_disposition)]
            {
                if let Some(value) = value {
                    call.add(name, value);
                }
            }
            for (name, value) in &known.metadata {
                call.add_named(&format!("x-amz-meta-{name}"), &text::encode_value(value));
            }
        }
        let op = OpCopy::from_options(&self.cap, options)?;
        let mut copier = self.service.copy(&self.ctx, source, target, op)?;
        let run = async {
            while copier.next().await?.is_some() {}
            copier.close().await
        };
        let outcome = run.await;
        if let Err(error) = outcome {
            let _ = copier.abort().await;
            // The target must be there for if_match to hold.
            if args.if_match.is_some() && error.kind() == ErrorKind::NotFound {
                return Err(condition_failed("if_match"));
            }
            return Err(error);
        }
        self.stat(target).await
    }

    /// For services without a copy of their own, or without conditions of it.
    async fn copy_through(self: &Arc<Self>, source: &str, target: &str, conditions: WriteArgs) -> Result<Info> {
        let mut reader = self.open_read(source.to_string(), ReadArgs::default()).await?;
        let args = WriteArgs {
            content_type: reader.info.content_type.clone(),
            cache_control: reader.info.cache_control.clone(),
            content_disposition: reader.info.content_disposition.clone(),
            metadata: reader.info.metadata.clone(),
            ..conditions
        };
        let mut writer = self.open_write(target.to_string(), args)?;
        let run = async {
            loop {
                let part = reader.next().await?;
                if part.is_empty() {
                    return writer.finish().await;
                }
                writer.push(part.to_bytes()).await?;
            }
        };
        let outcome = run.await;
        if outcome.is_err() {
            writer.abort().await;
        }
        outcome
    }

    pub async fn rename(self: &Arc<Self>, source: &str, target: &str, args: WriteArgs) -> Result<Info> {
        if source == target {
            let info = self.stat(source).await?;
            if args.if_absent || args.if_match.is_some_and(|etag| etag != info.etag) {
                return Err(condition_failed("the target"));
            }
            return Ok(info);
        }
        let info = self.copy(source, target, args).await?;
        if let Err(error) = self.remove_one(source).await {
            CALL.with(|call| call.set_unknown());
            return Err(error);
        }
        Ok(info)
    }

    pub async fn presign(&self, method: &str, key: &str, expires: Duration) -> Result<String> {
        if self.kind == Kind::Other {
            let operation: PresignOperation = match method {
                "GET" => OpRead::new().into(),
                "HEAD" => OpStat::new().into(),
                _ => OpWrite::new().into(),
            };
            let made = self.service.presign(&self.ctx, key, OpPresign::new(operation, expires)).await?;
            return Ok(made.into_presigned_request().uri().to_string());
        }
        let path = percent_encode_path(key);
        let url = match self.kind {
            Kind::Gcs => format!("{}/{}/{path}", self.base, self.bucket),
            _ => format!("{}/{path}", self.base),
        };
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| Error::new(ErrorKind::Unsupported, "method"))?;
        self.signed_url(&method, url, None, expires).await
    }

    /// `length`: of the body, where the signature can be for that too.
    pub async fn signed_url(&self, method: &Method, url: String, length: Option<u64>, expires: Duration) -> Result<String> {
        // An account in the path (emulators) is none of what is signed.
        let signed = match (self.kind, url.split_once("://"), url.strip_prefix(&self.base)) {
            (Kind::Azblob, Some((scheme, rest)), Some(path)) => {
                let host = rest.split('/').next().unwrap_or_default();
                format!("{scheme}://{host}/{}{path}", self.bucket)
            }
            _ => url.clone(),
        };
        let mut request = Request::builder().method(method).uri(signed);
        if let Some(length) = length {
            request = request.header(CONTENT_LENGTH, length);
        }
        let request = request.body(()).map_err(|error| Error::new(ErrorKind::Unexpected, format!("URL: {error}")))?;
        let (mut parts, ()) = request.into_parts();
        self.signing.sign_url(&mut parts, expires, *method == Method::PUT).await?;
        Ok(match self.kind {
            Kind::Azblob => format!("{url}?{}", parts.uri.query().unwrap_or_default()),
            _ => parts.uri.to_string(),
        })
    }
}

fn is_range(error: &Error, call: &Call) -> bool {
    error.kind() == ErrorKind::RangeNotSatisfied || call.status() == 416
}

/// OpenDAL leaves it out of what it reads.
fn add_azure_metadata(info: &mut Info, headers: Option<&http::HeaderMap>) {
    for (name, value) in headers.into_iter().flatten() {
        if let (Some(name), Ok(value)) = (name.as_str().strip_prefix("x-ms-meta-"), value.to_str()) {
            info.metadata.push((text::decode_azure_name(name), text::decode_value(value)));
        }
    }
}

fn range_of(args: &ReadArgs) -> BytesRange {
    if let Some(suffix) = args.suffix {
        return BytesRange::suffix(suffix);
    }
    let offset = args.offset.unwrap_or(0);
    let length = args.length.filter(|length| offset.checked_add(*length).is_some_and(|end| end <= i64::MAX as u64));
    BytesRange::new(offset, length)
}

/// As storage/object.cpp does it.
fn resolve(args: &ReadArgs, size: u64) -> Result<(u64, u64)> {
    let refused = || Error::new(ErrorKind::RangeNotSatisfied, "range");
    if let Some(suffix) = args.suffix {
        if suffix == 0 {
            return Err(refused());
        }
        let part = suffix.min(size);
        return Ok((size - part, part));
    }
    if args.length == Some(0) {
        return Err(refused());
    }
    match args.offset {
        None => Ok((0, args.length.unwrap_or(size).min(size))),
        Some(offset) if offset >= size => Err(refused()),
        Some(offset) => Ok((offset, args.length.unwrap_or(size).min(size - offset))),
    }
}

/// A resumable upload of GCS finds out by itself how far it came; nothing else may be closed twice.
async fn close_of(writer: &mut oio::Writer, store: &Store, call: &Call) -> Result<Metadata> {
    let mut attempt = 0;
    loop {
        match writer.close().await {
            Err(error) if store.kind == Kind::Gcs && error.is_temporary() && attempt < store.policy.retries && !call.unknown() => {
                tokio::time::sleep(backoff(attempt)).await;
                attempt += 1;
            }
            other => return other,
        }
    }
}

/// Of one state of an object: what is read after a break is asked for with its etag.
pub struct Reader {
    store: Arc<Store>,
    key: String,
    pub info: Info,
    pub offset: u64,
    pub size: u64,
    done: u64,
    stream: Option<Box<dyn oio::ReadStreamDyn>>,
    rest: Buffer,
    check: Option<Check>,
    retries: u32,
}

const PIECE: usize = 256 << 10;

impl Reader {
    fn empty(store: Arc<Store>, key: String, info: Info, offset: u64) -> Reader {
        Reader { store, key, info, offset, size: 0, done: 0, stream: None, rest: Buffer::new(), check: None, retries: 0 }
    }

    /// At most 256 KiB; nothing after the last.
    pub async fn next(&mut self) -> Result<Buffer> {
        if self.rest.is_empty() {
            if self.done == self.size {
                return Ok(Buffer::new());
            }
            self.rest = self.fetch().await?;
        }
        let part = self.rest.split_to(PIECE.min(self.rest.len()));
        self.done += part.len() as u64;
        if let Some(check) = &mut self.check {
            part.clone().for_each(|block| check.update(&block));
            if self.done == self.size && !check.holds() {
                CALL.with(|call| call.set_corrupt());
                return Err(Error::new(ErrorKind::Unexpected, "the bytes that came are not those that were stored"));
            }
        }
        Ok(part)
    }

    async fn fetch(&mut self) -> Result<Buffer> {
        loop {
            let left = self.size - self.done;
            let outcome = match &mut self.stream {
                None => self.reopen(left).await.map(|()| Buffer::new()),
                Some(stream) => stream.read().await.and_then(|mut buffer| {
                    if buffer.is_empty() {
                        return Err(Error::new(ErrorKind::Unexpected, "the answer ended too early").set_temporary());
                    }
                    if buffer.len() as u64 > left {
                        buffer.truncate(left as usize);
                    }
                    Ok(buffer)
                }),
            };
            match outcome {
                Ok(buffer) if buffer.is_empty() => {}
                Ok(buffer) => {
                    self.retries = 0;
                    if buffer.len() as u64 == left {
                        self.stream = None; // the connection goes back
                    }
                    return Ok(buffer);
                }
                Err(error) => {
                    self.stream = None;
                    if !error.is_temporary() || self.retries >= self.store.policy.retries {
                        return Err(error);
                    }
                    tokio::time::sleep(backoff(self.retries)).await;
                    self.retries += 1;
                }
            }
        }
    }

    async fn reopen(&mut self, left: u64) -> Result<()> {
        let range = BytesRange::new(self.offset + self.done, Some(left));
        let etag = (!self.info.etag.is_empty()).then(|| self.info.etag.clone());
        match self.store.open_stream(&self.key, range, etag, None).await {
            Ok((_, stream)) => {
                self.stream = Some(stream);
                Ok(())
            }
            Err(error) if matches!(error.kind(), ErrorKind::ConditionNotMatch | ErrorKind::NotFound) => {
                Err(Error::new(ErrorKind::Unexpected, "the connection broke, and the object is another by now"))
            }
            Err(error) => Err(error),
        }
    }

    pub async fn read_all(&mut self) -> Result<Buffer> {
        let mut blocks: Vec<Bytes> = Vec::new();
        loop {
            let part = self.next().await?;
            if part.is_empty() {
                return Ok(Buffer::from(blocks));
            }
            blocks.extend(part);
        }
    }
}

/// Nothing is seen of it before `finish`. Whoever gives it up calls `abort`.
pub struct Writer {
    store: Arc<Store>,
    pub call: Arc<Call>,
    args: WriteArgs,
    inner: oio::Writer,
    blocks: Vec<Bytes>,
    small: BytesMut,
    held: usize,
    size: u64,
    parts: usize,
    failed: bool,
    digest: Option<md5::Md5>,
}

pub fn part_size(part: usize) -> usize {
    PART << (part / PARTS_EACH).min(9)
}

impl Writer {
    /// Waits while the parts before it are being sent.
    pub async fn push(&mut self, mut data: Bytes) -> Result<()> {
        while !data.is_empty() {
            let room = part_size(self.parts) - self.held;
            let piece = data.split_to(room.min(data.len()));
            if let Some(digest) = &mut self.digest {
                md5::Digest::update(digest, &piece);
            }
            self.held += piece.len();
            self.size += piece.len() as u64;
            if piece.len() < 64 << 10 {
                self.small.extend_from_slice(&piece);
            } else {
                self.seal();
                self.blocks.push(piece);
            }
            if self.held == part_size(self.parts) {
                self.send().await?;
            }
        }
        Ok(())
    }

    fn seal(&mut self) {
        if !self.small.is_empty() {
            self.blocks.push(self.small.split().freeze());
        }
    }

    async fn send(&mut self) -> Result<()> {
        self.seal();
        self.held = 0;
        self.parts += 1;
        let part = Buffer::from(std::mem::take(&mut self.blocks));
        if self.parts > 1 && !self.store.cap.write_can_multi {
            self.failed = true;
            return Err(Error::new(ErrorKind::Unsupported, "the service takes an object in one piece only"));
        }
        let sent = self.inner.write(part).await;
        self.failed |= sent.is_err();
        sent
    }

    pub async fn finish(&mut self) -> Result<Info> {
        if self.held > 0 || self.parts == 0 {
            self.send().await?;
        }
        if let Some(digest) = self.digest.take()
            && self.parts > 1
        {
            self.call.add("x-ms-blob-content-md5", &Check::base64(&md5::Digest::finalize(digest)));
        }
        let meta = close_of(&mut self.inner, &self.store, &self.call).await.inspect_err(|_| self.failed = true)?;
        Ok(self.store.written(&meta, self.size, &self.args, &self.call))
    }

    /// Takes back what was sent; tries as often as any request. A part that was on its way may arrive behind the abort and be kept
    /// (S3, AbortMultipartUpload), so S3 is asked again until it knows nothing of the upload.
    pub async fn abort(&mut self) {
        if self.parts <= 1 && !self.failed {
            return;
        }
        for attempt in 0..5 {
            // An error: there is no such upload any more, or the transport has tried often enough.
            if self.inner.abort().await.is_err() || self.store.kind != Kind::S3 {
                return;
            }
            tokio::time::sleep(backoff(attempt)).await;
        }
    }
}

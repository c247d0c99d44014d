//! Whether the bytes that came are the ones that the server holds, by what its answer says of the whole object.
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use crc_fast::{CrcAlgorithm, Digest as Crc};
use http::HeaderMap;
use md5::{Digest, Md5};

use crate::store::{Info, Kind, part_size};

/// In the metadata of what was written in parts: says that they have our sizes, without which S3's checksum of parts says nothing.
pub const PART_MARK: &str = "spikard-parts";

pub enum Check {
    Crc32c { crc: Crc, expected: String },
    Parts { crc: Crc, sums: Vec<u8>, count: usize, left: usize, expected: String },
    Md5 { digest: Md5, expected: String },
}

fn crc() -> Crc {
    Crc::new(CrcAlgorithm::Crc32Iscsi)
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

impl Check {
    pub fn base64(bytes: &[u8]) -> String {
        BASE64_STANDARD.encode(bytes)
    }

    pub fn md5_text(data: &[u8]) -> String {
        Self::base64(&Md5::digest(data))
    }

    pub fn of(kind: Kind, headers: Option<HeaderMap>, info: &Info) -> Option<Check> {
        let headers = headers?;
        match kind {
            Kind::S3 => Self::s3(&headers, info),
            Kind::Gcs => {
                let sums = headers.get_all("x-goog-hash").iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
                let sum = sums.map(str::trim).find_map(|text| text.strip_prefix("crc32c="))?;
                // What is decompressed on the way has the sum of what is stored.
                (!headers.contains_key("x-goog-stored-content-encoding") || header(&headers, "x-goog-stored-content-encoding") == Some("identity"))
                    .then(|| Check::Crc32c { crc: crc(), expected: sum.to_string() })
            }
            Kind::Azblob => header(&headers, "content-md5").map(|sum| Check::Md5 { digest: Md5::new(), expected: sum.to_string() }),
            Kind::Other => None,
        }
    }

    fn s3(headers: &HeaderMap, info: &Info) -> Option<Check> {
        if let Some(sum) = header(headers, "x-amz-checksum-crc32c") {
            let Some((sum, count)) = sum.split_once('-') else {
                return Some(Check::Crc32c { crc: crc(), expected: sum.to_string() });
            };
            let count: usize = count.parse().ok()?;
            header(headers, &format!("x-amz-meta-{PART_MARK}")).filter(|size| *size == part_size(0).to_string())?;
            return Some(Check::Parts { crc: crc(), sums: Vec::new(), count, left: part_size(0), expected: sum.to_string() });
        }
        // An MD5, unless the server encrypts or it was written in parts.
        let etag = info.etag.trim_matches('"');
        let encrypted = header(headers, "x-amz-server-side-encryption").is_some_and(|text| text != "AES256")
            || headers.contains_key("x-amz-server-side-encryption-customer-algorithm");
        if encrypted || etag.len() != 32 || !etag.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let bytes: Vec<u8> = (0..16).filter_map(|i| u8::from_str_radix(&etag[2 * i..2 * i + 2], 16).ok()).collect();
        Some(Check::Md5 { digest: Md5::new(), expected: Self::base64(&bytes) })
    }

    pub fn update(&mut self, mut data: &[u8]) {
        match self {
            Check::Crc32c { crc, .. } => crc.update(data),
            Check::Md5 { digest, .. } => digest.update(data),
            Check::Parts { crc, sums, left, .. } => {
                while !data.is_empty() {
                    let (now, rest) = data.split_at(data.len().min(*left));
                    crc.update(now);
                    *left -= now.len();
                    data = rest;
                    if *left == 0 {
                        sums.extend((crc.finalize() as u32).to_be_bytes());
                        crc.reset();
                        *left = part_size(sums.len() / 4);
                    }
                }
            }
        }
    }

    /// After the last byte.
    pub fn holds(&mut self) -> bool {
        match self {
            Check::Crc32c { crc, expected } => Self::base64(&(crc.finalize() as u32).to_be_bytes()) == *expected,
            Check::Md5 { digest, expected } => Self::base64(&digest.clone().finalize()) == *expected,
            Check::Parts { crc, sums, count, left, expected } => {
                if *left != part_size(sums.len() / 4) {
                    sums.extend((crc.finalize() as u32).to_be_bytes());
                }
                let mut whole = self::crc();
                whole.update(sums);
                sums.len() / 4 == *count && Self::base64(&(whole.finalize() as u32).to_be_bytes()) == *expected
            }
        }
    }
}

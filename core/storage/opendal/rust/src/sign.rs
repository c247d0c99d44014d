//! Requests are signed here, not in OpenDAL: after what it does not set was added, and anew at each retry.
use std::time::Duration;

use http::HeaderValue;
use http::header::HOST;
use http::request::Parts;
use opendal::{Error, ErrorKind, HttpTransporter, Result};
use reqsign_core::{Context, OsEnv, ProvideCredentialChain, Signer};
use reqsign_file_read_tokio::TokioFileRead;

use crate::options::Options;

pub enum Signing {
    /// Nothing is signed, or OpenDAL does it.
    None,
    Aws(Signer<reqsign_aws_v4::Credential>),
    Google(Signer<reqsign_google::Credential>),
    /// A SAS says what it is good for, so each use has a signer; they share nothing but the configuration.
    Azure { requests: Signer<reqsign_azure_storage::Credential>, read: Signer<reqsign_azure_storage::Credential>, write: Signer<reqsign_azure_storage::Credential> },
}

const GOOGLE_SCOPE: &str = "https://www.googleapis.com/auth/devstorage.read_write";

/// Without credentials in the configuration the usual chain is asked at the first request: environment, profile, workload identity,
/// the machine's metadata service.
fn context(http: HttpTransporter) -> Context {
    Context::new().with_file_read(TokioFileRead).with_http_send(http).with_env(OsEnv)
}

impl Signing {
    pub fn aws(options: &Options, http: HttpTransporter) -> Signing {
        use reqsign_aws_v4::{DefaultCredentialProvider, RequestSigner, StaticCredentialProvider};
        let mut chain = ProvideCredentialChain::new();
        if let (Some(key), Some(secret)) = (options.text("access_key_id"), options.text("secret_access_key")) {
            let provider = StaticCredentialProvider::new(key, secret);
            chain = chain.push(match options.text("session_token") {
                Some(token) => provider.with_session_token(token),
                None => provider,
            });
        } else {
            let mut builder = DefaultCredentialProvider::builder();
            if let Some(profile) = options.text("profile") {
                builder = builder.with_profile(profile);
            }
            chain = chain.push(builder.build());
        }
        Signing::Aws(Signer::new(context(http), chain, RequestSigner::new("s3", options.text("region").unwrap_or("us-east-1"))))
    }

    pub fn google(options: &Options, http: HttpTransporter) -> Signing {
        use reqsign_google::{
            DefaultCredentialProvider, FileCredentialProvider, RequestSigner, StaticCredentialProvider, TokenCredentialProvider,
        };
        let mut chain = ProvideCredentialChain::new();
        if let Some(token) = options.text("token") {
            chain = chain.push(TokenCredentialProvider::new(token));
        } else if let Some(content) = options.text("credential") {
            chain = chain.push(StaticCredentialProvider::new(content).with_scope(GOOGLE_SCOPE));
        } else if let Some(path) = options.text("credential_path") {
            chain = chain.push(FileCredentialProvider::new(path).with_scope(GOOGLE_SCOPE));
        } else {
            chain = chain.push(DefaultCredentialProvider::new());
        }
        Signing::Google(Signer::new(context(http), chain, RequestSigner::new("storage").with_scope(GOOGLE_SCOPE)))
    }

    pub fn azure(options: &Options, http: HttpTransporter) -> Signing {
        use reqsign_azure_storage::{DefaultCredentialProvider, RequestSigner, StaticCredentialProvider};
        let signer = |signer: RequestSigner| {
            let mut chain = ProvideCredentialChain::new();
            if let Some(token) = options.text("sas_token") {
                chain = chain.push(StaticCredentialProvider::new_sas_token(token));
            } else if let (Some(name), Some(key)) = (options.text("account_name"), options.text("account_key")) {
                chain = chain.push(StaticCredentialProvider::new_shared_key(name, key));
            } else {
                chain = chain.push(DefaultCredentialProvider::new());
            }
            Signer::new(context(http.clone()), chain, signer)
        };
        Signing::Azure {
            requests: signer(RequestSigner::new()),
            read: signer(RequestSigner::new().with_service_sas_permissions("r")),
            write: signer(RequestSigner::new().with_service_sas_permissions("cw")),
        }
    }

    pub async fn sign(&self, parts: &mut Parts) -> Result<()> {
        match self {
            Signing::None => return Ok(()),
            Signing::Aws(signer) => signer.sign(parts, None).await.map_err(error_of)?,
            Signing::Google(signer) => signer.sign(parts, None).await.map_err(error_of)?,
            Signing::Azure { requests, .. } => {
                parts.headers.entry("x-ms-version").or_insert(HeaderValue::from_static("2022-11-02"));
                requests.sign(parts, None).await.map_err(error_of)?
            }
        }
        parts.headers.remove(HOST); // the transport sets it
        Ok(())
    }

    pub async fn sign_url(&self, parts: &mut Parts, expires: Duration, writes: bool) -> Result<()> {
        match self {
            Signing::None => return Err(Error::new(ErrorKind::Unsupported, "presign: the store has no credentials")),
            Signing::Aws(signer) => signer.sign(parts, Some(expires)).await.map_err(error_of)?,
            Signing::Google(signer) => signer.sign(parts, Some(expires)).await.map_err(error_of)?,
            Signing::Azure { read, write, .. } => {
                let signer = if writes { write } else { read };
                signer.sign(parts, Some(expires)).await.map_err(error_of)?
            }
        }
        Ok(())
    }
}

/// Says what failed, not with what: sources may hold answers of token servers.
fn error_of(error: reqsign_core::Error) -> Error {
    let out = Error::new(ErrorKind::PermissionDenied, format!("no usable credentials ({:?})", error.kind()));
    if error.is_retryable() { out.set_temporary() } else { out }
}

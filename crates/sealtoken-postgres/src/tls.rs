//! TLS by rustls. It always checks the server's certificate and the name in it.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;
use sealtoken_store::StoreError;
use tokio_postgres_rustls::MakeRustlsConnect;

/// A connector that trusts these certificates, or without any, those that the system trusts.
pub(super) fn connector(roots: Option<&[u8]>) -> Result<MakeRustlsConnect, StoreError> {
    // Not installed as the process's default, which is the application's choice.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong("TLS has no usable protocol version").with_source(error))?;
    let builder = match roots {
        Some(pem) => builder.with_root_certificates(trusted(pem)?),
        None => builder.with_platform_verifier().map_err(|error| {
            wrong("the certificates of the system cannot be read").with_source(error)
        })?,
    };
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(MakeRustlsConnect::new(config))
}

fn trusted(pem: &[u8]) -> Result<RootCertStore, StoreError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate
            .map_err(|error| wrong("a root certificate is not in PEM").with_source(error))?;
        roots
            .add(certificate)
            .map_err(|error| wrong("invalid root certificate").with_source(error))?;
    }
    if roots.is_empty() {
        return Err(wrong("no root certificates were given"));
    }
    Ok(roots)
}

fn wrong(reason: &str) -> StoreError {
    StoreError::configuration(reason)
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn the_error_of_the_parser_is_the_source() {
        let pem = "-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n";
        let error = connector(Some(pem.as_bytes())).err().unwrap();
        let expected = StoreError::configuration("a root certificate is not in PEM");
        assert_eq!(error, expected);
        assert!(error.source().is_some());
    }

    #[test]
    fn text_that_is_no_certificate_is_refused() {
        for (pem, expected) in [
            ("", "no root certificates were given"),
            ("text", "no root certificates were given"),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                "invalid root certificate",
            ),
        ] {
            let refused = connector(Some(pem.as_bytes())).err();
            assert_eq!(refused, Some(StoreError::configuration(expected)), "{pem}");
        }
    }
}

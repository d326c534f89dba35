//! TLS by rustls. Whoever asks for it gets a server whose certificate was checked, by name.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;
use sealtoken_store::StoreError;
use tokio_postgres_rustls::MakeRustlsConnect;

/// A connector that trusts these certificates alone, or else those that the system trusts.
pub(super) fn connector(roots: Option<&[u8]>) -> Result<MakeRustlsConnect, StoreError> {
    // Named here and not installed for the process, which is the application's to choose for.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| wrong("TLS has no protocol version"))?;
    let builder = match roots {
        Some(pem) => builder.with_root_certificates(trusted(pem)?),
        None => builder
            .with_platform_verifier()
            .map_err(|_| wrong("the system's certificates cannot be read"))?,
    };
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(MakeRustlsConnect::new(config))
}

fn trusted(pem: &[u8]) -> Result<RootCertStore, StoreError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| wrong("a root certificate is not PEM"))?;
        roots
            .add(certificate)
            .map_err(|_| wrong("a root certificate is not one"))?;
    }
    if roots.is_empty() {
        return Err(wrong("the root certificates are none"));
    }
    Ok(roots)
}

fn wrong(what: &str) -> StoreError {
    StoreError::Configuration(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_refused() {
        for pem in [
            "",
            "text",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            let refused = connector(Some(pem.as_bytes())).err();
            assert!(
                matches!(refused, Some(StoreError::Configuration(_))),
                "{pem}"
            );
        }
    }
}

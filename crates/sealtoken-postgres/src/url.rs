//! The URL of a database, and its settings for TLS.

use std::fmt::Write as _;
use std::path::PathBuf;

use sealtoken_store::StoreError;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// A parsed URL.
pub(super) struct Address {
    pub(super) config: Config,
    /// A file with the certificates to trust, instead of those of the system.
    pub(super) roots: Option<PathBuf>,
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        let (before, query) = split(url)?;
        let mut roots = None;
        let mut mode = None;
        let mut rest = String::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => mode = Some(ssl_mode(value)?),
                Some(("sslrootcert", "system")) => roots = None,
                Some(("sslrootcert", value)) => roots = Some(PathBuf::from(decode(value)?)),
                _ => {
                    let sign = if rest.is_empty() { '?' } else { '&' };
                    let _ = write!(rest, "{sign}{pair}");
                }
            }
        }
        // The parser's error is no source: it may quote a part of the URL, and so of a password.
        let mut config: Config = format!("{before}{rest}")
            .parse()
            .map_err(|_| wrong("the URL is invalid: is the password percent-encoded?"))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(wrong("the URL has no host"));
        }
        config.ssl_mode(mode.unwrap_or_else(|| default_mode(&config)));
        if config.get_application_name().is_none() {
            config.application_name("sealtoken");
        }
        Ok(Self { config, roots })
    }

    pub(super) fn wants_tls(&self) -> bool {
        self.config.get_ssl_mode() != SslMode::Disable
    }
}

/// The URL up to its query, and the query.
fn split(url: &str) -> Result<(&str, &str), StoreError> {
    if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
        return Err(wrong("the URL does not begin with postgres://"));
    }
    // The driver takes everything before the first @ as user and password.
    let host = url.find('@').unwrap_or_default();
    let query = url.get(host..).and_then(|rest| rest.find('?'));
    let query = query.map(|at| at.saturating_add(host));
    Ok(match query.and_then(|at| url.split_at_checked(at)) {
        Some((before, query)) => (before, query.trim_start_matches('?')),
        None => (url, ""),
    })
}

fn ssl_mode(value: &str) -> Result<SslMode, StoreError> {
    match value {
        "disable" => Ok(SslMode::Disable),
        "prefer" => Ok(SslMode::Prefer),
        // Both check the certificate and the name in it.
        "require" | "verify-full" => Ok(SslMode::Require),
        _ => Err(wrong(
            "sslmode is disable, prefer, require (which checks the certificate) or verify-full",
        )),
    }
}

/// The default: no TLS to this machine, TLS required to any other.
fn default_mode(config: &Config) -> SslMode {
    let local = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse()
                    .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
        }
    };
    // If there are addresses, the connection goes to one of them.
    let addresses = config.get_hostaddrs();
    let here = if addresses.is_empty() {
        config.get_hosts().iter().all(local)
    } else {
        addresses.iter().all(std::net::IpAddr::is_loopback)
    };
    if here {
        SslMode::Disable
    } else {
        SslMode::Require
    }
}

/// Decodes the percent signs in a value of the query.
fn decode(text: &str) -> Result<String, StoreError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let (digits, tail) = tail.split_at_checked(2).unwrap_or_default();
        let digits = str::from_utf8(digits).unwrap_or_default();
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| unreadable())?);
        rest = tail;
    }
    String::from_utf8(bytes).map_err(|_| unreadable())
}

fn unreadable() -> StoreError {
    wrong("sslrootcert in the URL is not percent-encoded")
}

fn wrong(reason: &str) -> StoreError {
    StoreError::configuration(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> SslMode {
        Address::parse(url).unwrap().config.get_ssl_mode()
    }

    #[test]
    fn tls_is_required_unless_the_server_is_on_this_machine() {
        for here in [
            "postgres://localhost/db",
            "postgres://u:p@127.0.0.1:5433/db",
            "postgresql://[::1]/db",
            "postgres://u@%2Frun%2Fpostgresql/db",
            "postgres:///db?host=/run/postgresql",
            "postgres://example.com/db?hostaddr=127.0.0.1",
        ] {
            assert_eq!(mode(here), SslMode::Disable, "{here}");
        }
        for away in [
            "postgres://db.example.com/db",
            "postgres://10.0.0.1/db",
            "postgres://localhost,db.example.com/db",
            "postgres://localhost/db?hostaddr=10.0.0.1",
            "postgres://localhost.example.com/db",
        ] {
            assert_eq!(mode(away), SslMode::Require, "{away}");
        }
    }

    #[test]
    fn the_url_decides_about_tls() {
        for (given, meant) in [
            ("disable", SslMode::Disable),
            ("prefer", SslMode::Prefer),
            ("require", SslMode::Require),
            ("verify-full", SslMode::Require),
        ] {
            assert_eq!(
                mode(&format!("postgres://db.example.com/?sslmode={given}")),
                meant
            );
        }
        for refused in ["allow", "verify-ca", "", "REQUIRE"] {
            assert!(Address::parse(&format!("postgres://h/?sslmode={refused}")).is_err());
        }
    }

    #[test]
    fn the_rest_of_the_query_goes_to_the_driver() {
        let url = "postgres://u:p%3Fq@h:1/db?a&sslmode=require";
        assert!(Address::parse(url).is_err());
        let url = "postgres://u:p?q@h:1/db?options=-c%20a%3Db&sslrootcert=/a%20b&connect_timeout=3";
        let address = Address::parse(url).unwrap();
        assert_eq!(address.roots, Some(PathBuf::from("/a b")));
        assert_eq!(address.config.get_options(), Some("-c a=b"));
        assert_eq!(address.config.get_password(), Some(&b"p?q"[..]));
        assert_eq!(address.config.get_dbname(), Some("db"));
        let url = "postgres://h/db?sslrootcert=/a&sslrootcert=system";
        assert_eq!(Address::parse(url).unwrap().roots, None);
        assert!(Address::parse("postgres://h/db?sslrootcert=%2").is_err());
    }

    #[test]
    fn no_error_repeats_the_url() {
        for url in [
            "secret",
            "http://u:secret@h/db",
            "postgres://u:se/secret@h:x/db?secret=1",
            "postgres://u@h/db?secret",
            "postgres://u@h/db?secret=1",
            "postgres://h:secret/db",
            "postgres://h/db?sslmode=secret",
            "postgres:///secret",
        ] {
            let error = Address::parse(url).err().unwrap();
            assert!(matches!(error, StoreError::Configuration { .. }), "{url}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{url}");
            assert!(std::error::Error::source(&error).is_none(), "{url}");
        }
    }
}

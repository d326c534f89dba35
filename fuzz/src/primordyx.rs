//! Makes tokens of the PHP system, and judges what an importer reads from them.

use std::collections::{BTreeMap, BTreeSet};

use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce};
use sha2::{Digest as _, Sha256};

use crate::armour;
use crate::json::{self, Node, Text, Unread};
use crate::payload::{Flaws, LAST};
use crate::plain::Plain;

/// Seals any bytes as a token. The IV is constant, which is unsafe outside of tests.
pub fn seal(passphrase: &str, plaintext: &[u8]) -> String {
    let key: [u8; 32] = Sha256::digest(passphrase).into();
    let iv = [7; 12];
    let mut message = plaintext.to_vec();
    let tag = Aes256Gcm::new(&key.into())
        .encrypt_inout_detached(&Nonce::from(iv), &[], message.as_mut_slice().into())
        .expect("a short message");
    armour::hex(&[&iv, message.as_slice(), tag.as_slice()].concat())
}

/// The plaintext that contains a token's JSON, escaped as by PHP.
pub fn around(inner: &str) -> String {
    let mut text = String::from("{\"k\":\"");
    for unit in inner.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte @ (b'"' | b'\\' | b'/')) => text.extend(['\\', char::from(byte)]),
            Ok(byte @ 0x20..0x7f) => text.push(char::from(byte)),
            _ => text.push_str(&format!("\\u{unit:04x}")),
        }
    }
    text + "\"}"
}

/// The code with which a text is refused without the right passphrase.
pub fn outside(text: &str) -> &'static str {
    let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let length = text.len();
    if digits && length.is_multiple_of(2) && (58..=65_536).contains(&length) {
        "forged"
    } else {
        "malformed"
    }
}

/// The content of a token.
#[derive(Debug)]
pub struct Read {
    pub begun: i64,
    /// `None` means forever.
    pub lifetime: Option<i64>,
    /// A token without a lifetime counts as expired.
    pub has_lifetime: bool,
    pub cargo: Plain,
}

/// Why a token is refused.
#[derive(Debug)]
pub enum Refused {
    /// One of these reasons applies.
    For(BTreeSet<&'static str>),
    /// It is nested too deep for this judge, so any result is right.
    Deep,
}

impl Refused {
    fn payload() -> Self {
        Self::For(BTreeSet::from(["payload"]))
    }
}

impl From<Unread> for Refused {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Grammar => Self::payload(),
            Unread::Deep => Self::Deep,
        }
    }
}

/// Reads an authentic plaintext.
pub fn judge(plaintext: &[u8]) -> Result<Read, Refused> {
    let outer = str::from_utf8(plaintext).map_err(|_| Refused::payload())?;
    let mut texts = object(outer)?.into_iter().filter(|(name, _)| name == "k");
    let (Some((_, Node::Text(inner))), None) = (texts.next(), texts.next()) else {
        return Err(Refused::payload());
    };
    if inner.lone_surrogate {
        return Err(Refused::payload());
    }

    let mut reasons = BTreeSet::new();
    let (mut custom, mut others) = (BTreeMap::new(), BTreeMap::new());
    let (mut begun, mut lifetime) = (None, None);
    let mut seen = BTreeSet::new();
    for (name, node) in object(&inner.text)? {
        if !seen.insert(name.clone()) {
            reasons.insert("payload");
        }
        match name.as_str() {
            "timestamp" => begun = integer(&node),
            "seconds_to_expire" => lifetime = integer(&node),
            "custom" => match map(&node) {
                Some(entries) => custom = entries,
                None => drop(reasons.insert("payload")),
            },
            _ => match value(&node) {
                Some(value) => drop(others.insert(name, value)),
                None => drop(reasons.insert("payload")),
            },
        }
    }

    let has_lifetime = lifetime.is_some();
    let begun = if has_lifetime { begun.unwrap_or(0) } else { 0 };
    if lifetime.is_some_and(|seconds| seconds > LAST) {
        reasons.insert("lifetime_out_of_range");
    }
    if !(0..=LAST).contains(&begun) {
        reasons.insert("timestamp_out_of_range");
    }
    if !reasons.is_empty() {
        return Err(Refused::For(reasons));
    }
    others.append(&mut custom);
    let lifetime = if has_lifetime {
        lifetime.filter(|seconds| *seconds > 0)
    } else {
        Some(1)
    };
    Ok(Read {
        begun,
        lifetime,
        has_lifetime,
        cargo: Plain::Object(others.into_iter().collect()),
    })
}

/// The entries of a text that must be an object.
fn object(text: &str) -> Result<Vec<(String, Node)>, Refused> {
    let (node, rest) = json::read(text)?;
    let Node::Object(entries) = node else {
        return Err(Refused::payload());
    };
    if !json::skip_white(rest).is_empty() || entries.iter().any(|(name, _)| name.lone_surrogate) {
        return Err(Refused::payload());
    }
    Ok(entries
        .into_iter()
        .map(|(name, node)| (name.text, node))
        .collect())
}

/// A map, or a list, whose entries are named by their indices.
fn map(node: &Node) -> Option<BTreeMap<String, Plain>> {
    let entries: Vec<(String, &Node)> = match node {
        Node::Null => Vec::new(),
        Node::Array(nodes) => nodes
            .iter()
            .enumerate()
            .map(|(index, node)| (index.to_string(), node))
            .collect(),
        Node::Object(entries) if entries.iter().all(|(name, _)| !name.lone_surrogate) => entries
            .iter()
            .map(|(Text { text, .. }, node)| (text.clone(), node))
            .collect(),
        _ => return None,
    };
    let mut map = BTreeMap::new();
    for (name, node) in entries {
        if map.insert(name, value(node)?).is_some() {
            return None;
        }
    }
    Some(map)
}

/// A value that a cargo can hold. The token's object and the cargo's enclose it.
fn value(node: &Node) -> Option<Plain> {
    let flaws = Flaws::of(node);
    (!flaws.refused_as_map_around(1))
        .then(|| Plain::of(node).map(Plain::sorted))
        .flatten()
}

/// PHP's `(int)` of a number or a numeric string.
fn integer(node: &Node) -> Option<i64> {
    let spelling = match node {
        Node::Number(spelling) => spelling,
        Node::Text(text) if !text.lone_surrogate => {
            let trimmed = text
                .text
                .trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
            return is_numeric(trimmed).then(|| cut(trimmed));
        }
        _ => return None,
    };
    Some(cut(spelling))
}

/// `[+-]? ([0-9]+ (. [0-9]*)? | . [0-9]+) ([eE] [+-]? [0-9]+)?`
fn is_numeric(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = |text: &str| text.strip_prefix(['+', '-']).unwrap_or(text).to_owned();
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(unsigned(exponent))),
        None => (text, None),
    };
    let mantissa = unsigned(mantissa);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((&mantissa, ""));
    digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(&exponent))
}

/// Truncates the fraction and saturates at the ends of the range.
fn cut(spelling: &str) -> i64 {
    match spelling.parse::<i64>() {
        Ok(integer) => integer,
        #[expect(clippy::cast_possible_truncation, reason = "it saturates")]
        Err(_) => spelling.parse::<f64>().expect("a number") as i64,
    }
}

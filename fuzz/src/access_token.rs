//! The judge for items of the Node system's table.

use std::collections::BTreeSet;

use crate::json::{self, Node, Text, Unread};
use crate::payload::LAST;

/// A valid item, with `value` for the attribute `name`.
pub fn around(name: &str, value: &str) -> String {
    let members = GOOD.map(|(each, good)| {
        let value = if each == name { value } else { good };
        format!("\"{each}\":{value}")
    });
    format!("{{{}}}", members.join(","))
}

/// The attributes with valid values, in the order in which they are checked.
pub const GOOD: [(&str, &str); 9] = [
    ("tokenId", r#"{"S":"34NwRzvnBbgI3uedkrQ3Q"}"#),
    ("secretPhc", r#"{"S":"$fake"}"#),
    ("owner", r#"{"S":"ada"}"#),
    ("isAdmin", r#"{"BOOL":false}"#),
    ("roles", r#"{"SS":["reader"]}"#),
    ("createdAt", r#"{"N":"1763755200"}"#),
    ("lastUsedAt", r#"{"NULL":true}"#),
    ("revokedAt", r#"{"NULL":true}"#),
    ("expiresAt", r#"{"N":"1763755201"}"#),
];

/// The content of an item.
#[derive(Debug, Default, PartialEq)]
pub struct Plain {
    pub token_id: String,
    pub secret_phc: String,
    pub owner: String,
    pub admin: bool,
    pub roles: BTreeSet<String>,
    /// Creation, last use, revocation, expiry.
    pub times: [Option<i64>; 4],
}

/// Why an item is refused.
#[derive(Debug, PartialEq)]
pub enum Refused {
    /// The error's code and attribute.
    For(&'static str, Option<&'static str>),
    /// It is nested deeper than the judge reads, so any result but a panic is right.
    Deep,
}

const MALFORMED: Refused = Refused::For("malformed", None);

pub fn judge(text: &str) -> Result<Plain, Refused> {
    if text.len() > 1 << 20 {
        return Err(Refused::For("too_long", None));
    }
    let node = match json::read(text) {
        Ok((node, rest)) if json::skip_white(rest).is_empty() => node,
        Err(Unread::Deep) => return Err(Refused::Deep),
        _ => return Err(MALFORMED),
    };
    let mut item = members(node)?;
    let has = |item: &[(String, Node)], name| item.iter().position(|(each, _)| each == name);
    if let (None, Some(at)) = (has(&item, "tokenId"), has(&item, "Item")) {
        item = members(item.swap_remove(at).1)?;
    }
    let mut typed = Vec::new();
    for (name, value) in item {
        if let Some((name, _)) = GOOD.iter().find(|(known, _)| *known == name) {
            typed.push((*name, value_of(value).ok_or(MALFORMED)?));
        }
    }
    let names: BTreeSet<&str> = typed.iter().map(|(name, _)| *name).collect();
    if names == BTreeSet::from(["tokenId", "lastUsedAt"]) {
        return Err(Refused::For("ghost", None));
    }
    let mut plain = Plain::default();
    for (name, _) in GOOD {
        let Some(at) = typed.iter().position(|(each, _)| *each == name) else {
            if ["tokenId", "secretPhc", "owner", "createdAt"].contains(&name) {
                return Err(Refused::For("missing", Some(name)));
            }
            continue;
        };
        if !plain.takes(name, typed.swap_remove(at).1) {
            return Err(Refused::For("invalid", Some(name)));
        }
    }
    Ok(plain)
}

impl Plain {
    fn takes(&mut self, name: &str, value: Typed) -> bool {
        let fits = |text: &str, most| (1..=most).contains(&text.chars().count());
        match (name, value) {
            ("tokenId", Typed::S(id)) => {
                let letters = id.chars().all(|letter| letter.is_ascii_alphanumeric());
                self.token_id = id;
                letters && self.token_id.len() == 21
            }
            ("secretPhc", Typed::S(phc)) => {
                self.secret_phc = phc;
                fits(&self.secret_phc, 200)
            }
            ("owner", Typed::S(owner)) => {
                self.owner = owner;
                fits(&self.owner, 100)
            }
            ("isAdmin", Typed::Bool(admin)) => {
                self.admin = admin;
                true
            }
            ("roles", Typed::Texts(roles)) => {
                let few = roles.len() <= 50;
                self.roles = roles.into_iter().collect();
                few && self.roles.iter().all(|role| fits(role, 100))
            }
            ("lastUsedAt" | "revokedAt" | "expiresAt", Typed::Null) => true,
            (name, Typed::N(digits)) => {
                let names = ["createdAt", "lastUsedAt", "revokedAt", "expiresAt"];
                let seconds = digits.parse::<i64>().ok();
                let seconds = seconds.filter(|seconds| (0..=LAST).contains(seconds));
                // Without a sign or leading zeros.
                let seconds = seconds.filter(|seconds| seconds.to_string() == digits);
                let Some(at) = names.iter().position(|each| *each == name) else {
                    return false;
                };
                self.times[at] = seconds.filter(|seconds| *seconds > 0 || at < 2);
                seconds.is_some()
            }
            _ => false,
        }
    }

    /// The item as the Node system writes it.
    pub fn item(&self) -> String {
        let mut item = serde_json::json!({
            "tokenId": {"S": self.token_id},
            "secretPhc": {"S": self.secret_phc},
            "owner": {"S": self.owner},
            "isAdmin": {"BOOL": self.admin},
        });
        if !self.roles.is_empty() {
            item["roles"] = serde_json::json!({"SS": self.roles});
        }
        let names = ["createdAt", "lastUsedAt", "revokedAt", "expiresAt"];
        for (name, time) in names.iter().zip(self.times) {
            if let Some(time) = time {
                item[name] = serde_json::json!({"N": time.to_string()});
            }
        }
        item.to_string()
    }
}

enum Typed {
    S(String),
    N(String),
    Bool(bool),
    Texts(Vec<String>),
    Null,
    Other,
}

fn value_of(value: Node) -> Option<Typed> {
    let (kind, value) = only(value)?;
    Some(match (&*kind, value) {
        ("S", Node::Text(text)) => Typed::S(whole(text)?),
        ("N", Node::Text(text)) => Typed::N(whole(text)?),
        ("BOOL", Node::Bool(value)) => Typed::Bool(value),
        ("NULL", Node::Bool(true)) => Typed::Null,
        ("SS", Node::Array(texts)) => {
            // Values beyond the limit are not checked.
            let texts = texts.into_iter().take(51).map(|text| match text {
                Node::Text(text) => whole(text),
                _ => None,
            });
            Typed::Texts(texts.collect::<Option<_>>()?)
        }
        ("L", Node::Array(values)) => {
            let texts = values.into_iter().take(51).map(|value| match only(value)? {
                (kind, Node::Text(text)) if kind == "S" => whole(text),
                _ => None,
            });
            let texts: Option<Vec<String>> = texts.collect();
            texts.map_or(Typed::Other, Typed::Texts)
        }
        ("B" | "BS" | "M" | "NS", _) => Typed::Other,
        _ => return None,
    })
}

/// The members of an object, whose names must be valid and distinct.
fn members(node: Node) -> Result<Vec<(String, Node)>, Refused> {
    let Node::Object(members) = node else {
        return Err(MALFORMED);
    };
    let members = members
        .into_iter()
        .map(|(name, node)| Some((whole(name)?, node)));
    let members: Vec<_> = members.collect::<Option<_>>().ok_or(MALFORMED)?;
    let names: BTreeSet<&String> = members.iter().map(|(name, _)| name).collect();
    if names.len() < members.len() {
        return Err(Refused::For("repeated", None));
    }
    Ok(members)
}

fn only(node: Node) -> Option<(String, Node)> {
    match node {
        Node::Object(members) if members.len() == 1 => {
            let (name, value) = members.into_iter().next()?;
            Some((whole(name)?, value))
        }
        _ => None,
    }
}

fn whole(text: Text) -> Option<String> {
    (!text.lone_surrogate).then_some(text.text)
}

//! The judge for plaintexts: the sections "Plaintext" and "Opening" of `docs/format.md`.

use std::collections::BTreeSet;

use crate::armour;
use crate::json::{self, Node, Text, Unread};
use crate::plain::Plain;

/// 9999-12-31T23:59:59Z
pub const LAST: i64 = 253_402_300_799;

/// A plaintext whose own members are valid. Its cargo is not checked yet.
#[derive(Debug)]
pub struct Sound {
    pub uuid: [u8; 16],
    pub begun: i64,
    pub lifetime: Option<i64>,
    pub not_before: Option<i64>,
    pub origin: Option<i64>,
    pub cargo: Node,
    /// The cargo as written, without the white space around it.
    pub cargo_text: String,
    pub ends: Vec<(String, i64)>,
}

/// The required result of reading.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict<T> {
    Accept(T),
    /// Only expired entries break the rules, and a reader need not look at those.
    Either(T),
    /// A refusal with one of these codes.
    Refuse(&'static [&'static str]),
}

/// Reads the members by the rules. An error means a refusal as `payload` at any time. With
/// [`Unread::Deep`], an expired token may also be refused as expired.
pub fn judge(plaintext: &[u8]) -> Result<Sound, Unread> {
    let text = str::from_utf8(plaintext).map_err(|_| Unread::Grammar)?;
    let mut rest = text.strip_prefix('{').ok_or(Unread::Grammar)?;
    let mut members = Members::default();
    let mut first = true;
    loop {
        rest = json::skip_white(rest);
        if first && rest.starts_with('}') {
            break;
        }
        first = false;
        let (name, after) = json::read(rest)?;
        let Node::Text(name) = name else {
            return Err(Unread::Grammar);
        };
        rest = json::skip_white(after)
            .strip_prefix(':')
            .ok_or(Unread::Grammar)?;
        rest = json::skip_white(rest);
        let (value, after) = json::read(rest)?;
        let written = &rest[..rest.len() - after.len()];
        members.take(&name, value, written).ok_or(Unread::Grammar)?;
        rest = json::skip_white(after);
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None => break,
        }
    }
    let padding = rest.strip_prefix('}').ok_or(Unread::Grammar)?;
    if !padding.bytes().all(|byte| byte == b' ') {
        return Err(Unread::Grammar);
    }
    members.complete().ok_or(Unread::Grammar)
}

#[derive(Default)]
struct Members {
    uuid: Option<[u8; 16]>,
    begun: Option<i64>,
    lifetime: Option<i64>,
    not_before: Option<i64>,
    origin: Option<i64>,
    cargo: Option<(Node, String)>,
    ends: Option<Vec<(String, i64)>>,
}

impl Members {
    /// `None` if the member breaks a rule.
    fn take(&mut self, name: &Text, value: Node, written: &str) -> Option<()> {
        if name.lone_surrogate {
            return None;
        }
        match name.text.as_str() {
            "u" => fill(&mut self.uuid, uuid(&value)?),
            "t" => fill(&mut self.begun, second(&value)?),
            "x" => fill(
                &mut self.lifetime,
                second(&value).filter(|seconds| *seconds > 0)?,
            ),
            "n" => fill(&mut self.not_before, second(&value)?),
            "o" => fill(&mut self.origin, second(&value)?),
            "c" => fill(&mut self.cargo, (value, written.to_owned())),
            "e" => fill(&mut self.ends, ends(&value)?),
            _ => None,
        }
    }

    fn complete(self) -> Option<Sound> {
        let (cargo, cargo_text) = self.cargo?;
        let begun = self.begun?;
        if self.origin.is_some_and(|origin| origin > begun) {
            return None;
        }
        if let Some(ends) = &self.ends {
            let Node::Object(entries) = &cargo else {
                return None;
            };
            let is_there = |end: &(String, i64)| entries.iter().any(|(name, _)| name.text == end.0);
            if !ends.iter().all(is_there) {
                return None;
            }
        }
        Some(Sound {
            uuid: self.uuid?,
            begun,
            lifetime: self.lifetime,
            not_before: self.not_before,
            origin: self.origin,
            cargo,
            cargo_text,
            ends: self.ends.unwrap_or_default(),
        })
    }
}

/// `None` if the member is repeated.
fn fill<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    slot.replace(value).is_none().then_some(())
}

fn uuid(value: &Node) -> Option<[u8; 16]> {
    let Node::Text(text) = value else {
        return None;
    };
    armour::decode(&text.text)?.try_into().ok()
}

/// `0|[1-9][0-9]*`, up to the end of the year 9999.
fn second(value: &Node) -> Option<i64> {
    let Node::Number(spelling) = value else {
        return None;
    };
    if !spelling.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    spelling.parse().ok().filter(|seconds| *seconds <= LAST)
}

fn ends(value: &Node) -> Option<Vec<(String, i64)>> {
    let Node::Object(entries) = value else {
        return None;
    };
    let mut seen = BTreeSet::new();
    let mut ends = Vec::new();
    for (name, value) in entries {
        if name.lone_surrogate || !seen.insert(&name.text) {
            return None;
        }
        ends.push((name.text.clone(), second(value)?));
    }
    Some(ends)
}

/// The properties of a cargo for which some reader refuses it.
#[derive(Debug, Default, Clone, Copy)]
pub struct Flaws {
    lone_surrogate: bool,
    repeated_name: bool,
    wide_integer: bool,
    beyond_f64: bool,
    levels: usize,
}

impl Flaws {
    pub fn of(node: &Node) -> Self {
        let mut flaws = Self::default();
        flaws.look(node, 0);
        flaws
    }

    fn look(&mut self, node: &Node, level: usize) {
        match node {
            Node::Null | Node::Bool(_) => {}
            Node::Number(spelling) => {
                let integer = !spelling.contains(['.', 'e', 'E']);
                // An integer that does not fit an `i128` is wide as well.
                let in_range = spelling.parse().is_ok_and(|value: i128| {
                    (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&value)
                });
                self.wide_integer |= integer && !in_range;
                self.beyond_f64 |= !spelling.parse().is_ok_and(f64::is_finite);
            }
            Node::Text(text) => self.lone_surrogate |= text.lone_surrogate,
            Node::Array(nodes) => {
                self.levels = self.levels.max(level + 1);
                for node in nodes {
                    self.look(node, level + 1);
                }
            }
            Node::Object(entries) => {
                self.levels = self.levels.max(level + 1);
                let mut seen = BTreeSet::new();
                for (name, node) in entries {
                    self.lone_surrogate |= name.lone_surrogate;
                    self.repeated_name |= !seen.insert(&name.text);
                    self.look(node, level + 1);
                }
            }
        }
    }

    /// Counts the token's own object as a level.
    fn refused_as_map(self) -> bool {
        self.refused_as_map_around(0)
    }

    /// The same for a value that is nested in the cargo this many levels deep.
    pub fn refused_as_map_around(self, levels: usize) -> bool {
        self.lone_surrogate
            || self.repeated_name
            || self.wide_integer
            || self.beyond_f64
            || self.levels + 1 + levels > 64
    }

    fn refused_as_any_type(self) -> bool {
        self.lone_surrogate || self.levels + 1 > 128
    }
}

impl Sound {
    /// The refusal for the time, with the moment in the error.
    pub fn time(&self, now: i64) -> Option<(&'static str, i64)> {
        const SKEW: i64 = 60;
        if self.begun > now.saturating_add(SKEW) {
            return Some(("not_yet_valid", self.begun));
        }
        if let Some(from) = self.not_before.filter(|from| *from > now) {
            return Some(("not_yet_valid", from));
        }
        let end = self.begun + self.lifetime?;
        (end <= now).then_some(("expired", end))
    }

    /// The cargo without its expired entries.
    fn live(&self, now: i64) -> Node {
        match &self.cargo {
            Node::Object(entries) => {
                let live = |(name, _): &&(Text, Node)| {
                    !self
                        .ends
                        .iter()
                        .any(|(ended, end)| *ended == name.text && *end <= now)
                };
                Node::Object(entries.iter().filter(live).cloned().collect())
            }
            other => other.clone(),
        }
    }

    /// Whether no entry has expired at `now`.
    pub fn nothing_has_ended(&self, now: i64) -> bool {
        self.ends.iter().all(|(_, end)| *end > now)
    }

    /// The verdict on reading the cargo as a map, regardless of the token's time.
    pub fn as_map(&self, now: i64) -> Verdict<Plain> {
        let live = self.live(now);
        let is_map = matches!(live, Node::Object(_));
        match Plain::of(&live) {
            Some(plain) if is_map && !Flaws::of(&live).refused_as_map() => {
                if Flaws::of(&self.cargo).refused_as_map() {
                    Verdict::Either(plain.sorted())
                } else {
                    Verdict::Accept(plain.sorted())
                }
            }
            _ => Verdict::Refuse(&["payload"]),
        }
    }

    /// The same for a caller's type that accepts any JSON whose numbers fit an `f64`.
    pub fn as_plain(&self, now: i64) -> Verdict<Plain> {
        let plain = Plain::of(&self.live(now));
        match (self.as_anything(now), plain) {
            (Verdict::Accept(()), Some(plain)) => Verdict::Accept(plain),
            (Verdict::Either(()), Some(plain)) => Verdict::Either(plain),
            _ => Verdict::Refuse(&["payload"]),
        }
    }

    /// The same for a type that ignores its input.
    pub fn as_anything(&self, now: i64) -> Verdict<()> {
        if Flaws::of(&self.live(now)).refused_as_any_type() {
            Verdict::Refuse(&["payload"])
        } else if Flaws::of(&self.cargo).refused_as_any_type() {
            Verdict::Either(())
        } else {
            Verdict::Accept(())
        }
    }

    /// The seconds around which the result changes.
    pub fn moments(&self) -> BTreeSet<i64> {
        let ends = self.ends.iter().map(|(_, end)| *end).take(3);
        let end = self.lifetime.map(|seconds| self.begun + seconds);
        let edges = [
            Some(self.begun - 60),
            Some(self.begun),
            self.not_before,
            end,
        ];
        edges
            .into_iter()
            .flatten()
            .chain(ends)
            .flat_map(|edge| [edge - 1, edge])
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#"{"u":"bASnXsN_QXe_tN8MZ6Ef1w","t":1000"#;

    #[test]
    fn times_are_judged_to_the_second() {
        let text = format!(r#"{HEAD},"x":10,"n":1005,"c":{{}}}}  "#);
        let sound = judge(text.as_bytes()).expect("sound");
        let code = |now| sound.time(now).map(|(code, _)| code);
        assert_eq!(code(939), Some("not_yet_valid"));
        assert_eq!(code(1004), Some("not_yet_valid"));
        assert_eq!(code(1005), None);
        assert_eq!(code(1009), None);
        assert_eq!(code(1010), Some("expired"));
    }

    #[test]
    fn expired_entries_are_dropped_and_may_break_the_rules() {
        let text = format!(r#"{HEAD},"c":{{"a":{{"b":1,"b":2}},"c":3}},"e":{{"a":2000}}}}"#);
        let sound = judge(text.as_bytes()).expect("sound");
        assert_eq!(sound.as_map(1999), Verdict::Refuse(&["payload"]));
        let rest = Plain::Object(vec![("c".into(), Plain::Natural(3))]);
        assert_eq!(sound.as_map(2000), Verdict::Either(rest));
    }
}

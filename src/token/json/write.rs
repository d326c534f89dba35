//! Writes the envelope's own members, in the format's order and without white space.

use uuid::Uuid;

use crate::crypto::base64url;
use crate::crypto::scratch::Scratch;
use crate::token::times::Times;

use super::read::UUID_TEXT;
use super::rules::Unwritable;
use super::values::write_value;

/// Everything before the cargo.
#[inline]
pub(crate) fn write_head(out: &mut Scratch, uuid: &Uuid, times: &Times) {
    // At most 22 characters of UUID, 48 of four integers, and 32 of names and quotes.
    let mut head = Head {
        bytes: [0; 128],
        length: 0,
    };
    let mut text = [0; UUID_TEXT];
    base64url::encode_into(uuid.as_bytes(), &mut text);
    head.push(br#"{"u":""#);
    head.push(&text);
    head.push(br#"","t":"#);
    head.push_integer(times.begun);
    let optional = [
        (br#","x":"#, times.lifetime),
        (br#","n":"#, times.not_before),
        (br#","o":"#, times.origin),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            head.push(name);
            head.push_integer(value);
        }
    }
    head.push(br#","c":"#);
    out.extend(head.bytes.get(..head.length).unwrap_or_default());
}

/// Collects short pieces before they are written to the buffer.
struct Head {
    bytes: [u8; 128],
    length: usize,
}

impl Head {
    #[inline]
    fn push(&mut self, piece: &[u8]) {
        let end = self.length.saturating_add(piece.len());
        if let Some(room) = self.bytes.get_mut(self.length..end) {
            room.copy_from_slice(piece);
            self.length = end;
        }
    }

    #[inline]
    fn push_integer(&mut self, value: i64) {
        self.push(itoa::Buffer::new().format(value).as_bytes());
    }
}

/// Everything after the cargo.
pub(crate) fn write_expiries<'e>(
    out: &mut Scratch,
    expiries: impl Iterator<Item = (&'e str, i64)>,
) -> Result<(), Unwritable> {
    let mut separator: &[u8] = br#","e":{"#;
    let mut any = false;
    for (name, second) in expiries {
        out.extend(separator);
        separator = b",";
        any = true;
        write_value(out, name)?;
        out.extend(b":");
        write_integer(out, second);
    }
    out.extend(if any { b"}}" } else { b"}" });
    Ok(())
}

fn write_integer(out: &mut Scratch, value: i64) {
    out.extend(itoa::Buffer::new().format(value).as_bytes());
}

//! Parses personal access tokens and the decrypted metadata of their records.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealtoken::fuzzing;
use sealtoken_fuzz::pat;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = str::from_utf8(data) {
        presented(text);
        for prefix in pat::PREFIXES {
            presented(&format!("{prefix}{text}"));
            presented(&pat::with_check(&format!("{prefix}{text}")));
        }
        let id = pat::letters(data.iter().copied(), 21);
        presented(&format!("tok-{id}.{text}"));
    }
    ours(data);
    record(data);
});

/// Checks that the crate agrees with the judge.
fn presented(text: &str) {
    let parsed = fuzzing::parse_pat(text);
    match (&parsed, pat::judge(text)) {
        (Ok((id, secret)), Ok((judged, other))) => {
            assert_eq!((id.as_str(), secret), (judged, &other));
        }
        (Err(reason), Err(code)) => assert_eq!(reason.code(), code),
        (parsed, judged) => panic!("{parsed:?} but {judged:?}"),
    }
}

/// A token made of these bytes parses. With one character changed, it does not.
fn ours(data: &[u8]) {
    let (prefix, id) = (
        pat::PREFIXES[data.len() % 2],
        pat::letters(data.iter().copied(), 21),
    );
    let secret = pat::letters(data.iter().rev().copied(), 43);
    let text = pat::with_check(&format!("{prefix}{id}_{secret}"));
    let (parsed, original) = fuzzing::parse_pat(&text).expect("a token");
    assert_eq!((parsed.as_str(), original), (&*id, None));
    let sum = data.iter().map(|byte| usize::from(*byte)).sum::<usize>();
    let place = prefix.len() + sum % (text.len() - prefix.len());
    let mut changed = text.into_bytes();
    changed[place] = if changed[place] == b'x' { b'y' } else { b'x' };
    let changed = String::from_utf8(changed).expect("letters");
    assert!(fuzzing::parse_pat(&changed).is_err());
    presented(&changed);
    let drawn = fuzzing::draw_pat(parsed).expect("randomness");
    assert_eq!(pat::judge(&drawn), Ok((&*id, None)));
}

/// Any decrypted bytes are read or refused. Read metadata has one encoding.
fn record(data: &[u8]) {
    let keep = data.first().map_or(0, |byte| i64::MAX >> (byte % 64));
    let Some(written) = fuzzing::reseal_pat_record(data, keep) else {
        return;
    };
    assert!(written.len() <= data.len());
    let again = fuzzing::reseal_pat_record(&written, keep);
    assert_eq!(again.as_deref(), Some(&written[..]));
}

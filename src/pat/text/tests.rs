use super::*;

fn prefixes() -> Prefixes {
    Prefixes {
        own: Prefix::default(),
        others: vec!["tok-".into(), "pat_x_".into()],
    }
}

fn reason(text: &str) -> Option<Reason> {
    prefixes().parse(text).err()
}

#[test]
fn the_check_is_that_of_zlib_in_six_digits() {
    // From Python: zlib.crc32, and its digits by divmod.
    assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
    assert_eq!(check(b"123456789"), *b"3jZRME");
    assert_eq!(check(b""), *b"000000");
}

#[test]
fn a_token_comes_back_with_its_id_and_one_spelling() {
    let id = PatId::generate().unwrap();
    let token = PatToken::draw(&Prefix::default(), id).unwrap();
    let text = token.expose();
    assert_eq!(text.len(), 4 + 21 + 1 + 43 + 6);
    let prefixes = prefixes();
    let presented = prefixes.parse(text).unwrap();
    assert_eq!((presented.id, presented.hashed), (id, token.hashed()));
    assert!(presented.foreign_secret.is_none());
    for at in 0..text.len() {
        for other in *b"0aZ_.-~\n" {
            let mut changed = text.as_bytes().to_vec();
            if changed[at] == other {
                continue;
            }
            changed[at] = other;
            let changed = String::from_utf8(changed).unwrap();
            let expected = if at < 4 {
                Reason::InvalidPrefix
            } else {
                Reason::InvalidFormat
            };
            assert_eq!(reason(&changed), Some(expected), "{at}");
        }
        assert!(reason(&text[..at]).is_some());
    }
    assert_eq!(reason(&format!("{text}0")), Some(Reason::InvalidFormat));
    assert_eq!(reason(&format!(" {text}")), Some(Reason::InvalidPrefix));
}

#[test]
fn a_secret_of_other_characters_is_no_token_even_where_its_check_is_right() {
    let id = "34NwRzvnBbgI3uedkrQ3Q";
    let with = |letter: &str| {
        let hashed = format!("pat_{id}_{}", letter.repeat(SECRET));
        let check = check(hashed.as_bytes());
        format!("{hashed}{}", std::str::from_utf8(&check).unwrap())
    };
    assert_eq!(reason(&with("a")), None);
    for letter in ["-", "_", ".", " ", "\0"] {
        assert_eq!(reason(&with(letter)), Some(Reason::InvalidFormat));
    }
}

#[test]
fn the_other_systems_tokens_have_one_spelling_too() {
    let id = "34NwRzvnBbgI3uedkrQ3Q";
    let good = format!("pat_{id}.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    let prefixes = prefixes();
    let presented = prefixes.parse(&good).unwrap();
    let secret: Vec<u8> = (0..32).collect();
    assert_eq!(*presented.foreign_secret.unwrap(), secret);
    assert_eq!(presented.hashed, good.as_bytes());
    for prefix in ["tok-", "pat_x_"] {
        assert!(prefixes.parse(&good.replace("pat_", prefix)).is_ok());
    }
    let body = &good[26..69];
    for other in [
        body.to_string(),
        format!("{body}=="),
        format!("{body}= "),
        format!("{body}=x"),
        format!("{}9=", &body[..42]),
        format!("-{}=", &body[1..]),
        format!("{}.{}=", &body[..20], &body[21..]),
        format!("{}:{}=", &body[..20], &body[20..]),
        String::new(),
        "=".into(),
    ] {
        let text = format!("pat_{id}.{other}");
        assert_eq!(reason(&text), Some(Reason::InvalidFormat), "{other}");
    }
    let long = format!("pat_{id}.{}", "AAAA".repeat(60));
    assert_eq!(reason(&long), Some(Reason::InvalidFormat));
}

#[test]
fn prefixes_have_one_shape() {
    for good in [
        "pat_",
        "a_",
        "a__",
        "acme_live_",
        "a0_9_",
        &format!("a{}_", "x".repeat(30)),
    ] {
        assert!(good.parse::<Prefix>().is_ok(), "{good}");
    }
    for bad in [
        "",
        "_",
        "a",
        "pat",
        "Pat_",
        "0a_",
        "_a_",
        "pa t_",
        "pät_",
        "pat-",
        "p.t_",
        "pat_\n",
        &format!("a{}_", "x".repeat(31)),
    ] {
        assert_eq!(bad.parse::<Prefix>(), Err(PatError::InvalidPrefix), "{bad}");
    }
}

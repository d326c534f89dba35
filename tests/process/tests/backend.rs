//! Which backend a process uses. One test, because the choice belongs to the process.

use sealtoken::{Backend, Codec, Key, KeyRing};

fn codec() -> Codec {
    KeyRing::new(Key::from_bytes([7; 32]))
        .codec("backend")
        .expect("a good purpose")
}

fn uses(codec: &Codec, backend: &str) -> bool {
    format!("{codec:?}").contains(&format!("backend: {backend}"))
}

#[test]
fn a_feature_changes_no_backend_until_the_process_asks_for_it() {
    let before = codec();
    assert_eq!(Backend::default(), Backend::RustCrypto);
    assert!(uses(&before, "RustCrypto"));

    #[cfg(feature = "aws-lc")]
    {
        let named = codec().with_backend(Backend::AwsLc);
        assert!(uses(&named, "AwsLc") && uses(&codec(), "RustCrypto"));

        assert!(Backend::AwsLc.make_process_default());
        assert!(uses(&codec(), "AwsLc") && uses(&before, "RustCrypto"));
        assert!(!Backend::RustCrypto.make_process_default());
        assert_eq!(Backend::default(), Backend::AwsLc);

        let text = codec()
            .seal_value(&7, sealtoken::Lifetime::hours(1))
            .expect("it fits");
        let opened = before.open_value::<u8>(&text).expect("the same bytes");
        assert_eq!(opened.into_value(), 7);
    }
}

//! Parses hashes of personal access tokens: they respect their bounds and have one spelling.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealtoken::pat::{PatError, SecretHash};
use sealtoken_fuzz::pat;

fuzz_target!(|text: &str| {
    hash(text);
    // Supply parts that a fuzzer rarely finds.
    let salt_and_hash = "v4lplotCigCl3PL7N/tn9g$xa2Cx9ud8gWr+3QHK1rRHCQ65OVGjjBwaHVwaVF34Ek";
    hash(&format!("$scrypt${text}"));
    hash(&format!("$scrypt${text}${salt_and_hash}"));
    hash(&format!("$scrypt$ln=14,r=8,p=1${text}"));
    hash(&format!("$hmac-sha256$kid={text}"));
    hash(&format!(
        "$hmac-sha256${text}$xa2Cx9ud8gWr+3QHK1rRHCQ65OVGjjBwaHVwaVF34Ek"
    ));
});

fn hash(text: &str) {
    let judged = pat::hash(text);
    match text.parse::<SecretHash>() {
        Ok(hash) => {
            let written = hash.to_string();
            assert_eq!(Some(&written), judged.as_ref(), "{text}");
            assert_eq!(written.parse().as_ref(), Ok(&hash));
            assert_eq!(format!("{hash:?}"), "SecretHash");
        }
        Err(error) => {
            assert_eq!(judged, None, "{text}");
            let PatError::Hash(reason) = error else {
                panic!("{error:?}")
            };
            let codes = ["invalid_phc", "unsupported_algorithm", "invalid_parameters"];
            assert!(codes.contains(&reason.code()));
        }
    }
}

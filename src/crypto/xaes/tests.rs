use serde_json::Value;
use shake::digest::{ExtendableOutput as _, Update as _, XofReader as _};

use super::*;

/// Every backend that is compiled in.
const BACKENDS: &[Backend] = &[
    Backend::RustCrypto,
    #[cfg(feature = "aws-lc")]
    Backend::AwsLc,
];

fn vectors(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}

fn nonce(bytes: [u8; 24]) -> XNonce {
    let (derives, nonce) = bytes.split_at(12);
    [derives.try_into().unwrap(), nonce.try_into().unwrap()]
}

#[test]
fn the_c2sp_vectors_are_met_with_all_intermediates() {
    let file = vectors(include_str!("../../../tests/vectors/xaes256gcm.json"));
    let kats = file["kat"].as_array().unwrap();
    assert_eq!(kats.len(), 2);
    for kat in kats {
        let xaes = Xaes::new(&Secret::from(array::<32>(&kat["K"])));
        let mut l = aes::Block::default();
        xaes.0.schedule.encrypt_block(&mut l);
        assert_eq!(l.as_slice(), bytes(&kat["L"]));
        assert_eq!(xaes.0.k1.as_slice(), bytes(&kat["K1"]));

        let nonce = nonce(array(&kat["N_hex"]));
        for (counter, m) in [(1, "M1"), (2, "M2")] {
            let block = [[0, counter, b'X', 0].as_slice(), &nonce[0]].concat();
            assert_eq!(block, bytes(&kat[m]));
        }
        assert_eq!(xaes.derive(&nonce[0]).0.as_slice(), bytes(&kat["Kx"]));
        assert_eq!(nonce[1].as_slice(), bytes(&kat["Nx"]));

        let plaintext = kat["plaintext"].as_str().unwrap().as_bytes();
        let associated = kat["aad"].as_str().unwrap().as_bytes();
        for backend in BACKENDS {
            let mut message = plaintext.to_vec();
            let tag = xaes.seal(*backend, &nonce, associated, &mut message);
            let tag = tag.unwrap();
            assert_eq!(
                [&message, tag.as_slice()].concat(),
                bytes(&kat["ciphertext"])
            );
            let opened = xaes.open(*backend, &nonce, associated, &mut message, &tag);
            assert_eq!((opened, message.as_slice()), (Ok(()), plaintext));
        }
    }
}

/// The accumulated test of the C2SP specification: random keys, nonces, lengths and data from one
/// stream, all ciphertexts hashed into one value.
fn accumulated(rounds: u32, backend: Backend) -> String {
    let mut stream = shake::Shake128::default().finalize_xof();
    let mut sum = shake::Shake128::default();
    let variable = |stream: &mut dyn FnMut(&mut [u8])| {
        let mut length = [0];
        stream(&mut length);
        let mut data = vec![0; usize::from(length[0])];
        stream(&mut data);
        data
    };
    for _ in 0..rounds {
        let mut read = |out: &mut [u8]| stream.read(out);
        let (mut key, mut bytes) = ([0; 32], [0; 24]);
        read(&mut key);
        read(&mut bytes);
        let plaintext = variable(&mut read);
        let associated = variable(&mut read);

        let (xaes, nonce) = (Xaes::new(&Secret::from(key)), nonce(bytes));
        let mut message = plaintext.clone();
        let tag = xaes
            .seal(backend, &nonce, &associated, &mut message)
            .unwrap();
        sum.update(&message);
        sum.update(&tag);
        let opened = xaes.open(backend, &nonce, &associated, &mut message, &tag);
        assert_eq!((opened, &message), (Ok(()), &plaintext));
    }
    let mut output = [0; 32];
    sum.finalize_xof().read(&mut output);
    hex::encode(output)
}

#[test]
fn ten_thousand_random_messages_give_the_specified_hash() {
    let file = vectors(include_str!("../../../tests/vectors/xaes256gcm.json"));
    for backend in BACKENDS {
        assert_eq!(accumulated(10_000, *backend), file["accumulated"]["10000"]);
    }
}

#[test]
#[ignore = "minutes without optimisation: cargo test --release -- --ignored"]
fn a_million_random_messages_give_the_specified_hash() {
    let file = vectors(include_str!("../../../tests/vectors/xaes256gcm.json"));
    for backend in BACKENDS {
        assert_eq!(
            accumulated(1_000_000, *backend),
            file["accumulated"]["1000000"]
        );
    }
}

/// The AES-256-GCM inside XAES alone, with a message key from Wycheproof's tests.
fn gcm_opens(
    backend: Backend,
    key: [u8; 32],
    nonce: [u8; 12],
    associated: &[u8],
    message: &mut [u8],
    tag: &[u8; TAG],
) -> bool {
    match backend {
        Backend::RustCrypto => OneMessage::new(&key)
            .cipher
            .decrypt_inout_detached(&nonce.into(), associated, message.into(), &Tag::from(*tag))
            .is_ok(),
        #[cfg(feature = "aws-lc")]
        Backend::AwsLc => aws_lc::open(&key, nonce, associated, message, tag).is_ok(),
    }
}

#[test]
fn the_66_wycheproof_cases_of_aes_256_gcm_are_answered_as_they_should_be() {
    let file = vectors(include_str!(
        "../../../tests/vectors/aes256gcm_wycheproof.json"
    ));
    let tests = file["tests"].as_array().unwrap();
    let fits = |test: &&Value| test["ivSize"] == 96 && test["tagSize"] == 128;
    for backend in BACKENDS {
        let (mut valid, mut invalid) = (0, 0);
        for test in tests.iter().filter(fits) {
            let mut message = bytes(&test["ct"]);
            let opened = gcm_opens(
                *backend,
                array(&test["key"]),
                array(&test["iv"]),
                &bytes(&test["aad"]),
                &mut message,
                &array(&test["tag"]),
            );
            let name = format!("{backend:?} tcId {}", test["tcId"]);
            match test["result"].as_str().unwrap() {
                "valid" => {
                    assert!(opened, "{name}");
                    assert_eq!(message, bytes(&test["msg"]), "{name}");
                    valid += 1;
                }
                "invalid" => {
                    assert!(!opened, "{name}");
                    invalid += 1;
                }
                other => panic!("{name}: {other}"),
            }
        }
        assert_eq!((valid, invalid), (39, 27));
    }
}

#[test]
fn what_one_backend_seals_every_other_opens() {
    let xaes = Xaes::new(&Secret::from([5; 32]));
    for length in [0, 1, 15, 16, 17, 400, 3000] {
        let plaintext = vec![0x5c; length];
        let sealed: Vec<_> = BACKENDS
            .iter()
            .map(|backend| {
                let mut message = plaintext.clone();
                let tag = xaes.seal(*backend, &[[1; 12], [2; 12]], b"aad", &mut message);
                (message, tag.unwrap())
            })
            .collect();
        assert!(
            sealed.iter().all(|one| *one == sealed[0]),
            "length {length}"
        );
        for backend in BACKENDS {
            let (mut message, tag) = sealed[0].clone();
            let opened = xaes.open(*backend, &[[1; 12], [2; 12]], b"aad", &mut message, &tag);
            assert_eq!((opened, &message), (Ok(()), &plaintext));
        }
    }
}

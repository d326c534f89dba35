//! The contestants.

mod branca;
mod fernet;
mod floor;
mod jar;
mod jwt;
mod ours;
mod paseto;

use sealtoken::Backend;

use crate::lane::{Lane, seat, seat_opener};
use crate::payload::{Payload, Plain, as_map};

/// The contestant with which all others are compared.
pub const BASELINE: &str = "sealtoken";

/// The baseline with the faster backend, which is not the default.
pub const WITH_AWS_LC: &str = "sealtoken aws-lc";

/// Measured on request, and never charted: other documented routes of the peers, and a
/// combination of ours that follows from the other rows.
pub const EXTRA: [&str; 4] = [
    "sealtoken aws-lc, borrowed",
    "cookie PrivateJar, decrypt",
    "pasetors v4.local, Claims",
    "rusty_paseto v4.local, builder",
];

/// All contestants, with the data as a struct.
pub fn typed<T: Payload>(data: &T, extra: bool) -> Vec<Box<dyn Lane>> {
    let typed = |backend| move || ours::Typed::new(backend);
    let borrowed = |backend| move || ours::Borrowed::new(backend);
    let mut lanes = vec![
        seat(BASELINE, typed(Backend::RustCrypto), data.clone()),
        seat(WITH_AWS_LC, typed(Backend::AwsLc), data.clone()),
        // Borrowing does not affect sealing.
        seat_opener(
            "sealtoken, borrowed",
            borrowed(Backend::RustCrypto),
            data.clone(),
        ),
        seat_opener("floor, borrowed", floor::FloorBorrowed::new, data.clone()),
    ];
    if extra {
        let [ours_borrowed, ..] = EXTRA;
        lanes.push(seat_opener(
            ours_borrowed,
            borrowed(Backend::AwsLc),
            data.clone(),
        ));
    }
    lanes.extend(peers(data, extra));
    lanes
}

/// All contestants, with the same data as a map.
pub fn mapped<T: Payload>(data: &T, extra: bool) -> Vec<Box<dyn Lane>> {
    let map = |backend| move || ours::Map::new(backend);
    let cargo = ours::as_cargo(data);
    let mut lanes = vec![
        seat(BASELINE, map(Backend::RustCrypto), cargo.clone()),
        seat(WITH_AWS_LC, map(Backend::AwsLc), cargo),
    ];
    lanes.extend(peers(&as_map(data), extra));
    lanes
}

/// The contestants that take both structs and maps.
fn peers<D: Plain>(data: &D, extra: bool) -> Vec<Box<dyn Lane>> {
    let mut lanes = vec![
        seat(
            "cookie PrivateJar",
            || jar::PrivateCookie::new(jar::Route::Jar),
            data.clone(),
        ),
        seat("jsonwebtoken HS256", jwt::Jwt::new, data.clone()),
        seat("fernet", fernet::Fernet::new, data.clone()),
        seat("pasetors v4.local", paseto::Pasetors::new, data.clone()),
        seat(
            "rusty_paseto v4.local",
            paseto::RustyPaseto::new,
            data.clone(),
        ),
        seat("branca", branca::Branca::new, data.clone()),
        seat("floor", floor::Floor::new, data.clone()),
    ];
    if extra {
        let [_, decrypt, claims, builder] = EXTRA;
        lanes.extend([
            // It seals as the jar does.
            seat_opener(
                decrypt,
                || jar::PrivateCookie::new(jar::Route::Decrypt),
                data.clone(),
            ),
            seat(claims, paseto::PasetorsWithClaims::new, data.clone()),
            seat(builder, paseto::RustyPasetoBuilder::new, data.clone()),
        ]);
    }
    lanes
}

// error: none
fn main() {
    let key = sealtoken::Key::generate();
    println!("{:?} {}", key, key.id());
    let codec = sealtoken::KeyRing::new(key).codec("purpose").expect("a purpose");
    let _ = codec.seal(&mut sealtoken::Token::new(), sealtoken::Lifetime::hours(1));
}

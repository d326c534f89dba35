// error: E0308
fn seal(codec: sealtoken::Codec) {
    let _ = codec.seal(&mut sealtoken::Token::new(), 60);
}

fn main() {
    let _ = seal;
}

// error: E0061
fn seal(codec: sealtoken::Codec) {
    let _ = codec.seal(&mut sealtoken::Token::new());
}

fn main() {
    let _ = seal;
}

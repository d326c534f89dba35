// error: E0061
fn main() {
    let _ = sealtoken::KeyRing::new(sealtoken::Key::generate()).codec();
}

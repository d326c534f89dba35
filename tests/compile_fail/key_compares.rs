// error: E0369
fn main() {
    let _ = sealtoken::Key::generate() == sealtoken::Key::generate();
}

// error: E0277
fn main() {
    let _ = serde_json::to_string(&sealtoken::Key::generate());
}

// error: E0277
fn main() {
    println!("{}", sealtoken::Key::generate());
}

// error: E0277
fn show(key: sealtoken::PurposeKey) {
    println!("{key}");
}

fn main() {
    let _ = show;
}

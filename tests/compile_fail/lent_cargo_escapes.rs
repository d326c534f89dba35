// error: E0521
fn main() {
    let codec = sealtoken::KeyRing::new(sealtoken::Key::generate()).codec("p").expect("a purpose");
    let mut kept: &str = "";
    let _ = codec.open_with("text", |opened| {
        kept = opened.cargo::<&str>()?;
        Ok(())
    });
    println!("{kept}");
}

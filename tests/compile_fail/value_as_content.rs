// error: E0277
fn main() {
    let _: Option<sealtoken::Token<u64>> = None;
}

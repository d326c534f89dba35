// error: E0369
fn same(one: sealtoken::PurposeKey, other: sealtoken::PurposeKey) -> bool {
    one == other
}

fn main() {
    let _ = same;
}

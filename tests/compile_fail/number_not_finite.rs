// error: E0277
fn main() {
    let _ = sealtoken::Value::from(f64::NAN);
}

//! After a real fork, parent and children continue from the same generator state, and still no
//! nonce repeats.
//!
//! This test runs in a program of its own with one thread, since only the forking thread survives
//! in a child.

#[cfg(all(unix, feature = "sqlite"))]
mod store;
#[cfg(unix)]
mod twins;

fn main() {
    #[cfg(unix)]
    twins::differ();
    #[cfg(all(unix, feature = "sqlite"))]
    store::stays_with_the_parent();
    #[cfg(not(unix))]
    println!("fork: skipped, this system has none");
}

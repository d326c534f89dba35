//! After a real fork, parent and children go on with the same generator, and yet no nonce comes twice.
//!
//! This test is a program of its own with one thread: only the thread that forks lives on in a child.

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
    println!("fork: skipped, there is none here");
}

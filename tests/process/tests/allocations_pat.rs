//! How often verifying a personal access token allocates.

use sealtoken::pat::{PatOptions, PersonalAccessTokens};
use sealtoken::store::MemoryStore;
use sealtoken::{Key, KeyRing};
use sealtoken_process_tests::count::{Counting, allocations};
use tokio::runtime::Builder;

#[global_allocator]
static COUNTING: Counting = Counting;

/// How often verifying a personal access token allocates, with a store in memory.
const VERIFIED: usize = 14;

/// Reporting an operation allocates nothing, whether or not anybody listens.
#[test]
fn a_verified_token_asks_as_often_with_a_listener_as_without() {
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let verified = |options: PatOptions| {
        let keys = KeyRing::new(Key::generate());
        let opened = options
            .last_used_every(None)
            .open(MemoryStore::new(), &keys);
        let pats = runtime.block_on(opened).expect("it opens");
        let issued = runtime.block_on(pats.issue("ada").role("reader").into_future());
        let text = issued.expect("it issues").token;
        let verify = || {
            runtime
                .block_on(pats.verify(text.expose()))
                .expect("it is valid")
        };
        verify();
        let (calls, record) = allocations(verify);
        drop(record);
        calls
    };
    let silent = verified(PersonalAccessTokens::options());
    assert_eq!(verified(PersonalAccessTokens::options().events(())), silent);
    assert_eq!(silent, VERIFIED);
}

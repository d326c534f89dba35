//! A process that writes to SQLite is killed, again and again, and nothing that it acknowledged is lost or half done.
//!
//! `SEALTOKEN_KILLS` says how often; 20 times where it says nothing. What is killed is this test program itself, which is
//! started with the name of its one ignored test.

#[cfg(unix)]
mod beside;
mod check;
mod writer;

use std::path::Path;
use std::time::Duration;

use sealtoken_process_tests::kill;

use check::{Broken, check};

/// Kills so often, and says what was found broken. New files come in between, so that opening is killed, too.
fn killed(mode: &str, times: usize) -> Vec<Broken> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut file = folder.path().join("0.db");
    let mut broken = Vec::new();
    let mut acknowledged = None;
    for at in 0..times {
        let is_new = at % 10 == 0;
        if is_new {
            (file, acknowledged) = (folder.path().join(format!("{at}.db")), None);
        }
        // From the very beginning to some way into the writing; in steps that share no divisor with anything.
        let batches = if is_new && at % 20 == 0 { 0 } else { at % 4 };
        let moment = Duration::from_micros(u64::try_from(at * 1237 % 9001).expect("small"));
        acknowledged = kill::kill(mode, &file, batches, moment).or(acknowledged);
        if let Err(found) = check(&file, acknowledged) {
            broken.push(found);
            // What is broken stays so: on with a new one.
            (file, acknowledged) = (folder.path().join(format!("{at}.new.db")), None);
        }
    }
    broken
}

#[test]
fn nothing_acknowledged_is_lost_or_half_done() {
    let times = kill::times(20);
    assert_eq!(killed("store", times), []);
    println!("{times} processes were killed");
}

/// The control: the same statements with each its own transaction.
#[test]
fn without_a_transaction_the_check_finds_what_is_half_done() {
    let broken = killed("bare", 20);
    assert!(!broken.is_empty(), "the check can fail");
    assert!(!broken.contains(&Broken::Lost), "{broken:?}");
}

#[cfg(unix)]
#[test]
fn two_stores_of_a_file_lose_nothing_while_others_look_at_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (others, after) = beside::killed(&folder.path().join("two.db"));
    assert_eq!((others, after), (vec![100, 200], 200));
}

#[test]
fn processes_that_open_a_new_file_at_once_all_succeed() {
    let folder = tempfile::tempdir().expect("a folder");
    for round in 0..5 {
        let file = folder.path().join(format!("{round}.db"));
        let processes: Vec<_> = (0..8).map(|_| kill::start("one", &file)).collect();
        for process in processes {
            let output = process.wait_with_output().expect("it ends");
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(
                output.status.success() && said.contains("acknowledged 1"),
                "{said}"
            );
        }
        assert_eq!(check::count(&file), 8);
    }
}

#[test]
#[ignore = "started by the others, and killed"]
fn the_process_that_is_killed() {
    if let Some((mode, file)) = kill::asked() {
        writer::run(&mode, Path::new(&file));
    }
}

//! A process that writes to SQLite is killed again and again. No batch that it acknowledged may be
//! lost, and none may be half written.
//!
//! `SEALTOKEN_KILLS` sets the number of kills; the default is 20. The process is this test program
//! again, running only its ignored test.

#[cfg(unix)]
mod beside;
mod check;
mod writer;

use std::path::Path;
use std::time::Duration;

use sealtoken_process_tests::kill;

use check::{Broken, check};

/// Kills the writer `times` times and returns the damage found. New files in between put opening to
/// the test, too.
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
        // From the very start to well into the writing, at moments that follow no regular pattern.
        let batches = if is_new && at % 20 == 0 { 0 } else { at % 4 };
        let moment = Duration::from_micros(u64::try_from(at * 1237 % 9001).expect("small"));
        acknowledged = kill::kill(mode, &file, batches, moment).or(acknowledged);
        if let Err(found) = check(&file, acknowledged) {
            broken.push(found);
            // A broken file stays broken: continue with a new one.
            (file, acknowledged) = (folder.path().join(format!("{at}.new.db")), None);
        }
    }
    broken
}

#[test]
fn no_acknowledged_batch_is_lost_or_half_written() {
    let times = kill::times(20);
    assert_eq!(killed("store", times), []);
    println!("{times} processes were killed");
}

/// The control: the same statements, each in its own transaction.
#[test]
fn without_transactions_the_check_finds_half_written_batches() {
    let broken = killed("bare", 20);
    assert!(!broken.is_empty(), "the check found no damage");
    assert!(!broken.contains(&Broken::Lost), "{broken:?}");
}

#[cfg(unix)]
#[test]
fn two_stores_of_a_file_lose_nothing_while_others_open_and_close_it() {
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
#[ignore = "started and killed by the other tests"]
fn the_process_that_is_killed() {
    if let Some((mode, file)) = kill::asked() {
        writer::run(&mode, Path::new(&file));
    }
}

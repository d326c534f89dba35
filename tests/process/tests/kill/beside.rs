//! Kills a process with two stores of one file, while others open and close the file.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use sealtoken::store::{Change, Outcome, Store};
use sealtoken_process_tests::kill::{self, acknowledge};
use sealtoken_sqlite::SqliteStore;

use crate::check::count;
use crate::writer::{added, record};

/// How many records are written before the others open the file, and again after.
const PART: u64 = 100;

/// The process to be killed. After each part it waits for a line.
pub(crate) async fn write(file: &Path) {
    let open = async || SqliteStore::open(file).await.expect("it opens");
    let mut stores = vec![open().await];
    let mut lines = std::io::stdin().lines();
    for part in 0..2 {
        for at in 1..=PART {
            if part == 0 && at == PART / 2 {
                stores.push(open().await);
            }
            let value = part * PART + at;
            let store = &stores[usize::try_from(value).expect("small") % stores.len()];
            let written = store
                .write(&[Change::Insert(record(added(value), value))])
                .await;
            assert_eq!(written, Ok(Outcome::Written));
            acknowledge(value);
        }
        lines.next();
    }
}

/// Opens and closes the file as another process does; returns the number of records it sees.
fn seen(file: &Path) -> u64 {
    let bare = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE);
    let bare = bare.expect("it opens");
    let count = bare.query_row("SELECT count(*) FROM sealtoken_record", [], |row| {
        row.get::<_, i64>(0)
    });
    bare.query_row("PRAGMA wal_checkpoint", [], |_| Ok(()))
        .expect("it is asked");
    drop(bare);
    remove_log_unless_locked(file).expect("the file opens");
    u64::try_from(count.expect("it reads")).expect("a count")
}

/// Does what SQLite does when it closes a file after a checkpoint: removes the log if no one else
/// holds a lock. Older versions, such as the 3.40 of many systems, check only this lock; the
/// version built in here checks a second one, too.
fn remove_log_unless_locked(path: &Path) -> io::Result<()> {
    let file = File::options().read(true).write(true).open(path)?;
    // SAFETY: all zeros are a valid value of this plain struct.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = libc::F_WRLCK as libc::c_short;
    (lock.l_start, lock.l_len) = (0x4000_0002, 510);
    // SAFETY: the descriptor is open, and the lock outlives the call.
    if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLK, &raw const lock) } == 0 {
        for beside in ["-shm", "-wal"] {
            let _or_gone = fs::remove_file(format!("{}{beside}", path.display()));
        }
    }
    Ok(())
}

/// Kills a process that writes to a new file through two stores. Returns the number of records that
/// others saw after each part, and the number left.
pub(crate) fn killed(file: &Path) -> (Vec<u64>, u64) {
    let mut child = kill::start("two", file);
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut commands = child.stdin.take().expect("piped");
    let mut others = Vec::new();
    for part in 1..=2 {
        let last = format!("acknowledged {}", part * PART);
        let said = lines.find(|line| line.as_ref().is_ok_and(|line| *line == last));
        said.expect("the writer writes").expect("a line");
        others.push(seen(file));
        if part == 1 {
            writeln!(commands, "go on").expect("the pipe is open");
        }
    }
    child.kill().expect("it runs");
    child.wait().expect("it ended");
    (others, count(file))
}

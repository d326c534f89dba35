//! A process that is killed: this test program itself, started with the name of its one ignored test.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Which writer is started, on which file.
const MODE: &str = "SEALTOKEN_KILL_MODE";
const FILE: &str = "SEALTOKEN_KILL_FILE";

/// How often: `SEALTOKEN_KILLS`, or so often where it says nothing.
pub fn times(unless_set: usize) -> usize {
    let kills = std::env::var("SEALTOKEN_KILLS");
    kills.map_or(unless_set, |kills| kills.parse().expect("a number"))
}

/// What was asked of the process that is killed, in it.
pub fn asked() -> Option<(String, String)> {
    Some((std::env::var(MODE).ok()?, std::env::var(FILE).ok()?))
}

/// Says, in the process that is killed, that something was done.
pub fn acknowledge(what: u64) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "acknowledged {what}").expect("the pipe is open");
    out.flush().expect("the pipe is open");
}

pub fn start(mode: &str, file: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args([
            "--exact",
            "the_process_that_is_killed",
            "--ignored",
            "--nocapture",
        ])
        .env(MODE, mode)
        .env(FILE, file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts")
}

/// Runs the writer until it has acknowledged some batches, waits a moment, and kills it. Returns the last acknowledged one.
pub fn kill(mode: &str, file: &Path, batches: usize, moment: Duration) -> Option<u64> {
    let mut child = start(mode, file);
    let output = BufReader::new(child.stdout.take().expect("piped"));
    let (sender, acknowledged) = mpsc::channel();
    // What was acknowledged before the kill is still in the pipe after it.
    let reading = thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            if let Some(batch) = line.strip_prefix("acknowledged ") {
                sender
                    .send(batch.parse::<u64>().ok())
                    .expect("someone listens");
            }
        }
    });
    let mut last = None;
    for _ in 0..batches {
        let batch = acknowledged.recv_timeout(Duration::from_secs(60));
        last = batch.expect("the writer writes");
    }
    thread::sleep(moment);
    // SIGKILL.
    child.kill().expect("it runs");
    child.wait().expect("it ended");
    reading.join().expect("it read to the end");
    acknowledged.try_iter().last().unwrap_or(last)
}

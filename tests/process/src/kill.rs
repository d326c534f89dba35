//! A process that is killed: this test program itself, started with the name of its one ignored test.

use std::fmt::Display;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
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

const DONE: &str = "acknowledged ";

/// Says, in the process that is killed, that something was done.
pub fn acknowledge(what: impl Display) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{DONE}{what}").expect("the pipe is open");
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

/// A process that runs until it is killed, and what it acknowledges.
pub struct Running {
    child: Child,
    acknowledged: Receiver<String>,
    reading: JoinHandle<()>,
}

impl Running {
    pub fn start(mode: &str, file: &Path) -> Self {
        let mut child = start(mode, file);
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, acknowledged) = mpsc::channel();
        // What was acknowledged before the kill is still in the pipe after it.
        let reading = thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Some(what) = line.strip_prefix(DONE) {
                    sender.send(what.to_owned()).expect("someone listens");
                }
            }
        });
        Self {
            child,
            acknowledged,
            reading,
        }
    }

    /// Waits for so many more acknowledgements, and gives them.
    pub fn wait(&self, count: usize) -> Vec<String> {
        let next = || self.acknowledged.recv_timeout(Duration::from_secs(60));
        (0..count)
            .map(|_| next().expect("the writer writes"))
            .collect()
    }

    /// Kills it (SIGKILL), and gives what it acknowledged since.
    pub fn kill(mut self) -> Vec<String> {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ended");
        self.reading.join().expect("it read to the end");
        self.acknowledged.try_iter().collect()
    }
}

/// Runs the writer until it has acknowledged some batches, waits a moment, and kills it. Returns the last acknowledged one.
pub fn kill(mode: &str, file: &Path, batches: usize, moment: Duration) -> Option<u64> {
    let running = Running::start(mode, file);
    let mut acknowledged = running.wait(batches);
    thread::sleep(moment);
    acknowledged.extend(running.kill());
    acknowledged
        .last()
        .map(|batch| batch.parse().expect("a number"))
}

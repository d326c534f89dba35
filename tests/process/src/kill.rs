//! Starts and kills processes. Each is this test program again, running only its ignored test.

use std::fmt::Display;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Tell the process which writer to run, on which file.
const MODE: &str = "SEALTOKEN_KILL_MODE";
const FILE: &str = "SEALTOKEN_KILL_FILE";

/// The number of kills: `SEALTOKEN_KILLS`, or the default.
pub fn times(unless_set: usize) -> usize {
    let kills = std::env::var("SEALTOKEN_KILLS");
    kills.map_or(unless_set, |kills| kills.parse().expect("a number"))
}

/// Mode and file, as seen in the process to be killed; `None` in other processes.
pub fn asked() -> Option<(String, String)> {
    Some((std::env::var(MODE).ok()?, std::env::var(FILE).ok()?))
}

const DONE: &str = "acknowledged ";

/// Acknowledges a step, in the process to be killed.
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
        .expect("the process starts")
}

/// A process that runs until it is killed, and its acknowledgements.
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
        // Acknowledgements sent before the kill are still in the pipe after it.
        let reading = thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Some(what) = line.strip_prefix(DONE) {
                    sender.send(what.to_owned()).expect("the receiver is alive");
                }
            }
        });
        Self {
            child,
            acknowledged,
            reading,
        }
    }

    /// Waits for `count` more acknowledgements and returns them.
    pub fn wait(&self, count: usize) -> Vec<String> {
        let next = || self.acknowledged.recv_timeout(Duration::from_secs(60));
        (0..count)
            .map(|_| next().expect("the writer writes"))
            .collect()
    }

    /// Kills the process (SIGKILL) and returns its acknowledgements since the last wait.
    pub fn kill(mut self) -> Vec<String> {
        self.child.kill().expect("the process runs");
        self.child.wait().expect("the process ended");
        self.reading.join().expect("the reader does not panic");
        self.acknowledged.try_iter().collect()
    }
}

/// Runs the writer until it has acknowledged some batches, waits a moment, and kills it. Returns
/// the last acknowledged batch.
pub fn kill(mode: &str, file: &Path, batches: usize, moment: Duration) -> Option<u64> {
    let running = Running::start(mode, file);
    let mut acknowledged = running.wait(batches);
    thread::sleep(moment);
    acknowledged.extend(running.kill());
    acknowledged
        .last()
        .map(|batch| batch.parse().expect("a number"))
}

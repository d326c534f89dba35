//! An endpoint that answers as a test decides, which no emulator does.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::Value;

/// The answer to a request.
pub(super) enum Answer {
    /// Status and body.
    Reply(u16, Value),
    /// The connection ends without an answer.
    Cut,
    /// Nothing, for longer than any timeout.
    Wait,
}

/// An error in DynamoDB's format.
pub(super) fn error(status: u16, code: &str) -> Answer {
    let kind = format!("com.amazonaws.dynamodb.v20120810#{code}");
    Answer::Reply(status, serde_json::json!({"__type": kind, "message": "no"}))
}

pub(super) fn ok() -> Answer {
    Answer::Reply(200, serde_json::json!({}))
}

/// A request: its operation and its body.
pub(super) type Request = (String, Value);

/// A fake service. When it is dropped, nothing listens at its address any more.
pub(super) struct Fake {
    pub(super) url: String,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

struct Shared {
    stopped: AtomicBool,
    seen: Mutex<Vec<Request>>,
}

impl Fake {
    /// Answers each request by this function, except the one for the table's shape.
    pub(super) fn new(answer: impl Fn(usize, &Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            stopped: AtomicBool::new(false),
            seen: Mutex::default(),
        });
        let (ours, answer) = (shared.clone(), Arc::new(answer));
        let listening = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ours.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (shared, answer) = (ours.clone(), answer.clone());
                std::thread::spawn(move || serve(stream.unwrap(), &shared, &*answer));
            }
        });
        Self {
            url,
            shared,
            listening: Some(listening),
        }
    }

    /// The requests so far, except those for the table's shape.
    pub(super) fn seen(&self) -> Vec<Request> {
        self.shared.seen.lock().unwrap().clone()
    }

    pub(super) fn forget(&self) {
        self.shared.seen.lock().unwrap().clear();
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // The thread waits for a connection. This is the last one.
        let last = TcpStream::connect(self.url.trim_start_matches("http://"));
        // Until the thread ends, connections are accepted and then cut.
        if let (Ok(_), Some(listening)) = (last, self.listening.take()) {
            let _ = listening.join();
        }
    }
}

fn serve(stream: TcpStream, shared: &Shared, answer: &dyn Fn(usize, &Request) -> Answer) {
    let Some(request) = read(&stream) else {
        return;
    };
    let answer = if request.0 == "DescribeTable" {
        Answer::Reply(200, shape())
    } else {
        let at = {
            let mut seen = shared.seen.lock().unwrap();
            seen.push(request.clone());
            seen.len() - 1
        };
        answer(at, &request)
    };
    match answer {
        Answer::Cut => {}
        Answer::Wait => std::thread::sleep(std::time::Duration::from_secs(5)),
        Answer::Reply(status, body) => {
            let body = body.to_string();
            let head = "content-type: application/x-amz-json-1.0\r\nconnection: close";
            let length = body.len();
            let text =
                format!("HTTP/1.1 {status} x\r\n{head}\r\ncontent-length: {length}\r\n\r\n{body}");
            let _ = (&stream).write_all(text.as_bytes());
        }
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let (mut target, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        match name.to_ascii_lowercase().as_str() {
            "x-amz-target" => target = value.rsplit('.').next()?.to_owned(),
            "content-length" => length = value.trim().parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((target, serde_json::from_slice(&body).ok()?))
}

/// The description of a table with the right shape.
fn shape() -> Value {
    let template = sealtoken_dynamodb::DynamoStore::cloud_formation("table");
    let template: Value = serde_json::from_str(&template).unwrap();
    let mut table = template["Resources"]["SealtokenTable"]["Properties"].clone();
    table["TableStatus"] = "ACTIVE".into();
    serde_json::json!({"Table": table})
}

//! A proxy in front of the server that interferes with messages: it plays poolers and broken
//! networks.

use std::io::{Read, Result, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;

/// What happens to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Pass,
    /// The server never sees it. The client gets an error with this SQLSTATE.
    Refuse(&'static str),
    /// The server executes it, but the connection ends before the client gets an answer.
    LoseReply,
}

type Rule = dyn Fn(&str) -> Act + Send + Sync;

/// A running proxy. It stops with the process, and does not delay the end of a test.
pub struct Proxy {
    pub url: String,
}

impl Proxy {
    /// A proxy for the server at a URL. The rule sees the text of each simple query and of each
    /// statement to parse.
    pub fn new(url: &str, rule: impl Fn(&str) -> Act + Send + Sync + 'static) -> Self {
        let (before, rest) = url.split_once("127.0.0.1:").expect("a server of the tests");
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (port, after) = rest.split_at(end);
        let server = format!("127.0.0.1:{port}");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("{before}{}{after}", listener.local_addr().unwrap());
        let rule: Arc<Rule> = Arc::new(rule);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (server, rule) = (TcpStream::connect(&server), rule.clone());
                if let (Ok(client), Ok(server)) = (client, server) {
                    thread::spawn(move || serve(client, server, &*rule));
                }
            }
        });
        Self { url }
    }
}

fn serve(mut client: TcpStream, mut server: TcpStream, rule: &Rule) -> Result<()> {
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let lost = Arc::new(AtomicBool::new(false));
    // Both directions write to the client, so each writes a whole message at a time.
    let to_client = Arc::new(Mutex::new(client.try_clone()?));
    let (from_server, back, losing) = (server.try_clone()?, to_client.clone(), lost.clone());
    thread::spawn(move || answers(from_server, &back, &losing));
    let end = questions(&mut client, &mut server, &to_client, &lost, rule);
    // In any case, the server should not wait for another message.
    let _ = server.shutdown(Shutdown::Both);
    end
}

/// Forwards or refuses the messages of the client until it disconnects.
fn questions(
    client: &mut TcpStream,
    server: &mut TcpStream,
    to_client: &Mutex<TcpStream>,
    lost: &AtomicBool,
    rule: &Rule,
) -> Result<()> {
    // The first message has no kind: it begins a session, or cancels a statement.
    server.write_all(&body(client, Vec::new())?)?;
    loop {
        let message = message(client)?;
        match text(&message).map_or(Act::Pass, rule) {
            Act::Refuse(code) => to_client.lock().unwrap().write_all(&refusal(code))?,
            act => {
                if act == Act::LoseReply {
                    lost.store(true, SeqCst);
                }
                server.write_all(&message)?;
            }
        }
    }
}

/// Forwards the messages of the server, or drops them until the end of a lost reply.
fn answers(mut server: TcpStream, client: &Mutex<TcpStream>, lost: &AtomicBool) -> Result<()> {
    loop {
        let message = message(&mut server);
        let mut client = client.lock().unwrap();
        let message = match message {
            Ok(message) => message,
            Err(end) => {
                let _ = client.shutdown(Shutdown::Both);
                return Err(end);
            }
        };
        if !lost.load(SeqCst) {
            client.write_all(&message)?;
        } else if message.first() == Some(&b'Z') {
            let _ = client.shutdown(Shutdown::Both);
            return server.shutdown(Shutdown::Both);
        }
    }
}

fn message(from: &mut impl Read) -> Result<Vec<u8>> {
    let mut kind = [0];
    from.read_exact(&mut kind)?;
    body(from, kind.to_vec())
}

fn body(from: &mut impl Read, mut message: Vec<u8>) -> Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    message.extend(length);
    let start = message.len();
    let rest = usize::try_from(u32::from_be_bytes(length)).unwrap() - 4;
    message.resize(start + rest, 0);
    from.read_exact(&mut message[start..])?;
    Ok(message)
}

/// The SQL of a simple query (`Q`), or of a statement to parse (`P`), behind its name.
fn text(message: &[u8]) -> Option<&str> {
    let rest = &message[5..];
    let rest = match message[0] {
        b'Q' => rest,
        b'P' => &rest[rest.iter().position(|byte| *byte == 0)? + 1..],
        _ => return None,
    };
    str::from_utf8(rest.split(|byte| *byte == 0).next()?).ok()
}

/// An error message, followed by the one that the server is ready.
fn refusal(code: &str) -> Vec<u8> {
    let fields = format!("SERROR\0VERROR\0C{code}\0Mrefused by a proxy\0\0");
    let length = u32::try_from(fields.len() + 4).unwrap();
    let mut answer = vec![b'E'];
    answer.extend(length.to_be_bytes());
    answer.extend(fields.as_bytes());
    answer.extend(b"Z\0\0\0\x05I");
    answer
}

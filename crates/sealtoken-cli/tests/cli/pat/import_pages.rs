//! The pages of a table of `@access-tokens/core`, from a service that answers as a test decides.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;

use sealtoken::Key;
use sealtoken_import::access_tokens::Table;
use sealtoken_test_servers::dynamodb::client;
use serde_json::{Value, json};

const A: &str = "AAAAAAAAAAAAAAAAAAAAA";
const B: &str = "BBBBBBBBBBBBBBBBBBBBB";
const C: &str = "CCCCCCCCCCCCCCCCCCCCC";

/// A service that gives these answers in this order, one to a connection, and ends.
struct Fake {
    url: String,
    /// Returns where each scan began.
    serving: JoinHandle<Vec<Value>>,
}

impl Fake {
    fn new(answers: Vec<(u16, Value)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = std::thread::spawn(move || {
            let serve = |answer| serve(&listener, answer);
            answers.into_iter().map(serve).collect()
        });
        Self { url, serving }
    }

    /// Where each scan began.
    fn starts(self) -> Vec<Value> {
        self.serving.join().unwrap()
    }
}

fn serve(listener: &TcpListener, (status, answer): (u16, Value)) -> Value {
    let (stream, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(&stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim().to_ascii_lowercase().split_once(':') {
            Some(("content-length", value)) => length = value.trim().parse().unwrap(),
            None if line.trim().is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let answer = answer.to_string();
    let head = "content-type: application/x-amz-json-1.0\r\nconnection: close";
    let length = answer.len();
    let text = format!("HTTP/1.1 {status} x\r\n{head}\r\ncontent-length: {length}\r\n\r\n{answer}");
    (&stream).write_all(text.as_bytes()).unwrap();
    let request: Value = serde_json::from_slice(&body).unwrap();
    request["ExclusiveStartKey"]["tokenId"]["S"].clone()
}

fn item(id: &str) -> Value {
    json!({
        "tokenId": {"S": id}, "secretPhc": {"S": "$fake"}, "owner": {"S": "ada@example.com"},
        "isAdmin": {"BOOL": false}, "createdAt": {"N": "1700000000"},
    })
}

/// A page, and the id at which the next one begins.
fn page(items: &[Value], next: Option<&str>) -> (u16, Value) {
    let mut page = json!({"Items": items, "Count": items.len()});
    if let Some(next) = next {
        page["LastEvaluatedKey"] = json!({"tokenId": {"S": next}});
    }
    (200, page)
}

/// An error that the SDK does not retry.
fn denied() -> (u16, Value) {
    let kind = "com.amazonaws.dynamodb.v20120810#AccessDeniedException";
    (400, json!({"__type": kind, "message": "no"}))
}

#[tokio::test]
async fn neither_an_empty_page_nor_an_error_loses_or_repeats_a_token() {
    let fake = Fake::new(vec![
        page(&[item(A)], Some(A)),
        page(&[], Some(B)),
        denied(),
        page(&[item(C)], None),
    ]);
    let mut table = Table::new(client(&fake.url), "tokens");
    let mut next = async || {
        let token = table.next().await;
        token.map(|token| {
            token
                .map(|token| token.id.to_string())
                .map_err(|e| e.code())
        })
    };
    assert_eq!(next().await, Some(Ok(A.to_owned())));
    assert_eq!(next().await, Some(Err("unavailable")));
    assert_eq!(next().await, Some(Ok(C.to_owned())));
    assert_eq!(next().await, None);
    assert_eq!(next().await, None);
    assert_eq!(table.last_id(), Some(C));
    assert_eq!(fake.starts(), [Value::Null, A.into(), B.into(), B.into()]);
}

#[tokio::test]
async fn an_item_without_an_id_is_not_reported_under_that_of_another() {
    let mut nameless = item(A);
    nameless["tokenId"] = json!({"N": "1"});
    let fake = Fake::new(vec![page(&[item(A), nameless, item(C)], None)]);
    let mut table = Table::new(client(&fake.url), "tokens");
    for (id, is_token) in [(Some(A), true), (None, false), (Some(C), true)] {
        assert_eq!(table.next().await.unwrap().is_ok(), is_token);
        assert_eq!(table.last_id(), id);
    }
}

/// Also if the item before the error has no id.
#[test]
fn an_import_that_ends_early_says_where_to_continue() {
    let mut nameless = item(A);
    nameless["tokenId"] = json!({"N": "1"});
    let fake = Fake::new(vec![
        page(&[item(A), item(B), nameless], Some(C)),
        denied(),
        page(&[item(C)], None),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let from = format!("dynamodb:tokens?region=eu-central-1&endpoint={}", fake.url);
    let run = |more: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_sealtoken"))
            .current_dir(folder.path())
            .args(["pat", "import", "--from", &from])
            .args(more)
            .env("SEALTOKEN_KEYS", &*Key::from_bytes([7; 32]).expose())
            .env("SEALTOKEN_STORE", "sqlite:pats.db")
            .env("AWS_ACCESS_KEY_ID", "AKIATEST")
            .env("AWS_SECRET_ACCESS_KEY", "not a secret")
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), output.stdout, said)
    };
    let (status, _, said) = run(&[]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("no id: invalid: tokenId"), "{said}");
    assert!(
        said.contains(&format!("continue with --after {B}\n")),
        "{said}"
    );
    let (status, stdout, said) = run(&["--after", B]);
    assert_eq!((status, &*stdout), (Some(0), &b"1\n"[..]), "{said}");
    assert_eq!(fake.starts(), [Value::Null, C.into(), B.into()]);
}

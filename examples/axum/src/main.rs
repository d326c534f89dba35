//! Sessions, reset links and personal access tokens in one axum application.
//!
//! ```console
//! cargo run --manifest-path examples/axum/Cargo.toml
//! ```

mod reset;
mod session;
#[cfg(test)]
mod tests;
mod tokens;
mod users;

use std::error::Error;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::{self, HeaderName};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use sealtoken::pat::PersonalAccessTokens;
use sealtoken::store::MemoryStore;
use sealtoken::{Codec, Key, KeyRing};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use users::Users;

/// What every handler can reach. A clone is cheap.
#[derive(Clone)]
struct App {
    sessions: Codec,
    resets: Codec,
    pats: PersonalAccessTokens,
    users: Users,
    mails: UnboundedSender<Mail>,
}

struct Mail {
    to: String,
    text: String,
}

impl App {
    /// One ring for everything. Each purpose has a key of its own.
    async fn open(keys: &KeyRing) -> Result<(Self, UnboundedReceiver<Mail>), Box<dyn Error>> {
        let (mails, outbox) = unbounded_channel();
        let app = Self {
            // Padded, so that the length of a cookie says nothing about its user.
            sessions: keys.codec("session")?.with_padding(64),
            resets: keys.codec("password-reset")?,
            // A service: sealtoken_sqlite::SqliteStore::open("app.db").await?
            pats: PersonalAccessTokens::open(MemoryStore::new(), keys).await?,
            users: Users::default(),
            mails,
        };
        Ok((app, outbox))
    }
}

fn router(app: App) -> Router {
    let pages = Router::new()
        .route("/", get(session::home))
        .route("/sign-in", get(session::form).post(session::sign_in))
        .route("/sign-out", post(session::sign_out))
        .route("/tokens", get(tokens::list).post(tokens::issue))
        .route("/tokens/{id}/revoke", post(tokens::revoke))
        .layer(from_fn_with_state(app.clone(), session::layer));
    let links = Router::new()
        .route("/forgot", get(reset::ask).post(reset::send))
        .route("/reset/{user}/{token}", get(reset::form).post(reset::save));
    let api = Router::new()
        .route("/api/me", get(tokens::me))
        .route("/api/deploy", post(tokens::deploy));
    pages
        .merge(links)
        .merge(api)
        .layer(from_fn(own_forms))
        .layer(map_response(headers))
        .layer(DefaultBodyLimit::max(16 * 1024))
        .with_state(app)
}

/// Refuses the forms of other sites, signing in included. Browsers say where a form comes from;
/// other clients send no cookie by accident.
async fn own_forms(request: Request, next: Next) -> Response {
    let site = request.headers().get("sec-fetch-site");
    let site = site.map(header::HeaderValue::as_bytes);
    let is_own = matches!(site, None | Some(b"same-origin" | b"none"));
    if request.method() == Method::POST && !is_own {
        return StatusCode::FORBIDDEN.into_response();
    }
    next.run(request).await
}

/// No page here is cached, framed, or sent as a referrer: some URLs hold a token.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
];

async fn headers(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        let value = header::HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let keys = match std::env::var("SEALTOKEN_KEYS") {
        Ok(keys) => keys.parse()?,
        Err(_) => KeyRing::new(Key::generate()), // sessions end with the process
    };
    let (app, mut outbox) = App::open(&keys).await?;
    let hash = users::hash("correct horse".into());
    let hash = hash.await.map_err(|status| status.to_string())?;
    app.users.add("ada@example.com", hash, true);
    tokio::spawn(async move {
        while let Some(mail) = outbox.recv().await {
            println!("To: {}\n\n{}\n", mail.to, mail.text);
        }
    });

    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://localhost:3000, ada@example.com, correct horse");
    let pats = app.pats.clone();
    axum::serve(listener, router(app))
        .with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) })
        .await?;
    pats.flush().await; // the last uses of tokens are written in the background
    Ok(())
}

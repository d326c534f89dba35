//! Sign-in, and a sealed session cookie: it slides while it is used, and ends when the password
//! changes.

use axum::Form;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{COOKIE, HeaderMap, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use sealtoken::Lifetime;
use serde::{Deserialize, Serialize};

use crate::App;
use crate::users::{self, User};

const NAME: &str = "__Host-session";
const IDLE: Lifetime = Lifetime::minutes(20); // without a request
const ABSOLUTE: Lifetime = Lifetime::hours(8); // from sign-in, however much it is used

#[derive(Serialize, Deserialize)]
struct Session {
    user: u64,
    epoch: u32,
}

/// The user of the request. Without one, a page that asks for it leads to the sign-in.
#[derive(Clone)]
pub(crate) struct SignedIn(pub(crate) User);

impl<S: Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Redirect;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Redirect> {
        let user = parts.extensions.get::<Self>();
        user.cloned().ok_or_else(|| Redirect::to("/sign-in"))
    }
}

/// Around each page: opens the session, and renews it where that is due.
pub(crate) async fn layer(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let opened = cookie(request.headers()).and_then(|text| open(&app, text));
    let Some((user, renewed)) = opened else {
        return next.run(request).await;
    };
    request.extensions_mut().insert(SignedIn(user));
    let mut response = next.run(request).await;
    // A handler that has set the cookie, such as the sign-out, has the last word.
    if let Some(renewed) = renewed
        && !response.headers().contains_key(SET_COOKIE)
    {
        response.headers_mut().insert(SET_COOKIE, renewed);
    }
    response
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let values = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut cookies = values.flat_map(|value| value.split(';'));
    cookies.find_map(|cookie| cookie.trim().strip_prefix(NAME)?.strip_prefix('='))
}

/// The user of a session that is good, and the cookie that renews it.
fn open(app: &App, text: &str) -> Option<(User, Option<HeaderValue>)> {
    let opened = app.sessions.open_value::<Session>(text);
    let mut session = opened
        .inspect_err(|error| eprintln!("session: {}", error.code()))
        .ok()?;
    let user = app.users.by_id(session.value().user)?;
    // A changed password raises the epoch, which ends all older sessions.
    if session.value().epoch != user.session_epoch {
        return None;
    }
    let renewed = app
        .sessions
        .renew_if_due(&mut session, IDLE, ABSOLUTE)
        .ok()?;
    let max_age = session.remaining().map_or(0, |left| left.as_secs());
    Some((user, renewed.and_then(|text| set_cookie(&text, max_age))))
}

fn set_cookie(text: &str, max_age: u64) -> Option<HeaderValue> {
    // Lax: a form of another site sends no session, and no GET changes anything.
    let attributes = "Path=/; Secure; HttpOnly; SameSite=Lax";
    format!("{NAME}={text}; Max-Age={max_age}; {attributes}")
        .parse()
        .ok()
}

/// The answer that signs a user in and leads home.
pub(crate) fn begin(app: &App, user: &User) -> Result<Response, StatusCode> {
    let session = Session {
        user: user.id,
        epoch: user.session_epoch,
    };
    let sealed = app.sessions.seal_value(&session, IDLE);
    let text = sealed.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let seconds = IDLE.as_duration().unwrap_or_default().as_secs();
    let cookie = set_cookie(&text, seconds).ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(([(SET_COOKIE, cookie)], Redirect::to("/")).into_response())
}

pub(crate) async fn home(SignedIn(user): SignedIn) -> Html<String> {
    Html(format!(
        "<p>You are signed in as user {}. <a href=/tokens>Your tokens</a></p>
         <form method=post action=/sign-out><button>Sign out</button></form>",
        user.id
    ))
}

pub(crate) async fn form() -> Html<&'static str> {
    Html(
        "<form method=post><input name=email type=email> <input name=password type=password>
         <button>Sign in</button></form> <a href=/forgot>Forgot your password?</a>",
    )
}

#[derive(Deserialize)]
pub(crate) struct SignIn {
    email: String,
    password: String,
}

pub(crate) async fn sign_in(
    State(app): State<App>,
    Form(form): Form<SignIn>,
) -> Result<Response, StatusCode> {
    let user = app.users.by_email(&form.email);
    let is_right = users::verify(form.password, user.as_ref()).await?;
    let user = user.filter(|_| is_right).ok_or(StatusCode::UNAUTHORIZED)?;
    begin(&app, &user)
}

/// Takes the cookie away. To end every session of a user, raise the epoch.
pub(crate) async fn sign_out() -> Result<Response, StatusCode> {
    let cookie = set_cookie("", 0).ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(([(SET_COOKIE, cookie)], Redirect::to("/sign-in")).into_response())
}

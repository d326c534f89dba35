//! Reset links: each is bound to the password hash that it replaces, so it works once.

use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, Response};
use sealtoken::{Codec, KeyError, Lifetime, Token};
use serde::Deserialize;

use crate::users::{self, User};
use crate::{App, Mail, session};

type Refused = (StatusCode, &'static str);

/// One answer, whether the link was used, forged, cut off or has expired.
const NOT_VALID: Refused = (StatusCode::NOT_FOUND, "This link is no longer valid.");
const TOO_SHORT: Refused = (
    StatusCode::BAD_REQUEST,
    "A password has at least 8 characters.",
);
const LATER: Refused = (StatusCode::SERVICE_UNAVAILABLE, "Please try again later.");

fn codec(app: &App, user: &User) -> Result<Codec, KeyError> {
    app.resets
        .bound_to([&user.id.to_string(), &user.email, &user.password_hash])
}

pub(crate) async fn ask() -> Html<&'static str> {
    Html("<form method=post><input name=email type=email> <button>Send a link</button></form>")
}

#[derive(Deserialize)]
pub(crate) struct Ask {
    email: String,
}

/// The same answer whether or not the address has an account.
pub(crate) async fn send(State(app): State<App>, Form(form): Form<Ask>) -> Refused {
    if let Some(user) = app.users.by_email(&form.email) {
        let sealed = codec(&app, &user).map(|c| c.seal(&mut Token::new(), Lifetime::minutes(30)));
        let Ok(Ok(token)) = sealed else { return LATER };
        let text = format!("http://localhost:3000/reset/{}/{token}", user.id);
        // The mail goes out behind the request: its duration would tell who has an account.
        if app
            .mails
            .send(Mail {
                to: user.email,
                text,
            })
            .is_err()
        {
            return LATER;
        }
    }
    (
        StatusCode::ACCEPTED,
        "If the address has an account, a link is on its way.",
    )
}

/// The user whom a link is for. The id finds the row, the token proves that we made the link.
fn user_of(app: &App, id: u64, token: &str) -> Result<User, Refused> {
    let user = app.users.by_id(id).ok_or(NOT_VALID)?;
    let opened = codec(app, &user).map_err(|_| NOT_VALID)?.open(token);
    match opened {
        Ok(_) => Ok(user),
        Err(error) => {
            eprintln!("reset link of user {id}: {}", error.code());
            Err(NOT_VALID)
        }
    }
}

/// Changes nothing: mail scanners follow links, too.
pub(crate) async fn form(
    State(app): State<App>,
    Path((id, token)): Path<(u64, String)>,
) -> Result<Html<&'static str>, Refused> {
    user_of(&app, id, &token)?;
    let form = "<form method=post><input name=password type=password> <button>Save</button></form>";
    Ok(Html(form))
}

#[derive(Deserialize)]
pub(crate) struct Save {
    password: String,
}

pub(crate) async fn save(
    State(app): State<App>,
    Path((id, token)): Path<(u64, String)>,
    Form(form): Form<Save>,
) -> Result<Response, Refused> {
    let user = user_of(&app, id, &token)?;
    if form.password.chars().count() < 8 {
        return Err(TOO_SHORT);
    }
    let hash = users::hash(form.password).await.map_err(|_| LATER)?;
    // Two requests can get here with one link. The database lets one of them through.
    let saved = app.users.replace_hash(id, &user.password_hash, hash);
    session::begin(&app, &saved.ok_or(NOT_VALID)?).map_err(|_| LATER)
}

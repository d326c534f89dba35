//! Personal access tokens: issued, listed and revoked by their owner, presented to the API.

use axum::Form;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Redirect, Response};
use sealtoken::pat::{PatError, PatId, PatRecord};
use sealtoken::{Lifetime, PublicError, UnixTime};
use serde::Deserialize;

use crate::App;
use crate::session::SignedIn;

/// An error as an answer: the status, and no more than a caller may learn.
pub(crate) struct Failure {
    status: StatusCode,
    retry_after: Option<u64>,
}

impl Failure {
    const UNAUTHORIZED: Self = Self::new(StatusCode::UNAUTHORIZED);

    const fn new(status: StatusCode) -> Self {
        Self {
            status,
            retry_after: None,
        }
    }

    /// `refused` is 401 for a presented token, 404 for an operation on one.
    fn of(public: PublicError, refused: StatusCode) -> Self {
        match public {
            PublicError::Refused => Self::new(refused),
            PublicError::Invalid => Self::new(StatusCode::BAD_REQUEST),
            PublicError::TryLater { retry_after } => Self {
                status: StatusCode::TOO_MANY_REQUESTS,
                retry_after: Some(retry_after.as_secs().saturating_add(1)),
            },
            _ => Self::new(StatusCode::SERVICE_UNAVAILABLE),
        }
    }
}

impl From<PatError> for Failure {
    fn from(error: PatError) -> Self {
        eprintln!("tokens: {}", error.code());
        Self::of(error.public(), StatusCode::NOT_FOUND)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let challenge = self.status == StatusCode::UNAUTHORIZED;
        let challenge = challenge.then_some([(WWW_AUTHENTICATE, "Bearer")]);
        let retry = self
            .retry_after
            .map(|seconds| [(RETRY_AFTER, seconds.to_string())]);
        (self.status, challenge, retry, ()).into_response()
    }
}

/// The token of a request to the API, verified.
pub(crate) struct Bearer(PatRecord);

impl FromRequestParts<App> for Bearer {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let header = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let (scheme, text) = header
            .and_then(|h| h.split_once(' '))
            .ok_or(Failure::UNAUTHORIZED)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Failure::UNAUTHORIZED);
        }
        let verified = app.pats.verify(text.trim()).await;
        verified.map(Self).map_err(|error| {
            eprintln!("api: {}", error.code());
            Failure::of(error.public(), StatusCode::UNAUTHORIZED)
        })
    }
}

impl Bearer {
    /// 403, and only here: the token is good, and not for this.
    fn require(&self, role: &str) -> Result<&PatRecord, Failure> {
        let record = &self.0;
        record
            .has_role(role)
            .then_some(record)
            .ok_or(Failure::new(StatusCode::FORBIDDEN))
    }
}

/// The names of tokens come from users.
fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

fn row(token: &PatRecord) -> String {
    format!(
        "<tr><td>{}<td>{}<td>{}<td>{}<td>
         <form method=post action=/tokens/{}/revoke><button>Revoke</button></form>\n",
        escape(token.name.as_deref().unwrap_or_default()),
        escape(&token.roles.join(", ")),
        token.state_at(UnixTime::now()),
        token
            .expires_at
            .map_or_else(String::new, |at| at.to_string()),
        token.id,
    )
}

/// The user's tokens, and a form for a new one. A service whose users may
/// have more than 100 tokens pages by `after`.
pub(crate) async fn list(
    State(app): State<App>,
    SignedIn(user): SignedIn,
) -> Result<Html<String>, Failure> {
    let owner = user.id.to_string();
    let page = app.pats.owned_by(&owner).list().limit(100).await?;
    let mut rows = String::new();
    for token in page.entries {
        match token {
            Ok(token) => rows += &row(&token),
            // One record was changed in the database. The others are still listed.
            Err(error) => eprintln!("tokens: {}", error.code()),
        }
    }
    let deploy = if user.may_deploy {
        "<label><input name=deploy type=checkbox> may deploy</label> "
    } else {
        ""
    };
    Ok(Html(format!(
        "<form method=post><input name=name> {deploy}<button>New token</button></form>
         <table><tr><th>Name<th>Roles<th>State<th>Expires<th>
         {rows}</table>"
    )))
}

#[derive(Deserialize)]
pub(crate) struct Issue {
    name: String,
    /// Browsers send a checkbox only if it is checked.
    deploy: Option<String>,
}

/// Shows the token, once: the store does not have it. Nobody gives a token more than they have.
pub(crate) async fn issue(
    State(app): State<App>,
    SignedIn(user): SignedIn,
    Form(form): Form<Issue>,
) -> Result<(StatusCode, String), Failure> {
    if form.deploy.is_some() && !user.may_deploy {
        return Err(Failure::new(StatusCode::FORBIDDEN));
    }
    let issue = app.pats.issue(user.id.to_string());
    let mut issue = issue.name(form.name).role("reader");
    if form.deploy.is_some() {
        issue = issue.role("deployer");
    }
    let issued = issue.expires(Lifetime::days(90)).await?;
    Ok((StatusCode::CREATED, issued.token.expose().to_owned()))
}

/// Through `owned_by`, so that nobody revokes the token of somebody else.
pub(crate) async fn revoke(
    State(app): State<App>,
    SignedIn(user): SignedIn,
    Path(id): Path<String>,
) -> Result<Redirect, Failure> {
    let id: PatId = id.parse()?;
    let owner = user.id.to_string();
    app.pats.owned_by(&owner).revoke(id).await?;
    Ok(Redirect::to("/tokens"))
}

pub(crate) async fn me(bearer: Bearer) -> Result<String, Failure> {
    Ok(format!("user {}", bearer.require("reader")?.owner))
}

/// The token has the role, and its owner still has the right.
pub(crate) async fn deploy(State(app): State<App>, bearer: Bearer) -> Result<StatusCode, Failure> {
    let token = bearer.require("deployer")?;
    let owner = token.owner.parse().ok();
    let owner = owner.and_then(|id| app.users.by_id(id));
    if !owner.is_some_and(|owner| owner.may_deploy) {
        return Err(Failure::new(StatusCode::FORBIDDEN));
    }
    Ok(StatusCode::ACCEPTED)
}

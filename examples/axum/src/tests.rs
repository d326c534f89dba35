//! Requests through the router, without a server.

use std::error::Error;

use axum::Router;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, SET_COOKIE, WWW_AUTHENTICATE};
use axum::http::{HeaderName, Request, Response, StatusCode};
use http_body_util::BodyExt;
use sealtoken::{Key, KeyRing};
use tokio::sync::mpsc::UnboundedReceiver;
use tower::ServiceExt;

use crate::users::Users;
use crate::{App, Mail, router, users};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

struct Site {
    router: Router,
    outbox: UnboundedReceiver<Mail>,
    users: Users,
}

impl Site {
    async fn new() -> Outcome<Self> {
        let (app, outbox) = App::open(&KeyRing::new(Key::generate())).await?;
        for (email, may_deploy) in [("ada@example.com", true), ("bob@example.com", false)] {
            let hash = users::hash("correct horse".into());
            let hash = hash.await.map_err(|status| status.to_string())?;
            app.users.add(email, hash, may_deploy);
        }
        Ok(Self {
            users: app.users.clone(),
            router: router(app),
            outbox,
        })
    }

    async fn send(
        &self,
        line: &str,
        header: (HeaderName, &str),
        form: &str,
    ) -> Outcome<Response<Body>> {
        let (method, path) = line.split_once(' ').ok_or("no method")?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header.0, header.1)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned()))?;
        Ok(self.router.clone().oneshot(request).await?)
    }

    async fn sign_in(&self, email: &str, password: &str) -> Outcome<Response<Body>> {
        let form = format!("email={email}&password={password}");
        self.send("POST /sign-in", (COOKIE, ""), &form).await
    }

    /// The path of a reset link for Ada.
    async fn link(&mut self) -> Outcome<String> {
        let asked = self
            .send("POST /forgot", (COOKIE, ""), "email=ada@example.com")
            .await?;
        assert_eq!(asked.status(), StatusCode::ACCEPTED);
        let mail = self.outbox.try_recv()?;
        let path = mail
            .text
            .strip_prefix("http://localhost:3000")
            .ok_or("no link")?;
        Ok(path.to_owned())
    }
}

fn cookie(response: &Response<Body>) -> Outcome<String> {
    let value = response
        .headers()
        .get(SET_COOKIE)
        .ok_or("no cookie")?
        .to_str()?;
    Ok(value.split(';').next().unwrap_or_default().to_owned())
}

async fn text(response: Response<Body>) -> Outcome<String> {
    Ok(String::from_utf8(
        response.into_body().collect().await?.to_bytes().to_vec(),
    )?)
}

#[tokio::test]
async fn a_password_signs_in_and_the_cookie_is_the_session() -> Outcome {
    let site = Site::new().await?;
    for (email, password) in [
        ("ada@example.com", "wrong"),
        ("eve@example.com", "correct horse"),
    ] {
        let refused = site.sign_in(email, password).await?;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    }
    let signed_in = site.sign_in("ada@example.com", "correct horse").await?;
    assert_eq!(signed_in.status(), StatusCode::SEE_OTHER);
    let session = cookie(&signed_in)?;

    let home = site.send("GET /", (COOKIE, &session), "").await?;
    assert_eq!(home.status(), StatusCode::OK);
    let without = site
        .send("GET /", (COOKIE, "__Host-session=st1_forged"), "")
        .await?;
    assert_eq!(without.status(), StatusCode::SEE_OTHER);
    let out = site.send("POST /sign-out", (COOKIE, &session), "").await?;
    assert_eq!(cookie(&out)?, "__Host-session=");
    Ok(())
}

#[tokio::test]
async fn a_reset_link_works_once_and_ends_old_sessions() -> Outcome {
    let mut site = Site::new().await?;
    let old = cookie(&site.sign_in("ada@example.com", "correct horse").await?)?;
    let unknown = site
        .send("POST /forgot", (COOKIE, ""), "email=eve@example.com")
        .await?;
    assert_eq!(unknown.status(), StatusCode::ACCEPTED);
    assert!(site.outbox.try_recv().is_err());

    let link = site.link().await?;
    let page = site.send(&format!("GET {link}"), (COOKIE, ""), "").await?;
    assert_eq!(page.status(), StatusCode::OK);
    assert_eq!(page.headers()["referrer-policy"], "no-referrer");
    assert_eq!(page.headers()["cache-control"], "no-store");
    let others = link.replacen("/1/", "/2/", 1);
    let refused = site
        .send(&format!("GET {others}"), (COOKIE, ""), "")
        .await?;
    assert_eq!(refused.status(), StatusCode::NOT_FOUND);

    let post = format!("POST {link}");
    let short = site.send(&post, (COOKIE, ""), "password=short").await?;
    assert_eq!(short.status(), StatusCode::BAD_REQUEST);
    let saved = site
        .send(&post, (COOKIE, ""), "password=battery staple")
        .await?;
    assert_eq!(saved.status(), StatusCode::SEE_OTHER);
    let again = site
        .send(&post, (COOKIE, ""), "password=battery staple")
        .await?;
    assert_eq!(again.status(), StatusCode::NOT_FOUND);

    let home = site.send("GET /", (COOKIE, &old), "").await?;
    assert_eq!(
        home.status(),
        StatusCode::SEE_OTHER,
        "the old session has ended"
    );
    let home = site.send("GET /", (COOKIE, &cookie(&saved)?), "").await?;
    assert_eq!(home.status(), StatusCode::OK);
    let refused = site.sign_in("ada@example.com", "correct horse").await?;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    Ok(())
}

#[tokio::test]
async fn of_two_requests_at_once_with_one_link_one_wins() -> Outcome {
    let mut site = Site::new().await?;
    let post = format!("POST {}", site.link().await?);
    let save = |password| site.send(&post, (COOKIE, ""), password);
    let (first, second) = tokio::join!(save("password=the first one"), save("password=the other"));
    let mut statuses = [first?.status(), second?.status()];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::SEE_OTHER, StatusCode::NOT_FOUND]);
    Ok(())
}

#[tokio::test]
async fn the_api_takes_tokens_and_answers_with_the_right_status() -> Outcome {
    let site = Site::new().await?;
    let ada = cookie(&site.sign_in("ada@example.com", "correct horse").await?)?;
    let bob = cookie(&site.sign_in("bob@example.com", "correct horse").await?)?;
    let issued = site
        .send("POST /tokens", (COOKIE, &ada), "name=laptop")
        .await?;
    assert_eq!(issued.status(), StatusCode::CREATED);
    let token = text(issued).await?;
    let bearer = format!("Bearer {token}");

    let me = site
        .send("GET /api/me", (AUTHORIZATION, &bearer), "")
        .await?;
    assert_eq!(
        (me.status(), text(me).await?.as_str()),
        (StatusCode::OK, "user 1")
    );
    let deploy = site
        .send("POST /api/deploy", (AUTHORIZATION, &bearer), "")
        .await?;
    assert_eq!(deploy.status(), StatusCode::FORBIDDEN);
    for header in ["Bearer pat_mistyped", "Basic YWRh", ""] {
        let refused = site
            .send("GET /api/me", (AUTHORIZATION, header), "")
            .await?;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(refused.headers()[WWW_AUTHENTICATE], "Bearer");
    }
    let nameless = site.send("POST /tokens", (COOKIE, &ada), "name=").await?;
    assert_eq!(nameless.status(), StatusCode::BAD_REQUEST);

    let id = token.get("pat_".len().."pat_".len() + 21).ok_or("no id")?;
    let revoke = format!("POST /tokens/{id}/revoke");
    let by_bob = site.send(&revoke, (COOKIE, &bob), "").await?;
    assert_eq!(by_bob.status(), StatusCode::NOT_FOUND);
    let by_ada = site.send(&revoke, (COOKIE, &ada), "").await?;
    assert_eq!(by_ada.status(), StatusCode::SEE_OTHER);
    let revoked = site
        .send("GET /api/me", (AUTHORIZATION, &bearer), "")
        .await?;
    assert_eq!(revoked.status(), StatusCode::UNAUTHORIZED);
    Ok(())
}

#[tokio::test]
async fn users_see_and_revoke_their_own_tokens() -> Outcome {
    let site = Site::new().await?;
    let ada = cookie(&site.sign_in("ada@example.com", "correct horse").await?)?;
    let bob = cookie(&site.sign_in("bob@example.com", "correct horse").await?)?;
    let issued = site
        .send("POST /tokens", (COOKIE, &ada), "name=%3Cb%3Elaptop")
        .await?;
    let token = text(issued).await?;
    let id = token.get("pat_".len().."pat_".len() + 21).ok_or("no id")?;

    let theirs = text(site.send("GET /tokens", (COOKIE, &ada), "").await?).await?;
    assert!(theirs.contains(id) && theirs.contains("live"), "{theirs}");
    assert!(theirs.contains("&lt;b&gt;laptop") && !theirs.contains("<b>"));
    assert!(!theirs.contains(&token));
    let others = text(site.send("GET /tokens", (COOKIE, &bob), "").await?).await?;
    assert!(!others.contains(id), "{others}");
    let nobody = site.send("GET /tokens", (COOKIE, ""), "").await?;
    assert_eq!(nobody.status(), StatusCode::SEE_OTHER);

    let revoke = format!("POST /tokens/{id}/revoke");
    site.send(&revoke, (COOKIE, &ada), "").await?;
    let theirs = text(site.send("GET /tokens", (COOKIE, &ada), "").await?).await?;
    assert!(theirs.contains("revoked"), "{theirs}");
    Ok(())
}

#[tokio::test]
async fn only_a_user_who_may_deploy_gets_a_token_that_deploys() -> Outcome {
    let site = Site::new().await?;
    let ada = cookie(&site.sign_in("ada@example.com", "correct horse").await?)?;
    let bob = cookie(&site.sign_in("bob@example.com", "correct horse").await?)?;
    let by_bob = site
        .send("POST /tokens", (COOKIE, &bob), "name=ci&deploy=on")
        .await?;
    assert_eq!(by_bob.status(), StatusCode::FORBIDDEN);
    let by_ada = site
        .send("POST /tokens", (COOKIE, &ada), "name=ci&deploy=on")
        .await?;
    let bearer = format!("Bearer {}", text(by_ada).await?);
    let deploy = site
        .send("POST /api/deploy", (AUTHORIZATION, &bearer), "")
        .await?;
    assert_eq!(deploy.status(), StatusCode::ACCEPTED);

    site.users.forbid_deploying("ada@example.com");
    let deploy = site
        .send("POST /api/deploy", (AUTHORIZATION, &bearer), "")
        .await?;
    assert_eq!(deploy.status(), StatusCode::FORBIDDEN);
    Ok(())
}

#[tokio::test]
async fn a_form_of_another_site_is_refused() -> Outcome {
    let site = Site::new().await?;
    let form = "email=ada@example.com&password=correct horse";
    for (from, status) in [
        ("cross-site", StatusCode::FORBIDDEN),
        ("same-site", StatusCode::FORBIDDEN),
        ("same-origin", StatusCode::SEE_OTHER),
    ] {
        let from = (HeaderName::from_static("sec-fetch-site"), from);
        let answer = site.send("POST /sign-in", from, form).await?;
        assert_eq!(answer.status(), status);
    }
    let from = (HeaderName::from_static("sec-fetch-site"), "cross-site");
    let link = site.send("GET /forgot", from, "").await?;
    assert_eq!(link.status(), StatusCode::OK);
    Ok(())
}

//! Requests that other sites cause (LOG-9, OUT-5, B-15): a cookie counts for its own site alone.

use axum::{Router, routing::any};
use axum_users::{Authenticated, CurrentUser, Superuser, VerifiedUser};
use serde_json::json;

use crate::support::{Answer, Ask, KING, Kind, PASSWORD, TestApp, jwt, stored_cookie};

const APP: &str = "https://app.camelot.bt";

/// Headers of a request that another site causes.
const FOREIGN: [(&str, &str); 5] = [
    ("sec-fetch-site", "cross-site"),
    ("sec-fetch-site", "same-site"),
    ("origin", "https://evil.example"),
    ("origin", "null"),
    ("origin", "https://camelot.bt:444"),
];

/// Headers of a request of the own site, a trusted one, or a program.
const OWN: [(&str, &str); 5] = [
    ("sec-fetch-site", "same-origin"),
    ("sec-fetch-site", "none"),
    ("origin", "https://camelot.bt"),
    ("origin", APP),
    ("x-nothing", ""),
];

async fn app() -> TestApp {
    let app = TestApp::with(Kind::Memory, |builder, store| {
        builder.backend(jwt()).backend(stored_cookie(store)).trusted_origins([APP])
    })
    .await;
    app.add_superuser(KING).await;
    app
}

async fn send(ask: Ask, header: (&str, &str)) -> Answer {
    ask.header("host", "camelot.bt").header(header.0, header.1).send().await
}

#[tokio::test]
async fn log_9_nobody_is_logged_in_by_another_site() {
    let app = app().await;
    let login = |backend: &str| {
        app.post(&format!("/auth/{backend}/login")).form(&[("username", KING), ("password", PASSWORD)])
    };
    for header in FOREIGN {
        let answer = send(login("cookie"), header).await;
        answer.assert_detail(403, "Forbidden");
        assert_eq!(answer.header("set-cookie"), None, "{header:?}");
        assert_eq!(send(login("jwt"), header).await.status, 200, "a bearer token is not ambient: {header:?}");
    }
    for header in OWN {
        assert_eq!(send(login("cookie"), header).await.status, 204, "{header:?}");
    }
    assert_eq!(app.users.password_operations(), 11, "a refused login costs no hash");
}

#[tokio::test]
async fn out_5_b_15_another_site_changes_nothing_with_a_cookie() {
    let app = app().await;
    let merlin = app.add("merlin@camelot.bt").await;
    let cookie = app.login_by_cookie(KING, PASSWORD).await;
    let id = merlin.id.to_string();
    let routes = [
        ("PATCH", "/users/me".to_owned(), json!({"password": "mordred was here"})),
        ("PATCH", format!("/users/{id}"), json!({"is_superuser": true})),
        ("DELETE", format!("/users/{id}"), json!({})),
        ("POST", "/auth/cookie/logout".to_owned(), json!({})),
        ("POST", "/auth/jwt/logout".to_owned(), json!({})),
    ];
    app.hooks.take();
    for header in FOREIGN {
        for (method, path, body) in &routes {
            let answer = send(app.ask(method, path).cookie(&cookie).json(body), header).await;
            answer.assert_detail(403, "Forbidden");
            assert_eq!(answer.header("set-cookie"), None, "{method} {path} {header:?}");
        }
        let read = send(app.ask("GET", "/users/me").cookie(&cookie), header).await;
        assert_eq!(read.status, 200, "reading changes nothing, and its answer is kept from the other site");
    }
    assert!(app.hooks.take().is_empty() && app.count().await == 2);
    app.login(KING, PASSWORD).await;
    for header in OWN {
        let patch = app.ask("PATCH", "/users/me").cookie(&cookie).json(&json!({}));
        assert_eq!(send(patch, header).await.status, 200, "{header:?}");
    }
    // A token that a program adds to its requests comes from nowhere else.
    let token = app.login(KING, PASSWORD).await;
    for header in FOREIGN {
        let patch = app.ask("PATCH", "/users/me").bearer(&token).cookie(&cookie).json(&json!({}));
        assert_eq!(send(patch, header).await.status, 200, "{header:?}");
    }
}

/// An application's own routes: who must be somebody is refused, who may be nobody is nobody.
#[tokio::test]
async fn b_15_extractors_take_no_cookie_of_another_site() {
    let app = app().await;
    let cookie = app.login_by_cookie(KING, PASSWORD).await;
    let shown = |somebody: bool| if somebody { "somebody" } else { "nobody" };
    let router: Router = Router::new()
        .route("/current", any(async |_: CurrentUser| "somebody"))
        .route("/verified", any(async |_: VerifiedUser| "somebody"))
        .route("/superuser", any(async |_: Superuser| "somebody"))
        .route("/authenticated", any(async |_: Authenticated| "somebody"))
        .route("/maybe/current", any(async move |user: Option<CurrentUser>| shown(user.is_some())))
        .route("/maybe/verified", any(async move |user: Option<VerifiedUser>| shown(user.is_some())))
        .route("/maybe/superuser", any(async move |user: Option<Superuser>| shown(user.is_some())))
        .route("/maybe/authenticated", any(async move |who: Option<Authenticated>| shown(who.is_some())))
        .with_state(app.users.clone());
    for guard in ["current", "verified", "superuser", "authenticated"] {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let ask = |path: String| Ask::new(router.clone(), method, &path).cookie(&cookie);
            for header in FOREIGN {
                send(ask(format!("/{guard}")), header).await.assert_detail(403, "Forbidden");
                let answer = send(ask(format!("/maybe/{guard}")), header).await;
                assert_eq!((answer.status, answer.text()), (200, "nobody"), "{method} {guard} {header:?}");
            }
            for header in OWN {
                for path in [format!("/{guard}"), format!("/maybe/{guard}")] {
                    assert_eq!(
                        send(ask(path), header).await.text(),
                        "somebody",
                        "{method} {guard} {header:?}"
                    );
                }
            }
        }
        let get = Ask::new(router.clone(), "GET", &format!("/{guard}")).cookie(&cookie);
        assert_eq!(send(get, FOREIGN[0]).await.text(), "somebody");
    }
}

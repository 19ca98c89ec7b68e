//! ADM-3: there is always a superuser, whatever superusers do to themselves and to each other.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{PASSWORD, Running, answer, text};

/// A superuser made by command: id and token.
async fn superuser(running: &Running, email: &str) -> (String, String) {
    let words = ["user", "create", email, "--superuser", "--password-stdin", "--json"];
    let created = running.command(&words, &format!("{PASSWORD}\n"));
    let user: Value = serde_json::from_str(&text(&created.stdout)).expect("a user");
    (user["id"].as_str().unwrap().to_owned(), running.token(email, PASSWORD).await)
}

async fn act(running: &Running, method: Method, id: &str, token: &str, body: Option<Value>) -> (u16, Value) {
    let url = format!("{}/users/{id}", running.server.address());
    let mut request = running.server.client.request(method, url).bearer_auth(token);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let (status, body) = answer(request).await;
    (status.as_u16(), body)
}

fn active_superusers(running: &Running) -> usize {
    let listed = text(&running.command(&["user", "list", "--json"], "").stdout);
    let is_one = |line: &&str| {
        let user: Value = serde_json::from_str(line).unwrap();
        user["is_superuser"] == true && user["is_active"] == true
    };
    listed.lines().filter(is_one).count()
}

#[tokio::test]
async fn adm_3_superusers_keep_their_own_rights() {
    let running = Running::start("");
    let (merlin, token) = superuser(&running, "merlin@camelot.bt").await;
    for body in [json!({"is_superuser": false}), json!({"is_active": false}), json!({"is_superuser": "off"})]
    {
        let refused = act(&running, Method::PATCH, &merlin, &token, Some(body)).await;
        assert_eq!(refused, (409, json!({"detail": "OWN_SUPERUSER_RIGHTS"})));
    }
    let refused = act(&running, Method::DELETE, &merlin, &token, None).await;
    assert_eq!(refused, (409, json!({"detail": "OWN_SUPERUSER_RIGHTS"})));
    assert_eq!(active_superusers(&running), 1);
    // All else is theirs to change.
    let body = json!({"is_superuser": true, "is_verified": true});
    assert_eq!(act(&running, Method::PATCH, &merlin, &token, Some(body)).await.0, 200);

    let (morgana, _) = superuser(&running, "morgana@camelot.bt").await;
    let body = json!({"is_superuser": false});
    assert_eq!(act(&running, Method::PATCH, &morgana, &token, Some(body)).await.1["is_superuser"], false);
    assert_eq!(act(&running, Method::DELETE, &morgana, &token, None).await.0, 204);
    let (nimue, _) = superuser(&running, "nimue@camelot.bt").await;
    assert_eq!(act(&running, Method::DELETE, &nimue, &token, None).await.0, 204);
    assert_eq!(act(&running, Method::GET, &nimue, &token, None).await.0, 404);

    // Who has the machine may do all.
    assert!(running.command(&["user", "promote", &merlin, "--demote"], "").status.success());
    assert_eq!(active_superusers(&running), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn adm_3_of_two_who_remove_each_other_one_stays() {
    let running = Running::start("");
    let acts = [
        (Method::PATCH, Some(json!({"is_superuser": false}))),
        (Method::PATCH, Some(json!({"is_active": false}))),
        (Method::DELETE, None),
    ];
    for round in 0..12 {
        let (one, one_token) = superuser(&running, &format!("one{round}@camelot.bt")).await;
        let (other, other_token) = superuser(&running, &format!("other{round}@camelot.bt")).await;
        let (first, second) = (&acts[round % 3], &acts[round / 3 % 3]);
        let (one_acts, other_acts) = tokio::join!(
            act(&running, first.0.clone(), &other, &one_token, first.1.clone()),
            act(&running, second.0.clone(), &one, &other_token, second.1.clone()),
        );
        for (status, body) in [one_acts, other_acts] {
            assert!([200, 204, 401, 403, 404, 409].contains(&status), "{status}: {body}");
        }
        assert!(active_superusers(&running) > 0, "round {round}");
        for id in [&one, &other] {
            running.command(&["user", "delete", id, "--yes"], "");
        }
    }
}

#[tokio::test]
async fn adm_3_fastapi_users_lets_them_go() {
    let running = Running::start("policy = \"fastapi-users\"");
    let (merlin, token) = superuser(&running, "merlin@camelot.bt").await;
    let body = json!({"is_superuser": false});
    assert_eq!(act(&running, Method::PATCH, &merlin, &token, Some(body)).await.0, 200);
    assert_eq!(active_superusers(&running), 0);
}

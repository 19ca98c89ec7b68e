//! Requests whose heads are too long, or can be read in two ways.

use crate::{
    raw::{answers, last_words, status},
    support::{KING, PASSWORD, Running, answer},
};

/// A request for a URL with these further lines, after which the connection may be closed.
fn head(first: &str, lines: &str) -> String {
    format!("{first} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{lines}\r\n")
}

#[tokio::test]
async fn urls_and_heads_have_their_limits() {
    let running = Running::start("");
    let get = async |url: &str, lines: &str| {
        let answer = last_words(&running, head(&format!("GET {url}"), lines).as_bytes()).await;
        (status(&answer), answer)
    };
    let url = |bytes: usize| format!("/livez?{}", "x".repeat(bytes - "/livez?".len()));
    assert_eq!(get(&url(8192), "").await.0, 200);
    let (status, answer) = get(&url(8193), "").await;
    assert_eq!(status, 414);
    assert!(answer.contains("x-content-type-options: nosniff"), "{answer}");
    assert_eq!(get(&url(20_000), "").await.0, 431);

    let field = |bytes: usize| format!("X-Long: {}\r\n", "x".repeat(bytes));
    assert_eq!(get("/livez", &field(16_000)).await.0, 200);
    assert_eq!(get("/livez", &field(16_384)).await.0, 431);
    assert_eq!(get("/livez", &field(1_000_000)).await.0, 431);
    // Two are there already.
    let fields = |count: usize| (0..count).map(|number| format!("X-{number}: 1\r\n")).collect::<String>();
    assert_eq!(get("/livez", &fields(98)).await.0, 200);
    assert_eq!(get("/livez", &fields(99)).await.0, 431);
}

#[tokio::test]
async fn adm_8_requests_of_two_lengths_are_the_last_of_their_connection() {
    let running = Running::start("");
    running.register(KING, PASSWORD).await;
    let smuggled = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for lines in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "transfer-encoding: chunked\r\nCONTENT-LENGTH: 4\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding:\x0bchunked\r\n",
        "X: 1\r\n Transfer-Encoding: chunked\r\n",
        "Content-Length: 0\r\nContent-Length: 44\r\n",
        "Content-Length: 0, 44\r\n",
        "Content-Length: +0\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 0x0\r\n",
        "Content-Length: 99999999999999999999\r\n",
    ] {
        let request =
            format!("POST /auth/register HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n0\r\n\r\n{smuggled}");
        let answer = last_words(&running, request.as_bytes()).await;
        assert_eq!((status(&answer), answers(&answer)), (400, 1), "{lines:?}: {answer}");
    }
    let old = "POST /livez HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(status(&last_words(&running, old.as_bytes()).await), 400);

    // One that was sent behind another is not known by its own head.
    let chunked = "POST /auth/register HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n";
    let behind = format!("{smuggled}{chunked}Content-Length: 4\r\n\r\n0\r\n\r\n");
    let behind = last_words(&running, behind.as_bytes()).await;
    assert_eq!((answers(&behind), behind.contains("HTTP/1.1 400 ")), (2, true), "{behind}");
}

#[tokio::test]
async fn chunks_are_a_body_like_any_other() {
    let running = Running::start("");
    let body = format!("{{\"email\": {KING:?}, \"password\": {PASSWORD:?}}}");
    let (start, end) = body.split_at(10);
    let chunks = format!("a\r\n{start}\r\n{:x};x=y\r\n{end}\r\n0\r\n\r\n", end.len());
    let register = "POST /auth/register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                    Transfer-Encoding: chunked\r\n";
    let answer =
        last_words(&running, format!("{register}Connection: close\r\n\r\n{chunks}").as_bytes()).await;
    assert_eq!(status(&answer), 201, "{answer}");
    let broken = last_words(&running, format!("{register}\r\nZ\r\n").as_bytes()).await;
    assert_eq!(status(&broken), 400, "{broken}");
}

#[tokio::test]
async fn adm_8_fgt_2_a_request_names_one_host() {
    let running = Running::start("");
    let get = async |lines: &str| {
        let request = format!("GET /livez HTTP/1.1\r\n{lines}Connection: close\r\n\r\n");
        status(&last_words(&running, request.as_bytes()).await)
    };
    for lines in [
        "",
        "Host: localhost\r\nHost: evil.example\r\n",
        "Host: localhost\r\nhost: localhost\r\n",
        "Host: a b\r\n",
        "Host: king@evil.example\r\n",
        "Host: evil.example/path\r\n",
        "Host: localhost, evil.example\r\n",
    ] {
        assert_eq!(get(lines).await, 400, "{lines:?}");
    }
    for lines in ["Host: localhost\r\n", "Host: [::1]:8000\r\n", "Host:\r\n"] {
        assert_eq!(get(lines).await, 200, "{lines:?}");
    }
    let old = last_words(&running, b"GET /livez HTTP/1.0\r\n\r\n").await;
    assert!(old.starts_with("HTTP/1.0 200"), "{old}");
}

#[tokio::test]
async fn adm_8_nothing_is_traced_tunnelled_or_spoken_otherwise() {
    let running = Running::start("");
    for path in ["/users/me", "/auth/jwt/login", "/livez", "/docs/", "/openapi.json"] {
        let answer =
            last_words(&running, head(&format!("TRACE {path}"), "X-Canary: tweety\r\n").as_bytes()).await;
        assert_eq!(status(&answer), 405, "{path}: {answer}");
        assert!(!answer.contains("tweety"), "{path}: {answer}");
    }
    let tunnel = last_words(&running, head("CONNECT evil.example:443", "").as_bytes()).await;
    assert!((400..500).contains(&status(&tunnel)), "{tunnel}");
    for words in [
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /livez\r\n",
        "GET /livez HTTP/3.7\r\n\r\n",
        "\x16\x03\x01\x02",
    ] {
        let answer = last_words(&running, words.as_bytes()).await;
        assert!([0, 400].contains(&status(&answer)), "{words:?}: {answer}");
    }
}

#[tokio::test]
async fn adm_8_headers_that_others_obey_have_no_effect() {
    let running = Running::start("");
    let (_, user) = running.register(KING, PASSWORD).await;
    let token = running.token(KING, PASSWORD).await;
    let id = user["id"].as_str().unwrap();
    for name in [
        "x-user-id",
        "x_user_id",
        "x-user",
        "x-forwarded-user",
        "x_forwarded_user",
        "remote-user",
        "remote_user",
        "x-remote-user",
        "x-authenticated-user",
        "x-original-user",
        "x-webauth-user",
        "x-api-key",
        "proxy-authorization",
    ] {
        for value in [id, KING] {
            let (status, _) = answer(running.get("/users/me").header(name, value)).await;
            assert_eq!(status, 401, "{name}: {value}");
        }
    }
    for name in ["x-http-method-override", "x-http-method", "x-method-override", "x_http_method_override"] {
        for method in ["PATCH", "DELETE", "GET"] {
            let other = running.post("/users/me?_method=GET").header(name, method).bearer_auth(&token);
            assert_eq!(
                answer(other.json(&serde_json::json!({"password": "excalibur7"}))).await.0,
                405,
                "{name}"
            );
            let get = running.get(&format!("/users/{id}")).header(name, method).bearer_auth(&token);
            assert_eq!(answer(get).await.0, 403, "{name}: {method}");
        }
    }
    for name in ["x-original-url", "x-rewrite-url", "x-forwarded-prefix", "x-forwarded-uri"] {
        let elsewhere = running.get("/livez").header(name, "/users/me").bearer_auth(&token);
        assert_eq!(answer(elsewhere).await.1, "ok", "{name}");
    }
    let underscored = running.get("/users/me").header("authorization_", format!("Bearer {token}"));
    assert_eq!(answer(underscored).await.0, 401);
    assert_eq!(running.me(&token).await.1, user, "nothing has changed");
}

//! Bodies of every route: limits, encodings, content types, and what an answer repeats of them.

use axum::body::Body;
use axum_users::Policy;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{KING, Kind, PASSWORD, TestApp};

/// Method, path, and a body that the route accepts.
const ROUTES: [(&str, &str, &str); 6] = [
    ("POST", "/auth/register", r#"{"email":"new@camelot.bt","password":"guinevere1"}"#),
    ("POST", "/auth/forgot-password", r#"{"email":"king.arthur@camelot.bt"}"#),
    ("POST", "/auth/reset-password", r#"{"token":"token","password":"guinevere1"}"#),
    ("POST", "/auth/request-verify-token", r#"{"email":"king.arthur@camelot.bt"}"#),
    ("POST", "/auth/verify", r#"{"token":"token"}"#),
    ("PATCH", "/users/me", r#"{"email":"king.arthur@camelot.bt","password":null}"#),
];

async fn with_king(policy: Policy) -> (TestApp, String) {
    let app = TestApp::under(policy, Kind::Sqlite).await;
    app.add(KING).await;
    let token = app.login(KING, PASSWORD).await;
    (app, token)
}

#[tokio::test]
async fn reg_7_bodies_beyond_the_limit_are_too_large() {
    let (app, token) = with_king(Policy::fastapi_users()).await;
    let operations = app.users.password_operations();
    let routes = ROUTES.map(|(method, path, _)| (method, path, "application/json"));
    let login = ("POST", "/auth/jwt/login", "application/x-www-form-urlencoded");
    for (method, path, content_type) in routes.into_iter().chain([login]) {
        let huge = Bytes::from("x".repeat(65_537));
        let unannounced = Body::new(Full::new(huge.clone()).map_frame(|frame| frame));
        for body in [Body::from(huge), unannounced] {
            let answer = app.ask(method, path).bearer(&token).body(content_type, body).send().await;
            answer.assert_detail(413, "Content Too Large");
        }
    }
    assert_eq!(app.users.password_operations(), operations, "nothing was hashed");
}

/// Over a real connection: a client that sends all of its body before it reads gets the answer too, not a broken pipe. One
/// that never stops sending does not keep the server reading.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reg_7_clients_with_large_bodies_get_their_answer() {
    let app = TestApp::new(Kind::Memory).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, app.router.clone()).into_future());
    for path in ["/auth/register", "/auth/jwt/login"] {
        for _ in 0..20 {
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            let length = 3_900_000;
            let head = format!(
                "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
            );
            stream.write_all(&[head.as_bytes(), &vec![b'x'; length]].concat()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 413 ") && answer.ends_with(TOO_LARGE), "{answer}");
        }
    }

    // Announced or not, and more than any client sends by mistake.
    for (header, chunk) in [("content-length: 100000000000", ""), ("transfer-encoding: chunked", "10000\r\n")]
    {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /auth/register HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{header}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let block =
            [chunk.as_bytes(), &[b'x'; 65_536], if chunk.is_empty() { b"" } else { b"\r\n" }].concat();
        let mut sent = 0;
        while stream.write_all(&block).await.is_ok() {
            sent += block.len();
            assert!(sent < 100_000_000, "the server reads on and on");
        }
    }

    // Who asks before sending sends nothing.
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = "POST /auth/register HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\
                expect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 413");
}

const TOO_LARGE: &str = r#"{"detail":"Content Too Large"}"#;

#[tokio::test]
async fn reg_7_deep_json_and_many_keys_are_refused_quickly() {
    let (app, token) = with_king(Policy::secure()).await;
    let deep = format!("{{\"email\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let keys: Vec<String> = (0..5_000).map(|number| format!("\"{number}\":1")).collect();
    let many = format!("{{{}}}", keys.join(","));
    for (method, path, _) in ROUTES {
        let ask = |body: &str| {
            app.ask(method, path).bearer(&token).body("application/json", body.to_owned()).send()
        };
        ask(&deep).await.assert_detail(400, "There was an error parsing the body");
        let expected = if method == "PATCH" { 200 } else { 422 };
        assert_eq!(ask(&many).await.status, expected, "{path}: unknown members are ignored");
    }
}

#[tokio::test]
async fn reg_7_a_name_counts_once() {
    let body = r#"{"email":"a@camelot.bt","password":"guinevere1","email":"b@camelot.bt"}"#;
    let (app, _) = with_king(Policy::secure()).await;
    let answer = app.post("/auth/register").body("application/json", body).send().await;
    answer.assert_detail(
        422,
        json!([{"type": "duplicate_key", "loc": ["body", "email"], "msg": "Duplicate key"}]),
    );
    let (app, _) = with_king(Policy::fastapi_users()).await;
    let answer = app.post("/auth/register").body("application/json", body).send().await;
    assert_eq!((answer.status, &answer.json()["email"]), (201, &json!("b@camelot.bt")));
}

/// REG-11, B-13: NUL, surrogates, invalid UTF-8, direction marks, in every string of every route.
#[tokio::test]
async fn reg_11_odd_encodings_are_refused_and_store_nothing() {
    for policy in [Policy::secure(), Policy::fastapi_users()] {
        let (app, token) = with_king(policy).await;
        for (method, path, body) in ROUTES {
            let fields: Value = serde_json::from_str(body).unwrap();
            for (name, value) in fields.as_object().unwrap() {
                let Some(value) = value.as_str() else { continue };
                let odd: [&[u8]; 6] = [b"\\u0000", b"\\ud800", b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\n"];
                for odd in odd {
                    let mut bytes = body.as_bytes().to_vec();
                    let place = body.find(&format!("\"{name}\":\"{value}")).unwrap() + name.len() + 4;
                    bytes.splice(place..place, odd.iter().copied());
                    let answer =
                        app.ask(method, path).bearer(&token).body("application/json", bytes).send().await;
                    let shown = String::from_utf8_lossy(odd);
                    // A password may hold NUL where fastapi-users took it.
                    let taken =
                        name == "password" && odd == b"\\u0000" && app.users.policy().lenient_duplicates;
                    let expected: &[u16] = if taken { &[201, 400] } else { &[400, 422] };
                    assert!(expected.contains(&answer.status), "{path} {name} {shown:?}: {}", answer.status);
                }
                for control in ["\u{202e}", "\u{200b}", "\u{e0041}", "\r\nBcc: "] {
                    if name == "email" {
                        let mut fields = fields.clone();
                        fields[name] = format!("king{control}@camelot.bt").into();
                        let answer = app.ask(method, path).bearer(&token).json(&fields).send().await;
                        assert_eq!(answer.status, 422, "{path} {control:?}");
                    }
                }
            }
        }
        let registered = app.count().await - 1;
        assert_eq!(registered, usize::from(app.users.policy().lenient_duplicates), "the password with NUL");
    }
}

#[tokio::test]
async fn reg_11_odd_logins_are_wrong_credentials_or_wrong_fields() {
    for policy in [Policy::secure(), Policy::fastapi_users()] {
        let (app, _) = with_king(policy).await;
        for (username, password) in [
            ("king%00", PASSWORD),
            ("%ff", PASSWORD),
            ("%ed%a0%80", "x"),
            ("\u{202e}", "x"),
            (KING, "%ff"),
            (KING, "%00"),
        ] {
            let body = format!("username={username}&password={password}");
            let answer =
                app.post("/auth/jwt/login").body("application/x-www-form-urlencoded", body).send().await;
            assert!(matches!(answer.status, 400 | 422), "{username} {password}: {}", answer.status);
        }
    }
}

#[tokio::test]
async fn malformed_json_is_answered_before_anything_else() {
    let (app, _) = with_king(Policy::secure()).await;
    for (method, path, _) in ROUTES {
        let answer = app.ask(method, path).body("application/json", "{\"email\": x}").send().await;
        answer.assert_detail(
            422,
            json!([{"type": "json_invalid", "loc": ["body", 10], "msg": "JSON decode error",
                "ctx": {"error": "Expecting value"}}]),
        );
    }
    let answer = app.ask("PATCH", "/users/me").json(&json!({"email": 5})).send().await;
    answer.assert_detail(401, "Unauthorized");
}

#[tokio::test]
async fn content_types_decide_what_is_json() {
    let (app, _) = with_king(Policy::secure()).await;
    let body = |number: usize| {
        json!({"email": format!("knight{number}@camelot.bt"), "password": PASSWORD}).to_string()
    };
    for (number, accepted) in
        ["application/json", "Application/JSON; charset=latin1", "application/vnd.api+json"]
            .iter()
            .enumerate()
    {
        let answer = app.post("/auth/register").body(accepted, body(number)).send().await;
        assert_eq!(answer.status, 201, "{accepted}");
    }
    let bom = format!("\u{feff}{}", body(9));
    assert_eq!(app.post("/auth/register").body("application/json", bom).send().await.status, 201);
    let no_object = json!([{"type": "model_attributes_type", "loc": ["body"],
        "msg": "Input should be a valid dictionary or object to extract fields from"}]);
    for refused in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
        let answer = app.post("/auth/register").body(refused, body(7)).send().await;
        answer.assert_detail(422, no_object.clone());
    }
    for wrong in ["null", "[]", "5", "\"text\""] {
        let answer = app.post("/auth/register").body("application/json", wrong).send().await;
        answer.assert_detail(422, no_object.clone());
    }
    let missing = json!([{"type": "missing", "loc": ["body"], "msg": "Field required"}]);
    app.post("/auth/register").send().await.assert_detail(422, missing);
    let missing = json!([{"type": "missing", "loc": ["body", "email"], "msg": "Field required"}]);
    for wrong in ["null", "[]", "5", "\"text\"", ""] {
        let answer = app.post("/auth/forgot-password").body("application/json", wrong).send().await;
        answer.assert_detail(422, missing.clone());
    }
}

/// B-17, G3: not even the policy that repeats inputs repeats a password or a token.
#[tokio::test]
async fn b_17_answers_repeat_no_secret() {
    const CANARY: &str = "canary-4711";
    for policy in [Policy::secure(), Policy::fastapi_users()] {
        let echoes = policy.echo_input;
        let (app, token) = with_king(policy).await;
        let asks = [
            app.post("/auth/register").json(&json!({"password": CANARY, "extra": 5})),
            app.post("/auth/register").json(&json!({"email": 5, "password": CANARY})),
            app.post("/auth/register").json(&json!({"email": KING, "password": [CANARY]})),
            app.post("/auth/register").json(&json!([CANARY])),
            app.post("/auth/register").body("text/plain", CANARY),
            app.post("/auth/reset-password").json(&json!({"token": [CANARY], "password": {"a": CANARY}})),
            app.post("/auth/verify").json(&json!({"token": {"a": CANARY}})),
            app.ask("PATCH", "/users/me").bearer(&token).json(&json!({"password": [CANARY], "email": 5})),
            app.post("/auth/jwt/login").form(&[("password", CANARY)]),
            app.post("/auth/jwt/login").form(&[("username", "x\0"), ("password", CANARY)]),
        ];
        for (number, ask) in asks.into_iter().enumerate() {
            let answer = ask.send().await;
            assert_eq!(answer.status, 422, "{number}");
            assert!(!answer.text().contains(CANARY), "{number}: {}", answer.text());
            assert_eq!(answer.json()["detail"][0].get("input").is_some(), echoes, "{number}");
        }
    }
}

/// G1, G2, G4: whatever is asked, the answer is JSON, is not stored and tells nothing of the inside.
#[tokio::test]
async fn g_1_no_answer_is_a_5xx_or_tells_of_the_inside() {
    for policy in [Policy::secure(), Policy::fastapi_users()] {
        let (app, token) = with_king(policy).await;
        let values = [
            json!(null),
            json!(true),
            json!(-1),
            json!(1e300),
            json!(""),
            json!("x"),
            json!([]),
            json!({}),
            json!([[{}]]),
        ];
        for (method, path, body) in ROUTES {
            let fields: Value = serde_json::from_str(body).unwrap();
            for name in fields.as_object().unwrap().keys() {
                for value in &values {
                    let mut fields = fields.clone();
                    fields[name] = value.clone();
                    let answer = app.ask(method, path).bearer(&token).json(&fields).send().await;
                    assert!(answer.status < 500, "{path} {name} {value}");
                    assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
                    assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
                    for inside in ["SELECT", "axum", ".rs", "sqlite", "panicked"] {
                        assert!(!answer.text().contains(inside), "{path} {name} {value}: {}", answer.text());
                    }
                }
            }
        }
    }
}

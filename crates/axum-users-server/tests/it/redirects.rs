//! UI-3: nobody is sent elsewhere by a URL that somebody else has made up.

use crate::{
    raw::{last_words, status},
    support::Running,
};

const EVIL: [&str; 22] = [
    "//evil.example",
    "/\\evil.example",
    "/\t/evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "https://evil.example",
    "///evil.example",
    "/%2f%2fevil.example",
    "/%5cevil.example",
    "/%09/evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "http://app.example@evil.example",
    "http://app.example.evil.example",
    "http://evil.example#app.example",
    "http://evil.example\\@app.example",
    "/\r\nLocation: https://evil.example",
    "/%0d%0aLocation:%20https://evil.example",
    "\u{2044}\u{2044}evil.example",
    "\u{ff0f}\u{ff0f}evil.example",
    "//\u{3002}evil.example",
    "http://evil%E3%80%82example",
];

/// Where an answer sends the browser, if anywhere.
fn location(answer: &str) -> Option<&str> {
    let head = answer.split("\r\n\r\n").next().unwrap_or_default();
    head.lines().find_map(|line| line.strip_prefix("location: "))
}

fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

async fn get(running: &Running, url: &str) -> String {
    let request = format!(
        "GET {url} HTTP/1.1\r\nHost: localhost\r\nReferer: https://evil.example/\r\nX-Forwarded-Host: evil.example\r\n\
         Connection: close\r\n\r\n"
    );
    last_words(running, request.as_bytes()).await
}

#[tokio::test]
async fn ui_3_no_path_or_parameter_leads_elsewhere() {
    let running = Running::start("");
    let long = format!("//evil.example/{}", "x".repeat(10_000));
    for evil in EVIL.into_iter().chain([long.as_str()]) {
        let encoded = percent_encoded(evil);
        let mut urls =
            vec![format!("/{evil}"), format!("/docs{evil}"), format!("/docs/{evil}/.."), evil.to_owned()];
        for page in ["/", "/reset-password", "/verify-email", "/docs", "/docs/", "/auth/jwt/login"] {
            for name in ["next", "return_to", "redirect", "redirect_uri", "url", "continue"] {
                urls.push(format!("{page}?{name}={encoded}"));
            }
        }
        for url in urls.iter().filter(|url| !url.contains(['\r', '\n', '\t'])) {
            let answer = get(&running, url).await;
            assert!(status(&answer) < 500, "{url}: {answer}");
            if let Some(location) = location(&answer) {
                let second = location.chars().nth(1);
                assert!(
                    location.starts_with('/') && !matches!(second, Some('/' | '\\')),
                    "{url}: {location}"
                );
            }
            assert!(!answer.contains("evil.example"), "{url}: it is reflected");
        }
    }
}

#[tokio::test]
async fn ui_3_a_login_at_a_provider_ends_at_listed_pages_only() {
    let settings = "[oauth.github]\nclient_id = \"king\"\nclient_secret = \"excalibur\"\n\
                    return_to = [\"https://app.example/in\"]\n";
    let running = Running::start(settings);
    let authorize = |page: &str| format!("/auth/github/authorize?return_to={}", percent_encoded(page));
    let listed = get(&running, &authorize("https://app.example/in")).await;
    assert!(location(&listed).unwrap().starts_with("https://github.com/"), "{listed}");
    let near = ["https://app.example/in/", "https://app.example/in?x", "https://APP.example/in", "/in", ""];
    for evil in EVIL.into_iter().chain(near) {
        let answer = get(&running, &authorize(evil)).await;
        assert_eq!((status(&answer), location(&answer)), (422, None), "{evil:?}");
    }
    // And what comes back with a state that nobody has given.
    let back =
        get(&running, "/auth/github/callback?code=x&state=y&return_to=https%3A%2F%2Fevil.example").await;
    assert_eq!((status(&back), location(&back)), (400, None));
}

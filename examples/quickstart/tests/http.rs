//! Runs the example as a reader of the README would, and calls it over HTTP.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

struct Server {
    process: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    url: String,
    _folder: tempfile::TempDir,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut process = Command::new(env!("CARGO_BIN_EXE_quickstart"))
            .current_dir(&folder)
            .env("SECRET", "5f3c0b9a77e14d2c8e6f1a2b3c4d5e6f")
            .env("LISTEN", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the example starts");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let first = lines.next().expect("a line").expect("readable");
        let url = first.strip_prefix("listening on ").expect("its address").to_owned();
        Self { process, lines, url, _folder: folder }
    }

    /// Waits for a line of output that holds the words, and gives what follows them.
    fn after(&mut self, words: &str) -> String {
        loop {
            let line = self.lines.next().expect("the line comes").expect("readable");
            if let Some((_, rest)) = line.split_once(words) {
                return rest.to_owned();
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn a_person_registers_logs_in_and_resets_the_password() {
    let mut server = Server::start();
    let client = reqwest::Client::new();
    let post = |path: &str, body: Value| client.post(format!("{}{path}", server.url)).json(&body).send();
    let (email, password) = ("king.arthur@camelot.bt", "guinevere1");

    let registered = post("/auth/register", json!({"email": email, "password": password})).await.unwrap();
    assert_eq!(registered.status(), 201);

    let login = |password: &'static str| {
        let form = [("username", email), ("password", password)];
        client.post(format!("{}/auth/jwt/login", server.url)).form(&form).send()
    };
    let token: Value = login(password).await.unwrap().json().await.unwrap();
    let token = token["access_token"].as_str().unwrap();
    let route = client.get(format!("{}/authenticated-route", server.url));
    assert_eq!(route.try_clone().unwrap().send().await.unwrap().status(), 401);
    let hello = route.bearer_auth(token).send().await.unwrap().text().await.unwrap();
    assert_eq!(hello, format!("Hello {email}!"));

    assert_eq!(post("/auth/forgot-password", json!({"email": email})).await.unwrap().status(), 202);
    let url = server.url.clone();
    let reset = server.after("Reset token: ");
    let body = json!({"token": reset, "password": "lancelot99"});
    let answer = client.post(format!("{url}/auth/reset-password")).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let form = [("username", email), ("password", "lancelot99")];
    let login = client.post(format!("{url}/auth/jwt/login")).form(&form).send().await.unwrap();
    assert_eq!(login.status(), 200);
}

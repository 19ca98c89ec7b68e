//! Runs the example and calls it over HTTP.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn own_fields_are_registered_shown_and_changed() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = Command::new(env!("CARGO_BIN_EXE_custom-fields"))
        .current_dir(&folder)
        .env("SECRET", "5f3c0b9a77e14d2c8e6f1a2b3c4d5e6f")
        .env("LISTEN", "127.0.0.1:0")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = process.stdout.take().unwrap();
    let _server = Server(process);
    let first = BufReader::new(output).lines().next().unwrap().unwrap();
    let url = first.strip_prefix("listening on ").unwrap();
    let client = reqwest::Client::new();

    let mut body =
        json!({"email": "a@camelot.bt", "password": "of camelot", "firstName": "Arthur", "stripeId": "x"});
    let refused = client.post(format!("{url}/auth/register")).json(&body).send().await.unwrap();
    let reason: Value = refused.json().await.unwrap();
    assert_eq!(reason["detail"]["reason"], "Password should not name the castle");

    body["password"] = "guinevere1".into();
    let created = client.post(format!("{url}/auth/register")).json(&body).send().await.unwrap();
    let user: Value = created.json().await.unwrap();
    assert_eq!((&user["id"], &user["firstName"], &user["age"]), (&json!(1), &json!("Arthur"), &json!(null)));
    assert_eq!(user.get("stripeId"), None);

    let form = [("username", "a@camelot.bt"), ("password", "guinevere1")];
    let login = client.post(format!("{url}/auth/cookie/login")).form(&form).send().await.unwrap();
    assert_eq!(login.status(), 204);
    let cookie = login.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let me = || client.patch(format!("{url}/users/me")).header("cookie", &cookie);
    let user: Value = me().json(&json!({"age": 40})).send().await.unwrap().json().await.unwrap();
    assert_eq!((&user["firstName"], &user["age"]), (&json!("Arthur"), &json!(40)));
    assert_eq!(me().json(&json!({"age": "old"})).send().await.unwrap().status(), 422);
    let hail = client.get(format!("{url}/")).header("cookie", &cookie).send().await.unwrap();
    assert_eq!(hail.text().await.unwrap(), "Hail Arthur!");
}

//! Which passwords the server accepts.

use axum_users_testkit::{FakeAnswer, FakeProvider};
use serde_json::{Value, json};

use crate::support::{KING, PASSWORD, Running, run, text};

const SETTINGS: &str = r#"
public_url = "https://accounts.logres.example"
[password]
words = ["Round Table"]
[mail]
product = "Excalibur & Co"
"#;

async fn reason(running: &Running, password: &str) -> Value {
    let (status, body) = running.register(KING, password).await;
    assert_eq!(
        (status.as_u16(), &body["detail"]["code"]),
        (400, &json!("REGISTER_INVALID_PASSWORD")),
        "{password}"
    );
    body["detail"]["reason"].clone()
}

#[tokio::test]
async fn reg_8_its_own_names_are_no_passwords() {
    let running = Running::start(SETTINGS);
    for password in ["Camelot2026", "logres2026", "accounts+logres", "EXCALIBUR-1", "roundtable"] {
        let words = "Password should be more than the e-mail address or the name of the application";
        assert_eq!(reason(&running, password).await, words, "{password}");
    }
    assert_eq!(reason(&running, "iloveyou").await, "Password should not be one of the most common ones");
    // A top-level domain is nobody's name.
    assert_eq!(running.register(KING, "example1").await.0, 201);
}

#[tokio::test]
async fn each_rule_can_be_switched_off() {
    let running = Running::start(&SETTINGS.replace(
        "[password]",
        "[password]\nreject_common = false\nreject_context_words = false\nmin_length = 4\nreject_email = false",
    ));
    for (email, password) in
        [("a@camelot.bt", "iloveyou"), ("b@camelot.bt", "logres"), ("c@camelot.bt", "c@camelot.bt")]
    {
        assert_eq!(running.register(email, password).await.0, 201, "{password}");
    }
    let lax = Running::start("policy = \"fastapi-users\"");
    assert_eq!(lax.register(KING, "guinevere").await.0, 201);
}

#[tokio::test]
async fn every_engine_hashes_and_verifies() {
    for engine in ["fastest", "portable"] {
        let running = Running::start(&format!("[hashing]\nengine = \"{engine}\""));
        assert_eq!(running.register(KING, PASSWORD).await.0, 201, "{engine}");
        assert_eq!(running.login(KING, PASSWORD).await.0, 200, "{engine}");
        assert_eq!(running.login(KING, "guinevere and lancelot").await.0, 400, "{engine}");
    }
}

#[tokio::test]
async fn reg_8_breached_passwords_are_refused_where_that_is_asked_for() {
    let fake = FakeProvider::start().await;
    // The SHA-1 of "excalibur in the stone".
    let (route, suffix) = ("GET api.pwnedpasswords.com/range/2A7A8", "1D26E5AE4381CBE8829D6E369FACCF15025");
    fake.answer(route, FakeAnswer::text("text/plain", &format!("{suffix}:3\r\n")));
    let gateway = format!("[oauth_options]\ngateway = \"{}\"", fake.url());
    let running = Running::start(&format!("[password]\nbreach_check = true\n{gateway}"));
    let known = "Password should not be one that is known from data breaches";
    assert_eq!(reason(&running, "excalibur in the stone").await, known);
    // About this one nothing is found out.
    assert_eq!(running.register(KING, PASSWORD).await.0, 201);
    assert_eq!(fake.requests().len(), 2);

    let off = Running::start(&gateway);
    assert_eq!(off.register(KING, "excalibur in the stone").await.0, 201);
    assert_eq!(fake.requests().len(), 2);
}

#[test]
fn the_configuration_shows_the_rules_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let shown = |settings: &str| {
        std::fs::write(folder.path().join("axum-users.toml"), settings).unwrap();
        text(&run(folder.path(), &["config"], "").stdout)
    };
    let secure = shown(SETTINGS);
    for line in ["reject_common = true", "reject_context_words = true", r#"words = ["Round Table"]"#] {
        assert!(secure.contains(line), "{line} is not in {secure}");
    }
    assert!(shown("policy = \"fastapi-users\"").contains("reject_common = false"));
}

#[tokio::test]
async fn reg_8_breached_passwords_are_looked_up_in_a_file_that_a_command_makes() {
    let folder = tempfile::tempdir().unwrap();
    // The SHA-1 of "excalibur in the stone", and those of two others.
    let list = "2A7A81D26E5AE4381CBE8829D6E369FACCF15025:3\r\n5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:9545824\r\n\
                F7C3BC1D808E04732ADF679965CCC34CA7AE3441:1\r\n";
    let (listed, filter) = (folder.path().join("list.txt"), folder.path().join("breached.filter"));
    std::fs::write(&listed, list).unwrap();
    let words = ["breach-filter", listed.to_str().unwrap(), filter.to_str().unwrap(), "--min-count", "2"];
    let output = run(folder.path(), &words, "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains(": 2 passwords in "), "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains("100 % of the list"), "{}", text(&output.stderr));

    let running = Running::start(&format!("[password]\nbreach_filter = {filter:?}"));
    let known = "Password should not be one that is known from data breaches";
    assert_eq!(reason(&running, "excalibur in the stone").await, known);
    assert_eq!(running.register(KING, PASSWORD).await.0, 201);

    let output = run(folder.path(), &["breach-filter", "-", filter.to_str().unwrap()], "one\n");
    assert!(!output.status.success() && text(&output.stderr).contains("line 1 of the list"));
    std::fs::write(folder.path().join("axum-users.toml"), "[password]\nbreach_filter = \"missing\"").unwrap();
    let output = run(folder.path(), &["serve"], "");
    let said = text(&output.stderr);
    assert!(
        !output.status.success() && said.contains("password.breach_filter") && said.contains("missing"),
        "{said}"
    );
}

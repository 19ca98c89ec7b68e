//! Settings that are refused: which, and what the operator is told to do.

use std::fs;

use crate::support::{run, text};

/// A provider with id and secret, and these lines.
fn provider(name: &str, more: &str) -> String {
    format!("[oauth.{name}]\nclient_id = \"id\"\nclient_secret = \"hunter22\"\n{more}\n")
}

#[test]
fn cfg_2_what_a_provider_lacks_or_does_not_have_is_named_with_what_to_do() {
    let key = "hunter22".repeat(4);
    let rows = [
        (provider("gogle", ""), "`oauth.gogle` in", "google, kakao, linkedin"),
        (provider("gogle", ""), "", "any other with OpenID Connect needs `issuer`"),
        (provider("google", "issuer = \"https://x.example\""), "`oauth.google.issuer`", "not known by name"),
        (
            provider("google", "client_authentication = \"client_secret_post\""),
            "`oauth.google.client_authentication`",
            "not known by name",
        ),
        (
            provider("sso", "issuer = \"https://x.example\"\nclient_authentication = \"none\""),
            "`oauth.sso.client_authentication`",
            "client_secret_basic, client_secret_post",
        ),
        (provider("google", "tenant = \"x\""), "`oauth.google.tenant`", "only `microsoft` has it"),
        (provider("google", "clientid = \"x\""), "`oauth.google.clientid`", "no such setting"),
        (provider("okta", ""), "`oauth.okta.domain`", "it is missing"),
        (provider("shopify", ""), "`oauth.shopify.shop`", "it is missing"),
        (provider("shopify", "shop = \"a/b\""), "`oauth.shopify`", "the name of its shop is none"),
        (provider("apple", "team_id = \"a\"\nkey_id = \"b\""), "`oauth.apple.private_key`", "it is missing"),
        (
            provider("apple", "team_id = \"a\"\nkey_id = \"b\"\nprivate_key = \"hunter22\""),
            "`oauth.apple.client_secret`",
            "the server makes it",
        ),
        (
            "[oauth.apple]\nclient_id = \"id\"\nteam_id = \"a\"\nkey_id = \"b\"\nprivate_key = \"hunter22\""
                .to_owned(),
            "`oauth.apple`",
            "no ES256 key",
        ),
        (
            "[oauth.github]\nclient_secret = \"hunter22\"".to_owned(),
            "`oauth.github.client_id`",
            "it is missing",
        ),
        ("[oauth.github]\nclient_id = \"id\"".to_owned(), "`oauth.github.client_secret`", "it is missing"),
        (provider("github", "client_secret_file = \"/x\""), "`oauth.github.client_secret`", "not both"),
        (
            "[oauth.github]\nclient_id = \"id\"\nclient_secret_file = \"/no/such\"".to_owned(),
            "`oauth.github.client_secret_file`",
            "No such file",
        ),
        (provider("github", "backend = \"jwtt\""), "`oauth.github.backend`", "only jwt, cookie"),
        (provider("github", "redirect_url = \"/x\""), "provider \"github\"", "no absolute URL"),
        (provider("github", "return_to = [\"javascript:x\"]"), "provider \"github\"", "no absolute URL"),
        (provider("github", "return_to = \"https://a.example\""), "`oauth.github.return_to`", "expected"),
        (provider("github", "trust_email = true"), "`oauth.github.trust_email`", ""),
        (provider("github", "trust_email = \"yes\""), "`oauth.github.trust_email`", "never, stated, always"),
        (provider("sso", "issuer = \"sso.example\""), "`oauth.sso.issuer`", "https://"),
        (provider("sso", "issuer = \"http://sso.example\""), "`oauth.sso.issuer`", "allow_private_addresses"),
        (provider("gitlab", "url = \"git.example\""), "`oauth.gitlab.url`", "https://"),
        (provider("jwt", "issuer = \"https://sso.example\""), "\"/auth/jwt\"", "is taken"),
        (
            provider("github", "[oauth_options]\ngateway = \"gate\""),
            "`oauth_options.gateway`",
            "relative URL without a base",
        ),
        (
            provider("github", "[oauth_options]\ngateway = \"ftp://gate.example\""),
            "`oauth_options.gateway`",
            "https://gateway.example",
        ),
        (
            provider("github", "[oauth_options]\ngateway = \"http://g\"\nallow_private_addresses = true"),
            "`oauth_options.allow_private_addresses`",
            "gateway",
        ),
        (
            provider("github", "[oauth_options]\ntoken_keys = [\"hunter22\"]"),
            "`oauth_options.token_keys`",
            "at least 32 are needed",
        ),
        (
            provider("github", "[oauth_options]\ntoken_keys = []"),
            "`oauth_options.token_keys`",
            "there is none",
        ),
        (
            provider(
                "github",
                &format!("[oauth_options]\ntoken_keys = [\"{key}\"]\n[secrets]\njwt = \"{key}\""),
            ),
            "`oauth_options.token_keys`",
            "needs its own",
        ),
        (
            provider("github", "[oauth_options]\ntoken_keys_file = \"/no/such\""),
            "`oauth_options.token_keys_file`",
            "No such file",
        ),
        (
            provider("github", "[[fields]]\nname = \"first_name\"\nkind = \"text\"\nrequired = true"),
            "`fields.first_name`",
            "must not be required: who comes from a provider",
        ),
    ];
    for (file, named, reason) in rows {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("axum-users.toml"), &file).unwrap();
        let output = run(folder.path(), &["openapi"], "");
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(!output.status.success(), "{file} was accepted");
        assert!(said.contains(named) && said.contains(reason), "{file}: {said}");
        assert!(!said.contains("hunter22"), "{file} shows a secret: {said}");
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    }
}

/// Every provider, with what it needs, is one that the server takes.
#[test]
fn every_provider_can_be_configured() {
    let simple = [
        "discord",
        "facebook",
        "franceconnect",
        "github",
        "gitlab",
        "google",
        "kakao",
        "linkedin",
        "microsoft",
        "naver",
        "reddit",
        "slack",
        "spotify",
        "twitch",
        "x",
    ];
    let mut file: String = simple.iter().map(|name| provider(name, "")).collect();
    file += &provider("okta", "domain = \"camelot.okta.com\"");
    file += &provider("shopify", "shop = \"camelot\"");
    file += &provider("my-sso", "issuer = \"https://sso.example/realms/knights\"");
    file += "[oauth.apple]\nclient_id = \"id\"\nteam_id = \"a\"\nkey_id = \"b\"\nprivate_key_file = \"apple.p8\"\n";
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("axum-users.toml"), &file).unwrap();
    fs::write(folder.path().join("apple.p8"), APPLE).unwrap();
    let output = run(folder.path(), &["openapi"], "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&run(folder.path(), &["config"], "").stdout);
    assert!(!said.contains("hunter22"), "{said}");
    let names = simple.iter().chain(&["okta", "shopify", "my-sso", "apple"]);
    for name in names {
        assert!(said.contains(&format!("[oauth.{name}]")), "{name}: {said}");
    }
}

/// A key that opens nothing.
const APPLE: &str = "-----BEGIN PRIVATE KEY-----\n\
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgm4m2tESrdNAuWIC8\n\
    iNpvWLPA6mwC2tFtIojfEJMQzZmhRANCAATEdwQOL7jd+ymeZ/u3acuUxmoqX8sq\n\
    7UHSiTASRHivFlt876ShImiYl2Ytl2jYHpMg8t0MqcEX2ajW8OcX/68o\n\
    -----END PRIVATE KEY-----\n";

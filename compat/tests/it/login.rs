//! POST /login of a bearer backend: RFC 6749's password form.

use serde_json::json;

use crate::harness::{
    Scenario, Setup,
    System::{Mongodb, Postgres},
    scenario::*,
};

const PATH: &str = "/auth/jwt/login";
const BAD: &str = r#"{"detail":"LOGIN_BAD_CREDENTIALS"}"#;
const FORM: &str = "application/x-www-form-urlencoded";

pub(crate) fn scenarios() -> Vec<Scenario> {
    let mut all = credentials();
    all.extend(verification());
    // No form that is none gets to a database.
    let forms = [forms(), encodings(), multipart()];
    all.extend(forms.into_iter().flatten().map(Scenario::once));
    all
}

fn credentials() -> Vec<Scenario> {
    use Setup::Plain;
    let arthur = |name: &str, username: &str, password: &str, status, says: &str| {
        scenario(
            name,
            Plain,
            [user("arthur"), inactive("mordred"), login("/auth/jwt", username, password).gives(status, says)],
        )
    };
    vec![
        arthur("right", "<arthur.email>", "guinevere", 200, r#","token_type":"bearer"}"#),
        arthur("username in another case", "ARTHUR.<unique>@EXAMPLE.COM", "guinevere", 200, "<arthur.id>"),
        arthur("wrong password", "<arthur.email>", "wrong", 400, BAD),
        arthur("unknown username", "nobody.<unique>@example.com", "guinevere", 400, BAD),
        arthur("username that is no address", "arthur", "guinevere", 400, BAD),
        arthur("username with spaces around it", " <arthur.email> ", "guinevere", 400, BAD),
        arthur("username with a name around it", "Arthur <<arthur.email>>", "guinevere", 400, BAD),
        arthur("inactive user", "<mordred.email>", "guinevere", 400, BAD),
        arthur("inactive user with a wrong password", "<mordred.email>", "wrong", 400, BAD),
        scenario(
            "username with a NUL",
            Plain,
            [
                user("arthur"),
                // MongoDB's collation takes it for nothing.
                login("/auth/jwt", "<arthur.email>\0", "guinevere")
                    .gives(400, BAD)
                    .on(&[Postgres], 500, "Internal Server Error")
                    .on(&[Mongodb], 200, "<arthur.id>"),
            ],
        ),
        scenario(
            "a token answers",
            Plain,
            [
                user("arthur"),
                login("/auth/jwt", "<arthur.email>", "guinevere")
                    .save("/access_token", "token")
                    .gives(200, "access_token"),
                get("/users/me").bearer("<token>").gives(200, "<arthur.id>"),
            ],
        ),
        scenario(
            "a superuser logs in like anyone",
            Plain,
            [
                superuser("merlin"),
                login("/auth/jwt", "<merlin.email>", "guinevere").gives(200, "<merlin.id>"),
            ],
        ),
        scenario(
            "credentials in headers are ignored",
            Plain,
            [user("arthur"), login("/auth/jwt", "<arthur.email>", "wrong").by("arthur").gives(400, BAD)],
        ),
    ]
}

/// Password, then active, then verified.
fn verification() -> Vec<Scenario> {
    let unverified = r#"{"detail":"LOGIN_USER_NOT_VERIFIED"}"#;
    let rows = [
        ("unverified", "<arthur.email>", "guinevere", 400, unverified),
        ("unverified with a wrong password", "<arthur.email>", "wrong", 400, BAD),
        ("unverified and inactive", "<mordred.email>", "guinevere", 400, BAD),
        ("unknown, where addresses must be verified", "nobody.<unique>@example.com", "x", 400, BAD),
        ("verified", "<lancelot.email>", "guinevere", 200, "<lancelot.id>"),
    ];
    let rows = rows.map(|(name, username, password, status, says)| {
        scenario(
            name,
            Setup::Verified,
            [
                user("arthur"),
                inactive("mordred"),
                verified("lancelot"),
                login("/auth/jwt", username, password).gives(status, says),
            ],
        )
    });
    rows.into()
}

fn forms() -> Vec<Scenario> {
    let missing = |field| {
        format!(r#"{{"type":"missing","loc":["body","{field}"],"msg":"Field required","input":null}}"#)
    };
    let both = format!("[{},{}]", missing("username"), missing("password"));
    let good: [(&str, &str); 2] = [("username", "<arthur.email>"), ("password", "guinevere")];
    let with = |extra: &[(&'static str, &'static str)]| [extra, &good].concat();
    type Row = (&'static str, Vec<(&'static str, &'static str)>, u16, String);
    let rows: Vec<Row> = vec![
        ("grant_type password", with(&[("grant_type", "password")]), 200, "bearer".into()),
        ("grant_type empty", with(&[("grant_type", "")]), 200, "bearer".into()),
        (
            "grant_type of another kind",
            with(&[("grant_type", "client_credentials")]),
            422,
            "string_pattern_mismatch".into(),
        ),
        ("grant_type with another case", with(&[("grant_type", "PASSWORD")]), 422, "^password$".into()),
        ("grant_type with a line feed", with(&[("grant_type", "password\n")]), 422, "^password$".into()),
        (
            "scope and client are ignored",
            with(&[("scope", "a b"), ("client_id", "c"), ("client_secret", "d")]),
            200,
            "bearer".into(),
        ),
        ("unknown fields are ignored", with(&[("otp", "123456")]), 200, "bearer".into()),
        (
            "the last of duplicate fields counts",
            with(&[("username", "x"), ("password", "y")]),
            200,
            "bearer".into(),
        ),
        ("username missing", vec![("password", "x")], 422, missing("username")),
        ("password missing", vec![("username", "x")], 422, missing("password")),
        ("both missing", vec![("grant_type", "password")], 422, both.clone()),
        ("username empty", vec![("username", ""), ("password", "x")], 422, missing("username")),
        ("password empty", vec![("username", "x"), ("password", "")], 422, missing("password")),
        ("everything wrong", vec![("grant_type", "x")], 422, missing("username")),
        ("names in another case", vec![("Username", "x"), ("PASSWORD", "y")], 422, both.clone()),
        (
            "e-mail instead of username",
            vec![("email", "<arthur.email>"), ("password", "guinevere")],
            422,
            missing("username"),
        ),
    ];
    let mut all: Vec<Scenario> = rows
        .into_iter()
        .map(|(name, fields, status, says)| {
            scenario(name, Setup::Plain, [user("arthur"), post(PATH).form(&fields).gives(status, says)])
        })
        .collect();
    all.push(scenario("no body", Setup::Plain, [post(PATH).gives(422, both.clone())]));
    all.push(scenario(
        "a JSON body",
        Setup::Plain,
        [post(PATH).json(json!({"username": "a@example.com", "password": "x"})).gives(422, both.clone())],
    ));
    all.push(scenario(
        "credentials in the query",
        Setup::Plain,
        [post("/auth/jwt/login?username=a@example.com&password=x").gives(422, both.clone())],
    ));
    all.push(scenario(
        "a form without a content type",
        Setup::Plain,
        [post(PATH).raw("username=a@example.com&password=x").gives(422, both.clone())],
    ));
    all.push(scenario(
        "1000 fields",
        Setup::Plain,
        [post(PATH).raw("a=1&".repeat(999) + "b=2").header("content-type", FORM).gives(422, both)],
    ));
    all.push(scenario(
        "1001 fields",
        Setup::Plain,
        [post(PATH)
            .raw("a=1&".repeat(1000) + "b=2")
            .header("content-type", FORM)
            .gives(400, r#"{"detail":"Too many fields. Maximum number of fields is 1000."}"#)],
    ));
    all
}

/// What else the bytes of an urlencoded form may be.
fn encodings() -> Vec<Scenario> {
    let rows = [
        (
            "charset in the content type",
            "application/x-www-form-urlencoded; charset=utf-8",
            "username=<arthur.email>&password=guinevere",
            200,
        ),
        (
            "content type in another case",
            "APPLICATION/X-WWW-FORM-URLENCODED",
            "username=<arthur.email>&password=guinevere",
            200,
        ),
        ("everything percent-encoded", FORM, "%75sername=<arthur.email>&pass%77ord=%67uinevere", 200),
        ("semicolons do not separate", FORM, "username=<arthur.email>;password=guinevere", 422),
        ("empty pairs", FORM, "&&username=<arthur.email>&&password=guinevere&", 200),
        ("a field without a value", FORM, "grant_type&username=<arthur.email>&password=guinevere", 200),
        ("a percent sign that encodes nothing", FORM, "username=<arthur.email>&password=%zz", 400),
        ("a password with an equals sign", FORM, "username=<arthur.email>&password=a=b", 400),
        ("bytes that are not UTF-8", FORM, "username=<arthur.email>&password=%ff", 400),
        ("an array in PHP's notation", FORM, "username[]=<arthur.email>&password=guinevere", 422),
        ("text", "text/plain", "username=<arthur.email>&password=guinevere", 422),
    ];
    let rows = rows.map(|(name, content_type, body, status)| {
        scenario(
            name,
            Setup::Plain,
            [user("arthur"), post(PATH).raw(body).header("content-type", content_type).gives(status, "")],
        )
    });
    rows.into()
}

fn multipart() -> Vec<Scenario> {
    let part = |name: &str, value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let file = |name: &str, value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"f\"\r\n\r\n{value}\r\n")
    };
    let good = part("username", "<arthur.email>") + &part("password", "guinevere");
    let rows = [
        ("multipart", "multipart/form-data; boundary=b", good.clone() + "--b--\r\n", 200, "bearer"),
        (
            "multipart with a quoted boundary",
            "multipart/form-data; boundary=\"b\"",
            good.clone() + "--b--\r\n",
            200,
            "bearer",
        ),
        (
            "multipart, the last of duplicates",
            "multipart/form-data; boundary=b",
            part("password", "x") + &good + "--b--\r\n",
            200,
            "bearer",
        ),
        (
            "multipart without a boundary",
            "multipart/form-data",
            good.clone() + "--b--\r\n",
            400,
            r#"{"detail":"Missing boundary in multipart."}"#,
        ),
        (
            "multipart with another boundary",
            "multipart/form-data; boundary=c",
            good.clone() + "--b--\r\n",
            400,
            "detail",
        ),
        ("multipart without its end", "multipart/form-data; boundary=b", good, 422, "password"),
        ("multipart without parts", "multipart/form-data; boundary=b", "--b--\r\n".into(), 422, "username"),
        (
            "multipart with an empty password",
            "multipart/form-data; boundary=b",
            part("username", "x") + &part("password", "") + "--b--\r\n",
            422,
            "password",
        ),
        (
            "multipart with a file that is ignored",
            "multipart/form-data; boundary=b",
            file("portrait", "x") + &part("username", "x") + &part("password", "y") + "--b--\r\n",
            400,
            BAD,
        ),
    ];
    let rows = rows.map(|(name, content_type, body, status, says)| {
        scenario(
            name,
            Setup::Plain,
            [user("arthur"), post(PATH).raw(body).header("content-type", content_type).gives(status, says)],
        )
    });
    rows.into()
}

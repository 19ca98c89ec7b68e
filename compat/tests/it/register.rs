//! POST /register.

use serde_json::{Value, json};

use crate::harness::{
    Scenario, Setup,
    System::{Mariadb, Mongodb, Postgres},
    scenario::*,
};

const PATH: &str = "/auth/register";
const EXISTS: &str = r#"{"detail":"REGISTER_USER_ALREADY_EXISTS"}"#;

pub(crate) fn scenarios() -> Vec<Scenario> {
    let mut all = plain();
    // No password gets to a database as it is, and a bad one is not hashed.
    all.extend(passwords().into_iter().chain(rules()).map(Scenario::once));
    all.extend(fields());
    all
}

fn register(body: Value) -> Request {
    post(PATH).json(body)
}

fn plain() -> Vec<Scenario> {
    use Setup::Plain;
    let flags = || stored("<id>", &["is_active", "is_superuser", "is_verified"], "1 | 0 | 0");
    vec![
        scenario("a new user", Plain, [
            register(json!({"email": "a.<unique>@example.com", "password": "guinevere"}))
                .save("/id", "id")
                .gives(201, r#"{"id":"<id>","email":"a.<unique>@example.com","is_active":true,"is_superuser":false,"is_verified":false}"#),
            stored(
                "<id>",
                &["id", "email", "hashed_password"],
                "<id> | a.<unique>@example.com | $argon2id$v=19$m=65536,t=3,p=4$<22>$<43>",
            ),
            login("/auth/jwt", "a.<unique>@example.com", "guinevere").gives(200, r#""sub":"<id>""#),
        ]),
        scenario("flags, id and accounts are ignored", Plain, [
            register(json!({
                "id": "5f2c9a66-9f9f-4a6c-8a55-3d5f7d0f6c11", "email": "a.<unique>@example.com", "password": "x",
                "is_active": false, "is_superuser": true, "is_verified": true, "oauth_accounts": [1],
            }))
            .save("/id", "id")
            .gives(201, r#""is_active":true,"is_superuser":false,"is_verified":false"#),
            flags(),
        ]),
        scenario("flags may be null", Plain, [
            register(json!({
                "email": "a.<unique>@example.com", "password": "x",
                "is_active": null, "is_superuser": null, "is_verified": null,
            }))
            .save("/id", "id")
            .gives(201, r#""is_active":true"#),
            flags(),
        ]),
        scenario("unknown fields, queries and bad credentials are ignored", Plain, [
            post("/auth/register?email=no&password=no")
                .json(json!({"email": "a.<unique>@example.com", "password": "x", "role": "king"}))
                .bearer("nonsense")
                .cookie("fastapiusersauth", "nonsense")
                .gives(201, "a.<unique>@example.com"),
        ]),
        scenario("a taken address", Plain, [
            user("arthur"),
            register(json!({"email": "<arthur.email>", "password": "x"})).gives(400, EXISTS),
        ]),
        scenario("a taken address in another case", Plain, [
            user("arthur"),
            register(json!({"email": "ARTHUR.<unique>@EXAMPLE.com", "password": "x"})).gives(400, EXISTS),
        ]),
        scenario("a taken address with a name around it", Plain, [
            user("arthur"),
            register(json!({"email": "Arthur <<arthur.email>>", "password": "x"})).gives(400, EXISTS),
        ]),
        scenario("the address of an inactive user is taken", Plain, [
            inactive("arthur"),
            register(json!({"email": "<arthur.email>", "password": "x"})).gives(400, EXISTS),
        ]),
        scenario("the address of a deleted user is free", Plain, [
            superuser("merlin"),
            user("arthur"),
            delete("/users/<arthur.id>").by("merlin").gives(204, ""),
            register(json!({"email": "<arthur.email>", "password": "x"})).gives(201, "<arthur.email>"),
        ]),
        scenario("local parts that differ beyond ASCII are two users", Plain, [
            register(json!({"email": "Ü.<unique>@example.com", "password": "x"})).gives(201, "Ü"),
            // SQLite folds ASCII alone.
            register(json!({"email": "ü.<unique>@example.com", "password": "x"}))
                .gives(201, "ü")
                .on(&[Postgres, Mariadb, Mongodb], 400, EXISTS),
        ]),
    ]
}

/// Any string is a password, and is taken as it is.
fn passwords() -> Vec<Scenario> {
    let kept = [
        ("a password with spaces around it", " guinevere ", "guinevere"),
        ("a password of one space", " ", "  "),
        ("a password that is not normalised", "gu\u{0308}nevere", "g\u{fc}nevere"),
        ("a password in another case", "Guinevere", "guinevere"),
        ("a password with a NUL", "gui\0nevere", "gui"),
        ("a password beyond the first plane", "👑👑👑👑", "👑👑👑"),
        ("a password with form characters", "a+b&c=d%20", "a b&c=d "),
    ];
    let kept = kept.map(|(name, password, other)| {
        scenario(
            name,
            Setup::Plain,
            [
                register(json!({"email": "a.<unique>@example.com", "password": password})).gives(201, ""),
                login("/auth/jwt", "a.<unique>@example.com", password).gives(200, "bearer"),
                login("/auth/jwt", "a.<unique>@example.com", other).gives(400, "LOGIN_BAD_CREDENTIALS"),
            ],
        )
    });
    let mut all = Vec::from(kept);
    all.push(scenario(
        "an empty password can be registered and not used",
        Setup::Plain,
        [
            register(json!({"email": "a.<unique>@example.com", "password": ""})).gives(201, ""),
            login("/auth/jwt", "a.<unique>@example.com", "").gives(422, "Field required"),
        ],
    ));
    all.push(scenario(
        "a password of 4096 bytes",
        Setup::Plain,
        [
            register(json!({"email": "a.<unique>@example.com", "password": "x".repeat(4096)})).gives(201, ""),
            login("/auth/jwt", "a.<unique>@example.com", &"x".repeat(4096)).gives(200, "bearer"),
            login("/auth/jwt", "a.<unique>@example.com", &"x".repeat(4095))
                .gives(400, "LOGIN_BAD_CREDENTIALS"),
        ],
    ));
    all.push(scenario(
        "a password of 4097 bytes",
        Setup::Plain,
        [register(json!({"email": "a.<unique>@example.com", "password": "x".repeat(4097)})).gives(201, "")],
    ));
    all
}

/// The rules of the application: at least 8 characters, and not the address.
fn rules() -> Vec<Scenario> {
    let invalid =
        |reason| format!(r#"{{"detail":{{"code":"REGISTER_INVALID_PASSWORD","reason":"{reason}"}}}}"#);
    let short = invalid("Password should be at least 8 characters");
    let email = invalid("Password should not contain e-mail");
    let rows = [
        ("a short password", "a.<unique>@example.com", "7654321", short.clone()),
        ("an empty password", "a.<unique>@example.com", "", short.clone()),
        ("the length counts characters", "a.<unique>@example.com", "äöüäöüä", short.clone()),
        ("characters beyond the first plane count once", "a.<unique>@example.com", "👑👑👑👑", short.clone()),
        ("the address as a password", "a.<unique>@example.com", "a.<unique>@example.com", email.clone()),
        (
            "a password around the address",
            "a.<unique>@example.com",
            "--a.<unique>@example.com--",
            email.clone(),
        ),
        ("the address in another case", "a.<unique>@example.com", "A.<unique>@EXAMPLE.COM", email),
    ];
    let mut all: Vec<Scenario> = rows
        .into_iter()
        .map(|(name, email, password, says)| {
            let body = json!({"email": email, "password": password, "first_name": "Arthur"});
            scenario(name, Setup::Rules, [register(body).gives(400, says)])
        })
        .collect();
    all.push(scenario(
        "the password is checked before the address",
        Setup::Rules,
        [
            user("arthur"),
            register(json!({"email": "<arthur.email>", "password": "7654321", "first_name": "A"}))
                .gives(400, short),
            register(json!({"email": "<arthur.email>", "password": "87654321", "first_name": "A"}))
                .gives(400, EXISTS),
        ],
    ));
    all
}

/// Further columns: `first_name` is required text, `age` an integer or null.
fn fields() -> Vec<Scenario> {
    let accepted: [(&str, Value, &str); 10] = [
        ("both fields", json!({"first_name": "Arthur", "age": 42}), r#""first_name":"Arthur","age":42}"#),
        (
            "the order of the columns is kept",
            json!({"age": 42, "first_name": "A"}),
            r#""first_name":"A","age":42}"#,
        ),
        ("an optional field may be absent", json!({"first_name": "Arthur"}), r#""age":null"#),
        ("an optional field may be null", json!({"first_name": "Arthur", "age": null}), r#""age":null"#),
        ("text is kept as it is", json!({"first_name": " \u{1F451}\t\"\\/ "}), r#"" 👑\t\"\\/ ""#),
        ("text may be empty", json!({"first_name": ""}), r#""first_name":"""#),
        ("an integer in a string", json!({"first_name": "A", "age": " 42 "}), r#""age":42"#),
        ("an integer with a fraction of zero", json!({"first_name": "A", "age": 42.0}), r#""age":42"#),
        ("a boolean as an integer", json!({"first_name": "A", "age": true}), r#""age":1"#),
        ("the largest integer", json!({"first_name": "A", "age": i64::MAX}), "9223372036854775807"),
    ];
    let refused: [(&str, Value, &str); 9] = [
        ("a required field is missing", json!({}), r#""type":"missing","loc":["body","first_name"]"#),
        ("a required field is null", json!({"first_name": null}), "string_type"),
        ("text is a number", json!({"first_name": 1}), "string_type"),
        ("an integer is text", json!({"first_name": "A", "age": "old"}), "int_parsing"),
        ("an integer is empty text", json!({"first_name": "A", "age": ""}), "int_parsing"),
        ("an integer has a fraction", json!({"first_name": "A", "age": 1.5}), "int_from_float"),
        ("an integer in a string has a fraction", json!({"first_name": "A", "age": "1.5"}), "int_parsing"),
        ("an integer is a list", json!({"first_name": "A", "age": [1]}), "int_type"),
        (
            "fields of all kinds are wrong",
            json!({"first_name": 1, "age": "x", "is_active": 2}),
            "bool_parsing",
        ),
    ];
    let with_credentials = |mut body: Value| {
        body["email"] = "a.<unique>@example.com".into();
        body["password"] = "guinevere".into();
        body
    };
    let accepted = accepted.into_iter().map(|row| (row, 201));
    let refused = refused.into_iter().map(|row| (row, 422));
    let scenario_of = |((name, body, says), status): ((&str, Value, &str), u16)| {
        scenario(name, Setup::Rules, [register(with_credentials(body)).gives(status, says)])
    };
    let refused = refused.map(|row| scenario_of(row).once());
    let mut all: Vec<Scenario> = accepted.map(scenario_of).chain(refused).collect();
    all.push(scenario("an integer beyond 64 bits", Setup::Rules, [post(PATH)
        .json_text(r#"{"email":"a.<unique>@example.com","password":"guinevere","first_name":"A","age":9223372036854775808}"#)
        .gives(500, "Internal Server Error")]));
    all
}

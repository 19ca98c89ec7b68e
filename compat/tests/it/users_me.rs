//! GET and PATCH /me.

use serde_json::{Value, json};

use crate::harness::{Scenario, Setup, Step, System::Mongodb, scenario::*};

const ME: &str = "/users/me";
const UNAUTHORIZED: &str = r#"{"detail":"Unauthorized"}"#;
const FORBIDDEN: &str = r#"{"detail":"Forbidden"}"#;
const FAILURE: &str = "Internal Server Error";
const EXISTS: &str = r#"{"detail":"UPDATE_USER_EMAIL_ALREADY_EXISTS"}"#;

pub(crate) fn scenarios() -> Vec<Scenario> {
    let mut all = access();
    all.extend(ignored());
    all.extend(addresses());
    all.extend(passwords());
    all.extend(fields());
    all
}

fn change(body: Value) -> Request {
    patch(ME).by("arthur").json(body)
}

fn access() -> Vec<Scenario> {
    use Setup::{Plain, Verified};
    let both = |name: &str, setup, person: Step, by: &str, status, says: &str| {
        scenario(
            name,
            setup,
            [
                person,
                get(ME).by(by).gives(status, says),
                patch(ME).by(by).json(json!({})).gives(status, says),
            ],
        )
    };
    vec![
        both(
            "a user",
            Plain,
            user("arthur"),
            "arthur",
            200,
            r#"{"id":"<arthur.id>","email":"<arthur.email>","is_active":true,"is_superuser":false,"is_verified":false}"#,
        ),
        both("a superuser", Plain, superuser("merlin"), "merlin", 200, r#""is_superuser":true"#),
        both("a verified user", Plain, verified("arthur"), "arthur", 200, r#""is_verified":true"#),
        both("an inactive user", Plain, inactive("arthur"), "arthur", 401, UNAUTHORIZED),
        both("unverified, where users must be", Verified, user("arthur"), "arthur", 403, FORBIDDEN),
        both("verified, where users must be", Verified, verified("arthur"), "arthur", 200, "<arthur.id>"),
        both(
            "inactive, where users must be verified",
            Verified,
            inactive("arthur"),
            "arthur",
            401,
            UNAUTHORIZED,
        ),
        both(
            "a superuser, where users must be verified",
            Verified,
            superuser("merlin"),
            "merlin",
            403,
            FORBIDDEN,
        ),
        scenario(
            "anonymous",
            Plain,
            [get(ME).gives(401, UNAUTHORIZED), patch(ME).json(json!({})).gives(401, UNAUTHORIZED)],
        ),
        scenario(
            "a deleted user",
            Plain,
            [
                user("arthur"),
                Step::Remove { user: "<arthur.id>" },
                get(ME).by("arthur").gives(401, UNAUTHORIZED),
                patch(ME).by("arthur").json(json!({})).gives(401, UNAUTHORIZED),
            ],
        ),
        scenario(
            "deactivation counts at once",
            Plain,
            [
                user("arthur"),
                get(ME).by("arthur").gives(200, ""),
                set("<arthur.id>", "is_active", false),
                get(ME).by("arthur").gives(401, UNAUTHORIZED),
            ],
        ),
        scenario(
            "a GET may have a body",
            Plain,
            [user("arthur"), get(ME).by("arthur").json_text("{broken").gives(200, "<arthur.id>")],
        ),
    ]
}

/// What a user cannot change, or does not.
fn ignored() -> Vec<Scenario> {
    let rows: [(&str, Value); 9] = [
        ("an empty update", json!({})),
        ("flags", json!({"is_active": false, "is_superuser": true, "is_verified": true})),
        ("flags that are null", json!({"is_active": null, "is_superuser": null, "is_verified": null})),
        ("id", json!({"id": "5f2c9a66-9f9f-4a6c-8a55-3d5f7d0f6c11"})),
        ("id of a wrong type", json!({"id": [1]})),
        ("accounts", json!({"oauth_accounts": [{}]})),
        ("the hash", json!({"hashed_password": "x"})),
        ("unknown fields", json!({"role": "king"})),
        ("a password that is null", json!({"password": null})),
    ];
    let rows = rows.map(|(name, body)| {
        // Beanie knows no field of this name.
        let fails: &[_] = if body.get("password").is_some() { &[Mongodb] } else { &[] };
        scenario(
            format!("{name} changes nothing"),
            Setup::Plain,
            [
                user("arthur"),
                change(body)
                    .gives(200, r#""is_active":true,"is_superuser":false,"is_verified":false"#)
                    .on(fails, 500, FAILURE),
                stored(
                    "<arthur.id>",
                    &["id", "email", "hashed_password", "is_active", "is_superuser", "is_verified"],
                    "<arthur.id> | <arthur.email> | <arthur.hash> | 1 | 0 | 0",
                ),
            ],
        )
    });
    rows.into()
}

fn addresses() -> Vec<Scenario> {
    use Setup::{Plain, Verified};
    let own = |name: &str, email: &str, status, says: &str| {
        scenario(
            name,
            Plain,
            [
                verified("arthur"),
                user("lancelot"),
                change(json!({"email": email})).gives(status, says),
                get(ME).by("arthur").gives(200, ""),
            ],
        )
    };
    let unverified =
        r#""email":"a.<unique>@example.com","is_active":true,"is_superuser":false,"is_verified":false"#;
    vec![
        own("a new address is not verified", "a.<unique>@example.com", 200, unverified),
        own("a new address is normalised", " A <a.<unique>@EXAMPLE.com> ", 200, unverified),
        own("the same address stays verified", "<arthur.email>", 200, r#""is_verified":true"#),
        own(
            "the same address with the domain in another case",
            "arthur.<unique>@EXAMPLE.COM",
            200,
            r#""email":"<arthur.email>","is_active":true,"is_superuser":false,"is_verified":true"#,
        ),
        own(
            "the same address with the local part in another case",
            "Arthur.<unique>@example.com",
            400,
            EXISTS,
        ),
        own("a taken address", "<lancelot.email>", 400, EXISTS),
        own("a taken address in another case", "LANCELOT.<unique>@example.com", 400, EXISTS),
        own("no address", "lancelot", 422, "value is not a valid email address"),
        scenario(
            "null is no address",
            Plain,
            [
                user("arthur"),
                change(json!({"email": null})).gives(500, FAILURE),
                get(ME).by("arthur").gives(200, "<arthur.email>"),
            ],
        )
        .of_sql(),
        scenario(
            "null is no address of a document",
            Plain,
            [
                user("arthur"),
                change(json!({"email": null})).gives(500, FAILURE),
                set("<arthur.id>", "email", "<arthur.email>"),
            ],
        )
        .of_mongodb(),
        scenario(
            "a new address cannot be verified along",
            Plain,
            [
                verified("arthur"),
                change(json!({"is_verified": true, "email": "a.<unique>@example.com"}))
                    .gives(200, unverified),
            ],
        ),
        scenario(
            "the old address is free, the new one is taken",
            Plain,
            [
                user("arthur"),
                change(json!({"email": "a.<unique>@example.com"})).gives(200, ""),
                post("/auth/register")
                    .json(json!({"email": "A.<unique>@example.com", "password": "x"}))
                    .gives(400, "EXISTS"),
                post("/auth/register")
                    .json(json!({"email": "<arthur.email>", "password": "x"}))
                    .gives(201, ""),
            ],
        ),
        scenario(
            "tokens outlive a new address",
            Plain,
            [
                user("arthur"),
                change(json!({"email": "a.<unique>@example.com"})).gives(200, ""),
                get(ME).by("arthur").gives(200, "a.<unique>@example.com"),
                get(ME).cookie("fastapiusersauth", "<arthur.session>").gives(200, "a.<unique>@example.com"),
            ],
        )
        .of_sessions(),
        scenario(
            "a new address locks out, where users must be verified",
            Verified,
            [
                verified("arthur"),
                change(json!({"email": "a.<unique>@example.com"})).gives(200, unverified),
                get(ME).by("arthur").gives(403, FORBIDDEN),
                change(json!({"email": "<arthur.email>"})).gives(403, FORBIDDEN),
            ],
        ),
    ]
}

fn passwords() -> Vec<Scenario> {
    use Setup::{Plain, Rules};
    let invalid =
        |reason| format!(r#"{{"detail":{{"code":"UPDATE_USER_INVALID_PASSWORD","reason":"{reason}"}}}}"#);
    vec![
        scenario(
            "a new password",
            Plain,
            [
                user("arthur"),
                change(json!({"password": "excalibur"})).gives(200, "<arthur.id>"),
                login("/auth/jwt", "<arthur.email>", "guinevere").gives(400, "LOGIN_BAD_CREDENTIALS"),
                login("/auth/jwt", "<arthur.email>", "excalibur").gives(200, "bearer"),
            ],
        ),
        scenario(
            "tokens outlive a new password",
            Plain,
            [
                user("arthur"),
                change(json!({"password": "excalibur"})).gives(200, ""),
                get(ME).by("arthur").gives(200, "<arthur.id>"),
                get(ME).cookie("fastapiusersauth", "<arthur.session>").gives(200, "<arthur.id>"),
            ],
        )
        .of_sessions(),
        scenario(
            "an empty password",
            Plain,
            [
                user("arthur"),
                change(json!({"password": ""})).gives(200, "<arthur.id>"),
                stored("<arthur.id>", &["hashed_password"], "$argon2id$v=19$m=65536,t=3,p=4$<22>$<43>"),
            ],
        ),
        scenario(
            "a new password stays verified",
            Plain,
            [
                verified("arthur"),
                change(json!({"password": "excalibur"})).gives(200, r#""is_verified":true"#),
            ],
        ),
        scenario(
            "a short password",
            Rules,
            [
                user("arthur"),
                change(json!({"password": "7654321"}))
                    .gives(400, invalid("Password should be at least 8 characters")),
            ],
        ),
        scenario(
            "the address as a password",
            Rules,
            [
                user("arthur"),
                change(json!({"password": "--<arthur.email>--"}))
                    .gives(400, invalid("Password should not contain e-mail")),
            ],
        ),
        scenario(
            "the password is checked before the address, and nothing is written",
            Rules,
            [
                user("arthur"),
                user("lancelot"),
                change(json!({"email": "<lancelot.email>", "password": "x"}))
                    .gives(400, "UPDATE_USER_INVALID_PASSWORD"),
                change(json!({"email": "<lancelot.email>", "password": "excalibur"})).gives(400, EXISTS),
                change(json!({"email": "a.<unique>@example.com", "password": "x"}))
                    .gives(400, "UPDATE_USER_INVALID_PASSWORD"),
                stored("<arthur.id>", &["email", "hashed_password"], "<arthur.email> | <arthur.hash>"),
            ],
        ),
        scenario(
            "a new password may contain the new address",
            Rules,
            [
                user("arthur"),
                change(json!({"email": "a.<unique>@example.com", "password": "--a.<unique>@example.com--"}))
                    .gives(200, ""),
            ],
        ),
        scenario(
            "a new password may not contain the old address",
            Rules,
            [
                user("arthur"),
                change(json!({"email": "a.<unique>@example.com", "password": "--<arthur.email>--"}))
                    .gives(400, "UPDATE_USER_INVALID_PASSWORD"),
            ],
        ),
    ]
}

fn fields() -> Vec<Scenario> {
    let rows: [(&str, Value, u16, &str); 9] = [
        ("text", json!({"first_name": "Lancelot"}), 200, r#""first_name":"Lancelot","age":null}"#),
        ("an integer", json!({"age": 42}), 200, r#""first_name":"Arthur","age":42}"#),
        ("an integer in a string", json!({"age": "42"}), 200, r#""age":42}"#),
        ("an optional field set to null", json!({"age": null}), 200, r#""age":null"#),
        ("text set to a number", json!({"first_name": 5}), 422, "string_type"),
        ("an integer set to text", json!({"age": "old"}), 422, "int_parsing"),
        (
            "all fields",
            json!({"first_name": "L", "age": 1, "email": "a.<unique>@example.com"}),
            200,
            r#""age":1}"#,
        ),
        (
            "a wrong field spoils the update",
            json!({"first_name": "L", "age": "old", "email": "no"}),
            422,
            "value_error",
        ),
        ("a required field set to null", json!({"first_name": null}), 500, "Internal Server Error"),
    ];
    let rows = rows.map(|(name, body, status, says)| {
        scenario(
            name,
            Setup::Rules,
            [
                user("arthur"),
                change(body).gives(status, says),
                // MongoDB has written the null, and then the user cannot be shown.
                get(ME).by("arthur").gives(200, "first_name").on(
                    if status == 500 { &[Mongodb] } else { &[] },
                    500,
                    FAILURE,
                ),
            ],
        )
    });
    rows.into()
}

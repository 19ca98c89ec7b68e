//! GET, PATCH and DELETE /{id}: for superusers.

use serde_json::{Value, json};

use crate::harness::{
    Scenario, Setup, Step,
    System::{Mariadb, Mongodb, Postgres},
    scenario::*,
};

const ARTHUR: &str = "/users/<arthur.id>";
const NOBODY: &str = "/users/00000000-0000-4000-8000-000000000000";
const UNAUTHORIZED: &str = r#"{"detail":"Unauthorized"}"#;
const FORBIDDEN: &str = r#"{"detail":"Forbidden"}"#;
const FAILURE: &str = "Internal Server Error";
const NOT_FOUND: &str = r#"{"detail":"Not Found"}"#;
const EXISTS: &str = r#"{"detail":"UPDATE_USER_EMAIL_ALREADY_EXISTS"}"#;

pub(crate) fn scenarios() -> Vec<Scenario> {
    let mut all = access();
    all.extend(flags());
    all.extend(updates());
    all.extend(deletions());
    all
}

fn change(body: Value) -> Request {
    patch(ARTHUR).by("merlin").json(body)
}

fn access() -> Vec<Scenario> {
    use Setup::{Plain, Verified};
    let all = |name: &str, setup, caller: Step, by: &str, path: &str, status, says: &str| {
        scenario(
            name,
            setup,
            [
                caller,
                user("arthur"),
                get(path).by(by).gives(status, says),
                patch(path).by(by).json(json!({})).gives(status, says),
                delete(path).by(by).gives(status, says),
            ],
        )
    };
    vec![
        all("a user", Plain, user("lancelot"), "lancelot", ARTHUR, 403, FORBIDDEN),
        all("a verified user", Plain, verified("lancelot"), "lancelot", ARTHUR, 403, FORBIDDEN),
        all("oneself", Plain, user("lancelot"), "arthur", ARTHUR, 403, FORBIDDEN),
        all("a user, of nobody", Plain, user("lancelot"), "lancelot", NOBODY, 403, FORBIDDEN),
        all("a user, of no id", Plain, user("lancelot"), "lancelot", "/users/nobody", 403, FORBIDDEN),
        all("an inactive user", Plain, inactive("mordred"), "mordred", ARTHUR, 401, UNAUTHORIZED),
        all("a superuser, of nobody", Plain, superuser("merlin"), "merlin", NOBODY, 404, NOT_FOUND),
        all("a superuser, of no id", Plain, superuser("merlin"), "merlin", "/users/nobody", 404, NOT_FOUND),
        all(
            "an unverified superuser, where users must be",
            Verified,
            superuser("merlin"),
            "merlin",
            ARTHUR,
            403,
            FORBIDDEN,
        ),
        scenario(
            "anonymous",
            Plain,
            [
                user("arthur"),
                get(ARTHUR).gives(401, UNAUTHORIZED),
                patch(ARTHUR).json(json!({})).gives(401, UNAUTHORIZED),
                delete(ARTHUR).gives(401, UNAUTHORIZED),
                delete(NOBODY).gives(401, UNAUTHORIZED),
            ],
        ),
        scenario(
            "a superuser who has been deactivated",
            Plain,
            [
                superuser("merlin"),
                user("arthur"),
                set("<merlin.id>", "is_active", false),
                get(ARTHUR).by("merlin").gives(401, UNAUTHORIZED),
                patch(ARTHUR).by("merlin").json(json!({})).gives(401, UNAUTHORIZED),
                delete(ARTHUR).by("merlin").gives(401, UNAUTHORIZED),
            ],
        ),
        scenario(
            "a superuser reads anyone",
            Plain,
            [
                superuser("merlin"),
                user("arthur"),
                inactive("mordred"),
                get(ARTHUR).by("merlin").gives(200, r#"{"id":"<arthur.id>","email":"<arthur.email>""#),
                get("/users/<mordred.id>").by("merlin").gives(200, r#""is_active":false"#),
                get("/users/<merlin.id>").by("merlin").gives(200, r#""is_superuser":true"#),
            ],
        ),
        scenario(
            "a superuser with a cookie",
            Plain,
            [
                superuser("merlin"),
                user("arthur"),
                get(ARTHUR).cookie("fastapiusersauth", "<merlin.session>").gives(200, "<arthur.id>"),
            ],
        )
        .of_sessions(),
    ]
}

fn flags() -> Vec<Scenario> {
    let rows: [(&str, Value, &str); 6] = [
        (
            "deactivates",
            json!({"is_active": false}),
            r#""is_active":false,"is_superuser":false,"is_verified":false"#,
        ),
        (
            "promotes",
            json!({"is_superuser": true}),
            r#""is_active":true,"is_superuser":true,"is_verified":false"#,
        ),
        (
            "verifies",
            json!({"is_verified": true}),
            r#""is_active":true,"is_superuser":false,"is_verified":true"#,
        ),
        (
            "changes all flags",
            json!({"is_active": 0, "is_superuser": "yes", "is_verified": "ON"}),
            r#""is_active":false,"is_superuser":true,"is_verified":true"#,
        ),
        ("leaves the id", json!({"id": "5f2c9a66-9f9f-4a6c-8a55-3d5f7d0f6c11"}), r#""id":"<arthur.id>""#),
        ("changes nothing", json!({}), r#""email":"<arthur.email>""#),
    ];
    let rows = rows.map(|(name, body, says)| {
        scenario(
            format!("a superuser {name}"),
            Setup::Plain,
            [
                superuser("merlin"),
                user("arthur"),
                change(body).gives(200, says),
                get(ARTHUR).by("merlin").gives(200, says),
            ],
        )
    });
    let nulls = ["is_active", "is_superuser", "is_verified"].map(|flag| {
        scenario(
            format!("{flag} set to null"),
            Setup::Plain,
            [
                superuser("merlin"),
                user("arthur"),
                change(json!({ flag: null })).gives(500, FAILURE),
                // MongoDB has written the null, and then the user cannot be shown.
                get(ARTHUR)
                    .by("merlin")
                    .gives(200, r#""is_active":true,"is_superuser":false,"is_verified":false"#)
                    .on(&[Mongodb], 500, FAILURE),
            ],
        )
    });
    rows.into_iter().chain(nulls).collect()
}

fn updates() -> Vec<Scenario> {
    use Setup::{Plain, Rules};
    let as_merlin = |name: &str, setup, steps: Vec<Step>| {
        let people = [superuser("merlin"), verified("arthur"), user("lancelot")];
        scenario(name, setup, people.into_iter().chain(steps))
    };
    vec![
        as_merlin("a new address is not verified", Plain, vec![
            change(json!({"email": "a.<unique>@example.com"})).gives(200, r#""is_verified":false"#),
        ]),
        as_merlin("a new address can be verified along", Plain, vec![
            change(json!({"is_verified": true, "email": "a.<unique>@example.com"})).gives(200, r#""is_verified":true"#),
        ]),
        as_merlin("the same address stays verified", Plain, vec![
            change(json!({"email": "<arthur.email>"})).gives(200, r#""is_verified":true"#),
        ]),
        as_merlin("a taken address", Plain, vec![
            change(json!({"email": "Lancelot.<unique>@example.com"})).gives(400, EXISTS),
        ]),
        as_merlin("the superuser's own address", Plain, vec![
            change(json!({"email": "<merlin.email>"})).gives(400, EXISTS),
        ]),
        as_merlin("null is no address", Plain, vec![
            change(json!({"email": null})).gives(500, FAILURE),
            // MongoDB has written it.
            set("<arthur.id>", "email", "<arthur.email>"),
        ]),
        as_merlin("a new password", Plain, vec![
            change(json!({"password": "excalibur"})).gives(200, "<arthur.id>"),
            login("/auth/jwt", "<arthur.email>", "excalibur").gives(200, "bearer"),
            get("/users/me").by("arthur").gives(200, "<arthur.id>"),
        ]),
        as_merlin("a bad password", Rules, vec![
            change(json!({"password": "7654321", "email": "<lancelot.email>"}))
                .gives(400, r#"{"code":"UPDATE_USER_INVALID_PASSWORD","reason":"Password should be at least 8 characters"}"#),
        ]),
        as_merlin("the password rules look at the changed user", Rules, vec![
            change(json!({"password": "<arthur.email>"})).gives(400, "Password should not contain e-mail"),
            change(json!({"password": "<merlin.email>"})).gives(200, "<arthur.id>"),
        ]),
        as_merlin("further columns", Rules, vec![
            change(json!({"first_name": "King", "age": 42})).gives(200, r#""first_name":"King","age":42}"#),
        ]),
        as_merlin("a wrong type", Plain, vec![
            change(json!({"is_active": "maybe", "email": 5})).gives(422, "bool_parsing"),
        ]),
        as_merlin("malformed JSON", Plain, vec![
            patch(ARTHUR).by("merlin").json_text("{").gives(422, "json_invalid"),
        ]),
        as_merlin("a superuser who steps down is none at once", Plain, vec![
            patch("/users/<merlin.id>").by("merlin").json(json!({"is_superuser": false})).gives(200, r#""is_superuser":false"#),
            get(ARTHUR).by("merlin").gives(403, FORBIDDEN),
        ]),
        as_merlin("a superuser can lock oneself out", Plain, vec![
            patch("/users/<merlin.id>").by("merlin").json(json!({"is_active": false})).gives(200, r#""is_active":false"#),
            get(ARTHUR).by("merlin").gives(401, UNAUTHORIZED),
        ]),
    ]
}

fn deletions() -> Vec<Scenario> {
    use Setup::Plain;
    vec![
        scenario(
            "a superuser deletes",
            Plain,
            [
                superuser("merlin"),
                user("arthur"),
                delete(ARTHUR).by("merlin").gives(204, ""),
                stored("<arthur.id>", &["email"], "none"),
                get(ARTHUR).by("merlin").gives(404, NOT_FOUND),
                delete(ARTHUR).by("merlin").gives(404, NOT_FOUND),
                get("/users/me").by("arthur").gives(401, UNAUTHORIZED),
                get("/users/me").cookie("fastapiusersauth", "<arthur.session>").gives(401, UNAUTHORIZED),
                login("/auth/jwt", "<arthur.email>", "guinevere").gives(400, "LOGIN_BAD_CREDENTIALS"),
            ],
        ),
        scenario(
            "a superuser deletes oneself",
            Plain,
            [
                superuser("merlin"),
                delete("/users/<merlin.id>").by("merlin").gives(204, ""),
                get("/users/me").by("merlin").gives(401, UNAUTHORIZED),
            ],
        ),
        scenario(
            "the tokens of a deleted user",
            Plain,
            [
                superuser("merlin"),
                user("arthur"),
                delete(ARTHUR).by("merlin").gives(204, ""),
                tokens("<arthur.id>", "<arthur.session>").on(&[Postgres, Mariadb], 0, "none"),
            ],
        )
        .of_sessions(),
        scenario(
            "the body of a deletion is ignored",
            Plain,
            [
                superuser("merlin"),
                user("arthur"),
                delete(ARTHUR).by("merlin").json_text("{broken").gives(204, ""),
            ],
        ),
        scenario(
            "nobody is deleted as me",
            Plain,
            [
                superuser("merlin"),
                user("arthur"),
                delete("/users/me").gives(401, UNAUTHORIZED),
                delete("/users/me").by("arthur").gives(403, FORBIDDEN),
                delete("/users/me").by("merlin").gives(404, NOT_FOUND),
            ],
        ),
    ]
}

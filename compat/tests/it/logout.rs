//! POST /logout.

use crate::harness::{Scenario, Setup, scenario::*};

const UNAUTHORIZED: &str = r#"{"detail":"Unauthorized"}"#;

pub(crate) fn scenarios() -> Vec<Scenario> {
    use Setup::{Plain, Verified};
    let scenarios = vec![
        scenario(
            "a JWT stays valid",
            Plain,
            [
                user("arthur"),
                post("/auth/jwt/logout").by("arthur").gives(204, ""),
                get("/users/me").by("arthur").gives(200, "<arthur.id>"),
            ],
        ),
        scenario(
            "a database token ends, and its cookie",
            Plain,
            [
                user("arthur"),
                post("/auth/cookie/logout").cookie("fastapiusersauth", "<arthur.session>").gives(
                    204,
                    r#"set-cookie: fastapiusersauth=""; HttpOnly; Max-Age=0; Path=/; SameSite=lax; Secure"#,
                ),
                tokens("<arthur.id>", "none"),
                get("/users/me").cookie("fastapiusersauth", "<arthur.session>").gives(401, UNAUTHORIZED),
            ],
        ),
        scenario(
            "other database tokens stay",
            Plain,
            [
                user("arthur"),
                login("/auth/cookie", "<arthur.email>", "guinevere").save_cookie("second").gives(204, ""),
                post("/auth/cookie/logout").cookie("fastapiusersauth", "<second>").gives(204, ""),
                tokens("<arthur.id>", "<arthur.session>"),
            ],
        ),
        scenario(
            "twice",
            Plain,
            [
                user("arthur"),
                post("/auth/cookie/logout").cookie("fastapiusersauth", "<arthur.session>").gives(204, ""),
                post("/auth/cookie/logout")
                    .cookie("fastapiusersauth", "<arthur.session>")
                    .gives(401, UNAUTHORIZED),
            ],
        ),
        scenario(
            "anonymous",
            Plain,
            [
                post("/auth/jwt/logout").gives(401, UNAUTHORIZED),
                post("/auth/cookie/logout").gives(401, UNAUTHORIZED),
            ],
        ),
        scenario(
            "with a bad token",
            Plain,
            [
                post("/auth/jwt/logout").bearer("nonsense").gives(401, UNAUTHORIZED),
                post("/auth/cookie/logout").cookie("fastapiusersauth", "nonsense").gives(401, UNAUTHORIZED),
            ],
        ),
        scenario(
            "inactive",
            Plain,
            [
                inactive("mordred"),
                post("/auth/jwt/logout").by("mordred").gives(401, UNAUTHORIZED),
                post("/auth/cookie/logout")
                    .cookie("fastapiusersauth", "<mordred.session>")
                    .gives(401, UNAUTHORIZED),
            ],
        ),
        scenario(
            "a body is ignored",
            Plain,
            [user("arthur"), post("/auth/jwt/logout").by("arthur").json_text("{broken").gives(204, "")],
        ),
        scenario(
            "unverified",
            Verified,
            [
                user("arthur"),
                post("/auth/jwt/logout").by("arthur").gives(403, r#"{"detail":"Forbidden"}"#),
                post("/auth/cookie/logout")
                    .cookie("fastapiusersauth", "<arthur.session>")
                    .gives(403, "Forbidden"),
                tokens("<arthur.id>", "<arthur.session>"),
            ],
        ),
        scenario(
            "unverified and inactive",
            Verified,
            [inactive("mordred"), post("/auth/jwt/logout").by("mordred").gives(401, UNAUTHORIZED)],
        ),
        scenario(
            "verified",
            Verified,
            [
                verified("arthur"),
                post("/auth/jwt/logout").by("arthur").gives(204, ""),
                post("/auth/cookie/logout")
                    .cookie("fastapiusersauth", "<arthur.session>")
                    .gives(204, "set-cookie"),
            ],
        ),
        scenario(
            "by cookie at the bearer's route",
            Plain,
            [
                user("arthur"),
                post("/auth/jwt/logout").cookie("fastapiusersauth", "<arthur.session>").gives(204, ""),
                tokens("<arthur.id>", "<arthur.session>"),
            ],
        ),
        scenario(
            "by bearer at the cookie's route",
            Plain,
            [
                user("arthur"),
                post("/auth/cookie/logout").by("arthur").gives(204, "Max-Age=0"),
                tokens("<arthur.id>", "<arthur.session>"),
            ],
        ),
        scenario(
            "by both at the cookie's route",
            Plain,
            [
                user("arthur"),
                post("/auth/cookie/logout")
                    .by("arthur")
                    .cookie("fastapiusersauth", "<arthur.session>")
                    .gives(204, "Max-Age=0"),
                tokens("<arthur.id>", "<arthur.session>"),
            ],
        ),
    ];
    scenarios.into_iter().map(Scenario::of_sessions).collect()
}

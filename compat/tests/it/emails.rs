//! Which addresses are accepted, how they are stored, and under which others they are found.

use serde_json::json;

use crate::harness::{
    Scenario,
    Setup::Plain,
    Step,
    System::{Mariadb, Mongodb, Postgres},
    scenario::{Purpose, *},
};

const BAD: &str = r#"{"detail":"LOGIN_BAD_CREDENTIALS"}"#;
const EXISTS: &str = r#"{"detail":"REGISTER_USER_ALREADY_EXISTS"}"#;

pub(crate) fn scenarios() -> Vec<Scenario> {
    let mut all = accepted();
    // What is no address gets to no database.
    all.extend(refused().into_iter().map(Scenario::once));
    all.extend(found());
    all.extend(foreign());
    all
}

fn register(email: &str) -> Request {
    post("/auth/register").json(json!({"email": email, "password": "x"}))
}

/// What is registered, and what is stored.
fn accepted() -> Vec<Scenario> {
    let rows = [
        ("spaces around the address", " \t a.<unique>@example.com \t ", "a.<unique>@example.com"),
        ("a name before the address", "King Arthur <a.<unique>@example.com>", "a.<unique>@example.com"),
        ("the case of both parts", "King.Arthur.<unique>@CAMELOT.bt", "King.Arthur.<unique>@camelot.bt"),
        ("a domain in Punycode", "a.<unique>@xn--mnchen-3ya.de", "a.<unique>@münchen.de"),
        (
            "letters that are not normalised",
            "gu\u{308}nevere.<unique>@example.com",
            "g\u{fc}nevere.<unique>@example.com",
        ),
        ("the mailbox of a role", "PostMaster@<unique>.example.com", "postmaster@<unique>.example.com"),
    ];
    let registered = rows.map(|(name, email, read)| {
        scenario(
            name,
            Plain,
            [
                register(email).save("/id", "id").gives(201, format!(r#""email":"{read}""#)),
                stored("<id>", &["email"], read),
            ],
        )
    });
    registered.into_iter().chain(updates()).collect()
}

/// The same rules hold for the new address of a user, which costs no password hash.
fn updates() -> Vec<Scenario> {
    let all_of = |name: &str, rows: &[(&str, &'static str)]| {
        let steps = rows.iter().flat_map(|(email, read)| {
            [
                patch("/users/me")
                    .by("arthur")
                    .json(json!({ "email": email }))
                    .gives(200, format!(r#""email":"{read}""#)),
                stored("<arthur.id>", &["email"], *read),
            ]
        });
        scenario(name, Plain, [user("arthur")].into_iter().chain(steps))
    };
    let long = |length| format!("{}@example.com", "a".repeat(length));
    let length_of_all = 254 - "@example.com".len();
    vec![
        all_of(
            "names before the address",
            &[
                ("<b.<unique>@example.com>", "b.<unique>@example.com"),
                ("\"Arthur, \\\"King\\\"\" <c.<unique>@example.com>", "c.<unique>@example.com"),
                ("Ärthur <d.<unique>@EXAMPLE.com>", "d.<unique>@example.com"),
                ("  Arthur\t<e.<unique>@example.com>  ", "e.<unique>@example.com"),
                ("Arthur<f.<unique>@example.com>", "f.<unique>@example.com"),
            ],
        ),
        all_of(
            "characters before the @-sign",
            &[
                ("+.<unique>+tag+@example.com", "+.<unique>+tag+@example.com"),
                ("!#$%&'*+-/=?^_`{|}~.<unique>@example.com", "!#$%&'*+-/=?^_`{|}~.<unique>@example.com"),
                ("0-<unique>_@example.com", "0-<unique>_@example.com"),
                ("Ü.<unique>@example.com", "Ü.<unique>@example.com"),
                ("王.<unique>@example.com", "王.<unique>@example.com"),
                ("ａｂ.<unique>@example.com", "ａｂ.<unique>@example.com"),
                ("👑.<unique>@example.com", "👑.<unique>@example.com"),
            ],
        ),
        all_of(
            "domains",
            &[
                ("<unique>@a.b.c.d.example", "<unique>@a.b.c.d.example"),
                ("<unique>@1-2.3com", "<unique>@1-2.3com"),
                ("<unique>@xn--80akhbyknj4f.com", "<unique>@испытание.com"),
                ("<unique>@MÜNCHEN.de", "<unique>@münchen.de"),
                ("<unique>@mu\u{308}nchen.de", "<unique>@münchen.de"),
                ("<unique>@ｅｘａｍｐｌｅ.com", "<unique>@example.com"),
                ("<unique>@straße.de", "<unique>@straße.de"),
                ("<unique>@例子。公司", "<unique>@例子.公司"),
            ],
        ),
        scenario(
            "long addresses",
            Plain,
            [
                user("arthur"),
                patch("/users/me").by("arthur").json(json!({"email": long(65)})).gives(200, long(65)),
                patch("/users/me")
                    .by("arthur")
                    .json(json!({"email": long(length_of_all)}))
                    .gives(200, long(length_of_all)),
            ],
        ),
    ]
}

/// Each of these is refused with this reason.
fn refusals(name: &str, rows: &[(&str, &str)]) -> Scenario {
    let steps = rows.iter().map(|(email, reason)| {
        let says = format!(r#""ctx":{}"#, json!({ "reason": reason }));
        register(email).gives(422, says)
    });
    scenario(name, Plain, steps.collect::<Vec<_>>())
}

fn refused() -> Vec<Scenario> {
    const NO_SIGN: &str = "An email address must have an @-sign.";
    const NOTHING_BEFORE: &str = "There must be something before the @-sign.";
    const NOTHING_AFTER: &str = "There must be something after the @-sign.";
    const NO_PERIOD: &str = "The part after the @-sign is not valid. It should have a period.";
    const NO_TOP: &str = "The part after the @-sign is not valid. It is not within a valid top-level domain.";
    const TWO_PERIODS: &str = "An email address cannot have two periods in a row.";
    const RESERVED: &str =
        "The part after the @-sign is a special-use or reserved name that cannot be used with email.";
    const QUOTED: &str = "Quoting the part before the @-sign is not allowed here.";
    const BRACKETED: &str = "A bracketed IP address after the @-sign is not allowed here.";
    const LINE_BREAK: &str = "Carriage return and line feed characters are not allowed";
    const LENGTH: &str = "Length must not exceed 2048 characters";
    vec![
        refusals(
            "parts that are missing",
            &[
                ("", NO_SIGN),
                (" ", NO_SIGN),
                ("arthur", NO_SIGN),
                ("arthur at example.com", NO_SIGN),
                ("<>", NO_SIGN),
                ("Arthur <>", NO_SIGN),
                ("@", NOTHING_BEFORE),
                ("@example.com", NOTHING_BEFORE),
                ("arthur@", NOTHING_AFTER),
                ("arthur@example", NO_PERIOD),
                ("arthur@localhost", NO_PERIOD),
            ],
        ),
        refusals(
            "periods",
            &[
                (".arthur@example.com", "An email address cannot start with a period."),
                (
                    "arthur.@example.com",
                    "An email address cannot have a period immediately before the @-sign.",
                ),
                ("ar..thur@example.com", TWO_PERIODS),
                (
                    "arthur@.example.com",
                    "An email address cannot have a period immediately after the @-sign.",
                ),
                ("arthur@example.com.", "An email address cannot end with a period."),
                ("arthur@example..com", TWO_PERIODS),
            ],
        ),
        refusals(
            "hyphens",
            &[
                (
                    "arthur@-example.com",
                    "An email address cannot have a hyphen immediately after the @-sign.",
                ),
                ("arthur@example.com-", "An email address cannot end with a hyphen."),
                (
                    "arthur@example-.com",
                    "An email address cannot have a period and a hyphen next to each other.",
                ),
                (
                    "arthur@example.-com",
                    "An email address cannot have a period and a hyphen next to each other.",
                ),
                (
                    "arthur@ab--c.com",
                    "An email address cannot have two letters followed by two dashes immediately after the @-sign or after a period, except Punycode.",
                ),
            ],
        ),
        refusals(
            "invalid characters before the @-sign",
            &[
                (
                    "king arthur@example.com",
                    "The email address contains invalid characters before the @-sign: SPACE.",
                ),
                (
                    "Arthur arthur@example.com",
                    "The email address contains invalid characters before the @-sign: SPACE.",
                ),
                (
                    "king\tarthur@example.com",
                    "The email address contains invalid characters before the @-sign: U+0009.",
                ),
                (
                    "king\0@example.com",
                    "The email address contains invalid characters before the @-sign: U+0000.",
                ),
                ("a,b@example.com", "The email address contains invalid characters before the @-sign: ','."),
                (
                    "(comment)a@example.com",
                    "The email address contains invalid characters before the @-sign: '(', ')'.",
                ),
                (
                    "mailto:arthur@example.com",
                    "The email address contains invalid characters before the @-sign: ':'.",
                ),
            ],
        ),
        refusals(
            "invalid characters after the @-sign",
            &[
                ("a@b@example.com", "The part after the @-sign contains invalid characters: '@'."),
                ("arthur@exa mple.com", "The part after the @-sign contains invalid characters: SPACE."),
                ("arthur@exa_mple.com", "The part after the @-sign contains invalid characters: '_'."),
                ("arthur@exam!ple.com", "The part after the @-sign contains invalid characters: '!'."),
                (
                    "arthur@example.com, lancelot@example.com",
                    "The part after the @-sign contains invalid characters: ',', '@', SPACE.",
                ),
                (
                    "arthur@👑.com",
                    "The part after the @-sign is invalid (Codepoint U+1F451 at position 1 of '👑' not allowed).",
                ),
                (
                    "arthur@xn--a.com",
                    "The part after the @-sign is not valid IDNA (Codepoint U+0080 at position 1 of '\\x80' not allowed).",
                ),
            ],
        ),
        refusals(
            "characters that nobody sees",
            &[
                ("a\u{200b}b@example.com", "The email address contains unsafe characters: ZERO WIDTH SPACE."),
                (
                    "a\u{202e}b@example.com",
                    "The email address contains unsafe characters: RIGHT-TO-LEFT OVERRIDE.",
                ),
                (
                    "\u{301}a@example.com",
                    "The email address contains unsafe characters: COMBINING ACUTE ACCENT.",
                ),
                ("arthur@exa\u{ad}mple.com", "The email address contains unsafe characters: SOFT HYPHEN."),
                (
                    "a＠example.com",
                    "The email address has the \"full-width\" at-sign (@) character instead of a regular at-sign.",
                ),
            ],
        ),
        refusals(
            "line breaks",
            &[
                ("arthur@example.com\n", LINE_BREAK),
                ("arthur@example.com\r\nBcc: lancelot@example.com", LINE_BREAK),
                ("ar\nthur@example.com", LINE_BREAK),
                ("Arthur\n<arthur@example.com>", LINE_BREAK),
            ],
        ),
        refusals(
            "quotes and IP addresses",
            &[
                ("\"arthur\"@example.com", QUOTED),
                ("\"king arthur\"@example.com", QUOTED),
                ("arthur@[127.0.0.1]", BRACKETED),
                ("arthur@[IPv6:::1]", BRACKETED),
                (
                    "arthur@[example.com]",
                    "The part after the @-sign in brackets is not an IPv4 address and has no address literal tag.",
                ),
                ("arthur@127.0.0.1", NO_TOP),
                ("arthur@example.co1", NO_TOP),
            ],
        ),
        refusals(
            "reserved domains",
            &[
                ("arthur@mail.localhost", RESERVED),
                ("arthur@example.local", RESERVED),
                ("arthur@example.test", RESERVED),
                ("arthur@example.TEST", RESERVED),
                ("arthur@example.invalid", RESERVED),
                ("arthur@example.onion", RESERVED),
                ("arthur@1.0.0.127.in-addr.arpa", RESERVED),
            ],
        ),
        refusals(
            "angle brackets that are wrong",
            &[
                (
                    "Arthur <arthur@example.com",
                    "An open angle bracket at the start of the email address has to be followed by a close angle bracket at the end.",
                ),
                ("Arthur <arthur@example.com> King", "There can't be anything after the email address."),
            ],
        ),
        refusals(
            "what is too long",
            &[
                (
                    &format!("{}@example.com", "a".repeat(243)),
                    "The email address is too long (1 character too many).",
                ),
                (
                    &format!("{}@example.com", "a".repeat(2036)),
                    "The email address is too long (1794 characters too many).",
                ),
                (&format!("{}@example.com", "a".repeat(2037)), LENGTH),
                (&format!("{}a@example.com", " ".repeat(2048)), LENGTH),
                (
                    &format!("arthur@{}.com", "b".repeat(64)),
                    "After the @-sign, periods cannot be separated by so many characters (1 character too many).",
                ),
                (
                    &format!("arthur@{}.com", "ü".repeat(64)),
                    "The part after the @-sign is invalid (Label too long).",
                ),
                (
                    &format!("a@{}com", "b.".repeat(130)),
                    "The email address is too long after the @-sign (10 characters too many).",
                ),
            ],
        ),
    ]
}

/// An address is found in any case of its letters, as far as the database knows cases, and in no other form.
fn found() -> Vec<Scenario> {
    vec![
        scenario(
            "an address is found in any case",
            Plain,
            [
                user("arthur"),
                set("<arthur.id>", "email", "King.Arthur.<unique>@camelot.bt"),
                login("/auth/jwt", "king.arthur.<unique>@camelot.bt", "guinevere").gives(200, "<arthur.id>"),
                login("/auth/jwt", "KING.ARTHUR.<unique>@CAMELOT.BT", "guinevere").gives(200, "<arthur.id>"),
                register("king.ARTHUR.<unique>@CAMELOT.bt").gives(400, EXISTS),
                register("Arthur <king.arthur.<unique>@camelot.bt>").gives(400, EXISTS),
            ],
        ),
        scenario(
            "letters beyond ASCII are found as they are",
            Plain,
            [
                user("arthur"),
                set("<arthur.id>", "email", "Ä.<unique>@münchen.de"),
                login("/auth/jwt", "Ä.<unique>@MüNCHEN.DE", "guinevere").gives(200, "<arthur.id>"),
                login("/auth/jwt", "ä.<unique>@münchen.de", "guinevere").gives(400, BAD).on(
                    // SQLite folds ASCII alone.
                    &[Postgres, Mariadb, Mongodb],
                    200,
                    "<arthur.id>",
                ),
                login("/auth/jwt", "A\u{308}.<unique>@münchen.de", "guinevere").gives(400, BAD).on(
                    &[Mongodb],
                    200,
                    "<arthur.id>",
                ),
                login("/auth/jwt", "Ä.<unique>@xn--mnchen-3ya.de", "guinevere").gives(400, BAD),
                register("A\u{308}.<unique>@MÜNCHEN.de").gives(400, EXISTS),
                register("Ä.<unique>@xn--mnchen-3ya.de").gives(400, EXISTS),
            ],
        ),
        scenario(
            "a mail goes to the stored address",
            Plain,
            [
                user("arthur"),
                post("/auth/forgot-password")
                    .json(json!({"email": "ARTHUR.<unique>@EXAMPLE.COM"}))
                    .gives(202, "null"),
                Step::Mail { email: "<arthur.email>", purpose: Purpose::Reset, name: "token" },
                post("/auth/request-verify-token")
                    .json(json!({"email": " Arthur <ARTHUR.<unique>@example.com> "}))
                    .gives(202, "null"),
                Step::Mail { email: "<arthur.email>", purpose: Purpose::Verify, name: "token" },
                post("/auth/verify").json(json!({"token": "<token>"})).gives(
                    200,
                    r#""email":"<arthur.email>","is_active":true,"is_superuser":false,"is_verified":true"#,
                ),
            ],
        ),
        scenario(
            "what is no address is no address on any route",
            Plain,
            [
                superuser("merlin"),
                post("/auth/forgot-password")
                    .json(json!({"email": "arthur"}))
                    .gives(422, "value is not a valid email address"),
                post("/auth/request-verify-token")
                    .json(json!({"email": "arthur@localhost"}))
                    .gives(422, "value is not a valid email address"),
                patch("/users/me")
                    .by("merlin")
                    .json(json!({"email": "a..b@example.com"}))
                    .gives(422, "two periods in a row"),
                patch("/users/<merlin.id>")
                    .by("merlin")
                    .json(json!({"email": ".a@example.com"}))
                    .gives(422, "start with a period"),
                login("/auth/jwt", "a..b@example.com", "guinevere").gives(400, BAD),
            ],
        ),
        scenario(
            "wildcards are letters",
            Plain,
            [
                user("arthur"),
                login("/auth/jwt", "%", "guinevere").gives(400, BAD),
                login("/auth/jwt", "arthu_.<unique>@example.com", "guinevere").gives(400, BAD),
                login("/auth/jwt", "arthur*", "guinevere").gives(400, BAD),
                login("/auth/jwt", "' OR 1=1 --", "guinevere").gives(400, BAD),
            ],
        ),
    ]
}

/// Addresses that other programs have written into the table.
fn foreign() -> Vec<Scenario> {
    let me = || get("/users/me").by("arthur");
    vec![
        scenario(
            "a stored domain in upper case",
            Plain,
            [
                user("arthur"),
                set("<arthur.id>", "email", "Arthur.<unique>@EXAMPLE.com"),
                login("/auth/jwt", "<arthur.email>", "guinevere").gives(200, "<arthur.id>"),
                me().gives(200, r#""email":"Arthur.<unique>@example.com""#),
                register("arthur.<unique>@example.com").gives(400, EXISTS),
            ],
        ),
        scenario(
            "a stored domain in Punycode",
            Plain,
            [
                user("arthur"),
                set("<arthur.id>", "email", "<unique>@xn--mnchen-3ya.de"),
                login("/auth/jwt", "<unique>@xn--mnchen-3ya.de", "guinevere").gives(200, "<arthur.id>"),
                me().gives(200, r#""email":"<unique>@münchen.de""#),
            ],
        ),
        scenario(
            "a stored name that is no address",
            Plain,
            [
                user("arthur"),
                set("<arthur.id>", "email", "arthur-<unique>"),
                login("/auth/jwt", "ARTHUR-<unique>", "guinevere").gives(200, "<arthur.id>"),
                me().gives(500, "Internal Server Error"),
            ],
        ),
        scenario(
            "a stored address of a reserved domain",
            Plain,
            [
                user("arthur"),
                set("<arthur.id>", "email", "<unique>@localhost"),
                login("/auth/jwt", "<unique>@localhost", "guinevere").gives(200, "<arthur.id>"),
                me().gives(500, "Internal Server Error"),
            ],
        ),
    ]
}

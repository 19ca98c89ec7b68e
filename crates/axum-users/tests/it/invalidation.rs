//! What ends what: every event against every kind of session and one-time token that there was before it.

use axum_users::{Context, UpdateUser, User};
use serde_json::json;

use crate::support::{KING, Kind, PASSWORD, TestApp, on_every_store};

on_every_store![ses_3_ses_4_rst_3_every_event_ends_what_it_should];

const NEW: &str = "excalibur in the stone";

#[derive(Clone, Copy, Debug)]
enum Event {
    Nothing,
    OwnPassword,
    PasswordByAdministrator,
    Reset,
    OwnAddress,
    AddressByAdministrator,
    Deactivated,
    Demoted,
    Deleted,
    LoggedOut,
    Verified,
}

/// What goes on after an event.
#[derive(Debug, PartialEq)]
struct GoesOn {
    signed: bool,
    stored: bool,
    reset: bool,
    verify: bool,
    pending_address: bool,
}

const ALL: GoesOn = GoesOn { signed: true, stored: true, reset: true, verify: true, pending_address: true };
const NONE: GoesOn =
    GoesOn { signed: false, stored: false, reset: false, verify: false, pending_address: false };

/// The table of `security.md`, 2.7. Whoever resets shows that the mailbox is theirs: there is nothing left to verify.
const TABLE: [(Event, GoesOn); 11] = [
    (Event::Nothing, ALL),
    (Event::OwnPassword, GoesOn { verify: true, ..NONE }),
    (Event::PasswordByAdministrator, GoesOn { verify: true, ..NONE }),
    (Event::Reset, NONE),
    (Event::OwnAddress, NONE),
    (Event::AddressByAdministrator, NONE),
    // The flag of an inactive user may be set: it opens nothing.
    (Event::Deactivated, GoesOn { verify: true, ..NONE }),
    (Event::Demoted, GoesOn { reset: true, verify: true, pending_address: true, signed: true, ..NONE }),
    (Event::Deleted, NONE),
    (Event::LoggedOut, GoesOn { signed: false, ..ALL }),
    (Event::Verified, GoesOn { verify: false, ..ALL }),
];

struct Before {
    user: User,
    signed: String,
    stored: String,
    reset: String,
    verify: String,
    pending_address: String,
}

async fn before(app: &TestApp) -> Before {
    let user = app.add(KING).await;
    let update = UpdateUser { is_superuser: Some(true), ..UpdateUser::default() };
    let user = app.users.manager().update(&user, update, &Context::none()).await.unwrap();
    let (signed, stored) = (app.login(KING, PASSWORD).await, app.login_by_cookie(KING, PASSWORD).await);
    let (reset, verify) = (app.forgot(KING).await, app.request_verify(KING).await);
    let pending_address = asked(app, &signed, "pending@camelot.bt").await;
    Before { user, signed, stored, reset, verify, pending_address }
}

async fn asked(app: &TestApp, session: &str, email: &str) -> String {
    let ask = app.ask("PATCH", "/users/me").bearer(session).json(&json!({ "email": email }));
    assert_eq!(ask.send().await.status, 200);
    app.users.shutdown().await;
    app.hooks.token_for("after_request_email_change", email).unwrap()
}

async fn happens(app: &TestApp, event: Event, before: &Before) {
    let manager = app.users.manager();
    let cx = Context::none();
    let by_administrator = async |update: UpdateUser| {
        manager.update(&before.user, update, &cx).await.unwrap();
    };
    let post = async |path: &str, token: &str| {
        assert_eq!(app.post(path).json(&json!({ "token": token })).send().await.status, 200, "{event:?}");
    };
    match event {
        Event::Nothing => {}
        Event::OwnPassword => {
            // By a session of its own, which ends too.
            let session = app.login(KING, PASSWORD).await;
            let ask = app.ask("PATCH", "/users/me").bearer(&session).json(&json!({ "password": NEW }));
            assert_eq!(ask.send().await.status, 200);
        }
        Event::PasswordByAdministrator => {
            by_administrator(UpdateUser { password: Some(NEW.into()), ..UpdateUser::default() }).await;
        }
        Event::Reset => {
            let token = app.forgot(KING).await;
            assert_eq!(app.reset(&token, NEW).await.status, 200);
        }
        Event::OwnAddress => {
            let token = asked(app, &before.signed, "arthur@camelot.bt").await;
            post("/auth/change-email", &token).await;
        }
        Event::AddressByAdministrator => {
            let email = Some("arthur@camelot.bt".to_owned());
            by_administrator(UpdateUser { email, ..UpdateUser::default() }).await;
        }
        Event::Deactivated => {
            by_administrator(UpdateUser { is_active: Some(false), ..UpdateUser::default() }).await;
        }
        Event::Demoted => {
            by_administrator(UpdateUser { is_superuser: Some(false), ..UpdateUser::default() }).await;
        }
        Event::Deleted => manager.delete(&before.user, &cx).await.unwrap(),
        Event::LoggedOut => {
            let logout = app.post("/auth/jwt/logout").bearer(&before.signed).send().await;
            assert_eq!(logout.status, 204);
        }
        Event::Verified => post("/auth/verify", &before.verify).await,
    }
    app.users.shutdown().await;
}

/// Tokens last: to use one may end others.
async fn goes_on(app: &TestApp, before: &Before, probe: usize) -> bool {
    let post = async |path: &str, token: &str| {
        let answer = app.post(path).json(&json!({ "token": token })).send().await;
        assert!([200, 400].contains(&answer.status), "{}", answer.text());
        answer.status == 200
    };
    match probe {
        0 => app.me(&before.signed).await.status == 200,
        1 => app.me_by_cookie(&before.stored).await.status == 200,
        2 => app.reset(&before.reset, "another new password").await.status == 200,
        3 => post("/auth/verify", &before.verify).await,
        _ => post("/auth/change-email", &before.pending_address).await,
    }
}

async fn ses_3_ses_4_rst_3_every_event_ends_what_it_should(kind: Kind) {
    for (event, expected) in TABLE {
        let mut found = [false; 5];
        let app = TestApp::new(kind).await;
        // Sessions are looked at together; each token after the event has happened anew.
        let earlier = before(&app).await;
        happens(&app, event, &earlier).await;
        found[0] = goes_on(&app, &earlier, 0).await;
        found[1] = goes_on(&app, &earlier, 1).await;
        for (probe, found) in found.iter_mut().enumerate().skip(2) {
            let app = TestApp::new(kind).await;
            let earlier = before(&app).await;
            happens(&app, event, &earlier).await;
            *found = goes_on(&app, &earlier, probe).await;
        }
        let [signed, stored, reset, verify, pending_address] = found;
        let found = GoesOn { signed, stored, reset, verify, pending_address };
        assert_eq!(found, expected, "{event:?}");
    }
}

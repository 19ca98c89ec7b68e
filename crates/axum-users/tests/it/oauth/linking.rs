//! Whose an account becomes.

use axum_users::{
    Context, DuplicateRegistration, JobCounts, JobOptions, JobStore, MemoryStore, NoProfile, Policy,
    UpdateUser, oauth::EmailTrust,
};
use serde_json::json;

use crate::support::{Browser, KING, Kind, LINK, LOGIN, PASSWORD, Social, camelot, knight, on_every_store};

on_every_store![
    oal_7_an_address_links_only_if_both_sides_have_verified_it,
    oal_7_who_registered_the_address_of_another_is_out,
    oal_9_only_the_id_of_the_provider_says_who_it_is,
    oak_2_an_account_belongs_to_one_user,
    oak_5_who_is_deleted_leaves_no_account,
    rst_3_a_reset_ends_the_accounts_of_whoever_registered_the_address,
];

const EXISTS: &str = "OAUTH_USER_ALREADY_EXISTS";

async fn oal_7_an_address_links_only_if_both_sides_have_verified_it(kind: Kind) {
    for switch in [true, false] {
        let social = Social::with(kind, Policy::secure(), camelot().associate_by_email(switch)).await;
        let app = &social.app;
        app.add_verified("verified@camelot.bt").await;
        app.add("unverified@camelot.bt").await;
        for (number, (email, verified_there, links)) in [
            ("verified@camelot.bt", true, switch),
            ("verified@camelot.bt", false, false),
            ("unverified@camelot.bt", false, false),
            ("unverified@camelot.bt", true, switch),
        ]
        .into_iter()
        .enumerate()
        {
            let answer = social.log_in_as(&number.to_string(), email, verified_there).await;
            if links {
                assert_eq!(social.user_of(&answer).await.email, email, "{switch} {email}");
            } else {
                answer.assert_detail(400, EXISTS);
            }
        }
        assert_eq!(app.count().await, 2);
        // Whose password somebody else may know has lost it; whose it is keeps it.
        let kept = app.login_answer("/auth/jwt/login", "verified@camelot.bt", PASSWORD).await;
        let lost = app.login_answer("/auth/jwt/login", "unverified@camelot.bt", PASSWORD).await;
        assert_eq!((kept.status, lost.status), (200, if switch { 400 } else { 200 }));
    }
}

async fn oal_7_who_registered_the_address_of_another_is_out(kind: Kind) {
    let social = Social::new(kind).await;
    let app = &social.app;
    let attacked = app.add(KING).await;
    // The attacker has a session of every kind, and an account of their own linked.
    let (bearer, cookie) = (app.login(KING, PASSWORD).await, app.login_by_cookie(KING, PASSWORD).await);
    let reset = app.forgot(KING).await;
    social.says_of("avalon", knight("evil", "evil@avalon.bt", true));
    let browser = Browser::with_token(&social, &bearer);
    let begun = social.begin(&browser, "/auth/associate/avalon").await;
    assert_eq!(social.come_back(&browser, "/auth/associate/avalon", &begun.state).await.status, 200);

    let owner = social.user_of(&social.log_in_as("1", KING, true).await).await;
    assert!(owner.id == attacked.id && owner.is_verified);
    app.me(&bearer).await.assert_detail(401, "Unauthorized");
    app.me_by_cookie(&cookie).await.assert_detail(401, "Unauthorized");
    app.login_answer("/auth/jwt/login", KING, PASSWORD).await.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
    app.reset(&reset, "mordred-was-here").await.assert_detail(400, "RESET_PASSWORD_BAD_TOKEN");
    let browser = Browser::new(&social);
    let begun = social.begin(&browser, "/auth/avalon").await;
    assert_eq!(social.come_back(&browser, "/auth/avalon", &begun.state).await.status, 204);
    let evil = social.users().manager().get_by_email("evil@avalon.bt").await.unwrap();
    assert_ne!(evil.id, owner.id);
    // The owner sets a password of their own by the mail that reaches only them.
    let reset = app.forgot(KING).await;
    assert_eq!(app.reset(&reset, "excalibur-in-the-stone").await.status, 200);
    app.login(KING, "excalibur-in-the-stone").await;
}

async fn rst_3_a_reset_ends_the_accounts_of_whoever_registered_the_address(kind: Kind) {
    let social = Social::new(kind).await;
    for (email, verified) in [("unverified@camelot.bt", false), ("verified@camelot.bt", true)] {
        let token = Social::token(&social.log_in_as(email, email, verified).await);
        let reset = social.app.forgot(email).await;
        assert_eq!(social.app.reset(&reset, "excalibur-in-the-stone").await.status, 200);
        social.app.me(&token).await.assert_detail(401, "Unauthorized");
        let user = social.app.user(email).await;
        let left = social.users().manager().oauth_accounts(&user).await.unwrap();
        assert_eq!(left.len(), usize::from(verified), "{email}");
    }
    social
        .log_in_as("unverified@camelot.bt", "unverified@camelot.bt", false)
        .await
        .assert_detail(400, EXISTS);
}

async fn oal_9_only_the_id_of_the_provider_says_who_it_is(kind: Kind) {
    let social = Social::with(kind, Policy::secure(), camelot()).await;
    let king = social.user_of(&social.log_in_as("1", KING, true).await).await;
    let still = social.user_of(&social.log_in_as("1", "other@camelot.bt", true).await).await;
    assert_eq!(still.id, king.id);
    social.log_in_as("2", KING, true).await.assert_detail(400, EXISTS);
    for like in ["01", "1 "] {
        social.log_in_as(like, KING, true).await.assert_detail(400, EXISTS);
    }
    // What no database takes is no id, and no reason to fail.
    for unusable in ["1\u{0}", "1\n", &"1".repeat(321)] {
        social.log_in_as(unusable, KING, true).await.assert_detail(502, "OAUTH_PROVIDER_UNAVAILABLE");
    }
    for email in ["king\u{0}@camelot.bt", &"a".repeat(400)] {
        social.log_in_as("1", email, true).await.assert_detail(400, "OAUTH_NOT_AVAILABLE_EMAIL");
    }
}

async fn oak_2_an_account_belongs_to_one_user(kind: Kind) {
    let social = Social::new(kind).await;
    let first = social.user_of(&social.log_in_as("1", KING, true).await).await;
    social.app.add("mordred@camelot.bt").await;
    let token = social.app.login("mordred@camelot.bt", PASSWORD).await;
    let browser = Browser::with_token(&social, &token);
    let begun = social.begin(&browser, LINK).await;
    social.come_back(&browser, LINK, &begun.state).await.assert_detail(400, "OAUTH_ACCOUNT_ALREADY_LINKED");
    assert_eq!(social.user_of(&social.log_in_as("1", KING, true).await).await.id, first.id);
}

async fn oak_5_who_is_deleted_leaves_no_account(kind: Kind) {
    let social = Social::new(kind).await;
    let answer = social.log_in_as("1", KING, true).await;
    let (token, first) = (Social::token(&answer), social.user_of(&answer).await);
    social.users().manager().delete(&first, &Context::none()).await.unwrap();
    let second = social.user_of(&social.log_in_as("1", KING, true).await).await;
    assert_ne!(second.id, first.id);
    social.app.me(&token).await.assert_detail(401, "Unauthorized");
}

#[tokio::test]
async fn oal_6_only_the_boolean_true_is_verified() {
    for verified in [json!(false), json!(null), json!("true"), json!(1), json!("false"), json!([true])] {
        let social = Social::new(Kind::Memory).await;
        social.app.add_verified(KING).await;
        social.says(json!({ "id": "1", "email": KING, "verified": verified }));
        social.log_in(&Browser::new(&social)).await.assert_detail(400, EXISTS);
        social.says(json!({ "id": "2", "email": "new@camelot.bt", "verified": verified }));
        assert!(!social.user_of(&social.log_in(&Browser::new(&social)).await).await.is_verified);
    }
}

#[tokio::test]
async fn oal_6_an_application_may_trust_more_or_less() {
    for (trusts, verified_there, expected) in [
        (EmailTrust::Never, true, false),
        (EmailTrust::Stated, true, true),
        (EmailTrust::Stated, false, false),
        (EmailTrust::Always, false, true),
    ] {
        let social = Social::with(Kind::Memory, Policy::secure(), camelot().trust_email(trusts)).await;
        assert_eq!(
            social.user_of(&social.log_in_as("1", KING, verified_there).await).await.is_verified,
            expected
        );
    }
    for by_default in [true, false] {
        let social =
            Social::with(Kind::Memory, Policy::secure(), camelot().verified_by_default(by_default)).await;
        assert_eq!(social.user_of(&social.log_in_as("1", KING, true).await).await.is_verified, by_default);
        assert!(!social.user_of(&social.log_in_as("2", "b@camelot.bt", false).await).await.is_verified);
    }
}

#[tokio::test]
async fn oal_8_inactive_users_stay_out() {
    let social = Social::new(Kind::Memory).await;
    let user = social.user_of(&social.log_in_as("1", KING, true).await).await;
    let inactive = UpdateUser { is_active: Some(false), ..UpdateUser::default() };
    social.users().manager().update(&user, inactive, &Context::none()).await.unwrap();
    social.log_in_as("1", KING, true).await.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
    // Nor by another account with the same address.
    social.log_in_as("2", KING, true).await.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
    assert_eq!(social.users().manager().oauth_accounts(&user).await.unwrap().len(), 1);
}

#[tokio::test]
async fn oal_8_a_provider_that_is_gone_logs_nobody_in() {
    let social = Social::new(Kind::Memory).await;
    let browser = Browser::new(&social);
    let state = social.begin(&browser, LOGIN).await.state;
    let other = Social::new(Kind::Memory).await;
    let path = format!("/auth/gone/callback?code=x&state={state}");
    assert_eq!(other.app.ask("GET", &path).send().await.status, 404);
}

#[tokio::test]
async fn oal_15_an_unverified_address_tells_nothing_where_duplicates_are_hidden() {
    hides(None).await;
}

#[tokio::test]
async fn oal_15_nor_does_it_where_jobs_are_durable() {
    let jobs = MemoryStore::<NoProfile>::new();
    hides(Some(jobs.clone())).await;
    assert_eq!(jobs.count().await.unwrap(), JobCounts::default());
}

async fn hides(jobs: Option<MemoryStore>) {
    let policy = Policy { duplicate_registration: DuplicateRegistration::Hide, ..Policy::secure() };
    let social = Social::configured(Kind::Memory, camelot().associate_by_email(true), |builder| {
        let builder = builder.policy(policy);
        match jobs {
            Some(jobs) => builder.durable_jobs(jobs, JobOptions::new()),
            None => builder,
        }
    })
    .await;
    social.app.add_verified(KING).await;
    let taken = social.log_in_as("1", KING, false).await;
    social.users().shutdown().await;
    assert_eq!(social.app.hooks.take_names(), ["after_duplicate_registration"]);
    let free = social.log_in_as("2", "free@camelot.bt", false).await;
    social.users().shutdown().await;
    assert_eq!(social.app.hooks.take_names(), ["after_register", "after_request_verify"]);
    taken.assert_detail(400, "LOGIN_USER_NOT_VERIFIED");
    assert_eq!((taken.status, &taken.body), (free.status, &free.body));
    // Nor when they come again.
    for (id, email) in [("1", KING), ("2", "free@camelot.bt")] {
        social.log_in_as(id, email, false).await.assert_detail(400, "LOGIN_USER_NOT_VERIFIED");
    }
    let user = social.app.user("free@camelot.bt").await;
    let verified = UpdateUser { is_verified: Some(true), ..UpdateUser::default() };
    social.users().manager().update(&user, verified, &Context::none()).await.unwrap();
    assert_eq!(social.user_of(&social.log_in_as("2", "free@camelot.bt", false).await).await.id, user.id);
}

#[tokio::test]
async fn oak_1_another_site_cannot_link_with_the_cookie() {
    let social = Social::new(Kind::Memory).await;
    social.app.add(KING).await;
    social.app.add("other@camelot.bt").await;
    let session = social.app.login_by_cookie(KING, PASSWORD).await;
    let browser = Browser::new(&social);
    browser.set("__Host-fastapiusersauth", &session);
    let path = format!("{LINK}/authorize");
    for site in ["cross-site", "same-site"] {
        browser.send("GET", &path, &[("sec-fetch-site", site)]).await.assert_detail(403, "Forbidden");
    }
    browser.send("GET", &path, &[("origin", "https://evil.example")]).await.assert_detail(403, "Forbidden");
    assert_eq!(browser.send("GET", &path, &[("sec-fetch-site", "same-origin")]).await.status, 200);
    // What one user began another one does not finish, be it in the same browser.
    social.says(knight("1", "x@camelot.bt", true));
    let state = social.begin(&browser, LINK).await.state;
    browser.set("__Host-fastapiusersauth", &social.app.login_by_cookie("other@camelot.bt", PASSWORD).await);
    social.come_back(&browser, LINK, &state).await.assert_detail(400, "Bad Request");
}

#[tokio::test]
async fn oak_3_a_flow_adds_one_account_where_it_was_begun() {
    let social = Social::new(Kind::Memory).await;
    let king = social.app.add(KING).await;
    let token = social.app.login(KING, PASSWORD).await;
    let browser = Browser::with_token(&social, &token);
    let begun = social.begin(&browser, LINK).await;
    let kept = browser.cookies();
    let with_cookies = || {
        let browser = Browser::with_token(&social, &token);
        kept.iter().for_each(|(name, value)| browser.set(name, value));
        browser
    };
    // At another provider it adds nothing, and is not used up.
    social.says_of("avalon", knight("9", KING, true));
    let elsewhere = social.come_back(&with_cookies(), "/auth/associate/avalon", &begun.state).await;
    elsewhere.assert_detail(400, "OAUTH_INVALID_STATE");
    social.says(knight("1", KING, true));
    assert_eq!(social.come_back(&with_cookies(), LINK, &begun.state).await.status, 200);
    // Nor does it add who comes after.
    social.says(knight("2", "mordred@camelot.bt", true));
    social.come_back(&with_cookies(), LINK, &begun.state).await.assert_detail(400, "OAUTH_INVALID_STATE");
    let accounts = social.users().manager().oauth_accounts(&king).await.unwrap();
    assert_eq!(accounts.iter().map(|account| account.account_id.as_str()).collect::<Vec<_>>(), ["1"]);
}

#[tokio::test]
async fn a_backend_for_verified_users_lets_no_others_in() {
    let social = Social::configured(Kind::Memory, camelot().backend("strict"), |builder| {
        builder.backend(
            axum_users::Backend::new(
                "strict",
                axum_users::Bearer,
                axum_users::Jwt::new(crate::support::SECRET),
            )
            .require_verified(),
        )
    })
    .await;
    social.log_in_as("1", KING, false).await.assert_detail(400, "LOGIN_USER_NOT_VERIFIED");
    assert_eq!(social.log_in_as("2", "b@camelot.bt", true).await.status, 200);
}

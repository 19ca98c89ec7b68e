//! Who may finish what somebody began.

use axum_users::{Policy, TokenOptions};
use serde_json::json;

use crate::support::{
    Browser, KING, Kind, LINK, LOGIN, SECRET, Social, callback, camelot, claims, forge, knight,
    on_every_store, read_claims,
};

on_every_store![oal_2_a_state_is_used_once];

const INVALID: &str = "OAUTH_INVALID_STATE";
const STATE_KEY: &str = "9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d";

async fn knights(kind: Kind) -> Social {
    let state =
        TokenOptions { secret: Some(STATE_KEY.into()), ..TokenOptions::oauth_state(&Policy::secure()) };
    let social = Social::configured(kind, camelot(), |builder| builder.oauth_state(state)).await;
    social.says(knight("1", KING, true));
    social
}

async fn oal_2_a_state_is_used_once(kind: Kind) {
    let social = knights(kind).await;
    let browser = Browser::new(&social);
    let state = social.begin(&browser, LOGIN).await.state;
    let (name, value) = browser.cookies().pop_first().unwrap();
    let cookie = format!("{name}={value}");
    let asked = (0..20).map(|_| {
        tokio::spawn(social.app.ask("GET", &callback(LOGIN, &state)).header("cookie", &cookie).send())
    });
    let mut let_in = 0;
    for answer in asked.collect::<Vec<_>>() {
        let answer = answer.await.unwrap();
        if answer.status == 200 {
            let_in += 1;
            let removed = format!("{name}=\"\"; HttpOnly; Max-Age=0; Path=/; SameSite=lax; Secure");
            assert_eq!(answer.header("set-cookie"), Some(removed.as_str()));
        } else {
            answer.assert_detail(400, INVALID);
        }
    }
    assert_eq!(let_in, 1);
    assert_eq!(social.fake.requests_to("POST camelot.bt/token").len(), 1);
}

#[tokio::test]
async fn oal_1_a_state_counts_in_the_browser_that_began_it() {
    let social = knights(Kind::Memory).await;
    let (mine, other) = (Browser::new(&social), Browser::new(&social));
    let state = social.begin(&mine, LOGIN).await.state;
    let (name, value) = mine.cookies().pop_first().unwrap();
    assert!(name.starts_with("__Host-fastapiusersoauthcsrf-") && value.len() == 43, "{name}");
    social.begin(&other, LOGIN).await;
    social.come_back(&other, LOGIN, &state).await.assert_detail(400, INVALID);
    for planted in ["", "x", "\u{fc}", &"a".repeat(43), read_claims(&state)["csrftoken"].as_str().unwrap()] {
        let browser = Browser::new(&social);
        browser.set(&name, planted);
        social.come_back(&browser, LOGIN, &state).await.assert_detail(400, INVALID);
    }
    // Two cookies of one name: one may be planted by a neighbour.
    let both = format!("{name}={value}; {name}=x");
    let answer = social.app.ask("GET", &callback(LOGIN, &state)).header("cookie", &both).send().await;
    answer.assert_detail(400, INVALID);
    // None of that has used it up.
    assert_eq!(social.come_back(&mine, LOGIN, &state).await.status, 200);
}

#[tokio::test]
async fn oal_3_a_state_counts_at_the_provider_and_for_what_it_was_made() {
    let social = knights(Kind::Memory).await;
    social.says_of("avalon", knight("1", "merlin@camelot.bt", true));
    let user = social.app.add("lancelot@camelot.bt").await;
    let token = social.app.login(&user.email, "guinevere").await;
    let browser = Browser::with_token(&social, &token);
    let paths = [LOGIN, LINK, "/auth/avalon", "/auth/associate/avalon"];
    for began in paths {
        for came_back in paths.into_iter().filter(|path| *path != began) {
            let state = social.begin(&browser, began).await.state;
            social.come_back(&browser, came_back, &state).await.assert_detail(400, INVALID);
            if came_back == LINK && began == LOGIN {
                assert!(social.fake.requests().is_empty(), "nothing is asked of the provider before");
            }
        }
    }
    assert_eq!(social.app.count().await, 1);
}

#[tokio::test]
async fn oal_2_a_state_that_is_forged_or_over_is_none() {
    let social = knights(Kind::Memory).await;
    let browser = Browser::new(&social);
    let state = social.begin(&browser, LOGIN).await.state;
    let good = read_claims(&state);
    assert_eq!(good["exp"].as_u64().unwrap() - good["iat"].as_u64().unwrap(), 600);
    let with = |name: &str, value: serde_json::Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let expired = with("exp", json!(good["iat"].as_u64().unwrap() - 1));
    social
        .come_back(&browser, LOGIN, &forge(&expired, STATE_KEY))
        .await
        .assert_detail(400, "ACCESS_TOKEN_ALREADY_EXPIRED");
    let reset = claims("x", "fastapi-users:reset", 600);
    for forged in [
        forge(&good, SECRET),
        forge(&reset, STATE_KEY),
        forge(&with("aud", json!("fastapi-users:auth")), STATE_KEY),
        forge(&with("iat", json!(good["exp"].as_u64().unwrap() + 3600)), STATE_KEY),
        forge(&with("exp", json!("tomorrow")), STATE_KEY),
        forge(&with("aud", json!(null)), STATE_KEY),
        forge(&expired, SECRET),
        state[..state.len() - 1].to_owned(),
    ] {
        social.come_back(&browser, LOGIN, &forged).await.assert_detail(400, "ACCESS_TOKEN_DECODE_ERROR");
    }
    for foreign in [
        with("csrftoken", json!("")),
        with("csrftoken", json!(7)),
        with("flow", json!(null)),
        with("jti", json!("short")),
        json!({"csrftoken": good["csrftoken"], "aud": good["aud"], "exp": good["exp"], "iat": good["iat"]}),
    ] {
        social.come_back(&browser, LOGIN, &forge(&foreign, STATE_KEY)).await.assert_detail(400, INVALID);
    }
    assert_eq!(social.come_back(&browser, LOGIN, &state).await.status, 200);
}

#[tokio::test]
async fn oal_16_two_tabs_do_not_disturb_each_other() {
    let social = knights(Kind::Memory).await;
    let browser = Browser::new(&social);
    let first = social.begin(&browser, LOGIN).await.state;
    let second = social.begin(&browser, LOGIN).await.state;
    assert_eq!(browser.cookies().len(), 2);
    assert_eq!(social.come_back(&browser, LOGIN, &second).await.status, 200);
    assert_eq!(social.come_back(&browser, LOGIN, &first).await.status, 200);
    assert!(browser.cookies().is_empty());
}

#[tokio::test]
async fn a_state_of_a_running_fastapi_users_counts_where_tokens_are_shared() {
    let state = |policy: &Policy| TokenOptions {
        secret: Some(STATE_KEY.into()),
        ..TokenOptions::oauth_state(policy)
    };
    let mut theirs = claims("", "fastapi-users:oauth-state", 3600);
    theirs.as_object_mut().unwrap().remove("sub");
    theirs.as_object_mut().unwrap().remove("iat");
    theirs["csrftoken"] = json!("their-token");
    let theirs = forge(&theirs, STATE_KEY);
    for (policy, status) in [(Policy::fastapi_users(), 200), (Policy::secure(), 400)] {
        let options = state(&policy);
        let social = Social::configured(Kind::Memory, camelot(), |builder| {
            builder.policy(policy).oauth_state(options)
        })
        .await;
        social.says(knight("1", KING, true));
        let browser = Browser::new(&social);
        browser.set("fastapiusersoauthcsrf", "their-token");
        assert_eq!(social.come_back(&browser, LOGIN, &theirs).await.status, status);
    }
}

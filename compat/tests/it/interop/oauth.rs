//! Accounts at providers: who comes by one is the same user at both, and stored the same.

use std::sync::Arc;

use anyhow::ensure;
use libtest_mimic::Trial;
use serde_json::json;

use super::{First, Second, Story, Who, tell, trial};
use crate::{
    harness::{
        Candidate, Databases, LazyPair, Pair, Server, Setup::Social, Step, Suite, System, in_seconds, jwt,
        providers, replay, scenario::*, settings::Secrets, simultaneously,
    },
    oauth::{authorize, begin, come_back, comes, logged_in, says},
};

const STORIES: [(&str, Story); 4] = [
    ("somebody new by an account here logs in by it there", sign_ups),
    ("somebody new by an account here logs in by it there, and gets a cookie", cookies),
    ("an account that is added here logs in there", associations),
    ("an account that comes with a user's address here logs in there", addresses),
];

/// Those that are told in one way only: fastapi-users knows neither PKCE nor the nonce of OpenID Connect.
const BEGUN_THERE: [(&str, Story); 5] = [
    ("a login that is begun there is finished here", begun_there),
    ("an account that is asked for there is added here", asked_for_there),
    ("an access token that is longer than the column there", long_token),
    ("OAL-4: what began with PKCE is not finished without it", begun_with_pkce),
    ("OAL-5: what began without a nonce is no login by OpenID Connect", begun_without_nonce),
];

/// Whoever has made the database.
pub(super) fn trials(suite: &Arc<Suite>, system: System) -> Vec<Trial> {
    let mut trials = Vec::new();
    let mut numbers = 1..;
    for (database, maker) in
        [("made by fastapi-users", Candidate::Reference), ("made by us", Candidate::Ours)]
    {
        let pair = LazyPair::new(suite, system, Social, Databases::Shared { maker });
        let both = STORIES.iter().flat_map(|story| [(story, false), (story, true)]);
        let begun_there = BEGUN_THERE.iter().filter(|_| maker == Candidate::Reference);
        let told = both.chain(begun_there.map(|story| (story, false)));
        for (((story, steps), reversed), number) in told.zip(&mut numbers) {
            let way = if reversed { "from us to fastapi-users" } else { "from fastapi-users to us" };
            let name = format!("accounts, {database}: {story}, {way}");
            trials.push(trial(&pair, &name, async move |pair| tell(pair, *steps, reversed, number).await));
        }
        let name = format!("accounts, {database}: OAL-11: one account at both at once");
        trials.push(trial(&pair, &name, log_in_at_once));
    }
    trials
}

const EMAIL: &str = "a.<unique>@example.com";
const GOOGLE: &str = "google | people/<unique>01 | a.<unique>@example.com | access-<unique>01 | refresh-<unique>01 | in 3600 s";

fn first(steps: impl IntoIterator<Item = Step>) -> Vec<(Who, Step)> {
    steps.into_iter().map(|step| (First, step)).collect()
}

fn sign_ups() -> Vec<(Who, Step)> {
    let mut story = first(logged_in(EMAIL));
    story.extend([
        (First, accounts("<id>", GOOGLE)),
        (Second, get("/users/me").bearer("<token>").gives(200, r#""id":"<id>","email":"a.<unique>@example.com""#)),
        (Second, login("/auth/jwt", EMAIL, "guinevere").gives(400, "LOGIN_BAD_CREDENTIALS")),
        (Second, begin("/auth/google")),
        (
            Second,
            says(json!({"email": "b.<unique>@example.com", "token": {"refresh_token": null, "expires_in": 60}})),
        ),
        (Second, come_back("/auth/google").gives(200, r#""sub":"<id>""#)),
        (First, accounts("<id>", "google | people/<unique>01 | b.<unique>@example.com | access-<unique>01 | null | in 60 s")),
        (First, begin("/auth/google")),
        (First, comes(EMAIL)),
        (First, come_back("/auth/google").gives(200, r#""sub":"<id>""#)),
        (Second, accounts("<id>", GOOGLE)),
    ]);
    story
}

fn cookies() -> Vec<(Who, Step)> {
    let back = |name| come_back("/auth/github").save_cookie(name).gives(204, "set-cookie: fastapiusersauth=");
    let me = |name: &str| get("/users/me").cookie("fastapiusersauth", &format!("<{name}>"));
    vec![
        (First, begin("/auth/github")),
        (First, comes(EMAIL)),
        (First, back("one")),
        (First, me("one").save("/id", "id").gives(200, EMAIL)),
        (Second, begin("/auth/github")),
        (Second, comes(EMAIL)),
        (Second, back("two")),
        (First, me("two").gives(200, r#""id":"<id>""#)),
        (Second, me("one").gives(200, r#""id":"<id>""#)),
        (
            Second,
            accounts(
                "<id>",
                "github | <number>01 | a.<unique>@example.com | access-<unique>01 | refresh-<unique>01 | in 3600 s",
            ),
        ),
    ]
}

fn associations() -> Vec<(Who, Step)> {
    let path = "/auth/associate/google";
    vec![
        (First, user("arthur")),
        (First, authorize(path).by("arthur").gives(200, "authorization_url")),
        (First, comes(EMAIL)),
        (First, come_back(path).by("arthur").gives(200, "<arthur.id>")),
        (Second, begin("/auth/google")),
        (Second, comes(EMAIL)),
        (Second, come_back("/auth/google").gives(200, r#""sub":"<arthur.id>""#)),
        (Second, accounts("<arthur.id>", GOOGLE)),
    ]
}

fn addresses() -> Vec<(Who, Step)> {
    vec![
        (First, verified("arthur")),
        (First, begin("/auth/discord")),
        (First, comes("<arthur.email>")),
        (First, come_back("/auth/discord").gives(200, r#""sub":"<arthur.id>""#)),
        (Second, begin("/auth/discord")),
        (Second, comes(EMAIL)),
        (Second, come_back("/auth/discord").gives(200, r#""sub":"<arthur.id>""#)),
        (
            First,
            accounts(
                "<arthur.id>",
                "discord | <unique>01 | a.<unique>@example.com | access-<unique>01 | refresh-<unique>01 | in 3600 s",
            ),
        ),
    ]
}

/// With a provider that asks for no nonce.
fn begun_there() -> Vec<(Who, Step)> {
    vec![
        (First, begin("/auth/discord")),
        (First, comes(EMAIL)),
        (Second, come_back("/auth/discord").save("/access_token", "token").gives(200, "bearer")),
        (First, get("/users/me").bearer("<token>").gives(200, EMAIL)),
    ]
}

fn asked_for_there() -> Vec<(Who, Step)> {
    let path = "/auth/associate/discord";
    vec![
        (First, user("arthur")),
        (First, authorize(path).by("arthur").gives(200, "authorization_url")),
        (First, comes(EMAIL)),
        (Second, come_back(path).by("arthur").gives(200, "<arthur.id>")),
        (First, begin("/auth/discord")),
        (First, comes(EMAIL)),
        (First, come_back("/auth/discord").gives(200, r#""sub":"<arthur.id>""#)),
    ]
}

fn begun_with_pkce() -> Vec<(Who, Step)> {
    vec![
        (Second, begin("/auth/discord")),
        (Second, comes(EMAIL)),
        (First, come_back("/auth/discord").gives(500, "400 Bad Request")),
        (Second, come_back("/auth/discord").gives(200, "bearer")),
    ]
}

fn begun_without_nonce() -> Vec<(Who, Step)> {
    vec![
        (First, begin("/auth/google")),
        (First, comes(EMAIL)),
        (Second, come_back("/auth/google").gives(400, "OAUTH_PROVIDER_REFUSED")),
        (First, come_back("/auth/google").gives(200, "bearer")),
    ]
}

/// With the columns that the database has, whoever has made it.
fn long_token() -> Vec<(Who, Step)> {
    vec![
        (Second, begin("/auth/discord")),
        (Second, says(json!({"email": EMAIL, "token": {"access_token": "k".repeat(2000)}}))),
        (Second, come_back("/auth/discord").save("/access_token", "token").gives(200, "bearer")),
        (First, get("/users/me").bearer("<token>").gives(200, EMAIL)),
    ]
}

/// It becomes one user, whoever was quicker; those who lost may fail as fastapi-users does (contract C3), but ours never do,
/// unless the database keeps us waiting for too long (F-16).
async fn log_in_at_once(pair: &Pair) -> anyhow::Result<()> {
    let race = json!({"id": "race", "email": "oauth.race@example.com", "verified": true});
    let code = providers::code(&race.to_string());
    let mut requests = Vec::new();
    for number in 0..8 {
        let server = if number % 2 == 0 { &pair.reference } else { &pair.candidate };
        let claims = json!({
            "csrftoken": format!("browser {number}"),
            "aud": "fastapi-users:oauth-state",
            "exp": in_seconds(600),
        });
        let header = json!({"alg": "HS256", "typ": "JWT"});
        let state = jwt::sign(&header, &claims.to_string(), Secrets::SHARED.oauth_state)?;
        let back = get(format!("/auth/discord/callback?code={code}&state={state}"));
        requests.push((server, back.cookie("fastapiusersoauthcsrf", &format!("\"browser {number}\""))));
    }
    let statuses = simultaneously(requests).await?;
    let ours = statuses.iter().filter(|(kind, _)| *kind == Candidate::Ours);
    for (kind, status) in ours {
        ensure!([200, 503].contains(status), "{kind:?} answered {status}");
    }
    ensure!(statuses.iter().any(|(_, status)| *status == 200), "nobody came in: {statuses:?}");
    // Both find one user, with one account.
    let again = |name| {
        [
            begin("/auth/discord"),
            says(json!({"id": "race", "email": "oauth.race@example.com"})),
            come_back("/auth/discord").save("/access_token", name).gives(200, "bearer"),
            get("/users/me").bearer(&format!("<{name}>")).save("/id", "id").gives(200, r#""id":"<id>""#),
        ]
    };
    let mut steps: Vec<(&Server, Step)> =
        again("one").into_iter().map(|step| (&pair.reference, step)).collect();
    steps.extend(again("two").into_iter().map(|step| (&pair.candidate, step)));
    steps.push((&pair.reference, get("/users/me").bearer("<one>").gives(200, r#""id":"<id>""#)));
    let account = "discord | race | oauth.race@example.com | access-race | refresh-race | in 3600 s";
    steps.push((&pair.candidate, accounts("<id>", account)));
    replay(&steps, 0).await
}

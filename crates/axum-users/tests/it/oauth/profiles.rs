//! How providers tell who somebody is, as their documentation shows it.

use serde_json::{Value, json};

pub(super) type Pairs = &'static [(&'static str, &'static str)];

/// A request, its answer, and where in it stands what is read.
pub(super) struct Profile {
    pub(super) route: &'static str,
    pub(super) query: Pairs,
    pub(super) answer: Value,
    /// Where the id stands, and how it is kept.
    pub(super) id: (&'static str, &'static str),
    /// Where the address stands.
    pub(super) email: Option<&'static str>,
    /// Where it stands that the address is verified.
    pub(super) verified: &'static [&'static str],
    /// Whether the address is.
    pub(super) is_verified: bool,
}

/// <https://discord.com/developers/docs/resources/user#user-object-example-user>
pub(super) fn discord() -> Profile {
    Profile {
        route: "GET discord.com/api/users/@me",
        query: &[],
        answer: json!({
            "id": "80351110224678912", "username": "Nelly", "discriminator": "1337", "avatar": "8342729096ea3675442027381ff50dfe",
            "verified": true, "email": "king@camelot.bt", "flags": 64, "premium_type": 1, "public_flags": 64,
        }),
        id: ("/id", "80351110224678912"),
        email: Some("/email"),
        verified: &["/verified"],
        is_verified: true,
    }
}

/// <https://developers.facebook.com/docs/graph-api/reference/user>
pub(super) fn facebook() -> Profile {
    Profile {
        route: "GET graph.facebook.com/v26.0/me",
        // HMAC-SHA256 of the access token under the secret, by OpenSSL.
        query: &[("fields", "id,name,email"), ("appsecret_proof", PROOF)],
        answer: json!({"id": "10158456789012345", "name": "Arthur", "email": "king@camelot.bt"}),
        id: ("/id", "10158456789012345"),
        email: Some("/email"),
        verified: &[],
        is_verified: false,
    }
}

pub(super) const PROOF: &str = "fba74cced88e954a6c917fc968343b980fb990c609a92ee8c195b408ea2323e1";

/// <https://docs.github.com/rest/users/users#get-the-authenticated-user>, without an address.
pub(super) fn github() -> Profile {
    Profile {
        route: "GET api.github.com/user",
        query: &[],
        answer: json!({"login": "octocat", "id": 583_231, "node_id": "MDQ6VXNlcjE=", "type": "User", "email": null}),
        id: ("/id", "583231"),
        email: None,
        verified: &[],
        is_verified: false,
    }
}

/// <https://developers.kakao.com/docs/latest/en/kakaologin/rest-api#req-user-info-sample>
pub(super) fn kakao() -> Profile {
    Profile {
        route: "GET kapi.kakao.com/v2/user/me",
        query: &[],
        answer: json!({
            "id": 123_456_789, "connected_at": "2022-04-11T01:45:28Z",
            "kakao_account": {
                "profile_nickname_needs_agreement": false, "profile": {"nickname": "Arthur"}, "has_email": true,
                "email_needs_agreement": false, "is_email_valid": true, "is_email_verified": true,
                "email": "king@camelot.bt",
            },
        }),
        id: ("/id", "123456789"),
        email: Some("/kakao_account/email"),
        verified: &["/kakao_account/is_email_valid", "/kakao_account/is_email_verified"],
        is_verified: true,
    }
}

/// <https://learn.microsoft.com/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2#response-body-schema>
pub(super) fn linkedin() -> Profile {
    Profile {
        route: "GET api.linkedin.com/v2/userinfo",
        query: &[],
        answer: json!({
            "sub": "782bbtaQ", "name": "Arthur Pendragon", "given_name": "Arthur", "family_name": "Pendragon",
            "picture": "https://media.licdn-ei.com/dms/image/p.jpg", "locale": "en-US", "email": "king@camelot.bt",
            "email_verified": true,
        }),
        id: ("/sub", "782bbtaQ"),
        email: Some("/email"),
        verified: &["/email_verified"],
        is_verified: true,
    }
}

/// <https://developers.naver.com/docs/login/profile/profile.md>
pub(super) fn naver() -> Profile {
    Profile {
        route: "GET openapi.naver.com/v1/nid/me",
        query: &[],
        answer: json!({
            "resultcode": "00", "message": "success",
            "response": {"email": "king@camelot.bt", "nickname": "Arthur", "id": "32742776", "birthday": "10-01"},
        }),
        id: ("/response/id", "32742776"),
        email: Some("/response/email"),
        verified: &[],
        is_verified: false,
    }
}

/// <https://www.reddit.com/dev/api/#GET_api_v1_me>
pub(super) fn reddit() -> Profile {
    Profile {
        route: "GET oauth.reddit.com/api/v1/me",
        query: &[],
        answer: json!({"name": "spez", "id": "1w72", "has_verified_email": true, "link_karma": 1}),
        id: ("/name", "spez"),
        email: None,
        verified: &[],
        is_verified: false,
    }
}

/// <https://shopify.dev/docs/api/admin-graphql/latest/queries/shop>
pub(super) fn shopify() -> Profile {
    Profile {
        route: "POST camelot.myshopify.com/admin/api/2026-10/graphql.json",
        query: &[],
        answer: json!({
            "data": {"shop": {
                "id": "gid://shopify/Shop/548380009", "name": "Camelot", "email": "king@camelot.bt",
                "myshopifyDomain": "camelot.myshopify.com",
            }},
            "extensions": {"cost": {"requestedQueryCost": 1}},
        }),
        id: ("/data/shop/id", "548380009"),
        email: Some("/data/shop/email"),
        verified: &[],
        is_verified: false,
    }
}

/// <https://developer.spotify.com/documentation/web-api/reference/get-current-users-profile>
pub(super) fn spotify() -> Profile {
    Profile {
        route: "GET api.spotify.com/v1/me",
        query: &[],
        answer: json!({"id": "smedjan", "display_name": "Arthur", "email": "king@camelot.bt", "type": "user"}),
        id: ("/id", "smedjan"),
        email: Some("/email"),
        verified: &[],
        is_verified: false,
    }
}

/// <https://dev.twitch.tv/docs/api/reference/#get-users>
pub(super) fn twitch() -> Profile {
    Profile {
        route: "GET api.twitch.tv/helix/users",
        query: &[],
        answer: json!({"data": [{
            "id": "141981764", "login": "twitchdev", "display_name": "TwitchDev", "type": "",
            "broadcaster_type": "partner", "email": "king@camelot.bt", "created_at": "2016-12-14T20:32:28Z",
        }]}),
        id: ("/data/0/id", "141981764"),
        email: Some("/data/0/email"),
        verified: &[],
        is_verified: true,
    }
}

/// <https://docs.x.com/x-api/users/get-my-user>
pub(super) fn x() -> Profile {
    Profile {
        route: "GET api.x.com/2/users/me",
        query: &[("user.fields", "confirmed_email")],
        answer: json!({"data": {
            "id": "2244994945", "name": "X Dev", "username": "TwitterDev", "confirmed_email": "king@camelot.bt",
        }}),
        id: ("/data/id", "2244994945"),
        email: Some("/data/confirmed_email"),
        verified: &[],
        is_verified: true,
    }
}

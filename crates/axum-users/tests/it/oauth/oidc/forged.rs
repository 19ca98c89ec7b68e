use axum_users::oauth::OAuthProvider;
use axum_users_testkit::FakeAnswer;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use rcgen::PublicKeyData;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    ACCESS_TOKEN, CLIENT_ID, CLIENT_SECRET, ISSUER, Idp, NONCE, SigningKey, assert_untrusted, claims,
    message, now, openid, tokens, with,
};

const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

const MALFORMED: &str = "malformed";
const SIGNATURE: &str = "no key";
const ISSUED: &str = "another issuer";
const AUDIENCE: &str = "another application";
const TIME: &str = "its time";
const LOGIN: &str = "another login";
const SUBJECT: &str = "nobody";
const ACCESS: &str = "access token";

#[tokio::test]
async fn oal_5_a_token_is_accepted_under_every_asymmetric_algorithm() {
    for algorithm in ALGORITHMS {
        let key = SigningKey::new(algorithm, "1");
        let idp = Idp::start(&[&key]).await;
        let identity = openid().identity(&idp.client(), &tokens(&key.token(&claims()))).await.unwrap();
        assert_eq!(identity.account_id, "248289761001", "{algorithm:?}");
        assert_eq!(identity.email.as_deref(), Some("king@camelot.bt"));
        assert!(identity.email_verified);
        assert_eq!(identity.claims["iss"], ISSUER);
    }
}

#[tokio::test]
async fn oal_5_what_providers_may_write_otherwise_is_accepted() {
    let key = SigningKey::new(Algorithm::RS256, "1");
    let idp = Idp::start(&[&key]).await;
    let (client, provider) = (idp.client(), openid());
    let hash = URL_SAFE_NO_PAD.encode(&Sha256::digest(ACCESS_TOKEN)[..16]);
    for changes in [
        json!({"aud": [CLIENT_ID]}),
        json!({"aud": [CLIENT_ID, "them"], "azp": CLIENT_ID}),
        json!({"azp": CLIENT_ID}),
        json!({"iat": now() + 30, "nbf": now() + 30}),
        json!({"iat": now() - 3600, "auth_time": 1}),
        json!({"exp": now() as f64 + 60.5}),
        json!({"at_hash": hash}),
        json!({"sub": "s".repeat(255)}),
        json!({"jti": "1", "acr": "0", "groups": vec!["knights"; 500]}),
    ] {
        let token = key.token(&with(claims(), &changes));
        assert!(provider.identity(&client, &tokens(&token)).await.is_ok(), "{changes}");
    }
    for changes in [
        json!({"typ": null}),
        json!({"typ": "jwt"}),
        json!({"kid": null}),
        json!({"x5t": "1", "jku": "https://x"}),
    ] {
        let token = key.sign(&with(key.header(), &changes), &claims().to_string());
        assert!(provider.identity(&client, &tokens(&token)).await.is_ok(), "{changes}");
    }
}

/// A forged token, and why it is refused.
type Forged = (&'static str, String, &'static str);

fn of_claims(key: &SigningKey) -> Vec<Forged> {
    let changed = |what, changes: Value, reason| (what, key.token(&with(claims(), &changes)), reason);
    let text = claims().to_string();
    let twice = |name: &str, value: &str| {
        key.sign(&key.header(), &text.replacen('{', &format!(r#"{{"{name}":"{value}","#), 1))
    };
    vec![
        changed("iss wrong", json!({"iss": "https://evil.example"}), ISSUED),
        changed("iss with a slash", json!({"iss": format!("{ISSUER}/")}), ISSUED),
        changed("iss in capitals", json!({"iss": ISSUER.to_uppercase()}), ISSUED),
        changed("iss with another scheme", json!({"iss": ISSUER.replace("https", "http")}), ISSUED),
        changed("iss as a list", json!({"iss": [ISSUER]}), ISSUED),
        changed("iss missing", json!({"iss": null}), ISSUED),
        changed("aud wrong", json!({"aud": "them"}), AUDIENCE),
        changed("aud missing", json!({"aud": null}), AUDIENCE),
        changed("aud a list without us", json!({"aud": ["them", "others"]}), AUDIENCE),
        changed("aud empty", json!({"aud": []}), AUDIENCE),
        changed("aud with others, no azp", json!({"aud": [CLIENT_ID, "them"]}), AUDIENCE),
        changed("aud with others, their azp", json!({"aud": [CLIENT_ID, "them"], "azp": "them"}), AUDIENCE),
        changed("aud with a number", json!({"aud": [CLIENT_ID, 1], "azp": CLIENT_ID}), AUDIENCE),
        changed("azp of others", json!({"azp": "them"}), AUDIENCE),
        changed("azp a list", json!({"azp": [CLIENT_ID]}), AUDIENCE),
        changed("nonce wrong", json!({"nonce": "another"}), LOGIN),
        changed("nonce longer", json!({"nonce": format!("{NONCE}x")}), LOGIN),
        changed("nonce missing", json!({"nonce": null}), LOGIN),
        changed("nonce a number", json!({"nonce": 1}), LOGIN),
        changed("nonce empty", json!({"nonce": ""}), LOGIN),
        changed("exp past", json!({"exp": now() - 1}), TIME),
        changed("exp a text", json!({"exp": (now() + 300).to_string()}), TIME),
        changed("exp missing", json!({"exp": null}), TIME),
        changed("exp huge", json!({"exp": u64::MAX}), TIME),
        changed("exp infinite", json!({"exp": 1.0e308}), TIME),
        changed("iat of the future", json!({"iat": now() + 3600}), TIME),
        changed("iat long ago", json!({"iat": now() - 2 * 86_400}), TIME),
        changed("iat missing", json!({"iat": null}), TIME),
        changed("iat a text", json!({"iat": "now"}), TIME),
        changed("nbf of the future", json!({"nbf": now() + 3600}), TIME),
        changed("nbf a text", json!({"nbf": "0"}), TIME),
        changed("sub missing", json!({"sub": null}), SUBJECT),
        changed("sub empty", json!({"sub": ""}), SUBJECT),
        changed("sub a number", json!({"sub": 248_289_761_001_i64}), SUBJECT),
        changed("sub a list", json!({"sub": ["248289761001"]}), SUBJECT),
        changed("sub too long", json!({"sub": "s".repeat(256)}), SUBJECT),
        changed("sub with a NUL", json!({"sub": "1\0"}), SUBJECT),
        changed("at_hash wrong", json!({"at_hash": "77QmUPtjPfzWtF2AnpK9RQ"}), ACCESS),
        changed("at_hash a number", json!({"at_hash": 1}), ACCESS),
        ("sub twice", twice("sub", "1"), MALFORMED),
        ("aud twice", twice("aud", CLIENT_ID), MALFORMED),
        ("claims a list", key.sign(&key.header(), &format!("[{text}]")), MALFORMED),
        ("claims and more", key.sign(&key.header(), &format!("{text} {{}}")), MALFORMED),
        ("claims no JSON", key.sign(&key.header(), "sub=248289761001"), MALFORMED),
    ]
}

fn of_headers(key: &SigningKey) -> Vec<Forged> {
    let text = claims().to_string();
    let other = SigningKey::other("1");
    let changed =
        |what, changes: Value, reason| (what, key.sign(&with(key.header(), &changes), &text), reason);
    let by_other = |what, changes: Value| (what, other.sign(&with(key.header(), &changes), &text), SIGNATURE);
    let unsigned = |what, algorithm: &str, signature: &str| {
        let message = message(&json!({"alg": algorithm, "typ": "JWT"}), &text);
        (what, format!("{message}.{signature}"), MALFORMED)
    };
    let shared = |what, algorithm, secret: &[u8]| {
        let message = message(&with(key.header(), &json!({"alg": format!("{algorithm:?}")})), &text);
        let secret = EncodingKey::from_secret(secret);
        let signature = crypto::sign(message.as_bytes(), &secret, algorithm).unwrap();
        (what, format!("{message}.{signature}"), MALFORMED)
    };
    let pem = key.pair.public_key_pem();
    let modulus = URL_SAFE_NO_PAD.decode(key.jwk()["n"].as_str().unwrap()).unwrap();
    let elliptic = SigningKey::new(Algorithm::ES256, "1");
    let pss = SigningKey::new(Algorithm::PS256, "1");
    vec![
        by_other("another key", json!({})),
        by_other("another key without a name", json!({"kid": null})),
        by_other("jku of theirs", json!({"jku": "https://evil.example/keys"})),
        by_other("x5u of theirs", json!({"x5u": "https://evil.example/keys"})),
        by_other("jwk of theirs", json!({"jwk": other.jwk()})),
        by_other("x5c of theirs", json!({"x5c": ["MIIB"]})),
        changed("kid unknown", json!({"kid": "2"}), SIGNATURE),
        changed("kid a path", json!({"kid": "../../dev/null"}), SIGNATURE),
        changed("kid a number", json!({"kid": 1}), MALFORMED),
        changed("crit", json!({"crit": ["x"], "x": 1}), MALFORMED),
        changed("b64", json!({"b64": false}), MALFORMED),
        changed("zip", json!({"zip": "DEF"}), MALFORMED),
        changed("typ of an access token", json!({"typ": "at+jwt"}), MALFORMED),
        changed("typ of a logout token", json!({"typ": "logout+jwt"}), MALFORMED),
        changed("typ a number", json!({"typ": 1}), MALFORMED),
        changed("alg missing", json!({"alg": null}), MALFORMED),
        changed("alg of another digest", json!({"alg": "RS512"}), SIGNATURE),
        unsigned("none", "none", ""),
        unsigned("None", "None", ""),
        unsigned("nOnE", "nOnE", ""),
        unsigned("none with a signature", "none", "c2lnbmF0dXJl"),
        unsigned("HS256 with the empty secret", "HS256", ""),
        shared("HS256 with the client secret", Algorithm::HS256, CLIENT_SECRET.as_bytes()),
        shared("HS512 with the client secret", Algorithm::HS512, CLIENT_SECRET.as_bytes()),
        shared("HS256 with the public key", Algorithm::HS256, pem.as_bytes()),
        shared("HS256 with the public key, trimmed", Algorithm::HS256, pem.trim().as_bytes()),
        shared("HS256 with the public key as DER", Algorithm::HS256, &key.pair.subject_public_key_info()),
        shared("HS256 with the modulus", Algorithm::HS256, &modulus),
        ("ES256 under the name of an RSA key", elliptic.token(&claims()), SIGNATURE),
        ("PS256 with a key for RS256", pss.token(&claims()), SIGNATURE),
    ]
}

fn of_spelling(key: &SigningKey) -> Vec<Forged> {
    let token = key.token(&claims());
    let (message, signature) = token.rsplit_once('.').unwrap();
    let king = key.token(&with(claims(), &json!({"sub": "1"})));
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut flipped = bytes.clone();
    flipped[0] ^= 1;
    vec![
        ("no signature", format!("{message}."), SIGNATURE),
        ("no signature at all", message.to_owned(), MALFORMED),
        ("another signature", format!("{message}.{}", king.rsplit_once('.').unwrap().1), SIGNATURE),
        ("a bit of the signature", format!("{message}.{}", URL_SAFE_NO_PAD.encode(flipped)), SIGNATURE),
        ("truncated", token[..token.len() - 2].to_owned(), SIGNATURE),
        ("truncated by half a byte", token[..token.len() - 1].to_owned(), MALFORMED),
        ("one part more", format!("{token}.e30"), MALFORMED),
        ("padding", format!("{token}="), MALFORMED),
        ("a line break", format!("{token}\n"), MALFORMED),
        ("standard base64", format!("{message}.{}", STANDARD.encode(&bytes)), MALFORMED),
        ("empty", String::new(), MALFORMED),
        ("dots", "..".to_owned(), MALFORMED),
        ("encrypted", "e30.e30.e30.e30.e30".to_owned(), MALFORMED),
        ("huge", format!("{token}{}", "A".repeat(64 * 1024)), MALFORMED),
        ("deep", key.sign(&key.header(), &"[".repeat(10_000)), MALFORMED),
    ]
}

#[tokio::test]
async fn oal_5_every_forged_token_is_refused() {
    let key = SigningKey::new(Algorithm::RS256, "1");
    let idp = Idp::start(&[&key]).await;
    let theirs = json!({"keys": [SigningKey::other("1").jwk()]});
    idp.fake.answer("GET evil.example/keys", FakeAnswer::json(theirs));
    let (client, provider) = (idp.client(), openid());
    let genuine = tokens(&key.token(&claims()));
    assert!(provider.identity(&client, &genuine).await.is_ok());
    let forged = [of_claims(&key), of_headers(&key), of_spelling(&key)].concat();
    assert!(forged.len() >= 80, "{}", forged.len());
    for (what, token, reason) in &forged {
        assert_untrusted(provider.identity(&client, &tokens(token)).await, reason, what);
    }
    assert!(provider.identity(&client, &genuine).await.is_ok());
    assert!(idp.fake.requests().iter().all(|request| request.route.contains("idp.camelot.bt")));
}

#[tokio::test]
async fn oal_5_without_a_nonce_or_an_id_token_nobody_logs_in() {
    let key = SigningKey::new(Algorithm::RS256, "1");
    let idp = Idp::start(&[&key]).await;
    let (client, provider) = (idp.client(), openid());
    let mut given = tokens(&key.token(&claims()));
    for nonce in [None, Some(String::new()), Some("of another login".to_owned())] {
        given.nonce = nonce;
        assert_untrusted(provider.identity(&client, &given).await, LOGIN, "nonce");
    }
    given.nonce = Some(NONCE.to_owned());
    given.id_token = None;
    assert_untrusted(provider.identity(&client, &given).await, "no ID token", "missing");
}

#[tokio::test]
async fn oal_5_a_secret_that_is_published_by_mistake_signs_nothing() {
    let key = SigningKey::new(Algorithm::RS256, "1");
    let idp = Idp::start(&[]).await;
    let secret =
        json!({"kty": "oct", "kid": "2", "k": URL_SAFE_NO_PAD.encode(CLIENT_SECRET), "alg": "HS256"});
    let for_encryption = with(key.jwk(), &json!({"use": "enc"}));
    idp.publish_set(&json!({"keys": [secret, for_encryption]}));
    let (client, provider) = (idp.client(), openid());
    let message = message(&json!({"alg": "HS256", "kid": "2"}), &claims().to_string());
    let signature = crypto::sign(
        message.as_bytes(),
        &EncodingKey::from_secret(CLIENT_SECRET.as_bytes()),
        Algorithm::HS256,
    );
    let forged = format!("{message}.{}", signature.unwrap());
    assert_untrusted(provider.identity(&client, &tokens(&forged)).await, MALFORMED, "HS256");
    let by_wrong_key = tokens(&key.token(&claims()));
    assert_untrusted(provider.identity(&client, &by_wrong_key).await, SIGNATURE, "use enc");
}

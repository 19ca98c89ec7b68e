//! The requests of each act, the same for every server.

use std::path::Path;

use crate::{
    load::{Body, Load, Post, write_lines},
    route::Act,
    servers::{EMAIL, OTHER_USERS, PASSWORD, Running, other_email},
};

/// At once, where a request costs no hash with anybody; and where it does.
const CONNECTIONS: u32 = 32;
const HASHING_CONNECTIONS: u32 = 8;
/// Bodies to choose from at random: among so many hardly one comes twice.
const REGISTRATIONS: u32 = 100_000;

/// The share of other answers that is no failure: of registrations, those whose address was drawn twice.
pub fn tolerated(act: Act) -> f64 {
    if act == Act::Register { 0.02 } else { 0.0 }
}

/// A load without end.
pub fn load(act: Act, server: &Running, folder: &Path, round: u32) -> anyhow::Result<Load> {
    let address = server.address();
    Ok(match act {
        Act::Anonymous => anonymous(address),
        Act::Me | Act::MeDuringLogins => me(address, &server.credentials),
        Act::Login => log_in(address, PASSWORD),
        Act::Refused => log_in(address, "Joyeuse and 12 empty seats"),
        Act::Register => {
            let file = folder.join("registrations");
            let body = |number: u32| {
                let name = format!("squire.{number}.{round}.{}", server.id());
                format!(r#"{{"email":"{name}@camelot.bt","password":"{PASSWORD}"}}"#)
            };
            write_lines(&file, (0..REGISTRATIONS).map(body))?;
            post_json(format!("{address}/auth/register"), Body::Lines(file))
        }
        Act::ForgotPassword => forgot_password(address, (1..=OTHER_USERS).map(other_email), folder)?,
    })
}

/// `/users/me` by nobody.
fn anonymous(address: &str) -> Load {
    Load { url: format!("{address}/users/me"), connections: CONNECTIONS, ..Load::default() }
}

/// `/users/me` by somebody.
pub fn me(address: &str, credentials: &str) -> Load {
    Load { headers: vec![credentials.to_owned()], ..anonymous(address) }
}

/// Each for one of these users, by their id, for a superuser.
pub fn users(
    address: &str,
    credentials: &str,
    ids: impl Iterator<Item = String>,
    folder: &Path,
) -> anyhow::Result<Load> {
    let file = folder.join("users");
    write_lines(&file, ids.map(|id| format!("{address}/users/{id}")))?;
    Ok(Load { url: file.display().to_string(), urls_in_file: true, ..me(address, credentials) })
}

/// Each for one of these addresses.
pub fn forgot_password(
    address: &str,
    emails: impl Iterator<Item = String>,
    folder: &Path,
) -> anyhow::Result<Load> {
    let file = folder.join("forgotten");
    write_lines(&file, emails.map(|email| format!(r#"{{"email":"{email}"}}"#)))?;
    Ok(post_json(format!("{address}/auth/forgot-password"), Body::Lines(file)))
}

/// Logins by eight connections.
pub fn log_in(address: &str, password: &str) -> Load {
    let mut form = form_urlencoded::Serializer::new(String::new());
    let body = form.append_pair("username", EMAIL).append_pair("password", password).finish();
    let post = Post { content_type: "application/x-www-form-urlencoded", body: Body::Same(body) };
    Load {
        url: format!("{address}/auth/jwt/login"),
        connections: HASHING_CONNECTIONS,
        post: Some(post),
        ..Load::default()
    }
}

fn post_json(url: String, body: Body) -> Load {
    let post = Post { content_type: "application/json", body };
    Load { url, connections: HASHING_CONNECTIONS, post: Some(post), ..Load::default() }
}

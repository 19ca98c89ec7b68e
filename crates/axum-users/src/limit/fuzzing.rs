//! Headers in which strangers tell who they are. See [`crate::fuzzing`].

#![allow(clippy::expect_used, reason = "panics are what it is for")]

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use http::{HeaderName, HeaderValue, Request, header};

use super::{
    client::{Client, TrustedProxies},
    forwarded::X_FORWARDED_FOR,
};
use crate::Context;

const STRANGER: &str = "203.0.113.9";
const PROXY: &str = "10.0.0.1";

/// What is before the entry of a trusted proxy changes nothing, and nobody else is believed.
pub(crate) fn forwarded(data: &[u8]) {
    let proxies = TrustedProxies::parse(&["10.0.0.0/8".to_owned()]).expect("a network");
    let client = |peer: &str, headers: &[(HeaderName, &[u8])]| {
        let mut request = Request::new(());
        for (name, value) in headers {
            request.headers_mut().append(name, HeaderValue::from_bytes(value).ok()?);
        }
        let peer: IpAddr = peer.parse().expect("an address");
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((peer, 80))));
        match Client::of(&Context::from_parts(&request.into_parts().0), &proxies) {
            Client::Known(known) => Some(known.address),
            _ => None,
        }
    };
    let stranger = STRANGER.parse().ok();
    for (name, added) in
        [(X_FORWARDED_FOR, STRANGER.to_owned()), (header::FORWARDED, format!("for={STRANGER}"))]
    {
        if client(PROXY, &[(name.clone(), data)]).is_none() {
            continue;
        }
        assert_eq!(client(STRANGER, &[(name.clone(), data)]), stranger);
        let in_one = [data, b", ", added.as_bytes()].concat();
        assert_eq!(client(PROXY, &[(name.clone(), &in_one)]), stranger);
        assert_eq!(client(PROXY, &[(name.clone(), data), (name, added.as_bytes())]), stranger);
    }
}

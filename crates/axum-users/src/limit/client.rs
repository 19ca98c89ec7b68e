use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use http::{HeaderMap, header};
use ipnet::IpNet;

use super::forwarded::{X_FORWARDED_FOR, address, element, hops};
use crate::Context;

/// The networks of proxies that are believed when they say for whom they ask.
#[derive(Debug, Default)]
pub(crate) struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Addresses or networks, such as `10.0.0.1` and `10.0.0.0/8`.
    pub(crate) fn parse(networks: &[String]) -> Result<Self, String> {
        let parse = |text: &String| {
            let network =
                text.parse().or_else(|_| text.parse().map(|address: IpAddr| address.to_canonical().into()));
            let network: IpNet = network.map_err(|_| {
                format!("the trusted proxy {text:?} is neither an address nor a network like 10.0.0.0/8")
            })?;
            if network.prefix_len() == 0 {
                let reason = "everybody could give any address out as theirs";
                return Err(format!("the trusted proxy {text:?} is the whole Internet: {reason}"));
            }
            Ok(network)
        };
        networks.iter().map(parse).collect::<Result<_, _>>().map(Self)
    }

    /// Who asks: the peer, unless that is a trusted proxy. Then the nearest address in the header that is not one; or the
    /// farthest known, if what is behind it is no address. A proxy writes one header and may let through what a client
    /// wrote into the other: where they contradict each other neither is believed.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.trusts(peer) {
            return peer;
        }
        let walk = |hops: &mut dyn Iterator<Item = Option<IpAddr>>| {
            let mut client = peer;
            for hop in hops.map_while(|hop| hop) {
                client = hop;
                if !self.trusts(hop) {
                    break;
                }
            }
            client
        };
        let listed = || walk(&mut hops(headers, &X_FORWARDED_FOR, address));
        let standard = || walk(&mut hops(headers, &header::FORWARDED, element));
        match (headers.contains_key(X_FORWARDED_FOR), headers.contains_key(header::FORWARDED)) {
            (false, false) => peer,
            (true, false) => listed(),
            (false, true) => standard(),
            (true, true) => Some(listed()).filter(|client| *client == standard()).unwrap_or(peer),
        }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// The leading bits of an address, and how many they are.
pub(crate) type Network = (u128, u8);

/// Who asks, as far as it is known.
pub(super) enum Client {
    /// Code acts on its own.
    NoRequest,
    /// The application is not served with the addresses of its connections.
    Unknown,
    Known(Known),
}

pub(super) struct Known {
    pub(super) address: IpAddr,
    /// A neighbour that looks like a proxy of whose header nothing was believed.
    pub(super) unheard_proxy: Option<IpAddr>,
}

impl Client {
    pub(super) fn of(cx: &Context, proxies: &TrustedProxies) -> Self {
        let Some(headers) = cx.headers() else { return Self::NoRequest };
        let Some(ConnectInfo(peer)) = cx.extension::<ConnectInfo<SocketAddr>>() else { return Self::Unknown };
        let peer = peer.ip().to_canonical();
        let forwards = headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(header::FORWARDED);
        let unheard_proxy = Some(peer).filter(|peer| forwards && is_near(*peer) && !proxies.trusts(*peer));
        Self::Known(Known { address: proxies.client(peer, headers), unheard_proxy })
    }
}

const fn is_near(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    }
}

/// What counts as one client, and how many times the usual it may do.
pub(super) fn networks(address: IpAddr) -> impl Iterator<Item = (Network, u32)> {
    let (own, wider) = match address {
        IpAddr::V4(address) => ((u128::from(address.to_bits()), 32), None),
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            ((bits >> 64, 64), Some((bits >> 80, 48)))
        }
    };
    [(own, 1)].into_iter().chain(wider.map(|wider| (wider, 10)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(trusted: &[&str], peer: &str, headers: &[(&'static str, &str)]) -> String {
        let trusted: Vec<String> = trusted.iter().map(|network| (*network).to_owned()).collect();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        TrustedProxies::parse(&trusted).unwrap().client(peer.parse().unwrap(), &map).to_string()
    }

    #[test]
    fn log_5_only_a_trusted_proxy_says_for_whom_it_asks() {
        const XFF: &str = "x-forwarded-for";
        const FORWARDED: &str = "forwarded";
        let near = &["10.0.0.0/8", "2001:db8::1"][..];
        for (peer, headers, expected) in [
            // Nobody trusted: whatever it says.
            ("192.0.2.1", &[(XFF, "198.51.100.7"), (FORWARDED, "for=198.51.100.7")][..], "192.0.2.1"),
            // Trusted ones, one after the other, and what a client has put in front of them.
            ("10.0.0.1", &[(XFF, "198.51.100.7")], "198.51.100.7"),
            ("10.0.0.1", &[(XFF, "203.0.113.5, 198.51.100.7, 10.9.9.9")], "198.51.100.7"),
            ("10.0.0.1", &[(XFF, "203.0.113.5"), (XFF, "198.51.100.7")], "198.51.100.7"),
            ("2001:db8::1", &[(XFF, "203.0.113.5, 2001:db8::2")], "2001:db8::2"),
            (
                "10.0.0.1",
                &[(FORWARDED, "for=203.0.113.5, for=\"198.51.100.7:80\";proto=https")],
                "198.51.100.7",
            ),
            ("10.0.0.1", &[(FORWARDED, "for=\", for=198.51.100.7")], "198.51.100.7"),
            // Nothing that can be read: the farthest that is known.
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &[(XFF, "203.0.113.5, unknown")], "10.0.0.1"),
            ("10.0.0.1", &[(XFF, "unknown, 10.0.0.2")], "10.0.0.2"),
            ("10.0.0.1", &[(XFF, "")], "10.0.0.1"),
            ("10.0.0.1", &[(XFF, "10.0.0.3, 10.0.0.2")], "10.0.0.3"),
            // The proxy writes one of them, the client has written the other.
            ("10.0.0.1", &[(XFF, "198.51.100.7"), (FORWARDED, "for=203.0.113.5")], "10.0.0.1"),
            ("10.0.0.1", &[(XFF, "198.51.100.7"), (FORWARDED, "for=198.51.100.7")], "198.51.100.7"),
        ] {
            assert_eq!(client(near, peer, headers), expected, "{peer} {headers:?}");
        }
        assert_eq!(client(&[], "127.0.0.1", &[(XFF, "203.0.113.5")]), "127.0.0.1");
    }

    #[test]
    fn cfg_2_the_whole_internet_is_no_proxy() {
        for wrong in ["0.0.0.0/0", "::/0", "10.0.0.0/33", "10.0.0", "proxy.example", "", "10.0.0.1/"] {
            let refused = TrustedProxies::parse(&[wrong.to_owned()]).unwrap_err();
            assert!(refused.contains(&format!("{wrong:?}")), "{refused}");
        }
    }

    #[test]
    fn log_5_an_ipv6_client_is_its_network() {
        let networks = |text: &str| networks(text.parse().unwrap()).collect::<Vec<_>>();
        let [own, wider] = networks("2001:db8:1:2::1")[..] else { panic!("two") };
        assert_eq!(networks("2001:db8:1:2:ffff::9"), [own, wider]);
        let [other, same] = networks("2001:db8:1:3::1")[..] else { panic!("two") };
        assert!(other != own && same == wider && wider.1 == 10);
        assert!(!networks("2001:db8:2:2::1").contains(&wider));
        assert_eq!(networks("192.0.2.1").len(), 1);
        assert_ne!(networks("192.0.2.1"), networks("192.0.2.2"));
    }
}

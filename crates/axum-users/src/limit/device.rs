//! Device cookies (OWASP, "Slow Down Online Guessing Attacks with Device Cookies"): who has logged in with a browser is not
//! locked out of it by those who guess elsewhere.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::HeaderValue;
use subtle::ConstantTimeEq;

use crate::{Context, Cookie, Secret, claims::now};

/// How long a browser is known after a login: 180 days.
const LIFETIME: u64 = 180 * 24 * 60 * 60;
/// When it ends, and a number of its own.
const DEVICE: usize = 8 + 16;
const SEAL: usize = 16;
/// How many cookies of the name are looked at: others may have planted some.
const READ: usize = 4;

/// Makes and knows the cookies. One holds no address: whose it is shows when it is read for that address, and whether anybody
/// has that is not asked.
pub(crate) struct DeviceCookies {
    key: Secret,
    cookie: Cookie,
}

impl DeviceCookies {
    pub(crate) const fn new(key: Secret, cookie: Cookie) -> Self {
        Self { key, cookie }
    }

    /// A new cookie for whoever has just logged in with this address.
    pub(super) fn issue(&self, address: &str) -> Option<HeaderValue> {
        let mut bytes = [0; DEVICE + SEAL];
        let (device, seal) = bytes.split_at_mut(DEVICE);
        let (end, number) = device.split_at_mut(8);
        end.copy_from_slice(&(now() as u64).saturating_add(LIFETIME).to_be_bytes());
        getrandom::fill(number).ok()?;
        seal.copy_from_slice(&self.seal(address, device)?);
        self.cookie.header_value(&URL_SAFE_NO_PAD.encode(bytes), self.cookie.max_age)
    }

    /// The device of a request, if its user has logged in from there with this address.
    pub(super) fn device(&self, address: &str, cx: &Context) -> Option<[u8; DEVICE]> {
        let values = self.cookie.values(cx.headers()?);
        values.into_iter().take(READ).find_map(|value| {
            let bytes: [u8; DEVICE + SEAL] = URL_SAFE_NO_PAD.decode(value).ok()?.try_into().ok()?;
            let (device, seal) = bytes.split_first_chunk::<DEVICE>()?;
            let (end, _) = device.split_first_chunk::<8>()?;
            let is_ours = bool::from(self.seal(address, device)?.as_slice().ct_eq(seal));
            (is_ours && u64::from_be_bytes(*end) > now() as u64).then_some(*device)
        })
    }

    fn seal(&self, address: &str, device: &[u8]) -> Option<[u8; SEAL]> {
        self.key.mac(&[device, address.as_bytes()]).first_chunk().copied()
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    const KING: &str = "king.arthur@camelot.bt";

    fn cookies(key: &str) -> DeviceCookies {
        DeviceCookies::new(Secret::new(key), Cookie { name: "device".into(), ..Cookie::device() })
    }

    fn value(cookies: &DeviceCookies) -> String {
        let header = cookies.issue(KING).unwrap();
        let value = header.to_str().unwrap().strip_prefix("device=").unwrap();
        value.split(';').next().unwrap().to_owned()
    }

    fn cx(header: &str) -> Context {
        let request = Request::post("/").header("cookie", header).body(()).unwrap();
        Context::from_parts(&request.into_parts().0)
    }

    #[test]
    fn log_4_a_cookie_knows_its_user_and_no_other() {
        let cookies = cookies("one");
        let value = value(&cookies);
        let device = cookies.device(KING, &cx(&format!("a=b; device={value}"))).unwrap();
        assert_eq!(cookies.device("mordred@camelot.bt", &cx(&format!("device={value}"))), None);
        assert_eq!(self::cookies("two").device(KING, &cx(&format!("device={value}"))), None, "another key");
        assert_eq!(cookies.device(KING, &Context::none()), None);
        // What others have planted beside it takes nothing away.
        let planted = format!("device=x; device={}; device={value}", "A".repeat(value.len()));
        assert_eq!(cookies.device(KING, &cx(&planted)), Some(device));
    }

    #[test]
    fn log_4_forged_cookies_and_those_that_are_over_are_nobodys() {
        let cookies = cookies("one");
        let value = value(&cookies);
        let mut bytes = URL_SAFE_NO_PAD.decode(&value).unwrap();
        for index in 0..bytes.len() {
            bytes[index] ^= 1;
            let forged = URL_SAFE_NO_PAD.encode(&bytes);
            assert_eq!(cookies.device(KING, &cx(&format!("device={forged}"))), None, "byte {index}");
            bytes[index] ^= 1;
        }
        for cut in [0, 1, 20, value.len() - 1] {
            assert_eq!(cookies.device(KING, &cx(&format!("device={}", &value[..cut]))), None);
        }
        let sealed = |end: u64| {
            let mut device = [7; DEVICE];
            device[..8].copy_from_slice(&end.to_be_bytes());
            let seal = cookies.seal(KING, &device).unwrap();
            URL_SAFE_NO_PAD.encode([device.as_slice(), &seal].concat())
        };
        let now = now() as u64;
        assert_eq!(cookies.device(KING, &cx(&format!("device={}", sealed(now - 1)))), None);
        assert!(cookies.device(KING, &cx(&format!("device={}", sealed(now + 10)))).is_some());
    }

    #[test]
    fn log_4_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites() {
        let header = cookies("one").issue(KING).unwrap();
        let (_, attributes) = header.to_str().unwrap().split_once(';').unwrap();
        assert_eq!(attributes, " HttpOnly; Max-Age=15552000; Path=/; SameSite=lax; Secure");
    }
}

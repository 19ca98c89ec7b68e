use axum_users_argon2::{Algorithm, MIN_SALT_BYTES, MIN_TAG_BYTES, Params, Version};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use subtle::ConstantTimeEq;

use super::{Engine, HashClass, PasswordHash, PasswordHasher, Verdict, engine::release_memory};
use crate::BoxError;

/// Bytes of a new salt (RFC 9106 §3.1).
const SALT_BYTES: usize = 16;
/// Bytes of a new tag.
pub(super) const TAG_BYTES: usize = 32;
/// What a stored hash may ask for; more would let a poisoned row exhaust the server (LOG-13).
const MAX_MEMORY_KIB: u32 = 256 * 1024;
const MAX_ITERATIONS: u32 = 16;
const MAX_PARALLELISM: u32 = 16;
/// From what bcrypt can do at least, to what a login may cost.
const BCRYPT_COSTS: std::ops::RangeInclusive<u32> = 4..=15;
/// bcrypt looks at no more bytes; two passwords equal so far would be one.
const BCRYPT_MAX_BYTES: usize = 72;
/// A salt and a tag of zeros in bcrypt's base 64.
const BCRYPT_ZEROS: &str = ".....................................................";

/// Argon2id (RFC 9106), which also verifies Argon2i, Argon2d and bcrypt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2id {
    /// Memory in KiB, from 8 for each lane to 262144.
    pub memory_kib: u32,
    /// Passes over the memory, 1 to 16.
    pub iterations: u32,
    /// Lanes, 1 to 16. They are computed one after another: the pool uses the cores for different passwords.
    pub parallelism: u32,
    /// When a right password is hashed anew.
    pub rehash: Rehash,
    /// What computes it: no parameter of the hash.
    pub engine: Engine,
}

/// When a right password is hashed anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rehash {
    /// When the stored hash is weaker: another algorithm, less memory or fewer passes.
    Upward,
    /// When it differs in any parameter, as pwdlib does: a running fastapi-users would hash it anew too.
    Exact,
}

impl Argon2id {
    /// 19 MiB and 2 passes (OWASP Password Storage Cheat Sheet, ASVS 11.4.2).
    pub const fn secure() -> Self {
        let (rehash, engine) = (Rehash::Upward, Engine::Fastest);
        Self { memory_kib: 19_456, iterations: 2, parallelism: 1, rehash, engine }
    }

    /// 64 MiB, 3 passes, 4 lanes: what fastapi-users writes.
    pub const fn fastapi_users() -> Self {
        let (rehash, engine) = (Rehash::Exact, Engine::Fastest);
        Self { memory_kib: 65_536, iterations: 3, parallelism: 4, rehash, engine }
    }

    /// What is wrong with the parameters, if anything.
    ///
    /// # Errors
    /// A sentence that names the parameter.
    pub(crate) fn check(&self) -> Result<(), String> {
        let in_bounds = self.memory_kib <= MAX_MEMORY_KIB
            && self.iterations <= MAX_ITERATIONS
            && self.parallelism <= MAX_PARALLELISM;
        if !in_bounds || self.params().check().is_err() {
            return Err(format!(
                "Argon2id takes 8 to {MAX_MEMORY_KIB} KiB of memory (8 for each lane), 1 to {MAX_ITERATIONS} \
                 iterations and 1 to {MAX_PARALLELISM} lanes"
            ));
        }
        Ok(())
    }

    /// For new hashes.
    fn params(&self) -> Params {
        let Self { memory_kib, iterations, parallelism: lanes, .. } = *self;
        Params { algorithm: Algorithm::Argon2id, version: Version::V0x13, memory_kib, iterations, lanes }
    }

    /// A hash with these parameters as it stands in the database.
    pub(super) fn phc_string(&self, salt: &[u8], tag: &[u8]) -> PasswordHash {
        let Self { memory_kib, iterations, parallelism, .. } = self;
        let (salt, tag) = (encode(salt), encode(tag));
        PasswordHash::new(format!(
            "$argon2id$v=19$m={memory_kib},t={iterations},p={parallelism}${salt}${tag}"
        ))
    }

    /// The work of one verification, for hashes that cannot be verified: nobody learns which those are (LOG-1).
    fn waste(&self, password: &str) -> Verdict {
        let salt = [0; SALT_BYTES];
        std::hint::black_box(self.engine.tag(&self.params(), password.as_bytes(), &salt, TAG_BYTES));
        Verdict::Mismatch
    }

    fn verify_argon2(&self, password: &str, stored: &Stored) -> Option<Verdict> {
        let Stored { params, salt, tag } = stored;
        let found = self.engine.tag(params, password.as_bytes(), salt, tag.len())?;
        Some(match (bool::from(found.ct_eq(tag)), self.is_outdated(stored)) {
            (false, _) => Verdict::Mismatch,
            (true, false) => Verdict::Match,
            (true, true) => Verdict::MatchButRehash,
        })
    }

    fn is_outdated(&self, stored: &Stored) -> bool {
        let (new, old) = (self.params(), stored.params);
        let another_form = (old.algorithm, old.version) != (new.algorithm, new.version);
        let weaker = old.memory_kib < new.memory_kib || old.iterations < new.iterations;
        let differs = old != new || stored.salt.len() != SALT_BYTES || stored.tag.len() != TAG_BYTES;
        another_form
            || match self.rehash {
                Rehash::Upward => weaker,
                Rehash::Exact => differs,
            }
    }
}

impl PasswordHasher for Argon2id {
    fn hash(&self, password: &str) -> Result<PasswordHash, BoxError> {
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt)?;
        let tag = self
            .engine
            .tag(&self.params(), password.as_bytes(), &salt, TAG_BYTES)
            .ok_or("there is no memory for a password hash")?;
        Ok(self.phc_string(&salt, &tag))
    }

    fn verify(&self, password: &str, hash: &PasswordHash) -> Verdict {
        let text = hash.as_str();
        if text.starts_with("$2") {
            return verify_bcrypt(password, text).unwrap_or_else(|| self.waste(password));
        }
        let verdict = Stored::parse(text).and_then(|stored| self.verify_argon2(password, &stored));
        verdict.unwrap_or_else(|| self.waste(password))
    }

    fn class(&self, hash: &PasswordHash) -> HashClass {
        let text = hash.as_str();
        let decoy = if text.starts_with("$2") {
            bcrypt_cost(text).map(|cost| format!("$2b${cost:02}${BCRYPT_ZEROS}"))
        } else {
            Stored::parse(text).map(|stored| stored.decoy())
        };
        decoy.map_or(HashClass::Unverifiable, |decoy| HashClass::Like(PasswordHash::new(decoy)))
    }

    fn memory(&self, hash: Option<&PasswordHash>) -> u64 {
        let text = hash.map(PasswordHash::as_str).unwrap_or_default();
        if bcrypt_cost(text).is_some() {
            return 0;
        }
        let memory_kib = Stored::parse(text).map_or(self.memory_kib, |stored| stored.params.memory_kib);
        u64::from(memory_kib) * 1024
    }

    fn release_memory(&self) {
        release_memory();
    }
}

/// Salts and tags as PHC strings have them.
pub(super) fn encode(bytes: &[u8]) -> String {
    STANDARD_NO_PAD.encode(bytes)
}

/// A parsed Argon2 hash, within the bounds of what is verified.
struct Stored {
    params: Params,
    salt: Vec<u8>,
    tag: Vec<u8>,
}

impl Stored {
    fn parse(text: &str) -> Option<Self> {
        let hash = phc::PasswordHash::new(text).ok()?;
        let algorithm = Algorithm::from_name(hash.algorithm.as_str())?;
        // Version 1.0 hashes carry no version.
        let version = match hash.version {
            None | Some(0x10) => Version::V0x10,
            Some(0x13) => Version::V0x13,
            Some(_) => return None,
        };
        let params = Params {
            algorithm,
            version,
            memory_kib: hash.params.get_decimal("m").filter(|memory| *memory <= MAX_MEMORY_KIB)?,
            iterations: hash.params.get_decimal("t").filter(|iterations| *iterations <= MAX_ITERATIONS)?,
            lanes: hash.params.get_decimal("p").filter(|lanes| *lanes <= MAX_PARALLELISM)?,
        };
        let salt: &[u8] = hash.salt.as_ref()?.as_ref();
        let tag = hash.hash?.as_bytes().to_vec();
        if salt.len() < MIN_SALT_BYTES || tag.len() < MIN_TAG_BYTES || params.check().is_err() {
            return None;
        }
        Some(Self { params, salt: salt.to_vec(), tag })
    }

    /// A hash of nobody's password that costs the same.
    fn decoy(&self) -> String {
        let Params { algorithm, version, memory_kib, iterations, lanes } = self.params;
        let (algorithm, version) = (algorithm.name(), version.number());
        let (salt, tag) = (encode(&vec![0; self.salt.len()]), encode(&vec![0; self.tag.len()]));
        format!("${algorithm}$v={version}$m={memory_kib},t={iterations},p={lanes}${salt}${tag}")
    }
}

/// Panics if a stored hash asks for more than the bounds, whatever it holds. See [`crate::fuzzing`].
#[cfg(fuzzing)]
pub(crate) fn try_stored(text: &str) {
    let hasher = Argon2id { memory_kib: 8, iterations: 1, rehash: Rehash::Exact, ..Argon2id::secure() };
    let stored = Stored::parse(text);
    let cheap = match &stored {
        Some(Stored { params: Params { memory_kib, iterations, lanes, .. }, tag, .. }) => {
            assert!(*memory_kib <= MAX_MEMORY_KIB && *iterations <= MAX_ITERATIONS);
            assert!(*lanes <= MAX_PARALLELISM && tag.len() <= 64);
            memory_kib * iterations <= 1024
        }
        None => !text.starts_with("$2") || text.get(4..6).is_none_or(|cost| cost <= "05"),
    };
    if cheap {
        let hash = PasswordHash::new(text);
        assert_eq!(hasher.verify("no hash is of this password", &hash), Verdict::Mismatch);
    }
}

/// `None` for a hash that is malformed or too costly. A password that bcrypt would cut off is a mismatch (LOG-14), and costs
/// what any other does.
fn verify_bcrypt(password: &str, hash: &str) -> Option<Verdict> {
    bcrypt_cost(hash)?;
    let password = password.as_bytes();
    let looked_at = password.get(..BCRYPT_MAX_BYTES).unwrap_or(password);
    let matches = bcrypt::verify(looked_at, hash).ok()?;
    let is_whole = looked_at.len() == password.len();
    Some(if matches && is_whole { Verdict::MatchButRehash } else { Verdict::Mismatch })
}

/// The cost of a bcrypt hash; `None` if it is malformed or costs too much.
fn bcrypt_cost(hash: &str) -> Option<u32> {
    let parts: bcrypt::HashParts = hash.parse().ok()?;
    Some(parts.get_cost()).filter(|cost| BCRYPT_COSTS.contains(cost))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::engine::bytes_held;

    const SMALL: Argon2id = Argon2id { memory_kib: 64, rehash: Rehash::Exact, ..Argon2id::secure() };

    fn verify(hasher: Argon2id, password: &str, hash: &str) -> Verdict {
        hasher.verify(password, &PasswordHash::new(hash))
    }

    /// Made by argon2-cffi 25.1 and bcrypt 5.0, which pwdlib calls.
    const GUINEVERE: [&str; 6] = [
        "$argon2id$v=19$m=64,t=2,p=4$RVof09hvMth//uY4vB2G2w$gI3eLDQRZooZMt03hsg3s07oeiN+NBBMtGJXsRPs4u8",
        "$argon2i$v=19$m=64,t=2,p=1$h/vecVdkJrul9sCAF1sg6A$YLHAFWVk42mQLfelLnqPVrRj71psfZVHC9L92p1oR7E",
        "$argon2d$v=19$m=64,t=2,p=1$bc1iFPY/Vjs7uNQvTE9R2A$O67CyJKyMXlXhxI4WGtkdNC6VDEqev2/ThuQ8TlXrBY",
        "$2b$04$fHQniFlHhvSXx3.uJQLzouuFlh3kCsOaecIHkf0TXa.oTAjBoATwu",
        "$2y$04$fHQniFlHhvSXx3.uJQLzouuFlh3kCsOaecIHkf0TXa.oTAjBoATwu",
        "$2a$04$GkDILzuij0QTSFerGJLtwO/qynWqvHHdspt0oC8krF3dtnnQRLUhO",
    ];

    #[test]
    fn hashes_have_the_form_of_the_contract() {
        let hash = Argon2id { rehash: Rehash::Exact, ..Argon2id::secure() }.hash("guinevere").unwrap();
        let parts: Vec<&str> = hash.as_str().split('$').collect();
        assert_eq!(parts[1..4], ["argon2id", "v=19", "m=19456,t=2,p=1"]);
        assert_eq!((parts[4].len(), parts[5].len()), (22, 43));
        assert!(!format!("{hash:?}").contains("argon2"));
    }

    #[test]
    fn hashes_of_python_are_verified_and_renewed() {
        for hash in GUINEVERE {
            assert_eq!(verify(SMALL, "guinevere", hash), Verdict::MatchButRehash, "{hash}");
            assert_eq!(verify(SMALL, "lancelot", hash), Verdict::Mismatch, "{hash}");
        }
        let with_nul = "$2b$04$KRI.LqPtlbGldNyrA1WaMepP7zMOW3kQRklITkNZpALE4z5.vbwKe";
        assert_eq!(verify(SMALL, "gui\0nevère", with_nul), Verdict::MatchButRehash);
        assert_eq!(verify(SMALL, "gui", with_nul), Verdict::Mismatch);
    }

    #[test]
    fn engines_make_and_verify_the_same_hashes() {
        let portable = Argon2id { engine: Engine::Portable, ..SMALL };
        for (one, other) in [(SMALL, portable), (portable, SMALL)] {
            let hash = one.hash("guinevere").unwrap();
            assert_eq!(other.verify("guinevere", &hash), Verdict::Match);
            assert_eq!(other.verify("lancelot", &hash), Verdict::Mismatch);
        }
        for hash in GUINEVERE {
            assert_eq!(verify(portable, "guinevere", hash), Verdict::MatchButRehash, "{hash}");
        }
    }

    #[test]
    fn upward_renews_weaker_hashes_and_leaves_stronger_ones() {
        let hash = SMALL.hash("guinevere").unwrap();
        let verdict = |hasher: Argon2id| hasher.verify("guinevere", &hash);
        let upward = Argon2id { rehash: Rehash::Upward, ..SMALL };
        assert_eq!(verdict(SMALL), Verdict::Match);
        assert_eq!(verdict(Argon2id { memory_kib: 32, ..upward }), Verdict::Match);
        assert_eq!(verdict(Argon2id { memory_kib: 32, ..SMALL }), Verdict::MatchButRehash);
        assert_eq!(verdict(Argon2id { iterations: 3, ..upward }), Verdict::MatchButRehash);
    }

    #[test]
    fn log_13_poisoned_hashes_are_mismatches_and_ask_for_nothing() {
        for hash in [
            "",
            "guinevere",
            "$",
            "$argon2id$",
            "$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=64,t=2147483648,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=64,t=1,p=16777215$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=20$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=64,t=1,p=1",
            "$pbkdf2-sha256$i=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAA",
            "$2b$31$abcdefghijklmnopqrstuuTDUxNYdF2iIQ2dqJzTIpzVYbHBn9ExW",
            "$2b$04$short",
            "$2é$04",
        ] {
            assert_eq!(verify(SMALL, "guinevere", hash), Verdict::Mismatch, "{hash}");
        }
        let held = bytes_held();
        assert!(held <= 64 * 1024, "{held} bytes were allocated");
    }

    #[test]
    fn log_14_bcrypt_never_cuts_a_password_off() {
        let first = "a".repeat(72);
        let hash = bcrypt::hash(&first, 4).unwrap();
        assert_eq!(verify(SMALL, &first, &hash), Verdict::MatchButRehash);
        assert_eq!(verify(SMALL, &format!("{first}b"), &hash), Verdict::Mismatch);
    }

    #[test]
    fn log_2_a_class_is_an_algorithm_and_its_parameters() {
        let class = |hash: &str| SMALL.class(&PasswordHash::new(hash));
        let mut classes = Vec::new();
        for hash in GUINEVERE {
            let HashClass::Like(decoy) = class(hash) else { panic!("{hash}") };
            // A decoy costs what its hash costs, and keeps nothing of it.
            assert_eq!(class(decoy.as_str()), HashClass::Like(decoy.clone()));
            assert_eq!(SMALL.verify("guinevere", &decoy), Verdict::Mismatch);
            let secrets = hash.rsplit('$').next().unwrap();
            assert!(!decoy.as_str().contains(&secrets[..8]), "{}", decoy.as_str());
            if !classes.contains(&decoy) {
                classes.push(decoy);
            }
        }
        assert_eq!(classes.len(), 4, "three of Argon2, and one of bcrypt whatever its letter");
        assert_eq!(class(SMALL.hash("a").unwrap().as_str()), class(SMALL.hash("b").unwrap().as_str()));
    }

    #[test]
    fn log_2_what_cannot_be_verified_has_no_class() {
        for hash in [
            "",
            "guinevere",
            "$2b$16$fHQniFlHhvSXx3.uJQLzouuFlh3kCsOaecIHkf0TXa.oTAjBoATwu",
            "$2b$04$short",
            "$argon2id$v=19$m=262145,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=64,t=1,p=1$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=8,t=1,p=4$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert_eq!(SMALL.class(&PasswordHash::new(hash)), HashClass::Unverifiable, "{hash}");
        }
    }

    #[test]
    fn the_memory_of_a_hash_is_what_its_parameters_say() {
        let memory = |hash: &str| SMALL.memory(Some(&PasswordHash::new(hash)));
        assert_eq!(SMALL.memory(None), 64 * 1024);
        assert_eq!(memory(Argon2id { memory_kib: 128, ..SMALL }.hash("a").unwrap().as_str()), 128 * 1024);
        assert_eq!(memory(GUINEVERE[3]), 0, "bcrypt");
        assert_eq!(memory("of no form"), 64 * 1024, "the same work is done");
    }

    #[test]
    fn parameters_out_of_bounds_are_refused() {
        assert!(Argon2id::secure().check().is_ok() && Argon2id::fastapi_users().check().is_ok());
        for wrong in [
            Argon2id { memory_kib: 1, ..SMALL },
            Argon2id { memory_kib: MAX_MEMORY_KIB + 1, ..SMALL },
            Argon2id { iterations: 0, ..SMALL },
            Argon2id { parallelism: 17, memory_kib: 1024, ..SMALL },
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
    }
}

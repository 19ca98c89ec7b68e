use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::OnceCell, time::Instant};

use super::{HashClass, PasswordHash, PasswordHasher};
use crate::Secret;

/// How long what is known of the stored hashes counts.
const FRESH: Duration = Duration::from_secs(60 * 60);
/// When the store is asked again that has not answered.
const AGAIN: Duration = Duration::from_secs(60);
/// Shares that differ by less than this are the same: samples are not exact, and who is unknown shall not change the class
/// from one hour to the next.
const NOISE: f64 = 0.03;

/// What a login of nobody is compared with: a hash of one of the classes that the stored hashes are of, each as often as
/// there (LOG-2). Of the hashes nothing else is kept.
pub(crate) struct Decoys {
    hasher: Arc<dyn PasswordHasher>,
    key: Secret,
    /// Set when the stored hashes have been looked at for the first time.
    pub(crate) first: OnceCell<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    shares: Arc<[Share]>,
    due: Option<Instant>,
}

/// A class, and which part of the stored hashes is of it.
#[derive(Debug)]
struct Share {
    /// `None` for new hashes of a hasher that knows no classes.
    decoy: Option<PasswordHash>,
    part: f64,
}

impl Decoys {
    pub(crate) fn new(hasher: Arc<dyn PasswordHasher>, key: Secret) -> Self {
        Self { hasher, key, first: OnceCell::new(), state: Mutex::default() }
    }

    /// What stands in for the hash of whoever has this address: always the same while the shares are, on every node, and
    /// nobody without the key can tell which. `None` stands for a new hash.
    ///
    /// Each class draws for the address, and the lower its share the later (weighted rendezvous hashing): when a share grows,
    /// some addresses change to its class and none to another, as users do who get a new hash.
    pub(crate) fn pick(&self, address: &str) -> Option<PasswordHash> {
        let shares = Arc::clone(&self.lock().shares);
        let turn = |share: &Share| {
            let class = share.decoy.as_ref().map_or("", PasswordHash::as_str);
            let mac = self.key.mac(&[address.as_bytes(), class.as_bytes()]);
            let bits = mac.iter().take(4).fold(0, |bits: u32, byte| bits << 8 | u32::from(*byte));
            let between_0_and_1 = (f64::from(bits) + 0.5) / (f64::from(u32::MAX) + 1.0);
            -between_0_and_1.ln() / share.part
        };
        let first = shares.iter().min_by(|one, other| turn(one).total_cmp(&turn(other)));
        first.and_then(|share| share.decoy.clone())
    }

    /// Whether the stored hashes are to be looked at again. Who is told so does it.
    pub(crate) fn is_due(&self) -> bool {
        let mut state = self.lock();
        let now = Instant::now();
        let is_due = state.due.is_some_and(|due| due <= now);
        if is_due {
            state.due = Some(now + AGAIN);
        }
        is_due
    }

    /// The store has not answered.
    pub(crate) fn try_later(&self) {
        self.lock().due = Some(Instant::now() + AGAIN);
    }

    /// Counts the classes of a sample of the stored hashes. Hashes that no password can match are of none: who has one is
    /// compared with a decoy.
    pub(crate) fn take_up(&self, sample: &[PasswordHash]) {
        let mut counts: Vec<(Option<PasswordHash>, u32)> = Vec::new();
        for hash in sample.iter().filter(|hash| hash.is_usable()) {
            let decoy = match self.hasher.class(hash) {
                HashClass::Own => None,
                HashClass::Like(decoy) => Some(decoy),
                HashClass::Unverifiable => continue,
            };
            match counts.iter_mut().find(|(other, _)| *other == decoy) {
                Some((_, count)) => *count += 1,
                None => counts.push((decoy, 1)),
            }
        }
        let all: u32 = counts.iter().map(|(_, count)| count).sum();
        let share = |(decoy, count)| Share { decoy, part: f64::from(count) / f64::from(all) };
        let shares: Vec<Share> = counts.into_iter().map(share).collect();
        let mut state = self.lock();
        state.due = Some(Instant::now() + FRESH);
        if differ(&state.shares, &shares) {
            state.shares = shares.into();
        }
    }

    // Nothing under the lock panics, so that a poisoned one still guards a whole state.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a class has come or gone, or more of the hashes have changed their class than chance explains.
fn differ(old: &[Share], new: &[Share]) -> bool {
    let change = |share: &Share| {
        let before = old.iter().find(|other| other.decoy == share.decoy)?;
        Some((share.part - before.part).abs())
    };
    let changes: Option<Vec<f64>> = new.iter().map(change).collect();
    old.len() != new.len() || changes.is_none_or(|changes| changes.iter().sum::<f64>() / 2.0 > NOISE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::Argon2id;

    const NEW: Argon2id = Argon2id { memory_kib: 64, iterations: 1, ..Argon2id::secure() };

    fn hash(memory_kib: u32) -> PasswordHash {
        Argon2id { memory_kib, ..NEW }.phc_string(b"sixteen bytes!!!", &[7; 32])
    }

    fn bcrypt() -> PasswordHash {
        PasswordHash::new("$2b$04$fHQniFlHhvSXx3.uJQLzouuFlh3kCsOaecIHkf0TXa.oTAjBoATwu")
    }

    fn decoys(sample: &[(PasswordHash, usize)]) -> Decoys {
        let decoys = Decoys::new(Arc::new(NEW), Secret::new("key"));
        take_up(&decoys, sample);
        decoys
    }

    fn take_up(decoys: &Decoys, sample: &[(PasswordHash, usize)]) {
        let sample = sample.iter().flat_map(|(hash, count)| vec![hash.clone(); *count]);
        decoys.take_up(&sample.collect::<Vec<_>>());
    }

    fn picks(decoys: &Decoys) -> Vec<String> {
        let pick = |number: u32| decoys.pick(&format!("knight{number}@camelot.bt")).unwrap().into_string();
        (0..4_000).map(pick).collect()
    }

    fn part(picks: &[String], prefix: &str) -> f64 {
        let count = picks.iter().filter(|pick| pick.starts_with(prefix)).count();
        f64::from(u32::try_from(count).unwrap()) / 4_000.0
    }

    #[test]
    fn log_2_unknown_users_are_of_the_classes_of_known_ones() {
        let decoys = decoys(&[(bcrypt(), 300), (hash(64), 500), (hash(128), 200)]);
        let picks = picks(&decoys);
        for (prefix, expected) in
            [("$2b$04$", 0.3), ("$argon2id$v=19$m=64", 0.5), ("$argon2id$v=19$m=128", 0.2)]
        {
            let part = part(&picks, prefix);
            assert!((part - expected).abs() < 0.03, "{prefix}: {part}");
        }
        assert!(picks.iter().all(|pick| !pick.contains("BwcHBwcH") && !pick.contains("fHQniFlH")));
    }

    #[test]
    fn log_2_one_class_is_everybodys() {
        let decoys =
            decoys(&[(bcrypt(), 3), (PasswordHash::unusable().unwrap(), 9), (PasswordHash::new(""), 9)]);
        assert!((part(&picks(&decoys), "$2b$04$") - 1.0).abs() < f64::EPSILON);
        let nothing_known = self::decoys(&[]);
        assert_eq!(nothing_known.pick("king@camelot.bt"), None);
    }

    #[test]
    fn log_2_an_address_keeps_its_class() {
        let decoys = decoys(&[(bcrypt(), 500), (hash(64), 500)]);
        let before = picks(&decoys);
        assert_eq!(before, picks(&self::decoys(&[(hash(64), 50), (bcrypt(), 50)])), "on another node");
        take_up(&decoys, &[(bcrypt(), 510), (hash(64), 490)]);
        assert_eq!(before, picks(&decoys), "another sample of the same users");
        take_up(&decoys, &[(bcrypt(), 400), (hash(64), 600)]);
        let after = picks(&decoys);
        assert!((part(&after, "$2b$04$") - 0.4).abs() < 0.03);
        for (before, after) in before.iter().zip(&after) {
            assert!(before == after || before.starts_with("$2b") && after.starts_with("$argon2id"));
        }
        let another_key = Decoys::new(Arc::new(NEW), Secret::new("another key"));
        take_up(&another_key, &[(bcrypt(), 500), (hash(64), 500)]);
        assert_ne!(before, picks(&another_key), "nobody without the key can tell");
    }

    #[test]
    fn log_2_a_class_that_comes_or_goes_counts_at_once() {
        let decoys = decoys(&[(hash(64), 1_000)]);
        take_up(&decoys, &[(hash(64), 980), (bcrypt(), 20)]);
        assert!(part(&picks(&decoys), "$2b$04$") > 0.005);
        take_up(&decoys, &[(hash(64), 1_000)]);
        assert!(part(&picks(&decoys), "$2b$04$") < f64::EPSILON);
    }

    #[tokio::test(start_paused = true)]
    async fn the_stored_hashes_are_looked_at_each_hour_by_one() {
        let decoys = decoys(&[(hash(64), 1)]);
        assert!(!decoys.is_due());
        tokio::time::advance(FRESH).await;
        assert_eq!((decoys.is_due(), decoys.is_due()), (true, false));
        decoys.try_later();
        assert!(!decoys.is_due());
        tokio::time::advance(AGAIN).await;
        assert!(decoys.is_due());
    }
}

//! The conformance suite finds what is wrong with a store: each defect fails the cases that are there for it.

mod audit;
mod jobs;
mod limits;

use std::sync::Mutex;

use axum_users::{
    Changes, Found, MemoryStore, NewToken, NewUser, PasswordHash, StoreError, TokenStore, User, UserStore,
    testing::{Limits, Sample, failures, token_failures},
};
use time::OffsetDateTime;
use uuid::Uuid;

type Profile = Sample<Uuid>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Defect {
    None,
    AddressesAreComparedExactly,
    AddressesAreNotUnique,
    ConditionsAreCheckedBefore,
    ConditionsAreIgnored,
    DeletingLeavesTokens,
    EmptyChangesSkipConditions,
    HiddenInsertsReplace,
    NobodyIsChanged,
    OldTokensCount,
    PagesBeginWithTheirFirst,
    RevocationsAreAllFirst,
    RevocationsAreLookedUpBefore,
    RevokedTokensCount,
    SamplesHaveNoBound,
    SessionsGoOn,
    TokensAreAlwaysNew,
    TokensAreComparedWithoutCase,
    TokensAreGivenAway,
    TokensAreRemovedTwice,
    TokensOfAllEnd,
    WholeUsersAreWritten,
}

/// Memory, but for one defect.
struct Defective {
    sound: MemoryStore<Profile>,
    defect: Defect,
    /// Tokens that removing has forgotten.
    left: Mutex<Vec<String>>,
    /// Digests that were revoked.
    revoked: Mutex<Vec<String>>,
}

impl Defective {
    fn new(defect: Defect) -> Self {
        Self { sound: MemoryStore::new(), defect, left: Mutex::default(), revoked: Mutex::default() }
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    fn token(&self, token: &str) -> String {
        if self.has(Defect::TokensAreComparedWithoutCase) { token.to_lowercase() } else { token.to_owned() }
    }

    /// Writes everything that was read.
    fn whole(user: &User<Profile>, changes: &Changes) -> Changes {
        Changes {
            email: changes.email.clone().or(Some(user.email.clone())),
            hashed_password: changes.hashed_password.clone().or(Some(user.hashed_password.clone())),
            is_active: changes.is_active.or(Some(user.is_active)),
            is_superuser: changes.is_superuser.or(Some(user.is_superuser)),
            is_verified: changes.is_verified.or(Some(user.is_verified)),
            ..changes.clone()
        }
    }
}

impl UserStore<Profile> for Defective {
    async fn get(&self, id: &Uuid) -> Result<Option<User<Profile>>, StoreError> {
        UserStore::get(&self.sound, id).await
    }

    async fn get_by_email(&self, email: &str) -> Result<Option<User<Profile>>, StoreError> {
        let found = self.sound.get_by_email(email).await?;
        Ok(found.filter(|user| !self.has(Defect::AddressesAreComparedExactly) || user.email == email))
    }

    async fn list(&self, after: Option<&Uuid>, limit: u32) -> Result<Vec<User<Profile>>, StoreError> {
        let mut page = self.sound.list(after, limit).await?;
        if self.has(Defect::PagesBeginWithTheirFirst)
            && let Some(first) = after
            && let Some(first) = UserStore::get(&self.sound, first).await?
        {
            page.insert(0, first);
            page.truncate(limit as usize);
        }
        Ok(page)
    }

    async fn insert(&self, mut new: NewUser<Profile>) -> Result<User<Profile>, StoreError> {
        if self.has(Defect::AddressesAreNotUnique) {
            // Looks first, and inserts whatever has been inserted meanwhile.
            let email = std::mem::replace(&mut new.email, format!("{}@camelot.bt", Uuid::new_v4()));
            if self.sound.get_by_email(&email).await?.is_some() {
                return Err(StoreError::Duplicate);
            }
            tokio::task::yield_now().await;
            let user = UserStore::insert(&self.sound, new).await?;
            return Ok(User { email, ..user });
        }
        UserStore::insert(&self.sound, new).await
    }

    async fn insert_hidden(&self, new: NewUser<Profile>) -> Result<User<Profile>, StoreError> {
        if self.has(Defect::HiddenInsertsReplace)
            && let Some(user) = self.sound.get_by_email(&new.email).await?
        {
            let hashed_password = Some(new.hashed_password);
            self.sound.update(&user.id, &Changes { hashed_password, ..Changes::default() }).await?;
            return Err(StoreError::Duplicate);
        }
        UserStore::insert(self, new).await
    }

    async fn update(&self, id: &Uuid, changes: &Changes) -> Result<Option<User<Profile>>, StoreError> {
        let mut changes = changes.clone();
        match self.defect {
            Defect::ConditionsAreIgnored => (changes.if_email_is, changes.if_password_is) = (None, None),
            Defect::SessionsGoOn => changes.end_sessions = false,
            Defect::EmptyChangesSkipConditions if changes.is_empty() => return self.get(id).await,
            Defect::ConditionsAreCheckedBefore | Defect::WholeUsersAreWritten => {
                let Some(user) = self.get(id).await? else { return Ok(None) };
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                if self.has(Defect::WholeUsersAreWritten) {
                    changes = Self::whole(&user, &changes);
                } else if changes.if_password_is.as_ref().is_none_or(|hash| *hash == user.hashed_password) {
                    changes.if_password_is = None;
                }
            }
            Defect::NobodyIsChanged if self.get(id).await?.is_none() => {
                return self.sound.list(None, 1).await.map(|users| users.into_iter().next());
            }
            _ => {}
        }
        self.sound.update(id, &changes).await
    }

    async fn delete(&self, id: &Uuid) -> Result<bool, StoreError> {
        self.sound.delete(id).await
    }

    async fn revoke(&self, digest: &str, expires_at: OffsetDateTime) -> Result<bool, StoreError> {
        match self.defect {
            Defect::RevokedTokensCount => Ok(true),
            Defect::RevocationsAreAllFirst => self.sound.revoke(digest, expires_at).await.map(|_| true),
            Defect::RevocationsAreLookedUpBefore => {
                let is_first = !self.revoked.lock().unwrap().iter().any(|revoked| revoked == digest);
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                self.revoked.lock().unwrap().push(digest.to_owned());
                self.sound.revoke(digest, expires_at).await.map(|_| is_first)
            }
            _ => self.sound.revoke(digest, expires_at).await,
        }
    }

    async fn get_unless_revoked(&self, id: &Uuid, digest: &str) -> Result<Option<User<Profile>>, StoreError> {
        self.sound.get_unless_revoked(id, digest).await
    }

    async fn sample_hashes(&self, limit: u32) -> Result<Vec<PasswordHash>, StoreError> {
        self.sound.sample_hashes(if self.has(Defect::SamplesHaveNoBound) { u32::MAX } else { limit }).await
    }
}

impl TokenStore<Profile> for Defective {
    async fn insert(&self, new: NewToken<'_, Profile>) -> Result<(), StoreError> {
        let token = self.token(new.token);
        if self.has(Defect::TokensAreGivenAway) {
            TokenStore::remove(&self.sound, &token).await?;
        }
        if self.has(Defect::DeletingLeavesTokens) {
            self.left.lock().unwrap().push(token.clone());
        }
        TokenStore::insert(&self.sound, NewToken { token: &token, ..new }).await
    }

    async fn find(
        &self,
        token: &str,
        not_before: Option<OffsetDateTime>,
    ) -> Result<Option<Found<Profile>>, StoreError> {
        let not_before = not_before.filter(|_| !self.has(Defect::OldTokensCount));
        if self.left.lock().unwrap().iter().any(|left| left == token) {
            return Ok(Some(Found::Id(Uuid::nil())));
        }
        self.sound.find(&self.token(token), not_before).await
    }

    async fn created_at(&self, token: &str) -> Result<Option<OffsetDateTime>, StoreError> {
        if self.has(Defect::TokensAreAlwaysNew) {
            return Ok(Some(OffsetDateTime::now_utc()));
        }
        TokenStore::<Profile>::created_at(&self.sound, &self.token(token)).await
    }

    async fn remove(&self, token: &str) -> Result<bool, StoreError> {
        let removed = TokenStore::remove(&self.sound, &self.token(token)).await?;
        Ok(removed || self.has(Defect::TokensAreRemovedTwice))
    }

    async fn remove_all(&self, user: &Uuid) -> Result<(), StoreError> {
        if self.has(Defect::TokensOfAllEnd) {
            for user in self.sound.list(None, 100).await? {
                self.sound.remove_all(&user.id).await?;
            }
        }
        self.sound.remove_all(user).await
    }
}

/// Which cases fail.
async fn cases_against(defect: Defect) -> Vec<&'static str> {
    failures(async || Defective::new(defect), Limits::default()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sound_store_passes() {
    assert!(cases_against(Defect::None).await.is_empty());
    let alone = token_failures(async || MemoryStore::<Profile>::new(), Limits::default()).await;
    assert!(!alone.is_empty(), "it keeps no tokens of users whom it does not know");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_defect_is_found() {
    let expected = [
        (Defect::AddressesAreComparedExactly, "what_is_inserted_is_found"),
        (Defect::AddressesAreNotUnique, "reg_4_parallel_inserts_leave_one_user"),
        (Defect::ConditionsAreCheckedBefore, "rst_1_parallel_replacements_of_a_hash_leave_one"),
        (Defect::ConditionsAreIgnored, "an_update_writes_while_its_conditions_hold"),
        (Defect::DeletingLeavesTokens, "tokens_of_a_deleted_user_end"),
        (Defect::EmptyChangesSkipConditions, "an_update_writes_while_its_conditions_hold"),
        (Defect::HiddenInsertsReplace, "reg_2_a_hidden_insert_leaves_the_owner_as_is"),
        (Defect::NobodyIsChanged, "an_update_writes_its_columns_and_no_others"),
        (Defect::OldTokensCount, "a_token_counts_from_the_moment_it_was_made"),
        (Defect::PagesBeginWithTheirFirst, "pages_follow_the_order_of_ids"),
        (Defect::RevocationsAreAllFirst, "revoked_tokens_yield_no_user"),
        (Defect::RevocationsAreLookedUpBefore, "oal_2_of_many_that_revoke_a_digest_one_is_the_first"),
        (Defect::RevokedTokensCount, "revoked_tokens_yield_no_user"),
        (Defect::SamplesHaveNoBound, "log_2_samples_are_bounded_and_hold_what_is_stored"),
        (Defect::SessionsGoOn, "an_update_ends_sessions_if_it_writes"),
        (Defect::TokensAreAlwaysNew, "a_token_is_never_younger_than_it_is"),
        (Defect::TokensAreComparedWithoutCase, "tokens_are_compared_exactly"),
        (Defect::TokensAreGivenAway, "a_token_in_use_is_not_given_away"),
        (Defect::TokensAreRemovedTwice, "a_token_is_removed_once"),
        (Defect::TokensOfAllEnd, "all_tokens_of_a_user_end_together"),
        (Defect::WholeUsersAreWritten, "parallel_updates_of_different_columns_all_count"),
    ];
    for (defect, case) in expected {
        let failed = cases_against(defect).await;
        assert!(failed.contains(&case), "{defect:?} fails {failed:?}");
    }
}

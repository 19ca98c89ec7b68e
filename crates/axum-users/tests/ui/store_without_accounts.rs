use axum_users::{Changes, NewUser, StoreError, User, UserStore, Users, oauth::GitHub};
use time::OffsetDateTime;
use uuid::Uuid;

struct Plain;

impl UserStore<axum_users::NoProfile> for Plain {
    async fn get(&self, _: &Uuid) -> Result<Option<User>, StoreError> {
        Ok(None)
    }
    async fn get_by_email(&self, _: &str) -> Result<Option<User>, StoreError> {
        Ok(None)
    }
    async fn list(&self, _: Option<&Uuid>, _: u32) -> Result<Vec<User>, StoreError> {
        Ok(Vec::new())
    }
    async fn insert(&self, _: NewUser) -> Result<User, StoreError> {
        Err(StoreError::Duplicate)
    }
    async fn update(&self, _: &Uuid, _: &Changes) -> Result<Option<User>, StoreError> {
        Ok(None)
    }
    async fn delete(&self, _: &Uuid) -> Result<bool, StoreError> {
        Ok(false)
    }
    async fn revoke(&self, _: &str, _: OffsetDateTime) -> Result<bool, StoreError> {
        Ok(true)
    }
    async fn get_unless_revoked(&self, _: &Uuid, _: &str) -> Result<Option<User>, StoreError> {
        Ok(None)
    }
}

fn main() {
    let users: Users = Users::builder(Plain, "5f3c0b9a77e14d2c8e6f1a2b3c4d5e6f")
        .oauth(GitHub::new("client-id", "client-secret"))
        .build()
        .unwrap();
}

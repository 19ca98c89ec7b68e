//! What every store must do, whoever wrote it: each verb, its conditions and its races.

mod races;
mod tokens;
mod users;

use axum_users::{NewUser, PasswordHash, Profile, UserId};
use uuid::Uuid;

/// A profile for these tests, with an id of either kind.
trait Sample: Profile {
    fn titled(title: &str) -> Self;
    fn title(&self) -> &str;
    fn age(&self) -> Option<i32>;
    /// The id of no user.
    fn nobody() -> Self::Id;
}

macro_rules! sample {
    ($name:ident, $id:ty, $nobody:expr) => {
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, Profile)]
        #[profile(id = $id)]
        struct $name {
            title: String,
            age: Option<i32>,
        }

        impl Sample for $name {
            fn titled(title: &str) -> Self {
                Self { title: title.to_owned(), age: Some(40) }
            }
            fn title(&self) -> &str {
                &self.title
            }
            fn age(&self) -> Option<i32> {
                self.age
            }
            fn nobody() -> $id {
                $nobody
            }
        }
    };
}

sample!(WithUuid, Uuid, Uuid::from_u128(7));
sample!(WithInteger, i64, 1_000_000);

fn new_user<P: Sample>(email: &str) -> NewUser<P> {
    NewUser {
        id: P::Id::generate(),
        email: email.to_owned(),
        hashed_password: PasswordHash::new("first hash"),
        is_active: true,
        is_superuser: false,
        is_verified: false,
        profile: P::titled("King"),
    }
}

/// Runs a generic `async fn(Store<P>)` on every store with both kinds of ids.
macro_rules! conformance {
    ($($test:ident),+ $(,)?) => { $(
        mod $test {
            use crate::{store::{WithInteger, WithUuid}, support::{Kind, Store}};

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn memory_uuid() {
                super::$test(Store::<WithUuid>::open(Kind::Memory).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn memory_integer() {
                super::$test(Store::<WithInteger>::open(Kind::Memory).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite_uuid() {
                super::$test(Store::<WithUuid>::open(Kind::Sqlite).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite_integer() {
                super::$test(Store::<WithInteger>::open(Kind::Sqlite).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres_uuid() {
                super::$test(Store::<WithUuid>::open(Kind::Postgres).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres_integer() {
                super::$test(Store::<WithInteger>::open(Kind::Postgres).await).await;
            }
        }
    )+ };
}
use conformance;

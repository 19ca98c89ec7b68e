//! Hooks for users of another profile than the builder's.

use axum_users::{BuildError, Hooks, MemoryStore, Profile, Users};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize, Profile)]
struct Account {
    first_name: String,
}

struct Events;

impl Hooks for Events {}

fn main() {
    let _: Result<Users<Account>, BuildError> =
        Users::<Account>::builder(MemoryStore::new(), "5f3c0b9a77e14d2c8e6f1a2b3c4d5e6f").hooks(Events).build();
}

//! Nothing says which profile users have: write `let users: Users = …`.

use axum::Router;
use axum_users::{Backend, Bearer, Jwt, MemoryStore, Users};

fn main() {
    let users = Users::builder(MemoryStore::new(), "5f3c0b9a77e14d2c8e6f1a2b3c4d5e6f")
        .backend(Backend::new("jwt", Bearer, Jwt::new("5f3c0b9a77e14d2c8e6f1a2b3c4d5e6f")))
        .build()
        .unwrap();
    let _: Router = users.routes();
}

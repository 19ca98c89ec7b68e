//! A hook that lacks an argument.

use axum_users::{HookResult, Hooks, User};

struct Events;

impl Hooks for Events {
    async fn after_register(&self, user: &User) -> HookResult {
        println!("{} registered", user.email);
        Ok(())
    }
}

fn main() {}

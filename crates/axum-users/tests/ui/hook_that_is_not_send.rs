//! A hook that keeps what cannot change threads across an await.

use std::rc::Rc;

use axum_users::{Context, HookResult, Hooks, User};

struct Events;

impl Hooks for Events {
    async fn after_register(&self, user: &User, _: &Context) -> HookResult {
        let email = Rc::new(user.email.clone());
        notify(&email).await;
        Ok(())
    }
}

async fn notify(_: &str) {}

fn main() {}

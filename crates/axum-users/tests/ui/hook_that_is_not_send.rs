use std::rc::Rc;

use axum_users::{Context, HookResult, Hooks, User};

struct Events;

impl Hooks for Events {
    async fn after_register(&self, user: &User, _: &Context) -> HookResult {
        let name = Rc::new(user.email.clone());
        std::future::ready(()).await;
        println!("{name}");
        Ok(())
    }
}

fn main() {}

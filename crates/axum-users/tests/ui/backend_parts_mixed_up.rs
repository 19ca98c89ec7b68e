//! Transport and strategy of a backend in the wrong order.

use axum_users::{Backend, Bearer, Jwt};

fn main() {
    let _: Backend = Backend::new("jwt", Jwt::new("5f3c0b9a77e14d2c8e6f1a2b3c4d5e6f"), Bearer);
}

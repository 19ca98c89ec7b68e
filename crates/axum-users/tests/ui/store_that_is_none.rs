use axum_users::Users;

struct Files;

fn main() {
    let users: Users = Users::builder(Files, "5f3c0b9a77e14d2c8e6f1a2b3c4d5e6f").build().unwrap();
}

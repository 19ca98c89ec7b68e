use axum_users::User;

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct Account {
    first_name: String,
}

fn name(user: &User<Account>) -> &str {
    &user.profile.first_name
}

fn main() {}

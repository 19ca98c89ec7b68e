use axum_users::Profile;

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, Profile)]
struct Account {
    email: String,
}

fn main() {}

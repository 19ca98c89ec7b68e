use axum_users::Profile;

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, Profile)]
struct Account {
    first_name: String,
    nicknames: Vec<String>,
}

fn main() {}

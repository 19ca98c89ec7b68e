use axum_users::Profile;

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, Profile)]
enum Account {
    Person,
}

fn main() {}

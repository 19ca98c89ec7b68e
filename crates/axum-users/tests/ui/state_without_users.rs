use axum::extract::FromRef;
use axum_users::Users;

#[derive(Clone)]
struct App {
    greeting: &'static str,
}

fn needs_users<S>()
where
    Users: FromRef<S>,
{
}

fn main() {
    needs_users::<App>();
}

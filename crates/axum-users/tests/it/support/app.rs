//! An application with users, and the steps that many tests begin with.

use axum::Router;
use axum_users::{
    Backend, Bearer, Context, Cookie, CreateUser, Jwt, NoProfile, Opaque, Policy, Profile, RateLimits, User,
    Users, UsersBuilder,
};
use serde_json::json;

use super::{Answer, Ask, CheapHasher, Kind, Recorder, Store};

pub(crate) const SECRET: &str = "5f3c0b9a77e14d2c8e6f1a2b3c4d5e6f";
pub(crate) const KING: &str = "king.arthur@camelot.bt";
pub(crate) const PASSWORD: &str = "guinevere1";

pub(crate) struct TestApp<P: Profile = NoProfile> {
    pub(crate) users: Users<P>,
    pub(crate) router: Router,
    pub(crate) store: Store<P>,
    pub(crate) hooks: Recorder,
}

impl TestApp {
    /// Under the secure policy.
    pub(crate) async fn new(kind: Kind) -> Self {
        Self::under(Policy::secure(), kind).await
    }

    /// With the backends `jwt` (bearer, JWT) and `cookie` (cookie, stored token).
    pub(crate) async fn under(policy: Policy, kind: Kind) -> Self {
        Self::with(kind, |builder, store| builder.policy(policy).backend(jwt()).backend(stored_cookie(store)))
            .await
    }
}

/// The backend `jwt`.
pub(crate) fn jwt<P: Profile>() -> Backend<P> {
    Backend::new("jwt", Bearer, Jwt::new(SECRET))
}

/// The backend `cookie`.
pub(crate) fn stored_cookie<P: Profile>(store: &Store<P>) -> Backend<P> {
    Backend::new("cookie", Cookie::default(), Opaque::new(store.clone()))
}

impl<P: Profile> TestApp<P> {
    pub(crate) async fn with(
        kind: Kind,
        configure: impl FnOnce(UsersBuilder<P, Store<P>>, &Store<P>) -> UsersBuilder<P, Store<P>>,
    ) -> Self {
        let (store, hooks) = (Store::open(kind).await, Recorder::default());
        // Tests ask for more of one user, and for one address, than anybody needs. Other limits are for clients with an address.
        let limits = RateLimits {
            mails_per_minute: 0,
            mails_per_hour: 0,
            mails_per_day: 0,
            duplicate_mails_per_hour: 0,
            login_failures_per_day: 0,
            device_tries_per_day: 0,
            reauthentications_per_minute: 0,
            confirmations_per_hour: 0,
            ..RateLimits::default()
        };
        let builder =
            Users::builder(store.clone(), SECRET).hasher(CheapHasher::default()).rate_limits(limits);
        let users = configure(builder.hooks(hooks.clone()), &store).build().unwrap();
        Self { router: users.routes(), users, store, hooks }
    }

    pub(crate) fn ask(&self, method: &str, path: &str) -> Ask {
        Ask::new(self.router.clone(), method, path)
    }

    pub(crate) fn post(&self, path: &str) -> Ask {
        self.ask("POST", path)
    }

    /// `GET /users/me` with a bearer token.
    pub(crate) async fn me(&self, token: &str) -> Answer {
        self.ask("GET", "/users/me").bearer(token).send().await
    }

    /// `GET /users/me` with a cookie.
    pub(crate) async fn me_by_cookie(&self, token: &str) -> Answer {
        self.ask("GET", "/users/me").cookie(token).send().await
    }

    pub(crate) async fn login_answer(&self, path: &str, email: &str, password: &str) -> Answer {
        self.post(path).form(&[("username", email), ("password", password)]).send().await
    }

    /// A bearer token of the backend `jwt`.
    #[track_caller]
    pub(crate) fn login(&self, email: &str, password: &str) -> impl Future<Output = String> {
        self.login_at("/auth/jwt/login", email, password)
    }

    /// A bearer token of the backend at this path.
    pub(crate) async fn login_at(&self, path: &str, email: &str, password: &str) -> String {
        let answer = self.login_answer(path, email, password).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// A session cookie of the backend `cookie`.
    pub(crate) async fn login_by_cookie(&self, email: &str, password: &str) -> String {
        let answer = self.login_answer("/auth/cookie/login", email, password).await;
        assert_eq!(answer.status, 204, "{}", answer.text());
        answer.cookie()
    }

    pub(crate) async fn register(&self, email: &str, password: &str) -> Answer {
        self.post("/auth/register").json(&json!({"email": email, "password": password})).send().await
    }

    pub(crate) async fn reset(&self, token: &str, password: &str) -> Answer {
        let body = json!({"token": token, "password": password});
        self.post("/auth/reset-password").json(&body).send().await
    }

    /// The token mailed to whoever forgot the password of this address.
    pub(crate) async fn forgot(&self, email: &str) -> String {
        self.token_of("/auth/forgot-password", email).await
    }

    /// The token mailed to whoever wants to verify this address.
    pub(crate) async fn request_verify(&self, email: &str) -> String {
        self.token_of("/auth/request-verify-token", email).await
    }

    async fn token_of(&self, path: &str, email: &str) -> String {
        let answer = self.post(path).json(&json!({ "email": email })).send().await;
        assert_eq!(answer.status, 202);
        self.users.shutdown().await;
        self.hooks.last_token().expect("a hook was given a token")
    }

    /// How many users the store holds.
    pub(crate) async fn count(&self) -> usize {
        self.users.manager().list(None, 1000).await.unwrap().len()
    }

    pub(crate) async fn user(&self, email: &str) -> User<P> {
        self.users.manager().get_by_email(email).await.unwrap()
    }

    /// Creates a user without any hook's record.
    pub(crate) async fn create(&self, user: CreateUser<P>) -> User<P> {
        let user = self.users.manager().create(user, &Context::none()).await.unwrap();
        self.hooks.take();
        user
    }
}

impl TestApp {
    /// An active user with [`PASSWORD`], neither verified nor a superuser.
    pub(crate) async fn add(&self, email: &str) -> User {
        self.create(CreateUser::new(email, PASSWORD, NoProfile {})).await
    }

    pub(crate) async fn add_superuser(&self, email: &str) -> User {
        let user = CreateUser::new(email, PASSWORD, NoProfile {});
        self.create(CreateUser { is_superuser: true, is_verified: true, ..user }).await
    }

    pub(crate) async fn add_inactive(&self, email: &str) -> User {
        self.create(CreateUser { is_active: false, ..CreateUser::new(email, PASSWORD, NoProfile {}) }).await
    }

    pub(crate) async fn add_verified(&self, email: &str) -> User {
        self.create(CreateUser { is_verified: true, ..CreateUser::new(email, PASSWORD, NoProfile {}) }).await
    }
}

//! Hooks that record when and with what they ran, and refuse or fail when told to.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::response::Response;
use axum_users::{Changes, Context, CreateUser, HookError, HookResult, Hooks, Profile, User};
use http::{HeaderValue, StatusCode};
use uuid::Uuid;

/// What a hook does beside recording.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reaction {
    Refuse(u16, &'static str),
    Fail,
}

/// What the test put into the request's extensions, for the hooks to see.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Marker(pub(crate) u32);

#[derive(Clone, Debug, Default)]
pub(crate) struct Event {
    pub(crate) recorder: &'static str,
    pub(crate) hook: &'static str,
    pub(crate) email: String,
    pub(crate) token: Option<String>,
    pub(crate) changes: Option<String>,
    pub(crate) agent: Option<String>,
    pub(crate) marker: Option<Marker>,
    pub(crate) language: Option<String>,
    pub(crate) job: Option<Uuid>,
}

/// Clones share what was recorded.
#[derive(Clone, Default)]
pub(crate) struct Recorder {
    name: &'static str,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    events: Mutex<Vec<Event>>,
    reactions: Mutex<HashMap<(&'static str, &'static str), Reaction>>,
}

impl Recorder {
    /// Another recorder that writes into the same list.
    pub(crate) fn named(&self, name: &'static str) -> Self {
        Self { name, shared: Arc::clone(&self.shared) }
    }

    pub(crate) fn react(&self, hook: &'static str, reaction: Reaction) {
        self.shared.reactions.lock().unwrap().insert((self.name, hook), reaction);
    }

    /// From now on no hook does anything but record.
    pub(crate) fn calm(&self) {
        self.shared.reactions.lock().unwrap().clear();
    }

    /// How many hooks ran since they were last taken.
    pub(crate) fn count(&self) -> usize {
        self.shared.events.lock().unwrap().len()
    }

    pub(crate) fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.shared.events.lock().unwrap())
    }

    /// What was recorded since it was last taken.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.shared.events.lock().unwrap().clone()
    }

    /// The names of the hooks that ran since the last time.
    pub(crate) fn take_names(&self) -> Vec<&'static str> {
        self.take().iter().map(|event| event.hook).collect()
    }

    /// The last token a hook was given.
    pub(crate) fn last_token(&self) -> Option<String> {
        self.shared.events.lock().unwrap().iter().rev().find_map(|event| event.token.clone())
    }

    /// The last token that this hook was given for this address.
    pub(crate) fn token_for(&self, hook: &str, email: &str) -> Option<String> {
        let events = self.shared.events.lock().unwrap();
        let of_hook = events.iter().rev().find(|event| event.hook == hook && event.email == email);
        of_hook.and_then(|event| event.token.clone())
    }

    fn record(&self, hook: &'static str, email: &str, cx: &Context, event: Event) -> HookResult {
        let agent = cx.headers().and_then(|headers| headers.get("user-agent"));
        self.shared.events.lock().unwrap().push(Event {
            recorder: self.name,
            hook,
            email: email.to_owned(),
            agent: agent.map(|agent| agent.to_str().unwrap().to_owned()),
            marker: cx.extension::<Marker>().cloned(),
            language: cx.language().map(str::to_owned),
            job: cx.job_id(),
            ..event
        });
        match self.shared.reactions.lock().unwrap().get(&(self.name, hook)) {
            None => Ok(()),
            Some(Reaction::Fail) => Err(HookError::Failed("as the test asked".into())),
            Some(Reaction::Refuse(status, code)) => {
                Err(HookError::refuse(StatusCode::from_u16(*status).unwrap(), *code))
            }
        }
    }

    fn plain(&self, hook: &'static str, email: &str, cx: &Context) -> HookResult {
        self.record(hook, email, cx, Event::default())
    }

    fn with_token(&self, hook: &'static str, email: &str, token: &str, cx: &Context) -> HookResult {
        self.record(hook, email, cx, Event { token: Some(token.to_owned()), ..Event::default() })
    }
}

impl<P: Profile> Hooks<P> for Recorder {
    async fn validate_password(&self, _: &str, email: &str, cx: &Context) -> Result<(), String> {
        self.plain("validate_password", email, cx).map_err(|_| "as the test asked".to_owned())
    }
    async fn before_register(&self, user: &mut CreateUser<P>, cx: &Context) -> HookResult {
        self.plain("before_register", &user.email, cx)
    }
    async fn after_register(&self, user: &User<P>, cx: &Context) -> HookResult {
        self.plain("after_register", &user.email, cx)
    }
    async fn after_login_from_new_device(&self, user: &User<P>, cx: &Context) -> HookResult {
        self.plain("after_login_from_new_device", &user.email, cx)
    }

    async fn after_login_limited(&self, user: &User<P>, cx: &Context) -> HookResult {
        self.plain("after_login_limited", &user.email, cx)
    }
    async fn after_duplicate_registration(&self, user: &User<P>, cx: &Context) -> HookResult {
        self.plain("after_duplicate_registration", &user.email, cx)
    }
    async fn after_update(&self, user: &User<P>, changes: &Changes, cx: &Context) -> HookResult {
        let changes = Some(format!("{changes:?}"));
        self.record("after_update", &user.email, cx, Event { changes, ..Event::default() })
    }
    async fn after_login(&self, user: &User<P>, response: &mut Response, cx: &Context) -> HookResult {
        response.headers_mut().append("x-after-login", HeaderValue::from_static(self.name));
        self.plain("after_login", &user.email, cx)
    }
    async fn after_request_verify(&self, user: &User<P>, token: &str, cx: &Context) -> HookResult {
        self.with_token("after_request_verify", &user.email, token, cx)
    }
    async fn after_request_email_change(
        &self,
        _: &User<P>,
        new_email: &str,
        token: &str,
        cx: &Context,
    ) -> HookResult {
        self.with_token("after_request_email_change", new_email, token, cx)
    }
    async fn after_duplicate_email_change(&self, user: &User<P>, cx: &Context) -> HookResult {
        self.plain("after_duplicate_email_change", &user.email, cx)
    }
    async fn after_email_change(
        &self,
        _: &User<P>,
        old_email: &str,
        revert_token: Option<&str>,
        cx: &Context,
    ) -> HookResult {
        match revert_token {
            Some(token) => self.with_token("after_email_change", old_email, token, cx),
            None => self.plain("after_email_change", old_email, cx),
        }
    }
    async fn after_password_change(&self, user: &User<P>, cx: &Context) -> HookResult {
        self.plain("after_password_change", &user.email, cx)
    }
    async fn after_account_link(&self, user: &User<P>, _: &str, cx: &Context) -> HookResult {
        self.plain("after_account_link", &user.email, cx)
    }
    async fn after_account_unlink(&self, user: &User<P>, _: &str, cx: &Context) -> HookResult {
        self.plain("after_account_unlink", &user.email, cx)
    }
    async fn after_verify(&self, user: &User<P>, cx: &Context) -> HookResult {
        self.plain("after_verify", &user.email, cx)
    }
    async fn after_forgot_password(&self, user: &User<P>, token: &str, cx: &Context) -> HookResult {
        self.with_token("after_forgot_password", &user.email, token, cx)
    }
    async fn after_reset_password(&self, user: &User<P>, cx: &Context) -> HookResult {
        self.plain("after_reset_password", &user.email, cx)
    }
    async fn before_delete(&self, user: &User<P>, cx: &Context) -> HookResult {
        self.plain("before_delete", &user.email, cx)
    }
    async fn after_delete(&self, user: &User<P>, cx: &Context) -> HookResult {
        self.plain("after_delete", &user.email, cx)
    }
}

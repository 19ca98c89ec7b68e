//! What jobs there are, and what is kept of them.

use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Context, LeasedJob, NewJob, Profile, User, email::fold, secret::digest};

/// The longest `Accept-Language` that is kept.
const LANGUAGE_MAX_BYTES: usize = 200;

/// A job.
#[derive(Clone, Debug)]
pub(crate) enum Task<P: Profile> {
    /// Whoever has the address forgot the password.
    ForgotPassword(String),
    /// Whoever has the address wants to verify it.
    RequestVerify(String),
    /// Somebody registered the address, which another has.
    DuplicateRegistration(String),
    /// Too many have guessed at the password of whoever has the address.
    LoginLimited(String),
    /// A user was created.
    AfterRegister(Box<User<P>>),
    /// A user was created by an account at a provider, which does not know that the address is theirs.
    AfterSignUp(Box<User<P>>),
}

const FORGOT_PASSWORD: &str = "forgot-password";
const REQUEST_VERIFY: &str = "request-verify";
const DUPLICATE_REGISTRATION: &str = "duplicate-registration";
const LOGIN_LIMITED: &str = "login-limited";
const AFTER_REGISTER: &str = "after-register";
const AFTER_SIGN_UP: &str = "after-sign-up";

/// A job that was read; the user is still to be.
#[derive(Debug, PartialEq)]
pub(crate) enum Kept {
    ForgotPassword(String),
    RequestVerify(String),
    DuplicateRegistration(String),
    LoginLimited(String),
    AfterRegister { id: String, signed_up: bool },
}

impl<P: Profile> Task<P> {
    /// For logs, and kept with the job.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::ForgotPassword(_) => FORGOT_PASSWORD,
            Self::RequestVerify(_) => REQUEST_VERIFY,
            Self::DuplicateRegistration(_) => DUPLICATE_REGISTRATION,
            Self::LoginLimited(_) => LOGIN_LIMITED,
            Self::AfterRegister(_) => AFTER_REGISTER,
            Self::AfterSignUp(_) => AFTER_SIGN_UP,
        }
    }

    /// What is kept: whom it is for, and their language. Of one kind for one address one job waits (FGT-5).
    pub(crate) fn to_job(&self, cx: &Context) -> NewJob {
        let language = cx.language().filter(|language| language.len() <= LANGUAGE_MAX_BYTES);
        let (payload, unique_key) = match self {
            Self::AfterRegister(user) | Self::AfterSignUp(user) => {
                (json!({"user": user.id.to_string(), "language": language}), None)
            }
            Self::ForgotPassword(email)
            | Self::RequestVerify(email)
            | Self::DuplicateRegistration(email)
            | Self::LoginLimited(email) => {
                let key = digest(&format!("{} {}", self.name(), fold(email)));
                (json!({"email": email, "language": language}), Some(key))
            }
        };
        NewJob {
            id: Uuid::new_v4(),
            kind: self.name().to_owned(),
            payload,
            unique_key,
            due_at: OffsetDateTime::now_utc(),
        }
    }
}

impl Kept {
    /// `None` when another version of this library has kept it.
    pub(crate) fn of(job: &LeasedJob) -> Option<Self> {
        let text = |name| job.payload.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(match job.kind.as_str() {
            FORGOT_PASSWORD => Self::ForgotPassword(text("email")?),
            REQUEST_VERIFY => Self::RequestVerify(text("email")?),
            DUPLICATE_REGISTRATION => Self::DuplicateRegistration(text("email")?),
            LOGIN_LIMITED => Self::LoginLimited(text("email")?),
            AFTER_REGISTER => Self::AfterRegister { id: text("user")?, signed_up: false },
            AFTER_SIGN_UP => Self::AfterRegister { id: text("user")?, signed_up: true },
            _ => return None,
        })
    }
}

/// The context in which a job is done.
pub(crate) fn context(job: &LeasedJob) -> Context {
    Context::of_job(job.id, job.payload.get("language").and_then(Value::as_str))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::{NoProfile, PasswordHash};

    fn leased(job: NewJob) -> LeasedJob {
        let NewJob { id, kind, payload, .. } = job;
        LeasedJob { id, lease: Uuid::new_v4(), kind, payload, attempts: 1 }
    }

    fn cx(language: &str) -> Context {
        let request = Request::get("/").header("accept-language", language).header("cookie", "secret=1");
        Context::from_parts(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn a_job_keeps_whom_it_is_for_and_nothing_secret() {
        let user = User {
            id: Uuid::from_u128(7),
            email: "king@camelot.bt".to_owned(),
            hashed_password: PasswordHash::new("secret hash"),
            is_active: true,
            is_superuser: false,
            is_verified: false,
            profile: NoProfile {},
        };
        let text = || "king@camelot.bt".to_owned();
        let of_user = |signed_up| Kept::AfterRegister { id: user.id.to_string(), signed_up };
        let tasks: [(Task<NoProfile>, Kept); 6] = [
            (Task::ForgotPassword(text()), Kept::ForgotPassword(text())),
            (Task::RequestVerify(text()), Kept::RequestVerify(text())),
            (Task::DuplicateRegistration(text()), Kept::DuplicateRegistration(text())),
            (Task::LoginLimited(text()), Kept::LoginLimited(text())),
            (Task::AfterRegister(Box::new(user.clone())), of_user(false)),
            (Task::AfterSignUp(Box::new(user.clone())), of_user(true)),
        ];
        for (task, kept) in tasks {
            let job = leased(task.to_job(&cx("cy, en;q=0.8")));
            assert!(!job.payload.to_string().contains("secret"), "{}", job.payload);
            assert_eq!(Kept::of(&job), Some(kept));
            let cx = context(&job);
            assert_eq!((cx.job_id(), cx.language()), (Some(job.id), Some("cy, en;q=0.8")));
            assert_eq!(cx.headers().unwrap().len(), 1);
        }
    }

    #[test]
    fn one_address_has_one_job_of_a_kind() {
        let key = |task: Task<NoProfile>| task.to_job(&Context::none()).unique_key;
        let king = key(Task::ForgotPassword("king@camelot.bt".to_owned()));
        assert_eq!(king, key(Task::ForgotPassword("KING@Camelot.bt".to_owned())));
        assert_ne!(king, key(Task::ForgotPassword("kin@camelot.bt".to_owned())));
        assert_ne!(king, key(Task::RequestVerify("king@camelot.bt".to_owned())));
    }

    #[test]
    fn jobs_of_another_version_are_not_guessed_at() {
        let job = leased(Task::<NoProfile>::ForgotPassword("a".to_owned()).to_job(&cx(&"x".repeat(201))));
        assert_eq!(context(&job).language(), None);
        for (kind, payload) in [("sing", job.payload.clone()), ("forgot-password", json!({"to": "a"}))] {
            assert_eq!(Kept::of(&LeasedJob { kind: kind.to_owned(), payload, ..job.clone() }), None);
        }
    }
}

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
    /// A user wants to have another address. `fingerprint` is that of password and address then.
    ChangeEmail { user: P::Id, email: String, fingerprint: String },
    /// A user has another address; whoever has the old one can take it back until then, in seconds since 1970.
    EmailChanged { user: P::Id, old_email: String, revertible_until: Option<u64> },
    /// Something was done to a user that they must know.
    Notice { user: P::Id, notice: Notice },
    /// A user was created.
    AfterRegister(Box<User<P>>),
    /// A user was created by an account at a provider, which does not know that the address is theirs.
    AfterSignUp(Box<User<P>>),
}

/// What a user must know.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Notice {
    PasswordChanged,
    /// Their password has logged in a browser that is not known.
    NewDevice,
    /// By the name of the provider.
    AccountLinked(String),
    AccountUnlinked(String),
}

const FORGOT_PASSWORD: &str = "forgot-password";
const REQUEST_VERIFY: &str = "request-verify";
const DUPLICATE_REGISTRATION: &str = "duplicate-registration";
const LOGIN_LIMITED: &str = "login-limited";
const CHANGE_EMAIL: &str = "change-email";
const EMAIL_CHANGED: &str = "email-changed";
const PASSWORD_CHANGED: &str = "password-changed";
const NEW_DEVICE: &str = "new-device";
const ACCOUNT_LINKED: &str = "account-linked";
const ACCOUNT_UNLINKED: &str = "account-unlinked";
const AFTER_REGISTER: &str = "after-register";
const AFTER_SIGN_UP: &str = "after-sign-up";

/// A job that was read; the user is still to be.
#[derive(Debug, PartialEq)]
pub(crate) enum Kept {
    ForgotPassword(String),
    RequestVerify(String),
    DuplicateRegistration(String),
    LoginLimited(String),
    ChangeEmail { id: String, email: String, fingerprint: String },
    EmailChanged { id: String, old_email: String, revertible_until: Option<u64> },
    Notice { id: String, notice: Notice },
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
            Self::ChangeEmail { .. } => CHANGE_EMAIL,
            Self::EmailChanged { .. } => EMAIL_CHANGED,
            Self::Notice { notice: Notice::PasswordChanged, .. } => PASSWORD_CHANGED,
            Self::Notice { notice: Notice::NewDevice, .. } => NEW_DEVICE,
            Self::Notice { notice: Notice::AccountLinked(_), .. } => ACCOUNT_LINKED,
            Self::Notice { notice: Notice::AccountUnlinked(_), .. } => ACCOUNT_UNLINKED,
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
            Self::ChangeEmail { user, email, fingerprint } => {
                let key = digest(&format!("{CHANGE_EMAIL} {user} {fingerprint} {}", fold(email)));
                let user = user.to_string();
                let payload =
                    json!({"user": user, "email": email, "fingerprint": fingerprint, "language": language});
                (payload, Some(key))
            }
            Self::EmailChanged { user, old_email, revertible_until: until } => {
                let user = user.to_string();
                (json!({"user": user, "email": old_email, "until": until, "language": language}), None)
            }
            Self::Notice { user, notice } => {
                let provider = match notice {
                    Notice::PasswordChanged | Notice::NewDevice => None,
                    Notice::AccountLinked(name) | Notice::AccountUnlinked(name) => Some(name),
                };
                (json!({"user": user.to_string(), "provider": provider, "language": language}), None)
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
            CHANGE_EMAIL => Self::ChangeEmail {
                id: text("user")?,
                email: text("email")?,
                fingerprint: text("fingerprint")?,
            },
            EMAIL_CHANGED => Self::EmailChanged {
                id: text("user")?,
                old_email: text("email")?,
                revertible_until: job.payload.get("until").and_then(Value::as_u64),
            },
            PASSWORD_CHANGED => Self::Notice { id: text("user")?, notice: Notice::PasswordChanged },
            NEW_DEVICE => Self::Notice { id: text("user")?, notice: Notice::NewDevice },
            ACCOUNT_LINKED => {
                Self::Notice { id: text("user")?, notice: Notice::AccountLinked(text("provider")?) }
            }
            ACCOUNT_UNLINKED => {
                Self::Notice { id: text("user")?, notice: Notice::AccountUnlinked(text("provider")?) }
            }
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
        let id = || user.id.to_string();
        let notices = [
            Notice::PasswordChanged,
            Notice::NewDevice,
            Notice::AccountLinked("google".to_owned()),
            Notice::AccountUnlinked("google".to_owned()),
        ];
        let notices = notices.map(|notice| {
            let kept = Kept::Notice { id: id(), notice: notice.clone() };
            (Task::Notice { user: user.id, notice }, kept)
        });
        let tasks: [(Task<NoProfile>, Kept); 9] = [
            (Task::ForgotPassword(text()), Kept::ForgotPassword(text())),
            (Task::RequestVerify(text()), Kept::RequestVerify(text())),
            (Task::DuplicateRegistration(text()), Kept::DuplicateRegistration(text())),
            (Task::LoginLimited(text()), Kept::LoginLimited(text())),
            (
                Task::ChangeEmail { user: user.id, email: text(), fingerprint: "print".to_owned() },
                Kept::ChangeEmail { id: id(), email: text(), fingerprint: "print".to_owned() },
            ),
            (
                Task::EmailChanged { user: user.id, old_email: text(), revertible_until: Some(5) },
                Kept::EmailChanged { id: id(), old_email: text(), revertible_until: Some(5) },
            ),
            (
                Task::EmailChanged { user: user.id, old_email: text(), revertible_until: None },
                Kept::EmailChanged { id: id(), old_email: text(), revertible_until: None },
            ),
            (Task::AfterRegister(Box::new(user.clone())), of_user(false)),
            (Task::AfterSignUp(Box::new(user.clone())), of_user(true)),
        ];
        for (task, kept) in tasks.into_iter().chain(notices) {
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

    /// A password changed meanwhile must not keep a request with the new one from its mail.
    #[test]
    fn changes_of_an_address_are_told_apart_by_all_that_they_hold() {
        let key = |user: u128, email: &str, fingerprint: &str| {
            let (email, fingerprint) = (email.to_owned(), fingerprint.to_owned());
            let task: Task<NoProfile> = Task::ChangeEmail { user: Uuid::from_u128(user), email, fingerprint };
            task.to_job(&Context::none()).unique_key
        };
        let one = key(1, "king@camelot.bt", "a");
        assert_eq!(one, key(1, "KING@camelot.bt", "a"));
        for other in
            [key(2, "king@camelot.bt", "a"), key(1, "k@camelot.bt", "a"), key(1, "king@camelot.bt", "b")]
        {
            assert_ne!(one, other);
        }
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

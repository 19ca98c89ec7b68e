//! What is recorded, and why something was refused. A new act is a line here and a call where it is done.

use super::names::names;
use crate::{UserError, user::Changes};

names! {
    /// What somebody did, or tried to do (ASVS 16.3.1 to 16.3.3).
    AuditAct {
        /// Logged in; [`via`](crate::AuditEvent::via) tells by which backend or provider.
        Login => "login",
        /// Did not get in.
        LoginFailed => "login_failed",
        /// Tried something too often; recorded once a minute for each client.
        Limited => "limited",
        /// Logged out.
        Logout => "logout",
        /// Was known, but may not do this; recorded once a minute for each client.
        AccessDenied => "access_denied",
        /// Registered.
        Registered => "registered",
        /// Wanted to register.
        RegistrationFailed => "registration_failed",
        /// Was created by an administrator or by code.
        UserCreated => "user_created",
        /// Whoever has an address has forgotten the password, somebody said.
        PasswordResetRequested => "password_reset_requested",
        /// Set a new password by mail.
        PasswordReset => "password_reset",
        /// Came with a token that does not work.
        PasswordResetFailed => "password_reset_failed",
        /// Changed their own password.
        PasswordChanged => "password_changed",
        /// Said which password they have, to do what a session alone must not, and it was another.
        ReauthenticationFailed => "reauthentication_failed",
        /// Wants to have another address, which is asked first.
        EmailChangeRequested => "email_change_requested",
        /// Changed their own address.
        EmailChanged => "email_changed",
        /// Came with a token that does not work.
        EmailChangeFailed => "email_change_failed",
        /// Took the old address back: the password, the sessions and the accounts there were have ended.
        EmailChangeReverted => "email_change_reverted",
        /// Came with a token that does not work.
        EmailChangeRevertFailed => "email_change_revert_failed",
        /// Whoever has an address wants to verify it, somebody said.
        VerificationRequested => "verification_requested",
        /// Verified the address.
        Verified => "verified",
        /// Said that an account with their address is not theirs: it is closed.
        VerificationDeclined => "verification_declined",
        /// Came with a token that does not work.
        VerificationFailed => "verification_failed",
        /// Can log in by an account at a provider from now on.
        AccountLinked => "account_linked",
        /// Wanted to.
        AccountLinkFailed => "account_link_failed",
        /// Cannot any more.
        AccountUnlinked => "account_unlinked",
        /// The owner of an address came by an account at a provider to a user who had not verified it: the password, the
        /// sessions and the other accounts there were have ended.
        AccountTakenOver => "account_taken_over",
        /// Was changed by an administrator or by code; [`changes`](crate::AuditEvent::changes) tells what.
        UserChangedByAdministrator => "user_changed_by_administrator",
        /// Was deleted.
        UserDeleted => "user_deleted",
    }
}

names! {
    /// Why something was refused, or what was special about it.
    AuditReason {
        /// Nobody has this address.
        UnknownUser => "unknown_user",
        /// The password is another.
        WrongPassword => "wrong_password",
        /// The session or the code is none, or its user is inactive.
        BadCredentials => "bad_credentials",
        /// The user is inactive.
        Inactive => "inactive",
        /// The address is not verified.
        NotVerified => "not_verified",
        /// The user is no superuser.
        NotSuperuser => "not_superuser",
        /// A page of another site sent the request.
        CrossSite => "cross_site",
        /// The token is forged, used, over, or of somebody else.
        InvalidToken => "invalid_token",
        /// The address was verified before.
        AlreadyVerified => "already_verified",
        /// A user has the address.
        AddressTaken => "address_taken",
        /// Another user has the account at the provider.
        AccountTaken => "account_taken",
        /// The provider gives no address.
        NoAddress => "no_address",
        /// What came back from the provider belongs to another browser or flow, or was used.
        InvalidState => "invalid_state",
        /// The provider refuses, or what it says cannot be believed.
        ProviderRefused => "provider_refused",
        /// A hook of the application refuses.
        RefusedByHook => "refused_by_hook",
        /// The address has been mailed enough: nothing is sent.
        MailedEnough => "mailed_enough",
        /// Too many logins of one client, or too many wrong passwords.
        TooManyLogins => "too_many_logins",
        /// Too many registrations of one client.
        TooManyRegistrations => "too_many_registrations",
        /// Too many mails that one client asks for.
        TooManyMailRequests => "too_many_mail_requests",
        /// Too many tokens that one client sends.
        TooManyTokens => "too_many_tokens",
        /// The request ended before its answer: whether it was done is not known.
        Interrupted => "interrupted",
    }
}

names! {
    /// What of a user was changed.
    AuditChange {
        /// The password.
        Password => "password",
        /// The address.
        Email => "email",
        /// The user may log in.
        Activated => "activated",
        /// The user may not log in.
        Deactivated => "deactivated",
        /// The user is a superuser.
        Promoted => "promoted",
        /// The user is none.
        Demoted => "demoted",
        /// The address counts as verified.
        Verified => "verified",
        /// The address does not count as verified.
        Unverified => "unverified",
        /// Fields of the application.
        Profile => "profile",
        /// All sessions there were have ended.
        SessionsEnded => "sessions_ended",
    }
}

impl AuditAct {
    /// What it is when it is refused, if that is an act.
    pub(super) const fn failed(self) -> Option<Self> {
        Some(match self {
            Self::Login => Self::LoginFailed,
            Self::Registered => Self::RegistrationFailed,
            Self::PasswordReset => Self::PasswordResetFailed,
            Self::Verified | Self::VerificationDeclined => Self::VerificationFailed,
            Self::AccountLinked => Self::AccountLinkFailed,
            Self::EmailChanged => Self::EmailChangeFailed,
            Self::EmailChangeReverted => Self::EmailChangeRevertFailed,
            _ => return None,
        })
    }

    /// Of what there was too much.
    pub(super) const fn too_many(self) -> AuditReason {
        match self {
            Self::Registered => AuditReason::TooManyRegistrations,
            Self::PasswordResetRequested | Self::VerificationRequested | Self::EmailChangeRequested => {
                AuditReason::TooManyMailRequests
            }
            Self::PasswordReset
            | Self::Verified
            | Self::VerificationDeclined
            | Self::EmailChanged
            | Self::EmailChangeReverted => AuditReason::TooManyTokens,
            _ => AuditReason::TooManyLogins,
        }
    }
}

impl AuditReason {
    /// Why it is refused; nothing for what failed, or was not well formed.
    pub(crate) const fn of(error: &UserError) -> Option<Self> {
        Some(match error {
            UserError::AlreadyExists => Self::AddressTaken,
            UserError::BadCredentials => Self::BadCredentials,
            UserError::NotVerified => Self::NotVerified,
            UserError::AccountTaken => Self::AccountTaken,
            UserError::NoEmail => Self::NoAddress,
            UserError::InvalidToken => Self::InvalidToken,
            UserError::AlreadyVerified => Self::AlreadyVerified,
            UserError::Inactive => Self::Inactive,
            UserError::Refused { .. } => Self::RefusedByHook,
            #[cfg(feature = "oauth")]
            UserError::Provider(
                crate::oauth::ProviderError::Refused(_) | crate::oauth::ProviderError::Untrusted(_),
            ) => Self::ProviderRefused,
            _ => return None,
        })
    }
}

impl AuditChange {
    /// What is written.
    pub(super) fn of(changes: &Changes) -> Vec<Self> {
        let flag = |flag: Option<bool>, set, unset| flag.map(|is_set| if is_set { set } else { unset });
        let all = [
            changes.hashed_password.is_some().then_some(Self::Password),
            changes.email.is_some().then_some(Self::Email),
            flag(changes.is_active, Self::Activated, Self::Deactivated),
            flag(changes.is_superuser, Self::Promoted, Self::Demoted),
            flag(changes.is_verified, Self::Verified, Self::Unverified),
            (!changes.profile.is_empty()).then_some(Self::Profile),
            changes.end_sessions.then_some(Self::SessionsEnded),
        ];
        all.into_iter().flatten().collect()
    }
}

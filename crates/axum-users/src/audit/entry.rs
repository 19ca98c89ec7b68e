use std::fmt::Display;

use http::header::USER_AGENT;
use tracing::Level;

use super::{AuditAct, AuditChange, AuditEvent, AuditLog, AuditReason, TARGET, event};
use crate::{Context, Profile, User, UserError, limit::Limiter, user::Changes, users::Core};

/// An act under way, which is recorded when its end is known: by [`done`](Self::done), or [`finish`](Self::finish).
///
/// One that is dropped before was given up half-way, mostly because the client has gone: that is recorded too, since
/// nobody shall be able to act without a trace.
pub(crate) struct Entry<'a> {
    log: &'a AuditLog,
    limiter: &'a Limiter,
    cx: &'a Context,
    /// `None` when it is recorded, or nobody would read it.
    event: Option<AuditEvent>,
    once_a_minute: bool,
}

/// An error that may be a refusal.
pub(crate) trait Refusal {
    /// Why the act was refused; nothing for what failed, or was not well formed.
    fn reason(&self) -> Option<AuditReason>;
    /// Whether it was tried too often.
    fn is_limit(&self) -> bool;
}

impl Refusal for UserError {
    fn reason(&self) -> Option<AuditReason> {
        AuditReason::of(self)
    }
    fn is_limit(&self) -> bool {
        matches!(self, Self::TooManyRequests { .. })
    }
}

impl<P: Profile> Core<P> {
    /// Begins to record an act.
    pub(crate) fn audit<'a>(&'a self, act: AuditAct, cx: &'a Context) -> Entry<'a> {
        let is_read = self.audit_log.writer.is_some() || tracing::enabled!(target: TARGET, Level::INFO);
        let event = is_read.then(|| AuditEvent::new(act));
        Entry { log: &self.audit_log, limiter: &self.limiter, cx, event, once_a_minute: false }
    }

    /// Records that somebody who is known may not do this.
    pub(crate) fn audit_denied(&self, user: Option<&P::Id>, reason: AuditReason, cx: &Context) {
        let mut entry = self.audit(AuditAct::AccessDenied, cx);
        if let Some(user) = user {
            entry.user(user);
        }
        entry.reason(reason).once_a_minute().done();
    }

    /// Records that something was refused, if it was.
    #[cfg(feature = "oauth")]
    pub(crate) fn audit_refusal<T>(&self, act: AuditAct, result: &Result<T, UserError>, cx: &Context) {
        if result.is_err() {
            self.audit(act, cx).finish(result);
        }
    }

    /// Records what was changed of a user: by themselves, or by somebody else.
    pub(crate) fn audit_update(&self, user: &User<P>, changes: &Changes, cx: &Context) {
        let mut changed = AuditChange::of(changes);
        let by_themselves = cx.actor().is_some_and(|actor| actor == event::id(&user.id));
        // Users do not change these, except by changing the address, which nobody has verified yet.
        let flags = changes.is_active.is_some()
            || changes.is_superuser.is_some()
            || changes.is_verified.is_some_and(|is_verified| is_verified || changes.email.is_none());
        if !by_themselves || flags {
            if !changed.is_empty() {
                self.audit(AuditAct::UserChangedByAdministrator, cx).user(&user.id).changes(changed).done();
            }
            return;
        }
        let own = [
            (AuditChange::Password, AuditAct::PasswordChanged),
            (AuditChange::Email, AuditAct::EmailChanged),
        ];
        let acts: Vec<AuditAct> =
            own.iter().filter(|(change, _)| changed.contains(change)).map(|(_, act)| *act).collect();
        changed.retain(|change| *change == AuditChange::SessionsEnded);
        for act in acts {
            self.audit(act, cx).user(&user.id).changes(changed.clone()).done();
        }
    }
}

impl Entry<'_> {
    /// By whom or to whom it is done.
    pub(crate) fn user(&mut self, id: &impl Display) -> &mut Self {
        self.set(|event| event.user = Some(event::id(id)))
    }

    /// By which backend or provider.
    pub(crate) fn via(&mut self, name: &str) -> &mut Self {
        self.set(|event| event.via = Some(event::name(name)))
    }

    /// Why it is refused, or what is special about it.
    pub(crate) fn reason(&mut self, reason: AuditReason) -> &mut Self {
        self.set(|event| event.reason = Some(reason))
    }

    /// What of the user was changed.
    pub(crate) fn changes(&mut self, changes: Vec<AuditChange>) -> &mut Self {
        self.set(|event| event.changes = changes)
    }

    /// For whom it is, by what was typed as the address.
    pub(crate) fn identifier(&mut self, email: &str) -> &mut Self {
        let log = self.log;
        self.set(|event| event.identifier = Some(log.identifier(email)))
    }

    /// Refused, it costs nothing: who repeats it must not fill the log.
    pub(crate) const fn once_a_minute(&mut self) -> &mut Self {
        self.once_a_minute = true;
        self
    }

    /// It is done.
    pub(crate) fn done(&mut self) {
        let Some(mut event) = self.event.take() else { return };
        (event.id, event.time) = event::now();
        let said = (event.act, event.reason, event.user.as_deref());
        if self.once_a_minute && event.reason.is_some() && !self.limiter.is_news(said, self.cx) {
            return;
        }
        let actor = self.cx.actor().map(|actor| event::id(&actor));
        event.actor = actor.filter(|actor| event.user.as_ref().is_some_and(|user| user != actor));
        event.address = self.limiter.client(self.cx);
        let agent = self.cx.headers().and_then(|headers| headers.get(USER_AGENT));
        event.user_agent = agent.map(|agent| event::user_agent(agent.as_bytes()));
        self.log.record(event);
    }

    /// It is done or refused, as the result says; what failed, and what was not well formed, is not recorded.
    pub(crate) fn finish<T, E: Refusal>(&mut self, result: &Result<T, E>) {
        let Err(error) = result else { return self.done() };
        let Some(event) = &mut self.event else { return };
        if error.is_limit() {
            event.reason = Some(event.act.too_many());
            event.act = AuditAct::Limited;
            return self.once_a_minute().done();
        }
        let reason = error.reason();
        match event.act.failed().zip(reason) {
            Some((failed, reason)) => {
                event.act = failed;
                event.reason = event.reason.or(Some(reason));
                self.done();
            }
            None => self.forget(),
        }
    }

    /// It is refused.
    pub(crate) fn refused(&mut self, reason: AuditReason) {
        if let Some(event) = &mut self.event {
            event.act = event.act.failed().unwrap_or(event.act);
            event.reason = Some(reason);
            self.done();
        }
    }

    /// It is not to be recorded.
    pub(crate) fn forget(&mut self) {
        self.event = None;
    }

    fn set(&mut self, set: impl FnOnce(&mut AuditEvent)) -> &mut Self {
        if let Some(event) = &mut self.event {
            set(event);
        }
        self
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        if self.event.is_some() {
            self.reason(AuditReason::Interrupted).done();
        }
    }
}

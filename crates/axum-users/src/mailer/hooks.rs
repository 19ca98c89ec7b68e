use super::{Mail, MailKind, MailValues, Mailer, TemplateError, Templates};
use crate::{Context, HookResult, Hooks, Profile, PublicUrl, User};

/// Hooks that mail people what they asked for: the link to reset a password, to verify an address, to confirm a new one; and
/// what they must know: that somebody wants their address, that it was changed, with the link that takes this back, that the
/// password was changed, that an account at a provider was added or taken away, that too many wrong passwords were tried, that
/// somebody logged in from a browser that is not known.
///
/// Mails go to the stored address only, or to the one that was stored or is to be, and links start with the configured URL only: no request can change either.
///
/// ```
/// use axum_users::{MemoryStore, Users, mailer::{ConsoleMailer, EmailHooks}};
///
/// let mails = EmailHooks::new(ConsoleMailer::stdout(), "https://accounts.example.com".parse()?).product("Example");
/// let users: Users =
///     Users::builder(MemoryStore::new(), "5f3c0b9a77e14d2c8e6f1a2b3c4d5e6f").hooks(mails).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct EmailHooks<M> {
    mailer: M,
    templates: Templates,
    product: String,
    public_url: PublicUrl,
    reset_page: Option<PublicUrl>,
    verify_page: Option<PublicUrl>,
    confirm_email_page: Option<PublicUrl>,
    revert_email_page: Option<PublicUrl>,
    reset_lifetime: u64,
    verification_lifetime: u64,
    email_change_lifetime: u64,
    email_revert_lifetime: u64,
}

impl<M: Mailer> EmailHooks<M> {
    /// Links lead to the pages `/reset-password`, `/verify-email`, `/confirm-email` and `/revert-email` under this URL, with the
    /// token in the fragment.
    pub fn new(mailer: M, public_url: PublicUrl) -> Self {
        Self {
            mailer,
            templates: Templates::built_in(),
            product: "axum-users".to_owned(),
            public_url,
            reset_page: None,
            verify_page: None,
            confirm_email_page: None,
            revert_email_page: None,
            reset_lifetime: 3600,
            verification_lifetime: 3600,
            email_change_lifetime: 3600,
            email_revert_lifetime: 7 * 24 * 3600,
        }
    }

    /// What mails call the product.
    #[must_use]
    pub fn product(mut self, name: impl Into<String>) -> Self {
        self.product = name.into();
        self
    }

    /// Other texts.
    #[must_use]
    pub fn templates(mut self, templates: Templates) -> Self {
        self.templates = templates;
        self
    }

    /// The application's own page that sets a new password: the token is in its fragment, `#token=…`.
    #[must_use]
    pub fn reset_page(mut self, page: PublicUrl) -> Self {
        self.reset_page = Some(page);
        self
    }

    /// The application's own page that verifies an address: the token is in its fragment, `#token=…`.
    #[must_use]
    pub fn verify_page(mut self, page: PublicUrl) -> Self {
        self.verify_page = Some(page);
        self
    }

    /// The application's own page that confirms a new address: the token is in its fragment, `#token=…`.
    #[must_use]
    pub fn confirm_email_page(mut self, page: PublicUrl) -> Self {
        self.confirm_email_page = Some(page);
        self
    }

    /// The application's own page that takes the change of an address back: the token is in its fragment, `#token=…`.
    #[must_use]
    pub fn revert_email_page(mut self, page: PublicUrl) -> Self {
        self.revert_email_page = Some(page);
        self
    }

    /// How long tokens that confirm a new address and that take a change back live, in seconds, for the text of the mails.
    /// Default 3600, and seven days.
    #[must_use]
    pub const fn email_change_lifetimes(mut self, change: u64, revert: u64) -> Self {
        self.email_change_lifetime = change;
        self.email_revert_lifetime = revert;
        self
    }

    /// How long reset and verification tokens live, in seconds, for the text of the mails. Default 3600 each.
    #[must_use]
    pub const fn lifetimes(mut self, reset: u64, verification: u64) -> Self {
        self.reset_lifetime = reset;
        self.verification_lifetime = verification;
        self
    }

    fn link(&self, own_page: Option<&PublicUrl>, path: &str, token: &str) -> String {
        own_page.map_or_else(|| self.public_url.link(path, token), |page| page.link("", token))
    }

    fn render(
        &self,
        kind: MailKind,
        email: &str,
        link: String,
        lifetime: u64,
        cx: &Context,
    ) -> Result<Mail, TemplateError> {
        let lifetime_minutes = lifetime.div_ceil(60);
        self.write(kind, email, MailValues { link, lifetime_minutes, ..MailValues::default() }, cx)
    }

    /// A mail about something that was done, with a link to where the recipient can sign in.
    fn notice(
        &self,
        kind: MailKind,
        email: &str,
        provider: &str,
        cx: &Context,
    ) -> Result<Mail, TemplateError> {
        let (link, provider) = (self.public_url.page("/"), provider.to_owned());
        self.write(kind, email, MailValues { link, provider, ..MailValues::default() }, cx)
    }

    fn write(
        &self,
        kind: MailKind,
        email: &str,
        values: MailValues,
        cx: &Context,
    ) -> Result<Mail, TemplateError> {
        let values = MailValues { product: self.product.clone(), email: email.to_owned(), ..values };
        // A mail that is sent twice is known as one by its Message-ID.
        let templates = self.templates.in_language(cx.language().unwrap_or_default());
        Ok(Mail { id: cx.job_id(), ..templates.render(kind, &values)? })
    }
}

impl<P: Profile, M: Mailer> Hooks<P> for EmailHooks<M> {
    async fn after_forgot_password(&self, user: &User<P>, token: &str, cx: &Context) -> HookResult {
        let link = self.link(self.reset_page.as_ref(), "/reset-password", token);
        let mail = self.render(MailKind::ResetPassword, &user.email, link, self.reset_lifetime, cx)?;
        Ok(self.mailer.send(mail).await?)
    }

    async fn after_request_verify(&self, user: &User<P>, token: &str, cx: &Context) -> HookResult {
        let link = self.link(self.verify_page.as_ref(), "/verify-email", token);
        let mail = self.render(MailKind::VerifyEmail, &user.email, link, self.verification_lifetime, cx)?;
        Ok(self.mailer.send(mail).await?)
    }

    async fn after_login_from_new_device(&self, user: &User<P>, cx: &Context) -> HookResult {
        let mail = self.notice(MailKind::NewDevice, &user.email, "", cx)?;
        Ok(self.mailer.send(mail).await?)
    }

    async fn after_login_limited(&self, user: &User<P>, cx: &Context) -> HookResult {
        let mail = self.notice(MailKind::LoginLimited, &user.email, "", cx)?;
        Ok(self.mailer.send(mail).await?)
    }

    async fn after_duplicate_registration(&self, user: &User<P>, cx: &Context) -> HookResult {
        let mail = self.notice(MailKind::AlreadyRegistered, &user.email, "", cx)?;
        Ok(self.mailer.send(mail).await?)
    }

    async fn after_request_email_change(
        &self,
        _: &User<P>,
        new_email: &str,
        token: &str,
        cx: &Context,
    ) -> HookResult {
        let link = self.link(self.confirm_email_page.as_ref(), "/confirm-email", token);
        let mail = self.render(MailKind::ConfirmEmail, new_email, link, self.email_change_lifetime, cx)?;
        Ok(self.mailer.send(mail).await?)
    }

    async fn after_duplicate_email_change(&self, user: &User<P>, cx: &Context) -> HookResult {
        let mail = self.notice(MailKind::EmailInUse, &user.email, "", cx)?;
        Ok(self.mailer.send(mail).await?)
    }

    async fn after_email_change(
        &self,
        _: &User<P>,
        old_email: &str,
        revert_token: Option<&str>,
        cx: &Context,
    ) -> HookResult {
        let link = |token| self.link(self.revert_email_page.as_ref(), "/revert-email", token);
        let link = revert_token.map(link).unwrap_or_default();
        let mail = self.render(MailKind::EmailChanged, old_email, link, self.email_revert_lifetime, cx)?;
        Ok(self.mailer.send(mail).await?)
    }

    async fn after_password_change(&self, user: &User<P>, cx: &Context) -> HookResult {
        let mail = self.notice(MailKind::PasswordChanged, &user.email, "", cx)?;
        Ok(self.mailer.send(mail).await?)
    }

    async fn after_account_link(&self, user: &User<P>, oauth_name: &str, cx: &Context) -> HookResult {
        let mail = self.notice(MailKind::AccountLinked, &user.email, oauth_name, cx)?;
        Ok(self.mailer.send(mail).await?)
    }

    async fn after_account_unlink(&self, user: &User<P>, oauth_name: &str, cx: &Context) -> HookResult {
        let mail = self.notice(MailKind::AccountUnlinked, &user.email, oauth_name, cx)?;
        Ok(self.mailer.send(mail).await?)
    }
}

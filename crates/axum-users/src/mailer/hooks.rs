use super::{Mail, MailKind, MailValues, Mailer, TemplateError, Templates};
use crate::{Context, HookResult, Hooks, Profile, PublicUrl, User};

/// Hooks that mail people what they asked for: the link to reset a password, the link to verify an address; and the notices that
/// somebody registered their address again, or tried too many wrong passwords.
///
/// Mails go to the stored address only, and links start with the configured URL only: no request can change either.
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
    reset_lifetime: u64,
    verification_lifetime: u64,
}

impl<M: Mailer> EmailHooks<M> {
    /// Links lead to the pages `/reset-password` and `/verify-email` under this URL, with the token in the fragment.
    pub fn new(mailer: M, public_url: PublicUrl) -> Self {
        Self {
            mailer,
            templates: Templates::built_in(),
            product: "axum-users".to_owned(),
            public_url,
            reset_page: None,
            verify_page: None,
            reset_lifetime: 3600,
            verification_lifetime: 3600,
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
        let values = MailValues {
            product: self.product.clone(),
            email: email.to_owned(),
            link,
            lifetime_minutes: lifetime.div_ceil(60),
            ..MailValues::default()
        };
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

    async fn after_login_limited(&self, user: &User<P>, cx: &Context) -> HookResult {
        let link = self.public_url.page("/");
        let mail = self.render(MailKind::LoginLimited, &user.email, link, 0, cx)?;
        Ok(self.mailer.send(mail).await?)
    }

    async fn after_duplicate_registration(&self, user: &User<P>, cx: &Context) -> HookResult {
        let link = self.public_url.page("/");
        let mail = self.render(MailKind::AlreadyRegistered, &user.email, link, 0, cx)?;
        Ok(self.mailer.send(mail).await?)
    }
}

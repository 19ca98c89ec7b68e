use std::io::{BufRead, IsTerminal, Write};

use anyhow::{Context as _, bail};
use axum_users::{Context, CreateUser, UpdateUser, User, UserError, UserManager};

use crate::{
    args::{self, Password},
    assemble,
    config::Config,
    data::Data,
    profile::Configured,
};

/// Creates, shows and changes users, also beside a running server.
pub async fn run(config: &Config, command: args::User) -> anyhow::Result<()> {
    let data = Data::open(config)?;
    let users = assemble::users(config, &data, "http://127.0.0.1").await?;
    let done = obey(&users.manager(), command).await;
    users.write_events().await;
    done
}

async fn obey(manager: &Manager, command: args::User) -> anyhow::Result<()> {
    let cx = Context::none();
    match command {
        args::User::Create { email, superuser, verified, fields, password, output } => {
            let profile = Configured::from_pairs(&fields)?;
            let password = password.read()?;
            let user = CreateUser {
                is_superuser: superuser,
                is_verified: verified,
                ..CreateUser::new(email, password, profile)
            };
            let user = manager.create(user, &cx).await.map_err(explain)?;
            show(&[user], output.json)
        }
        args::User::List { after, limit, output } => {
            let after = after
                .map(|id| manager.parse_id(&id).context("--after takes the id of a user"))
                .transpose()?;
            show(&manager.list(after.as_ref(), limit).await.map_err(explain)?, output.json)
        }
        args::User::Show { user, output } => show(&[find(manager, &user.user).await?], output.json),
        args::User::SetPassword { user, password } => {
            let user = find(manager, &user.user).await?;
            let password = Some(password.read()?);
            change(manager, &user, UpdateUser { password, ..UpdateUser::default() }, "has a new password")
                .await
        }
        args::User::Promote { user, demote } => {
            let user = find(manager, &user.user).await?;
            let update = UpdateUser { is_superuser: Some(!demote), ..UpdateUser::default() };
            let done = if demote { "is no longer a superuser" } else { "is a superuser" };
            change(manager, &user, update, done).await
        }
        args::User::Deactivate { user, activate } => {
            let user = find(manager, &user.user).await?;
            let update = UpdateUser { is_active: Some(activate), ..UpdateUser::default() };
            change(manager, &user, update, if activate { "is active" } else { "is locked out" }).await
        }
        args::User::Delete { user, yes } => {
            let user = find(manager, &user.user).await?;
            if !yes && !confirmed(&format!("Delete {} with all that belongs to them?", user.email))? {
                bail!("nothing was deleted");
            }
            manager.delete(&user, &cx).await.map_err(explain)?;
            super::print(&format!("{} was deleted", user.email));
            Ok(())
        }
    }
}

type Manager = UserManager<Configured>;

async fn find(manager: &Manager, who: &str) -> anyhow::Result<User<Configured>> {
    let found = match manager.parse_id(who) {
        Some(id) => manager.get(&id).await,
        None => manager.get_by_email(who).await,
    };
    found.map_err(|error| match error {
        UserError::NotFound => anyhow::anyhow!("there is no user {who}"),
        other => explain(other),
    })
}

async fn change(
    manager: &Manager,
    user: &User<Configured>,
    update: UpdateUser<Configured>,
    done: &str,
) -> anyhow::Result<()> {
    let user = manager.update(user, update, &Context::none()).await.map_err(explain)?;
    super::print(&format!("{} {done}", user.email));
    Ok(())
}

fn explain(error: UserError) -> anyhow::Error {
    anyhow::Error::new(error)
}

fn show(users: &[User<Configured>], json: bool) -> anyhow::Result<()> {
    for user in users {
        if json {
            super::print(&serde_json::to_string(user)?);
            continue;
        }
        let flags =
            [(!user.is_active, "inactive"), (user.is_superuser, "superuser"), (user.is_verified, "verified")];
        let flags: Vec<&str> = flags.into_iter().filter_map(|(is, name)| is.then_some(name)).collect();
        super::print(format!("{}  {}  {}", user.id, user.email, flags.join(", ")).trim_end());
    }
    Ok(())
}

impl Password {
    /// From the standard input, or from a prompt that does not show it; asked twice.
    fn read(&self) -> anyhow::Result<String> {
        if self.password_stdin {
            let mut line = String::new();
            std::io::stdin().lock().read_line(&mut line).context("no password came on the standard input")?;
            let password = line.strip_suffix('\n').unwrap_or(&line);
            return Ok(password.strip_suffix('\r').unwrap_or(password).to_owned());
        }
        if !std::io::stdin().is_terminal() {
            bail!(
                "there is no terminal to ask for a password: give it on the standard input with --password-stdin"
            );
        }
        let password = rpassword::prompt_password("Password: ").context("no password was typed")?;
        let again = rpassword::prompt_password("Again: ").context("no password was typed")?;
        if password != again {
            bail!("the two passwords differ");
        }
        Ok(password)
    }
}

fn confirmed(question: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("there is no terminal to ask: add --yes to delete without asking");
    }
    let mut error = std::io::stderr().lock();
    write!(error, "{question} [y/N] ")
        .and_then(|()| error.flush())
        .context("the question cannot be shown")?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("there was no answer")?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}

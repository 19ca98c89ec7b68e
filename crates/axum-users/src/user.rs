//! A user, and what creates and changes one.

use serde::Serialize;

use crate::{
    NoProfile, PasswordHash, Profile,
    value::{ColumnError, Fields, Row},
};

/// A user: what every user has, and the application's [`profile`](User::profile).
///
/// Serialising gives the public representation: never the password hash, and of the profile what its serde
/// attributes show.
#[derive(Clone, Debug, Serialize)]
#[serde(bound = "")]
pub struct User<P: Profile = NoProfile> {
    /// The id.
    pub id: P::Id,
    /// The normalised e-mail address; unique without regard to case.
    pub email: String,
    /// The hash of the password.
    #[serde(skip)]
    pub hashed_password: PasswordHash,
    /// Inactive users cannot log in, and their tokens are refused.
    pub is_active: bool,
    /// Superusers manage all users.
    pub is_superuser: bool,
    /// Whether the user has shown that the address is theirs.
    pub is_verified: bool,
    /// The application's own fields.
    #[serde(flatten)]
    pub profile: P,
}

impl<P: Profile> User<P> {
    /// Reads what a store keeps of a user, in this order: `id`, `email`, `hashed_password`, `is_active`, `is_superuser`,
    /// `is_verified`, and the columns of the profile. For stores of one's own.
    ///
    /// # Errors
    /// [`ColumnError`] when a stored value has another type than its column.
    pub fn from_row(row: &mut Row) -> Result<Self, ColumnError> {
        Ok(Self {
            id: row.read("id")?,
            email: row.read("email")?,
            hashed_password: PasswordHash::new(row.read::<String>("hashed_password")?),
            is_active: row.read("is_active")?,
            is_superuser: row.read("is_superuser")?,
            is_verified: row.read("is_verified")?,
            profile: P::from_row(row)?,
        })
    }
}

/// A user to insert into a store.
#[derive(Clone, Debug)]
pub struct NewUser<P: Profile = NoProfile> {
    /// The id; `None` when the database assigns it.
    pub id: Option<P::Id>,
    /// The normalised e-mail address.
    pub email: String,
    /// The hash of the password.
    pub hashed_password: PasswordHash,
    /// See [`User::is_active`].
    pub is_active: bool,
    /// See [`User::is_superuser`].
    pub is_superuser: bool,
    /// See [`User::is_verified`].
    pub is_verified: bool,
    /// The application's own fields.
    pub profile: P,
}

/// A user to create, as the application or a person registering describes it.
#[derive(Clone)]
pub struct CreateUser<P: Profile = NoProfile> {
    /// The e-mail address, in any form the policy accepts.
    pub email: String,
    /// The password in clear text.
    pub password: String,
    /// Honoured only by the privileged [`create`](crate::UserManager::create).
    pub is_active: bool,
    /// Honoured only by the privileged [`create`](crate::UserManager::create).
    pub is_superuser: bool,
    /// Honoured only by the privileged [`create`](crate::UserManager::create).
    pub is_verified: bool,
    /// The application's own fields.
    pub profile: P,
}

impl<P: Profile> CreateUser<P> {
    /// An active user who is neither verified nor a superuser.
    pub fn new(email: impl Into<String>, password: impl Into<String>, profile: P) -> Self {
        Self {
            email: email.into(),
            password: password.into(),
            is_active: true,
            is_superuser: false,
            is_verified: false,
            profile,
        }
    }
}

impl<P: Profile> std::fmt::Debug for CreateUser<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreateUser")
            .field("email", &self.email)
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

/// Changes to a user: what is `None` stays as it is.
#[derive(Clone)]
pub struct UpdateUser<P: Profile = NoProfile> {
    /// A new e-mail address. It is unverified until shown otherwise.
    pub email: Option<String>,
    /// A new password in clear text.
    pub password: Option<String>,
    /// Honoured only by the privileged [`update`](crate::UserManager::update).
    pub is_active: Option<bool>,
    /// Honoured only by the privileged [`update`](crate::UserManager::update).
    pub is_superuser: Option<bool>,
    /// Honoured only by the privileged [`update`](crate::UserManager::update).
    pub is_verified: Option<bool>,
    /// Changes to the application's own fields.
    pub profile: P::Patch,
}

impl<P: Profile> Default for UpdateUser<P> {
    fn default() -> Self {
        Self {
            email: None,
            password: None,
            is_active: None,
            is_superuser: None,
            is_verified: None,
            profile: P::Patch::default(),
        }
    }
}

impl<P: Profile> std::fmt::Debug for UpdateUser<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UpdateUser")
            .field("email", &self.email)
            .field("password", &self.password.as_ref().map(|_| "[redacted]"))
            .field("is_active", &self.is_active)
            .field("is_superuser", &self.is_superuser)
            .field("is_verified", &self.is_verified)
            .field("profile", &self.profile)
            .finish()
    }
}

/// What a store writes in one statement, and the condition under which it does.
///
/// Hooks see it after an update: it tells which columns changed and never holds a clear-text password.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// A new normalised e-mail address.
    pub email: Option<String>,
    /// A new password hash.
    pub hashed_password: Option<PasswordHash>,
    /// See [`User::is_active`].
    pub is_active: Option<bool>,
    /// See [`User::is_superuser`].
    pub is_superuser: Option<bool>,
    /// See [`User::is_verified`].
    pub is_verified: Option<bool>,
    /// Columns of the profile.
    pub profile: Fields,
    /// Write only while the stored hash is still this one (compare-and-set).
    pub if_password_is: Option<PasswordHash>,
    /// Write only while the stored address is still exactly this one.
    pub if_email_is: Option<String>,
    /// In the same transaction, remove the stored tokens of the user.
    pub end_sessions: bool,
}

impl Changes {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.email.is_none()
            && self.hashed_password.is_none()
            && self.is_active.is_none()
            && self.is_superuser.is_none()
            && self.is_verified.is_none()
            && self.profile.is_empty()
            && !self.end_sessions
    }

    /// Writes the changes into a user, for stores that keep users in memory.
    ///
    /// # Errors
    /// [`ColumnError`] when a value does not fit its column.
    pub fn apply<P: Profile>(&self, user: &mut User<P>) -> Result<(), ColumnError> {
        if !self.profile.is_empty() {
            let mut values = user.profile.clone().into_values();
            for (name, value) in self.profile.iter() {
                let position = P::columns().iter().position(|column| column.name == name);
                let slot = position.and_then(|position| values.get_mut(position));
                *slot.ok_or(ColumnError { column: name })? = value.clone();
            }
            user.profile = P::from_row(&mut Row::new(values))?;
        }
        if let Some(email) = &self.email {
            user.email.clone_from(email);
        }
        if let Some(hash) = &self.hashed_password {
            user.hashed_password.clone_from(hash);
        }
        user.is_active = self.is_active.unwrap_or(user.is_active);
        user.is_superuser = self.is_superuser.unwrap_or(user.is_superuser);
        user.is_verified = self.is_verified.unwrap_or(user.is_verified);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Column, ColumnType, Kind, Value};

    #[derive(Clone, Debug, Serialize, serde::Deserialize)]
    struct Named {
        name: String,
    }

    #[derive(Clone, Debug, Default, serde::Deserialize)]
    struct NoChange {}

    impl From<NoChange> for Fields {
        fn from(_: NoChange) -> Self {
            Self::default()
        }
    }

    impl Profile for Named {
        type Id = uuid::Uuid;
        type Patch = NoChange;

        fn columns() -> &'static [Column] {
            const COLUMNS: &[Column] = &[Column {
                name: "name",
                json: "name",
                kind: Kind::Text,
                nullable: false,
                access: crate::value::Access::ReadWrite,
                required: true,
                description: "",
            }];
            COLUMNS
        }
        fn into_values(self) -> Vec<Value> {
            vec![self.name.into_value()]
        }
        fn from_row(row: &mut Row) -> Result<Self, ColumnError> {
            Ok(Self { name: row.read("name")? })
        }
    }

    fn user() -> User<Named> {
        User {
            id: uuid::Uuid::from_u128(1),
            email: "king.arthur@camelot.bt".to_owned(),
            hashed_password: PasswordHash::new("$argon2id$secret"),
            is_active: true,
            is_superuser: false,
            is_verified: true,
            profile: Named { name: "Arthur".to_owned() },
        }
    }

    #[test]
    fn lgs_1_a_user_shows_neither_hash_nor_password() {
        let shown = serde_json::to_string(&user()).unwrap();
        let expected = r#"{"id":"00000000-0000-0000-0000-000000000001","email":"king.arthur@camelot.bt","is_active":true,"is_superuser":false,"is_verified":true,"name":"Arthur"}"#;
        assert_eq!(shown, expected);
        let create = CreateUser::new("king.arthur@camelot.bt", "guinevere", user().profile);
        let update: UpdateUser<Named> =
            UpdateUser { password: Some("guinevere".into()), ..UpdateUser::default() };
        let shown = format!("{:?} {create:?} {update:?}", user());
        assert!(!shown.contains("secret") && !shown.contains("guinevere"), "{shown}");
    }

    #[test]
    fn changes_write_what_they_hold_and_nothing_else() {
        let mut fields = Fields::default();
        fields.push("name", "Art".to_owned());
        let changes = Changes { is_verified: Some(false), profile: fields, ..Changes::default() };
        let mut changed = user();
        changes.apply(&mut changed).unwrap();
        assert_eq!((changed.profile.name.as_str(), changed.is_verified), ("Art", false));
        assert_eq!((changed.email, changed.is_active), (user().email, true));

        let mut unknown = Fields::default();
        unknown.push("title", "King".to_owned());
        let changes = Changes { profile: unknown, is_active: Some(false), ..Changes::default() };
        let mut unchanged = user();
        assert_eq!(changes.apply(&mut unchanged).unwrap_err().column, "title");
        assert!(unchanged.is_active, "all or nothing");
    }

    #[test]
    fn conditions_alone_are_no_change() {
        let condition = Changes { if_email_is: Some("x".into()), ..Changes::default() };
        assert!(Changes::default().is_empty() && condition.is_empty());
        assert!(!Changes { end_sessions: true, ..Changes::default() }.is_empty());
        assert!(!Changes { is_active: Some(true), ..Changes::default() }.is_empty());
    }
}

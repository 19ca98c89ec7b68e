//! The OpenAPI 3.1 document: built from the columns, the policy and the backends that the routes work with.
//!
//! There is one function per router, and [`Users::openapi`] for [`Users::routes`]. Operation ids and the names of
//! schemas are those that FastAPI gives to the routes of fastapi-users, so that generated clients keep their names.

mod auth;
mod change_email;
#[cfg(feature = "oauth")]
mod oauth;
mod operation;
mod register;
mod reset;
mod response;
mod schema;
mod security;
mod users;
mod validation;
mod verify;

use utoipa::openapi::{Components, Info, OpenApi, Paths, RefOr, path::Operation, schema::Schema};

use self::operation::Route;
use crate::{Profile, Users};

impl<P: Profile> Users<P> {
    /// The document of [`routes`](Self::routes).
    ///
    /// ```
    /// use axum::{Json, Router, routing::get};
    /// use axum_users::{Backend, Bearer, Jwt, MemoryStore, Users};
    ///
    /// let secret = "5f3c0b9a77e14d2c8e6f1a2b3c4d5e6f"; // yours from the environment
    /// let users: Users = Users::builder(MemoryStore::new(), secret)
    ///     .backend(Backend::new("jwt", Bearer, Jwt::new(secret)))
    ///     .build()?;
    ///
    /// let document = users.openapi();
    /// let app: Router = Router::new()
    ///     .route("/openapi.json", get(async move || Json(document)))
    ///     .merge(users.routes());
    /// # Ok::<(), axum_users::BuildError>(())
    /// ```
    ///
    /// An application with a document of its own merges this one into it, or nests it where it nests the routes.
    /// One that mounts routers alone merges their parts instead, each made for the path of its router:
    ///
    /// ```
    /// use axum::Router;
    /// use axum_users::{Backend, Bearer, Jwt, MemoryStore, Users};
    /// use utoipa::openapi::{Info, OpenApi, Paths};
    ///
    /// let secret = "5f3c0b9a77e14d2c8e6f1a2b3c4d5e6f";
    /// let jwt = Backend::new("jwt", Bearer, Jwt::new(secret)).prefix("/session");
    /// let users: Users = Users::builder(MemoryStore::new(), secret).backend(jwt.clone()).build()?;
    ///
    /// // Only login, logout and registering, below /api.
    /// let app: Router = Router::new().nest(
    ///     "/api",
    ///     Router::new().nest("/session", users.auth_router(&jwt)).nest("/accounts", users.register_router()),
    /// );
    /// let parts = users.auth_openapi(&jwt).merge_from(users.register_openapi("/accounts"));
    /// let document = OpenApi::new(Info::new("Camelot", "1.0.0"), Paths::new()).nest("/api", parts);
    ///
    /// let paths: Vec<_> = document.paths.paths.keys().collect();
    /// assert_eq!(paths, ["/api/accounts/register", "/api/session/login", "/api/session/logout"]);
    /// # Ok::<(), axum_users::BuildError>(())
    /// ```
    ///
    /// Title and version are placeholders: set `info` to the application's own. The token URL of bearer backends is
    /// relative to the document's server (OpenAPI 3.1 §4.6).
    pub fn openapi(&self) -> OpenApi {
        let backends = self.backends().iter().map(|backend| self.auth_openapi(backend));
        let others = [
            self.register_openapi("/auth"),
            self.reset_openapi("/auth"),
            self.verify_openapi("/auth"),
            self.change_email_openapi("/auth"),
            self.users_openapi("/users"),
        ];
        let document = backends.chain(others).fold(Part::new(self).document(), OpenApi::merge_from);
        #[cfg(feature = "oauth")]
        let document = self.add_oauth_openapi(document);
        document
    }
}

/// What one router adds to a document.
struct Part {
    paths: Paths,
    components: Components,
}

impl Part {
    /// No routes yet, but the schemas that every router's errors refer to.
    fn new<P: Profile>(users: &Users<P>) -> Self {
        let mut part = Self { paths: Paths::new(), components: Components::new() };
        for (name, schema) in validation::schemas(users.policy()) {
            part.schema(name, schema);
        }
        part
    }

    fn schema(&mut self, name: impl Into<String>, schema: impl Into<RefOr<Schema>>) {
        self.components.schemas.insert(name.into(), schema.into());
    }

    fn route(&mut self, route: &Route<'_>, operation: impl Into<Operation>) {
        self.paths.add_path_operation(&route.path, vec![route.method.clone()], operation.into());
    }

    fn document(self) -> OpenApi {
        let mut document = OpenApi::new(Info::new("Users", "1.0.0"), self.paths);
        document.components = Some(self.components);
        document
    }
}

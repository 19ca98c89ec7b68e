//! Users written straight into the database.

use serde_json::json;

use super::super::{jwt, server::Server, settings::Secrets, variables::Variables};

/// The hash of `guinevere`, the password of seeded users, with the parameters of new hashes. Made with argon2-cffi, as all hashes here.
pub(crate) const HASH: &str =
    "$argon2id$v=19$m=65536,t=3,p=4$MDEyMzQ1Njc4OWFiY2RlZg$pe3YdBRKK6IHmVouEMF04cgqISDgNKzq6CbSwCFt2d0";

/// The hash of that hash, as reset tokens hold it, with cheap parameters.
const FINGERPRINT: &str =
    "$argon2id$v=19$m=8,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$in8f7LV4xoKHn6kCfrXFrT2ZL2nwHWI064hI2M45N30";

pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) is_active: bool,
    pub(crate) is_superuser: bool,
    pub(crate) is_verified: bool,
    pub(crate) hash: &'static str,
}

impl Person {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { name, is_active: true, is_superuser: false, is_verified: false, hash: HASH }
    }

    /// Writes the user with a session token, both with values that follow from the scenario's number.
    pub(in super::super) async fn seed(
        &self,
        server: &Server,
        variables: &mut Variables,
    ) -> anyhow::Result<()> {
        let Self { name, hash, .. } = self;
        let unique = variables.fill("<unique>");
        let number: u32 = unique.trim_start_matches('u').parse()?;
        let position = name.bytes().fold(0_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 997);
        let id = match server.id_type {
            "integer" => (number * 1000 + position).to_string(),
            "object_id" => format!("{number:08x}face4000{position:08x}"),
            _ => format!("{number:08x}-face-4000-8000-{position:012x}"),
        };
        let email = format!("{name}.{unique}@example.com");
        let session = format!("{name:-<20}{unique:-<23}");
        let mut columns = vec![
            ("id", json!(id)),
            ("email", json!(email)),
            ("hashed_password", json!(hash)),
            ("is_active", json!(self.is_active)),
            ("is_superuser", json!(self.is_superuser)),
            ("is_verified", json!(self.is_verified)),
        ];
        columns.extend(server.fields.iter().map(|field| (*field, json!("Arthur"))));
        server.database.insert_user(&columns).await?;
        if server.has_tokens {
            server.database.insert_token(&session, &id).await?;
        }
        let claims = json!({"sub": id, "aud": ["fastapi-users:auth"], "exp": jwt::in_seconds(3600)});
        let header = json!({"alg": "HS256", "typ": "JWT"});
        let token = jwt::sign(&header, &claims.to_string(), Secrets::SHARED.jwt)?;
        if server.id_type != "integer" {
            variables.own(&format!("{name}.upper"), id.to_uppercase());
            variables.own(&format!("{name}.tail"), id.replace('-', "").split_off(2));
        }
        variables.own(&format!("{name}.id"), id);
        variables.own(&format!("{name}.jwt"), token);
        variables.own(&format!("{name}.session"), session);
        variables.own(&format!("{name}.hash"), *hash);
        variables.own(&format!("{name}.fingerprint"), FINGERPRINT);
        variables.shared(&format!("{name}.email"), email);
        Ok(())
    }
}

//! What serde's and our own attributes say about a struct and its fields.

use syn::{Attribute, Error, Expr, ExprLit, Lit, LitStr, Result, Token, Type, meta::ParseNestedMeta};

/// The attributes of the struct.
#[derive(Default)]
pub(crate) struct Container {
    pub(crate) id: Option<Type>,
    rename_all: Option<String>,
    pub(crate) default: bool,
}

/// The attributes of a field.
#[derive(Default)]
pub(crate) struct Field {
    pub(crate) column: Option<String>,
    pub(crate) rename: Option<String>,
    pub(crate) skip_serializing: bool,
    pub(crate) skip_deserializing: bool,
    pub(crate) default: bool,
    /// Whether answers may lack it (`skip_serializing_if`).
    pub(crate) may_be_left_out: bool,
    pub(crate) description: String,
}

/// Serde's attributes of a struct that change nothing of what its fields are called and look like.
const HARMLESS: [&str; 4] = ["bound", "crate", "deny_unknown_fields", "expecting"];

impl Container {
    pub(crate) fn parse(attributes: &[Attribute]) -> Result<Self> {
        let mut container = Self::default();
        for attribute in attributes {
            if attribute.path().is_ident("profile") {
                attribute.parse_nested_meta(|meta| {
                    if !meta.path.is_ident("id") {
                        return Err(meta.error("expected `id = Type`"));
                    }
                    container.id = Some(meta.value()?.parse()?);
                    Ok(())
                })?;
            } else if attribute.path().is_ident("serde") {
                attribute.parse_nested_meta(|meta| {
                    if meta.path.is_ident("rename_all") {
                        container.rename_all = Some(one_name(&meta)?);
                    } else if meta.path.is_ident("default") {
                        container.default = true;
                        skip_value(&meta)?;
                    } else if HARMLESS.iter().any(|name| meta.path.is_ident(name)) {
                        skip_value(&meta)?;
                    } else {
                        return Err(unsupported(&meta, "a profile", "Rules over several fields are `Hooks`"));
                    }
                    Ok(())
                })?;
            }
        }
        Ok(container)
    }

    /// The JSON name of a field, as serde makes it.
    pub(crate) fn json_name(&self, field: &str) -> String {
        match self.rename_all.as_deref() {
            Some("PascalCase") => pascal_case(field),
            Some("camelCase") => {
                let pascal = pascal_case(field);
                let (first, rest) = pascal.split_at_checked(1).unwrap_or(("", &pascal));
                format!("{}{rest}", first.to_ascii_lowercase())
            }
            Some("SCREAMING_SNAKE_CASE" | "UPPERCASE") => field.to_ascii_uppercase(),
            Some("kebab-case") => field.replace('_', "-"),
            Some("SCREAMING-KEBAB-CASE") => field.to_ascii_uppercase().replace('_', "-"),
            _ => field.to_owned(),
        }
    }
}

fn pascal_case(field: &str) -> String {
    let mut pascal = String::new();
    let mut starts_word = true;
    for character in field.chars() {
        match character {
            '_' => starts_word = true,
            _ if std::mem::take(&mut starts_word) => pascal.push(character.to_ascii_uppercase()),
            _ => pascal.push(character),
        }
    }
    pascal
}

impl Field {
    pub(crate) fn parse(attributes: &[Attribute]) -> Result<Self> {
        let mut field = Self::default();
        for attribute in attributes {
            if attribute.path().is_ident("doc") {
                field.add_description(attribute);
            } else if attribute.path().is_ident("profile") {
                attribute.parse_nested_meta(|meta| {
                    if !meta.path.is_ident("column") {
                        return Err(meta.error("expected `column = \"name\"`"));
                    }
                    field.column = Some(meta.value()?.parse::<LitStr>()?.value());
                    Ok(())
                })?;
            } else if attribute.path().is_ident("serde") {
                attribute.parse_nested_meta(|meta| field.serde(&meta))?;
            }
        }
        Ok(field)
    }

    fn serde(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let Some(name) = meta.path.get_ident().map(ToString::to_string) else { return skip_value(meta) };
        match name.as_str() {
            "skip" => {
                self.skip_serializing = true;
                self.skip_deserializing = true;
            }
            "skip_serializing" => self.skip_serializing = true,
            "skip_deserializing" => self.skip_deserializing = true,
            "rename" => self.rename = Some(one_name(meta)?),
            "default" => {
                self.default = true;
                skip_value(meta)?;
            }
            "skip_serializing_if" => {
                self.may_be_left_out = true;
                skip_value(meta)?;
            }
            _ => {
                let instead = "Use a newtype that implements `ColumnType` and serde itself";
                return Err(unsupported(meta, "a field of a profile", instead));
            }
        }
        Ok(())
    }

    fn add_description(&mut self, attribute: &Attribute) {
        let syn::Meta::NameValue(pair) = &attribute.meta else { return };
        if let Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) = &pair.value {
            let separator = if self.description.is_empty() { "" } else { " " };
            self.description = format!("{}{separator}{}", self.description, line.value().trim());
        }
    }
}

fn unsupported(meta: &ParseNestedMeta<'_>, place: &str, instead: &str) -> Error {
    let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
    let message = format!(
        "`{name}` is not supported on {place}: columns, patch and OpenAPI document could not follow it. {instead}"
    );
    Error::new_spanned(&meta.path, message)
}

/// `name = "text"`. Different names in requests and answers (`name(serialize = …)`) would need two columns.
fn one_name(meta: &ParseNestedMeta<'_>) -> Result<String> {
    if meta.input.peek(Token![=]) {
        return Ok(meta.value()?.parse::<LitStr>()?.value());
    }
    Err(meta.error("a field of a profile has one name, in requests and answers: `= \"name\"`"))
}

/// Reads past ` = value` or `(…)`, if there is one.
fn skip_value(meta: &ParseNestedMeta<'_>) -> Result<()> {
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<Expr>()?;
    } else if meta.input.peek(syn::token::Paren) {
        meta.parse_nested_meta(|inner| skip_value(&inner))?;
    }
    Ok(())
}

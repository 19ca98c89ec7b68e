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
    pub(crate) description: String,
}

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
                    } else {
                        skip_value(&meta)?;
                    }
                    Ok(())
                })?;
            }
        }
        Ok(container)
    }

    /// The JSON name of a field, as serde makes it.
    pub(crate) fn json_name(&self, field: &str) -> String {
        let words: Vec<&str> = field.split('_').filter(|word| !word.is_empty()).collect();
        let capitalised = |word: &&str| {
            let mut characters = word.chars();
            characters
                .next()
                .map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
        };
        match self.rename_all.as_deref() {
            Some("camelCase") => {
                let rest: String = words.iter().skip(1).map(capitalised).collect();
                format!("{}{rest}", words.first().copied().unwrap_or_default())
            }
            Some("PascalCase") => words.iter().map(capitalised).collect(),
            Some("SCREAMING_SNAKE_CASE" | "UPPERCASE") => field.to_uppercase(),
            Some("kebab-case") => field.replace('_', "-"),
            Some("SCREAMING-KEBAB-CASE") => field.to_uppercase().replace('_', "-"),
            _ => field.to_owned(),
        }
    }
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
            "skip_serializing_if" | "alias" => skip_value(meta)?,
            other => {
                return Err(Error::new_spanned(
                    &meta.path,
                    format!(
                        "`{other}` is not supported on a field of a profile: the column, the patch and the OpenAPI \
                         document could not follow it. Use a newtype that implements `ColumnType` and serde itself"
                    ),
                ));
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

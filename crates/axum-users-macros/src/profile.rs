//! What `#[derive(Profile)]` writes.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Data, DeriveInput, Error, Fields, Ident, Result, Type, Visibility, spanned::Spanned};

use crate::attributes::{Container, Field};

/// The columns every user has: a profile cannot have them too.
const CORE: [&str; 6] = ["id", "email", "hashed_password", "is_active", "is_superuser", "is_verified"];

/// What requests say of every user beside them.
const IN_BODIES: [&str; 2] = ["password", "current_password"];

struct Column<'a> {
    ident: &'a Ident,
    visibility: &'a Visibility,
    ty: &'a Type,
    name: String,
    json: String,
    field: Field,
}

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let container = Container::parse(&input.attrs)?;
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(&input.generics, "a profile has no generic parameters"));
    }
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(&input.ident, "a profile is a struct with named fields"));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new_spanned(&input.ident, "a profile is a struct with named fields"));
    };
    let columns = fields.named.iter().map(|field| column(field, &container)).collect::<Result<Vec<_>>>()?;
    check_names(&columns)?;
    Ok(implementation(input, &container, &columns))
}

/// Databases do not tell apart column names by case, JSON does.
fn check_names(columns: &[Column<'_>]) -> Result<()> {
    for (position, column) in columns.iter().enumerate() {
        let Column { ident, name, json, .. } = column;
        let of_every_user = |name: &str| CORE.contains(&name) || IN_BODIES.contains(&name);
        if name.is_empty() || json.is_empty() {
            return Err(Error::new_spanned(ident, "a column and its JSON field need a name"));
        }
        for taken in [&name.to_ascii_lowercase(), json] {
            if of_every_user(taken) {
                return Err(Error::new_spanned(ident, format!("every user has `{taken}` already")));
            }
        }
        for other in columns.iter().take(position) {
            if other.name.eq_ignore_ascii_case(name) || other.json == *json {
                let message = format!("`{}` has this name already, as a column or in JSON", other.ident);
                return Err(Error::new_spanned(ident, message));
            }
        }
    }
    Ok(())
}

fn column<'a>(field: &'a syn::Field, container: &Container) -> Result<Column<'a>> {
    let Some(ident) = &field.ident else { return Err(Error::new_spanned(field, "a field needs a name")) };
    let attributes = Field::parse(&field.attrs)?;
    let plain = ident.to_string();
    let plain = plain.strip_prefix("r#").unwrap_or(&plain);
    let name = attributes.column.clone().unwrap_or_else(|| plain.to_owned());
    let json = attributes.rename.clone().unwrap_or_else(|| container.json_name(plain));
    Ok(Column { ident, visibility: &field.vis, ty: &field.ty, name, json, field: attributes })
}

/// A type that cannot be a column is one error, at the type: every use of `ColumnType` has its span and is of the same
/// form, so that the compiler tells the same thing once.
fn implementation(input: &DeriveInput, container: &Container, columns: &[Column<'_>]) -> TokenStream {
    let (name, visibility) = (&input.ident, &input.vis);
    let patch = format_ident!("{name}Patch");
    let id = container.id.as_ref().map_or_else(|| quote!(::axum_users::__private::Uuid), |id| quote!(#id));
    let definitions = columns.iter().map(|column| definition(column, container));
    let patch_fields = columns.iter().map(patch_field);
    let patch_doc = format!("Changes to some fields of [`{name}`]: what is `None` stays as it is.");
    let changes = columns.iter().map(|Column { ident, ty, name, .. }| {
        let value = column_type(ty, "into_value");
        quote! {
            if let ::core::option::Option::Some(value) = patch.#ident {
                ::axum_users::__private::set(&mut fields, #name, #value(value));
            }
        }
    });
    let values = columns.iter().map(|Column { ident, ty, .. }| {
        let value = column_type(ty, "into_value");
        quote!(#value(self.#ident))
    });
    let reads = columns.iter().map(|Column { ident, ty, name, .. }| {
        let value = column_type(ty, "from_value");
        quote!(#ident: ::axum_users::__private::read(row, #name, |value| #value(value))?)
    });
    let assertions = columns.iter().filter(|column| column.field.may_be_left_out).map(always_shown);
    quote! {
        #[doc = #patch_doc]
        #[derive(::core::clone::Clone, ::core::fmt::Debug, ::core::default::Default, ::axum_users::__private::Deserialize)]
        #[serde(crate = "::axum_users::__private::serde")]
        #visibility struct #patch { #(#patch_fields)* }

        #[automatically_derived]
        impl ::core::convert::From<#patch> for ::axum_users::value::Fields {
            fn from(patch: #patch) -> Self {
                #[allow(unused_mut)]
                let mut fields = Self::default();
                #(#changes)*
                fields
            }
        }

        #[automatically_derived]
        impl ::axum_users::Profile for #name {
            type Id = #id;
            type Patch = #patch;

            fn columns() -> &'static [::axum_users::value::Column] {
                const COLUMNS: &[::axum_users::value::Column] = &[#(#definitions),*];
                COLUMNS
            }
            fn into_values(self) -> ::std::vec::Vec<::axum_users::value::Value> {
                ::std::vec![#(#values),*]
            }
            fn from_row(
                row: &mut ::axum_users::value::Row,
            ) -> ::core::result::Result<Self, ::axum_users::value::ColumnError> {
                ::core::result::Result::Ok(Self { #(#reads),* })
            }
        }

        #(#assertions)*
    }
}

/// `<T as ColumnType>::item`
fn column_type(ty: &Type, item: &str) -> TokenStream {
    let item = Ident::new(item, ty.span());
    quote_spanned!(ty.span()=> <#ty as ::axum_users::value::ColumnType>::#item)
}

/// The OpenAPI document promises every field that cannot be `NULL`.
fn always_shown(Column { ty, .. }: &Column<'_>) -> TokenStream {
    let nullable = column_type(ty, "NULLABLE");
    let message =
        "`skip_serializing_if` is for `Option`: answers must have what the OpenAPI document promises";
    quote_spanned!(ty.span()=> const _: () = ::core::assert!(#nullable, #message);)
}

fn definition(column: &Column<'_>, container: &Container) -> TokenStream {
    let Column { ty, name, json, field, .. } = column;
    let access = match (field.skip_serializing, field.skip_deserializing) {
        (false, false) => quote!(ReadWrite),
        (false, true) => quote!(ReadOnly),
        (true, false) => quote!(WriteOnly),
        (true, true) => quote!(Private),
    };
    let may_be_absent = field.default || field.skip_deserializing || container.default;
    let description = &field.description;
    let (kind, nullable) = (column_type(ty, "KIND"), column_type(ty, "NULLABLE"));
    quote! {
        ::axum_users::value::Column {
            name: #name,
            json: #json,
            kind: #kind,
            nullable: #nullable,
            access: ::axum_users::value::Access::#access,
            required: !#may_be_absent && !#nullable,
            description: #description,
        }
    }
}

/// In a request an absent field stays `None`, and `null` clears a nullable one. The field is as visible as that of the
/// profile, whose type may be private.
fn patch_field(column: &Column<'_>) -> TokenStream {
    let Column { ident, visibility, ty, json, field, .. } = column;
    let serde = if field.skip_deserializing {
        quote!(#[serde(skip)])
    } else {
        quote!(#[serde(default, rename = #json, deserialize_with = "::axum_users::__private::present")])
    };
    let doc = format!("A new value for `{ident}`.");
    quote! {
        #[doc = #doc]
        #serde
        #visibility #ident: ::core::option::Option<#ty>,
    }
}

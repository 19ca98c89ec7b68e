//! What `#[derive(Profile)]` writes.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Data, DeriveInput, Error, Fields, Ident, Result, Type, spanned::Spanned};

use crate::attributes::{Container, Field};

/// The columns every user has: a profile cannot have them too.
const CORE: [&str; 6] = ["id", "email", "hashed_password", "is_active", "is_superuser", "is_verified"];

struct Column<'a> {
    ident: &'a Ident,
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
    Ok(implementation(input, &container, &columns))
}

fn column<'a>(field: &'a syn::Field, container: &Container) -> Result<Column<'a>> {
    let Some(ident) = &field.ident else { return Err(Error::new_spanned(field, "a field needs a name")) };
    let attributes = Field::parse(&field.attrs)?;
    let plain = ident.to_string();
    let plain = plain.strip_prefix("r#").unwrap_or(&plain);
    let name = attributes.column.clone().unwrap_or_else(|| plain.to_owned());
    let json = attributes.rename.clone().unwrap_or_else(|| container.json_name(plain));
    for taken in [&name, &json] {
        if CORE.contains(&taken.as_str()) || taken == "password" {
            return Err(Error::new_spanned(ident, format!("every user has `{taken}` already")));
        }
    }
    Ok(Column { ident, ty: &field.ty, name, json, field: attributes })
}

fn implementation(input: &DeriveInput, container: &Container, columns: &[Column<'_>]) -> TokenStream {
    let (name, visibility) = (&input.ident, &input.vis);
    let patch = format_ident!("{name}Patch");
    let id = container.id.as_ref().map_or_else(|| quote!(::axum_users::__private::Uuid), |id| quote!(#id));
    let idents: Vec<_> = columns.iter().map(|column| column.ident).collect();
    let names: Vec<_> = columns.iter().map(|column| &column.name).collect();
    let definitions = columns.iter().map(|column| definition(column, container));
    let patch_fields = columns.iter().map(patch_field);
    let patch_doc = format!("Changes to some fields of [`{name}`]: what is `None` stays as it is.");
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
                #(if let ::core::option::Option::Some(value) = patch.#idents {
                    fields.push(#names, value);
                })*
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
                ::std::vec![#(::axum_users::value::ColumnType::into_value(self.#idents)),*]
            }
            fn from_row(
                row: &mut ::axum_users::value::Row,
            ) -> ::core::result::Result<Self, ::axum_users::value::ColumnError> {
                ::core::result::Result::Ok(Self { #(#idents: row.read(#names)?),* })
            }
        }
    }
}

/// The column's description. Its span is the field's type, so that a type that cannot be a column is reported there.
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
    quote_spanned! {ty.span()=>
        ::axum_users::value::Column {
            name: #name,
            json: #json,
            kind: <#ty as ::axum_users::value::ColumnType>::KIND,
            nullable: <#ty as ::axum_users::value::ColumnType>::NULLABLE,
            access: ::axum_users::value::Access::#access,
            required: !#may_be_absent && !<#ty as ::axum_users::value::ColumnType>::NULLABLE,
            description: #description,
        }
    }
}

/// In a request an absent field stays `None`, and `null` clears a nullable one.
fn patch_field(column: &Column<'_>) -> TokenStream {
    let Column { ident, ty, json, field, .. } = column;
    let serde = if field.skip_deserializing {
        quote!(#[serde(skip)])
    } else {
        quote!(#[serde(default, rename = #json, deserialize_with = "::axum_users::__private::present")])
    };
    let doc = format!("A new value for `{ident}`.");
    quote! {
        #[doc = #doc]
        #serde
        pub #ident: ::core::option::Option<#ty>,
    }
}

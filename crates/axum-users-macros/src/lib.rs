//! `#[derive(Profile)]` for `axum-users`.

mod attributes;
mod profile;

use proc_macro::TokenStream;

/// Implements `axum_users::Profile` for a struct with named fields, and writes its patch struct (`{Name}Patch`),
/// in which every field is optional.
///
/// `#[profile(id = i64)]` on the struct chooses the type of ids; `#[profile(column = "name")]` on a field names its
/// column. Serde attributes keep their meaning: see `axum_users::Profile`.
#[proc_macro_derive(Profile, attributes(profile))]
pub fn derive_profile(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    profile::derive(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

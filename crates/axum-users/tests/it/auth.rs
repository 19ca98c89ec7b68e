//! `POST /login` and `POST /logout`, and what sessions live through.

mod forged;
mod keys;
mod login;
mod logout;
mod origin;
mod sessions;
mod work;

mod fixture;
mod properties;
mod security;

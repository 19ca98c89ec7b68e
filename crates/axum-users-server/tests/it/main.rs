//! The server as its users run it: the built binary, in a folder of the test, on a free port.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod blocked;
mod broken_disk;
mod busy;
mod calibrate;
mod change_email;
mod chromium;
mod config;
mod databases;
mod disk;
mod events;
mod fields;
mod flood;
mod heads;
mod jobs;
mod ledger;
mod limits;
mod logout;
mod logs;
mod metrics;
mod migrate;
mod oauth;
mod odd_bodies;
mod openapi;
mod outages;
mod pages;
mod password;
mod pool;
mod raw;
mod redirects;
mod serve;
mod slow;
mod smtp;
mod superusers;
mod support;
mod user;

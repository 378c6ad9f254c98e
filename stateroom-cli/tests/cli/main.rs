//! End-to-end tests of the command `stateroom`.
//!
//! A single test program, so that crates are built once: one file per topic, and `common` with the helpers.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod common;
mod completions;
mod config;
mod deploy;
#[cfg(unix)]
mod doctor;
#[cfg(unix)]
mod e2e_admin;
mod e2e_admission;
mod e2e_build;
#[cfg(unix)]
mod e2e_c_guest;
mod e2e_cache;
mod e2e_client;
#[cfg(unix)]
mod e2e_client_tools;
#[cfg(target_os = "linux")]
mod e2e_compile;
mod e2e_cursors;
mod e2e_dev;
mod e2e_dev_loop;
mod e2e_dev_watch;
#[cfg(unix)]
mod e2e_durable;
#[cfg(unix)]
mod e2e_durable_guests;
#[cfg(unix)]
mod e2e_durable_kills;
#[cfg(unix)]
mod e2e_durable_timers;
#[cfg(unix)]
mod e2e_durable_updates;
mod e2e_examples;
#[cfg(unix)]
mod e2e_main_job;
mod e2e_modules;
mod e2e_new;
#[cfg(unix)]
mod e2e_operation;
mod e2e_project;
#[cfg(unix)]
mod e2e_proxy;
mod e2e_renamed;
mod e2e_rooms;
#[cfg(target_os = "linux")]
mod e2e_sandbox;
#[cfg(unix)]
mod e2e_signals;
#[cfg(unix)]
mod e2e_unread_log;
mod inspect;
mod man;
mod new_places;
mod settings;
mod usage;

//! A todo app on Headwater: everything but `main`, so that tests can use it.

pub mod app;
pub mod cli;
pub mod demo;
pub mod headless;
pub mod log;
pub mod model;
pub mod position;
pub mod schema;
pub mod state;
pub mod view;

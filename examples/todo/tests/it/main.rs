//! Tests of the todo app: what can be done without a window, the window as a screen reader finds it, and the program.

mod model;
mod story;
mod support;
mod view;

//! Which package may depend on which, and what all have in common.

use crate::tree::{Dependency, Package, Tree};

/// The packages of the workspace that a published package may depend on.
const MAY_USE: &[(&str, &[&str])] = &[
    ("headwater-core", &[]),
    ("headwater-macros", &[]),
    ("headwater-server", &["headwater-core"]),
    ("headwater", &["headwater-core", "headwater-macros"]),
    ("headwater-egui", &["headwater"]),
];

/// All that the core depends on. Nothing that does I/O, reads a clock or draws random numbers is ever added.
const CORE_DEPENDENCIES: &[&str] = &["base64", "blake3", "serde", "serde_json", "thiserror"];

/// Lines that every manifest has.
const INHERITED: &[&str] = &[
    "[lints]\nworkspace = true",
    "edition.workspace = true",
    "rust-version.workspace = true",
    "license.workspace = true",
];

pub(crate) fn check(tree: &Tree) -> Vec<String> {
    let names: Vec<_> = tree.packages.iter().map(|package| package.name.as_str()).collect();
    let mut complaints = Vec::new();
    for package in &tree.packages {
        complaints.extend(inherits(package));
        let normal = package.dependencies.iter().filter(|dependency| is_normal(dependency));
        let normal: Vec<_> = normal.map(|dependency| dependency.name.as_str()).collect();
        if let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == package.name) {
            let wrong = normal.iter().filter(|name| names.contains(name) && !allowed.contains(name));
            complaints.extend(wrong.map(|name| format!("{} must not depend on {name}", package.name)));
        }
        if package.name == "headwater-core" {
            let wrong = normal.iter().filter(|name| !CORE_DEPENDENCIES.contains(name));
            complaints.extend(wrong.map(|name| format!("the core must stay pure: {name} is not on its list")));
        }
    }
    let missing = MAY_USE.iter().filter(|(name, _)| !names.contains(name));
    complaints.extend(missing.map(|(name, _)| format!("there is no package {name}")));
    complaints
}

fn is_normal(dependency: &Dependency) -> bool {
    dependency.kind.as_deref() != Some("dev")
}

fn inherits(package: &Package) -> Vec<String> {
    let manifest = std::fs::read_to_string(&package.manifest_path).expect("cargo has read it");
    let missing = INHERITED.iter().filter(|line| !manifest.contains(**line));
    missing.map(|line| format!("{}: its manifest lacks {line:?}", package.name)).collect()
}

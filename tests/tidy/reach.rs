//! A file that no target reaches is neither compiled nor tested, and nobody notices.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::tree::{RustFile, Tree};

/// Folders whose files are compiled by the tests themselves.
const COMPILED_BY_TESTS: &[&str] = &["tests/ui/", "macros/tests/ui/"];

pub(crate) fn check(tree: &Tree) -> Vec<String> {
    let files: BTreeMap<_, _> = tree.rust.iter().map(|file| (file.path.as_str(), file)).collect();
    let mut reached = BTreeSet::new();
    for target in tree.packages.iter().flat_map(|package| &package.targets) {
        let path = target.src_path.strip_prefix(&tree.root).expect("targets are in the workspace");
        let folder = path.parent().expect("a file is in a folder").to_owned();
        visit(&files, path, &folder, &mut reached);
    }
    let forgotten = tree.rust.iter().filter(|file| !reached.contains(&file.path) && !compiled_by_tests(file));
    forgotten.map(|file| format!("{}: no Cargo target reaches it", file.path)).collect()
}

fn compiled_by_tests(file: &RustFile) -> bool {
    COMPILED_BY_TESTS.iter().any(|folder| file.path.starts_with(folder))
}

/// Notes a file, and those of the modules that it declares, which are in `folder`.
fn visit(files: &BTreeMap<&str, &RustFile>, path: &Path, folder: &Path, reached: &mut BTreeSet<String>) {
    let path = path.to_str().expect("names are UTF-8");
    let Some(file) = files.get(path).filter(|_| reached.insert(path.to_owned())) else { return };
    visit_modules(files, &file.syntax.items, folder, reached);
}

fn visit_modules(
    files: &BTreeMap<&str, &RustFile>,
    items: &[syn::Item],
    folder: &Path,
    reached: &mut BTreeSet<String>,
) {
    for item in items {
        let syn::Item::Mod(module) = item else { continue };
        let inner = folder.join(module.ident.to_string());
        match &module.content {
            Some((_, items)) => visit_modules(files, items, &inner, reached),
            None => visit(files, &file_of(module, folder), &inner, reached),
        }
    }
}

fn file_of(module: &syn::ItemMod, folder: &Path) -> PathBuf {
    folder.join(format!("{}.rs", module.ident))
}

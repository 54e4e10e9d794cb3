//! A function fits a screen, a file is about one thing.

use std::path::Path;

use proc_macro2::Span;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

use crate::tree::{RustFile, Tree};

const MAX_FILE_LINES: usize = 800;
const MAX_FUNCTION_LINES: usize = 70;
const MAX_ARCHITECTURE_LINES: usize = 250;

/// Files that are longer, with the lines that they may have.
const LONGER_FILES: &[(&str, usize)] = &[];

/// Functions that are longer, as `path: name`, with the lines that they may have.
const LONGER_FUNCTIONS: &[(&str, usize)] = &[];

/// Parts of a type's name that say nothing.
const EMPTY_NAMES: &[&str] = &["Manager", "Helper", "Util", "Utils", "Handler", "Service", "Data", "Info"];

/// Types that have such a part all the same, and why.
const NAMED_SO: &[(&str, &str)] = &[("DataFolder", "the folder with an app's data is called that everywhere")];

pub(crate) fn check(tree: &Tree) -> Vec<String> {
    let mut files = Vec::new();
    let mut visitor = Visitor::default();
    for file in &tree.rust {
        files.push((file.path.clone(), file.text.lines().count()));
        visitor.file = &file.path;
        visitor.visit_file(&file.syntax);
    }
    let mut complaints = complain(&files, MAX_FILE_LINES, LONGER_FILES);
    complaints.extend(complain(&visitor.functions, MAX_FUNCTION_LINES, LONGER_FUNCTIONS));
    complaints.append(&mut visitor.names);
    complaints.extend(tree.rust.iter().filter_map(complain_of_name));
    let lines = std::fs::read_to_string(tree.root.join("ARCHITECTURE.md")).unwrap_or_default().lines().count();
    complaints.extend(complain(&[("ARCHITECTURE.md".to_owned(), lines)], MAX_ARCHITECTURE_LINES, &[]));
    complaints
}

fn complain(found: &[(String, usize)], limit: usize, longer: &[(&str, usize)]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (what, lines) in found {
        let allowed = longer.iter().find(|(name, _)| name == what).map(|(_, lines)| *lines);
        match allowed {
            Some(allowed) if *lines < allowed => complaints.push(format!("{what}: {lines} lines now: lower the limit")),
            Some(allowed) if *lines == allowed => {}
            _ if *lines <= limit => {}
            _ => complaints.push(format!("{what}: {lines} lines, at most {}", allowed.unwrap_or(limit))),
        }
    }
    let known = |name: &str| found.iter().any(|(what, _)| what == name);
    complaints.extend(longer.iter().filter(|(name, _)| !known(name)).map(|(name, _)| format!("{name} is gone")));
    complaints
}

/// `foo.rs` beside `foo/`; nothing is a bag of utilities.
fn complain_of_name(file: &RustFile) -> Option<String> {
    let name = Path::new(&file.path).file_stem()?.to_str()?;
    let empty = matches!(name, "mod" | "util" | "utils" | "helper" | "helpers" | "misc" | "common");
    empty.then(|| format!("{}: a file is named after what it is about", file.path))
}

#[derive(Default)]
struct Visitor<'a> {
    file: &'a str,
    functions: Vec<(String, usize)>,
    names: Vec<String>,
}

impl Visitor<'_> {
    fn function(&mut self, name: &syn::Ident, from: Span, to: Span) {
        let lines = to.end().line - from.start().line + 1;
        self.functions.push((format!("{}: {name}", self.file), lines));
    }

    fn name(&mut self, name: &syn::Ident) {
        let text = name.to_string();
        let exempt = NAMED_SO.iter().any(|(name, _)| *name == text);
        let empty = EMPTY_NAMES.iter().find(|empty| !exempt && words(&text).any(|word| word == **empty));
        self.names.extend(empty.map(|empty| format!("{}: `{name}`: {empty} says nothing", self.file)));
    }
}

/// `SyncState` is `Sync` and `State`.
fn words(name: &str) -> impl Iterator<Item = &str> {
    let starts = name.match_indices(char::is_uppercase).map(|(at, _)| at);
    let ends = name.match_indices(char::is_uppercase).map(|(at, _)| at).skip(1).chain([name.len()]);
    starts.zip(ends).map(|(start, end)| &name[start..end])
}

impl<'ast> Visit<'ast> for Visitor<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig.ident, item.sig.span(), item.block.span());
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig.ident, item.sig.span(), item.block.span());
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.name(&item.ident);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.name(&item.ident);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.name(&item.ident);
        visit::visit_item_trait(self, item);
    }
}

//! The source tree, read once per check.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use proc_macro2::{TokenStream, TokenTree};
use serde::Deserialize;

/// All that is checked.
pub(crate) struct Tree {
    pub(crate) root: PathBuf,
    pub(crate) rust: Vec<RustFile>,
    /// Paths of the Markdown files.
    pub(crate) markdown: Vec<String>,
    pub(crate) packages: Vec<Package>,
}

/// A Rust file, also parsed.
pub(crate) struct RustFile {
    /// From the root of the workspace, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) syntax: syn::File,
    /// Line number and what stands there, without comments, strings and white space that means nothing.
    pub(crate) code: BTreeMap<usize, String>,
}

/// What `cargo metadata` says of a package.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) targets: Vec<Target>,
    pub(crate) dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
pub(crate) struct Target {
    pub(crate) src_path: PathBuf,
}

#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `None` for a normal one.
    pub(crate) kind: Option<String>,
}

impl Tree {
    pub(crate) fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in the workspace").to_owned();
        let mut paths = Vec::new();
        walk(&root, "", &mut paths);
        let of_kind = |ending: &str| paths.iter().filter(|path| path.ends_with(ending)).cloned().collect::<Vec<_>>();
        let rust = of_kind(".rs").into_iter().map(|path| RustFile::read(&root, path)).collect();
        Self { rust, markdown: of_kind(".md"), packages: packages(&root), root }
    }
}

impl RustFile {
    fn read(root: &Path, path: String) -> Self {
        let text = fs::read_to_string(root.join(&path)).expect("source files are UTF-8");
        Self::parse(path, text)
    }

    pub(crate) fn parse(path: String, text: String) -> Self {
        let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut code = BTreeMap::new();
        write_code(tokens, &mut code);
        let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
        Self { path, text, syntax, code }
    }

    /// Whether it holds nothing but tests.
    pub(crate) fn is_test(&self) -> bool {
        let path = format!("/{}", self.path);
        path.contains("/tests/") || path.ends_with("/tests.rs")
    }

    /// The lines of code with that phrase in them, on their own: no letter or digit around them.
    pub(crate) fn lines_with<'a>(&'a self, phrase: &'a str) -> impl Iterator<Item = usize> + 'a {
        self.code.iter().filter(|(_, line)| has_phrase(line, phrase)).map(|(number, _)| *number)
    }
}

fn has_phrase(line: &str, phrase: &str) -> bool {
    let part_of_word = |text: &str, edge: Option<char>| {
        text.chars().all(|char| char.is_alphanumeric() || char == '_')
            && edge.is_some_and(|char| char.is_alphanumeric() || char == '_')
    };
    line.match_indices(phrase).any(|(at, found)| {
        let (before, after) = (line[..at].chars().next_back(), line[at + found.len()..].chars().next());
        !part_of_word(&found[..1], before) && !part_of_word(&found[found.len() - 1..], after)
    })
}

fn walk(root: &Path, folder: &str, paths: &mut Vec<String>) {
    let mut entries: Vec<_> = fs::read_dir(root.join(folder))
        .expect("a folder of the workspace")
        .map(|entry| entry.expect("an entry of a folder").file_name().into_string().expect("names are UTF-8"))
        .filter(|name| !name.starts_with('.') && name != "target")
        .collect();
    entries.sort();
    for name in entries {
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        if root.join(&path).is_dir() {
            walk(root, &path, paths);
        } else {
            paths.push(path);
        }
    }
}

fn packages(root: &Path) -> Vec<Package> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(root)
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice::<Metadata>(&output.stdout).expect("cargo's metadata").packages
}

fn write_code(tokens: TokenStream, code: &mut BTreeMap<usize, String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = brackets(group.delimiter());
                code.entry(group.span_open().start().line).or_default().push_str(open);
                write_code(group.stream(), code);
                code.entry(group.span_close().start().line).or_default().push_str(close);
            }
            TokenTree::Ident(ident) => {
                let line = code.entry(ident.span().start().line).or_default();
                if line.ends_with(|char: char| char.is_alphanumeric() || char == '_') {
                    line.push(' ');
                }
                line.push_str(&ident.to_string());
            }
            TokenTree::Punct(punct) => code.entry(punct.span().start().line).or_default().push(punct.as_char()),
            TokenTree::Literal(_) => {}
        }
    }
}

fn brackets(delimiter: proc_macro2::Delimiter) -> (&'static str, &'static str) {
    use proc_macro2::Delimiter;
    match delimiter {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    }
}

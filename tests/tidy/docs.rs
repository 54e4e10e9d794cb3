//! Every file says what it is, and every link in the documents leads somewhere.

use std::path::Path;

use crate::tree::Tree;

/// Folders whose files are read from top to bottom as they are.
const WITHOUT_DOC: &[&str] = &["tests/ui/", "macros/tests/ui/"];

pub(crate) fn check(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in &tree.rust {
        let exempt = WITHOUT_DOC.iter().any(|folder| file.path.starts_with(folder));
        if !exempt && !file.text.starts_with("//!") {
            complaints.push(format!("{}: begin with a `//!` line that says what the file is", file.path));
        }
    }
    for path in &tree.markdown {
        let text = std::fs::read_to_string(tree.root.join(path)).expect("documents are UTF-8");
        complaints.extend(links(&text).filter_map(|link| dead(&tree.root, path, link)));
    }
    complaints
}

/// What stands in `](…)`, outside code blocks.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let prose = text.split("\n```").step_by(2);
    prose.flat_map(|part| part.split("](").skip(1)).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link)
}

fn dead(root: &Path, document: &str, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let document_path = root.join(document);
    let target =
        if path.is_empty() { document_path } else { document_path.parent().expect("a file is in a folder").join(path) };
    if !target.exists() {
        return Some(format!("{document}: {link} leads nowhere"));
    }
    let text = anchor.map(|_| std::fs::read_to_string(&target).unwrap_or_default())?;
    let found = text.lines().filter(|line| line.starts_with('#')).any(|line| Some(&*slug(line)) == anchor);
    (!found).then(|| format!("{document}: {link}: there is no such heading"))
}

/// A heading's anchor, as the hosts of repositories make it.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|char| char.is_alphanumeric() || matches!(char, ' ' | '-' | '_'));
    kept.map(|char| if char == ' ' { '-' } else { char }).collect()
}

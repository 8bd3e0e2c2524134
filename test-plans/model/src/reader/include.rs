//! `include`: steps from another file, at the place where it is named.
//!
//! Files are loaded before the plan is read, by whoever may do so.

use std::collections::BTreeMap;

use toml::de::DeTable;

use crate::diagnostic::{FileId, Sources, Span};

/// Deeper nesting is taken for a mistake.
const DEEPEST: usize = 16;

/// The files that a plan and what it includes name, by where they are named.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Includes(BTreeMap<Span, Result<FileId, String>>);

/// A file as it was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Included {
    /// As messages name it; the same for every way to name the same file.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl Includes {
    /// The file named there, or why there is none; `None` if it was never
    /// looked for.
    pub(super) fn at(&self, span: Span) -> Option<&Result<FileId, String>> {
        self.0.get(&span)
    }
}

/// Adds every file that `plan` includes, directly or not, to `sources`. `load`
/// gets the name of the including file and the path as written; its error is a
/// cause in lower case.
pub fn load_includes(sources: &mut Sources, plan: FileId, load: &mut dyn FnMut(&str, &str) -> Result<Included, String>) -> Includes {
    let mut includes = Includes::default();
    let name = sources.0.get(plan.0).map_or_else(String::new, |f| f.name.clone());
    follow(sources, plan, &mut vec![name], load, &mut includes);
    includes
}

fn follow(
    sources: &mut Sources,
    file: FileId,
    chain: &mut Vec<String>,
    load: &mut dyn FnMut(&str, &str) -> Result<Included, String>,
    includes: &mut Includes,
) {
    for (path, span) in named(sources, file) {
        let found = load(chain.last().map_or("", String::as_str), &path).and_then(|found| {
            if chain.contains(&found.name) {
                return Err(format!("it includes itself: `{}`", [chain.as_slice(), &[found.name]].concat().join("` -> `")));
            }
            if chain.len() > DEEPEST { Err(format!("more than {DEEPEST} files deep")) } else { Ok(found) }
        });
        let entry = found.map(|found| {
            let id = sources.add(found.name.clone(), found.text);
            chain.push(found.name);
            follow(sources, id, chain, load, includes);
            chain.pop();
            id
        });
        includes.0.insert(span, entry);
    }
}

/// The paths under `include` in the steps of a file.
fn named(sources: &Sources, file: FileId) -> Vec<(String, Span)> {
    let (root, _) = DeTable::parse_recoverable(sources.text(file));
    let steps = root.get_ref().get("step").and_then(|s| s.get_ref().as_array());
    let include = |step: &toml::Spanned<toml::de::DeValue<'_>>| {
        let node = step.get_ref().as_table()?.get("include")?;
        let span = node.span();
        Some((node.get_ref().as_str()?.to_owned(), Span { file, start: span.start, end: span.end }))
    };
    steps.into_iter().flatten().filter_map(include).collect()
}

//! Rules for scanners that look for leaked tokens.

use sealtoken::pat::Prefix;

use crate::failure::Failure;
use crate::output::{self, Members};

use super::args::{Format, ScannerRule};

pub(super) fn rule(options: &ScannerRule, prefix: &Prefix) -> Result<(), Failure> {
    if options.json {
        return output::json(&Members(vec![
            ("prefix", prefix.as_str().into()),
            ("pattern", prefix.pattern().into()),
        ]));
    }
    output::line(&match options.format {
        Format::Gitleaks => gitleaks(prefix),
        Format::Github => github(prefix),
    })
}

/// A rule in gitleaks' TOML. A prefix has nothing that TOML or a regular expression escapes.
fn gitleaks(prefix: &Prefix) -> String {
    let name = prefix.as_str().trim_end_matches('_').replace('_', "-");
    let pattern = prefix.pattern();
    format!(
        "[[rules]]\nid = \"{name}-personal-access-token\"\ndescription = \"A personal access token that begins with {prefix}\"\n\
         regex = '''{pattern}'''\nkeywords = [\"{prefix}\"]"
    )
}

/// The fields of a custom pattern: GitHub says by two of them what stands around a secret, where others write `\b`.
fn github(prefix: &Prefix) -> String {
    let pattern = prefix.pattern();
    let pattern = pattern.strip_prefix(r"\b").unwrap_or(&pattern);
    let pattern = pattern.strip_suffix(r"\b").unwrap_or(pattern);
    format!(
        "Secret format:  {pattern}\nBefore secret:  \\A|[^0-9A-Za-z_]\nAfter secret:   \\z|[^0-9A-Za-z_]"
    )
}

//! `pat scanner-rule`: rules for scanners that find leaked tokens.

use clap::{Args, ValueEnum};
use sealtoken::pat::Prefix;

use crate::failure::Failure;
use crate::output::{self, Members};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealtoken pat scanner-rule >> .gitleaks.toml
  sealtoken pat scanner-rule --format github --prefix acme_")]
pub(crate) struct ScannerRule {
    /// The scanner
    #[arg(long, default_value = "gitleaks")]
    format: Format,
    /// Print one JSON object: prefix, pattern
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    /// A rule in gitleaks' TOML
    Gitleaks,
    /// The fields of a custom pattern of GitHub's secret scanning
    Github,
}

pub(super) fn run(options: &ScannerRule, prefix: &Prefix) -> Result<(), Failure> {
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

/// A rule in gitleaks' TOML. Neither TOML nor a regular expression escapes anything in a prefix.
fn gitleaks(prefix: &Prefix) -> String {
    let name = prefix.as_str().trim_end_matches('_').replace('_', "-");
    let pattern = prefix.pattern();
    format!(
        "[[rules]]\nid = \"{name}-personal-access-token\"\n\
         description = \"A personal access token that begins with {prefix}\"\n\
         regex = '''{pattern}'''\nkeywords = [\"{prefix}\"]"
    )
}

/// The fields of a custom pattern. GitHub has two of them for what surrounds a secret, where others
/// write `\b`.
fn github(prefix: &Prefix) -> String {
    let pattern = prefix.pattern();
    let pattern = pattern.strip_prefix(r"\b").unwrap_or(&pattern);
    let pattern = pattern.strip_suffix(r"\b").unwrap_or(pattern);
    format!(
        "Secret format:  {pattern}\n\
         Before secret:  \\A|[^0-9A-Za-z_]\n\
         After secret:   \\z|[^0-9A-Za-z_]"
    )
}

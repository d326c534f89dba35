//! Tokens, values and passwords, from files, stdin and the terminal.

use std::path::Path;

use sealtoken::vault::{Target, ValueId, VaultError};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::input::{self, AROUND, Given, Kind, Stdin, private, secrets, without_line_ending};

use super::args::{PasswordArgs, TokenOrId};

/// The maximum length of a token, in bytes.
const MAX_TOKEN: usize = 200;

/// The maximum number of bytes of a line with a token.
const MAX_LINE: usize = MAX_TOKEN + AROUND;

/// The maximum number of bytes of a value. The vault refuses one more.
const MAX_VALUE: usize = 1024 * 1024;

/// The command that shows when a value expires, and whether it is soft-deleted.
pub(super) const LOOK: &str = "`sealtoken vault get`";

type Value = Zeroizing<Vec<u8>>;
type Password = Zeroizing<String>;

/// The password from the file or the terminal, if the options name either.
pub(super) fn password(from: &PasswordArgs) -> Result<Option<Password>, Failure> {
    if from.ask_password {
        return ask("Password: ").map(Some);
    }
    from.password_file.as_deref().map(password_of).transpose()
}

/// The password for a new value. At the terminal it is typed twice.
pub(super) fn new_password(from: &PasswordArgs) -> Result<Option<Password>, Failure> {
    if from.ask_password {
        return ask_twice("Password: ").map(Some);
    }
    password(from)
}

/// The password of the file, without one line ending.
pub(super) fn password_of(path: &Path) -> Result<Password, Failure> {
    let text = private(path, "read the password file")?;
    Ok(Zeroizing::new(without_line_ending(&text).into()))
}

/// Asks for a password at the terminal, even if stdin is not one.
pub(super) fn ask(prompt: &str) -> Result<Password, Failure> {
    rpassword::prompt_password(prompt)
        .map(Zeroizing::new)
        .map_err(|error| {
            let failure = Failure::at("ask for the password at a terminal")(error);
            failure.advise("give --password-file instead")
        })
}

/// Asks for a new password twice.
pub(super) fn ask_twice(prompt: &str) -> Result<Password, Failure> {
    let password = ask(prompt)?;
    if *ask("Repeat it: ")? == *password {
        Ok(password)
    } else {
        let what = "the two passwords differ, and nothing was done: try again";
        Err(Failure::Problem(what.into()))
    }
}

/// The value that a command is about.
pub(super) enum Named {
    Token(Given),
    Id(ValueId),
}

impl Named {
    pub(super) fn of(options: &TokenOrId) -> Result<Self, Failure> {
        match &options.id {
            Some(id) => Ok(Self::Id(id.parse()?)),
            None => token(options.token.token_file.as_deref()).map(Self::Token),
        }
    }

    pub(super) fn target(&self) -> Target {
        match self {
            Self::Token(given) => Target::from(&**given),
            Self::Id(id) => Target::from(*id),
        }
    }

    /// The failure of a command on this value.
    pub(super) fn refused(&self, error: VaultError) -> Failure {
        match self {
            Self::Token(given) => given.refused(error),
            Self::Id(_) => error.into(),
        }
    }
}

/// The token of the file or of the first line of stdin.
pub(super) fn token(file: Option<&Path>) -> Result<Given, Failure> {
    if let Some(path) = file {
        return token_of(path);
    }
    let mut stdin = Stdin::open("the token", "to the end of the line");
    let line = stdin.line(MAX_LINE)?;
    Ok(on_line(&line).followed(stdin.has_more()))
}

/// The token of the file.
pub(super) fn token_of(path: &Path) -> Result<Given, Failure> {
    let text = secrets(path, "read the token file")?;
    Ok(given("the token file", text.as_bytes(), true))
}

/// All of stdin. A value that is too long keeps one byte too many, so that the vault refuses it.
pub(super) fn value() -> Result<Value, Failure> {
    Ok(input::all("the value", MAX_VALUE)?.0)
}

/// The first line of stdin, and the rest.
pub(super) fn token_and_value() -> Result<(Given, Value), Failure> {
    let what = "the token on one line and then the value";
    let mut stdin = Stdin::open(what, "to its end (Ctrl-D)");
    let line = stdin.line(MAX_LINE)?;
    if !line.ends_with(b"\n") && line.len() < MAX_LINE {
        let what = "there is no value on stdin: give it after the line with the token";
        return Err(Failure::Problem(what.into()));
    }
    Ok((on_line(&line), stdin.rest(MAX_VALUE)?.0))
}

/// The token on a line, which is cut off beyond the limit.
fn on_line(line: &[u8]) -> Given {
    let whole = line.ends_with(b"\n") || line.len() < MAX_LINE;
    given("the first line of stdin", line, whole)
}

fn given(from: &'static str, bytes: &[u8], whole: bool) -> Given {
    let (name, max) = ("token", MAX_TOKEN);
    Given::new(bytes, whole, Kind { name, from, max })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_around_a_token_are_dropped_and_no_line_is_cut_to_one() {
        for (line, expected) in [
            ("", ""),
            ("\n", ""),
            ("abc", "abc"),
            ("abc\n", "abc"),
            ("abc\r\r\n", "abc"),
            (" abc \n", "abc"),
            ("\u{feff}abc\n", "abc"),
            ("abc\rdef\n", "abc\rdef"),
        ] {
            assert_eq!(&*on_line(line.as_bytes()), expected, "{line:?}");
        }
        // Longer than the longest token, so it is refused.
        let cut = format!("{}{}", " ".repeat(100), "a".repeat(MAX_LINE - 100));
        assert_eq!(on_line(cut.as_bytes()).len(), MAX_LINE);
        assert_eq!(&*on_line(b"tk_\xff\n"), "");
    }
}

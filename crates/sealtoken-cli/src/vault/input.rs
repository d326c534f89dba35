//! Tokens, values and passwords, from files, stdin and the terminal.

use std::io::stdin;
use std::path::Path;

use sealtoken::vault::{Target, ValueId};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::input::{bounded, hint, line, secrets, without_line_ending};

use super::args::{PasswordArgs, TokenOrId};

/// The maximum number of bytes of a line with a token: the longest token, its line ending, and one
/// more that shows that it is longer.
const MAX_LINE: usize = 203;

/// The maximum number of bytes of a value. The vault refuses one more.
const MAX_VALUE: usize = 1024 * 1024;

/// The command that shows when a value expires, and whether it is soft-deleted.
pub(super) const LOOK: &str = "`sealtoken vault get`";

type Value = Zeroizing<Vec<u8>>;
type Token = Zeroizing<String>;
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
    let text = secrets(path, "read the password file")?;
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
pub(super) fn target(from: &TokenOrId) -> Result<Target, Failure> {
    if let Some(id) = &from.id {
        return Ok(id.parse::<ValueId>()?.into());
    }
    let token = token(from.token.token_file.as_deref())?;
    Ok(Target::from(token.as_str()))
}

/// The token of the file or of the first line of stdin.
pub(super) fn token(file: Option<&Path>) -> Result<Token, Failure> {
    if let Some(path) = file {
        return token_of(path);
    }
    hint("the token", "to the end of the line");
    Ok(text(&first_line()?))
}

/// The token of the file, without one line ending.
pub(super) fn token_of(path: &Path) -> Result<Token, Failure> {
    let text = secrets(path, "read the token file")?;
    Ok(Zeroizing::new(without_line_ending(&text).into()))
}

/// All of stdin. A value that is too long keeps one byte too many, so that the vault refuses it.
pub(super) fn value() -> Result<Value, Failure> {
    hint("the value", "to its end (Ctrl-D)");
    rest()
}

/// The first line of stdin, and the rest.
pub(super) fn token_and_value() -> Result<(Token, Value), Failure> {
    hint(
        "the token on one line and then the value",
        "to its end (Ctrl-D)",
    );
    let line = first_line()?;
    if !line.ends_with(b"\n") && line.len() < MAX_LINE {
        let what = "there is no value on stdin: give it after the line with the token";
        return Err(Failure::Problem(what.into()));
    }
    Ok((text(&line), rest()?))
}

fn rest() -> Result<Value, Failure> {
    let (bytes, _) = bounded(stdin().lock(), MAX_VALUE).map_err(Failure::at("read stdin"))?;
    Ok(bytes)
}

fn first_line() -> Result<Value, Failure> {
    line(stdin().lock(), MAX_LINE).map_err(Failure::at("read stdin"))
}

/// The text of a line. Tokens are ASCII, so anything else becomes empty, which the vault refuses.
fn text(line: &[u8]) -> Token {
    let text = str::from_utf8(line).unwrap_or_default();
    Zeroizing::new(without_line_ending(text).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_with_its_ending_and_none_is_longer_than_a_token_may_be() {
        for (input, expected) in [
            ("", ""),
            ("\n", ""),
            ("abc", "abc"),
            ("abc\n", "abc"),
            ("abc\r\ndef", "abc"),
            ("abc\n\ndef", "abc"),
            ("abc\r\r\n", "abc\r"),
            (" abc \n", " abc "),
            ("abc\rdef\n", "abc\rdef"),
        ] {
            let line = line(input.as_bytes(), MAX_LINE).unwrap();
            assert_eq!(*text(&line), expected, "{input:?}");
        }
        let long = "a".repeat(300);
        let line = line(long.as_bytes(), MAX_LINE).unwrap();
        assert_eq!((line.len(), line.capacity()), (MAX_LINE, MAX_LINE));
        // Longer than the longest token, so it is refused.
        assert!(text(&line).len() > 200);
        assert_eq!(*text(b"tk_\xff\n"), "");
    }
}

//! Sets the expiry of a stored value or token.

use crate::crypto::clock::{Expiry, ExpiryError, UnixTime};

/// An expiry to set, and how to treat one that lies in the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NewExpiry {
    /// An expiry in the past is an error.
    Future(Expiry),
    /// A moment in the past means now.
    NowIfPast(Expiry),
    /// From another system: may lie in the past.
    Imported(UnixTime),
}

impl NewExpiry {
    /// The Unix time of the expiry; `None` for never.
    pub(crate) fn seconds(self, now: UnixTime) -> Result<Option<i64>, ExpiryError> {
        let expiry = match self {
            Self::NowIfPast(Expiry::At(at)) if at <= now => return Ok(Some(now.as_secs())),
            Self::Future(expiry) | Self::NowIfPast(expiry) => expiry,
            Self::Imported(at) if at <= now => return Ok(Some(at.as_secs().max(0))),
            Self::Imported(at) => at.into(),
        };
        Ok(expiry.resolve(now)?.map(UnixTime::as_secs))
    }
}

impl<E: Into<Expiry>> From<E> for NewExpiry {
    fn from(expiry: E) -> Self {
        Self::Future(expiry.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_in_the_past_is_an_error_or_now_or_kept() {
        let now = UnixTime::from_secs(1_000);
        let at = UnixTime::from_secs;
        assert_eq!(NewExpiry::from(at(1_001)).seconds(now), Ok(Some(1_001)));
        assert_eq!(
            NewExpiry::from(at(1_000)).seconds(now),
            Err(ExpiryError::InThePast)
        );
        assert_eq!(NewExpiry::Imported(at(7)).seconds(now), Ok(Some(7)));
        assert_eq!(NewExpiry::Imported(at(-7)).seconds(now), Ok(Some(0)));
        assert_eq!(NewExpiry::from(Expiry::Never).seconds(now), Ok(None));
        for (given, expected) in [(999, Ok(Some(1_000))), (1_001, Ok(Some(1_001)))] {
            assert_eq!(
                NewExpiry::NowIfPast(at(given).into()).seconds(now),
                expected
            );
        }
    }
}

//! The settings that all services share.

use std::sync::Arc;

use crate::crypto::clock::ClockSource;
use crate::events::{EventSink, Observer};
use crate::limits::{AttemptGuard, AttemptLimiter, BlockingPool, MemoryLimiter};

use super::error::ServiceError;

/// The settings that all services share. Those of a service hold them in the field `service`.
#[derive(Debug)]
pub(crate) struct ServiceSettings {
    pub(crate) clock: ClockSource,
    pub(crate) sink: Option<Arc<dyn EventSink>>,
    pub(crate) limiter: Arc<dyn AttemptLimiter>,
    /// How many slow hashes run at once.
    pub(crate) max_concurrent_hashes: usize,
}

impl ServiceSettings {
    pub(crate) fn observer(&self) -> Observer {
        Observer::new(self.sink.clone(), self.clock.clone())
    }

    pub(crate) fn guard(&self) -> AttemptGuard {
        AttemptGuard::new(Arc::clone(&self.limiter))
    }

    /// Checks that 1 to 64 slow hashes run at once.
    pub(crate) fn pool(&self) -> Result<BlockingPool, ServiceError> {
        if !(1..=64).contains(&self.max_concurrent_hashes) {
            return Err(ServiceError::InvalidSetting(
                "max_concurrent_hashes takes 1 to 64 hashes",
            ));
        }
        Ok(BlockingPool::new(self.max_concurrent_hashes))
    }
}

impl Default for ServiceSettings {
    fn default() -> Self {
        Self {
            clock: ClockSource::default(),
            sink: None,
            limiter: Arc::new(MemoryLimiter::default()),
            max_concurrent_hashes: BlockingPool::default_size(),
        }
    }
}

/// The setters of [`ServiceSettings`], the same for every service.
macro_rules! service_setters {
    ($options:ty) => {
        impl $options {
            /// The clock that judges expiry. Default: the system's.
            pub fn clock(mut self, clock: impl $crate::crypto::clock::Clock) -> Self {
                let clock = std::sync::Arc::new(clock);
                self.settings.service.clock = $crate::crypto::clock::ClockSource::Injected(clock);
                self
            }

            /// Reports each operation to this sink.
            pub fn events(mut self, sink: impl $crate::events::EventSink) -> Self {
                self.settings.service.sink = Some(std::sync::Arc::new(sink));
                self
            }

            /// Counts failed attempts. Default: a
            /// [`MemoryLimiter`](crate::limits::MemoryLimiter).
            pub fn limiter(mut self, limiter: impl $crate::limits::AttemptLimiter) -> Self {
                self.settings.service.limiter = std::sync::Arc::new(limiter);
                self
            }
        }
    };
}
pub(crate) use service_setters;

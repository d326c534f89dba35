//! Builders that are awaited.

use std::pin::Pin;

use crate::crypto::stack;

/// The future of an awaited builder.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Lets a builder be awaited: that calls its `run`.
macro_rules! awaited {
    ($($builder:ty => $output:ty),+ $(,)?) => {$(
        impl<'a> IntoFuture for $builder {
            type Output = $output;
            type IntoFuture = $crate::sealed::BoxFuture<'a, Self::Output>;

            fn into_future(self) -> Self::IntoFuture {
                $crate::sealed::boxed(move || self.run())
            }
        }
    )+};
}
pub(crate) use awaited;

/// Moves a future to the heap, with nothing of what earlier calls left on the stack.
pub(crate) fn boxed<'a, F>(make: impl FnOnce() -> F) -> BoxFuture<'a, F::Output>
where
    F: Future + Send + 'a,
{
    stack::overwrite();
    on_fresh_stack(make)
}

/// A function of its own, so that its frame lies where the stack was overwritten.
#[inline(never)]
fn on_fresh_stack<'a, F>(make: impl FnOnce() -> F) -> BoxFuture<'a, F::Output>
where
    F: Future + Send + 'a,
{
    Box::pin(make())
}

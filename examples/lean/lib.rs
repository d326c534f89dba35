//! Nothing: the package holds examples.

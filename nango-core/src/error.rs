//! Errors of annotated functions, and what the errors of all layers have in common.
//!
//! [`Error`] is created from any `std::error::Error` by `?`, and exposes what a function may handle: the response of an
//! API ([`Error::http`]), the payload of an action ([`Error::action`]), the class of the error ([`Error::kind`]). Only
//! `wire` defines the names that are sent to clients.
//!
//! Like `anyhow::Error`, it does not implement `std::error::Error`, because that would conflict with the conversion by
//! `?`.
//!
//! # Errors of layers
//!
//! Each layer has its own error enum. Its causes are sources, and its texts do not repeat them. An `into_error` beside
//! the enum decides which kind functions see, and which [`Remedy`] fixes the cause. `register_layer_error!` registers
//! it in the inventory, so that `?` gives the same result as a call of `into_error`. The conversion by `?` exists once,
//! for all errors, and Rust has no specialization; this module is below all layers and cannot name their types. Without
//! the registration, an error of a layer that reaches `?` would be an error of kind [`ErrorKind::Internal`].

mod chain;
mod context;
mod function_error;
mod kind;
mod payload;
mod remedy;
mod stored;

pub(crate) use chain::Chain;
pub use context::Context;
pub use function_error::{Error, Result, SourceError};
pub(crate) use function_error::{LayerConversion, register_layer_error};
pub use kind::ErrorKind;
pub use payload::{ActionError, ErrorInBody, HttpFailure};
pub(crate) use remedy::Remedy;

//! Renewing tokens, against authorization servers that we did not write: many requests make one token request, whatever
//! goes wrong is told, and a connection recovers or says that it must be made again.

mod crowds;
mod failures;
mod killed;
mod stage;

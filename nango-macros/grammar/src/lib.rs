//! The grammar of texts that both the attributes and the runtime read.
//!
//! An attribute is checked while a crate compiles, the same text in `nango.toml`, in a catalogue file or in a request
//! while it runs. This crate contains what both use, so that they accept the same texts. It does not depend on the
//! runtime, and has almost no dependencies, because every crate with an attribute compiles it first.
//!
//! | module | texts |
//! | --- | --- |
//! | [`frequency`] | `every 5 minutes` |
//! | [`span`] | `90s`, `30 minutes`, `1h2m3.5s` |
//! | [`template`] | `/repos/{owner}/issues` |
//! | [`segment`] | segments of paths: percent-encoding, and segments that lead to another path |
//! | [`json_path`] | paths in a response, such as `data.items` or `errors[0].message` |
//! | [`flag_names`] | names of values that mark the end of a list, such as `isLast` |
//! | [`suggest`] | suggestions for misspelt names, and lists of allowed ones |

pub mod flag_names;
pub mod frequency;
pub mod json_path;
pub mod segment;
pub mod span;
pub mod suggest;
pub mod template;

pub use frequency::{Frequency, FrequencyError};
pub use template::{Template, TemplateError};

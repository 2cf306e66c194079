//! The `registry` binary with all integrations of this crate.

fn main() -> std::process::ExitCode {
    // The call links the library, and thus its registered functions, into the binary.
    integrations::main()
}

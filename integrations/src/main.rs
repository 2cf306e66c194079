//! The `registry` binary: every integration of this crate, listed, run and shown.

fn main() -> std::process::ExitCode {
    // Calling into the library is what links its functions into the binary.
    integrations::main()
}

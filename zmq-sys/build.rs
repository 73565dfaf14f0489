//! Compiles libzmq against the libsodium that `libsodium-sys-stable` has compiled.

use std::env;

use zeromq_src::{Build, LibLocation};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    silence_warnings();
    let sodium = LibLocation::new(sodium("LIB"), sodium("INCLUDE"));
    Build::new().with_libsodium(Some(sodium)).build();
}

/// Where `libsodium-sys-stable` has put its `LIB` or `INCLUDE` folder.
fn sodium(folder: &str) -> String {
    let variable = format!("DEP_SODIUM_{folder}");
    env::var(&variable).unwrap_or_else(|_| {
        panic!(
            "{variable} is not set: libsodium-sys-stable built no libsodium; unset SODIUM_LIB_DIR \
             and SODIUM_USE_PKG_CONFIG"
        )
    })
}

/// Asks the compilers for no warnings: libzmq's are not ours to mend, and cargo repeats those of a
/// workspace member at every call.
fn silence_warnings() {
    for variable in ["CFLAGS", "CXXFLAGS"] {
        let flags = env::var(variable).unwrap_or_default();
        // SAFETY: no other thread exists yet that could read the environment.
        unsafe { env::set_var(variable, format!("{flags} -w")) };
    }
}

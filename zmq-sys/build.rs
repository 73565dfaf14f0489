//! Compiles libzmq, three of its defects mended, against the libsodium that `libsodium-sys-stable`
//! has compiled.
//!
//! `zeromq-src` knows which files to compile and how, but not how to change one of them. So this
//! program names itself as the compiler, and whenever it is called as that it calls the true
//! compiler with a mended copy of the source file, if there is a [mend](MENDS) for it.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;
use std::process::{Command, exit};

use zeromq_src::{Build, LibLocation};

/// In the environment of who is called as the compiler: the true compiler and its arguments, a line
/// each.
const COMPILER: &str = "ZMQ_SYS_COMPILER";

/// What is wrong in a source file of libzmq 4.3.5. Processes abort by it in `tests/mends.rs`.
struct Mend {
    file: &'static str,
    /// What stands in the file exactly once.
    wrong: &'static str,
    right: &'static str,
}

const MENDS: [Mend; 3] = [
    // A socket that connects gave up the messages that it had received by a connection as soon as
    // that failed, even the rest of one that was being read: an assertion failed, or the rest of
    // another message was read in its place. Now they are read before the connection is forgotten,
    // as a socket that is connected to does. A PAIR has no place for two connections meanwhile.
    Mend {
        file: "session_base.cpp",
        wrong: "        _pipe->hiccup ();
        _pipe->terminate (false);",
        right: "        if (options.type == ZMQ_PAIR)
            _pipe->hiccup ();
        _pipe->terminate (false);",
    },
    // When a connection ends, the last active one takes its place in the list of connections. If that
    // is the one that a message is being written to, the socket lost its place in the list, and went on
    // with the next part at another connection.
    Mend {
        file: "lb.cpp",
        wrong: "        _pipes.swap (index, _active);
        if (_current == _active)
            _current = 0;",
        right: "        _pipes.swap (index, _active);
        if (_current == _active)
            _current = index < _active ? index : 0;",
    },
    // A connection that has failed while nobody took what it had read waits until somebody does;
    // a heartbeat that was due in the meantime failed an assertion.
    Mend {
        file: "stream_engine_base.cpp",
        wrong: "void zmq::stream_engine_base_t::out_event ()
{
    zmq_assert (!_io_error);",
        right: "void zmq::stream_engine_base_t::out_event ()
{
    if (unlikely (_io_error))
        return;",
    },
];

fn main() {
    if let Ok(compiler) = env::var(COMPILER) {
        compile(&compiler);
    }
    println!("cargo:rerun-if-changed=build.rs");
    silence_warnings();
    become_the_compiler();
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

/// Names this program as the C++ compiler, and leaves itself a note which one is the true one.
fn become_the_compiler() {
    let compiler = cc::Build::new().cpp(true).get_compiler().to_command();
    let words: Vec<&str> = std::iter::once(compiler.get_program())
        .chain(compiler.get_args())
        .map(|word| {
            word.to_str()
                .expect("the C++ compiler has a name and flags in UTF-8")
        })
        .collect();
    let this = env::current_exe().expect("this program has a path");
    let target = env::var("TARGET").expect("cargo names the target");
    // SAFETY: no other thread exists yet that could read the environment.
    unsafe {
        env::set_var(COMPILER, words.join("\n"));
        env::set_var(format!("CXX_{target}"), this);
    }
}

/// Calls the true compiler for what this program was asked to compile, and ends as it does.
fn compile(compiler: &str) -> ! {
    let mut words = compiler.lines();
    let status = Command::new(words.next().unwrap_or_default())
        .args(words)
        .args(
            env::args_os()
                .skip(1)
                .map(|argument| mended(&argument).unwrap_or(argument)),
        )
        .status();
    match status {
        Ok(status) => exit(status.code().unwrap_or(1)),
        Err(error) => panic!("the C++ compiler `{compiler}` cannot be called: {error}"),
    }
}

/// The path of the mended copy, if `argument` is the path of a file that has a mend.
fn mended(argument: &OsStr) -> Option<OsString> {
    let path = Path::new(argument);
    let mend = MENDS
        .iter()
        .find(|mend| path.ends_with(Path::new("src").join(mend.file)))?;
    let source = fs::read_to_string(path).expect("libzmq's sources can be read");
    assert_eq!(
        source.matches(mend.wrong).count(),
        1,
        "{} is not as it was in libzmq 4.3.5: is its mend in zmq-sys/build.rs still needed?",
        path.display()
    );
    let folder = Path::new(&env::var_os("OUT_DIR")?).join("mended");
    let copy = folder.join(mend.file);
    fs::create_dir_all(&folder).expect("OUT_DIR can be written to");
    fs::write(&copy, source.replace(mend.wrong, mend.right)).expect("OUT_DIR can be written to");
    Some(copy.into())
}

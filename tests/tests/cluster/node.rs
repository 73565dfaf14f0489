use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use tests::cluster::Cluster;

/// A master or a worker that is a process of its own. It is killed when it is dropped.
pub(crate) struct Node {
    child: Child,
    lines: Receiver<String>,
    reader: Option<JoinHandle<()>>,
}

impl Node {
    /// Starts a process that is a `master` or a `worker`.
    pub(crate) fn start(role: &str, name: &str, endpoint: &str) -> Node {
        let mut child = Command::new(env!("CARGO_BIN_EXE_cluster_node"))
            .args([role, name, endpoint])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program was built with the test");
        let output = BufReader::new(child.stdout.take().expect("it is a pipe"));
        let (sender, lines) = mpsc::channel();
        let reader = thread::spawn(move || {
            let lines = output.lines().map_while(Result::ok);
            lines.for_each(|line| sender.send(line).unwrap_or_default());
        });
        Node {
            child,
            lines,
            reader: Some(reader),
        }
    }

    /// The next line that it prints.
    pub(crate) fn line(&self, cluster: &Cluster) -> String {
        let line = self.lines.recv_timeout(cluster.time_left());
        line.expect("the process prints a line")
    }

    /// Kills it with SIGKILL.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    /// Stops it with SIGSTOP: it lives, and does nothing.
    pub(crate) fn stop(&self) {
        self.signal("STOP");
    }

    /// Lets it go on with SIGCONT.
    pub(crate) fn go_on(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", name])
            .arg(self.child.id().to_string())
            .status();
        assert!(sent.expect("there is a shell").success());
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child
            .try_wait()
            .expect("it can be waited for")
            .is_some()
    }

    fn end(&mut self) {
        // Both do nothing if it has ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.end();
    }
}

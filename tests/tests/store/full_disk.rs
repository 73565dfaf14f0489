use std::path::Path;
use std::process::{Command, Stdio};

use palm_highlevel::store::{MemoryStore, Store, StoreError, StoreErrorKind};
use palm_persist::SledStore;
use tempfile::TempDir;
use tests::history;

use crate::contents::contents;

/// A file system in memory with little room; unmounted when it is dropped.
struct Disk(TempDir);

impl Disk {
    /// Mounts it, if this process may mount.
    fn mount(kibibytes: u32) -> Option<Disk> {
        let disk = Disk(tempfile::tempdir().expect("a folder can be made"));
        let size = format!("size={kibibytes}k");
        mount(&["-t", "tmpfs", "-o", &size, "tmpfs"], disk.0.path()).then_some(disk)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Makes it larger.
    fn grow(&self, kibibytes: u32) {
        let size = format!("remount,size={kibibytes}k");
        assert!(mount(&["-o", &size], self.path()), "it grows");
    }
}

fn mount(arguments: &[&str], path: &Path) -> bool {
    let mut mount = Command::new("mount");
    let mount = mount.args(arguments).arg(path).stderr(Stdio::null());
    mount.status().is_ok_and(|status| status.success())
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily, as what a failed test has opened is closed after it.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

/// Writes and flushes steps of the history until the disk is full; gives how many were flushed.
fn fill(store: &mut SledStore, from: u64) -> (u64, StoreError) {
    for number in from + 1.. {
        let written = store.write(&history::step(number));
        if let Err(error) = written.and_then(|()| store.flush()) {
            return (number - 1, error);
        }
    }
    unreachable!("a disk is full before numbers end")
}

#[test]
fn a_full_disk_takes_nothing_that_was_flushed() {
    for kibibytes in [2_000, 2_500, 3_000, 4_001, 5_003, 6_007] {
        let Some(disk) = Disk::mount(kibibytes) else {
            println!("skipped: this process may not mount a file system of its own");
            return;
        };
        let folder = disk.path().join("store");
        let mut expected = MemoryStore::new();
        let mut reached = 0;
        for larger in [kibibytes + 1_024, kibibytes + 3_072] {
            let mut store = SledStore::open(&folder).expect("there is room");
            let (flushed, error) = fill(&mut store, reached);
            assert!(flushed > reached, "there was room for some");
            assert_eq!(error.kind(), StoreErrorKind::Full, "{error}");
            let named = error.to_string();
            assert!(named.contains(&*folder.to_string_lossy()), "{named}");
            drop(store);

            // With the disk still full it may open or not, but nothing is set aside for that.
            if let Err(error) = SledStore::open(&folder) {
                assert_eq!(error.kind(), StoreErrorKind::Full, "{error}");
            }
            assert!(!folder.join("damaged-1").exists());

            disk.grow(larger);
            let store = SledStore::open(&folder).expect("there is room again");
            let found = history::reached(&store).expect("it reads");
            assert!(found >= flushed, "{flushed} flushed, {found} found");
            history::advance(&mut expected, reached, found).expect("the history keeps the rules");
            assert_eq!(contents(&store), contents(&expected), "{kibibytes}");
            reached = found;
        }
    }
}

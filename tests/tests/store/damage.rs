use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::iter;
use std::path::{Path, PathBuf};

use palm_highlevel::standalone;
use palm_highlevel::store::StoreErrorKind;
use palm_persist::SledStore;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use tests::cluster::{Cluster, Transport, end};
use tests::work::Offer;

use crate::contents::contents;

/// What happens to a file.
#[derive(Clone, Copy, Debug)]
enum Damage {
    /// A bit is another one.
    Flip,
    /// It ends there.
    Truncate,
    /// A page of it reads as nothing.
    Blank,
    /// It is not there.
    Remove,
}

/// A page of a file system, in bytes.
const PAGE: usize = 4096;

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        20 => Just(Damage::Flip),
        4 => Just(Damage::Truncate),
        4 => Just(Damage::Blank),
        1 => Just(Damage::Remove),
    ]
}

impl Damage {
    /// Does it at a place; to nothing but zeros it is not done, as there it would mostly do nothing.
    fn inflict(self, file: &Path, place: Index) {
        let mut bytes = fs::read(file).expect("it reads");
        let used: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
        let at = used[place.index(used.len())];
        match self {
            Damage::Flip => bytes[at] ^= 1 << (at % 8),
            Damage::Truncate => bytes.truncate(at),
            Damage::Blank => {
                let page = at / PAGE * PAGE;
                let end = bytes.len().min(page + PAGE);
                bytes[page..end].fill(0);
            }
            Damage::Remove => return fs::remove_file(file).expect("it can be removed"),
        }
        fs::write(file, bytes).expect("it is written");
    }
}

/// A folder that a master has written: it has accepted some thousand messages, and a worker has
/// executed half of them.
fn written() -> tempfile::TempDir {
    const MESSAGES: u64 = 2_000;
    let folder = tempfile::tempdir().expect("a folder can be made");
    let cluster = Cluster::start(Transport::Inproc);
    let endpoint = cluster.endpoint();
    let master = standalone::Master::new("master")
        .store(SledStore::open(folder.path()).expect("a new store opens"))
        .config(cluster.config())
        .bind(&endpoint)
        .expect("it starts");
    let client = cluster.client(&endpoint);
    let mut job = client.job("master.echo").expect("a job begins");
    let mut submit = |from, to| {
        for index in from..to {
            let length = [100, 100, 1_000, 5_000][index as usize % 4];
            job.submit(vec![index as u8; length]).expect("it is sent");
        }
    };
    submit(0, MESSAGES / 2);
    let worker = standalone::Worker::new("one")
        .offer_all()
        .config(cluster.config())
        .connect(&endpoint)
        .expect("it starts");
    cluster.until("half has ended", || {
        (master.counts().succeeded == MESSAGES / 2).then_some(())
    });
    end(worker);
    submit(MESSAGES / 2, MESSAGES);
    cluster.until("all is accepted", || {
        (master.counts().received == MESSAGES).then_some(())
    });
    end(master);
    folder
}

/// The files of a folder and of those in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("it is there");
    let mut files: Vec<PathBuf> = entries
        .flat_map(|entry| {
            let path = entry.expect("it reads").path();
            match path.is_dir() {
                true => files(&path),
                false => vec![path],
            }
        })
        .collect();
    files.sort();
    files
}

fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().expect("a folder can be made");
    for file in files(from) {
        let name = file.strip_prefix(from).expect("it is in there");
        let copy = to.path().join(name);
        let parent = copy.parent().expect("it is in the folder");
        fs::create_dir_all(parent).expect("a folder can be made");
        fs::copy(&file, &copy).expect("it can be copied");
    }
    to
}

#[test]
fn damage_is_told_or_does_no_harm() {
    let undamaged = written();
    let again = copy(undamaged.path());
    let expected = contents(&SledStore::open(again.path()).expect("it opens"));
    assert!(expected.groups.len() > 10);
    // As it was left, and as it is once it was opened again.
    let folders = [undamaged, again];
    let outcomes = RefCell::new(BTreeMap::<String, u32>::new());
    let case = (any::<bool>(), any::<Index>(), damage(), any::<Index>());
    let test = |(opened, file, damage, place): (bool, Index, Damage, Index)| {
        let folder = copy(folders[usize::from(opened)].path());
        let mut files = files(folder.path());
        // It holds nothing; and one holds more than all others.
        files.retain(|file| !file.ends_with("lock"));
        let data = folder.path().join("db/db");
        files.extend(iter::repeat_n(data, files.len()));
        let file = file.get(&files);
        damage.inflict(file, place);
        let outcome = match SledStore::open(folder.path()) {
            Ok(store) => {
                prop_assert_eq!(&contents(&store), &expected);
                "everything is there".to_owned()
            }
            Err(error) => {
                let named = error.to_string();
                prop_assert!(named.contains(&*folder.path().to_string_lossy()), "{named}");
                match error.kind() {
                    StoreErrorKind::Damaged => {
                        let aside = folder.path().join("damaged-1");
                        prop_assert!(named.contains(&*aside.to_string_lossy()), "{named}");
                        prop_assert!(aside.is_dir());
                        prop_assert!(SledStore::open(folder.path()).is_ok(), "it begins anew");
                    }
                    StoreErrorKind::Unsuitable | StoreErrorKind::Format => {
                        let format = folder.path().join("format");
                        prop_assert_eq!(&format, file, "{}", named);
                    }
                    other => prop_assert!(false, "{:?}: {}", other, named),
                }
                format!("{:?}", error.kind())
            }
        };
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let name = name.split('.').next().unwrap_or_default();
        *outcomes
            .borrow_mut()
            .entry(format!("{damage:?} {name}: {outcome}"))
            .or_default() += 1;
        Ok(())
    };
    let result = TestRunner::new(Config::default()).run(&case, test);
    for (outcome, count) in outcomes.borrow().iter() {
        println!("{outcome} {count}");
    }
    result.unwrap_or_else(|error| panic!("{error}"));
}

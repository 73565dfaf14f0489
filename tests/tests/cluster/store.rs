use palm_highlevel::{ErrorKind, Running, standalone};
use palm_persist::SledStore;
use std::path::Path;
use tests::cluster::{Cluster, end};
use tests::work::{Offer, Work, encoded, square};

fn master(cluster: &Cluster, folder: &Path, endpoint: &str) -> Running {
    standalone::Master::new("master")
        .store(SledStore::open(folder).unwrap())
        .config(cluster.config())
        .bind(endpoint)
        .unwrap()
}

#[test]
fn a_job_goes_on_with_the_master_that_takes_another_ones_place() {
    Cluster::on_each(|cluster| {
        let folder = tempfile::tempdir().unwrap();
        let endpoint = cluster.nobodys();
        let client = cluster.client(&endpoint);
        let mut job = client.job("master.work").unwrap();
        let first = master(cluster, folder.path(), &endpoint);
        for number in 0..2_000 {
            let work = Work {
                number,
                ..Work::default()
            };
            job.submit(work.payload()).unwrap();
        }
        cluster.until("all is accepted", || {
            (first.counts().received == 2_000).then_some(())
        });
        assert_eq!(end(first).succeeded, 0);

        let second = master(cluster, folder.path(), &endpoint);
        let worker = standalone::Worker::new("one")
            .offer_all()
            .config(cluster.config())
            .connect(&endpoint)
            .unwrap();
        let taken = cluster.take(&mut job, 1_000);
        // The others have ended as well, and are not fetched.
        cluster.until("all has ended", || {
            (second.counts().succeeded == 2_000).then_some(())
        });
        end(worker);
        end(second);

        let third = master(cluster, folder.path(), &endpoint);
        cluster.check(job, taken, |index| Ok(encoded(&square(index))));
        assert_eq!(third.counts().succeeded, 0, "nothing is executed again");
    });
}

#[test]
fn a_store_is_one_servers_and_one_processs() {
    let folder = tempfile::tempdir().unwrap();
    let bind = |name: &str, store| {
        standalone::Server::new(name)
            .store(store)
            .bind("tcp://127.0.0.1:*")
    };
    let first = bind("first", SledStore::open(folder.path()).unwrap()).unwrap();
    let refusal = SledStore::open(folder.path()).unwrap_err();
    assert!(refusal.to_string().contains("this process"), "{refusal}");
    end(first);
    let error = bind("second", SledStore::open(folder.path()).unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    assert_eq!(
        error.to_string(),
        "the store belongs to the server first, not to second: give each server a folder of its own"
    );
}

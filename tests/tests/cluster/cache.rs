use bytes::Bytes;
use palm_highlevel::{Call, Client, Config, Failure, FailureKind, Running, standalone};
use palm_persist::SledStore;
use std::path::Path;
use std::time::Duration;
use tests::cluster::{Cluster, end};

/// Gives back what the cache has under the payload, and keeps there how often it was asked.
fn count(call: &Call) -> Result<Bytes, Failure> {
    let cache = call.cache()?;
    let key = call.payload().clone();
    let before = cache.get(key.clone())?.unwrap_or_default();
    cache.set(key, [&before[..], b"|"].concat())?;
    Ok(before)
}

/// A serial server, and a master with a worker, both called `server`.
fn servers(cluster: &Cluster) -> [Vec<Running>; 2] {
    let serial = standalone::Server::new("server").function("count", count);
    let serial = serial.config(cluster.config()).bind(&cluster.endpoint());
    let master = standalone::Master::new("server").config(cluster.config());
    let master = master.bind(&cluster.endpoint()).unwrap();
    let worker = standalone::Worker::new("one").function("count", count);
    let worker = worker.config(cluster.config()).connect(master.address());
    [vec![serial.unwrap()], vec![worker.unwrap(), master]]
}

fn address(server: &[Running]) -> &str {
    server[server.len() - 1].address()
}

#[test]
fn clients_and_functions_share_the_values_of_a_server() {
    Cluster::on_each(|cluster| {
        for server in servers(cluster) {
            let client = cluster.client(address(&server));
            let cache = client.cache("server");
            assert_eq!(cache.get("a").unwrap(), None);
            cache.set("a", "-").unwrap();
            assert_eq!(client.call("server.count", "a").unwrap(), "-");
            let other = cluster.client(address(&server));
            assert_eq!(other.cache("server").get("a").unwrap().unwrap(), "-|");
            assert_eq!(client.call("server.count", "ab").unwrap(), "");
            assert_eq!(cache.keys("").unwrap(), ["a", "ab"]);
            assert_eq!(cache.keys("ab").unwrap(), ["ab"]);
            assert!(cache.delete("a").unwrap());
            assert!(!cache.delete("a").unwrap());
            assert_eq!(cache.keys("").unwrap(), ["ab"]);
        }
    });
}

#[test]
fn a_cache_has_a_limit_and_says_so() {
    let cluster = Cluster::start(tests::cluster::Transport::Inproc);
    let config = Config {
        cache_bytes: 100,
        ..cluster.config()
    };
    let server = standalone::Server::new("server").config(config);
    let server = server.bind(&cluster.endpoint()).unwrap();
    let client = cluster.client(server.address());
    let cache = client.cache("server");
    cache.set("a", vec![1; 99]).unwrap();
    let failure = cache.set("b", "").unwrap_err();
    assert_eq!(failure.kind, FailureKind::TooLarge);
    assert_eq!(
        failure.to_string(),
        "the cache has 100 bytes and no room for 1 more: its limit is 100, see Config::cache_bytes"
    );
    cache.set("a", vec![2; 99]).unwrap();
    let failure = cache.set(vec![0; 1_001], "").unwrap_err();
    assert_eq!(
        failure.to_string(),
        "a key of the cache has 1001 bytes, the longest may have 1000"
    );
    let failure = client.call("server.@cache", "no order").unwrap_err();
    assert!(failure.to_string().contains("CacheOrder"), "{failure}");
    assert_eq!(cache.get("a").unwrap().unwrap(), vec![2; 99]);
}

#[test]
fn who_does_not_wait_for_ever_is_told_that_time_is_over() {
    Cluster::on_each(|cluster| {
        let client = Client::start(&cluster.nobodys(), None, cluster.config()).unwrap();
        let cache = client.cache("server").timeout(Duration::from_millis(20));
        let failure = cache.get("a").unwrap_err();
        assert_eq!(failure.kind, FailureKind::Expired);
        assert_eq!(
            failure.to_string(),
            "the cache has not answered within 20ms"
        );
    });
}

#[test]
fn functions_do_not_have_the_names_of_palms_own() {
    let server = standalone::Server::new("server").function("@cache", count);
    let error = server.bind("tcp://127.0.0.1:*").unwrap_err();
    assert!(error.to_string().contains("begins with @"), "{error}");
}

#[test]
fn with_a_store_values_outlast_their_server_and_wait_behind_nothing() {
    Cluster::on_each(|cluster| {
        let folder = tempfile::tempdir().unwrap();
        let start = |endpoint: &str, folder: &Path| {
            let config = Config {
                window_messages: 4,
                ..cluster.config()
            };
            let master = standalone::Master::new("server").config(config);
            let master = master.store(SledStore::open(folder).unwrap());
            master.bind(endpoint).unwrap()
        };
        let endpoint = cluster.nobodys();
        let first = start(&endpoint, folder.path());
        let client = Client::start(&endpoint, None, cluster.config()).unwrap();
        let mut job = client.job("server.count").unwrap();
        for _ in 0..100 {
            job.submit("a").unwrap();
        }
        // Nobody executes those, and most of them wait in the store.
        let cache = client.cache("server");
        cache.set("a", "-").unwrap();
        cache.set("b", "-").unwrap();
        assert!(cache.delete("b").unwrap());
        end(first);

        let second = start(&endpoint, folder.path());
        assert_eq!(cache.get("a").unwrap().unwrap(), "-");
        assert_eq!(cache.keys("").unwrap(), ["a"]);
        let worker = standalone::Worker::new("one").function("count", count);
        let worker = worker.config(cluster.config()).connect(&endpoint).unwrap();
        let endings = cluster.take(&mut job, 100);
        assert!(endings.iter().all(|(_, result)| result.is_ok()));
        assert_eq!(cache.get("a").unwrap().unwrap().len(), 101);
        end(worker);
        end(second);
    });
}

#[test]
fn a_session_has_keys_of_its_own() {
    Cluster::on_each(|cluster| {
        let server = standalone::Server::new("server").function("mine", |call: &Call| {
            let value = call.session_cache()?.get("a")?;
            Ok::<_, Failure>(value.unwrap_or_default())
        });
        let server = server.config(cluster.config()).bind(&cluster.endpoint());
        let server = server.unwrap();
        let client = |session: &str| {
            let config = Config {
                session: Some(session.into()),
                ..cluster.config()
            };
            Client::start(server.address(), None, config).unwrap()
        };
        let (ann, bob) = (client("ann"), client("bob"));
        let own = ann.session_cache("server").unwrap();
        own.set("a", "Ann's").unwrap();
        bob.cache("server").set("a", "everybody's").unwrap();
        assert_eq!(ann.call("server.mine", "").unwrap(), "Ann's");
        assert_eq!(bob.call("server.mine", "").unwrap(), "");
        assert_eq!(bob.session_cache("server").unwrap().get("a").unwrap(), None);
        assert_eq!(own.keys("").unwrap(), ["a"]);
        assert_eq!(bob.cache("server").keys("").unwrap(), ["a"]);
        assert!(!bob.session_cache("server").unwrap().delete("a").unwrap());

        // Another process of the session has the same.
        drop(ann);
        let again = client("ann");
        let own = again.session_cache("server").unwrap();
        assert_eq!(own.get("a").unwrap().unwrap(), "Ann's");
        let failure = own.set(vec![0; 983], "").unwrap_err();
        assert_eq!(
            failure.to_string(),
            "a key of the cache has 1001 bytes, the longest may have 1000"
        );
        own.set(vec![0; 982], "").unwrap();

        let nobody = cluster.client(server.address());
        let failure = nobody.session_cache("server").unwrap_err();
        assert_eq!(
            failure.to_string(),
            "the client has no session whose keys could be its own, see `Config`"
        );
    });
}

#[test]
fn a_worker_keeps_what_it_has_fetched_by_its_content() {
    Cluster::on_each(|cluster| {
        let master = standalone::Master::new("server").config(cluster.config());
        let master = master.bind(&cluster.endpoint()).unwrap();
        let worker = |name: &str| {
            let worker = standalone::Worker::new(name).function("sum", |call: &Call| {
                let model = call.content(call.payload().clone())?;
                let sum: u64 = model.iter().map(|byte| u64::from(*byte)).sum();
                Ok::<_, Failure>(sum.to_string())
            });
            let config = Config {
                cache_bytes: 3 << 20,
                ..cluster.config()
            };
            worker.config(config).connect(master.address()).unwrap()
        };
        let one = worker("one");
        let client = cluster.client(master.address());
        let cache = client.cache("server");
        let models = [1, 2, 3].map(|byte| cache.put(vec![byte; 1 << 20]).unwrap());
        assert_eq!(cache.put(vec![1; 1 << 20]).unwrap(), models[0], "the same");
        let sum = |model: usize| client.call("server.sum", models[model].clone());
        for model in 0..3 {
            assert_eq!(sum(model).unwrap(), ((model + 1) << 20).to_string());
        }
        // What is not at the master any more can't have travelled again.
        for key in &models {
            assert!(cache.delete(key.clone()).unwrap());
        }
        for model in [0, 1, 2, 0] {
            assert_eq!(sum(model).unwrap(), ((model + 1) << 20).to_string());
        }
        // It keeps as much as it may: the second goes, which was not asked for longest.
        let other = cache.put(vec![4; 1 << 20]).unwrap();
        assert_eq!(
            client.call("server.sum", other).unwrap(),
            (4 << 20).to_string()
        );
        assert!(sum(0).is_ok() && sum(2).is_ok());
        let gone = format!(
            "the cache has nothing under the key {}",
            String::from_utf8_lossy(&models[1])
        );
        assert_eq!(sum(1).unwrap_err().to_string(), gone);

        end(one);
        let two = worker("two");
        assert!(sum(0).unwrap_err().to_string().contains("nothing under"));
        let forged = models[0].clone();
        cache.set(forged, "another model").unwrap();
        let failure = sum(0).unwrap_err();
        assert!(
            failure.to_string().ends_with("is not of that content"),
            "{failure}"
        );
        end(two);
    });
}

//! What `mastr bench` prints; how fast anything is, is not tested.

use crate::command::{mastr, stderr, stdout};

#[test]
fn bench_prints_a_line_for_each_engine() {
    let output = mastr()
        .args(["bench", "--plain", "--seconds", "0"])
        .output()
        .unwrap();
    assert_eq!(stderr(&output), "");
    assert_eq!(output.status.code(), Some(0));
    let mut lines = stdout(&output).lines();
    let heading: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
    assert_eq!(heading, ["name", "value", "unit", "ratio", "to"]);
    let mut names = Vec::new();
    for line in lines {
        let mut fields = line.split_whitespace();
        let mut next = || fields.next().unwrap();
        names.push(next());
        let value: f64 = next().parse().unwrap();
        assert!(value > 0.0, "{line}");
        assert!(next().ends_with("/s"), "{line}");
        let ratio: f64 = next().parse().unwrap();
        assert!(ratio > 0.0, "{line}");
        assert_eq!(next(), "plain:");
    }
    let engines = [
        "european",
        "barrier",
        "american",
        "asian",
        "swap",
        "bond",
        "scenarios",
    ];
    assert_eq!(names, engines);
}

#[test]
fn bench_says_which_python_it_cannot_use() {
    let bench = |python: &str| {
        mastr()
            .args(["bench", "--quantlib", python])
            .output()
            .unwrap()
    };
    let missing = bench("/no/such/python");
    assert_eq!(missing.status.code(), Some(2));
    assert!(stderr(&missing).starts_with("mastr: /no/such/python: "));
    // Something else that starts and ends.
    let useless = bench("true");
    assert_eq!(useless.status.code(), Some(1));
    assert!(stderr(&useless).contains("is QuantLib installed for it?"));
}

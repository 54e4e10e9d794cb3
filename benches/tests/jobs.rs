//! Each job, with little to do, as the binary that people run.

use std::process::{Command, Output};

use serde_json::Value;

fn jobs(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_jobs")).args(args).output().expect("the binary runs")
}

/// Runs a job and gives its line.
#[track_caller]
fn line(job: &str, params: &str) -> Value {
    let output = jobs(&[job, params]);
    let (printed, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{job} failed: {said}");
    assert_eq!(printed.lines().count(), 1, "{job} printed {printed:?}");
    let line: Value = serde_json::from_str(&printed).expect("a line of JSON");
    assert_eq!(line["job"], job);
    let given: Value = serde_json::from_str(params).expect("parameters are JSON");
    for (name, value) in given.as_object().expect("parameters are an object") {
        assert_eq!(&line["params"][name], value, "{job} did not take {name}");
    }
    for field in ["n", "p50_us", "p99_us", "min_us", "total_s", "per_s", "cpu_us_per_op", "rss_mb"] {
        assert!(line[field].as_f64().is_some_and(|number| number > 0.0), "{job}: {field} in {line}");
    }
    line
}

#[test]
fn commits_are_measured() {
    for storage in ["memory", "disk"] {
        for durability in ["deferred", "process", "disk"] {
            let params = format!(r#"{{"storage":"{storage}","durability":"{durability}","n":3}}"#);
            let line = line("commit_latency", &params);
            assert_eq!(line["n"], 3);
            assert!(line["ratio"].is_number() && line["raw_cpu_us_per_op"].is_number(), "{line}");
        }
        line("batch_commit", &format!(r#"{{"size":3,"storage":"{storage}","n":2}}"#));
    }
}

#[test]
fn live_queries_are_measured() {
    line("commit_with_live_queries", r#"{"k":5,"rows":10,"n":3}"#);
    line("live_aggregate", r#"{"rows":10,"n":25}"#);
    for indexed in [false, true] {
        for place in ["inside", "outside"] {
            line("live_list", &format!(r#"{{"rows":250,"indexed":{indexed},"where":"{place}","n":5}}"#));
        }
    }
}

#[test]
fn boots_are_measured() {
    for state in ["present", "removed", "schema_changed"] {
        for confirmed in [false, true] {
            line("boot", &format!(r#"{{"events":5,"state":"{state}","confirmed":{confirmed}}}"#));
        }
    }
    let line = line("memory", r#"{"rows":5}"#);
    assert!(line["before_mb"].is_number() && line["peak_mb"].is_number(), "{line}");
}

#[test]
fn rebases_are_measured() {
    for storage in ["memory", "disk"] {
        line("rebase", &format!(r#"{{"pending":5,"upstream":3,"storage":"{storage}","n":2}}"#));
    }
}

#[test]
fn sync_is_measured() {
    line("sync_latency", r#"{"rows":2,"n":2}"#);
    line("sync_throughput", r#"{"events":5,"perCommit":2}"#);
    line("catch_up", r#"{"events":5}"#);
}

#[test]
fn jobs_say_what_they_are() {
    let output = jobs(&["--list"]);
    let list = String::from_utf8_lossy(&output.stdout);
    for job in headwater_benches::jobs::JOBS {
        assert!(list.contains(&format!("{}: ", job.name())), "{} is not in {list}", job.name());
    }
    assert!(list.contains("\"perCommit\":"), "{list}");
}

#[test]
fn what_can_not_be_run_is_refused() {
    let refused: [(&[&str], &str); 6] = [
        (&["nothing"], "there is no job \"nothing\"; there are commit_latency, "),
        (&["live_list", r#"{"row":1}"#], "unknown field `row`"),
        (&["live_list", r#"{"rows":0}"#], "nonzero"),
        (&["commit_latency", r#"{"storage":"tape"}"#], "unknown variant `tape`"),
        (&["commit_latency", "{"], "the parameters of commit_latency can't be read"),
        (&[], "usage: jobs JOB"),
    ];
    for (args, why) in refused {
        let output = jobs(args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains(why) && output.stdout.is_empty(), "{args:?}: {said}");
    }
}

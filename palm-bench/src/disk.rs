//! What a master with a store takes of the disk and of memory while tasks go through it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Instant;

use crate::contender::Contender;
use crate::error::{Attempt, Error, Result};
use crate::measurement;
use crate::palm::Palm;
use crate::servers::Servers;

/// The payload of a task, in bytes.
const SIZE: usize = 100;
/// How many workers there are.
const WORKERS: usize = 2;
/// After how many tasks more a line is printed.
const EVERY: u64 = 1_000_000;

/// Sends so many tasks through a master with a store, and prints a line of figures after each
/// million of them and at the end.
pub(crate) fn measure(tasks: u64) -> Result<()> {
    let servers = Servers::start(&Palm::DURABLE, WORKERS)?;
    let mut client = Palm::DURABLE.client(servers.address())?;
    let (mut done, mut said) = (0, 0);
    let (mut since, mut written) = (Instant::now(), written(servers.broker())?);
    let mut fault = Ok(());
    client.throughput(SIZE, &mut |results, now| {
        done += results as u64;
        if done < (said + EVERY).min(tasks) {
            return true;
        }
        let more = (done - said) as f64;
        let rate = more / now.duration_since(since).as_secs_f64();
        fault = line(&servers, written, more).and_then(|(line, so_far)| {
            written = so_far;
            measurement::say(&format!("{done} tasks: {rate:.0} tasks/s, {line}"))
        });
        (said, since) = (done, now);
        done < tasks && fault.is_ok()
    })?;
    fault
}

/// What the broker has on the disk, wrote of late, and has in memory; and what it wrote in all.
fn line(servers: &Servers, before: u64, tasks: f64) -> Result<(String, u64)> {
    const MIB: f64 = (1 << 20) as f64;
    let written = written(servers.broker())?;
    let each = (written - before) as f64 / tasks;
    let disk = size(servers.folder()).attempt(|| "cannot look into the store".to_owned())? as f64;
    let memory = memory(servers.broker())? as f64;
    let (disk, memory) = (disk / MIB, memory / MIB);
    let line =
        format!("{disk:.1} MiB on disk, {each:.0} bytes written each, {memory:.0} MiB of memory");
    Ok((line, written))
}

/// How many bytes a folder takes on the disk.
fn size(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let found = match entry.metadata() {
            // A snapshot of sled that has been replaced meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            found => found?,
        };
        bytes += match found.is_dir() {
            true => size(&entry.path())?,
            false => found.blocks() * 512,
        };
    }
    Ok(bytes)
}

/// How many bytes a process has had written to disks.
fn written(process: u32) -> Result<u64> {
    number(process, "io", "write_bytes:")
}

/// How many bytes of memory a process has.
fn memory(process: u32) -> Result<u64> {
    Ok(number(process, "status", "VmRSS:")? * 1024)
}

/// What the system says of a process.
fn number(process: u32, file: &str, name: &str) -> Result<u64> {
    let path = format!("/proc/{process}/{file}");
    let text = fs::read_to_string(&path).attempt(|| format!("cannot read {path}"))?;
    let number = text.lines().find_map(|line| {
        let words = line.strip_prefix(name)?;
        words.split_whitespace().next()?.parse().ok()
    });
    number.ok_or_else(|| Error::new(format!("there is no {name} in {path}")))
}

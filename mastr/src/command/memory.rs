//! How much memory this process takes.

use std::fs;

/// The most memory that this process has had in use, in bytes, where the system tells: Linux does.
pub(super) fn peak() -> Option<u64> {
    peak_of(&fs::read_to_string("/proc/self/status").ok()?)
}

fn peak_of(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_where_it_is_told() {
        let status = "Name:\tmastr\nVmPeak:\t  900 kB\nVmHWM:\t    7124 kB\nVmRSS:\t 12 kB\n";
        assert_eq!(peak_of(status), Some(7124 * 1024));
        assert_eq!(peak_of("Name:\tmastr\n"), None);
        assert_eq!(peak_of("VmHWM:\t many kB\n"), None);
    }
}

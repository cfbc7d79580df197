//! Processor time and memory of a process, from `/proc`.

use std::time::Duration;

use anyhow::{Context as _, bail};

/// The kernel counts in hundredths of a second (USER_HZ, fixed at 100 for programs on Linux).
const TICK: Duration = Duration::from_millis(10);

/// User and system time of another process so far.
pub(super) fn cpu_of(pid: u32) -> anyhow::Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let stat = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    // The program's name stands in parentheses and may hold anything: fields count from the last one.
    let Some((_, fields)) = stat.rsplit_once(')') else { bail!("{path}: not the form that proc(5) gives") };
    let field = |index: usize| -> anyhow::Result<u32> {
        fields.split_whitespace().nth(index).and_then(|field| field.parse().ok()).with_context(|| path.clone())
    };
    // utime and stime are fields 14 and 15; the state after the name is field 3.
    Ok(TICK * (field(11)? + field(12)?))
}

/// Bytes of another process that are in memory now.
pub(super) fn resident(pid: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB"));
    let kilobytes = kilobytes.and_then(|number| number.trim().parse::<u64>().ok()).with_context(|| path.clone())?;
    Ok(kilobytes * 1024)
}

/// User and system time of the calling thread so far, to the nanosecond.
pub(super) fn own_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

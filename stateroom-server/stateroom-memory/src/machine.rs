//! The memory of the machine, of the control group, and of this process, as Linux reports them.
//!
//! *Invariant:* what cannot be read is unknown, never an error: other systems report nothing here.
use std::{fs, path::Path, thread, time::Duration};

/// The directories of control groups of either version, and the names of the files with the limit of memory.
const LIMIT_FILES: [(&str, &str); 3] = [
    ("/sys/fs/cgroup", "memory.max"),
    ("/sys/fs/cgroup/unified", "memory.max"),
    ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
];

/// Returns the memory of the machine, or of the process's control group or one above it if that has less.
pub(super) fn total() -> Option<usize> {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| kibibytes(&text, "MemTotal:"));
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limits = groups.lines().filter_map(group_path).flat_map(group_limits);
    limits.chain(machine).min()
}

/// Returns the memory of this process that no file backs, and that of its page tables, in bytes.
pub(super) fn resident() -> Option<usize> {
    // Files, such as the program itself and the images of modules, would count once for each of their mappings. Page tables are a
    // part of the control group's memory: those of thousands of rooms, each in its own part of the address space, are large.
    let status = fs::read_to_string("/proc/self/status").ok()?;
    Some(kibibytes(&status, "RssAnon:")?.saturating_add(kibibytes(&status, "VmPTE:").unwrap_or_default()))
}

/// Has the allocator give freed memory back to the system after a delay, on a thread of its own: that takes a while. Calls `begin`
/// just before. Returns whether it will: without a thread, the memory stays with the process until the next time.
pub(super) fn trim(delay: Duration, begin: impl FnOnce() + Send + 'static) -> bool {
    let started = thread::Builder::new().name("trim".to_owned()).spawn(move || {
        thread::sleep(delay);
        begin();
        trim_now();
    });
    started.is_ok()
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "a function of the C library, which may be called at any time")]
fn trim_now() {
    // SAFETY: it takes the locks of the allocator, and has no other preconditions.
    unsafe { libc::malloc_trim(0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn trim_now() {}

/// Returns a field of a text such as `/proc/meminfo`, in bytes.
fn kibibytes(text: &str, field: &str) -> Option<usize> {
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    let kibibytes: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// Returns the path in a line of `/proc/self/cgroup` if it is that of the memory controller, or of version 2.
fn group_path(line: &str) -> Option<&str> {
    let (_, line) = line.split_once(':')?;
    let (controllers, path) = line.split_once(':')?;
    (controllers.is_empty() || controllers.split(',').any(|name| name == "memory")).then_some(path)
}

/// Returns the limits of a group and of those above it. In a container, its own group may be the only visible one.
fn group_limits(path: &str) -> impl Iterator<Item = usize> {
    LIMIT_FILES.into_iter().flat_map(move |(root, file)| {
        let groups = Path::new(path).ancestors().map(move |group| {
            let group = group.strip_prefix("/").unwrap_or(group);
            Path::new(root).join(group).join(file)
        });
        // Without a limit, the file contains `max`, or a number above any machine's memory.
        groups.filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_fields_of_the_kernel() {
        let text = "MemTotal:       24684092 kB\nMemFree: 1 kB\n";
        assert_eq!(kibibytes(text, "MemTotal:"), Some(24_684_092 << 10));
        assert_eq!(kibibytes(text, "MemFree:"), Some(1024));
        assert_eq!(kibibytes(text, "RssAnon:"), None);
    }

    #[test]
    fn finds_the_group_of_either_version() {
        assert_eq!(group_path("0::/user.slice/a:b"), Some("/user.slice/a:b"));
        assert_eq!(group_path("4:memory:/app"), Some("/app"));
        assert_eq!(group_path("4:hugetlb,memory:/app"), Some("/app"));
        assert_eq!(group_path("5:devices:/app"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn reads_the_memory_of_this_process() {
        let before = resident().unwrap();
        let block = vec![1_u8; 64 << 20];
        let after = resident().unwrap();
        assert!(after >= before + (32 << 20), "{before} {after} {}", block.len());
        assert!(total().unwrap() > after);
    }
}

//! Systems without Landlock.
use super::SandboxNeeds;

/// Returns whether the kernel has Landlock.
pub(crate) fn is_available() -> bool {
    false
}

/// Does nothing.
pub(crate) fn restrict(_: &SandboxNeeds) {}

/// Does nothing.
pub(crate) fn restrict_compiler() {}

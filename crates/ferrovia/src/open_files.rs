//! How many files and connections the system lets this process have open.
//!
//! Each task has several connections of its own, and a shell's soft limit is often 1,024. Programs that hand file
//! descriptors to `select` need it so low; this one has none such.
//!
//! # Source
//! Java's virtual machine raises the limit likewise (`-XX:+MaxFDLimit`)

use rlimit::Resource;
use tracing::{info, warn};

/// A worker with less may run out of connections at about a thousand tasks.
const OPEN_FILES_MIN: u64 = 10_000;

/// Raises the soft limit to the hard one, and says so. Goes on with what there is where that fails.
pub(crate) fn raise_limit() {
    let before = Resource::NOFILE.get_soft();
    let raised = before.and_then(|before| {
        let after = rlimit::increase_nofile_limit(u64::MAX)?;
        Ok((before, after))
    });
    match raised {
        Ok((before, after)) => {
            if after > before {
                info!("Raised the limit of open files from {before} to {after}");
            }
            warn_of_few(after);
        }
        Err(error) => warn!("The limit of open files cannot be raised: {error}"),
    }
}

fn warn_of_few(limit: u64) {
    if limit < OPEN_FILES_MIN {
        warn!(
            "This process may have no more than {limit} files open, connections among them. A task takes up to ten: for \
             many tasks raise the hard limit (ulimit -Hn, LimitNOFILE of systemd) to {OPEN_FILES_MIN} or more"
        );
    }
}

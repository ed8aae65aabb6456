use std::sync::{Mutex, MutexGuard, PoisonError};

/// While it lives, no other test of the binary has one.
pub type Turn = MutexGuard<'static, ()>;

/// Waits for the test's turn.
///
/// Tests run on threads, whose VMs motsu keeps in one map. It gives up on a lock after 10 ms, for which another thread can
/// hold it on a busy machine.
pub fn turn() -> Turn {
    static ONE: Mutex<()> = Mutex::new(());
    // A test that failed is no reason for the others to.
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

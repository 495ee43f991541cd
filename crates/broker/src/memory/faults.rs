//! What goes wrong between a processor and its broker, on demand.

use super::{Memory, Processor, State};

impl Memory {
    /// Reads the state.
    pub(super) fn inspect<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.lock().state)
    }

    /// Cuts the connection: what is unacknowledged goes back to its queue, publishing channels break.
    pub(super) fn sever(&self) {
        let mut inner = self.lock();
        if inner.online {
            inner.online = false;
            inner.go_down("severed");
        }
        drop(inner);
        self.0.changed.notify_one();
    }

    /// Lets the connection come back.
    pub(super) fn restore(&self) {
        let mut inner = self.lock();
        if !inner.online {
            inner.online = true;
            inner.reconnects += 1;
            if inner.processor == Processor::Linked {
                inner.come_up();
            }
        }
        drop(inner);
        self.0.changed.notify_one();
        self.0.restored.notify_waiters();
    }

    /// Loses the confirms of the next `count` batches published through the link, from their first
    /// message on, which arrives all the same.
    pub(super) fn lose_confirms(&self, count: usize) {
        self.lock().lose_confirms = count;
    }
}

//! The faults.

use crate::ClusterRow;
use crate::member::TAKEOVER_AFTER;
use crate::nodes::BrokerNodes;
use crate::outcome::Row;
use crate::site::Site;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use tokio::time::Instant;

/// A kind of fault.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// Rounds of the short form; 0: none.
    pub(crate) short: u32,
    /// Rounds of the long form.
    pub(crate) long: u32,
    fault: Fault,
}

enum Fault {
    /// Of a member or its network.
    Member(fn(&mut Site)),
    /// Of the nodes of the broker.
    Nodes(fn(&mut Site, &BrokerNodes)),
}

pub(crate) const KINDS: [Kind; 15] = [
    Kind { name: "kill-owner", short: 2, long: 20, fault: Fault::Member(kill_owner) },
    Kind { name: "lose-owner", short: 2, long: 20, fault: Fault::Member(lose_owner) },
    Kind { name: "kill-standby", short: 1, long: 20, fault: Fault::Member(kill_standby) },
    Kind { name: "kill-members", short: 0, long: 20, fault: Fault::Member(kill_members) },
    Kind { name: "freeze-owner", short: 1, long: 20, fault: Fault::Member(freeze_owner) },
    Kind { name: "isolate-owner", short: 1, long: 20, fault: Fault::Member(isolate_owner) },
    Kind { name: "cut-owner", short: 1, long: 20, fault: Fault::Member(cut_owner) },
    Kind { name: "stop-owner", short: 1, long: 20, fault: Fault::Member(stop_owner) },
    Kind { name: "step-down", short: 1, long: 20, fault: Fault::Member(step_down) },
    Kind { name: "full-disk", short: 0, long: 20, fault: Fault::Member(full_disk) },
    Kind { name: "kill-leader-node", short: 0, long: 20, fault: Fault::Nodes(kill_leader_node) },
    Kind { name: "kill-owner-node", short: 0, long: 20, fault: Fault::Nodes(kill_owner_node) },
    Kind { name: "freeze-node", short: 0, long: 20, fault: Fault::Nodes(freeze_node) },
    Kind { name: "kill-nodes", short: 0, long: 20, fault: Fault::Nodes(kill_nodes) },
    Kind { name: "machine", short: 0, long: 20, fault: Fault::Nodes(lose_machine) },
];

impl Kind {
    /// Whether it needs nodes of the broker that may be killed.
    pub(crate) fn needs_nodes(&self) -> bool {
        matches!(self.fault, Fault::Nodes(_))
    }

    /// Runs the rounds, and says what became of them.
    pub(crate) fn run(&self, rounds: u32, seed: u64, nodes: Option<&BrokerNodes>) -> ClusterRow {
        let whole = catch_unwind(AssertUnwindSafe(|| {
            let mut site = Site::start(self.name, seed, nodes);
            for _ in 0..rounds {
                site.sleep(200, 1_500);
                match self.fault {
                    Fault::Member(fault) => fault(&mut site),
                    Fault::Nodes(fault) => fault(&mut site, nodes.expect("several nodes")),
                }
                site.recover();
            }
            site.finish()
        }));
        let mut row = whole.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            let unexpected = vec![format!("the rounds ended early: {}", text.unwrap_or("a panic"))];
            let row = Row { kind: self.name.to_owned(), unexpected, ..Row::default() };
            ClusterRow { row, ..ClusterRow::default() }
        });
        row.row.rounds = rounds;
        row
    }
}

/// SIGKILL of the owner.
fn kill_owner(site: &mut Site) {
    let owner = site.owner();
    let began = Instant::now();
    site.members[owner].processor.kill();
    site.owned_by_another(&[owner], began);
    site.members[owner].processor.spawn();
}

/// SIGKILL of the owner, and its disk is gone.
fn lose_owner(site: &mut Site) {
    let owner = site.owner();
    let began = Instant::now();
    site.members[owner].processor.kill();
    site.members[owner].lose_store();
    site.owned_by_another(&[owner], began);
    site.members[owner].processor.spawn();
}

/// SIGKILL of a standby.
fn kill_standby(site: &mut Site) {
    let standby = site.standby();
    site.members[standby].processor.kill();
    site.sleep(0, 1_000);
    site.members[standby].processor.spawn();
}

/// SIGKILL of all members.
fn kill_members(site: &mut Site) {
    for member in &mut site.members {
        member.processor.kill();
    }
    let began = Instant::now();
    for member in &mut site.members {
        member.processor.spawn();
    }
    site.owned_by_another(&[], began);
}

/// The owner freezes for longer than the others wait. Its records that are under way arrive later, and count for nobody.
fn freeze_owner(site: &mut Site) {
    let owner = site.owner();
    let began = Instant::now();
    site.members[owner].freeze();
    site.owned_by_another(&[owner], began);
    site.sleep(0, 1_000);
    site.members[owner].thaw();
    site.superseded(owner);
}

/// Nothing passes between the owner and the broker.
fn isolate_owner(site: &mut Site) {
    let owner = site.owner();
    let began = Instant::now();
    site.members[owner].isolate(true);
    site.owned_by_another(&[owner], began);
    site.sleep(0, 1_000);
    site.members[owner].isolate(false);
    site.superseded(owner);
}

/// The owner's connections break, and it connects again: who owns afterwards is the broker's choice.
fn cut_owner(site: &mut Site) {
    let owner = site.owner();
    site.members[owner].cut();
    site.sleep(0, 500);
}

/// SIGTERM of the owner.
fn stop_owner(site: &mut Site) {
    let owner = site.owner();
    let began = Instant::now();
    site.members[owner].processor.signal("TERM");
    site.owned_by_another(&[owner], began);
    site.ends_with(owner, 0);
    site.members[owner].processor.spawn();
}

/// The owner is asked to leave.
fn step_down(site: &mut Site) {
    let owner = site.owner();
    let began = Instant::now();
    let (status, answer) = site.members[owner].processor.post("/api/cluster/step-down");
    if status != 200 {
        site.row.unexpected(format!("step-down answers {status}: {answer}"));
    }
    site.owned_by_another(&[owner], began);
    site.superseded(owner);
}

/// The owner's disk is full.
fn full_disk(site: &mut Site) {
    // a standby that becomes the owner by and by
    let limited = site.standby();
    site.members[limited].processor.kill();
    let most = site.members[limited].largest_file() + (1 << 20);
    site.members[limited].processor.limit_files(Some(most));
    site.members[limited].processor.spawn();
    site.ends_with(limited, 74);
    site.members[limited].processor.limit_files(None);
    site.members[limited].processor.spawn();
}

/// SIGKILL of the node that leads the stream.
fn kill_leader_node(site: &mut Site, nodes: &BrokerNodes) {
    let leader = nodes.leader_of(&site.stream());
    nodes.kill(leader);
    site.recover_work();
    nodes.restart(leader);
}

/// SIGKILL of the node that the owner is connected to.
fn kill_owner_node(site: &mut Site, nodes: &BrokerNodes) {
    let owner = site.owner();
    let Some(node) = site.members[owner].node() else {
        return site.row.unexpected("the owner has no connection");
    };
    nodes.kill(node);
    site.recover_work();
    nodes.restart(node);
}

/// A node freezes for longer than the others wait for it.
fn freeze_node(site: &mut Site, nodes: &BrokerNodes) {
    let leader = nodes.leader_of(&site.stream());
    nodes.signal(leader, "STOP");
    // what is published from here on is processed without it
    site.sleep(1_000, 1_000);
    site.recover_work();
    // longer than net_ticktime, after which the others give it up
    site.sleep(12_000, 15_000);
    nodes.signal(leader, "CONT");
}

/// SIGKILL of all nodes.
fn kill_nodes(site: &mut Site, nodes: &BrokerNodes) {
    for node in 0..nodes.count() {
        nodes.kill(node);
    }
    site.sleep(0, 2_000);
    nodes.restart_all();
}

/// A machine with the owner and a node of the broker is gone, with its disk; the node comes back with its data.
fn lose_machine(site: &mut Site, nodes: &BrokerNodes) {
    let owner = site.owner();
    let node = site.members[owner].node();
    let began = Instant::now();
    site.members[owner].processor.kill();
    site.members[owner].lose_store();
    if let Some(node) = node {
        nodes.kill(node);
    }
    site.owned_by_another(&[owner], began);
    site.recover_work();
    if let Some(node) = node {
        nodes.restart(node);
    }
    site.members[owner].processor.spawn();
    std::thread::sleep(Duration::min(TAKEOVER_AFTER, Duration::from_secs(1)));
}

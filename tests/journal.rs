//! Several members of a cluster in one process, with stores in memory, beside a real broker: they follow the same units, one
//! of them owns, and whatever ends or cuts off one of them, nothing durable is lost, doubled or contradicted.
//!
//! The owner seals units as fast as they become durable, with 16 under way. Each has a body that no other has.

#[path = "support/broker_nodes.rs"]
mod broker_nodes;
#[path = "journal/member.rs"]
mod member;
#[path = "support/proxy.rs"]
mod proxy;
#[path = "support/rabbit.rs"]
mod rabbit;

use broker_nodes::BrokerNodes;
use member::{Ended, Member, Promises, Site};
use orderly::journal::FOUND_WITHIN;
use orderly_broker::client::{Client, command};
use orderly_broker::rabbit::Claim;
use orderly_journal::node::Role;
use rabbit::{Node, namespace, runtime, shared_url};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Longer than any step takes that succeeds.
const PATIENCE: Duration = Duration::from_secs(60);
/// Silence after which a member takes over.
const TAKEOVER_AFTER: Duration = Duration::from_millis(1_500);
const POLL: Duration = Duration::from_millis(10);

/// Three members.
struct Cluster {
    members: Vec<Member>,
    promises: Arc<Promises>,
}

impl Cluster {
    async fn start(sites: Vec<Site>) -> Self {
        let promises = Arc::<Promises>::default();
        let mut members = Vec::new();
        for (number, site) in sites.into_iter().enumerate() {
            members.push(Member::new(number, site, Arc::clone(&promises)).await);
        }
        let mut cluster = Self { members, promises };
        cluster.start_all().await;
        cluster
    }

    /// Starts what has ended.
    async fn start_all(&mut self) {
        for member in &mut self.members {
            if !member.runs() {
                member.start().await;
            }
        }
    }

    /// Waits until `found` finds something.
    async fn until<T>(&self, what: &str, mut found: impl FnMut(&Self) -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = found(self) {
                return found;
            }
            let shown = || self.members.iter().map(Member::shown).collect::<Vec<_>>().join("\n");
            assert!(began.elapsed() < PATIENCE, "not in time: {what}\n{}", shown());
            sleep(POLL).await;
        }
    }

    /// The member that owns, if the others agree.
    fn owner(&self) -> Option<usize> {
        let mut owners = (0..self.members.len()).filter(|&at| self.members[at].owns());
        match (owners.next(), owners.next()) {
            (Some(owner), None) => Some(owner),
            _ => None,
        }
    }

    /// Waits until a member owns that is none of `not`, and makes units durable.
    async fn owned_by_another(&self, what: &str, not: &[usize]) -> (usize, Duration) {
        let began = Instant::now();
        let durable = self.promises.durable();
        let owner = self
            .until(what, |all| {
                let owner = all.owner().filter(|owner| !not.contains(owner))?;
                (all.promises.durable() > durable + 100).then_some(owner)
            })
            .await;
        let took = began.elapsed();
        println!("{what}: member {owner} makes units durable after {took:?}");
        (owner, took)
    }

    /// Waits until every member that runs has all units that are durable now.
    async fn followed(&self, what: &str) {
        let durable = self.promises.durable();
        self.until(what, |all| {
            all.members
                .iter()
                .filter(|member| member.runs())
                .all(|member| member.next() >= durable)
                .then_some(())
        })
        .await;
        self.promises.check(self.members.iter().map(|member| &member.store));
    }

    /// Waits until a member has ended, and says how.
    async fn ended(&self, at: usize) -> Ended {
        self.until("an end", |all| all.members[at].ended()).await
    }

    fn others(&self, than: usize) -> Vec<usize> {
        (0..self.members.len()).filter(|&at| at != than).collect()
    }

    /// All members leave; their stores are equal, and so is that of a member that reads the journal from its beginning.
    async fn finish(mut self) {
        self.promises.rest();
        let mut durable = 0;
        while self.promises.durable() > durable {
            durable = self.promises.durable();
            sleep(Duration::from_secs(1)).await;
        }
        self.followed("the last units").await;
        let owner = self.until("an owner", Self::owner).await;
        for at in self.others(owner).into_iter().chain([owner]) {
            self.members[at].leave();
            assert_eq!(self.ended(at).await, Ended::Left);
        }
        let site = self.members[0].site.clone();
        let mut newcomer = Member::new(9, site, Arc::clone(&self.promises)).await;
        let began = Instant::now();
        newcomer.start().await;
        self.members.push(newcomer);
        self.until("a newcomer's end of the journal", |all| {
            (all.members.last()?.next() >= all.promises.durable()).then_some(())
        })
        .await;
        // it attaches as soon as it is connected, and not when it looks for its place again
        assert!(began.elapsed() < FOUND_WITHIN, "{:?}", began.elapsed());
        self.promises.check(self.members.iter().map(|member| &member.store));
        let next: Vec<u64> = self.members.iter().map(Member::next).collect();
        assert!(next.iter().all(|next| *next == durable), "{durable}: {next:?}");
        assert!(self.promises.durable() > 1_000, "too little happened: {next:?}");
    }
}

impl Cluster {
    /// What goes wrong with the members themselves, and with their connections.
    async fn goes_wrong(&mut self) {
        let (owner, _) = self.owned_by_another("a first owner", &[]).await;
        self.followed("the first units").await;

        // the owner dies
        self.members[owner].kill().await;
        let (next, took) = self.owned_by_another("the owner died", &[owner]).await;
        assert!(took < Duration::from_secs(10), "{took:?}");
        self.start_all().await;
        self.followed("a member that comes back").await;

        // two claim at once
        for at in self.others(next) {
            self.members[at].claim();
        }
        assert_eq!(self.ended(next).await, Ended::Fenced);
        let (third, _) = self.owned_by_another("two claim at once", &[next]).await;
        self.start_all().await;
        self.followed("two claim at once").await;

        // the owner steps down
        self.members[third].leave();
        assert_eq!(self.ended(third).await, Ended::Left);
        let (owner, took) = self.owned_by_another("the owner left", &[third]).await;
        assert!(took < Duration::from_secs(5), "{took:?}");
        self.start_all().await;
        self.followed("the owner left").await;

        // the owner is cut off, with records under way that arrive later
        self.members[owner].proxy().hold(true);
        let (other, took) = self.owned_by_another("the owner was cut off", &[owner]).await;
        assert!(took < Duration::from_secs(15), "{took:?}");
        self.members[owner].proxy().hold(false);
        assert_eq!(self.ended(owner).await, Ended::Fenced, "and what it appended does not count");
        self.start_all().await;
        self.followed("the owner was cut off").await;

        // the owner's connections to the journal break: it goes on
        let ends = self.promises.ends();
        for _ in 0..3 {
            self.members[other].proxy().cut();
            let (still, _) = self.owned_by_another("its connections broke", &[]).await;
            assert_eq!(still, other, "a broken connection moves no ownership");
        }
        assert_eq!(self.promises.ends(), ends, "nobody had to start again");
        self.followed("connections broke").await;
    }
}

/// One member appends what every other one reads, however the owner changes.
#[test]
fn members_of_one_journal_agree_whatever_happens_to_one_of_them() {
    let mut node = Node::start();
    let runtime = runtime();
    let namespace = namespace("journal");
    let mut cluster = runtime.block_on(async {
        let site = Site { urls: vec![node.url()], namespace, takeover_after: TAKEOVER_AFTER };
        let mut cluster = Cluster::start(vec![site; 3]).await;
        cluster.goes_wrong().await;
        cluster
    });

    // the broker dies and comes back
    let began = Instant::now();
    node.restart();
    runtime.block_on(async {
        let back = began.elapsed();
        let (_, took) = cluster.owned_by_another("the broker was killed", &[]).await;
        println!("the broker was away for {back:?}");
        assert!(took < Duration::from_secs(20), "{took:?} after the broker was back");
        cluster.start_all().await;
        cluster.followed("the broker was killed").await;
        assert!(cluster.members.iter().any(|member| member.role() == Role::Owner));
        cluster.finish().await;
    });
}

/// The same while nodes of the broker are killed: those of the stream's leader, one after the other. It needs
/// `scripts/with-rabbitmq --nodes 3`.
#[test]
fn members_agree_while_the_nodes_of_the_leader_are_killed() {
    let Some(nodes) = BrokerNodes::of_environment().filter(|nodes| nodes.count() > 1) else {
        println!("skipped: there is one node; see scripts/with-rabbitmq --nodes 3");
        return;
    };
    let namespace = namespace("journal-nodes");
    let stream = format!("{namespace}.journal");
    let site = Site { urls: nodes.urls(), namespace, takeover_after: Duration::from_secs(3) };
    let runtime = runtime();
    let mut cluster = runtime.block_on(async {
        let cluster = Cluster::start(vec![site; 3]).await;
        cluster.owned_by_another("a first owner", &[]).await;
        cluster
    });
    for _ in 0..3 {
        let leader = nodes.leader_of(&stream);
        nodes.kill(leader);
        runtime.block_on(async {
            let (_, took) = cluster.owned_by_another("the leader's node was killed", &[]).await;
            assert!(took < Duration::from_secs(40), "{took:?}");
            cluster.start_all().await;
            cluster.followed("the leader's node was killed").await;
        });
        nodes.restart(leader);
        runtime.block_on(async {
            cluster.start_all().await;
            cluster.owned_by_another("the node is back", &[]).await;
            cluster.followed("the node is back").await;
        });
    }
    runtime.block_on(async {
        cluster.start_all().await;
        cluster.finish().await;
    });
}

/// Commands that the broker delivers are a reason to take over at once, however long the owner may be silent.
#[tokio::test(flavor = "multi_thread")]
async fn who_gets_the_commands_takes_over_at_once() {
    let site = Site {
        urls: vec![shared_url()],
        namespace: namespace("active"),
        takeover_after: Duration::from_secs(600),
    };
    // Given a command that waits
    let settings = site.broker();
    let link = Claim::new(settings.clone()).expect("settings").link_without_owner();
    let mut status = link.status.clone();
    let up = status.wait_for(orderly_broker::Status::connected);
    tokio::time::timeout(PATIENCE, up).await.expect("in time").expect("the driver lives");
    let client = Client::connect(&settings).await.expect("a client");
    let sent = command(&settings.names, "order.place", "c", None, "{}".into());
    assert!(client.publish(&[sent]).await.expect("published")[0].is_acked());
    link.control.close().await;
    // When members start, then the one that gets it owns
    let mut cluster = Cluster::start(vec![site; 2]).await;
    let (owner, took) = cluster.owned_by_another("a first owner", &[]).await;
    assert!(took < Duration::from_secs(20), "{took:?}");
    // And when that one dies, then the other one does
    cluster.members[owner].kill().await;
    let (_, took) = cluster.owned_by_another("the owner died", &[owner]).await;
    assert!(took < Duration::from_secs(20), "{took:?}");
    client.close().await;
}

/// Without `NS.owner` the broker decides who gets the commands, and says so although nobody reads them.
#[tokio::test]
async fn commands_go_to_one_of_several_links_and_to_another_when_that_one_ends() {
    let namespace = namespace("links");
    let site = Site {
        // an address where nobody listens is passed over
        urls: vec!["amqp://guest:guest@127.0.0.1:1/%2f".to_owned(), shared_url()],
        namespace,
        takeover_after: TAKEOVER_AFTER,
    };
    let settings = site.broker();
    let link = || Claim::new(settings.clone()).expect("settings").link_without_owner();
    let mut links = [link(), link(), link()];
    for link in &mut links {
        let up = link.status.wait_for(orderly_broker::Status::connected);
        tokio::time::timeout(PATIENCE, up).await.expect("in time").expect("the driver lives");
    }
    let delivering = |links: &[orderly_broker::Link]| {
        links.iter().filter(|link| link.status.borrow().delivering).count()
    };
    assert_eq!(delivering(&links), 0, "nothing was sent");
    let client = Client::connect(&settings).await.expect("a client of the second address");
    for number in 0..30 {
        let id = format!("c{number}");
        let sent = command(&settings.names, "order.place", &id, None, "{}".into());
        let confirms = client.publish(&[sent]).await.expect("published");
        assert!(confirms[0].is_acked());
    }

    let mut links = Vec::from(links);
    while links.len() > 1 {
        let began = Instant::now();
        while delivering(&links) == 0 {
            assert!(began.elapsed() < PATIENCE, "nobody gets the commands");
            sleep(POLL).await;
        }
        sleep(Duration::from_millis(100)).await;
        assert_eq!(delivering(&links), 1, "one at a time");
        let at = links.iter().position(|link| link.status.borrow().delivering);
        let ended = links.remove(at.expect("one of them"));
        ended.control.close().await;
    }
    client.close().await;
}

//! The members of the namespace: of one that is alone, and of a standby.

use super::*;

/// What the task of the journal says of a standby.
fn standby(owner: Option<orderly_journal::Name>) -> orderly_journal::node::Status {
    orderly_journal::node::Status {
        role: orderly_journal::node::Role::Standby,
        epoch: Some(orderly_journal::Epoch { number: 3, nonce: orderly_journal::Nonce([7; 16]) }),
        owner,
        cursor: 0,
        next: 120,
        lag: orderly_journal::follower::Lag {
            as_of: Some(1_000_000),
            time: Some(std::time::Duration::from_millis(12)),
        },
        is_ready: true,
        is_paused: false,
        in_flight: 0,
        members: Vec::new(),
    }
}

#[actix_web::test]
async fn the_only_process_of_a_namespace_owns_it() {
    let shop = Shop::new();
    let (status, cluster, _) = shop.get("/api/cluster").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!((&cluster["mode"], &cluster["role"]), (&"single".into(), &"owner".into()));
    assert_eq!(cluster["owner"]["node"], cluster["node"]);
    assert!(
        ["epoch", "lag", "intake_paused"].iter().all(|key| cluster.get(key).is_none()),
        "{cluster}"
    );
    let (status, problem) = shop.post("/api/cluster/step-down").await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("one process")));
}

#[actix_web::test]
async fn a_standby_answers_reads_and_names_the_owner_for_the_rest() {
    let mut shop = Shop::new();
    shop.place(0);
    let config = crate::config::Cluster {
        mode: crate::config::Mode::Standby,
        node: "shop-2".to_owned(),
        ..crate::config::Cluster::default()
    };
    let cluster = crate::cluster::Cluster::new(&config);
    let limits = (crate::config::Intake::default(), crate::config::Store::default());
    shop.backend = Backend::new(
        &limits.0,
        limits.1.backup_rate,
        cluster.clone(),
        orderly_domain::partition::Partitions::ONE,
        orderly_broker::Names::new("orderly"),
    );
    shop.backend.read_from(shop.view.reader());
    let (status, shown, _) = shop.get("/api/cluster").await;
    assert_eq!((status, &shown["role"]), (StatusCode::OK, &"joining".into()));

    let owner =
        orderly_journal::Name { node: "shop-1".to_owned(), url: "http://shop-1:8080".to_owned() };
    let (told, status) = tokio::sync::watch::channel(standby(Some(owner)));
    cluster.follow(status);
    let (_, shown, _) = shop.get("/api/cluster").await;
    assert_eq!((&shown["role"], &shown["epoch"]), (&"standby".into(), &3.into()));
    assert_eq!((&shown["seq"], &shown["lag"]["millis"]), (&120.into(), &12.into()));
    assert_eq!(
        (&shown["owner"]["url"], &shown["intake_paused"]),
        (&"http://shop-1:8080".into(), &false.into())
    );
    assert_eq!(shop.get("/api/orders/o-0").await.0, StatusCode::OK);
    for path in ["/api/cluster/step-down", "/api/intake/pause", "/api/store/backup"] {
        let (status, problem) = shop.post(path).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(problem["reason"], "not_owner", "{path}: {problem}");
        assert_eq!(problem["owner"]["url"], "http://shop-1:8080", "{path}: {problem}");
    }
    told.send_replace(orderly_journal::node::Status { is_paused: true, ..standby(None) });
    let (_, shown, _) = shop.get("/api/cluster").await;
    assert_eq!(shown["intake_paused"], true);
    let (_, problem) = shop.post("/api/intake/pause").await;
    assert_eq!((&problem["reason"], problem.get("owner")), (&"not_owner".into(), None));
}

/// A member of a cluster with two partitions, which follows both.
fn with_partitions(shop: &mut Shop) -> crate::cluster::Cluster {
    let config = crate::config::Cluster {
        mode: crate::config::Mode::Standby,
        node: "shop-2".to_owned(),
        partitions: std::num::NonZeroU16::new(2).expect("not zero"),
        ..crate::config::Cluster::default()
    };
    let cluster = crate::cluster::Cluster::new(&config);
    let limits = (crate::config::Intake::default(), crate::config::Store::default());
    shop.backend = Backend::new(
        &limits.0,
        limits.1.backup_rate,
        cluster.clone(),
        config.partitions(),
        orderly_broker::Names::new("orderly"),
    );
    cluster
}

#[actix_web::test]
async fn a_member_says_of_each_partition_who_owns_it() {
    let mut shop = Shop::new();
    let cluster = with_partitions(&mut shop);
    let (_, shown, _) = shop.get("/api/cluster").await;
    assert_eq!(
        (&shown["role"], &shown["partitions"][1]["role"]),
        (&"joining".into(), &"joining".into())
    );
    assert!(shown.get("owner").is_none() && shown.get("lag").is_none(), "{shown}");

    let name = |node: &str| orderly_journal::Name {
        node: node.to_owned(),
        url: format!("http://{node}:8080"),
    };
    let mut told = Vec::new();
    for (part, (node, millis)) in cluster.parts().iter().zip([("shop-1", 12), ("shop-3", 500)]) {
        let mut members = orderly_journal::members::Members::default();
        for (at, heard) in ["shop-1", "shop-3"].iter().enumerate() {
            let nonce = orderly_journal::Nonce([u8::try_from(at).expect("small"); 16]);
            let probe = orderly_journal::record::Probe {
                nonce,
                node: name(heard),
                serial: 1,
                stored: None,
            };
            members.note(&orderly_journal::Record::Probe(probe), std::time::Duration::ZERO);
        }
        let members = members.iter().map(|(nonce, member)| {
            (*nonce, member.clone(), std::time::Duration::from_millis(millis))
        });
        let mut status = standby(Some(name(node)));
        status.members = members.collect();
        status.lag.time = Some(std::time::Duration::from_millis(millis));
        let (sender, status) = tokio::sync::watch::channel(status);
        part.follow(status);
        told.push(sender);
    }
    let (_, shown, _) = shop.get("/api/cluster").await;
    assert_eq!((&shown["role"], &shown["lag"]["millis"]), (&"standby".into(), &500.into()));
    let owners = [0, 1].map(|at| shown["partitions"][at]["owner"]["node"].clone());
    assert_eq!(owners, ["shop-1", "shop-3"]);
    let members = shown["members"].as_array().expect("a list");
    let owns: Vec<_> = members
        .iter()
        .map(|member| (&member["node"], &member["owns"], &member["heard_millis"]))
        .collect();
    let json = serde_json::json!([["shop-1", [0], 12], ["shop-3", [1], 12]]);
    assert_eq!(serde_json::to_value(owns).expect("JSON"), json);

    for (number, owner) in [(0, "shop-1"), (1, "shop-3")] {
        for path in ["/api/cluster/step-down", "/api/store/backup"] {
            let (status, problem) = shop.post(&format!("{path}?partition={number}")).await;
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
            assert_eq!(problem["reason"], "not_owner", "{problem}");
            assert_eq!(
                (&problem["partition"], &problem["owner"]["node"]),
                (&number.into(), &owner.into())
            );
        }
    }
    // all that it owns is nothing
    for path in ["/api/cluster/step-down", "/api/intake/pause"] {
        let (status, problem) = shop.post(path).await;
        assert_eq!(
            (status, &problem["reason"]),
            (StatusCode::SERVICE_UNAVAILABLE, &"not_owner".into())
        );
    }
    let (status, problem) = shop.post("/api/cluster/step-down?partition=2").await;
    assert_eq!(
        (status, &problem["parameter"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &"partition".into())
    );
}

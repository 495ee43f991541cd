//! `GET /api/audit`: the core reads every state, a few at a time between commands, and answers when all are checked. With
//! partitions the core of each does, and what they count is added up. A member of a cluster checks those that it owns.

use super::Backend;
use crate::admin::operation::{Json, View};
use crate::admin::problem::Problem;
use actix_web::web::Data;
use futures_util::future::try_join_all;
use orderly_actors::audit::{Audit, Counts};
use std::collections::BTreeMap;
use std::ops::AddAssign;

impl View for Audit {
    type Kind = Self;
}

pub(super) async fn now(backend: Data<Backend>) -> Result<Json<Audit>, Problem> {
    let audits = backend
        .processing()?
        .into_iter()
        .map(async |of| Ok::<_, Problem>((of.partition(), of.audit().await?)));
    let audits = try_join_all(audits).await?;
    Ok(Json::new(&together(audits))?)
}

/// The audits of all partitions as one.
pub(super) fn together(audits: Vec<(Option<u16>, Audit)>) -> Audit {
    let mut all = Audit {
        balanced: true,
        violations: Vec::new(),
        attention: Vec::new(),
        counts: Counts::default(),
    };
    for (partition, audit) in audits {
        let Audit { balanced, violations, attention, counts } = audit;
        let named = |line: String| match partition {
            None => line,
            Some(number) => format!("partition {number}: {line}"),
        };
        all.balanced &= balanced;
        all.violations.extend(violations.into_iter().map(named));
        all.attention.extend(attention.into_iter().map(named));
        add(&mut all.counts, counts);
    }
    all
}

fn add(all: &mut Counts, more: Counts) {
    let Counts {
        orders,
        statuses,
        swept,
        skus,
        carts,
        parked,
        waiting,
        on_hand,
        held,
        sold,
        returned,
        paid,
        refunded,
    } = more;
    for (sum, more) in [
        (&mut all.orders, orders),
        (&mut all.swept, swept),
        (&mut all.skus, skus),
        (&mut all.carts, carts),
        (&mut all.parked, parked),
        (&mut all.waiting, waiting),
        (&mut all.on_hand, on_hand),
        (&mut all.held, held),
        (&mut all.sold, sold),
        (&mut all.returned, returned),
    ] {
        *sum += more;
    }
    add_each(&mut all.statuses, statuses);
    add_each(&mut all.paid, paid);
    add_each(&mut all.refunded, refunded);
}

fn add_each<N: AddAssign + Default>(
    all: &mut BTreeMap<&'static str, N>,
    more: BTreeMap<&'static str, N>,
) {
    for (name, count) in more {
        *all.entry(name).or_default() += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audits_of_partitions_add_up() {
        let of = |balanced, orders, paid| Audit {
            balanced,
            violations: if balanced { Vec::new() } else { vec!["sku tea: lost".to_owned()] },
            attention: Vec::new(),
            counts: Counts {
                orders,
                sold: 2 * orders,
                statuses: BTreeMap::from([("paid", orders)]),
                paid: BTreeMap::from([("EUR", paid)]),
                ..Counts::default()
            },
        };
        let audit = together(vec![(Some(0), of(true, 3, 300)), (Some(1), of(false, 4, 500))]);
        assert!(!audit.balanced);
        assert_eq!(audit.violations, ["partition 1: sku tea: lost"]);
        assert_eq!((audit.counts.orders, audit.counts.sold), (7, 14));
        assert_eq!((audit.counts.statuses["paid"], audit.counts.paid["EUR"]), (7, 800));
        let one = of(false, 3, 300);
        assert_eq!(together(vec![(None, one.clone())]), one);
    }
}

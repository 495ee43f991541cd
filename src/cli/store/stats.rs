//! `orderly store stats`.

use super::Error;
use orderly_actors::counters;
use orderly_actors::tables;
use orderly_domain::order::Status;
use orderly_store::ReadOnly;
use serde_json::{Value, json};

/// Sizes, and the numbers of entities that the API shows. Ordinals without such an entity are not counted.
pub(super) fn of(store: &ReadOnly) -> Result<Value, Error> {
    let (view, stats, recovery) = (store.view(), store.stats()?, store.recovery());
    let orders: u64 = Status::ALL.iter().map(|status| counters::orders(view, *status)).sum();
    Ok(json!({
        "namespace": recovery.namespace,
        "incarnation": recovery.incarnations.current().to_string(),
        "format": recovery.upgraded_from.unwrap_or(recovery.formats).to_string(),
        "bytes": stats.bytes,
        "first_sequence": stats.first.0,
        "next_sequence": stats.next.0,
        "checkpoint_sequence": stats.covered.0,
        "published_below": stats.cursor.0,
        "orders": orders,
        "carts": view.count(tables::CARTS)?,
        "skus": view.count(tables::SKUS)?,
        "parked": counters::parked_in_all(view),
        "parked_bytes": counters::parked_bytes(view),
        "waiting_callbacks": counters::waiting(view),
        "identities": stats.identities,
        "identity_segments": stats.identity_segments,
        "name_segments": stats.name_segments,
        "postings": stats.postings,
        "posting_segments": stats.posting_segments,
    }))
}

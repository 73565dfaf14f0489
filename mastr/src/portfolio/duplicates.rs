//! Ids that several elements have.

use super::entry::{Entry, Rejected};
use crate::fault::{Fault, Faults, Place};

/// Leaves one rejected entry of those that share an id, at the place of the first.
///
/// `entries` are in the order of the file, so that an index is the pointer's.
pub(super) fn reject(entries: &mut Vec<Entry>, faults: &mut Faults) {
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_unstable_by(|&a, &b| (entries[a].id(), a).cmp(&(entries[b].id(), b)));
    let repeated: Vec<(usize, usize)> = order
        .chunk_by(|&a, &b| entries[a].id() == entries[b].id())
        .flat_map(|same| same[1..].iter().map(|&later| (later, same[0])))
        .collect();
    if repeated.is_empty() {
        return;
    }
    let mut dropped = vec![false; entries.len()];
    for &(later, first) in &repeated {
        let pointer = format!("/Portfolio/{later}/id");
        let message = format!("the id is already that of /Portfolio/{first}: give it another");
        let fault = format!("{pointer}: {message}");
        faults.push(Fault {
            trade: entries[later].id().to_owned(),
            place: Place::Pointer(pointer),
            message,
        });
        add_fault(&mut entries[first], &fault);
        dropped[later] = true;
    }
    let mut index = 0;
    entries.retain(|_| {
        index += 1;
        !dropped[index - 1]
    });
}

fn add_fault(entry: &mut Entry, fault: &str) {
    match entry {
        Entry::Valid(trade) => {
            *entry = Entry::Rejected(Box::new(Rejected {
                id: trade.id.to_string(),
                version: trade.version,
                trade_type: trade.product.trade_type().name().to_owned(),
                currency: trade.product.currency().to_string(),
                envelope: trade.envelope.clone(),
                fault: fault.to_owned(),
            }));
        }
        Entry::Rejected(rejected) => {
            rejected.fault.push_str("; ");
            rejected.fault.push_str(fault);
        }
    }
}

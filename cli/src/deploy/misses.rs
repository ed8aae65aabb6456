//! Tasks by work that sources have reported as missed, and that nobody has answered or settled.

use std::collections::BTreeMap;

use alloy::{
    primitives::{Address, B256, U256},
    providers::Provider as _,
    rpc::types::{Filter, Log},
    sol_types::SolEvent as _,
};
use bpe_abi::IWorkMisses::{MissAnswered, MissReported, MissesSettled};
use serde::{Serialize, Serializer};

use super::{chain::Chain, record::Book};

/// Seconds of an epoch, and those after its end from which on anyone can settle it.
const EPOCH: u64 = 300;
const WAIT: u64 = 4_200;

/// Of a task type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenMisses {
    pub count: u64,
    /// What they have cost their sources, in wei: nobody's, until they are answered or settled.
    #[serde(serialize_with = "decimal")]
    pub value: U256,
    /// How many of them nothing can answer any more.
    pub overdue: u64,
}

fn decimal<S: Serializer>(value: &U256, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Who missed what of whom.
type Task = (B256, Address, Address, B256);

/// What is open, by task types. `None` if the endpoint refuses such a long range of logs.
///
/// # Errors
/// If the chain does not say what time it is.
pub async fn open(
    chain: &Chain,
    book: &Book,
) -> anyhow::Result<Option<BTreeMap<B256, OpenMisses>>> {
    let Some(record) = book.contract("WorkMisses") else {
        return Ok(Some(BTreeMap::new()));
    };
    let events = vec![
        MissReported::SIGNATURE_HASH,
        MissAnswered::SIGNATURE_HASH,
        MissesSettled::SIGNATURE_HASH,
    ];
    let filter = Filter::new()
        .address(record.address)
        .event_signature(events)
        .from_block(record.block);
    let Ok(logs) = chain.provider.get_logs(&filter).await else {
        return Ok(None);
    };
    let next: u64 = chain.next_epoch().await?.saturating_to();
    Ok(Some(sum(&logs, next.saturating_sub(1))))
}

/// What is open in `now`, an epoch, after all that the logs say.
fn sum(logs: &[Log], now: u64) -> BTreeMap<B256, OpenMisses> {
    let mut open: BTreeMap<Task, (u64, U256)> = BTreeMap::new();
    for log in logs.iter().map(|log| &log.inner) {
        if let Ok(it) = MissReported::decode_log(log) {
            let epoch = it.deadline.saturating_to::<u64>() / EPOCH;
            let task = (it.taskTypeId, it.sink, it.source, it.taskId);
            open.insert(task, (epoch, it.value));
        } else if let Ok(it) = MissAnswered::decode_log(log) {
            open.remove(&(it.taskTypeId, it.sink, it.source, it.taskId));
        } else if let Ok(it) = MissesSettled::decode_log(log) {
            let settled = it.epoch.saturating_to::<u64>();
            open.retain(|(task_type, sink, ..), (epoch, _)| {
                (*task_type, *sink, *epoch) != (it.taskTypeId, it.sink, settled)
            });
        }
    }
    let mut sums: BTreeMap<B256, OpenMisses> = BTreeMap::new();
    for ((task_type, ..), (epoch, value)) in open {
        let sum = sums.entry(task_type).or_default();
        sum.count += 1;
        sum.value = sum.value.saturating_add(value);
        sum.overdue += u64::from(epoch + WAIT / EPOCH < now);
    }
    sums
}

#[cfg(test)]
mod tests {
    use alloy::{primitives::Log as Plain, sol_types::SolEvent};

    use super::*;

    const CODE: B256 = B256::repeat_byte(0xc0);
    const SINK: Address = Address::repeat_byte(1);

    fn log(event: &impl SolEvent) -> Log {
        Log {
            inner: Plain {
                address: Address::ZERO,
                data: event.encode_log_data(),
            },
            ..Log::default()
        }
    }

    fn reported(task: u8, epoch: u64, value: u64) -> Log {
        log(&MissReported {
            taskTypeId: CODE,
            sink: SINK,
            source: Address::repeat_byte(2),
            taskId: B256::repeat_byte(task),
            work: U256::from(1),
            value: U256::from(value),
            deadline: U256::from(epoch * EPOCH + 299),
        })
    }

    #[test]
    fn what_is_answered_or_settled_is_open_no_more() {
        let answered = MissAnswered {
            taskTypeId: CODE,
            sink: SINK,
            source: Address::repeat_byte(2),
            taskId: B256::repeat_byte(2),
            value: U256::from(20),
        };
        let settled = MissesSettled {
            taskTypeId: CODE,
            sink: SINK,
            treasury: Address::ZERO,
            epoch: U256::from(11),
            work: U256::from(1),
            value: U256::from(300),
        };
        let mut logs = vec![
            reported(1, 10, 1),
            reported(2, 10, 20),
            reported(3, 11, 300),
            reported(4, 12, 4_000),
        ];
        let all = |count, value, overdue| {
            let value = U256::from(value);
            let open = OpenMisses {
                count,
                value,
                overdue,
            };
            BTreeMap::from([(CODE, open)])
        };
        // Of epoch 10 all is known when epoch 25 has begun.
        assert_eq!(sum(&logs, 24), all(4, 4_321, 0));
        assert_eq!(sum(&logs, 25), all(4, 4_321, 2));
        logs.push(log(&answered));
        assert_eq!(sum(&logs, 25), all(3, 4_301, 1));
        logs.push(log(&settled));
        assert_eq!(sum(&logs, 27), all(2, 4_001, 2));
    }
}

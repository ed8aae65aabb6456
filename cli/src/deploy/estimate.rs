//! What a deployment will cost, before anything is sent.

use alloy::primitives::{utils::format_ether, U256};
use anyhow::ensure;

use super::{
    chain::Chain,
    plan::{Builds, Task},
    run::{superfluid_cost, SUPERFLUID_GAS},
};

/// What a constructor takes at most, as measured on the devnet.
const CONSTRUCTOR_GAS: u64 = 600_000;
/// What a connecting call takes; most take less, those that make pools more, for each.
const CALL_GAS: u64 = 330_000;
const POOL_GAS: u64 = 800_000;

/// Where the chain estimates nothing: activation takes at most this, and bytes of code so much each, as calldata and stored.
const ACTIVATION_GAS: u64 = 15_000_000;
const BYTE_GAS: u64 = 216;
/// Wei of data fee for a byte of code, above what has been seen on Arbitrum One.
const BYTE_FEE: u64 = 10_000_000_000;

/// The EVM's limit, which holds for programs too (EIP-170).
const MAX_CODE_SIZE: usize = 24_576;

/// Where a figure comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Basis {
    /// eth_estimateGas and ArbWasm, for creation and activation.
    Chain,
    /// The code's size.
    Size,
    /// A constant.
    Assumed,
}

struct Item {
    what: String,
    bytes: Option<usize>,
    gas: u64,
    fee: U256,
    basis: Basis,
}

/// The cost of a plan.
pub struct Estimate {
    items: Vec<Item>,
    gas_price: u128,
}

impl Estimate {
    /// # Errors
    /// If a program cannot be activated at all, or the chain does not answer.
    pub async fn of(chain: &Chain, tasks: &[Task], builds: &Builds) -> anyhow::Result<Self> {
        let mut items = Vec::with_capacity(tasks.len());
        for task in tasks {
            items.push(match task {
                Task::Deploy(program) => creation(chain, program.name, builds).await?,
                Task::Cache(program) => assumed(format!("cache {}", program.name)),
                Task::Call { label, .. } => connecting(label),
                Task::HandOver(program) => assumed(format!("hand over {}", program.name)),
            });
        }
        Ok(Self {
            items,
            gas_price: chain.gas_price().await?,
        })
    }

    fn gas(&self) -> u64 {
        self.items.iter().map(|item| item.gas).sum()
    }

    fn fees(&self) -> U256 {
        self.items.iter().map(|item| item.fee).sum()
    }

    /// In wei.
    pub fn total(&self) -> U256 {
        U256::from(self.gas()) * U256::from(self.gas_price) + self.fees()
    }

    /// # Errors
    /// If the sender has less than this will take.
    pub async fn require_balance(&self, chain: &Chain) -> anyhow::Result<()> {
        if self.items.is_empty() {
            return Ok(());
        }
        let (balance, total) = (chain.balance().await?, self.total());
        ensure!(
            balance >= total,
            "{} has {} ETH, and this takes about {} ETH: send it more; nothing was sent",
            chain.sender,
            format_ether(balance),
            format_ether(total)
        );
        Ok(())
    }

    /// Prints the plan.
    pub async fn print(&self, chain: &Chain, superfluid: bool) -> anyhow::Result<()> {
        println!(
            "Chain {}. {} has {} ETH.",
            chain.id,
            chain.sender,
            format_ether(chain.balance().await?)
        );
        let mut total = self.total();
        if superfluid {
            let cost = superfluid_cost(chain).await?;
            total += cost;
            println!(
                "    Superfluid, in some sixty transactions: about {SUPERFLUID_GAS} gas, {} ETH in all (assumed)",
                format_ether(cost)
            );
        }
        for (number, item) in self.items.iter().enumerate() {
            let size = item
                .bytes
                .map_or(String::new(), |bytes| format!("{bytes} bytes"));
            let basis = match item.basis {
                Basis::Chain => "eth_estimateGas, constructor assumed; data fee by ArbWasm",
                Basis::Size => "computed from its size",
                Basis::Assumed => "assumed",
            };
            let fee = match item.fee.is_zero() {
                true => String::new(),
                false => format!(" + {} ETH", format_ether(item.fee)),
            };
            println!(
                "{:3} {:58} {size:>11} {:>9} gas{fee} ({basis})",
                number + 1,
                item.what,
                item.gas
            );
        }
        println!(
            "Total: {} gas at {} wei, and {} ETH of data fees: about {} ETH. Nothing was sent.",
            self.gas(),
            self.gas_price,
            format_ether(self.fees()),
            format_ether(total)
        );
        Ok(())
    }
}

fn connecting(label: &str) -> Item {
    let pools = match label {
        _ if label.ends_with(".initializePools") => 3,
        _ if label.ends_with(".initializePool") || label.contains(".createPool(") => 1,
        _ => 0,
    };
    Item {
        gas: CALL_GAS + pools * POOL_GAS,
        ..assumed(format!("call {label}"))
    }
}

fn assumed(what: String) -> Item {
    Item {
        what,
        bytes: None,
        gas: CALL_GAS,
        fee: U256::ZERO,
        basis: Basis::Assumed,
    }
}

/// Its constructor cannot be tried before the contracts are there that it asks.
async fn creation(chain: &Chain, name: &str, builds: &Builds) -> anyhow::Result<Item> {
    let code = builds.code(name)?;
    ensure!(
        code.len() <= MAX_CODE_SIZE,
        "{name} has {} bytes of code, and a contract has {MAX_CODE_SIZE} at most: make it smaller, or leave it out",
        code.len()
    );
    let item = |gas: u64, fee: U256, basis: Basis| Item {
        what: format!("deploy {name}"),
        bytes: Some(code.len()),
        gas: gas + CONSTRUCTOR_GAS,
        fee,
        basis,
    };
    let size = code.len() as u64;
    if let Ok(fee) = chain.activation_fee(code).await {
        if let Ok(gas) = chain.creation_gas(code, fee).await {
            return Ok(item(gas, fee, Basis::Chain));
        }
    }
    let fee = U256::from(size) * U256::from(BYTE_FEE);
    Ok(item(ACTIVATION_GAS + size * BYTE_GAS, fee, Basis::Size))
}

//! `NodeInterface` at `0xC8`: no contract, but what an Arbitrum node answers when a client calls that address.

use alloy::{
    eips::BlockId,
    primitives::{Bytes, TxKind, U256},
    rpc::types::TransactionRequest,
    sol,
    sol_types::{Revert, SolCall as _, SolError as _, SolInterface as _},
};
use devnet_vm::precompiles::NODE_INTERFACE;

use super::Outcome;
use crate::{chain::Chain, error::NodeError, node::Node};

sol! {
    interface NodeInterface {
        function nitroGenesisBlock() external pure returns (uint256 number);
        function blockL1Num(uint64 l2BlockNum) external view returns (uint64 l1BlockNum);
        function l2BlockRangeForL1(uint64 blockNum) external view returns (uint64 firstBlock, uint64 lastBlock);
        function getL1Confirmations(bytes32 blockHash) external view returns (uint64 confirmations);
        function gasEstimateComponents(address to, bool contractCreation, bytes calldata data)
            external payable
            returns (uint64 gasEstimate, uint64 gasEstimateForL1, uint256 baseFee, uint256 l1BaseFeeEstimate);
        function gasEstimateL1Component(address to, bool contractCreation, bytes calldata data)
            external payable
            returns (uint64 gasEstimateForL1, uint256 baseFee, uint256 l1BaseFeeEstimate);
    }
}

use NodeInterface::NodeInterfaceCalls as Calls;

/// Whether a call is for it.
pub fn is_meant(request: &TransactionRequest) -> bool {
    request.to == Some(TxKind::Call(NODE_INTERFACE))
}

/// Answers a call. There is no L1 below this chain: its part of everything is zero.
pub fn call(
    node: &Node,
    chain: &Chain,
    request: &TransactionRequest,
    at: BlockId,
) -> Outcome<Bytes> {
    let input = request.input.input().cloned().unwrap_or_default();
    let Ok(call) = Calls::abi_decode(&input) else {
        return Err(refused(
            "NodeInterface: no such function on a chain without L1",
        ));
    };
    let base_fee = U256::from(chain.settings.base_fee);
    Ok(match call {
        Calls::nitroGenesisBlock(_) => {
            NodeInterface::nitroGenesisBlockCall::abi_encode_returns(&U256::ZERO)
        }
        Calls::blockL1Num(args) => {
            let block = chain.block(args.l2BlockNum);
            let block = block.ok_or_else(|| refused("NodeInterface: no such block"))?;
            NodeInterface::blockL1NumCall::abi_encode_returns(&block.l1_number())
        }
        Calls::l2BlockRangeForL1(args) => {
            let (first, last) = range(chain, args.blockNum)
                .ok_or_else(|| refused("NodeInterface: no block follows that L1 block"))?;
            let range = NodeInterface::l2BlockRangeForL1Return {
                firstBlock: first,
                lastBlock: last,
            };
            NodeInterface::l2BlockRangeForL1Call::abi_encode_returns(&range)
        }
        Calls::getL1Confirmations(args) => {
            let known = chain.block_by_hash(args.blockHash);
            known.ok_or_else(|| refused("NodeInterface: no such block"))?;
            NodeInterface::getL1ConfirmationsCall::abi_encode_returns(&0)
        }
        Calls::gasEstimateComponents(args) => {
            let inner = TransactionRequest {
                from: request.from,
                value: request.value,
                gas_price: request.gas_price,
                max_fee_per_gas: request.max_fee_per_gas,
                to: Some(match args.contractCreation {
                    true => TxKind::Create,
                    false => TxKind::Call(args.to),
                }),
                input: args.data.into(),
                ..TransactionRequest::default()
            };
            let estimate = node.estimate_gas(chain, inner, Some(at), None)?;
            let components = NodeInterface::gasEstimateComponentsReturn {
                gasEstimate: estimate,
                gasEstimateForL1: 0,
                baseFee: base_fee,
                l1BaseFeeEstimate: U256::ZERO,
            };
            NodeInterface::gasEstimateComponentsCall::abi_encode_returns(&components)
        }
        Calls::gasEstimateL1Component(_) => {
            let components = NodeInterface::gasEstimateL1ComponentReturn {
                gasEstimateForL1: 0,
                baseFee: base_fee,
                l1BaseFeeEstimate: U256::ZERO,
            };
            NodeInterface::gasEstimateL1ComponentCall::abi_encode_returns(&components)
        }
    }
    .into())
}

/// The first and the last block that follow an L1 block; their numbers rise with this chain's.
fn range(chain: &Chain, l1_number: u64) -> Option<(u64, u64)> {
    let end = chain.head().number() + 1;
    let first_past = |least: u64| {
        let (mut low, mut high) = (0, end);
        while low < high {
            let middle = low + (high - low) / 2;
            match chain
                .block(middle)
                .is_some_and(|block| block.l1_number() >= least)
            {
                true => high = middle,
                false => low = middle + 1,
            }
        }
        low
    };
    let (first, past) = (first_past(l1_number), first_past(l1_number.checked_add(1)?));
    (first < past).then(|| (first, past - 1))
}

fn refused(reason: &str) -> NodeError {
    NodeError::Reverted(Revert::from(reason).abi_encode().into())
}

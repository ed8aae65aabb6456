//! The precompiles that tell about the chain: `ArbSys`, `ArbInfo`, `ArbGasInfo`, `ArbOwnerPublic`.
//!
//! There is no L1 below this chain: what it would charge is zero.

use revm::{
    context_interface::{Database, JournalTr},
    primitives::{Address, B256, U256},
};

use super::{
    abi::{
        ArbGasInfo::{self, ArbGasInfoCalls},
        ArbInfo::{self, ArbInfoCalls},
        ArbOwnerPublic::{self, ArbOwnerPublicCalls},
        ArbSys::{self, ArbSysCalls},
    },
    returns, Call, Failure, Outcome,
};

/// The ArbOS version whose rules hold; tools see it increased by 55, as Nitro reports it.
const ARBOS_VERSION: u64 = 51;
const ARBOS_VERSION_OFFSET: u64 = 55;
/// Added to an L1 contract's address to give its alias.
const ALIAS_OFFSET: Address =
    revm::primitives::address!("0x1111000000000000000000000000000000001111");
/// Gas of storing a word for good.
const STORAGE_GAS: u64 = 20_000;
const SPEED_LIMIT: u64 = 7_000_000;

pub fn arb_sys<DB: Database>(call: &mut Call<'_, DB>) -> Outcome {
    use ArbSysCalls as Calls;
    call.require_no_value()?;
    let number = call.ctx.chain.l2_block;
    match call.decode::<Calls>()? {
        Calls::arbBlockNumber(_) => returns::<ArbSys::arbBlockNumberCall>(&U256::from(number)),
        Calls::arbBlockHash(args) => {
            let requested = args.arbBlockNum;
            let recent =
                requested < U256::from(number) && requested + U256::from(256) >= U256::from(number);
            if !recent {
                let error = ArbSys::InvalidBlockNumber {
                    requested,
                    current: U256::from(number),
                };
                return Err(Failure::error(error));
            }
            let hash: B256 =
                call.journal(|journal| journal.db_mut().block_hash(requested.saturating_to()))?;
            returns::<ArbSys::arbBlockHashCall>(&hash)
        }
        Calls::arbChainID(_) => {
            returns::<ArbSys::arbChainIDCall>(&U256::from(call.ctx.cfg.chain_id))
        }
        Calls::arbOSVersion(_) => {
            returns::<ArbSys::arbOSVersionCall>(&U256::from(ARBOS_VERSION + ARBOS_VERSION_OFFSET))
        }
        Calls::getStorageGasAvailable(_) => {
            returns::<ArbSys::getStorageGasAvailableCall>(&U256::ZERO)
        }
        Calls::isTopLevelCall(_) => returns::<ArbSys::isTopLevelCallCall>(&(call.depth <= 1)),
        Calls::mapL1SenderContractAddressToL2Alias(args) => {
            let alias = U256::from_be_slice(args.sender.as_slice())
                .wrapping_add(U256::from_be_slice(ALIAS_OFFSET.as_slice()));
            let alias = Address::from_word(B256::from(alias));
            returns::<ArbSys::mapL1SenderContractAddressToL2AliasCall>(&alias)
        }
        Calls::wasMyCallersAddressAliased(_) => {
            returns::<ArbSys::wasMyCallersAddressAliasedCall>(&false)
        }
        Calls::myCallersAddressWithoutAliasing(_) => {
            returns::<ArbSys::myCallersAddressWithoutAliasingCall>(&call.caller)
        }
    }
}

pub fn arb_info<DB: Database>(call: &mut Call<'_, DB>) -> Outcome {
    use ArbInfoCalls as Calls;
    call.require_no_value()?;
    match call.decode::<Calls>()? {
        Calls::getBalance(args) => {
            call.burn(700)?;
            let balance = call.journal(|journal| {
                Ok::<_, DB::Error>(journal.load_account(args.account)?.info.balance)
            })?;
            returns::<ArbInfo::getBalanceCall>(&balance)
        }
        Calls::getCode(args) => {
            call.burn(2_600)?;
            let code = call.journal(|journal| journal.code(args.account))?.data;
            returns::<ArbInfo::getCodeCall>(&code)
        }
    }
}

pub fn arb_gas_info<DB: Database>(call: &mut Call<'_, DB>) -> Outcome {
    use ArbGasInfoCalls as Calls;
    call.require_no_value()?;
    let price = U256::from(call.ctx.block.basefee);
    match call.decode::<Calls>()? {
        Calls::getPricesInWei(_) => {
            returns::<ArbGasInfo::getPricesInWeiCall>(&ArbGasInfo::getPricesInWeiReturn {
                _0: U256::ZERO,
                _1: U256::ZERO,
                _2: price * U256::from(STORAGE_GAS),
                _3: price,
                _4: U256::ZERO,
                _5: price,
            })
        }
        Calls::getPricesInArbGas(_) => {
            returns::<ArbGasInfo::getPricesInArbGasCall>(&ArbGasInfo::getPricesInArbGasReturn {
                _0: U256::ZERO,
                _1: U256::ZERO,
                _2: U256::from(STORAGE_GAS),
            })
        }
        Calls::getGasAccountingParams(_) => {
            let limit = U256::from(call.ctx.block.gas_limit);
            returns::<ArbGasInfo::getGasAccountingParamsCall>(
                &ArbGasInfo::getGasAccountingParamsReturn {
                    _0: U256::from(SPEED_LIMIT),
                    _1: limit,
                    _2: limit,
                },
            )
        }
        Calls::getMinimumGasPrice(_) => returns::<ArbGasInfo::getMinimumGasPriceCall>(&price),
        Calls::getL1BaseFeeEstimate(_) => {
            returns::<ArbGasInfo::getL1BaseFeeEstimateCall>(&U256::ZERO)
        }
        Calls::getL1GasPriceEstimate(_) => {
            returns::<ArbGasInfo::getL1GasPriceEstimateCall>(&U256::ZERO)
        }
        Calls::getCurrentTxL1GasFees(_) => {
            returns::<ArbGasInfo::getCurrentTxL1GasFeesCall>(&U256::ZERO)
        }
        Calls::getGasBacklog(_) => returns::<ArbGasInfo::getGasBacklogCall>(&0),
    }
}

pub fn arb_owner_public<DB: Database>(call: &mut Call<'_, DB>) -> Outcome {
    use ArbOwnerPublicCalls as Calls;
    call.require_no_value()?;
    match call.decode::<Calls>()? {
        Calls::isChainOwner(_) => returns::<ArbOwnerPublic::isChainOwnerCall>(&false),
        Calls::getAllChainOwners(_) => {
            returns::<ArbOwnerPublic::getAllChainOwnersCall>(&Vec::new())
        }
        Calls::getNetworkFeeAccount(_) => {
            returns::<ArbOwnerPublic::getNetworkFeeAccountCall>(&call.ctx.block.beneficiary)
        }
        Calls::getInfraFeeAccount(_) => {
            returns::<ArbOwnerPublic::getInfraFeeAccountCall>(&Address::ZERO)
        }
        Calls::getBrotliCompressionLevel(_) => {
            returns::<ArbOwnerPublic::getBrotliCompressionLevelCall>(&1)
        }
    }
}

//! `ArbWasmCache`, and the auction in front of it. On this chain anyone may cache, and any bid wins.

use revm::{
    context_interface::Database,
    primitives::{Address, B256},
};

use super::{
    abi::{
        ArbWasmCache::{self, ArbWasmCacheCalls},
        CacheManager::{self, CacheManagerCalls},
    },
    returns, Call, Failure, Outcome, ARB_WASM_CACHE, CACHE_MANAGER,
};
use crate::activation::Activation;

/// Bytes the auction claims to have room for, as on Arbitrum One.
const CACHE_SIZE: u64 = 536_870_912;

pub fn arb_wasm_cache<DB: Database>(call: &mut Call<'_, DB>) -> Outcome {
    use ArbWasmCacheCalls as Calls;
    call.require_no_value()?;
    match call.decode::<Calls>()? {
        Calls::isCacheManager(_) => returns::<ArbWasmCache::isCacheManagerCall>(&true),
        Calls::allCacheManagers(_) => {
            returns::<ArbWasmCache::allCacheManagersCall>(&vec![CACHE_MANAGER])
        }
        Calls::cacheCodehash(args) => set_cached(call, args.codehash, true),
        Calls::cacheProgram(args) => {
            let code_hash = call.code_hash(args.addr)?;
            set_cached(call, code_hash, true)
        }
        Calls::evictCodehash(args) => set_cached(call, args.codehash, false),
        Calls::codehashIsCached(args) => {
            let record = call.journal(|journal| Activation::load(journal, args.codehash))?;
            returns::<ArbWasmCache::codehashIsCachedCall>(&record.cached)
        }
    }
}

pub fn cache_manager<DB: Database>(call: &mut Call<'_, DB>) -> Outcome {
    use CacheManagerCalls as Calls;
    let function = call.decode::<Calls>()?;
    if !matches!(function, Calls::placeBid(_)) {
        call.require_no_value()?;
    }
    match function {
        Calls::cacheSize(_) => returns::<CacheManager::cacheSizeCall>(&CACHE_SIZE),
        Calls::queueSize(_) => returns::<CacheManager::queueSizeCall>(&0),
        Calls::isPaused(_) => returns::<CacheManager::isPausedCall>(&false),
        Calls::getMinBid_0(_) => returns::<CacheManager::getMinBid_0Call>(&Default::default()),
        Calls::getMinBid_1(_) => returns::<CacheManager::getMinBid_1Call>(&Default::default()),
        Calls::placeBid(args) => place_bid(call, args.program),
    }
}

fn place_bid<DB: Database>(call: &mut Call<'_, DB>, program: Address) -> Outcome {
    let code_hash = call.code_hash(program)?;
    let record = call.journal(|journal| Activation::load(journal, code_hash))?;
    if record.cached {
        return Err(Failure::error(CacheManager::AlreadyCached {
            codehash: code_hash,
        }));
    }
    let bid = call.value;
    let output = set_cached(call, code_hash, true)?;
    call.emit(&CacheManager::InsertBid {
        codehash: code_hash,
        program,
        bid: bid.saturating_to(),
        size: u64::from(record.asm_size),
    })?;
    Ok(output)
}

/// Sets the flag of an active program; only an active one can be cached, any can be evicted.
fn set_cached<DB: Database>(call: &mut Call<'_, DB>, code_hash: B256, cached: bool) -> Outcome {
    call.require_mutable()?;
    let params = call.ctx.chain.params.clone();
    let mut record = match cached {
        true => call.active(&params, code_hash)?,
        false => call.journal(|journal| Activation::load(journal, code_hash))?,
    };
    if record.cached != cached {
        record.cached = cached;
        call.journal(|journal| record.store(journal, code_hash))?;
        let (manager, address) = (call.caller, call.address);
        call.address = ARB_WASM_CACHE;
        call.emit(&ArbWasmCache::UpdateProgramCache {
            manager,
            codehash: code_hash,
            cached,
        })?;
        call.address = address;
    }
    Ok(Default::default())
}

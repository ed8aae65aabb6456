//! What every contract of the suite shares.
//!
//! | module | what it holds |
//! |---|---|
//! | [`math`] | pure integer arithmetic: roots, ratios, EWMA, exponentials, the cap curves |
//! | [`clock`] | block number and time, which tests can set |
//! | [`call`] | calls to other contracts: bounded return data, typed results, reverts passed on |
//! | [`erc20`] | ERC-20 transfers that believe nothing a token says |
//! | [`connections`] | keeps strangers from connecting a contract to Superfluid pools |
//! | [`eip712`] | domain separators and struct hashes |
//! | [`curve`] | keys of Nostr and Lightning, proven by precompiles |
//! | [`signature`] | ECDSA by precompile, ERC-1271 for contract accounts |
//! | [`attestation`] | what is signed off chain and brought on chain: freshness, order, signer |
//! | [`list`] | lists of ids, swap and pop |
//! | [`clones`] | minimal proxies (EIP-1167) |
//! | [`ownable`] | two-step ownership with OpenZeppelin's errors and events |
//! | [`events`] | events of single words, by less code |
//! | [`interfaces`] | how the contracts of the suite call each other |
//! | [`judging`] | what CompletionTracker and Judge tell each other of an epoch |
//! | [`superfluid`] | Superfluid, as far as the suite calls it |
//! | [`packed`] | integers narrower than a word |
//! | [`powers`] | powers over stakes, which are given with notice |
//! | [`settlement`] | what the three settlement adapters share: token, pipeline, escrows, streams that are drawn |
//! | [`structs`] | structs as parameters |
//! | [`returns`] | the result of a function that returns several values, some of them dynamic |
//!
//! Only [`ownable`], [`powers`], [`list`], [`attestation`] and [`settlement`] keep state, which a contract embeds.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

pub mod attestation;
pub mod call;
pub mod clock;
pub mod clones;
pub mod connections;
pub mod curve;
pub mod eip712;
pub mod erc20;
pub mod events;
pub mod interfaces;
pub mod judging;
pub mod list;
pub mod math;
mod nested;
pub mod ownable;
pub mod packed;
pub mod powers;
pub mod returns;
pub mod settlement;
pub mod signature;
pub mod structs;
pub mod superfluid;

/// A panic on the chain traps at once: no message, no formatting, none of their strings in the program.
#[macro_export]
macro_rules! trap_on_panic {
    () => {
        #[panic_handler]
        fn panic(_: &core::panic::PanicInfo) -> ! {
            core::arch::wasm32::unreachable()
        }
    };
}

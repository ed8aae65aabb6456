//! What a revert says, as one of the suite's typed errors.

use std::fmt::Debug;

use alloy::{
    primitives::Bytes,
    sol_types::{Revert, SolError as _, SolInterface},
};
use bpe_abi::{
    IBackpressurePool::IBackpressurePoolErrors, ICapacityRegistry::ICapacityRegistryErrors,
    ICompletionTracker::ICompletionTrackerErrors, IEscrowBuffer::IEscrowBufferErrors,
    INestedPool::INestedPoolErrors, IOffchainAggregator::IOffchainAggregatorErrors,
    IPipeline::IPipelineErrors, IPricingCurve::IPricingCurveErrors,
    IStakeManager::IStakeManagerErrors, IStreamGateway::IStreamGatewayErrors,
    IWorkReserve::IWorkReserveErrors, IWorkVouchers::IWorkVouchersErrors,
};

/// The error by its name and values: `NonceAlreadyUsed { provided: 1, required: 2 }`.
pub fn describe(data: &Bytes) -> String {
    if data.is_empty() {
        return "it reverted without a reason".to_owned();
    }
    if let Ok(revert) = Revert::abi_decode(data) {
        return revert.reason;
    }
    let of = [
        typed::<IOffchainAggregatorErrors>,
        typed::<ICapacityRegistryErrors>,
        typed::<IBackpressurePoolErrors>,
        typed::<IEscrowBufferErrors>,
        typed::<ICompletionTrackerErrors>,
        typed::<IPricingCurveErrors>,
        typed::<IPipelineErrors>,
        typed::<INestedPoolErrors>,
        typed::<IStakeManagerErrors>,
        typed::<IWorkVouchersErrors>,
        typed::<IWorkReserveErrors>,
        typed::<IStreamGatewayErrors>,
    ];
    of.iter()
        .find_map(|decode| decode(data))
        .unwrap_or_else(|| format!("unknown error {data}"))
}

fn typed<Errors: SolInterface + Debug>(data: &Bytes) -> Option<String> {
    let error = format!("{:?}", Errors::abi_decode(data).ok()?);
    // `Name(Name { … })`: the enum's variant around the error.
    let inner = error
        .split_once('(')
        .map_or(error.as_str(), |(_, rest)| rest);
    Some(inner.strip_suffix(')').unwrap_or(inner).to_owned())
}

#[cfg(test)]
mod tests {
    use alloy::primitives::U256;
    use alloy::sol_types::SolError as _;
    use bpe_abi::IOffchainAggregator::NonceAlreadyUsed;

    use super::*;

    #[test]
    fn names_the_error_and_its_values() {
        let error = NonceAlreadyUsed {
            provided: U256::from(1),
            required: U256::from(2),
        };
        assert_eq!(
            describe(&error.abi_encode().into()),
            "NonceAlreadyUsed { provided: 1, required: 2 }"
        );
        assert_eq!(describe(&Bytes::new()), "it reverted without a reason");
        assert_eq!(
            describe(&Bytes::from_static(&[1, 2, 3, 4])),
            "unknown error 0x01020304"
        );
    }
}

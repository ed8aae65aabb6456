//! Deployment of EVM contracts and Stylus programs, with the steps and transactions that users take.

use alloy::{
    network::TransactionBuilder,
    primitives::{utils::parse_ether, Address, Bytes, B256, U256},
    providers::{DynProvider, Provider},
    rpc::types::{
        state::{AccountOverride, StateOverride},
        TransactionReceipt, TransactionRequest,
    },
    sol,
    sol_types::SolEvent,
    transports::{RpcError, TransportErrorKind},
};

use devnet_vm::{
    code,
    precompiles::{ARB_WASM, ARB_WASM_CACHE},
    wasm::{normalise, without_custom_sections, NotAModule},
};

use crate::{
    devnet::Devnet,
    genesis::{IStylusDeployer, STYLUS_DEPLOYER},
};

/// What every Stylus constructor is called by.
const CONSTRUCTOR_SELECTOR: [u8; 4] = [0x55, 0x85, 0x25, 0x8d];

/// Percent by which more than the activation's fee is sent, as by `cargo stylus`; the excess comes back.
const FEE_BUMP: u64 = 20;

sol! {
    /// The part of ArbWasm that deployment uses.
    #[sol(rpc)]
    interface IArbWasm {
        event ProgramActivated(bytes32 indexed codehash, bytes32 moduleHash, address program, uint256 dataFee, uint16 version);

        function activateProgram(address program) external payable returns (uint16 version, uint256 dataFee);
        function codehashVersion(bytes32 codehash) external view returns (uint16 version);
    }

    /// The part of ArbWasmCache that deployment uses.
    #[sol(rpc)]
    interface IArbWasmCache {
        function cacheProgram(address program) external;
        function codehashIsCached(bytes32 codehash) external view returns (bool);
    }
}

/// A deployment failed.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    #[error(transparent)]
    Program(#[from] NotAModule),
    #[error(transparent)]
    Rpc(#[from] RpcError<TransportErrorKind>),
    #[error(transparent)]
    Contract(#[from] alloy::contract::Error),
    #[error(transparent)]
    Pending(#[from] alloy::providers::PendingTransactionError),
    #[error("transaction {0} reverted")]
    Reverted(B256),
    #[error("the receipt of {0} names no contract")]
    NoAddress(B256),
}

/// A call of a program's constructor.
#[derive(Clone, Debug, Default)]
pub struct Constructor {
    /// The arguments as the ABI encodes parameters, without a selector (`abi_encode_params`).
    pub args: Bytes,
    /// What it is paid.
    pub value: U256,
}

impl Constructor {
    pub fn new(args: impl Into<Bytes>) -> Self {
        Self {
            args: args.into(),
            value: U256::ZERO,
        }
    }

    fn calldata(&self) -> Bytes {
        [&CONSTRUCTOR_SELECTOR, self.args.as_ref()].concat().into()
    }
}

/// A deployed contract.
#[derive(Clone, Debug)]
pub struct Deployment {
    pub address: Address,
    /// Of the transaction that created it.
    pub receipt: TransactionReceipt,
}

impl Devnet {
    /// Creates a contract from EVM init code, constructor arguments appended, for account 0.
    pub async fn deploy_evm(&self, init_code: impl Into<Bytes>) -> Result<Deployment, DeployError> {
        create(&self.provider_as(0), init_code.into()).await
    }

    /// Deploys a program for account 0, the way `cargo stylus deploy` does: as created and then activated by two
    /// transactions, or, when it has a constructor, by one to the StylusDeployer.
    ///
    /// `wasm` may come straight from rustc: it is normalised and stripped as `cargo stylus` does it.
    pub async fn deploy_wasm(
        &self,
        wasm: &[u8],
        constructor: Option<Constructor>,
    ) -> Result<Deployment, DeployError> {
        let wasm = without_custom_sections(&normalise(wasm)?)?;
        self.deploy_code(code::encode(&wasm), constructor).await
    }

    /// Deploys a program that is already compressed, with its prefix.
    pub async fn deploy_code(
        &self,
        code: Bytes,
        constructor: Option<Constructor>,
    ) -> Result<Deployment, DeployError> {
        let provider = self.provider_as(0);
        let fee = self.activation_fee(&code).await?;
        let Some(constructor) = constructor else {
            let deployment = create(&provider, code::init_code(&code)).await?;
            if !fee.is_zero() {
                let arb_wasm = IArbWasm::new(ARB_WASM, &provider);
                let activation = arb_wasm
                    .activateProgram(deployment.address)
                    .value(fee)
                    .send()
                    .await?;
                succeeded(activation.get_receipt().await?)?;
            }
            return Ok(deployment);
        };
        let deployer = IStylusDeployer::new(STYLUS_DEPLOYER, &provider);
        let deploy = deployer.deploy_call(
            code::init_code(&code),
            constructor.calldata(),
            constructor.value,
            B256::ZERO,
        );
        let receipt = succeeded(
            deploy
                .value(fee + constructor.value)
                .send()
                .await?
                .get_receipt()
                .await?,
        )?;
        let announced = receipt
            .inner
            .logs()
            .iter()
            .filter(|log| log.address() == STYLUS_DEPLOYER);
        let address = announced
            .filter_map(|log| IStylusDeployer::ContractDeployed::decode_log(&log.inner).ok())
            .map(|event| event.deployedContract)
            .next()
            .ok_or(DeployError::NoAddress(receipt.transaction_hash))?;
        Ok(Deployment { address, receipt })
    }

    /// What to send along with the activation of `code`: the fee and some more; zero if it is active already.
    pub async fn activation_fee(&self, code: &Bytes) -> Result<U256, DeployError> {
        let provider = self.provider();
        let arb_wasm = IArbWasm::new(ARB_WASM, &provider);
        if arb_wasm
            .codehashVersion(alloy::primitives::keccak256(code))
            .call()
            .await
            .is_ok_and(|version| version > 0)
        {
            return Ok(U256::ZERO);
        }
        // Activation is only tried: on accounts that exist for this call.
        let (program, sender) = (Address::repeat_byte(0xc0), Address::repeat_byte(0xac));
        let overrides = StateOverride::from_iter([
            (program, AccountOverride::default().with_code(code.clone())),
            (sender, AccountOverride::default().with_balance(U256::MAX)),
        ]);
        let value = parse_ether("1").expect("a number");
        let tried = arb_wasm
            .activateProgram(program)
            .from(sender)
            .value(value)
            .state(overrides)
            .call()
            .await?;
        Ok(tried.dataFee * U256::from(100 + FEE_BUMP) / U256::from(100))
    }

    /// Keeps a program initialised, so that calls start at the cached price.
    pub async fn cache_program(&self, program: Address) -> Result<TransactionReceipt, DeployError> {
        let provider = self.provider_as(0);
        let cache = IArbWasmCache::new(ARB_WASM_CACHE, &provider);
        succeeded(
            cache
                .cacheProgram(program)
                .send()
                .await?
                .get_receipt()
                .await?,
        )
    }
}

async fn create(provider: &DynProvider, init_code: Bytes) -> Result<Deployment, DeployError> {
    let request = TransactionRequest::default().with_deploy_code(init_code);
    let receipt = succeeded(
        provider
            .send_transaction(request)
            .await?
            .get_receipt()
            .await?,
    )?;
    let address = receipt
        .contract_address
        .ok_or(DeployError::NoAddress(receipt.transaction_hash))?;
    Ok(Deployment { address, receipt })
}

fn succeeded(receipt: TransactionReceipt) -> Result<TransactionReceipt, DeployError> {
    if receipt.status() {
        Ok(receipt)
    } else {
        Err(DeployError::Reverted(receipt.transaction_hash))
    }
}

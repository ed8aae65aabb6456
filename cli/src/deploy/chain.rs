//! The chain that is deployed to: what a deployment sends and reads, and the Stylus side of it.

use std::time::{Duration, Instant};

use alloy::{
    consensus::transaction::SignerRecoverable as _,
    dyn_abi::DynSolValue,
    eips::{BlockNumberOrTag, Encodable2718 as _},
    json_abi::JsonAbi,
    network::{EthereumWallet, TransactionBuilder as _},
    primitives::{keccak256, Address, Bytes, B256, U256},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::types::{
        state::{AccountOverride, StateOverride},
        TransactionReceipt, TransactionRequest,
    },
    signers::local::PrivateKeySigner,
    sol,
    sol_types::{SolError as _, SolEvent as _},
    transports::{RpcError, TransportErrorKind},
};
use anyhow::{bail, ensure, Context as _};
use devnet::{
    code, describe_revert, IStylusDeployer, RevertData as _, ARB_WASM, ARB_WASM_CACHE,
    STYLUS_DEPLOYER,
};

/// Seconds of an epoch of CompletionTracker.
const EPOCH: u64 = 300;

sol! {
    /// Activation of programs.
    #[sol(rpc)]
    interface IArbWasm {
        error ProgramExpired(uint64 ageInSeconds);
        error ProgramInsufficientValue(uint256 have, uint256 want);
        error ProgramKeepaliveTooSoon(uint64 ageInSeconds);
        error ProgramNeedsUpgrade(uint16 version, uint16 stylusVersion);
        error ProgramNotActivated();

        function activateProgram(address program) external payable returns (uint16 version, uint256 dataFee);
        function codehashKeepalive(bytes32 codehash) external payable;
        function codehashVersion(bytes32 codehash) external view returns (uint16 version);
        function programVersion(address program) external view returns (uint16 version);
        function programTimeLeft(address program) external view returns (uint64 timeLeft);
        function stylusVersion() external view returns (uint16 version);
    }

    #[sol(rpc)]
    interface IArbWasmCache {
        function allCacheManagers() external view returns (address[] memory managers);
        function codehashIsCached(bytes32 codehash) external view returns (bool);
    }

    /// Auctions the cache.
    #[sol(rpc)]
    interface ICacheManager {
        function isPaused() external view returns (bool);
        function placeBid(address program) external payable;
        function getMinBid(address program) external view returns (uint192 min);
    }
}

/// What every Stylus constructor is called by.
const CONSTRUCTOR_SELECTOR: [u8; 4] = [0x55, 0x85, 0x25, 0x8d];

/// Percent by which more than a fee is sent, as by `cargo stylus`: it follows a moving average. The excess comes back.
const FEE_BUMP: u64 = 20;
/// Percent by which more than the estimated gas may be used. What is not used is not paid.
const GAS_BUMP: u64 = 20;

const CONNECTION_TIMEOUT: Duration = Duration::from_secs(30);
/// A public chain under load may take minutes to include a transaction.
const INCLUSION_TIMEOUT: Duration = Duration::from_secs(300);
const LONGEST_POLL: Duration = Duration::from_secs(1);

/// Errors that steps of a deployment may end with, so that they can be read.
const ERRORS: [&str; 12] = [
    "error OwnableUnauthorizedAccount(address account)",
    "error OwnableInvalidOwner(address owner)",
    "error NotAContract(address account)",
    "error InvalidStakeToken(address token)",
    "error InvalidCapCurve(uint8 curve)",
    "error TaskTypeAlreadyExists()",
    "error TaskTypeDoesNotExist()",
    "error ContractInitializationError(address newContract, bytes data)",
    "error ContractDeploymentError(bytes bytecode)",
    "error HOST_NO_APP_REGISTRATION_PERMISSION()",
    "error AlreadyConnected()",
    "error InvalidRecipient(address recipient)",
];

/// A chain, and who sends to it.
pub struct Chain {
    pub provider: DynProvider,
    pub id: u64,
    /// The hash of block 0; `None` where the endpoint does not give it.
    pub instance: Option<B256>,
    wallet: Option<EthereumWallet>,
    pub sender: Address,
    errors: JsonAbi,
}

/// A transaction that is signed and not sent.
pub struct Signed {
    pub hash: B256,
    raw: Vec<u8>,
}

impl Chain {
    /// Connects, and asks which chain it is. Without a key there is nothing but looking.
    ///
    /// # Errors
    /// If nothing answers there, or nothing that knows Ethereum's RPC.
    pub async fn connect(url: &str, signer: Option<PrivateKeySigner>) -> anyhow::Result<Self> {
        // `localhost:8545` would be a URL of a scheme named localhost.
        ensure!(
            url.contains("://"),
            "{} has no http:// in front: write http://{}",
            redacted(url),
            redacted(url)
        );
        let endpoint = url.parse().ok().with_context(|| {
            format!(
                "{} is no URL: write http://HOST:PORT or https://HOST",
                redacted(url)
            )
        })?;
        let client = bpe_rpc::client(endpoint)?;
        let sender = signer
            .as_ref()
            .map_or(Address::ZERO, PrivateKeySigner::address);
        let wallet = signer.map(EthereumWallet::from);
        let provider = match &wallet {
            Some(wallet) => ProviderBuilder::new()
                .wallet(wallet.clone())
                .connect_client(client)
                .erased(),
            None => ProviderBuilder::new().connect_client(client).erased(),
        };
        let asked = tokio::time::timeout(CONNECTION_TIMEOUT, provider.get_chain_id()).await;
        let unreachable = || {
            format!(
                "no chain answers at {}: is the endpoint right, and the node running?",
                redacted(url)
            )
        };
        let id = asked
            .ok()
            .with_context(unreachable)?
            .ok()
            .with_context(unreachable)?;
        let genesis = provider.get_block_by_number(BlockNumberOrTag::Earliest);
        let genesis = genesis.await.ok().flatten();
        Ok(Self {
            provider,
            id,
            instance: genesis.map(|block| block.header.hash),
            wallet,
            sender,
            errors: JsonAbi::parse(ERRORS)?,
        })
    }

    /// Whether programs run there.
    ///
    /// # Errors
    /// If they do not.
    pub async fn require_stylus(&self) -> anyhow::Result<()> {
        let version = IArbWasm::new(ARB_WASM, &self.provider)
            .stylusVersion()
            .call()
            .await;
        ensure!(
            version.is_ok(),
            "chain {} does not run Stylus programs: it needs an Arbitrum chain, or `bpe devnet`",
            self.id
        );
        Ok(())
    }

    /// Whether what creates programs is there: what is sent to an address without code is lost.
    ///
    /// # Errors
    /// If it is not.
    pub async fn require_deployer(&self) -> anyhow::Result<()> {
        ensure!(
            !self.code(STYLUS_DEPLOYER).await?.is_empty(),
            "chain {} has no StylusDeployer at {STYLUS_DEPLOYER}, which creates programs and runs their constructors: \
             put it there first (Arbitrum's nitro-devnode does so, through the CREATE2 factory), then run this again. \
             Nothing was sent",
            self.id
        );
        Ok(())
    }

    // --- Reading

    pub async fn code(&self, address: Address) -> anyhow::Result<Bytes> {
        self.provider
            .get_code_at(address)
            .await
            .with_context(|| format!("cannot read the code at {address}"))
    }

    /// What a view returns; `None` if it reverts.
    pub async fn view(&self, to: Address, data: Bytes) -> anyhow::Result<Option<Bytes>> {
        let request = TransactionRequest::default().with_to(to).with_input(data);
        match self.provider.call(request).await {
            Ok(output) => Ok(Some(output)),
            Err(error) if error.as_error_resp().is_some() => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot call {to}")),
        }
    }

    /// A view without arguments that returns one word.
    pub async fn word(&self, to: Address, view: &str) -> anyhow::Result<Option<B256>> {
        let output = self.view(to, calldata(view, &[])).await?;
        Ok(output
            .filter(|it| it.len() >= 32)
            .map(|it| B256::from_slice(&it[..32])))
    }

    pub async fn address_of(&self, to: Address, view: &str) -> anyhow::Result<Option<Address>> {
        Ok(self.word(to, view).await?.map(Address::from_word))
    }

    /// The epoch of CompletionTracker that begins next, in the latest block.
    pub async fn next_epoch(&self) -> anyhow::Result<U256> {
        let block = self.provider.get_block_by_number(BlockNumberOrTag::Latest);
        let block = block.await?.context("the chain has no latest block")?;
        Ok(U256::from(block.header.timestamp / EPOCH + 1))
    }

    pub async fn balance(&self) -> anyhow::Result<U256> {
        Ok(self.provider.get_balance(self.sender).await?)
    }

    /// Wei that a unit of gas costs now.
    pub async fn gas_price(&self) -> anyhow::Result<u128> {
        Ok(self.provider.get_gas_price().await?)
    }

    // --- Sending

    /// Signs a transaction of the sender, with as much gas as it is estimated to take and some more.
    ///
    /// # Errors
    /// If it would revert, with the reason.
    pub async fn sign(&self, request: TransactionRequest) -> anyhow::Result<Signed> {
        let wallet = self
            .wallet
            .as_ref()
            .context("there is no key to sign with")?;
        let request = request.with_from(self.sender);
        let estimated = self.provider.estimate_gas(request.clone()).await;
        let gas = estimated.map_err(|error| self.refusal(error))?;
        let fees = self.provider.estimate_eip1559_fees().await?;
        let nonce = self
            .provider
            .get_transaction_count(self.sender)
            .pending()
            .await?;
        let envelope = request
            .with_gas_limit(gas + gas * GAS_BUMP / 100)
            .with_max_fee_per_gas(fees.max_fee_per_gas)
            .with_max_priority_fee_per_gas(fees.max_priority_fee_per_gas)
            .with_nonce(nonce)
            .with_chain_id(self.id)
            .build(wallet)
            .await?;
        debug_assert_eq!(envelope.recover_signer().ok(), Some(self.sender));
        Ok(Signed {
            hash: *envelope.tx_hash(),
            raw: envelope.encoded_2718(),
        })
    }

    /// Sends, and waits until it is in a block.
    pub async fn submit(&self, signed: &Signed) -> anyhow::Result<TransactionReceipt> {
        let sent = self.provider.send_raw_transaction(&signed.raw).await;
        drop(sent.map_err(|error| self.refusal(error))?);
        self.included(signed.hash).await
    }

    /// Asks at once, then ever more rarely: a devnet has the receipt before the first look.
    pub async fn included(&self, hash: B256) -> anyhow::Result<TransactionReceipt> {
        let start = Instant::now();
        let mut pause = Duration::from_millis(2);
        while start.elapsed() < INCLUSION_TIMEOUT {
            if let Some(receipt) = self.provider.get_transaction_receipt(hash).await? {
                ensure!(receipt.status(), "transaction {hash} reverted");
                return Ok(receipt);
            }
            tokio::time::sleep(pause).await;
            pause = (2 * pause).min(LONGEST_POLL);
        }
        bail!(
            "transaction {hash} is in no block after {} s: run this again when it is, it goes on from there",
            INCLUSION_TIMEOUT.as_secs()
        )
    }

    /// Whether the chain or its pool has a transaction.
    pub async fn knows(&self, hash: B256) -> anyhow::Result<bool> {
        let found = self.provider.get_transaction_by_hash(hash).await?;
        Ok(found.is_some())
    }

    /// Why a node would not have a transaction.
    fn refusal(&self, error: RpcError<TransportErrorKind>) -> anyhow::Error {
        let Some(data) = error.revert_data() else {
            return match error.as_error_resp() {
                Some(response) => anyhow::anyhow!("{}", response.message),
                None => error.into(),
            };
        };
        anyhow::anyhow!("it reverts with {}", self.reason(&data))
    }

    /// A revert in words; what StylusDeployer wraps is unwrapped.
    fn reason(&self, data: &[u8]) -> String {
        match IStylusDeployer::ContractInitializationError::abi_decode(data) {
            Ok(wrapped) => describe_revert(&wrapped.data, &self.errors),
            Err(_) => describe_revert(data, &self.errors),
        }
    }

    // --- Programs

    /// A program's creation, activation and construction in one transaction, paid with `fee`.
    pub fn creation(code: &[u8], arguments: &[DynSolValue], fee: U256) -> TransactionRequest {
        let arguments = DynSolValue::Tuple(arguments.to_vec()).abi_encode_params();
        Self::deployer_call(
            code,
            [&CONSTRUCTOR_SELECTOR, arguments.as_slice()].concat(),
            fee,
        )
    }

    fn deployer_call(code: &[u8], constructor: Vec<u8>, fee: U256) -> TransactionRequest {
        let call = IStylusDeployer::deployCall {
            bytecode: code::init_code(code),
            initData: constructor.into(),
            initValue: U256::ZERO,
            salt: B256::ZERO,
        };
        TransactionRequest::default()
            .with_to(STYLUS_DEPLOYER)
            .with_value(fee)
            .with_call(&call)
    }

    /// The contract that a creation announced.
    pub fn created(receipt: &TransactionReceipt) -> Option<Address> {
        let logs = receipt.logs().iter();
        logs.filter(|log| log.address() == STYLUS_DEPLOYER)
            .filter_map(|log| IStylusDeployer::ContractDeployed::decode_log(&log.inner).ok())
            .map(|event| event.deployedContract)
            .next()
    }

    /// What to send along with the activation of `code`: ArbWasm's data fee and some more; zero if it is active already.
    ///
    /// # Errors
    /// If the chain would not activate it, or cannot try.
    pub async fn activation_fee(&self, code: &Bytes) -> anyhow::Result<U256> {
        let arb_wasm = IArbWasm::new(ARB_WASM, &self.provider);
        let active = arb_wasm.codehashVersion(keccak256(code)).call().await;
        if active.is_ok_and(|version| version > 0) {
            return Ok(U256::ZERO);
        }
        // Activation is only tried: on accounts that exist for this call.
        let program = Address::repeat_byte(0xc0);
        let tried = arb_wasm
            .activateProgram(program)
            .from(RICH)
            .value(U256::from(ONE_ETHER))
            .state(rich(Some((program, code))))
            .call()
            .await
            .map_err(|error| match error.revert_data() {
                Some(data) => anyhow::anyhow!("activation reverts with {}", self.reason(&data)),
                None => anyhow::anyhow!(error),
            })?;
        Ok(bumped(tried.dataFee))
    }

    /// The gas of creation and activation, without the constructor, as the chain estimates it for somebody with enough ether.
    pub async fn creation_gas(&self, code: &[u8], fee: U256) -> anyhow::Result<u64> {
        let request = Self::deployer_call(code, Vec::new(), fee).with_from(RICH);
        let estimate = self.provider.estimate_gas(request).overrides(rich(None));
        Ok(estimate.await?)
    }

    /// Bids for a place in the cache. Says why not if there is none to be had.
    pub async fn cache_bid(
        &self,
        program: Address,
        max_bid: U256,
    ) -> anyhow::Result<Result<TransactionRequest, String>> {
        let cache = IArbWasmCache::new(ARB_WASM_CACHE, &self.provider);
        let managers = cache.allCacheManagers().call().await.unwrap_or_default();
        // As `cargo stylus` does: the last one is the one in charge.
        let Some(manager) = managers.last() else {
            return Ok(Err("the chain has no cache manager".to_owned()));
        };
        let auction = ICacheManager::new(*manager, &self.provider);
        if auction.isPaused().call().await? {
            return Ok(Err("the cache manager takes no bids now".to_owned()));
        }
        let bid: U256 = auction.getMinBid(program).call().await?.to();
        if bid > max_bid {
            return Ok(Err(format!(
                "a place costs {bid} wei, more than `cache.max_bid`, {max_bid}"
            )));
        }
        Ok(Ok(auction
            .placeBid(program)
            .value(bid)
            .into_transaction_request()))
    }

    pub async fn is_cached(&self, code_hash: B256) -> bool {
        let cache = IArbWasmCache::new(ARB_WASM_CACHE, &self.provider);
        cache
            .codehashIsCached(code_hash)
            .call()
            .await
            .unwrap_or(false)
    }
}

/// Who has enough for whatever is only tried.
const RICH: Address = Address::repeat_byte(0xac);
const ONE_ETHER: u64 = 1_000_000_000_000_000_000;

fn rich(program: Option<(Address, &Bytes)>) -> StateOverride {
    let balance = U256::MAX >> 1;
    let mut overrides =
        StateOverride::from_iter([(RICH, AccountOverride::default().with_balance(balance))]);
    if let Some((address, code)) = program {
        overrides.insert(address, AccountOverride::default().with_code(code.clone()));
    }
    overrides
}

/// A fee, and what is sent to be sure of it.
pub fn bumped(fee: U256) -> U256 {
    fee + fee * U256::from(FEE_BUMP) / U256::from(100)
}

/// A call's data by the function's signature.
pub fn calldata(function: &str, arguments: &[DynSolValue]) -> Bytes {
    let selector = &keccak256(function)[..4];
    let arguments = DynSolValue::Tuple(arguments.to_vec()).abi_encode_params();
    [selector, &arguments].concat().into()
}

/// An endpoint without what may be secret in it: user, path and query often hold a provider's key.
pub fn redacted(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    match scheme {
        "" => host.to_owned(),
        _ => format!("{scheme}://{host}"),
    }
}

/// Takes an endpoint's secrets out of an error's text.
pub fn without_secrets(error: &anyhow::Error, url: &str) -> anyhow::Error {
    let text = format!("{error:#}");
    let short = redacted(url);
    let normal = url.trim_end_matches('/');
    anyhow::anyhow!("{}", text.replace(normal, &short))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_keep_their_secrets() {
        assert_eq!(
            redacted("https://me:pw@host.example:99/v2/KEY?x=1"),
            "https://host.example:99"
        );
        assert_eq!(redacted("http://127.0.0.1:8545"), "http://127.0.0.1:8545");
        let error = anyhow::anyhow!("cannot POST https://host/v2/KEY now");
        let clean = without_secrets(&error, "https://host/v2/KEY").to_string();
        assert_eq!(clean, "cannot POST https://host now");
    }

    #[test]
    fn calls_are_encoded_by_signature() {
        let data = calldata(
            "setPool(address)",
            &[DynSolValue::Address(Address::repeat_byte(7))],
        );
        assert_eq!(data.len(), 36);
        assert_eq!(data[35], 7);
        assert_eq!(data[..4], keccak256("setPool(address)")[..4]);
    }
}

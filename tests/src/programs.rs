//! Stylus programs of `tests/programs`, built and deployed by `cargo stylus` as a user would.

use std::process::Command;

use alloy::{primitives::Address, sol};

use crate::{
    stage::Served,
    tools::{run, target_dir, tool, workspace_root},
};

sol! {
    /// `tests/programs/counter`, and its Solidity twin in `tests/contracts/Counter.sol`.
    #[sol(rpc)]
    #[derive(Debug, PartialEq, Eq)]
    interface ICounter {
        event Incremented(address indexed by, uint256 number);

        error TooMuch(uint256 amount, uint256 limit);
        error NotOwner(address caller);

        function number() external view returns (uint256);
        function owner() external view returns (address);
        function add(uint256 amount) external returns (uint256);
        function reset() external;
        function sumWith(address other) external view returns (uint256);
        function addTo(address other, uint256 amount) external returns (uint256);
    }
}

/// `cargo stylus <command>` in the folder of a program, against a served devnet.
pub fn cargo_stylus(command: &str, program: &str, served: &Served) -> Command {
    let mut cargo_stylus = tool("cargo-stylus");
    cargo_stylus
        .current_dir(workspace_root().join("tests/programs").join(program))
        .args(["stylus", command, "--endpoint", &served.url()])
        // Beside the tests' own, where `cargo clean` finds it.
        .env("CARGO_TARGET_DIR", target_dir().join("programs"));
    cargo_stylus
}

/// Deploys the counter from account 0, starting at `initial`.
pub async fn deploy_counter(served: &Served, initial: u64) -> Address {
    let mut deploy = cargo_stylus("deploy", "counter", served);
    deploy.args(["--no-verify", "--private-key", &served.key(0)]);
    deploy.args(["--constructor-args", &initial.to_string()]);
    let output = run(deploy).await.succeeded();
    deployed_address(&output)
}

/// Deploys a contract of the suite as docs/deploying.md says. From the contracts' folder, not the contract's own: what is
/// hashed into the program depends on it.
pub async fn deploy_by_hand(served: &Served, package: &str, arguments: &[&str]) -> Address {
    let root = workspace_root();
    let tools = root.join(".tools/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(tools).chain(std::env::split_paths(&path));
    let mut deploy = tool("cargo-stylus");
    deploy
        .current_dir(root.join("contracts"))
        .args(["stylus", "deploy", "--endpoint", &served.url()])
        .args(["--no-verify", "--private-key", &served.key(0)])
        .args(["--contract", &package.replace('-', "_")])
        .arg("--constructor-args")
        .args(arguments)
        // wasm-opt is there; and the contracts' toolchain is another than this one's.
        .env(
            "PATH",
            std::env::join_paths(path).expect("folders have plain names"),
        )
        .env_remove("RUSTUP_TOOLCHAIN");
    deployed_address(&run(deploy).await.succeeded())
}

/// The address in the output of `cargo stylus deploy`.
pub fn deployed_address(output: &str) -> Address {
    let found = output
        .split_once("deployed code at address: ")
        .and_then(|(_, rest)| rest.lines().next());
    let address = found.unwrap_or_else(|| panic!("no address in {output}"));
    address
        .parse()
        .unwrap_or_else(|error| panic!("{address}: {error}"))
}

//! Each rule can fail: small contracts that break exactly one, beside ones that keep it.

use xtask::{
    abi::{self, reference, Contract},
    artefacts,
    checks::{self, calls},
    error::Error,
    source,
    workspace::Workspace,
};

fn contract(name: &str, code: &str) -> Contract {
    contract_with(name, code, "")
}

fn contract_with(name: &str, code: &str, common: &str) -> Contract {
    let model = source::load_text([(name, code), ("bpe_common", common)]).unwrap();
    abi::from_model(model, name, name).unwrap()
}

const SAMPLE: &str = r#"
    use bpe_common::ownable::{self, Ownable};
    sol! {
        /// `who` now has `amount`.
        event Minted(address indexed who, uint256 amount);
        error TooMuch(uint256 amount);
        struct Account { address who; uint96[] amounts; }
    }
    #[derive(SolidityError)]
    pub enum Error { TooMuch(TooMuch), Owner(ownable::Error) }
    type Amount = Uint<96, 2>;
    #[entrypoint]
    #[storage]
    pub struct Token { ownable: Ownable, supply: StorageUint<96, 2>, names: StorageMap<Address, StorageString> }
    #[public]
    #[inherit(Ownable)]
    impl Token {
        #[constructor]
        pub fn constructor(&mut self, owner: Address) -> Result<(), Error> { Ok(()) }
        /// Mints `to_whom`.
        pub fn mint_to(&mut self, to_whom: Address, amount: Amount) -> Result<U256, Error> {
            log(self.vm(), Minted { who: to_whom, amount });
            Err(TooMuch { amount }.into())
        }
        #[selector(name = "MAX_SUPPLY")]
        pub fn max_supply(&self) -> U256 { U256::ZERO }
        pub fn version() -> String { String::new() }
        #[payable]
        pub fn pay(&mut self, notes: Vec<Bytes>, ids: [B256; 2], flags: (bool, u8)) {}
        pub fn account(&self, who: Address) -> Account { todo!() }
        pub fn pages(&self) -> Result<Returns<(Vec<Address>, U256)>, Vec<u8>> { todo!() }
    }
"#;

const COMMON: &str = r#"
    pub mod ownable {
        sol! {
            event OwnershipTransferred(address indexed previousOwner, address indexed newOwner);
            event NeverEmitted(uint256 value);
            error OwnableUnauthorizedAccount(address account);
        }
        #[derive(SolidityError)]
        pub enum Error { Unauthorized(OwnableUnauthorizedAccount) }
        #[storage]
        pub struct Ownable { owner: StorageAddress }
        #[public]
        impl Ownable {
            pub fn owner(&self) -> Address { self.owner.get() }
            pub fn transfer_ownership(&mut self, new_owner: Address) -> Result<(), Error> {
                log(self.vm(), OwnershipTransferred { previousOwner: new_owner, newOwner: new_owner });
                Ok(())
            }
        }
    }
"#;

#[test]
fn abi_of_a_sample() {
    let token = contract_with("token", SAMPLE, COMMON);
    let functions: Vec<_> = token
        .functions
        .iter()
        .map(|f| {
            let outputs: Vec<_> = f.outputs.iter().map(|ty| ty.canonical()).collect();
            format!(
                "{} {} ({})",
                f.signature(),
                f.mutability.as_str(),
                outputs.join(",")
            )
        })
        .collect();
    assert_eq!(
        functions,
        [
            "mintTo(address,uint96) nonpayable (uint256)",
            "MAX_SUPPLY() view (uint256)",
            "version() pure (string)",
            "pay(bytes[],bytes32[2],(bool,uint8)) payable ()",
            "account(address) view ((address,uint96[]))",
            "pages() view (address[],uint256)",
            "owner() view (address)",
            "transferOwnership(address) nonpayable ()",
        ]
    );
    let events: Vec<_> = token.events.iter().map(abi::Event::signature).collect();
    assert_eq!(
        events,
        [
            "Minted(address,uint256)",
            "OwnershipTransferred(address,address)"
        ]
    );
    let errors: Vec<_> = token.errors.iter().map(abi::ErrorType::signature).collect();
    assert_eq!(
        errors,
        ["OwnableUnauthorizedAccount(address)", "TooMuch(uint256)"]
    );
    let solidity = abi::to_solidity(&token);
    assert!(
        solidity.contains(
            "    /// Mints `toWhom`.\n    function mintTo(address toWhom, uint96 amount)"
        ),
        "{solidity}"
    );
    assert!(solidity.contains("returns (Account memory);"), "{solidity}");
    let json: alloy::json_abi::JsonAbi = serde_json::from_str(&abi::to_json(&token)).unwrap();
    assert_eq!(json.functions().count(), functions.len());
    assert!(json.constructor.is_some());
}

#[test]
fn unknown_types_are_refused() {
    let code = SAMPLE.replace("-> U256 { U256::ZERO }", "-> Mystery { todo!() }");
    let model = source::load_text([("token", code.as_str()), ("bpe_common", COMMON)]).unwrap();
    let error = abi::from_model(model, "token", "token").unwrap_err();
    assert!(
        error.contains("max_supply") && error.contains("Mystery"),
        "{error}"
    );
}

#[test]
fn reference_superset() {
    let ours = abi::to_json(&contract_with("token", SAMPLE, COMMON));
    let missing = |reference: &str| {
        let parse = |text: &str| serde_json::from_str::<alloy::json_abi::JsonAbi>(text).unwrap();
        checks::reference::missing(&parse(&ours), &parse(reference))
    };
    assert!(missing(&ours).is_empty());
    for (from, to, expected) in [
        (
            "\"name\":\"mintTo\"",
            "\"name\":\"mintFor\"",
            "function mintFor(address,uint96) is missing",
        ),
        (
            "\"stateMutability\":\"pure\"",
            "\"stateMutability\":\"view\"",
            "version() is Pure, in the reference View",
        ),
        (
            "\"name\":\"TooMuch\"",
            "\"name\":\"TooLittle\"",
            "error TooLittle(uint256) is missing",
        ),
        (
            "\"name\":\"Minted\"",
            "\"name\":\"Burned\"",
            "event Burned(address,uint256) is missing",
        ),
        (
            "\"indexed\":true",
            "\"indexed\":false",
            "indexes other fields",
        ),
        (
            "\"type\":\"string\"",
            "\"type\":\"bytes\"",
            "version() returns (string), the reference (bytes)",
        ),
    ] {
        assert!(ours.contains(from), "{from} is not in {ours}");
        let found = missing(&ours.replace(from, to));
        assert!(
            found.iter().any(|m| m.contains(expected)),
            "{expected:?} is not in {found:?}"
        );
    }
    // What the existing contracts inherit and cannot raise is no error of theirs; of those names only.
    let inherited = |name: &str| format!(r#"[{{"type":"error","name":"{name}","inputs":[]}}]"#);
    assert!(missing(&inherited("InvalidShortString")).is_empty());
    assert_eq!(
        missing(&inherited("InvalidLongString")),
        ["error InvalidLongString() is missing"]
    );
}

#[test]
fn selectors() {
    assert!(
        checks::selectors::check(&[contract_with("token", SAMPLE, COMMON)])
            .violations
            .is_empty()
    );
    // The contract's own `owner` hides the inherited one.
    let code = SAMPLE.replace(
        "pub fn version()",
        "pub fn owner(&self) -> Address { todo!() } pub fn version()",
    );
    let found = checks::selectors::check(&[contract_with("token", &code, COMMON)]).violations;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains("Token::owner (owner()) and Ownable::owner (owner())"),
        "{found:?}"
    );
    // Two names with one selector.
    let code = SAMPLE.replace(
        "pub fn version()",
        "#[selector(name = \"burn\")] pub fn a(x: U256) {} #[selector(name = \"collate_propagate_storage\")] pub fn b(x: [u8; 16]) {} pub fn version()",
    );
    let contract = contract_with("token", &code.replace("[u8; 16]", "FixedBytes<16>"), COMMON);
    let found = checks::selectors::check(&[contract]).violations;
    assert!(
        found
            .iter()
            .any(|v| v.contains("share the selector 0x42966c68")),
        "{found:?}"
    );
}

#[test]
fn results() {
    assert!(
        checks::results::check(&[contract_with("token", SAMPLE, COMMON)])
            .violations
            .is_empty()
    );
    for bare in [
        "(Vec<Address>, U256)",
        "Result<(U256, String), Error>",
        "(U256, Account)",
        "(Bytes, [Vec<u8>; 2])",
    ] {
        let code = SAMPLE.replace(
            "-> U256 { U256::ZERO }",
            &format!("-> {bare} {{ todo!() }}"),
        );
        let found = checks::results::check(&[contract_with("token", &code, COMMON)]).violations;
        assert_eq!(found.len(), 1, "{bare}: {found:?}");
    }
    let code = SAMPLE.replace("-> U256 { U256::ZERO }", "-> (U256, Address) { todo!() }");
    assert!(
        checks::results::check(&[contract_with("token", &code, COMMON)])
            .violations
            .is_empty()
    );
}

#[test]
fn structs() {
    let found = |code: &str| {
        checks::structs::check(&[contract_with("token", code, COMMON)])
            .violations
            .len()
    };
    assert_eq!(found(SAMPLE), 0);
    for (derives, violations) in [
        ("Debug, PartialEq", 0),
        ("AbiType", 1),
        ("Debug, stylus_sdk::prelude::AbiType", 1),
    ] {
        let code = SAMPLE.replace(
            "struct Account {",
            &format!("#[derive({derives})] struct Account {{"),
        );
        assert_eq!(found(&code), violations, "{derives}");
    }
}

fn layout_violations(structs: &str) -> Vec<String> {
    let model = source::load_text([("sample", structs)]).unwrap();
    checks::layout::violations(&model, "sample")
}

#[test]
fn layouts() {
    // What was seen on the VM: a plain field before a nested one, and the sibling after them is overwritten.
    let faulty = "
        #[storage] struct Pair { a: StorageU256, b: StorageU256 }
        #[storage] struct Faulty { plain: StorageU64, pair: Pair }
        #[entrypoint] #[storage] struct Contract { faulty: Faulty, victim: StorageU256 }";
    let found = layout_violations(faulty);
    assert!(
        found
            .iter()
            .any(|v| v.contains("faulty.pair.b and victim share slot 2")),
        "{found:?}"
    );
    assert!(
        found
            .iter()
            .any(|v| v.contains("Faulty: takes 3 slots and reports 2")),
        "{found:?}"
    );

    let array = faulty.replace("pair: Pair", "pair: StorageArray<StorageU256, 2>");
    assert!(!layout_violations(&array).is_empty());

    let nested_first = faulty.replace(
        "plain: StorageU64, pair: Pair",
        "pair: Pair, plain: StorageU64",
    );
    assert_eq!(layout_violations(&nested_first), [""; 0]);
    // At the top it does no harm: nothing stands behind the contract.
    let top = "
        #[storage] struct Pair { a: StorageU256, b: StorageU256 }
        #[entrypoint] #[storage] struct Contract { plain: StorageU64, pair: Pair, after: StorageBool }";
    assert_eq!(layout_violations(top), [""; 0]);
    assert_eq!(
        layout_violations("#[storage] struct S { x: StorageMystery }").len(),
        1
    );
}

#[test]
fn layout_packs_as_the_sdk_does() {
    let model = source::load_text([(
        "sample",
        "type Amount = StorageUint<112, 2>;
        #[storage] struct S { a: Amount, b: Amount, c: StorageU16, d: StorageBool, e: Amount, f: StorageU64 }",
    )])
    .unwrap();
    let (id, _) = source::storage::structs(&model, "sample").next().unwrap();
    let layout = source::storage::layout(&model, &id).unwrap();
    let places: Vec<_> = layout
        .fields
        .iter()
        .map(|f| (f.slot, f.offset, f.bytes))
        .collect();
    assert_eq!(
        places,
        [
            (0, 18, 14),
            (0, 4, 14),
            (0, 2, 2),
            (0, 1, 1),
            (1, 18, 14),
            (1, 10, 8)
        ]
    );
    assert_eq!((layout.reported, layout.taken), (2, 2));
}

const INTERFACES: &str = "
    pub mod interfaces {
        sol! {
            interface IA { function a(uint256 x) external; }
            interface IB { function b(address x) external view returns (uint256); function other() external; }
        }
    }";

fn caller(name: &str, has: &str, calls: &str) -> Contract {
    let code = format!(
        "use bpe_common::interfaces::{{IA, IB}};
        #[entrypoint] #[storage] pub struct {name} {{}}
        #[public] impl {name} {{ {has} }}
        impl {name} {{ fn call(&self) {{ {calls} }} }}"
    );
    contract_with(&name.to_lowercase(), &code, INTERFACES)
}

#[test]
fn call_cycles() {
    let a = || {
        caller(
            "A",
            "pub fn a(&mut self, x: U256) {}",
            "query(to, &IB::bCall { x })",
        )
    };
    let b = |calls: &str| {
        caller(
            "B",
            "pub fn b(&self, x: Address) -> U256 { todo!() }",
            calls,
        )
    };
    let chain = calls::check(&[a(), b("")], &[]);
    assert_eq!(chain.summary, ["A → B"]);
    assert!(chain.violations.is_empty());
    let circle = calls::check(&[a(), b("invoke(to, &IA::aCall { x })")], &[]);
    assert_eq!(circle.violations, ["A → B → A"]);
    let allowed = calls::check(
        &[a(), b("invoke(to, &IA::aCall { x })")],
        &[("B", "for a test")],
    );
    assert!(allowed.violations.is_empty());
    // In the way of sol_interface!, through a macro.
    let circle = calls::check(&[a(), b("attempt!(IA::new(to).a(x))")], &[]);
    assert_eq!(circle.violations, ["A → B → A"]);
}

#[test]
fn arithmetic() {
    let unexplained = |code: &str| checks::arithmetic::unexplained(code).unwrap();
    for bad in [
        "fn f() { let c = a + b; }",
        "fn f() { total -= amount; }",
        "fn f() { x.set(price * self.rate()); }",
        "// Overflow is spoken of elsewhere.\nfn f() {\n    let z = 1;\n    let c = a + b;\n}",
    ] {
        assert_eq!(unexplained(bad).len(), 1, "{bad}");
    }
    for good in [
        "fn f() { let c = a.checked_add(b)?; }",
        "fn f() {\n    // No overflow: both are below 2^112.\n    let c = a + b;\n}",
        "fn f() { let c = a + b; // cannot overflow\n}",
        "fn f() { let i = index + 1; let j = v.len() - n; let k = n as u64 * m; }",
        "const LIMIT: u64 = DAY * DAYS;",
        "#[cfg(test)] mod tests { fn f() { let c = a + b; } }",
        "fn f() { let same = a == b && a / b > c; }",
    ] {
        assert_eq!(unexplained(good), [], "{good}");
    }
}

#[test]
fn unused_declarations() {
    assert!(
        checks::unused::check(&[contract_with("token", SAMPLE, COMMON)])
            .violations
            .is_empty()
    );
    let code = SAMPLE.replace(
        "error TooMuch",
        "event Silent(); error Unraised(); error TooMuch",
    );
    let found = checks::unused::check(&[contract_with("token", &code, COMMON)]).violations;
    assert_eq!(
        found,
        [
            "Token: event Silent is never built",
            "Token: error Unraised is never built"
        ]
    );
}

/// The hashes are OpenZeppelin's published ones.
#[test]
fn errors_and_events_have_tables() {
    let contracts = [contract_with("token", SAMPLE, COMMON)];
    let errors = reference::errors(&contracts);
    let unauthorized = "| `0x118cdaa7` | `OwnableUnauthorizedAccount(address)` | Token |";
    assert!(errors.contains(unauthorized), "{errors}");
    let events = reference::events(&contracts);
    let transferred = "| `0x8be0079c53165914` | `OwnershipTransferred(address,address)` | Token |";
    assert!(events.contains(transferred), "{events}");
    let minted = "`Minted(address,uint256)` | Token | `who` now has `amount`. |";
    assert!(events.contains(minted), "{events}");
}

#[test]
fn stale_artefacts() {
    let dir = tempfile::tempdir().unwrap();
    let workspace = Workspace::at(dir.path());
    let before = [contract_with("token", SAMPLE, COMMON)];
    let stale = |contracts: &[Contract]| match artefacts::check(&workspace, contracts) {
        Err(Error::Stale(message)) => message,
        other => panic!("{other:?}"),
    };
    assert!(stale(&before).contains("interfaces/IToken.sol is missing"));
    artefacts::write(&workspace, &before).unwrap();
    artefacts::check(&workspace, &before).unwrap();

    let after = [contract_with(
        "token",
        &SAMPLE.replace("fn mint_to", "fn mint_for"),
        COMMON,
    )];
    let message = stale(&after);
    assert!(
        message.contains("-    function mintTo(") && message.contains("+    function mintFor("),
        "{message}"
    );
    assert!(
        message.contains("sdk-abi/abi/Token.json is stale"),
        "{message}"
    );

    let gone = stale(&[]);
    assert!(gone.contains("IToken.sol belongs to no contract"), "{gone}");
    artefacts::write(&workspace, &[]).unwrap();
    artefacts::check(&workspace, &[]).unwrap();
}

#[test]
fn a_contract_needs_one_entrypoint() {
    for (code, expected) in [
        ("", "no struct is marked"),
        (
            "#[entrypoint] struct A {} #[entrypoint] struct B {}",
            "both A and B",
        ),
    ] {
        let model = source::load_text([("sample", code)]).unwrap();
        let error = abi::from_model(model, "sample", "sample").unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    let _ = contract("sample", "#[entrypoint] #[storage] struct A {}");
}

#[test]
fn closures_that_may_be_called_twice_are_refused() {
    let named = |code: &str| checks::closures::named(code).unwrap();
    for bad in [
        "fn f() { let cap = |stake: U256| stake; }",
        "fn f() { let mut sum = |a, b| a + b; }",
        "fn f(cap: impl Fn(U256) -> U256) {}",
        "fn f<F: FnMut(U256)>(cap: F) {}",
        "fn f<F>(cap: F) where F: Fn(U256) {}",
    ] {
        assert_eq!(named(bad), [1], "{bad}");
    }
    for good in [
        "fn f() { let now = || clock(); }",
        "fn f() { list.iter().map(|entry| entry.0).sum() }",
        "fn f(once: impl FnOnce(U256)) {}",
        "fn cap(stake: U256) -> U256 { stake }",
        "#[test] fn f() { let cap = |stake: U256| stake; }",
    ] {
        assert!(named(good).is_empty(), "{good}");
    }
}

#[test]
fn results_are_named_by_their_documentation() {
    let code = |names: &str| {
        format!(
            "#[entrypoint] #[storage] pub struct C {{ x: StorageU256 }} #[public] impl C {{
                /// Both.
                ///
                /// # Returns
                ///
                {names}
                ///
                /// # Errors
                ///
                /// * `None`
                pub fn both(&self) -> (U256, Address) {{ todo!() }}
            }}"
        )
    };
    let named = contract("C", &code("/// * `amount` what it is\n/// * `owner`"));
    let names: Vec<_> = named.functions[0]
        .named_outputs()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["amount", "owner"]);
    let solidity = abi::to_solidity(&named);
    assert!(
        solidity.contains("returns (uint256 amount, address owner);"),
        "{solidity}"
    );
    let one =
        source::load_text([("C", code("/// * `amount`").as_str()), ("bpe_common", "")]).unwrap();
    assert!(abi::from_model(one, "C", "C").is_err());
}

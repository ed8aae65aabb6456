//! Task types below task types on real Superfluid: pay for the parent reaches the leaves, to the wei.

use alloy::{
    primitives::{Address, B256, U256},
    providers::DynProvider,
    sol_types::SolValue,
};
use bpe_abi::INestedPool::{self, INestedPoolErrors, INestedPoolInstance, PassedOn};
use bpe_tests::{
    proof::{events, Proof},
    settlement::RATE,
    stage::{mined, revert},
    suite::{deploy, tokens, units, CODE},
};

use crate::{paid, serve, HOUR};

/// Below code: Rust and Solidity, and Stylus below Rust.
const RUST: B256 = B256::repeat_byte(0xa1);
const SOLIDITY: B256 = B256::repeat_byte(0xa2);
const STYLUS: B256 = B256::repeat_byte(0xa3);

struct Tree {
    it: Proof,
    nested: INestedPoolInstance<DynProvider>,
    /// Of code (40 units), Rust (20), Solidity (30) and Stylus (10).
    sinks: [(B256, Address); 4],
}

impl Tree {
    async fn start() -> Self {
        let it = Proof::start().await;
        let (base, pools) = (&it.core.base, &it.core.pools);
        for id in [RUST, SOLIDITY, STYLUS] {
            let register = base.registry.registerTaskType(id, tokens(100));
            mined(register.send().await).await;
            mined(pools.createPool(id).send().await).await;
        }
        let arguments = (*pools.address(), *base.registry.address(), base.owner);
        let arguments = arguments.abi_encode_params();
        let nested = deploy(&base.devnet, "nested-pool", arguments).await;
        mined(pools.setNestedPool(nested).send().await).await;
        let mut sinks = [(CODE, Address::ZERO); 4];
        let wanted = [(CODE, 40), (RUST, 20), (SOLIDITY, 30), (STYLUS, 10)];
        for ((number, (id, capacity)), sink) in (0x31..).zip(wanted).zip(&mut sinks) {
            *sink = (id, serve(&it, number, id, capacity).await);
            mined(pools.rebalance(id).send().await).await;
        }
        Self {
            nested: INestedPool::new(nested, base.provider.clone()),
            it,
            sinks,
        }
    }

    async fn link(&self, parent: B256, child: B256) {
        let link = self.nested.registerChild(parent, child);
        let receipt = mined(link.send().await).await;
        println!("registerChild: {} gas", receipt.gas_used);
    }

    async fn due(&self, id: B256) -> u128 {
        let child = self.nested.getChild(id).call().await.unwrap();
        child.due.to()
    }

    async fn refusal(&self, parent: B256, child: B256) -> INestedPoolErrors {
        revert(self.nested.registerChild(parent, child).call().await)
    }
}

#[tokio::test]
async fn pay_for_the_parent_reaches_the_leaves_to_the_wei() {
    let tree = Tree::start().await;
    let (it, nested) = (&tree.it, *tree.nested.address());
    tree.link(CODE, RUST).await;
    tree.link(CODE, SOLIDITY).await;
    tree.link(RUST, STYLUS).await;
    // From the leaves up: 10, then 20 + 10, and 30.
    let rebalance = tree.nested.rebalanceHierarchy(CODE, U256::from(8));
    mined(rebalance.send().await).await;
    for (id, weight) in [(STYLUS, 10), (RUST, 30), (SOLIDITY, 30)] {
        let child = tree.nested.getChild(id).call().await.unwrap();
        assert_eq!(child.weight, units(weight));
    }
    let total = tree.nested.getEffectiveCapacity(CODE).call().await.unwrap();
    assert_eq!(total, units(100));

    let source = it.core.source(6, 1_000).await;
    it.core.stream(source, CODE, RATE).await;
    it.core.advance(HOUR);
    let rebalance = tree.nested.rebalanceHierarchy(CODE, U256::from(8));
    let receipt = mined(rebalance.send().await).await;
    println!(
        "rebalanceHierarchy of 4, 3 levels: {} gas",
        receipt.gas_used
    );
    let passed: Vec<(B256, u128)> = events::<PassedOn>(&receipt)
        .into_iter()
        .map(|it| (it.childTaskTypeId, it.amount.to()))
        .collect();
    println!("passed on: {passed:?}");
    let passed_to = |id| passed.iter().find(|(child, _)| *child == id).unwrap().1;

    // The parent's own sink has 40 of 100 units, this contract 60: 3 wei for every 2.
    let [(_, coder), leaves @ ..] = tree.sinks;
    let received = paid(it, CODE, nested).await;
    let own = paid(it, CODE, coder).await;
    assert!(
        received.abs_diff(own / 2 * 3) < own / 100_000,
        "{received}, {own}"
    );

    // Equal weights: half each, and the odd wei waits. What a pool cannot divide by its units is due.
    for child in [RUST, SOLIDITY] {
        let pool = it.core.pool(child).await;
        let units = pool.getTotalUnits().call().await.unwrap();
        let (amount, due) = (passed_to(child), tree.due(child).await);
        assert_eq!(amount + due, received / 2);
        assert_eq!(amount % units, 0);
        assert!(due < units);
    }
    // Of what Rust's pool distributed, this contract's units brought Stylus its part.
    let from_rust = paid(it, RUST, nested).await;
    assert_eq!(passed_to(STYLUS) + tree.due(STYLUS).await, from_rust);
    for (id, sink) in leaves {
        let pool = it.core.pool(id).await;
        let total = pool.getTotalUnits().call().await.unwrap();
        let units = pool.getUnits(sink).call().await.unwrap();
        assert_eq!(paid(it, id, sink).await, passed_to(id) / total * units);
    }
    // Nothing stays here but what is due, and the odd wei.
    let dues = tree.due(RUST).await + tree.due(SOLIDITY).await + tree.due(STYLUS).await;
    assert_eq!(it.core.whole(nested).await, dues + received % 2);

    // Taken out, Solidity gets no more; the others share what it got.
    let unlink = tree.nested.deregisterChild(CODE, SOLIDITY);
    mined(unlink.send().await).await;
    let before = paid(it, SOLIDITY, leaves[1].1).await;
    it.core.advance(HOUR);
    let rebalance = tree.nested.rebalanceHierarchy(CODE, U256::from(8));
    let receipt = mined(rebalance.send().await).await;
    let passed = events::<PassedOn>(&receipt);
    assert!(passed.iter().all(|it| it.childTaskTypeId != SOLIDITY));
    assert_eq!(paid(it, SOLIDITY, leaves[1].1).await, before);
}

/// Before: what is below kept its units when the anchor moved; anybody's rebalance lifted a child task type from 91 to 499 of
/// 1 000 a month, until somebody rebalanced the hierarchy.
#[tokio::test]
async fn anybodys_rebalance_leaves_a_child_its_share() {
    let tree = Tree::start().await;
    let (it, nested) = (&tree.it, *tree.nested.address());
    tree.link(CODE, RUST).await;
    let rebalance = tree.nested.rebalanceHierarchy(CODE, U256::from(8));
    mined(rebalance.send().await).await;
    let source = it.core.source(6, 1_000).await;
    it.core.stream(source, CODE, RATE).await;
    // Rust's 20 units below, 40 of the parent's own sink, then 320 of another one.
    let own = tree.sinks[0].1;
    let other = serve(it, 0x35, CODE, 320).await;
    let stranger = it.core.base.devnet.account(8);
    for _ in 0..2 {
        let anybody = it.core.pools.rebalance(CODE).from(stranger);
        mined(anybody.send().await).await;
        let flows = [
            it.core.flow_to(nested).await,
            it.core.flow_to(own).await,
            it.core.flow_to(other).await,
        ];
        println!("20, 40 and 320 units: {flows:?} wei/s");
        assert!(flows[1].abs_diff(2 * flows[0]) < flows[0] / 100_000);
        assert!(flows[2].abs_diff(16 * flows[0]) < flows[0] / 10_000);
        it.core.advance(HOUR);
    }
}

#[tokio::test]
async fn trees_have_no_cycles() {
    let tree = Tree::start().await;
    tree.link(CODE, RUST).await;
    tree.link(RUST, STYLUS).await;
    use INestedPoolErrors as Refusal;
    let own = tree.refusal(CODE, CODE).await;
    assert!(matches!(own, Refusal::SelfReference(_)));
    let cycle = tree.refusal(STYLUS, CODE).await;
    assert!(matches!(cycle, Refusal::CyclicReference(_)));
    let two_parents = tree.refusal(SOLIDITY, STYLUS).await;
    assert!(matches!(two_parents, Refusal::ChildAlreadyRegistered(_)));
    let thief = tree.it.core.base.devnet.account(8);
    let link = tree.nested.registerChild(CODE, SOLIDITY).from(thief);
    let refused: Refusal = revert(link.call().await);
    assert!(matches!(refused, Refusal::OwnableUnauthorizedAccount(_)));
    // Named by the owner, he links.
    mined(tree.nested.setLinker(CODE, thief).send().await).await;
    let link = tree.nested.registerChild(CODE, SOLIDITY).from(thief);
    mined(link.send().await).await;
}

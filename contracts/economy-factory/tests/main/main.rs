//! EconomyFactory on motsu: what it refuses, and what it says of itself. motsu creates no contracts, so what it makes is
//! tested end to end.

#[allow(dead_code)]
#[path = "../../src/lib.rs"]
mod contract;

use alloy_primitives::{Address, B256, U256};
use bpe_common::{
    call::{NotAContract, Revert},
    ownable::OwnableInvalidOwner,
};
use bpe_testing::{enter, Fuzz, Token};
use contract::*;
use motsu::prelude::*;

const OWNER: Address = Address::repeat_byte(0x0e);
const CODE: B256 = B256::repeat_byte(0xc0);

/// Any contract does: the constructor asks for code only.
fn construct(
    it: &Contract<EconomyFactory>,
    token: Address,
    programs: Vec<Address>,
    owner: Address,
) -> Result<(), Error> {
    it.sender(OWNER)
        .constructor(token, token, token, U256::from(7), programs, owner)
        .motsu_res()
}

fn factory() -> (Contract<EconomyFactory>, Contract<Token>) {
    let (it, token) = (Contract::new(), Contract::new());
    let programs = vec![token.address(); PROGRAMS];
    construct(&it, token.address(), programs, OWNER).unwrap();
    (it, token)
}

fn config(template: u8, task_types: usize) -> EconomyConfig {
    EconomyConfig {
        template,
        taskTypeIds: vec![CODE; task_types],
        minStake: U256::ZERO,
        bufferMax: U256::ZERO,
        verificationBudgetBps: U256::ZERO,
    }
}

fn deploy(it: &Contract<EconomyFactory>, config: EconomyConfig) -> Result<(), Error> {
    let result = it.sender(OWNER).deploy_economy(config).motsu_res();
    result.map(|_| ())
}

#[test]
fn it_says_what_it_is_made_of() {
    let (it, token) = factory();
    let token = token.address();
    assert_eq!(it.sender(OWNER).gda(), token);
    assert_eq!(it.sender(OWNER).super_token(), token);
    assert_eq!(it.sender(OWNER).stake_token(), token);
    assert_eq!(it.sender(OWNER).stake_unit(), U256::from(7));
    assert_eq!(it.sender(OWNER).programs(), vec![token; PROGRAMS]);
    assert_eq!(it.sender(OWNER).economy_count(), U256::ZERO);
    let none = it.sender(OWNER).get_economies_by_owner(OWNER);
    assert_eq!(none, Vec::<B256>::new());
}

/// The reference's numbers. What each deploys is tested end to end.
#[test]
fn templates_are_numbered_as_in_the_solidity_deployment() {
    let number = |template| bpe_testing::reference::number("IEconomyFactory.Template", template);
    assert_eq!(
        ["MARKETPLACE", "COOPERATIVE", "PIPELINE", "GUILD"].map(number),
        [
            TEMPLATE_MARKETPLACE,
            TEMPLATE_COOPERATIVE,
            TEMPLATE_PIPELINE,
            TEMPLATE_GUILD
        ]
    );
}

#[test]
fn what_is_no_program_is_refused() {
    let it = Contract::<EconomyFactory>::new();
    let token = Contract::<Token>::new();
    let (token, nobody) = (token.address(), Address::repeat_byte(5));
    for length in [0, PROGRAMS - 1, PROGRAMS + 1] {
        let error = WrongProgramCount {
            length: U256::from(length),
            expected: U256::from(PROGRAMS),
        };
        let refused = construct(&it, token, vec![token; length], OWNER);
        assert_eq!(refused, Err(error.into()));
    }
    for place in 0..PROGRAMS {
        let mut programs = vec![token; PROGRAMS];
        programs[place] = nobody;
        let error = NotAContract { account: nobody };
        let refused = construct(&it, token, programs, OWNER);
        assert_eq!(refused, Err(error.into()), "{place}");
    }
    // Without the last one there are no guilds.
    let it = Contract::<EconomyFactory>::new();
    let mut programs = vec![token; PROGRAMS];
    programs[PROGRAMS - 1] = Address::ZERO;
    assert_eq!(construct(&it, token, programs, OWNER), Ok(()));
    let error = NotAContract {
        account: Address::ZERO,
    };
    assert_eq!(deploy(&it, config(TEMPLATE_GUILD, 1)), Err(error.into()));
    let it = Contract::<EconomyFactory>::new();
    let error = NotAContract { account: nobody };
    let refused = construct(&it, nobody, vec![token; PROGRAMS], OWNER);
    assert_eq!(refused, Err(error.into()));
    let owner = Address::ZERO;
    let refused = construct(&it, token, vec![token; PROGRAMS], owner);
    let error = OwnableInvalidOwner { owner };
    assert_eq!(refused, Err(Error::Ownable(error.into())));
}

#[test]
fn what_is_no_economy_is_refused() {
    let (it, _token) = factory();
    for template in TEMPLATE_MARKETPLACE..=TEMPLATE_GUILD {
        let none = deploy(&it, config(template, 0));
        assert_eq!(none, Err(NoTaskTypes {}.into()));
        let error = TooManyTaskTypes {
            length: U256::from(MAX_TASK_TYPES + 1),
            maximum: U256::from(MAX_TASK_TYPES),
        };
        let many = deploy(&it, config(template, MAX_TASK_TYPES + 1));
        assert_eq!(many, Err(error.into()));
    }
    let one = deploy(&it, config(TEMPLATE_PIPELINE, 1));
    assert_eq!(one, Err(PipelineRequiresMultipleStages {}.into()));
    let unknown = deploy(&it, config(4, 1));
    assert_eq!(unknown, Err(UnknownTemplate { template: 4 }.into()));
    // These get as far as the clones, which motsu does not make.
    for template in TEMPLATE_MARKETPLACE..=TEMPLATE_GUILD {
        let good = config(template, 2);
        assert_eq!(deploy(&it, good), Err(Revert(vec![]).into()));
    }
    assert_eq!(it.sender(OWNER).economy_count(), U256::ZERO);
}

#[test]
fn what_is_not_there_is_not_found() {
    let (it, _token) = factory();
    let economy = it.sender(OWNER).get_economy(CODE).motsu_unwrap_err();
    assert_eq!(economy, EconomyDoesNotExist {}.into());
    let parts = it.sender(OWNER).get_parts(CODE).motsu_unwrap_err();
    assert_eq!(parts, EconomyDoesNotExist {}.into());
    let ledger = it.sender(OWNER).get_reputation_ledger(CODE);
    assert_eq!(ledger.motsu_unwrap_err(), EconomyDoesNotExist {}.into());
    let renew = it
        .sender(OWNER)
        .renew_shares(CODE, CODE, U256::ZERO, U256::MAX);
    assert_eq!(renew.motsu_unwrap_err(), EconomyDoesNotExist {}.into());
}

#[test]
fn never_panics() {
    let fuzz = Fuzz {
        abi: include_str!("../../../../sdk-abi/abi/EconomyFactory.json"),
        accounts: &[OWNER],
        ids: &[CODE],
        without: &[],
        callers: &[OWNER],
        world: factory,
        send: |world, caller, data| enter(&world.0, caller, data).is_ok(),
    };
    fuzz.never_panics();
}

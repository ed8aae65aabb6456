//! The deployment on a chain that is not ours: anvil, which enforces the code size limit as public chains do.

use alloy::{
    node_bindings::{Anvil, AnvilInstance},
    primitives::{Address, U256},
    providers::{Provider, ProviderBuilder},
    sol,
    sol_types::SolInterface,
};
use devnet_superfluid::{
    bindings::{
        ISuperToken, ISuperTokenFactory, ISuperfluid, ITestGovernance, ITestToken, SuperfluidError,
    },
    deploy, tools_dir, AppRegistration, Artifacts, Config,
};

sol! {
    /// What stands behind a proxy: open to anyone until it is initialised or castrated.
    #[sol(rpc)]
    #[derive(Debug)]
    interface IProxiable {
        function getCodeAddress() external view returns (address codeAddress);
        function castrate() external;
    }
}

/// `APP_LEVEL_FINAL`: a Super App without restrictions on its callbacks.
const APP_LEVEL_FINAL: U256 = U256::ONE;

fn anvil() -> (AnvilInstance, impl Provider) {
    let path = tools_dir().unwrap_or_default().join("bin/anvil");
    assert!(
        path.exists(),
        "no {}: run scripts/fetch-tools",
        path.display()
    );
    let anvil = Anvil::at(path).spawn();
    let provider = ProviderBuilder::new().connect_http(anvil.endpoint_url());
    (anvil, provider)
}

#[tokio::test]
async fn deploys_every_part() {
    let (anvil, provider) = anvil();
    let deployer = anvil.addresses()[0];
    let superfluid = deploy(
        &provider,
        &Artifacts::locate().unwrap(),
        &Config::new(deployer),
    )
    .await
    .unwrap();

    let host = ISuperfluid::new(superfluid.host, &provider);
    assert_eq!(
        host.getGovernance().call().await.unwrap(),
        superfluid.governance
    );
    assert_eq!(
        host.getSuperTokenFactory().call().await.unwrap(),
        superfluid.super_token_factory
    );
    for agreement in [superfluid.cfa_v1, superfluid.ida_v1, superfluid.gda_v1] {
        assert!(host.isAgreementClassListed(agreement).call().await.unwrap());
    }
    for forwarder in [
        superfluid.cfa_v1_forwarder,
        superfluid.gda_v1_forwarder,
        superfluid.blind_macro_forwarder,
        superfluid.clear_macro_forwarder_v1,
    ] {
        assert!(host.isTrustedForwarder(forwarder).call().await.unwrap());
    }
    assert!(!host.APP_WHITE_LISTING_ENABLED().call().await.unwrap());

    let usdc = ITestToken::new(superfluid.usdc, &provider);
    assert_eq!(usdc.decimals().call().await.unwrap(), 6);
    let usdcx = ISuperToken::new(superfluid.usdcx, &provider);
    assert_eq!(usdcx.symbol().call().await.unwrap(), "USDCx");
    assert_eq!(
        usdcx.getUnderlyingToken().call().await.unwrap(),
        superfluid.usdc
    );
    assert_eq!(usdcx.getUnderlyingDecimals().call().await.unwrap(), 6);
    assert_eq!(usdcx.getHost().call().await.unwrap(), superfluid.host);

    // A second one beside it finds the ERC-1820 registry there.
    let other = deploy(
        &provider,
        &Artifacts::locate().unwrap(),
        &Config::new(deployer),
    )
    .await
    .unwrap();
    assert_ne!(other.host, superfluid.host);
}

#[tokio::test]
async fn permissioned_registration_admits_only_the_listed() {
    let (anvil, provider) = anvil();
    let [deployer, listed, stranger] = anvil.addresses()[..3] else {
        unreachable!()
    };
    let config = Config {
        app_registration: AppRegistration::Permissioned(vec![listed]),
        ..Config::new(deployer)
    };
    let superfluid = deploy(&provider, &Artifacts::locate().unwrap(), &config)
        .await
        .unwrap();
    let host = ISuperfluid::new(superfluid.host, &provider);
    // Any contract will do: registration asks for code, not for callbacks.
    let register = |who: Address| {
        host.registerApp_1(superfluid.usdc, APP_LEVEL_FINAL)
            .from(who)
    };

    let error = register(stranger).call().await.unwrap_err();
    let error = SuperfluidError::abi_decode(&error.as_revert_data().unwrap()).unwrap();
    assert!(
        matches!(
            error,
            SuperfluidError::HOST_NO_APP_REGISTRATION_PERMISSION(_)
        ),
        "{error:?}"
    );

    register(listed)
        .send()
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    assert!(host.isApp(superfluid.usdc).call().await.unwrap());
}

#[tokio::test]
async fn nothing_of_the_deployment_can_be_taken_over() {
    let (anvil, provider) = anvil();
    let [deployer, stranger] = anvil.addresses()[..2] else {
        unreachable!()
    };
    let superfluid = deploy(
        &provider,
        &Artifacts::locate().unwrap(),
        &Config::new(deployer),
    )
    .await
    .unwrap();

    let governance = ITestGovernance::new(superfluid.governance, &provider);
    assert_eq!(governance.owner().call().await.unwrap(), deployer);
    let again = governance.initialize(
        superfluid.host,
        stranger,
        U256::from(1),
        U256::ZERO,
        Vec::new(),
    );
    assert!(again.from(stranger).call().await.is_err());

    let factory = ISuperTokenFactory::new(superfluid.super_token_factory, &provider);
    let proxiable = |address| IProxiable::new(address, &provider);
    let mut implementations = vec![("token", factory.getSuperTokenLogic().call().await.unwrap())];
    let proxies = [
        ("host", superfluid.host),
        ("cfa", superfluid.cfa_v1),
        ("ida", superfluid.ida_v1),
        ("gda", superfluid.gda_v1),
        ("factory", superfluid.super_token_factory),
        ("usdcx", superfluid.usdcx),
    ];
    for (name, proxy) in proxies {
        let implementation = proxiable(proxy).getCodeAddress().call().await.unwrap();
        implementations.push((name, implementation));
    }
    for (name, implementation) in implementations {
        let castrate = proxiable(implementation)
            .castrate()
            .from(stranger)
            .call()
            .await;
        let error = castrate
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(
            error.contains("already initialized"),
            "{name}, {implementation}: {error}"
        );
    }
}

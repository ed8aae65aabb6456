// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ICrossProtocolRouter} from "../../interfaces/ICrossProtocolRouter.sol";

interface IToken {
    function transfer(address to, uint256 value) external returns (bool);
}

/// Locks a payment under the hash that the payer hands over; whoever knows the preimage lets the recipient have it.
contract LightningRail {
    struct Payout {
        address recipient;
        uint256 amount;
        bytes32 hash;
    }

    error NoPaymentHash(address recipient);

    mapping(bytes32 paymentId => Payout) public payouts;

    function execute(bytes32 paymentId, address recipient, uint256 amount, bytes calldata data) external payable {
        require(data.length == 32, NoPaymentHash(recipient));
        payouts[paymentId] = Payout(recipient, amount, bytes32(data));
    }

    function claim(bytes32 paymentId, bytes calldata preimage) external {
        Payout memory it = payouts[paymentId];
        require(sha256(preimage) == it.hash, "another preimage");
        delete payouts[paymentId];
        (bool paid,) = it.recipient.call{value: it.amount}("");
        require(paid, "not paid");
    }
}

/// Pays out of its stock of a Super Token, wei for wei.
contract SuperfluidRail {
    IToken public immutable token;

    constructor(IToken token_) {
        token = token_;
    }

    function execute(bytes32, address recipient, uint256 amount, bytes calldata) external payable {
        require(token.transfer(recipient, amount), "not paid");
    }
}

/// Forwards the ether.
contract ChainRail {
    function execute(bytes32, address recipient, uint256 amount, bytes calldata) external payable {
        (bool paid,) = recipient.call{value: amount}("");
        require(paid, "not paid");
    }
}

/// Uses up all the gas it gets, or reverts with more than anybody wants to read.
contract GasEatingRail {
    bool public revertsLong;

    function setRevertsLong(bool value) external {
        revertsLong = value;
    }

    function execute(bytes32, address, uint256, bytes calldata) external payable {
        if (revertsLong) {
            assembly {
                revert(0, 100000)
            }
        }
        while (true) {}
    }
}

/// A payer that is a contract: asks for routes, takes the first, and accepts, refuses or abuses what comes back.
contract Payer {
    ICrossProtocolRouter public immutable router;
    bool public refuses;
    bool public reenters;
    bool public reentered;

    constructor(ICrossProtocolRouter router_) {
        router = router_;
    }

    function behave(bool refuses_, bool reenters_) external {
        (refuses, reenters) = (refuses_, reenters_);
    }

    function pay(ICrossProtocolRouter.RouteRequest calldata request) external payable returns (uint8 protocol) {
        ICrossProtocolRouter.RouteRecommendation[] memory routes = router.getRoutes(request);
        ICrossProtocolRouter.RouteRecommendation memory best = routes[0];
        router.executeRoute{value: msg.value}(best.routeId, best.routeData);
        return best.protocol;
    }

    function withdraw(address recipient) external {
        router.withdrawCredit(recipient);
    }

    receive() external payable {
        require(!refuses, "no");
        if (reenters) {
            try router.withdrawCredit(address(this)) {
                reentered = true;
            } catch {}
            try router.executeRoute(bytes32(0), "") {
                reentered = true;
            } catch {}
        }
    }
}

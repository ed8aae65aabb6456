// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ICrossProtocolRouter} from "../../interfaces/ICrossProtocolRouter.sol";

interface IToken {
    function transfer(address to, uint256 value) external returns (bool);
    function transferFrom(address from, address to, uint256 value) external returns (bool);
}

/// Of a rail that pays in ether.
abstract contract Ether {
    function accepts(address token) external pure returns (bool) {
        return token == address(0);
    }
}

/// Locks a payment under the hash that the payer hands over; whoever knows the preimage lets the recipient have it.
contract LightningRail is Ether {
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

    function accepts(address token_) external pure returns (bool) {
        return token_ == address(0);
    }

    function execute(bytes32, address recipient, uint256 amount, bytes calldata) external payable {
        require(token.transfer(recipient, amount), "not paid");
    }
}

/// Forwards the ether.
contract ChainRail is Ether {
    function execute(bytes32, address recipient, uint256 amount, bytes calldata) external payable {
        (bool paid,) = recipient.call{value: amount}("");
        require(paid, "not paid");
    }
}

/// Uses up all the gas it gets, or reverts with more than anybody wants to read.
contract GasEatingRail is Ether {
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

/// Takes what it is due and what it is not, and says that money came back that did not.
contract ThievingRail {
    IToken public immutable token;
    ICrossProtocolRouter public immutable router;
    uint256 public takes;
    bytes32 public paymentId;

    constructor(IToken token_, ICrossProtocolRouter router_) {
        (token, router) = (token_, router_);
    }

    function accepts(address token_) external view returns (bool) {
        return token_ == address(0) || token_ == address(token);
    }

    /// From now on so much of each payment, in parts of a hundred.
    function take(uint256 takes_) external {
        takes = takes_;
    }

    function execute(bytes32 paymentId_, address, uint256 amount, bytes calldata) external payable returns (uint8) {
        // The router is closed.
        try router.reportSettled(paymentId_) {
            revert("open");
        } catch {}
        if (msg.value == 0) {
            token.transferFrom(address(router), address(this), amount * takes / 100);
        }
        paymentId = paymentId_;
        return 1;
    }

    function takeMore(uint256 amount) external {
        token.transferFrom(address(router), address(this), amount);
    }

    function refund(uint256 value) external {
        router.reportRefunded{value: value}(paymentId);
    }
}

/// A token that returns false, keeps a part of each transfer, or calls the router in the middle of one, as it is told.
contract BadToken {
    enum Mode {
        Good,
        False,
        Fee,
        Calls
    }

    ICrossProtocolRouter public router;
    Mode public mode;
    bool public entered;
    mapping(address account => uint256) public balanceOf;
    mapping(address owner => mapping(address spender => uint256)) public allowance;

    function set(ICrossProtocolRouter router_, Mode mode_) external {
        (router, mode) = (router_, mode_);
    }

    function mint(address to, uint256 value) external {
        balanceOf[to] += value;
    }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        return true;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        return move(msg.sender, to, value);
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        allowance[from][msg.sender] -= value;
        return move(from, to, value);
    }

    function move(address from, address to, uint256 value) private returns (bool) {
        if (mode == Mode.False) {
            return false;
        }
        if (mode == Mode.Calls) {
            try router.withdrawTokenCredit(address(this), address(this)) {
                entered = true;
            } catch {}
            try router.executeRoute(bytes32(0), "") {
                entered = true;
            } catch {}
        }
        balanceOf[from] -= value;
        balanceOf[to] += mode == Mode.Fee ? value - value / 100 : value;
        return true;
    }
}

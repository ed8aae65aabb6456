// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {IEscrowBuffer} from "../../interfaces/IEscrowBuffer.sol";
import {IPricingCurve} from "../../interfaces/IPricingCurve.sol";
import {IBackpressurePool} from "../../interfaces/IBackpressurePool.sol";
import {IStreamGateway} from "../../interfaces/IStreamGateway.sol";
import {IWorkLedger} from "../../interfaces/IWorkLedger.sol";

interface IERC20 {
    function transfer(address to, uint256 value) external returns (bool);
}

/// Superfluid's GDAv1Forwarder. `from` has to be the caller.
interface IGDAv1Forwarder {
    function distributeFlow(address token, address from, address pool, int96 requestedFlowRate, bytes memory userData)
        external
        returns (bool);
}

/// Pays for a task type by a stream, as TCP sends: a little faster every time while there is room, half as fast when the
/// escrow fills up, and not at all while a capacity unit is dearer than it is willing to pay.
///
/// It holds the Super Token itself. Its owner opens and closes; anybody, a keeper say, may call `adapt`.
contract StreamingClient {
    /// Of the escrow's capacity, 1e18 = 1: above this, sinks cannot keep up.
    uint256 public constant CONGESTED = 0.5e18;

    address public immutable owner;
    IERC20 public immutable token;
    IGDAv1Forwarder public immutable forwarder;
    IStreamGateway public immutable gateway;
    IEscrowBuffer public immutable escrow;
    IPricingCurve public immutable prices;

    bytes32 public taskType;
    /// Wei per second, now and at most, and how much is added at a time.
    int96 public rate;
    int96 public maxRate;
    int96 public step;
    /// The dearest base fee that it pays.
    uint256 public maxBaseFee;

    event Adapted(int96 rate, uint256 baseFee, uint256 pressure);

    error NotOwner(address caller);
    error TooDear(uint256 baseFee, uint256 maxBaseFee);
    error AlreadyOpen(bytes32 taskType);
    error NotOpen();
    error TooSlow(int96 rate, uint256 minimum);

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        _;
    }

    constructor(
        IERC20 token_,
        IGDAv1Forwarder forwarder_,
        IStreamGateway gateway_,
        IEscrowBuffer escrow_,
        IPricingCurve prices_
    ) {
        owner = msg.sender;
        (token, forwarder, gateway) = (token_, forwarder_, gateway_);
        (escrow, prices) = (escrow_, prices_);
    }

    function open(bytes32 taskType_, int96 rate_, int96 maxRate_, uint256 maxBaseFee_) external onlyOwner {
        if (rate != 0) revert AlreadyOpen(taskType);
        uint256 baseFee = prices.getBaseFee(taskType_);
        if (baseFee > maxBaseFee_) revert TooDear(baseFee, maxBaseFee_);
        (taskType, rate, maxRate, step) = (taskType_, rate_, maxRate_, rate_ / 4);
        maxBaseFee = maxBaseFee_;
        stream(rate_);
    }

    /// Additive increase, multiplicative decrease.
    function adapt() external {
        if (rate == 0) revert NotOpen();
        uint256 baseFee = prices.getBaseFee(taskType);
        uint256 pressure = escrow.getEscrowPressure(taskType);
        bool congested = baseFee > maxBaseFee || pressure > CONGESTED;
        int96 next = congested ? rate / 2 : rate + step;
        if (next > maxRate) next = maxRate;
        if (next != rate) {
            rate = next;
            stream(next);
        }
        emit Adapted(next, baseFee, pressure);
    }

    /// Sets what it distributes into the task type's pool. What it has paid so far is noted before.
    function stream(int96 next) private {
        uint256 minimum = gateway.getMinimumFlowRate(taskType);
        // Superfluid would take it, pay nobody, and say nothing.
        if (next > 0 && uint96(next) < minimum) revert TooSlow(next, minimum);
        IWorkLedger(gateway.workLedger()).note(taskType, address(this));
        address pool = IBackpressurePool(gateway.backpressurePool()).getPool(taskType);
        forwarder.distributeFlow(address(token), address(this), pool, next, "");
    }

    /// Ends the stream. The deposit comes back to this contract.
    function close() external onlyOwner {
        if (rate == 0) revert NotOpen();
        rate = 0;
        stream(0);
    }

    /// What a unit of capacity of `sink` costs now: the base fee, and a premium for its queue.
    function quote(bytes32 taskType_, address sink) external view returns (uint256) {
        return prices.getPrice(taskType_, sink);
    }

    function withdraw(address to, uint256 value) external onlyOwner {
        token.transfer(to, value);
    }
}

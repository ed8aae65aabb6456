// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {IStakeManager} from "bpe/IStakeManager.sol";

interface IERC20 {
    function approve(address spender, uint256 amount) external returns (bool);
}

/// What is used of forge's cheatcodes.
interface Vm {
    function envAddress(string calldata name) external view returns (address);
    function envUint(string calldata name) external view returns (uint256);
    function etch(address account, bytes calldata code) external;
    function rpc(string calldata method, string calldata params) external returns (bytes memory);
    function toString(address value) external pure returns (string memory);
    function toString(bytes calldata value) external pure returns (string memory);
    function startBroadcast(uint256 key) external;
    function stopBroadcast() external;
}

/// Stakes with a Stylus program. forge's EVM cannot run programs: a stub stands for it here, and the chain does the rest.
contract Stake {
    Vm constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// Returns one zero word, whatever it is asked: PUSH1 32, PUSH1 0, RETURN.
    bytes constant STUB = hex"60206000f3";

    event MinimumStake(uint256 amount);

    function run() external {
        IStakeManager stakes = IStakeManager(vm.envAddress("STAKE_MANAGER"));
        IERC20 token = IERC20(vm.envAddress("TOKEN"));
        uint256 amount = vm.envUint("AMOUNT");
        // The true contract's answer, from the chain.
        bytes memory call = abi.encodeCall(IStakeManager.minSinkStake, ());
        emit MinimumStake(abi.decode(read(address(stakes), call), (uint256)));

        vm.etch(address(stakes), STUB);
        vm.startBroadcast(vm.envUint("KEY"));
        token.approve(address(stakes), amount);
        stakes.stake(amount);
        vm.stopBroadcast();
    }

    function read(address to, bytes memory data) internal returns (bytes memory) {
        string memory request = string.concat(
            '[{"to":"', vm.toString(to), '","data":"', vm.toString(data), '"},"latest"]'
        );
        return vm.rpc("eth_call", request);
    }
}

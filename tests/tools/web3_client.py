"""What a user of web3.py 7 does with StakeManager: read, sign by the node's account, stake, find the event, ask for proofs.

Usage: web3_client.py <endpoint> <StakeManager> <token> <ABI file>. Prints JSON.
"""

import json
import sys

from eth_account import Account
from eth_account.messages import encode_defunct
from web3 import Web3
from web3.exceptions import ContractCustomError

endpoint, address, token_address, abi_file = sys.argv[1:]
w3 = Web3(Web3.HTTPProvider(endpoint))
with open(abi_file, encoding="utf8") as file:
    abi = json.load(file)
sink = w3.eth.accounts[2]
# Only addresses with checksums are taken.
stakes = w3.eth.contract(address=address, abi=abi)
erc20 = [
    {
        "type": "function",
        "name": "approve",
        "stateMutability": "nonpayable",
        "inputs": [{"name": "spender", "type": "address"}, {"name": "amount", "type": "uint256"}],
        "outputs": [{"name": "", "type": "bool"}],
    }
]
token = w3.eth.contract(address=token_address, abi=erc20)
minimum = stakes.functions.minSinkStake().call()
sent = token.functions.approve(address, minimum).transact({"from": sink})
w3.eth.wait_for_transaction_receipt(sent)
sent = stakes.functions.stake(minimum).transact({"from": sink})
receipt = w3.eth.wait_for_transaction_receipt(sent)
events = stakes.events.Staked().process_receipt(receipt)
logs = stakes.events.Staked().get_logs(from_block=0, argument_filters={"sink": sink})
refused = None
try:
    stakes.functions.unstake(2 * minimum).call({"from": sink})
except ContractCustomError as error:
    refused = error.data[:10]
signature = w3.eth.sign(sink, text="stake")
signer = Account.recover_message(encode_defunct(text="stake"), signature=signature)
proof = w3.eth.get_proof(address, [0])
print(
    json.dumps(
        {
            "version": w3.client_version,
            "minimum": str(minimum),
            "staked": [str(event["args"]["amount"]) for event in events],
            "logs": len(logs),
            "refused": refused,
            "signer": signer == sink,
            "proof": len(proof["accountProof"]) > 0,
            "pending": w3.geth.txpool.status()["pending"],
        }
    )
)

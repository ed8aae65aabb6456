use alloy::{
    primitives::{Address, B256},
    signers::{local::PrivateKeySigner, SignerSync as _},
    sol_types::{Eip712Domain, SolStruct},
};
use bpe_abi::typed_data::{completion_tracker, work_ledger};
use bpe_agent::{
    formats::{ReceiptBody, TaskOffer, VoucherBody},
    vouchers::{price_of, value_of, Totals},
};
use serde_json::{json, Value};

use super::{check, each, read};

fn number(value: &Value) -> u128 {
    read::<String>(value).parse().unwrap()
}

/// Digest and signature of what a document's key signs.
pub fn signed(document: &mut Value, message: &impl SolStruct, domain: &Eip712Domain) {
    let signer: PrivateKeySigner = read::<String>(&document["key"]).parse().unwrap();
    let digest = message.eip712_signing_hash(domain);
    document["signer"] = json!(signer.address().to_checksum(None));
    document["digest"] = json!(digest);
    document["signature"] = json!(signer.sign_hash_sync(&digest).unwrap().to_string());
}

#[test]
fn vouchers() {
    check("vouchers.json", |document| {
        for it in each(document, "values") {
            let value = value_of(number(&it["work"]), number(&it["price"]));
            it["value"] = json!(value.map(|value| value.to_string()));
        }
        for it in each(document, "prices") {
            let price = price_of(number(&it["work"]), number(&it["value"]));
            it["price"] = json!(price.to_string());
        }
        for it in each(document, "sums") {
            let sum = read::<Totals>(&it["totals"]).plus(read(&it["more"]));
            it["sum"] = sum.map_or_else(
                |error| json!({"tooLarge": {"name": error.name, "most": error.most.to_string()}}),
                |sum| json!(sum),
            );
        }
        for it in each(document, "orders") {
            it["order"] = json!(read::<Totals>(&it["there"]).order(read(&it["offered"])));
        }
        for it in each(document, "signed") {
            let contract: Address = read(&it["verifyingContract"]);
            let chain_id: u64 = read::<String>(&it["chainId"]).parse().unwrap();
            match it["primaryType"].as_str().unwrap() {
                "WorkVoucher" => {
                    let voucher = read::<VoucherBody>(&it["message"]).voucher();
                    signed(it, &voucher, &work_ledger(chain_id, contract));
                }
                "CompletionReceipt" => {
                    let mut body = it["message"].clone();
                    body["sourceSignature"] = json!("0x");
                    let receipt = read::<ReceiptBody>(&body).receipt();
                    signed(it, &receipt, &completion_tracker(chain_id, contract));
                }
                "WorkAssignment" => {
                    let offer: TaskOffer = read(&it["message"]);
                    signed(it, &offer.assignment(), &offer.domain());
                }
                other => panic!("{other}"),
            }
            let digest: B256 = read(&it["digest"]);
            assert!(!digest.is_zero());
        }
    });
}

use bpe_agent::formats::{
    Counter, LatestVoucher, PaymentRequired, Status, TaskOffer, VoucherAnswer, VoucherSubmission,
    WorkScale,
};
use serde::{de::DeserializeOwned, Serialize};
use serde_json::{json, Value};

use super::{check, each, read};

/// What is read is written again as it was.
fn same<T: DeserializeOwned + Serialize>(document: &Value, key: &str) {
    let body = &document[key];
    assert_eq!(&json!(read::<T>(body)), body, "{key}");
}

#[test]
fn formats() {
    check("formats.json", |document| {
        for it in each(document, "tasks") {
            let offer: TaskOffer = read(&it["offer"]);
            let header = offer.encode();
            assert_eq!(TaskOffer::decode(&header).unwrap(), offer);
            it["header"] = json!(header);
            it["price"] = json!(offer.price().to_string());
        }
        for it in each(document, "badTasks") {
            let error = TaskOffer::decode(&read::<String>(&it["header"])).unwrap_err();
            let kind = format!("{error:?}");
            it["error"] = json!(kind.split('(').next());
        }
        let payment = &mut document["payment"];
        let required: PaymentRequired = read(&payment["body"]);
        let header = required.encode();
        assert_eq!(PaymentRequired::decode(&header).unwrap(), required);
        payment["header"] = json!(header);
        same::<PaymentRequired>(payment, "body");
        same::<Status>(document, "status");
        same::<VoucherSubmission>(document, "voucherSubmission");
        same::<VoucherAnswer>(document, "voucherAnswer");
        same::<LatestVoucher>(document, "latestVoucher");
        for it in each(document, "scales") {
            let scale = WorkScale::of(&read::<String>(&it["metadata"]));
            it["scale"] =
                scale.map_or_else(|error| json!({"error": error.to_string()}), |it| json!(it));
        }
        for it in each(document, "answers") {
            count(it);
        }
    });
}

fn count(it: &mut Value) {
    let kind: Option<String> = read(&it["contentType"]);
    let bytes = read::<String>(&it["body"]).into_bytes();
    let requested = read(&it["requestBytes"]);
    let new = || Counter::new(read(&it["scale"]), requested, kind.as_deref());
    let (mut whole, mut single) = (new(), new());
    whole.feed(&bytes);
    bytes.iter().for_each(|byte| single.feed(&[*byte]));
    let said = |counter: &Counter| {
        json!({
            "streams": counter.streams(),
            "complete": counter.complete(),
            "failed": counter.failed(),
            "usage": counter.usage(),
            "work": counter.work().to_string(),
        })
    };
    assert_eq!(said(&whole), said(&single), "however it is split");
    it["result"] = said(&whole);
}

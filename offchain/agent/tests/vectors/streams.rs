use bpe_agent::streams::next_rate;
use serde_json::json;

use super::{check, each, read};

#[test]
fn streams() {
    check("streams.json", |document| {
        for it in each(document, "rates") {
            let rate = next_rate(&read(&it["settings"]), &read(&it["inputs"]));
            it["rate"] = json!(rate.to_string());
        }
    });
}

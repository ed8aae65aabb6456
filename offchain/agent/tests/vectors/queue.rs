use alloy::primitives::Address;
use bpe_agent::queue::{Admission, Book, Changes, Outcome, Refused, Request};
use serde_json::{json, Value};

use super::{check, each, read};

fn number(value: &Value) -> u128 {
    read::<String>(value).parse().unwrap()
}

fn refused(refused: &Refused) -> Value {
    match refused {
        Refused::Late {
            needed_ms,
            retry_after_ms,
        } => json!({"late": {"neededMs": needed_ms, "retryAfterMs": retry_after_ms}}),
        Refused::Full { retry_after_ms } => json!({"full": {"retryAfterMs": retry_after_ms}}),
        Refused::Source {
            in_hand,
            retry_after_ms,
        } => json!({"source": {"inHand": in_hand, "retryAfterMs": retry_after_ms}}),
        Refused::Unsigned {
            owed,
            trusted,
            retry_after_ms,
        } => json!({"unsigned": {
            "owed": owed.to_string(),
            "trusted": trusted.to_string(),
            "retryAfterMs": retry_after_ms,
        }}),
        Refused::Unsecured { needed, earmarked } => {
            json!({"unsecured": {"needed": needed.to_string(), "earmarked": earmarked.to_string()}})
        }
        Refused::Strangers {
            owed,
            most,
            retry_after_ms,
        } => json!({"strangers": {
            "owed": owed.to_string(),
            "most": most.to_string(),
            "retryAfterMs": retry_after_ms,
        }}),
        Refused::Expired => json!("expired"),
    }
}

fn changed(changes: &Changes) -> Value {
    json!({"started": changes.started, "expired": changes.expired})
}

fn happen(book: &mut Book, event: &Value) -> Value {
    let now_ms = || read::<u64>(&event["nowMs"]);
    let source = || read::<Address>(&event["source"]);
    match event["op"].as_str().unwrap() {
        "admit" => match book.admit(&read::<Request>(&event["request"]), now_ms()) {
            Ok((id, Admission::Runs)) => json!({"runs": {"id": id}}),
            Ok((id, Admission::Waits { expected_ms })) => {
                json!({"waits": {"id": id, "expectedMs": expected_ms}})
            }
            Err(error) => json!({"refused": refused(&error)}),
        },
        "done" => {
            let value = number(&event["value"]);
            changed(&book.end(read(&event["id"]), Outcome::Done { value }, now_ms()))
        }
        "failed" => changed(&book.end(read(&event["id"]), Outcome::Failed, now_ms())),
        "vouchered" => {
            let value = number(&event["value"]);
            let settled = event.get("settled").map_or(value, number);
            book.vouchered(source(), value, settled);
            Value::Null
        }
        "atOnce" => changed(&book.set_at_once(read(&event["atOnce"]), now_ms())),
        "standing" => {
            let standing = book.standing(source());
            json!({
                "inHand": standing.in_hand,
                "outstanding": standing.outstanding.to_string(),
                "signed": standing.signed.to_string(),
                "counted": standing.counted.to_string(),
                "earmarked": standing.earmarked.to_string(),
                "trust": book.trust(source()).to_string(),
                "running": book.running(),
                "waiting": book.waiting(),
                "meanMs": book.mean_ms(),
                "expectedWaitMs": book.expected_wait_ms(),
            })
        }
        other => panic!("{other}"),
    }
}

#[test]
fn queue() {
    check("queue.json", |document| {
        for case in each(document, "cases") {
            let mut book = Book::new(read(&case["settings"]));
            for event in each(case, "events") {
                event["result"] = happen(&mut book, event);
            }
        }
    });
}

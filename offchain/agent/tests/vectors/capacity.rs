use bpe_agent::capacity::{CapacityComputer, Publisher};
use serde_json::json;

use super::{check, each, read};

#[test]
fn capacity() {
    check("capacity.json", |document| {
        for case in each(document, "cases") {
            let mut computer = CapacityComputer::new(read(&case["settings"]));
            for step in each(case, "steps") {
                let reading = computer.observe(&read(&step["window"]));
                step["reading"] = json!(reading);
            }
        }
        for case in each(document, "publishers") {
            let (delta, renew) = (read(&case["deltaBps"]), read(&case["renewAfter"]));
            let mut publisher = Publisher::new(delta, renew);
            for step in each(case, "steps") {
                let capacity: String = read(&step["capacity"]);
                let (capacity, now) = (capacity.parse().unwrap(), read(&step["now"]));
                let due = publisher.due(capacity, now);
                step["told"] = json!(due);
                if due {
                    publisher.told(capacity, now);
                }
            }
        }
    });
}

//! Money that flows to where capacity is: the settlement core on real Superfluid, balances to the wei.

use bpe_tests::settlement::{Settlement, RATE};
use bpe_tests::suite::CODE;

const HOUR: u64 = 3_600;

#[tokio::test]
async fn first_light() {
    let it = Settlement::start().await;
    let sinks = [
        it.sink(0x31, 10).await,
        it.sink(0x32, 20).await,
        it.sink(0x33, 30).await,
    ];
    let source = it.source(3, 1_000).await;
    let receipt = it.stream(source, CODE, RATE).await;
    println!("createStream {}", receipt.gas_used);
    it.advance(HOUR);
    for sink in sinks {
        println!("{sink} {}", it.worth(sink).await);
    }
    println!("units {:?}", it.pools.getSinkUnits(CODE).call().await);
    println!("source {}", it.worth(source).await);
}

//! From a block with an event to the message about it in the live stream, which the page shows as it comes.

use std::{
    io::{BufRead as _, BufReader},
    sync::mpsc,
    time::{Duration, Instant},
};

use crate::stage::Stage;

const EVENTS: u64 = 30;

/// When each message came.
fn listen(url: String) -> mpsc::Receiver<Instant> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let response = ureq::get(&url).call().expect("the stream begins");
        let lines = BufReader::new(response.into_body().into_reader()).lines();
        for line in lines.map_while(Result::ok) {
            if line.starts_with("data:") && sender.send(Instant::now()).is_err() {
                return;
            }
        }
    });
    receiver
}

pub async fn run() {
    for poll in [1_000, 100] {
        let stage = Stage::start().await;
        let text = stage
            .config()
            .replace("poll_ms = 50", &format!("poll_ms = {poll}"));
        let keeper = stage.run(&text).await;
        keeper
            .until("/v1/keeper", |it| it["cursor"] == it["head"])
            .await;
        let messages = listen(format!("{}/v1/live", keeper.url));
        tokio::time::sleep(Duration::from_millis(500)).await;
        let mut delays = Vec::new();
        for number in 0..EVENTS {
            // At any time between two polls.
            tokio::time::sleep(Duration::from_millis(137 * (number % 8))).await;
            stage.reveal(0, 10 + number).await;
            let mined = Instant::now();
            let heard = tokio::task::block_in_place(|| messages.recv()).expect("it is told");
            delays.push(heard.saturating_duration_since(mined).as_millis());
        }
        delays.sort_unstable();
        println!(
            "live, poll_ms = {poll}: half of {EVENTS} events within {} ms, all within {} ms",
            delays[delays.len() / 2],
            delays[delays.len() - 1]
        );
        keeper.stop().await;
    }
}

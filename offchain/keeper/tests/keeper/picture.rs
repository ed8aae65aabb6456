//! The picture that the keeper has of the economy.

use serde_json::{json, Value};

use crate::stage::{units, Stage, CODE, RATE};

#[tokio::test(flavor = "multi_thread")]
async fn events_become_task_types_sinks_and_streams() {
    let stage = Stage::start().await;
    let keeper = stage.keeper().await;
    let types = keeper
        .until("/v1/task-types", |it| it["items"][0]["baseFee"].is_string())
        .await;
    let it = &types["items"][0];
    assert_eq!(it["id"], CODE.to_string());
    assert_eq!((&it["sinks"], &it["sources"]), (&json!(2), &json!(1)));
    assert_eq!(it["capacity"], units(30).to_string());
    assert_eq!(it["flow"], RATE.to_string());
    let sinks = keeper
        .get(&format!("/v1/task-types/{CODE}/sinks?limit=1"))
        .await
        .json();
    let next = sinks["next"].as_str().unwrap();
    let rest = keeper
        .get(&format!("/v1/task-types/{CODE}/sinks?limit=1&after={next}"))
        .await
        .json();
    let mut paid: Vec<&str> = [&sinks, &rest]
        .iter()
        .map(|it| it["items"][0]["units"].as_str().unwrap())
        .collect();
    paid.sort_unstable();
    assert_eq!(paid, ["333333333", "666666666"]);
    let streams = keeper
        .get(&format!("/v1/task-types/{CODE}/streams"))
        .await
        .json();
    assert_eq!(
        streams["items"][0]["source"],
        stage.source.address().to_string()
    );
    let history = keeper.get("/v1/history?name=SinkRegistered").await.json();
    assert_eq!(history["items"].as_array().unwrap().len(), 2);
    let series = keeper
        .get(&format!("/v1/series?taskType={CODE}&of=flow"))
        .await
        .json();
    assert_eq!(series["values"], json!([RATE.to_string()]));

    stage.stream(0).await;
    keeper
        .until("/v1/task-types", |it| it["items"][0]["sources"] == 0)
        .await;
    assert_eq!(keeper.get("/readyz").await.status, 200);
    keeper.stop().await;
}

async fn picture(keeper: &crate::stage::Running) -> Vec<Value> {
    let mut all = Vec::new();
    for path in [
        "/v1/task-types".to_owned(),
        format!("/v1/task-types/{CODE}/sinks"),
        "/v1/history".to_owned(),
    ] {
        all.push(keeper.get(&path).await.json());
    }
    all
}

/// FAILURES 24: a killed keeper goes on, and a deleted store is made again.
#[tokio::test(flavor = "multi_thread")]
async fn the_store_is_a_cache_of_the_chain() {
    let stage = Stage::start().await;
    let keeper = stage.keeper().await;
    keeper
        .until("/v1/keeper", |it| it["cursor"] == it["head"])
        .await;
    let before = picture(&keeper).await;
    keeper.stop().await;
    let keeper = stage.keeper().await;
    keeper
        .until("/v1/keeper", |it| it["cursor"] == it["head"])
        .await;
    assert_eq!(picture(&keeper).await, before);
    keeper.stop().await;
    std::fs::remove_dir_all(stage.path("state")).unwrap();
    let keeper = stage.keeper().await;
    keeper
        .until("/v1/keeper", |it| it["cursor"] == it["head"])
        .await;
    assert_eq!(picture(&keeper).await, before);
    keeper.stop().await;
}

/// FAILURES 21.
#[tokio::test(flavor = "multi_thread")]
async fn a_reorganisation_leaves_no_effect() {
    let stage = Stage::start().await;
    let keeper = stage.keeper().await;
    keeper
        .until("/v1/keeper", |it| it["cursor"] == it["head"])
        .await;
    let before = picture(&keeper).await;
    let snapshot = stage.devnet.snapshot();
    for capacity in [11, 12, 13] {
        stage.reveal(0, capacity).await;
    }
    let path = format!("/v1/task-types/{CODE}/sinks");
    let has = |it: &Value| it["items"].to_string().contains(&units(13).to_string());
    keeper.until(&path, has).await;
    assert!(stage.devnet.revert(snapshot));
    // Other blocks than before, and more.
    stage.devnet.advance_time(100).unwrap();
    stage.devnet.mine(5).unwrap();
    keeper.until(&path, |it| *it == before[1]).await;
    assert_eq!(picture(&keeper).await, before);
    keeper.stop().await;
}

//! Every event once, whatever the node and the chain do.

use alloy::{
    primitives::{Address, B256},
    rpc::types::Log,
};
use bpe_chain::{ChainError, Database, Follower, FollowerSettings, Identity, Progress, Projection};
use devnet::Faults;
use sqlx::{AnyConnection, Row as _};
use std::sync::atomic::Ordering;

use crate::stage::{identity, postgres, word, Stage, TABLE, WORDS};

/// Keeps the words, and can be told to fail at one.
struct Keeping {
    fails_at: Option<B256>,
}

impl Projection for Keeping {
    async fn addresses(&self) -> Result<Vec<Address>, ChainError> {
        Ok(vec![WORDS])
    }

    fn discovered(&self, _: &[Log]) -> Vec<Address> {
        Vec::new()
    }

    async fn apply(
        &self,
        connection: &mut AnyConnection,
        log: &Log,
        _: u64,
    ) -> Result<(), ChainError> {
        let word = log.topics()[0];
        if Some(word) == self.fails_at {
            return Err(sqlx::Error::RowNotFound.into());
        }
        sqlx::query("INSERT INTO words (block, log_index, word) VALUES ($1, $2, $3)")
            .bind(log.block_number.unwrap() as i64)
            .bind(log.log_index.unwrap() as i64)
            .bind(word.to_string())
            .execute(connection)
            .await?;
        Ok(())
    }

    async fn rewind(&self, connection: &mut AnyConnection, block: u64) -> Result<(), ChainError> {
        sqlx::query("DELETE FROM words WHERE block > $1")
            .bind(block as i64)
            .execute(connection)
            .await?;
        Ok(())
    }
}

fn follower(stage: &Stage, database: &Database, range: u64) -> Follower<Keeping> {
    let settings = FollowerSettings {
        range,
        ..FollowerSettings::default()
    };
    Follower::new(
        stage.provider.clone(),
        database.clone(),
        Keeping { fails_at: None },
        settings,
    )
}

async fn to_head(follower: &Follower<Keeping>) {
    while !matches!(follower.step().await.unwrap(), Progress::AtHead { .. }) {}
}

async fn kept(database: &Database) -> Vec<B256> {
    let rows = sqlx::query("SELECT word FROM words ORDER BY block, log_index")
        .fetch_all(database.pool())
        .await
        .unwrap();
    rows.iter()
        .map(|row| row.get::<String, _>(0).parse().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_every_event_once_and_goes_on_after_a_restart() {
    let stage = Stage::new().await;
    stage.emit(&[word(1), word(2)]).await;
    let first = follower(&stage, &stage.database, 1);
    to_head(&first).await;
    stage.emit(&[word(3)]).await;
    let second = follower(&stage, &stage.database, 1_000);
    assert!(matches!(
        second.step().await.unwrap(),
        Progress::AtHead { logs: 1, .. }
    ));
    assert!(matches!(
        second.step().await.unwrap(),
        Progress::AtHead { logs: 0, .. }
    ));
    assert_eq!(kept(&stage.database).await, [word(1), word(2), word(3)]);
}

/// FAILURES 21.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_range_is_halved_and_a_failure_skips_nothing() {
    let stage = Stage::new().await;
    for number in 1..=9 {
        stage.emit(&[word(number)]).await;
    }
    stage.faults.range.store(2, Ordering::SeqCst);
    let follower = follower(&stage, &stage.database, 1_000);
    to_head(&follower).await;
    assert_eq!(
        kept(&stage.database).await,
        (1..=9).map(word).collect::<Vec<_>>()
    );
    assert!(stage.faults.asked.load(Ordering::SeqCst) > 5);

    stage.emit(&[word(10)]).await;
    stage.faults.logs.store(1, Ordering::SeqCst);
    follower.step().await.unwrap_err();
    assert_eq!(follower.cursor().await.unwrap(), Some(9));
    to_head(&follower).await;
    assert_eq!(kept(&stage.database).await.last(), Some(&word(10)));
}

/// FAILURES 21: three blocks are replaced, by fewer and by more.
#[tokio::test(flavor = "multi_thread")]
async fn a_reorganisation_leaves_no_effect() {
    let stage = Stage::new().await;
    stage.emit(&[word(1)]).await;
    let follower = follower(&stage, &stage.database, 1_000);
    to_head(&follower).await;
    for length in [1, 3, 5] {
        let before = kept(&stage.database).await;
        let snapshot = stage.devnet.snapshot();
        for number in 1..=3 {
            stage.emit(&[word(100 + number)]).await;
            to_head(&follower).await;
        }
        assert_eq!(kept(&stage.database).await.len(), before.len() + 3);
        assert!(stage.devnet.revert(snapshot));
        for number in 1..=length {
            stage.emit(&[word(10 * length + number)]).await;
        }
        assert!(matches!(
            follower.step().await.unwrap(),
            Progress::Rewound { .. }
        ));
        to_head(&follower).await;
        let new: Vec<B256> = (1..=length)
            .map(|number| word(10 * length + number))
            .collect();
        assert_eq!(kept(&stage.database).await, [before, new].concat());
    }
}

/// FAILURES 23: a node behind a balancer that answers each request from a head up to four blocks old skips no event.
#[tokio::test(flavor = "multi_thread")]
async fn answers_from_heads_of_different_ages_skip_nothing() {
    let stage = Stage::new().await;
    let follower = follower(&stage, &stage.database, 1_000);
    let drift = Faults {
        head_drift: 4,
        seed: 7,
        ..Faults::default()
    };
    let mut words = Vec::new();
    for number in 1..=60 {
        stage.emit(&[word(number)]).await;
        words.push(word(number));
        stage.devnet.set_faults(drift.clone()).unwrap();
        for _ in 0..5 {
            // A block that this answer does not have: the next step asks again.
            let _ = follower.step().await;
        }
        stage.devnet.set_faults(Faults::default()).unwrap();
    }
    to_head(&follower).await;
    assert_eq!(kept(&stage.database).await, words);
}

/// FAILURES 23.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_state_of_the_same_chain_is_waited_out() {
    let stage = Stage::new().await;
    stage.emit(&[word(1)]).await;
    let follower = follower(&stage, &stage.database, 1_000);
    to_head(&follower).await;
    let snapshot = stage.devnet.snapshot();
    stage.devnet.mine(2).unwrap();
    to_head(&follower).await;
    assert!(stage.devnet.revert(snapshot));
    let progress = follower.step().await.unwrap();
    assert_eq!(progress, Progress::NodeBehind { head: 1, cursor: 3 });
    assert_eq!(kept(&stage.database).await, [word(1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_that_fails_moves_no_cursor() {
    let stage = Stage::new().await;
    stage.emit(&[word(1), word(2)]).await;
    let failing = Follower::new(
        stage.provider.clone(),
        stage.database.clone(),
        Keeping {
            fails_at: Some(word(2)),
        },
        FollowerSettings::default(),
    );
    failing.step().await.unwrap_err();
    assert_eq!(failing.cursor().await.unwrap(), None);
    assert!(kept(&stage.database).await.is_empty());
    to_head(&follower(&stage, &stage.database, 10)).await;
    assert_eq!(kept(&stage.database).await, [word(1), word(2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_chain_or_a_newer_schema_is_refused() {
    let stage = Stage::new().await;
    let other = Identity {
        instance: B256::repeat_byte(1),
        ..identity(&stage.devnet)
    };
    let open = |identity: Identity, tables: Vec<(i64, &'static str, &'static str)>| {
        let folder = stage.folder.path().to_owned();
        async move { Database::open_file(&folder, "test", &identity, &tables).await }
    };
    let refused = open(other, vec![TABLE]).await.unwrap_err();
    assert!(
        matches!(
            refused,
            ChainError::OtherIdentity {
                what: "instance",
                ..
            }
        ),
        "{refused}"
    );
    let older = open(identity(&stage.devnet), vec![]).await.unwrap_err();
    assert!(matches!(older, ChainError::Migration(_)), "{older}");
    open(identity(&stage.devnet), vec![TABLE]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_keeps_the_same() {
    let Some(url) = postgres("follow").await else {
        return;
    };
    let stage = Stage::new().await;
    let database = Database::open(&url, &identity(&stage.devnet), &[TABLE])
        .await
        .unwrap();
    stage.emit(&[word(1)]).await;
    let follower = follower(&stage, &database, 1_000);
    to_head(&follower).await;
    let snapshot = stage.devnet.snapshot();
    stage.emit(&[word(2)]).await;
    to_head(&follower).await;
    stage.devnet.revert(snapshot);
    stage.emit(&[word(3)]).await;
    to_head(&follower).await;
    assert_eq!(kept(&database).await, [word(1), word(3)]);
}

//! The wire between keeper and node, which can be cut, or go dead.

use std::sync::Arc;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Whole,
    /// Connections end at once.
    Cut,
    /// Connections stay, and nothing comes through.
    Dead,
}

pub struct Wire {
    pub url: String,
    state: Arc<watch::Sender<State>>,
}

impl Wire {
    pub async fn to(node: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(watch::Sender::new(State::Whole));
        let sender = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, node.clone(), sender.subscribe()));
            }
        });
        Self { url, state }
    }

    pub fn set(&self, state: State) {
        self.state.send_replace(state);
    }
}

/// Until an end is closed, or the state is another one.
async fn carry(mut client: TcpStream, node: String, mut state: watch::Receiver<State>) {
    let now = *state.borrow_and_update();
    let carrying = async {
        match now {
            State::Cut => {}
            State::Dead => std::future::pending().await,
            State::Whole => {
                if let Ok(mut node) = TcpStream::connect(&node).await {
                    let _ = copy_bidirectional(&mut client, &mut node).await;
                }
            }
        }
    };
    tokio::select! {
        () = carrying => {}
        _ = state.changed() => {}
    }
}

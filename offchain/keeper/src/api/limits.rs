//! Limits per client and request.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    num::NonZeroU32,
    sync::{
        atomic::{AtomicU64, Ordering},
        Arc,
    },
    time::Duration,
};

use axum::{
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{Response, StatusCode},
    middleware::Next,
    response::IntoResponse as _,
};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use metrics::counter;

use super::problem::Problem;
use crate::config::Api;

/// After so many requests, clients that were not heard of for long are forgotten.
const TIDY_EVERY: u64 = 10_000;

/// A token bucket per client.
pub struct Clients {
    buckets: DefaultKeyedRateLimiter<IpAddr>,
    seen: AtomicU64,
}

impl Clients {
    pub fn new(config: &Api) -> Self {
        let positive = |value| NonZeroU32::new(value).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(positive(config.requests_per_second))
            .allow_burst(positive(config.burst));
        Self {
            buckets: RateLimiter::keyed(quota),
            seen: AtomicU64::default(),
        }
    }

    fn admits(&self, client: IpAddr) -> bool {
        if self.seen.fetch_add(1, Ordering::Relaxed) % TIDY_EVERY == TIDY_EVERY - 1 {
            self.buckets.retain_recent();
        }
        self.buckets.check_key(&network(client)).is_ok()
    }
}

/// A client of IPv6 has as many addresses as it likes out of its /64.
fn network(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => IpAddr::V4(address),
            None => {
                let s = address.segments();
                IpAddr::V6(Ipv6Addr::new(s[0], s[1], s[2], s[3], 0, 0, 0, 0))
            }
        },
        v4 => v4,
    }
}

pub async fn per_client(
    State(clients): State<Arc<Clients>>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response<Body> {
    if clients.admits(client.ip()) {
        next.run(request).await
    } else {
        Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "more requests than a client may make: slow down",
        )
        .into_response()
    }
}

/// A request that takes too long is refused, whether it is slow to arrive or slow to answer.
pub async fn in_time(State(most): State<Duration>, request: Request, next: Next) -> Response<Body> {
    match tokio::time::timeout(most, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("the request took more than {} s", most.as_secs()),
        )
        .into_response(),
    }
}

pub async fn counted(request: Request, next: Next) -> Response<Body> {
    let response = next.run(request).await;
    let status = match response.status().as_u16() {
        400..=499 => "4xx",
        500.. => "5xx",
        _ => "2xx",
    };
    counter!("bpe_keeper_requests_total", "status" => status).increment(1);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_its_bucket_and_no_other() {
        let clients = Clients::new(&Api {
            requests_per_second: 1,
            burst: 2,
            ..Api::default()
        });
        let (one, two) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        assert!(clients.admits(one) && clients.admits(one));
        assert!(!clients.admits(one));
        assert!(clients.admits(two));
    }

    #[test]
    fn the_addresses_of_a_network_share_one() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::2:0:0:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
    }
}

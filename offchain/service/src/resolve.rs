//! Which addresses a service may connect to. Where strangers say where they are, they could name a machine of one's own network.

use std::{
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    task::{Context, Poll},
};

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower_service::Service;

/// Looks names up as the machine does; for strangers, leaves out addresses that are not public. The connection goes to what
/// was looked up, so that a name cannot mean another address a moment later.
#[derive(Clone, Debug)]
pub struct Resolver {
    system: GaiResolver,
    only_public: bool,
}

impl Resolver {
    pub fn new(only_public: bool) -> Self {
        Self {
            system: GaiResolver::new(),
            only_public,
        }
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.system.poll_ready(context)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (found, only_public) = (self.system.call(name), self.only_public);
        Box::pin(async move {
            let found = found.await?;
            let may = found.filter(|at| !only_public || is_public(at.ip()));
            let may: Vec<SocketAddr> = may.collect();
            match may.is_empty() {
                true => Err(io::Error::other(NOT_PUBLIC)),
                false => Ok(may.into_iter()),
            }
        })
    }
}

/// Why a stranger is not connected to.
pub const NOT_PUBLIC: &str = "it has no public address";

/// Whether the host of a URL is an address, and not a public one. Names are looked up first.
pub fn is_hidden(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.parse().is_ok_and(|address| !is_public(address))
}

/// Whether everybody can reach an address: it is of no private network, no link, no machine itself, and of no block that IANA
/// keeps for examples, measurements, translation or later.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast();
    let shared = a == 100 && b & 0xc0 == 64;
    let protocols = (a, b, c) == (192, 0, 0) || (a, b, c) == (192, 88, 99);
    let measured = a == 198 && b & 0xfe == 18;
    !(special || shared || protocols || measured || a == 0 || a >= 240)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // Addresses of the fourth version in those of the sixth: mapped, translated, 6to4.
    let of = address.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match of {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            embedded(high, low)
        }
        [0x2002, high, low, ..] => embedded(high, low),
        // Of the rest only what has been given to the world, without Teredo and examples.
        [0x2001, 0 | 0xdb8, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_everybody_can_reach_is_public() {
        for hidden in [
            "127.0.0.1",
            "127.8.8.8",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "203.0.113.7",
            "224.0.0.1",
            "255.255.255.255",
            "[::]",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[64:ff9b::a00:1]",
            "[2002:7f00:1::]",
            "[2001::1]",
            "[2001:db8::1]",
            "[fc00::1]",
            "[fe80::1]",
            "[ff02::1]",
        ] {
            assert!(is_hidden(hidden), "{hidden}");
        }
        for public in [
            "1.1.1.1",
            "172.32.0.1",
            "100.128.0.1",
            "[2606:4700:4700::1111]",
            "[::ffff:1.1.1.1]",
            "[64:ff9b::101:101]",
            "sink.example",
        ] {
            assert!(!is_hidden(public), "{public}");
        }
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_not_public() {
        let name: Name = "localhost".parse().unwrap();
        let own = Resolver::new(false).call(name.clone()).await;
        assert!(own.unwrap().all(|at| at.ip().is_loopback()));
        let strangers = Resolver::new(true).call(name).await;
        assert_eq!(strangers.unwrap_err().to_string(), NOT_PUBLIC);
    }
}

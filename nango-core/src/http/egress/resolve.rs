//! Names to addresses that may be dialled.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::{EgressPolicy, normalized_host};

/// A resolver that gives out only what passes the policy.
#[derive(Debug)]
pub(in crate::http) struct PolicyResolver<R> {
    pub(in crate::http) inner: R,
    pub(in crate::http) policy: Arc<EgressPolicy>,
    /// Whether it resolves only hosts that the operator wrote down for the integration that asks.
    pub(in crate::http) exception: bool,
    /// The proxies that the environment names: they may stand in a private network, and are dialled for all hosts.
    pub(in crate::http) proxies: BTreeSet<String>,
}

impl<R: Resolve> Resolve for PolicyResolver<R> {
    fn resolve(&self, name: Name) -> Resolving {
        let host = normalized_host(name.as_str());
        let found = self.inner.resolve(name);
        let exception = self.exception;
        let policy = (!self.proxies.contains(&host)).then(|| self.policy.clone());
        Box::pin(async move {
            let found = found.await?;
            let Some(policy) = policy else { return Ok(found) };
            let passed = policy.filter_addresses(&host, found.map(ResolvedAddress).collect(), exception)?;
            Ok(Box::new(passed.into_iter().map(|dialled| dialled.0)) as Addrs)
        })
    }
}

/// An address with the port that the connector fills in.
#[derive(Clone, Copy)]
struct ResolvedAddress(SocketAddr);

impl From<ResolvedAddress> for std::net::IpAddr {
    fn from(dialled: ResolvedAddress) -> Self {
        dialled.0.ip()
    }
}

/// The system's resolver.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

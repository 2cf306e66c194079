//! Name resolution that returns only addresses that the egress policy allows.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::{EgressPolicy, host_name::normalized_host};

/// A resolver that returns only the addresses that the policy allows.
#[derive(Debug)]
pub(in crate::http) struct PolicyResolver<R> {
    pub(in crate::http) inner: R,
    pub(in crate::http) policy: Arc<EgressPolicy>,
    /// Whether this resolver serves only hosts that the operator configured for the requesting integration.
    pub(in crate::http) exception: bool,
    /// Hosts of the proxies in the environment. They may be in a private network and serve requests to all hosts.
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
            let allowed = policy.filter_addresses(&host, found.map(ResolvedAddress).collect(), exception)?;
            Ok(Box::new(allowed.into_iter().map(|address| address.0)) as Addrs)
        })
    }
}

/// A resolved address; its port is set by the connector.
#[derive(Clone, Copy)]
struct ResolvedAddress(SocketAddr);

impl From<ResolvedAddress> for std::net::IpAddr {
    fn from(address: ResolvedAddress) -> Self {
        address.0.ip()
    }
}

/// The resolver of the operating system.
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

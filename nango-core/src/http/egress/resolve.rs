//! Names to addresses that may be dialled.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::{Policy, plain};

/// A resolver that gives out only what passes the policy.
#[derive(Debug)]
pub(in crate::http) struct Checked<R> {
    pub(in crate::http) inner: R,
    pub(in crate::http) policy: Arc<Policy>,
    /// Whether it resolves only hosts that the operator wrote down for the integration that asks.
    pub(in crate::http) exception: bool,
    /// The proxies that the environment names: they may stand in a private network, and are dialled for all hosts.
    pub(in crate::http) proxies: BTreeSet<String>,
}

impl<R: Resolve> Resolve for Checked<R> {
    fn resolve(&self, name: Name) -> Resolving {
        let host = plain(name.as_str());
        let found = self.inner.resolve(name);
        let exception = self.exception;
        let policy = (!self.proxies.contains(&host)).then(|| self.policy.clone());
        Box::pin(async move {
            let found = found.await?;
            let Some(policy) = policy else { return Ok(found) };
            let passed = policy.pass(&host, found.map(Dialled).collect(), exception)?;
            Ok(Box::new(passed.into_iter().map(|dialled| dialled.0)) as Addrs)
        })
    }
}

/// An address with the port that the connector fills in.
#[derive(Clone, Copy)]
struct Dialled(SocketAddr);

impl From<Dialled> for std::net::IpAddr {
    fn from(dialled: Dialled) -> Self {
        dialled.0.ip()
    }
}

/// The system's resolver.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

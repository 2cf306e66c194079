//! Which addresses are public.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whom an address belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AddressScope {
    /// Anybody on the internet.
    Public,
    /// This machine, or a network that the internet does not reach.
    Private,
    /// Nobody, everybody, or the machine's own cloud; with what it is, for messages.
    Special(&'static str),
}

/// Services of clouds that give a machine its own secrets. Some of their addresses look public or private. Source: the
/// providers' documentation of their metadata services, of 2026.
const METADATA: [IpAddr; 16] = [
    // AWS, Azure, Google Cloud, Oracle, DigitalOcean, Hetzner, IBM, OpenStack and others.
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    // AWS: credentials of ECS tasks, and of EKS Pod Identity.
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    // Tencent Cloud; Scaleway.
    IpAddr::V4(Ipv4Addr::new(169, 254, 0, 23)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 42, 42)),
    // Alibaba Cloud; Azure's wire server; Oracle's first service.
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    // Equinix Metal, `metadata.platformequinix.com`.
    IpAddr::V4(Ipv4Addr::new(192, 80, 8, 124)),
    // AWS over IPv6: instances, and EKS Pod Identity.
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0023)),
    // Google Cloud, Oracle, Scaleway and Akamai over IPv6; OpenStack's link-local address.
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x00c1, 0, 0, 0, 0, 0xa9fe, 0xa9fe)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0042, 0, 0, 0, 0, 0, 0x0042)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xa9fe, 0xa9fe, 0, 0, 0, 0, 0x0001)),
    IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe)),
];

pub(super) const IS_METADATA: &str = "gives out the secrets of the machine (cloud metadata)";
const IS_LINK_LOCAL: &str = "is a link-local address";
const IS_NO_HOST: &str = "is not the address of one host";

/// The address that is reached at an address: that of IPv4 which one of IPv6 maps or translates (RFC 4291, RFC 6052).
pub(super) fn unmapped(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else { return address };
    let four = |a: u16, b: u16| {
        let ([a, b], [c, d]) = (a.to_be_bytes(), b.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match six.segments() {
        // Mapped; translated by SIIT; translated by NAT64 with the well-known prefix.
        [0, 0, 0, 0, 0, 0xffff, a, b] | [0, 0, 0, 0, 0xffff, 0, a, b] | [0x64, 0xff9b, 0, 0, 0, 0, a, b] => four(a, b),
        // Compatible, which is obsolete, but for `::` and `::1`.
        [0, 0, 0, 0, 0, 0, a, b] if a != 0 || b > 1 => four(a, b),
        _ => address,
    }
}

/// Whether a cloud gives out a machine's own secrets at this address. Ask [`inner`] first.
pub(super) fn is_metadata(address: IpAddr) -> bool {
    METADATA.contains(&address)
}

/// Whom an address belongs to. Ask [`inner`] first.
pub(super) fn scope_of(address: IpAddr) -> AddressScope {
    match address {
        IpAddr::V4(address) => scope_of_v4(address),
        IpAddr::V6(address) => scope_of_v6(address),
    }
}

/// By the registry of special addresses (RFC 6890 and what followed).
fn scope_of_v4(address: Ipv4Addr) -> AddressScope {
    match address.octets() {
        [10 | 127, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] | [198, 18 | 19, ..] => {
            AddressScope::Private
        }
        [169, 254, ..] => AddressScope::Special(IS_LINK_LOCAL),
        // This network; protocols; examples; the anycast of 6to4; multicast and all that is reserved.
        [0 | 224..=255, ..] | [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 51, 100, _] | [203, 0, 113, _] => {
            AddressScope::Special(IS_NO_HOST)
        }
        _ => AddressScope::Public,
    }
}

fn scope_of_v6(address: Ipv6Addr) -> AddressScope {
    match address.segments() {
        // This machine; unique local addresses; NAT64 with a prefix of the network's own, which may lead anywhere in it.
        [0, 0, 0, 0, 0, 0, 0, 1] | [0xfc00..=0xfdff, ..] | [0x64, 0xff9b, 1, ..] => AddressScope::Private,
        [0xfe80..=0xfeff, ..] => AddressScope::Special(IS_LINK_LOCAL),
        // Protocols, Teredo, benchmarks, ORCHID; examples; 6to4. The tunnels lead to an address of IPv4 inside.
        [0x2001, 0..=0x01ff | 0x0db8, ..] | [0x2002, ..] | [0x3fff, 0..=0x0fff, ..] => {
            AddressScope::Special(IS_NO_HOST)
        }
        [0x2000..=0x3fff, ..] => AddressScope::Public,
        _ => AddressScope::Special(IS_NO_HOST),
    }
}

//! Classification of IP addresses: public, private, special purpose, cloud metadata.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Scope of an IP address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AddressScope {
    /// A host on the public internet.
    Public,
    /// This machine, or a private network.
    Private,
    /// A special-purpose address, such as link-local or multicast, with its description for messages.
    Special(&'static str),
}

/// Metadata services of clouds, which return a machine's own credentials. Some of their addresses look public or
/// private. Source: the providers' documentation of their metadata services, as of 2026.
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

pub(super) const IS_METADATA: &str = "is a cloud metadata address, which returns credentials of the machine";
const IS_LINK_LOCAL: &str = "is a link-local address";
const IS_NO_HOST: &str = "is not the address of one host";

/// Returns the IPv4 address that an IPv6 address maps or translates to (RFC 4291, RFC 6052); any other address
/// unchanged.
pub(super) fn unmapped(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else { return address };
    let four = |a: u16, b: u16| {
        let ([a, b], [c, d]) = (a.to_be_bytes(), b.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match six.segments() {
        // Mapped; translated by SIIT; translated by NAT64 with the well-known prefix.
        [0, 0, 0, 0, 0, 0xffff, a, b] | [0, 0, 0, 0, 0xffff, 0, a, b] | [0x64, 0xff9b, 0, 0, 0, 0, a, b] => four(a, b),
        // IPv4-compatible (obsolete), except `::` and `::1`.
        [0, 0, 0, 0, 0, 0, a, b] if a != 0 || b > 1 => four(a, b),
        _ => address,
    }
}

/// Returns whether this is the address of a cloud metadata service. The address must come from [`unmapped`].
pub(super) fn is_metadata(address: IpAddr) -> bool {
    METADATA.contains(&address)
}

/// Returns the scope of an address. The address must come from [`unmapped`].
pub(super) fn scope_of(address: IpAddr) -> AddressScope {
    match address {
        IpAddr::V4(address) => scope_of_v4(address),
        IpAddr::V6(address) => scope_of_v6(address),
    }
}

/// Returns the scope by the registry of special-purpose addresses (RFC 6890 and its updates).
fn scope_of_v4(address: Ipv4Addr) -> AddressScope {
    match address.octets() {
        [10 | 127, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] | [198, 18 | 19, ..] => {
            AddressScope::Private
        }
        [169, 254, ..] => AddressScope::Special(IS_LINK_LOCAL),
        // This network; protocol assignments; documentation; the anycast of 6to4; multicast and reserved addresses.
        [0 | 224..=255, ..] | [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 51, 100, _] | [203, 0, 113, _] => {
            AddressScope::Special(IS_NO_HOST)
        }
        _ => AddressScope::Public,
    }
}

fn scope_of_v6(address: Ipv6Addr) -> AddressScope {
    match address.segments() {
        // This machine; unique local addresses; NAT64 with a local prefix, which may lead anywhere in the network.
        [0, 0, 0, 0, 0, 0, 0, 1] | [0xfc00..=0xfdff, ..] | [0x64, 0xff9b, 1, ..] => AddressScope::Private,
        [0xfe80..=0xfeff, ..] => AddressScope::Special(IS_LINK_LOCAL),
        // Protocol assignments, Teredo, benchmarks, ORCHID; documentation; 6to4. Tunnels lead to an embedded IPv4
        // address.
        [0x2001, 0..=0x01ff | 0x0db8, ..] | [0x2002, ..] | [0x3fff, 0..=0x0fff, ..] => {
            AddressScope::Special(IS_NO_HOST)
        }
        [0x2000..=0x3fff, ..] => AddressScope::Public,
        _ => AddressScope::Special(IS_NO_HOST),
    }
}

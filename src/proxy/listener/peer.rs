//! Whose a local connection is.

use std::net::{IpAddr, SocketAddr};

/// Returns whether the other end of a connection runs on this machine as the user of this process; `here` is its
/// address at this end.
///
/// Linux lists the sockets of a network namespace with their users in `/proc/net/tcp` and `tcp6` (proc(5),
/// `Documentation/networking/proc_net_tcp.rst`); elsewhere nobody is known.
pub(super) fn is_of_this_user(peer: SocketAddr, here: SocketAddr) -> bool {
    let user = rustix::process::getuid().as_raw();
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().any(|file| {
        let rows = std::fs::read_to_string(file).unwrap_or_default();
        owner(&rows, peer, here) == Some(user)
    })
}

/// Returns the user of the socket from `local` to `remote`.
///
/// Both ends count: connections to other places may share the local one.
fn owner(rows: &str, local: SocketAddr, remote: SocketAddr) -> Option<u32> {
    let (local, remote) = (ends(local), ends(remote));
    rows.lines().skip(1).find_map(|row| {
        let mut fields = row.split_ascii_whitespace();
        let (from, to) = (fields.nth(1)?, fields.next()?);
        let is_it = local.iter().any(|end| end == from) && remote.iter().any(|end| end == to);
        // Behind the addresses: state, queues, timer, retransmits, user.
        is_it.then(|| fields.nth(4)?.parse().ok()).flatten()
    })
}

/// Returns the ways in which the kernel may write an address.
fn ends(address: SocketAddr) -> Vec<String> {
    let ips = [named(address.ip()), mapped(address.ip())];
    let ips = ips.into_iter().flatten();
    ips.map(|ip| format!("{ip}:{:04X}", address.port()))
        .collect()
}

/// Returns an address as the kernel writes it: words of four bytes, each in the order of the machine.
fn named(ip: IpAddr) -> Option<String> {
    let bytes = match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let words = bytes.chunks_exact(4).map(|word| {
        let word = <[u8; 4]>::try_from(word).ok()?;
        Some(format!("{:08X}", u32::from_ne_bytes(word)))
    });
    words.collect()
}

/// Returns an IPv4 address as it stands on a socket for both versions, and the other way round.
fn mapped(ip: IpAddr) -> Option<String> {
    match ip {
        IpAddr::V4(ip) => named(ip.to_ipv6_mapped().into()),
        IpAddr::V6(ip) => named(ip.to_ipv4_mapped()?.into()),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_client_of_this_process_is_of_this_user() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else {
                continue;
            };
            let here = listener.local_addr().unwrap();
            let _client = TcpStream::connect(here).unwrap();
            let (_stream, peer) = listener.accept().unwrap();
            assert!(is_of_this_user(peer, here), "{peer}");
            assert!(!is_of_this_user("127.0.0.1:1".parse().unwrap(), here));
        }
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn the_owner_stands_in_the_row_of_the_clients_end() {
        let rows = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             0: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     5        0 1 1 0 20 4 30 10 -1\n\
             1: 0000000000000000FFFF00000100007F:C350 0000000000000000FFFF00000100007F:1F90 01 0:0 00:0 0  1000 0 2\n";
        let owner = |from: &str, to: &str| owner(rows, from.parse().unwrap(), to.parse().unwrap());
        assert_eq!(owner("127.0.0.1:50000", "127.0.0.1:8080"), Some(1000));
        assert_eq!(owner("127.0.0.1:8080", "127.0.0.1:50000"), Some(5));
        assert_eq!(owner("127.0.0.2:8080", "127.0.0.1:50000"), None);
        // Another user's connection may have the same local end.
        assert_eq!(owner("127.0.0.1:50000", "127.0.0.1:80"), None);
        let here = "127.0.0.1:8080".parse().unwrap();
        assert_eq!(
            super::owner("garbage\n: :\n1: 0100007F:1F90", here, here),
            None
        );
    }
}

//! Whose a local connection is.

use std::net::{IpAddr, SocketAddr};

/// Returns whether the client at this address runs on this machine as the user of this process.
///
/// Linux lists the sockets of a network namespace with their users in `/proc/net/tcp` and `tcp6` (proc(5),
/// `Documentation/networking/proc_net_tcp.rst`); elsewhere nobody is known.
pub(super) fn is_of_this_user(peer: SocketAddr) -> bool {
    let user = rustix::process::getuid().as_raw();
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().any(|file| {
        let rows = std::fs::read_to_string(file).unwrap_or_default();
        owner(&rows, peer) == Some(user)
    })
}

/// Returns the user of the socket at this address.
fn owner(rows: &str, address: SocketAddr) -> Option<u32> {
    let names = [named(address.ip()), mapped(address.ip())];
    let port = format!("{:04X}", address.port());
    rows.lines().skip(1).find_map(|row| {
        let mut fields = row.split_ascii_whitespace();
        let (ip, own_port) = fields.nth(1)?.split_once(':')?;
        let is_it = own_port == port && names.iter().flatten().any(|name| name == ip);
        // Behind the local address: remote address, state, queues, timer, retransmits, user.
        is_it.then(|| fields.nth(5)?.parse().ok()).flatten()
    })
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
            let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (_stream, peer) = listener.accept().unwrap();
            assert!(is_of_this_user(peer), "{peer}");
        }
        assert!(!is_of_this_user("127.0.0.1:1".parse().unwrap()));
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn the_owner_stands_in_the_row_of_the_clients_own_address() {
        let rows = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             0: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     5        0 1 1 0 20 4 30 10 -1\n\
             1: 0000000000000000FFFF00000100007F:C350 0000000000000000FFFF00000100007F:1F90 01 0:0 00:0 0  1000 0 2\n";
        let owner = |text: &str| owner(rows, text.parse().unwrap());
        assert_eq!(owner("127.0.0.1:50000"), Some(1000));
        assert_eq!(owner("127.0.0.1:8080"), Some(5));
        assert_eq!(owner("127.0.0.2:8080"), None);
        assert_eq!(
            super::owner(
                "garbage\n: :\n1: 0100007F:1F90",
                "127.0.0.1:8080".parse().unwrap()
            ),
            None
        );
    }
}

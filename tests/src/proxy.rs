//! A TCP proxy on the loopback address that cuts its connections on command.

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// A proxy before one port. Dropping it cuts everything and frees its own port.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    links: Arc<Links>,
}

/// Open connections, both sides of each.
#[derive(Debug, Default)]
struct Links {
    streams: Mutex<Vec<TcpStream>>,
    has_ended: AtomicBool,
}

impl Links {
    /// Ends all connections and tells how many streams there were.
    fn cut(&self) -> usize {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        for stream in streams.iter() {
            // One that has ended by itself cannot be ended again.
            let _ended = stream.shutdown(Shutdown::Both);
        }
        let count = streams.len();
        streams.clear();
        count
    }

    fn add(&self, stream: &TcpStream) -> io::Result<()> {
        let stream = stream.try_clone()?;
        self.streams
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(stream);
        Ok(())
    }
}

impl Proxy {
    /// Takes a port of its own and passes on what comes there to `target` on the same address. Where nobody listens yet,
    /// connections end at once.
    ///
    /// # Errors
    /// When the system has no port left.
    pub fn start(target: u16) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let links = Arc::new(Links::default());
        let accepting = Arc::clone(&links);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if accepting.has_ended.load(Ordering::SeqCst) {
                    return;
                }
                if let Ok(server) = TcpStream::connect(("127.0.0.1", target)) {
                    // A connection that cannot be passed on ends here, as any other fault does.
                    let _passed = pass(&accepting, client, server);
                }
            }
        });
        Ok(Self { port, links })
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cuts all connections. What was on its way is lost, on both ways. Tells whether there were any.
    #[must_use]
    pub fn cut(&self) -> bool {
        self.links.cut() > 0
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.links.has_ended.store(true, Ordering::SeqCst);
        self.links.cut();
        // Wakes the thread that accepts; if it is gone, so much the better.
        let _woken = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn pass(links: &Links, client: TcpStream, server: TcpStream) -> io::Result<()> {
    links.add(&client)?;
    links.add(&server)?;
    let (from, to) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || copy(from, to));
    thread::spawn(move || copy(server, client));
    Ok(())
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    // However it ends, both ends learn of it.
    let _copied = io::copy(&mut from, &mut to);
    let _ended = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

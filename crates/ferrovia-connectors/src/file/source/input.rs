//! Where bytes come from: a file from a position on, or standard input, which must not block.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;

/// Bytes that are asked for at once.
const CHUNK_BYTES: usize = 256 << 10;
/// Chunks of standard input that wait to be taken; then its writer waits.
const STDIN_CHUNKS_MAX: usize = 16;
const STDIN_CHUNK_BYTES: usize = 64 << 10;

/// An open file or standard input.
#[derive(Debug)]
pub(super) enum Input {
    File(File),
    /// A thread of its own reads it, because a read ends only with bytes, and nobody could stop the task meanwhile.
    Stdin(Receiver<Vec<u8>>),
}

impl Input {
    /// A file from that position on; `None` if it is not as long.
    pub(super) fn file(name: &str, position: u64) -> io::Result<Option<Self>> {
        let mut file = File::open(name)?;
        if position > 0 {
            if file.metadata()?.len() < position {
                return Ok(None);
            }
            file.seek(SeekFrom::Start(position))?;
        }
        Ok(Some(Self::File(file)))
    }

    pub(super) fn stdin() -> io::Result<Self> {
        let (chunks, taken) = sync_channel(STDIN_CHUNKS_MAX);
        let reading = move || read_stdin(&chunks);
        thread::Builder::new()
            .name("file-source-stdin".to_owned())
            .spawn(reading)?;
        Ok(Self::Stdin(taken))
    }

    /// Appends what there is to `buffer`, some of it at least; answers how many bytes came, which is 0 where there is nothing
    /// now.
    pub(super) fn read(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        match self {
            Self::File(file) => file.take(CHUNK_BYTES as u64).read_to_end(buffer),
            Self::Stdin(chunks) => match chunks.try_recv() {
                Ok(chunk) => {
                    buffer.extend_from_slice(&chunk);
                    Ok(chunk.len())
                }
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => Ok(0),
            },
        }
    }
}

fn read_stdin(chunks: &SyncSender<Vec<u8>>) {
    let mut chunk = vec![0; STDIN_CHUNK_BYTES];
    loop {
        match io::stdin().lock().read(&mut chunk) {
            Ok(0) => return,
            Ok(read) => {
                let bytes = chunk.get(..read).unwrap_or_default().to_vec();
                if chunks.send(bytes).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                tracing::error!("Couldn't read standard input: {error}");
                return;
            }
        }
    }
}

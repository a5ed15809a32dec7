//! Where bytes come from: a file from a position on, or standard input, which must not block.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

/// Bytes that are asked for at once.
const CHUNK_BYTES: usize = 256 << 10;
/// Chunks of standard input that wait to be taken; then its writer waits.
const STDIN_CHUNKS_MAX: usize = 16;
const STDIN_CHUNK_BYTES: usize = 64 << 10;

/// An open file or standard input.
#[derive(Debug)]
pub(super) enum Input {
    File(File),
    /// The process's, which outlives the task.
    Stdin(&'static Mutex<Stdin>),
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
        let mut stdin = STDIN.lock().unwrap_or_else(PoisonError::into_inner);
        stdin.read_on()?;
        Ok(Self::Stdin(&STDIN))
    }

    /// Appends what there is to `buffer`, some of it at least; answers how many bytes came, which is 0 where there is nothing
    /// now.
    pub(super) fn read(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        match self {
            Self::File(file) => file.take(CHUNK_BYTES as u64).read_to_end(buffer),
            Self::Stdin(stdin) => {
                let stdin = stdin.lock().unwrap_or_else(PoisonError::into_inner);
                let chunk = stdin.chunks.try_recv().unwrap_or_default();
                buffer.extend_from_slice(&chunk);
                Ok(chunk.len())
            }
        }
    }
}

static STDIN: LazyLock<Mutex<Stdin>> = LazyLock::new(|| {
    let (chunks_in, chunks) = sync_channel(STDIN_CHUNKS_MAX);
    Mutex::new(Stdin {
        chunks,
        chunks_in,
        reader: None,
    })
});

/// Standard input. One thread of its own reads it for all tasks, one after the other, because a read ends only with bytes:
/// nobody could stop a task meanwhile, and what comes after a task has ended is for the next one.
#[derive(Debug)]
pub(super) struct Stdin {
    /// What was read and no task has taken.
    chunks: Receiver<Vec<u8>>,
    chunks_in: SyncSender<Vec<u8>>,
    reader: Option<JoinHandle<()>>,
}

impl Stdin {
    /// Reads from now on, also where the input had an end, which that of a terminal need not keep.
    fn read_on(&mut self) -> io::Result<()> {
        if self.reader.as_ref().is_none_or(JoinHandle::is_finished) {
            let chunks = self.chunks_in.clone();
            let reader = Builder::new().name("file-source-stdin".to_owned());
            self.reader = Some(reader.spawn(move || read_stdin(&chunks))?);
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use super::*;

    /// Tells the test that it is the process whose standard input is read.
    const IS_READER: &str = "FERROVIA_TEST_READS_STDIN";
    const NAME: &str = "file::source::input::tests::input_after_a_restart_goes_to_the_new_task";
    const DEADLINE: Duration = Duration::from_secs(20);

    /// Reads so many bytes.
    fn read(input: &mut Input, bytes: usize) -> Vec<u8> {
        let (mut read, deadline) = (Vec::new(), Instant::now() + DEADLINE);
        while read.len() < bytes {
            assert!(Instant::now() < deadline, "only {read:?}");
            input.read(&mut read).unwrap();
            std::thread::yield_now();
        }
        read
    }

    fn read_in_two_lives() {
        let mut first = Input::stdin().unwrap();
        assert_eq!(read(&mut first, 4), b"one\n");
        drop(first);
        let mut second = Input::stdin().unwrap();
        eprintln!("restarted");
        assert_eq!(read(&mut second, 4), b"two\n");
    }

    #[test]
    fn input_after_a_restart_goes_to_the_new_task() {
        if std::env::var_os(IS_READER).is_some() {
            return read_in_two_lives();
        }
        let mut reader = Command::new(std::env::current_exe().unwrap())
            .args([NAME, "--exact", "--nocapture"])
            .env(IS_READER, "yes")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = reader.stdin.take().unwrap();
        input.write_all(b"one\n").unwrap();
        let told = BufReader::new(reader.stderr.take().unwrap());
        let mut told = told.lines().map_while(Result::ok);
        assert!(told.any(|line| line == "restarted"));
        input.write_all(b"two\n").unwrap();
        let rest: Vec<String> = told.collect();
        assert!(reader.wait().unwrap().success(), "{rest:?}");
    }
}

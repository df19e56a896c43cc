//! A tar file, compressed: what everybody can open. Plain files only, so that its writer is these lines.

use std::io::{self, Write};

use chrono::{DateTime, Utc};
use flate2::Compression;
use flate2::write::GzEncoder;

/// What a tar file is made of.
const BLOCK: usize = 512;
/// The longest name of a file.
const NAME: usize = 100;

/// A compressed tar file under construction.
pub struct Archive<W: Write> {
    out: GzEncoder<W>,
    at: DateTime<Utc>,
}

impl<W: Write> Archive<W> {
    /// An empty one, whose files are of this time.
    pub fn new(out: W, at: DateTime<Utc>) -> Self {
        Self { out: GzEncoder::new(out, Compression::default()), at }
    }

    /// Adds a file. Its name is ASCII and short, and it is smaller than 8 GiB.
    pub fn add(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        let head = head(name, content.len(), self.at).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("`{name}` does not fit into a tar file"))
        })?;
        self.out.write_all(&head)?;
        self.out.write_all(content)?;
        self.out.write_all(&vec![0; content.len().next_multiple_of(BLOCK) - content.len()])
    }

    /// Ends the file.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.write_all(&[0; 2 * BLOCK])?;
        self.out.finish()
    }
}

/// The block before a file, in the form of POSIX.1-1988 (`ustar`).
fn head(name: &str, size: usize, at: DateTime<Utc>) -> Option<[u8; BLOCK]> {
    if !name.is_ascii() || name.len() > NAME || size >= 1 << 33 {
        return None;
    }
    let mut head = [0; BLOCK];
    let mut put = |at: usize, text: &str| head[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000600\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{size:011o}\0"));
    put(136, &format!("{:011o}\0", at.timestamp().clamp(0, (1 << 33) - 1)));
    // While the sum is made, its own place holds blanks.
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\u{0}00");
    let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
    head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Some(head)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// What is written is what `tar` reads.
    #[test]
    fn tar_reads_it() {
        let mut archive = Archive::new(Vec::new(), "2026-11-20T08:00:00Z".parse().unwrap());
        archive.add("one/a.json", b"{}\n").unwrap();
        archive.add("one/b.txt", &[b'x'; BLOCK]).unwrap();
        archive.add("empty", b"").unwrap();
        let bytes = archive.finish().unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x.tar.gz"), bytes).unwrap();
        let tar =
            Command::new("tar").args(["-xzf", "x.tar.gz"]).current_dir(folder.path()).stderr(Stdio::inherit()).status();
        assert!(tar.unwrap().success());
        let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
        assert_eq!(
            (read("one/a.json").as_slice(), read("one/b.txt"), read("empty")),
            (&b"{}\n"[..], vec![b'x'; BLOCK], Vec::new())
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut archive = Archive::new(Vec::new(), Utc::now());
        assert!(archive.add(&"n".repeat(101), b"").is_err());
        assert!(archive.add("ä", b"").is_err());
    }
}

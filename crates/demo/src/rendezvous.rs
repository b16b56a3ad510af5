//! Where writer and reader meet: the key, and the patience of both.

use std::io::Write;
use std::path::PathBuf;
use std::process;
use std::time::Duration;

use shmcore::{Key, KeyParts, Mailbox};

/// The arguments that writer and reader share.
#[derive(clap::Args)]
pub(crate) struct Rendezvous {
    /// The file or directory that ftok(3) makes the key from
    #[arg(long, default_value = ".")]
    path: PathBuf,

    /// The project id for ftok(3): a letter, or a number from 0 to 255 (decimal, or hexadecimal as 0x78)
    #[arg(long, default_value = "x", value_parser = project_id)]
    id: u8,

    /// How long to wait for the other side, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) timeout: Duration,
}

impl Rendezvous {
    pub(crate) fn key(&self) -> Result<Key, shmcore::Error> {
        Key::ftok(&self.path, self.id)
    }

    /// Says who this process is and what it has attached, one line each.
    pub(crate) fn announce(key: Key, mailbox: &Mailbox, out: &mut dyn Write) -> crate::Result<()> {
        let attachment = mailbox.attachment();
        writeln!(out, "key: {key}")?;
        writeln!(out, "shmid: {}", attachment.segment().id())?;
        writeln!(out, "pid: {}", process::id())?;
        writeln!(out, "address: {:#x}", attachment.address())?;
        Ok(())
    }
}

fn project_id(text: &str) -> Result<u8, String> {
    KeyParts::parse_project_id(text)
        .ok_or_else(|| "not one ASCII letter or sign, nor a number from 0 to 255".to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

//! gzip and bzip2: members one behind the other. Zeroes behind the last one are no damage: tapes and block devices are
//! filled up with them, and gzip(1) passes over them.

use std::io::{self, BufRead, Read};

use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;

/// The input of a layer.
type Input = Box<dyn BufRead + Send>;

/// What decodes one member.
pub(super) trait Member: Read {
    /// A decoder at the member's first byte.
    fn begin(input: Input) -> Self;
    /// The input behind the member.
    fn end(self) -> Input;
}

impl Member for GzDecoder<Input> {
    fn begin(input: Input) -> Self {
        Self::new(input)
    }

    fn end(self) -> Input {
        self.into_inner()
    }
}

impl Member for BzDecoder<Input> {
    fn begin(input: Input) -> Self {
        Self::new(input)
    }

    fn end(self) -> Input {
        self.into_inner()
    }
}

/// All members of a file; `None` behind the last one.
pub(super) struct Members<M>(Option<M>);

impl<M: Member> Members<M> {
    pub(super) fn new(input: Input) -> Self {
        Self(Some(M::begin(input)))
    }
}

impl<M: Member> Read for Members<M> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(member) = &mut self.0 else { return Ok(0) };
            let count = member.read(into)?;
            if count > 0 || into.is_empty() {
                return Ok(count);
            }
            let Some(mut input) = self.0.take().map(M::end) else { return Ok(0) };
            let zeroes = pass_over_zeroes(&mut input)?;
            match (input.fill_buf()?.is_empty(), zeroes) {
                (true, _) => {}
                (false, 0) => self.0 = Some(M::begin(input)),
                (false, zeroes) => {
                    let what = format!("something that is no zero follows {zeroes} zeroes");
                    return Err(io::Error::new(io::ErrorKind::InvalidData, what));
                }
            }
        }
    }
}

/// Passes over the zeroes that come next, and counts them.
fn pass_over_zeroes(input: &mut Input) -> io::Result<u64> {
    let mut passed = 0_u64;
    loop {
        let available = input.fill_buf()?;
        let zeroes = available.iter().take_while(|byte| **byte == 0).count();
        if zeroes == 0 {
            return Ok(passed);
        }
        input.consume(zeroes);
        passed = passed.saturating_add(zeroes as u64);
    }
}

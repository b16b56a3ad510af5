//! Says what was in the System V shared memory of a dumped process.

//! Shared memory that is no System V: /dev/shm, memfd, shared anonymous memory, hugetlbfs, files. The truth is what the program
//! that maps it says, the kernel's /proc, and readelf.

mod dumped;
mod living;
mod names;
mod retention;
mod subject;

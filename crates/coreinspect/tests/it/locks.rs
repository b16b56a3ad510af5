//! Locks that a C program made: it says where each is, who holds it and which thread waits for it.

mod dumped;
mod elsewhere;
mod found;
mod kinds;
mod rings;

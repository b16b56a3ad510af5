//! Locks: rings of threads that wait for each other first, then a line a lock, who holds it and who waits below.

use std::io;

use super::canvas::{Canvas, Draw};
use super::json::Data;
use super::output::Shown;
use super::printable::Printable;
use super::style::Tone;
use crate::locks::{Kind, State};
use crate::report::{
    ContentLock, LockCycleStep, LockEntry, LockOwner, LockReport, LockWaiter, SystemVEntry, SystemVWaiter,
};

/// A report of `locks`, and how it is shown.
#[derive(Clone, Copy, Debug)]
pub struct ShownLocks<'a> {
    /// The report.
    pub locks: &'a LockReport,
    /// The lines alone, without why.
    pub quiet: bool,
}

impl Shown for ShownLocks<'_> {
    fn data(&self) -> &dyn Data {
        self.locks
    }
}

impl Draw for ShownLocks<'_> {
    fn draw(&self, canvas: &mut dyn Canvas) -> io::Result<()> {
        let report = self.locks;
        // With one dump its name says nothing.
        let several = report.looked_at.len() > 1;
        for (number, cycle) in report.cycles.iter().enumerate() {
            if number > 0 {
                canvas.gap()?;
            }
            draw_cycle(report, cycle, several, canvas)?;
        }
        let mut any = !report.cycles.is_empty();
        for lock in &report.locks {
            if any {
                canvas.gap()?;
            }
            any = true;
            draw_lock(lock, several, self.quiet, canvas)?;
        }
        for entry in &report.semaphores {
            if any {
                canvas.gap()?;
            }
            any = true;
            draw_system_v(entry, several, canvas)?;
        }
        Ok(())
    }
}

fn draw_cycle(
    report: &LockReport,
    cycle: &[LockCycleStep],
    several: bool,
    canvas: &mut dyn Canvas,
) -> io::Result<()> {
    let said = match cycle.len() {
        1 => "a thread waits for a lock that it holds itself".to_owned(),
        count => format!("{count} threads wait for each other"),
    };
    canvas.heading(&[(Tone::Bad, "deadlock"), (Tone::Plain, ": "), (Tone::Plain, &said)])?;
    for (at, step) in cycle.iter().enumerate() {
        let next = cycle.get(at.saturating_add(1)).or(cycle.first());
        let held = next.map(|next| thread(Some(next.tid), Some(&next.dump), several)).unwrap_or_default();
        let lock = report.locks.get(step.waits_for).map(name).unwrap_or_default();
        let waits = format!("{} waits for ", thread(Some(step.tid), Some(&step.dump), several));
        canvas.line(
            2,
            &[(Tone::Plain, &waits), (Tone::Name, &lock), (Tone::Plain, &format!(", which {held} holds"))],
        )?;
    }
    Ok(())
}

/// Where a lock is, as every command takes it: `2+0x88`.
fn place(lock: &LockEntry) -> String {
    match (lock.segment, lock.at) {
        (Some(number), _) => format!("{number}+{:#x}", lock.offset),
        (None, Some(address)) => format!("@{address}"),
        (None, None) => format!("+{:#x}", lock.offset),
    }
}

fn name(lock: &LockEntry) -> String {
    match &lock.field {
        Some(field) => format!("{} {}", place(lock), Printable(field.as_bytes())),
        None => place(lock),
    }
}

/// What a lock is: `robust mutex (glibc)`.
fn what(lock: &LockEntry) -> String {
    let robust = if lock.robust == Some(true) { "robust " } else { "" };
    let inherits = if lock.priority_inheritance == Some(true) { ", priority inheritance" } else { "" };
    let library = lock.library.map(|library| format!(" ({}{inherits})", library.name()));
    format!("{robust}{}{}", lock.kind.name(), library.unwrap_or_default())
}

/// Whether it is held, and how much it counts.
fn state((state, kind, count, owned): (Option<State>, Kind, Option<u32>, bool)) -> (Tone, String) {
    // Who writes is named; readers are counted.
    match (state, kind, count.filter(|_| kind != Kind::Rwlock || !owned)) {
        (Some(State::Locked), Kind::Rwlock, Some(readers @ 1..)) => {
            (Tone::Plain, format!("locked by {}", counted(readers, "reader")))
        }
        (Some(State::Locked), ..) => (Tone::Plain, "locked".to_owned()),
        (Some(State::Unlocked), ..) => (Tone::Plain, "unlocked".to_owned()),
        (Some(State::OwnerDied), ..) => (Tone::Bad, "its owner died".to_owned()),
        (Some(State::NotRecoverable), ..) => (Tone::Bad, "not recoverable".to_owned()),
        (None, Kind::Semaphore, Some(value)) => (Tone::Plain, format!("value {value}")),
        (None, Kind::Condition, Some(count)) => (Tone::Plain, counted(count, "waiter")),
        (None, Kind::Barrier, Some(missing)) => (Tone::Plain, format!("waits for {missing} more")),
        _ => (Tone::Faint, "state unknown".to_owned()),
    }
}

/// What a layout's lock is, and who holds it: `robust mutex (glibc): locked by thread 9962, which died`.
pub(super) fn said(lock: &ContentLock) -> String {
    let library = lock.library.map(|library| format!(" ({})", library.name())).unwrap_or_default();
    let (_, state) = state((lock.state, lock.kind, lock.value, lock.owner.is_some()));
    let state = match (lock.owner, lock.state) {
        (Some(owner), Some(State::OwnerDied)) => format!("locked by thread {owner}, which died"),
        (Some(owner), _) => format!("locked by thread {owner}"),
        (None, _) => state,
    };
    format!("{}{library}: {state}", lock.kind.name())
}

fn counted(count: u32, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn draw_lock(lock: &LockEntry, several: bool, quiet: bool, canvas: &mut dyn Canvas) -> io::Result<()> {
    let (tone, state) = state((lock.state, lock.kind, lock.value, lock.owner.is_some()));
    let key = lock.key.as_deref().unwrap_or_default();
    let key = if key.is_empty() { String::new() } else { format!(" {key}") };
    let dump = lock.dump.as_deref().filter(|_| several);
    let dump = dump.map(|dump| format!(" in {}", Printable(dump.as_bytes()))).unwrap_or_default();
    let place = name(lock);
    canvas.heading(&[
        (Tone::Name, &place),
        (Tone::Faint, &key),
        (Tone::Plain, &format!("  {}: ", what(lock))),
        (tone, &state),
        (Tone::Faint, &dump),
    ])?;
    if let Some(owner) = &lock.owner {
        let text = owner_said(owner, lock.state, several);
        let tone = if owner.alive == Some(false) { Tone::Bad } else { Tone::Plain };
        canvas.line(2, &[(tone, &text)])?;
    }
    for waiter in &lock.waiters {
        let text = format!("{} waits{}", thread(waiter.tid, Some(&waiter.dump), several), called(waiter));
        canvas.line(2, &[(Tone::Plain, &text)])?;
    }
    if !quiet {
        for reason in &lock.reasons {
            canvas.prose(2, &Printable(reason.as_bytes()).to_string())?;
        }
    }
    Ok(())
}

fn owner_said(owner: &LockOwner, state: Option<State>, several: bool) -> String {
    let held = if state == Some(State::OwnerDied) { "was held by" } else { "held by" };
    let who = thread(Some(owner.tid), owner.dump.as_deref(), several);
    let lives = match (owner.alive, &owner.dump) {
        (Some(true), None) => ", which runs still",
        (Some(true), Some(_)) => "",
        (Some(false), None) => ", which died",
        (Some(false), Some(_)) if state == Some(State::OwnerDied) => ", which died",
        (Some(false), Some(_)) => ", whose process a signal killed",
        (None, _) => ", which is in no dump that was named",
    };
    format!("{held} {who}{lives}")
}

/// `thread 4711`, and of which dump where there are several.
fn thread(tid: Option<u32>, dump: Option<&str>, several: bool) -> String {
    let tid = tid.map_or_else(|| "?".to_owned(), |tid| tid.to_string());
    match dump.filter(|_| several) {
        Some(dump) => format!("thread {tid} of {}", Printable(dump.as_bytes())),
        None => format!("thread {tid}"),
    }
}

/// ` in take_both (deadlock.c:42), in pthread_mutex_lock`.
fn called(waiter: &LockWaiter) -> String {
    let function = waiter.function.as_deref().map(|name| format!(" in {}", Printable(name.as_bytes())));
    let line = waiter.file.as_deref().zip(waiter.line).map(|(file, line)| {
        let file = file.rsplit('/').next().unwrap_or(file);
        format!(" ({}:{line})", Printable(file.as_bytes()))
    });
    let call = waiter.call.as_deref().map(|call| format!(", {}", Printable(call.as_bytes())));
    [function, line, call].into_iter().flatten().collect()
}

fn draw_system_v(entry: &SystemVEntry, several: bool, canvas: &mut dyn Canvas) -> io::Result<()> {
    let what = format!("  System V {}", if entry.kind == "queue" { "message queue" } else { "semaphores" });
    canvas.heading(&[(Tone::Name, &format!("id {}", entry.semid)), (Tone::Plain, &what)])?;
    for waiter in &entry.waiters {
        let who = thread(waiter.waiter.tid, Some(&waiter.waiter.dump), several);
        let text = format!("{who} waits{}{}", wanted(waiter), called(&waiter.waiter));
        canvas.line(2, &[(Tone::Plain, &text)])?;
    }
    Ok(())
}

fn wanted(waiter: &SystemVWaiter) -> String {
    match (waiter.wants, waiter.number, waiter.operation) {
        (Some("take"), Some(number), Some(operation)) => {
            format!(" to take {} of semaphore {number}", operation.unsigned_abs())
        }
        (Some("zero"), Some(number), _) => format!(" until semaphore {number} is 0"),
        (Some("send"), ..) => " for room to send".to_owned(),
        (Some("receive"), ..) => " for a message".to_owned(),
        _ => String::new(),
    }
}

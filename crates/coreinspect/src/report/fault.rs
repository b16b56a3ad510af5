//! Whether the address whose access killed the process lies in a segment, or how far beside one.

use serde::Serialize;

use super::{FaultWord, Hex};
use crate::memory::Permissions;
use crate::position::{Address, Interval, Position};
use crate::process::Signal;
use crate::retention::attached_read_only;
use crate::shm::{Attachment, Mapping, Segment};
use crate::targets::Target;

/// Bytes beside a segment up to which an address is told as beside it: far more than an index that ran off its end, and no more
/// than the pages that guard it from its neighbour on any machine (64 KiB).
const NEAR: u64 = 64 << 10;
/// si_code of a SIGSEGV: rights forbid the access (SEGV_ACCERR), a protection key does (SEGV_PKUERR); sigaction(2).
const ACCESS_FORBIDDEN: i32 = 2;
const KEY_FORBIDS: i32 = 4;

/// A fault, and the segment that it has to do with.
#[derive(Clone, Debug, Serialize)]
pub struct Fault {
    /// The address whose access failed.
    pub address: Hex,
    /// "write", "execute", where nothing else can have been it; else null.
    pub access: Option<&'static str>,
    /// The segment's number; null if there is none near.
    pub segment: Option<usize>,
    /// The segment's key.
    pub key: Option<String>,
    /// "attach" (SHM_RDONLY), "mprotect": what took the right that the access needed, where nothing else can have done it; else
    /// null.
    pub forbidden_by: Option<&'static str>,
    /// "inside", "past-end", "before-start", "unmapped" (between two mappings of one attachment), or "elsewhere".
    pub relation: &'static str,
    /// "inside": the offset in the segment. Beside it: bytes behind its end or before its start.
    pub offset: Option<u64>,
    /// "elsewhere": the word of a segment that led there; null if none is known.
    pub from: Option<FaultWord>,
    /// The same as a sentence.
    pub message: String,
}

/// A mapping of a segment, and which attachment it belongs to.
struct Near<'a> {
    number: usize,
    segment: &'a Segment,
    mapping: &'a Mapping,
    attachment: &'a Attachment,
    /// All addresses of the attachment.
    attached: Interval<Address>,
}

impl Fault {
    /// The fault that killed the process of `target`; `None` if it was none, or the dump does not say where.
    pub fn of(target: &dyn Target, segments: &[Segment]) -> Option<Self> {
        let (address, _) = target.identity().pointer_tags.apart(target.process().fault_address?.get());
        let near = (1..).zip(segments).flat_map(|(number, segment)| {
            segment.attachments.iter().flat_map(move |attachment| {
                let attached = Interval::new(attachment.start(), attachment.end());
                attachment.mappings.iter().filter_map(move |mapping| {
                    Some(Near { number, segment, mapping, attachment, attached: attached? })
                })
            })
        });
        let closest = near.min_by_key(|one| one.distance(address))?;
        match closest.distance(address) {
            0 => Some(closest.inside(address, target)),
            // What another mapping holds has nothing to do with the segment beside it.
            distance if distance <= NEAR && !is_mapped(target, address) => Some(closest.beside(address)),
            _ => Some(Self {
                address: address.into(),
                access: None,
                forbidden_by: None,
                segment: None,
                key: None,
                relation: "elsewhere",
                offset: None,
                from: None,
                message: format!("the fault at {address} is in no segment, and near none"),
            }),
        }
    }

    /// Whether it is in no segment and near none, and nothing else is there.
    pub(super) fn leads_nowhere(&self, target: &dyn Target) -> bool {
        let address = target.process().fault_address;
        self.segment.is_none() && address.is_some_and(|address| !is_mapped(target, address))
    }
}

fn is_mapped(target: &dyn Target, address: Address) -> bool {
    target.permissions(Interval::clamped(address, 1)).is_some()
        || target.mappings().is_some_and(|mut rows| rows.any(|row| row.range.contains(address)))
}

impl Near<'_> {
    /// 0 inside, 1 for the bytes next to it.
    fn distance(&self, address: Address) -> u64 {
        let range = self.mapping.range;
        let behind = address.offset_from(range.end()).map(|bytes| bytes.saturating_add(1));
        behind.or_else(|| range.start().offset_from(address)).unwrap_or(0)
    }

    fn name(&self) -> String {
        match self.segment.key {
            None => format!("segment {}", self.number),
            Some(key) if key.is_private() => format!("segment {} (IPC_PRIVATE)", self.number),
            Some(key) => format!("segment {key}"),
        }
    }

    fn fault(&self, address: Address, relation: &'static str, offset: Option<u64>, message: String) -> Fault {
        Fault {
            address: address.into(),
            access: None,
            forbidden_by: None,
            segment: Some(self.number),
            key: self.segment.key.map(|key| key.to_string()),
            relation,
            offset,
            from: None,
            message,
        }
    }

    fn beside(&self, address: Address) -> Fault {
        let range = self.mapping.range;
        let bytes = |count: u64| if count == 1 { "1 byte".to_owned() } else { format!("{count} bytes") };
        let name = self.name();
        let (relation, offset, message) = if self.attached.contains(address) {
            let offset = address.offset_from(range.end()).and_then(|behind| {
                let end = self.mapping.offsets(range)?.end();
                end.checked_add(behind).map(Position::get)
            });
            ("unmapped", offset, format!("fault at {address}, in a part of {name} that was unmapped"))
        } else if let Some(behind) = address.offset_from(range.end()) {
            let place = match behind {
                0 => "just past".to_owned(),
                behind => format!("{} past", bytes(behind)),
            };
            ("past-end", Some(behind), format!("fault at {address}, {place} the end of {name}"))
        } else {
            let before = range.start().offset_from(address).unwrap_or(0);
            let place = bytes(before);
            ("before-start", Some(before), format!("fault at {address}, {place} before the start of {name}"))
        };
        self.fault(address, relation, offset, message)
    }

    fn inside(&self, address: Address, target: &dyn Target) -> Fault {
        let process = target.process();
        let inside = address.offset_from(self.mapping.range.start()).unwrap_or(0);
        let offset = self.mapping.offset.checked_add(inside).map(Position::get);
        let at =
            offset.map_or_else(String::new, |offset| format!(" at offset {offset:#x} of {}", self.name()));
        let counter = target.threads().first().and_then(|thread| thread.program_counter());
        let fetched = counter == Some(address);
        let fetch_excluded = counter.is_some_and(|counter| counter != address);
        let numbering = target.identity().machine.signals();
        let bus = process.signal.is_some_and(|signal| signal.number() == numbering.bus());
        let forbidden = process.signal == Some(Signal::SEGV) && process.signal_code == Some(ACCESS_FORBIDDEN);
        let by_key = process.signal == Some(Signal::SEGV) && process.signal_code == Some(KEY_FORBIDS);
        let (access, forbidden_by, what) = match self.mapping.permissions {
            _ if bus => (
                None,
                None,
                format!(
                    "access{at}, where the segment has no byte (the mapping extends beyond its end) or the kernel had no page left"
                ),
            ),
            _ if by_key => (None, None, format!("access{at} that a protection key forbids")),
            Some(rights) if forbidden => {
                let read_only = attached_read_only(target, self.attachment);
                forbidden_access(rights, (fetched, fetch_excluded), read_only, &at)
            }
            _ if fetched => (Some("execute"), None, format!("execution{at}")),
            rights => {
                let rights = rights.map_or_else(|| "rights unknown".to_owned(), |rights| rights.to_string());
                (None, None, format!("access{at} ({rights})"))
            }
        };
        let message = format!("fault at {address}: {what}");
        Fault { access, forbidden_by, ..self.fault(address, "inside", offset, message) }
    }
}

/// What must have been tried where `rights` forbade it, and what took the right. No core says whether it was a read or a write,
/// and a row of rights says nothing of the attach: `read_only` does, where it is known.
fn forbidden_access(
    rights: Permissions,
    (fetched, fetch_excluded): (bool, bool),
    read_only: Option<bool>,
    at: &str,
) -> (Option<&'static str>, Option<&'static str>, String) {
    let (forbidden_by, what) = match read_only {
        Some(true) => (Some("attach"), format!("a read-only attach,{at}")),
        Some(false) => (Some("mprotect"), format!("memory that mprotect made read-only,{at}")),
        None => (None, format!("memory that the attach or mprotect made read-only,{at}")),
    };
    match rights {
        Permissions { execute: false, .. } if fetched => {
            (Some("execute"), None, format!("execution{at}, which its rights ({rights}) do not allow"))
        }
        Permissions { read: true, write: false, execute } if execute || fetch_excluded => {
            (Some("write"), forbidden_by, format!("write to {what}"))
        }
        Permissions { read: true, write: false, .. } => {
            (None, None, format!("write to {what}, or execution"))
        }
        Permissions { read: false, write: false, .. } => {
            (None, Some("mprotect"), format!("access{at}, which mprotect made inaccessible"))
        }
        rights => (
            None,
            None,
            format!(
                "access{at}, which its rights ({rights}) would allow: they have changed since, or it was an execution"
            ),
        ),
    }
}

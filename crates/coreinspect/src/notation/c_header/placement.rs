//! Where members stand: the rules of the System V ABIs as gcc has them, in bits.
//!
//! From gcc/stor-layout.cc: `layout_decl`, `update_alignment_for_field`, `place_field`, `excess_unit_span`. A bit field
//! may not span more units of its type's alignment than its type does (PCC_BITFIELD_TYPE_MATTERS, which holds on almost
//! every machine), unless it is packed.

use super::abi::Abi;
use super::ctype::{Body, CField, CType, Kind};

/// What holds for all members.
pub(super) struct Rules {
    pub(super) abi: Abi,
    pub(super) union: bool,
    /// `#pragma pack`, in bytes; 0 for none.
    pub(super) pack: u64,
    /// Bytes that the struct itself asks for; 1 if it does not.
    pub(super) aligned: u64,
    pub(super) user_aligned: bool,
}

/// What one member needs, in bits.
struct Need {
    /// Its alignment.
    alignment: u64,
    user_aligned: bool,
    /// Whether it may lie at any bit.
    is_bits: bool,
}

/// Places members of these sizes (in bytes); `None` if they are too large to count.
pub(super) fn place(mut fields: Vec<CField>, sizes: &[u64], rules: &Rules) -> Option<Body> {
    let pack = rules.pack.checked_mul(8)?;
    let mut record = rules.aligned.checked_mul(8)?;
    let mut user_aligned = rules.user_aligned;
    let (mut position, mut largest) = (0_u64, 0_u64);
    for (field, bytes) in fields.iter_mut().zip(sizes) {
        let bits = field.bits.map_or(bytes.checked_mul(8), Some)?;
        let known = if position == 0 { 0 } else { 1 << position.trailing_zeros() };
        let need = need(field, known, pack, rules)?;
        let of_type = type_alignment(&field.kind, rules.abi)?;
        match field.bits {
            Some(width) if *bytes > 0 && rules.abi.bits_lie_by_type() => {
                if field.name.is_some() || rules.abi.unnamed_bits_align() {
                    let limit = match (width, pack, field.packed) {
                        (0, ..) => u64::MAX,
                        (_, 0, true) => 8,
                        (_, 0, false) => u64::MAX,
                        (_, pack, _) => pack,
                    };
                    record = record.max(need.alignment).max(of_type.min(limit));
                    user_aligned |= need.user_aligned || field.kind.user_aligned;
                }
            }
            _ => {
                record = record.max(need.alignment);
                user_aligned |= need.user_aligned;
            }
        }
        if rules.union {
            largest = largest.max(bits.div_ceil(8));
            continue;
        }
        if known != 0 && known < need.alignment {
            position = position.checked_next_multiple_of(need.alignment)?;
        }
        if need.is_bits && rules.abi.bits_lie_by_type() && pack == 0 && bits > 0 && !field.packed {
            let type_bits = bytes.checked_mul(8)?;
            let into = position.checked_rem(of_type)?;
            let spans = into.checked_add(bits)?.div_ceil(of_type);
            if spans > type_bits.checked_div(of_type)? {
                position = position.checked_next_multiple_of(of_type)?;
            }
            user_aligned |= field.kind.user_aligned;
        }
        field.offset = position;
        position = position.checked_add(bits)?;
    }
    let record = record.max(8).div_ceil(8);
    let end = if rules.union { largest } else { position.div_ceil(8) };
    let size = end.checked_next_multiple_of(record)?;
    Some(Body { fields, size, alignment: record, user_aligned, depth: 0, reversed: false })
}

/// `layout_decl`.
fn need(field: &CField, known: u64, pack: u64, rules: &Rules) -> Option<Need> {
    let mut alignment = field.aligned.map_or(Some(1), |bytes| bytes.checked_mul(8))?;
    let asked = field.aligned.is_some();
    let mut user_aligned = asked;
    let mut is_bits = field.bits.is_some();
    let of_type = field.kind.alignment.checked_mul(8)?;
    let is_zero = field.bits == Some(0);
    let packed = field.packed && !is_zero;
    let mut as_type = || {
        if of_type > alignment {
            alignment = of_type;
            user_aligned = field.kind.user_aligned;
        }
    };
    match field.bits {
        Some(0) if rules.abi.bits_lie_by_type() => as_type(),
        Some(0) => alignment = alignment.max(rules.abi.empty_field_boundary().checked_mul(8)?),
        // A bit field that fills a whole unit at a whole unit's place is an ordinary member.
        Some(width @ (8 | 16 | 32 | 64)) if !rules.abi.keeps_bit_fields() => {
            let unit = rules.abi.natural(width.div_ceil(8)).checked_mul(8)?;
            if (unit <= 8 || !field.packed) && (known == 0 || known >= unit) {
                alignment = alignment.max(unit);
                is_bits = false;
            }
        }
        Some(_) => {}
        None if packed && asked => {}
        None => as_type(),
    }
    if packed && !asked {
        alignment = alignment.min(8);
    }
    if !packed && !user_aligned {
        alignment = field_alignment(&field.kind, alignment, rules.abi);
    }
    if pack != 0 && !is_zero {
        alignment = alignment.min(pack);
    }
    Some(Need { alignment, user_aligned, is_bits })
}

/// Alignment of a bit field's type.
fn type_alignment(kind: &CType, abi: Abi) -> Option<u64> {
    let alignment = kind.alignment.checked_mul(8)?;
    Some(if kind.user_aligned { alignment } else { field_alignment(kind, alignment, abi) })
}

/// What an ABI makes of a type's alignment where it is a member: x86_field_alignment of gcc/config/i386/i386.cc.
pub(super) fn field_alignment(kind: &CType, alignment: u64, abi: Abi) -> u64 {
    let inner = kind.innermost();
    let halved = match &inner.kind {
        Kind::Integer { .. } | Kind::Pointer(_) => true,
        Kind::Float(float) | Kind::Complex(float) => float.bytes == 8,
        _ => false,
    };
    if abi.halves_fields() && halved && !inner.atomic { alignment.min(32) } else { alignment }
}

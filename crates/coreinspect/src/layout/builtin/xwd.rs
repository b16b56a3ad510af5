//! An X window dump: the framebuffer that `Xvfb -shmem` keeps in a segment, or one that a program copied there.
//!
//! X11/XWDFile.h (`XWDFileHeader`, file version 7): 25 numbers of 4 bytes, always big-endian; the window's name up to
//! `header_size`; `ncolors` colors of 12 bytes; then the pixels, in the byte order that the header names.

use std::borrow::Cow;
use std::sync::Arc;

use super::written::written;
use crate::layout::fields::Fields;
use crate::layout::{Begins, Layout, Origin, Subject, Verdict};
use crate::types::Type;
use crate::types::value::Value;

/// See the module.
#[derive(Debug)]
pub(super) struct Xwd;

const TYPE: &str = "
    u32be header_size;
    u32be file_version = 7;
    u32be pixmap_format { 0=XYBitmap 1=XYPixmap 2=ZPixmap };
    u32be pixmap_depth;
    u32be pixmap_width;
    u32be pixmap_height;
    u32be xoffset;
    u32be byte_order { 0=LSBFirst 1=MSBFirst };
    u32be bitmap_unit;
    u32be bitmap_bit_order { 0=LSBFirst 1=MSBFirst };
    u32be bitmap_pad;
    u32be bits_per_pixel;
    u32be bytes_per_line;
    u32be visual_class { 0=StaticGray 1=GrayScale 2=StaticColor 3=PseudoColor 4=TrueColor 5=DirectColor };
    hex u32be red_mask;
    hex u32be green_mask;
    hex u32be blue_mask;
    u32be bits_per_rgb;
    u32be colormap_entries;
    u32be ncolors;
    u32be window_width;
    u32be window_height;
    i32be window_x;
    i32be window_y;
    u32be window_bdrwidth;
    char window_name[header_size - 100];
    bytes colors[ncolors * 12];
    bytes pixels[bytes_per_line * pixmap_height];
    check header_size >= 100 \"the header is shorter than its numbers\";
    check bytes_per_line * 8 >= pixmap_width * bits_per_pixel \"a line is shorter than its pixels\";
";

/// Bytes of the numbers of the header, and of a color.
const NUMBERS: u64 = 100;
const COLOR: u64 = 12;

/// `file_version`.
const VERSION: u32 = 7;
const Z_PIXMAP: u64 = 2;

/// Whether the window's name, which fills the rest of the header, ends in a NUL, or is not in the dump.
fn ends_in_nul(subject: &Subject<'_>, header: u64) -> bool {
    header == NUMBERS || subject.u8(header.saturating_sub(1)).is_none_or(|last| last == 0)
}

fn big(subject: &Subject<'_>, index: u64) -> Option<u64> {
    let bytes = subject.bytes(index.checked_mul(4)?, 4)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?).into())
}

/// The bytes of header, colors and pixels, if all numbers are such as XWDFile.h lets them be.
fn length(subject: &Subject<'_>) -> Option<u64> {
    let number = |index| big(subject, index);
    let (header, version, format, depth) = (number(0)?, number(1)?, number(2)?, number(3)?);
    let (width, height, order, unit) = (number(4)?, number(5)?, number(7)?, number(8)?);
    let (bit_order, pad, bits, line) = (number(9)?, number(10)?, number(11)?, number(12)?);
    let (class, colors) = (number(13)?, number(19)?);
    let unit_of_bits = |bits: u64| matches!(bits, 8 | 16 | 32);
    let sane = version == u64::from(VERSION)
        && format <= 2
        && (1..=32).contains(&depth)
        && order <= 1
        && bit_order <= 1
        && unit_of_bits(unit)
        && unit_of_bits(pad)
        && matches!(bits, 1 | 4 | 8 | 16 | 24 | 32)
        && class <= 5
        && (NUMBERS..65536).contains(&header)
        && ends_in_nul(subject, header)
        && (format != Z_PIXMAP || depth <= bits)
        && width > 0
        && height > 0
        && line.checked_mul(8)? >= width.checked_mul(bits)?;
    let pixels = line.checked_mul(height)?;
    let colors = colors.checked_mul(COLOR)?;
    sane.then_some(header.checked_add(colors)?.checked_add(pixels)?)
}

impl Layout for Xwd {
    fn name(&self) -> Cow<'_, str> {
        "xwd".into()
    }

    fn about(&self) -> Cow<'_, str> {
        "an X window dump: the framebuffer of Xvfb -shmem".into()
    }

    fn origin(&self) -> Origin {
        Origin::BuiltIn("X11/XWDFile.h of x11proto; xorg-server: hw/vfb/InitOutput.c")
    }

    fn begins(&self) -> Begins {
        Begins::As(|start| start.bytes.get(4..8) == Some(&VERSION.to_be_bytes()))
    }

    fn recognise(&self, subject: &Subject<'_>) -> Verdict {
        match length(subject) {
            Some(length) if length <= subject.length() => Verdict::Certain(vec![
                "the 25 big-endian numbers are those of an X window dump, version 7".to_owned(),
                format!("header, colors and pixels are {length} bytes, which fit the segment"),
            ]),
            Some(length) => Verdict::Possible(vec![
                "the 25 big-endian numbers are those of an X window dump, version 7".to_owned(),
                format!("but header, colors and pixels are {length} bytes, more than are mapped"),
            ]),
            None => Verdict::No,
        }
    }

    fn describe(&self, subject: &Subject<'_>) -> Result<Arc<Type>, String> {
        written(subject, TYPE).map(Arc::new)
    }

    fn summary(&self, value: &Value, _: &Subject<'_>) -> Option<String> {
        let fields = Fields(value);
        let size = (fields.number("pixmap_width")?, fields.number("pixmap_height")?);
        let depth = fields.number("pixmap_depth")?;
        let name = fields.text("window_name").map_or_else(String::new, |name| format!(", {name:?}"));
        Some(format!("X screen of {}x{} pixels, {depth} bits{name}", size.0, size.1))
    }
}

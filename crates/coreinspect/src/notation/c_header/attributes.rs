//! Attributes that change a layout (the manual of GCC, 6.33 "Attributes of Types", "Attributes of Variables").

use super::ctype::{CType, Kind, Role};
use super::parser::Parser;
use super::problem::{Place, Problem};
use super::token;

/// What `aligned` may ask for: the linker's own limit.
const GREATEST_ALIGNMENT: i128 = 1 << 28;

/// What attributes ask for.
#[derive(Clone, Debug, Default)]
pub(super) struct Attributes {
    pub(super) packed: bool,
    pub(super) aligned: Option<u64>,
    /// `mode(DI)`: bytes, and whether it is a floating-point number.
    pub(super) mode: Option<(u64, bool)>,
    /// `vector_size(16)`
    pub(super) vector: Option<u64>,
    /// `scalar_storage_order`: whether big-endian.
    pub(super) big_endian: Option<bool>,
}

impl Attributes {
    /// Both; of two alignments the greater counts.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            packed: self.packed || other.packed,
            aligned: self.aligned.max(other.aligned),
            mode: other.mode.or(self.mode),
            vector: other.vector.or(self.vector),
            big_endian: other.big_endian.or(self.big_endian),
        }
    }
}

impl Parser<'_> {
    /// Reads attributes in any spelling; answers whether there was one.
    pub(super) fn attributes(&mut self, attributes: &mut Attributes) -> Result<bool, Problem> {
        let mut any = false;
        loop {
            let token = self.peek();
            if ["__attribute__", "__attribute"].iter().any(|word| token.is(word)) {
                self.next();
                self.want("(")?;
                self.want("(")?;
                self.attribute_list(attributes, ")")?;
                self.want(")")?;
                self.want(")")?;
            } else if token.is("[") && self.ahead(1).is("[") {
                self.next();
                self.next();
                self.attribute_list(attributes, "]")?;
                self.want("]")?;
                self.want("]")?;
            } else if ["_Alignas", "alignas"].iter().any(|word| token.is(word)) {
                self.next();
                let place = self.peek().place;
                self.want("(")?;
                let bytes = match self.begins_type() {
                    true => i128::from(self.type_name()?.alignment),
                    false => self.constant()?,
                };
                self.want(")")?;
                self.align(attributes, bytes, place)?;
            } else {
                return Ok(any);
            }
            any = true;
        }
    }

    /// Attributes behind a declarator, and the name of the symbol: `__asm__("name")`.
    pub(super) fn attributes_behind(&mut self, attributes: &mut Attributes) -> Result<(), Problem> {
        loop {
            let read = self.attributes(attributes)?;
            if ["__asm__", "__asm", "asm"].iter().any(|word| self.peek().is(word)) {
                self.next();
                self.skip_brackets()?;
            } else if !read {
                return Ok(());
            }
        }
    }

    fn attribute_list(&mut self, attributes: &mut Attributes, close: &str) -> Result<(), Problem> {
        loop {
            while self.takes(",") {}
            if self.peek().is(close) {
                return Ok(());
            }
            let mut name = self.next();
            if name.kind != token::Kind::Identifier {
                return Err(self.problem(name.place, "expected the name of an attribute"));
            }
            // gnu::packed
            if self.peek().is(":") && self.ahead(1).is(":") {
                self.next();
                self.next();
                name = self.next();
            }
            self.attribute(&name.text, name.place, attributes)?;
        }
    }

    fn attribute(&mut self, name: &str, place: Place, attributes: &mut Attributes) -> Result<(), Problem> {
        let plain = name.strip_prefix("__").and_then(|name| name.strip_suffix("__")).unwrap_or(name);
        let has_argument = self.peek().is("(");
        match plain {
            "packed" => attributes.packed = true,
            "ms_struct" => {
                let problem =
                    self.problem(place, "ms_struct: the layout of Microsoft's compiler is not known here");
                return Err(problem.help(
                    "name the program instead, whose debug information has the offsets: --types PROGRAM",
                ));
            }
            "aligned" if !has_argument => self.align(attributes, self.abi.biggest().into(), place)?,
            "aligned" => {
                self.next();
                let bytes = self.constant()?;
                self.want(")")?;
                self.align(attributes, bytes, place)?;
                return Ok(());
            }
            "vector_size" if has_argument => {
                self.next();
                let bytes = self.constant()?;
                self.want(")")?;
                attributes.vector =
                    u64::try_from(bytes).ok().filter(|bytes| bytes.is_power_of_two() && *bytes <= 4096);
                return match attributes.vector {
                    Some(_) => Ok(()),
                    None => Err(self.problem(place, format!("a vector of {bytes} bytes"))),
                };
            }
            "mode" if has_argument => {
                self.next();
                let mode = self.next();
                let long = self.abi.long();
                attributes.mode = match mode.text.trim_matches('_') {
                    "QI" | "byte" => Some((1, false)),
                    "HI" => Some((2, false)),
                    "SI" => Some((4, false)),
                    "DI" => Some((8, false)),
                    "TI" => Some((16, false)),
                    "word" | "pointer" => Some((long, false)),
                    "SF" => Some((4, true)),
                    "DF" => Some((8, true)),
                    "XF" | "TF" | "KF" | "IF" => Some((16, true)),
                    _ => return Err(self.problem(mode.place, format!("unknown mode `{}`", mode.text))),
                };
                return self.want(")");
            }
            "scalar_storage_order" if has_argument => {
                self.next();
                attributes.big_endian = Some(self.next().text.contains("big"));
                return self.want(")");
            }
            _ => {}
        }
        if self.peek().is("(") { self.skip_brackets() } else { Ok(()) }
    }

    fn align(&self, attributes: &mut Attributes, bytes: i128, place: Place) -> Result<(), Problem> {
        // _Alignas(0) asks for nothing (6.7.5).
        if bytes == 0 {
            return Ok(());
        }
        let power = u64::try_from(bytes).ok().filter(|bytes| bytes.is_power_of_two());
        let Some(bytes) = power.filter(|_| bytes <= GREATEST_ALIGNMENT) else {
            return Err(self.problem(
                place,
                format!("an alignment of {bytes}: it must be a power of two, 2^28 at most"),
            ));
        };
        attributes.aligned = attributes.aligned.max(Some(bytes));
        Ok(())
    }

    /// `kind` in the mode, or as the vector, that attributes ask for.
    pub(super) fn shaped(
        &self,
        kind: CType,
        attributes: &Attributes,
        place: Place,
    ) -> Result<CType, Problem> {
        let mut kind = kind;
        match (attributes.mode, &kind.kind) {
            (Some((bytes, false)), Kind::Integer { signed, .. }) => {
                kind = CType::integer(bytes, *signed, Role::Number, self.abi);
            }
            (Some((4, true)), _) => kind = CType::float(self.abi.float()),
            (Some((8, true)), _) => kind = CType::float(self.abi.double()),
            (Some((_, true)), _) => kind = CType::float(self.abi.quadruple()),
            _ => {}
        }
        let Some(bytes) = attributes.vector else { return Ok(kind) };
        let count = self.size(&kind).and_then(|size| bytes.checked_div(size)).filter(|count| *count > 0);
        match (count, &kind.kind) {
            (Some(count), Kind::Integer { .. } | Kind::Float(_)) => Ok(CType::vector(kind, count, bytes)),
            _ => Err(self.problem(place, "vector_size on what is no number, or is larger than the vector")),
        }
    }
}

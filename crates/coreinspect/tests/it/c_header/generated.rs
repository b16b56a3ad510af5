//! Hundreds of generated structs: every offset, size, sign and bit is where gcc puts it.
//!
//! gcc compiles, and nothing runs: offsets stand in the object file as initial values, and a bit field is where its
//! bits are in a struct of which gcc initialised it alone. So the same test serves every machine whose gcc is there.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use coreinspect::internals::notation::c_header::Header;
use coreinspect::machine::{ByteOrder, Class, Machine};
use coreinspect::types::{Bits, Count, Integer, Place, Type};
use goblin::elf::Elf;

use super::generator::{Generated, Kind, generate};
use crate::tools::have;

const STRUCTS: usize = 300;

fn machine(number: u16, class: Class, byte_order: ByteOrder) -> Machine {
    Machine { number, class, byte_order }
}

/// What gcc says, in the order in which it was asked.
pub(super) struct Truth {
    order: ByteOrder,
    facts: std::vec::IntoIter<u64>,
    /// The bytes of a struct of which one bit field alone is set.
    bits: std::vec::IntoIter<Vec<u8>>,
}

impl Truth {
    fn ask(generated: &Generated, gcc: &[&str]) -> Truth {
        let mut source = String::from("#include \"generated.h\"\n");
        let mut facts = String::new();
        let mut bits = 0;
        for known in &generated.structs {
            let name = &known.name;
            writeln!(facts, "sizeof({name}), __alignof__({name}),").unwrap();
            for member in &known.members {
                let path = &member.path;
                let object = format!("(({name} *)0)->{path}");
                match member.kind {
                    Kind::Bits => {
                        let section = format!("__attribute__((section(\".bits.{bits}\")))");
                        writeln!(source, "{name} bits_{bits} {section} = {{ .{path} = -1 }};").unwrap();
                        bits += 1;
                    }
                    Kind::Number => {
                        let sign = format!("(__typeof__({object}))-1 < 0");
                        writeln!(facts, "__builtin_offsetof({name}, {path}), sizeof({object}), {sign},")
                            .unwrap();
                    }
                    Kind::Other => {
                        writeln!(facts, "__builtin_offsetof({name}, {path}), sizeof({object}),").unwrap();
                    }
                    Kind::Flexible => writeln!(facts, "__builtin_offsetof({name}, {path}),").unwrap(),
                }
            }
        }
        writeln!(source, "unsigned long long facts[] __attribute__((section(\".facts\"))) = {{\n{facts}}};")
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("generated.h"), &generated.text).unwrap();
        let gcc: Vec<&str> = gcc.iter().copied().chain(["-ffreestanding"]).collect();
        Truth::of(folder.path(), &gcc, &source, bits)
    }

    /// What stands in the sections of `source`, compiled in `folder`.
    pub(super) fn of(folder: &Path, gcc: &[&str], source: &str, bits: usize) -> Truth {
        fs::write(folder.join("ask.c"), source).unwrap();
        let mut command = Command::new(gcc[0]);
        command.args(&gcc[1..]).args(["-std=gnu11", "-w", "-c", "ask.c", "-o", "ask.o"]);
        let output = command.current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{gcc:?}: {}", String::from_utf8_lossy(&output.stderr));
        Truth::read(&folder.join("ask.o"), bits)
    }

    fn read(object: &Path, bits: usize) -> Truth {
        let bytes = fs::read(object).unwrap();
        let elf = Elf::parse(&bytes).unwrap();
        let section = |name: &str| {
            let mut headers = elf.section_headers.iter();
            let header = headers.find(|header| elf.shdr_strtab.get_at(header.sh_name) == Some(name));
            bytes[header.unwrap_or_else(|| panic!("no section {name}")).file_range().unwrap()].to_vec()
        };
        let order = if elf.little_endian { ByteOrder::Little } else { ByteOrder::Big };
        let word = |word: &[u8]| match order {
            ByteOrder::Little => u64::from_le_bytes(word.try_into().unwrap()),
            ByteOrder::Big => u64::from_be_bytes(word.try_into().unwrap()),
        };
        let facts: Vec<u64> = section(".facts").chunks(8).map(word).collect();
        let bits: Vec<Vec<u8>> = (0..bits).map(|index| section(&format!(".bits.{index}"))).collect();
        Truth { order, facts: facts.into_iter(), bits: bits.into_iter() }
    }

    pub(super) fn next(&mut self) -> u64 {
        self.facts.next().unwrap()
    }
}

/// The member that `path` leads to, and its offset.
fn find<'t>(kind: &'t Type, path: &str, machine: Machine) -> Option<(&'t Type, u64)> {
    let Type::Struct(fields) = kind else { return None };
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let (first, index) = match first.strip_suffix("[1]") {
        Some(first) => (first, 1),
        None => (first, 0),
    };
    for field in &fields.fields {
        let Place::At(offset) = &field.place else { panic!("{path} has no fixed place") };
        let offset = offset.constant().unwrap();
        match field.name.as_deref() {
            Some(name) if name == first => {
                let (kind, inside) = match (&field.kind, rest) {
                    (Type::Array(array), Some(_)) => {
                        (&array.element, index * array.element.size(machine).unwrap())
                    }
                    (kind, _) => (kind, 0),
                };
                let Some(rest) = rest else { return Some((kind, offset)) };
                return find(kind, rest, machine).map(|(kind, deeper)| (kind, offset + inside + deeper));
            }
            None => {
                if let Some((kind, inside)) = find(&field.kind, path, machine) {
                    return Some((kind, offset + inside));
                }
            }
            Some(_) => {}
        }
    }
    None
}

/// The bytes of a struct of which only this bit field is set, to -1.
fn set(
    integer: &Integer,
    bits: Bits,
    offset: u64,
    size: usize,
    order: ByteOrder,
    machine: Machine,
) -> Vec<u8> {
    let mask = (u128::MAX >> (128 - u32::from(bits.count))) << bits.shift;
    let width = integer.width.on(machine) as usize;
    let mut unit = mask.to_le_bytes()[..width].to_vec();
    assert!(mask.to_le_bytes()[width..].iter().all(|byte| *byte == 0), "bits beyond the unit");
    if order == ByteOrder::Big {
        unit.reverse();
    }
    let mut bytes = vec![0; size.max(offset as usize + width)];
    bytes[offset as usize..offset as usize + width].copy_from_slice(&unit);
    bytes
}

/// Compares every member; answers how many were compared.
fn compare(seed: u64, gcc: &[&str], machine: Machine) -> usize {
    let generated = generate(seed, STRUCTS);
    let mut truth = Truth::ask(&generated, gcc);
    assert_eq!(truth.order, machine.byte_order, "{gcc:?}");
    let header = Header::parse("generated.h", &generated.text).unwrap_or_else(|problem| panic!("{problem}"));
    let (mut compared, mut wrong) = (0, vec![]);
    let names: Vec<&str> = generated.structs.iter().map(|known| &*known.name).collect();
    let types = header.types_of(&names, machine).unwrap_or_else(|problem| panic!("{problem}"));
    for (known, kind) in generated.structs.iter().zip(types) {
        let name = &known.name;
        let Type::Struct(fields) = &kind else { panic!("{name} is {kind:?}") };
        let (size, alignment) = (truth.next(), truth.next());
        // A struct whose last array takes what is left has no size of its own.
        let open = known.members.last().is_some_and(|last| last.kind == Kind::Flexible);
        if !open && kind.size(machine) != Some(size) || fields.aligned != Some(alignment) {
            let ours = (kind.size(machine), fields.aligned);
            wrong.push(format!("{name}: {size} bytes aligned to {alignment}, not {ours:?}"));
        }
        for member in &known.members {
            compared += 1;
            let Some((kind, offset)) = find(&kind, &member.path, machine) else {
                panic!("{name} has no {}", member.path)
            };
            let path = format!("{name}.{}", member.path);
            if member.kind == Kind::Bits {
                let bytes = truth.bits.next().unwrap();
                let Type::Integer(integer) = kind else { panic!("{path} is {kind:?}") };
                let ours = set(integer, integer.bits.unwrap(), offset, bytes.len(), truth.order, machine);
                if ours != bytes {
                    wrong.push(format!("{path}:\n gcc  {bytes:02x?}\n ours {ours:02x?}"));
                }
                continue;
            }
            let expected = truth.next();
            if offset != expected {
                wrong.push(format!("{path}: at {expected}, not {offset}"));
            }
            match member.kind {
                Kind::Flexible => match kind {
                    Type::Array(array) => assert_eq!(array.count, Count::ToEnd, "{path}"),
                    kind => assert!(matches!(kind, Type::Text(_)), "{path}: {kind:?}"),
                },
                _ => {
                    let expected = truth.next();
                    if kind.size(machine) != Some(expected) {
                        wrong.push(format!("{path}: {expected} bytes, not {:?}", kind.size(machine)));
                    }
                }
            }
            if member.kind == Kind::Number {
                let expected = truth.next() == 1;
                let Type::Integer(integer) = kind else { panic!("{path} is {kind:?}") };
                if integer.signed != expected {
                    wrong.push(format!("{path}: signed {expected}, not {}", integer.signed));
                }
            }
        }
    }
    assert!(truth.facts.next().is_none() && truth.bits.next().is_none());
    if !wrong.is_empty() {
        let first = wrong.iter().take(5).cloned().collect::<Vec<_>>().join("\n");
        let name = wrong[0].split([':', '.']).next().unwrap();
        let at = generated.text.find(&format!("{name} {{")).or(generated.text.find(&format!("}} {name};")));
        let around = &generated.text[at.unwrap_or(0).saturating_sub(600)..];
        let around = &around[..around.len().min(2500)];
        panic!("{gcc:?}, seed {seed}: {} of {compared} are wrong:\n{first}\n\n{around}", wrong.len());
    }
    compared
}

#[test]
fn generated_structs_lie_as_gcc_lays_them() {
    if !have("gcc") {
        return;
    }
    let modes = [
        (["gcc", "-m64"], machine(62, Class::Bits64, ByteOrder::Little)),
        (["gcc", "-m32"], machine(3, Class::Bits32, ByteOrder::Little)),
        (["gcc", "-mx32"], machine(62, Class::Bits32, ByteOrder::Little)),
    ];
    for (gcc, machine) in modes {
        let compared = compare(1, &gcc, machine);
        assert!(compared > 1500, "{compared} members only");
    }
}

/// Compilers for other machines are not asked for: where one is installed, it is held against.
#[test]
fn generated_structs_lie_as_other_compilers_lay_them() {
    use ByteOrder::{Big, Little};
    use Class::{Bits32, Bits64};
    let compilers = [
        ("aarch64-linux-gnu-gcc", machine(183, Bits64, Little)),
        ("arm-linux-gnueabihf-gcc", machine(40, Bits32, Little)),
        ("riscv64-linux-gnu-gcc", machine(243, Bits64, Little)),
        ("s390x-linux-gnu-gcc", machine(22, Bits64, Big)),
        ("powerpc64-linux-gnu-gcc", machine(21, Bits64, Big)),
        ("powerpc64le-linux-gnu-gcc", machine(21, Bits64, Little)),
        ("powerpc-linux-gnu-gcc", machine(20, Bits32, Big)),
        ("mips-linux-gnu-gcc", machine(8, Bits32, Big)),
        ("mips64el-linux-gnuabi64-gcc", machine(8, Bits64, Little)),
        ("sparc64-linux-gnu-gcc", machine(43, Bits64, Big)),
        ("m68k-linux-gnu-gcc", machine(4, Bits32, Big)),
        ("hppa-linux-gnu-gcc", machine(15, Bits32, Big)),
        ("alpha-linux-gnu-gcc", machine(0x9026, Bits64, Little)),
    ];
    let mut wrong = vec![];
    for (gcc, machine) in compilers {
        let found = std::env::var_os("PATH")
            .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(gcc).is_file()));
        if !found {
            println!("{gcc} is not installed");
            continue;
        }
        match std::panic::catch_unwind(|| compare(2, &[gcc], machine)) {
            Ok(compared) => println!("{gcc}: {compared} members"),
            Err(_) => wrong.push(gcc),
        }
    }
    assert_eq!(wrong, Vec::<&str>::new());
}

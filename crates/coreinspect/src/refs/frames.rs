//! Which function's frame holds a place of a stack: the stack is unwound by the rules that compilers leave in each program
//! (.eh_frame; DWARF 5, 6.4), as far as the programs on disk are those of the dump.
//!
//! The lines come from the debug information, if there is any. A frame that cannot be unwound ends a stack, with no guess.

mod innermost;

pub(crate) use innermost::{Stack, innermost};

use std::collections::{BTreeMap, HashMap};

use gimli::{
    BaseAddresses, CfaRule, EndianSlice, EvaluationResult, Expression, Location, Register, RegisterRule,
    RunTimeEndian, UnwindContext, UnwindSection, UnwindTableRow, Value,
};
use object::read::{Object, ObjectSection, ObjectSegment};

use super::{Places, SignalFrame};
use crate::debug_files::DebugFolders;
use crate::debug_files::ElfFile;
use crate::debug_files::programs::{self, Program};
use crate::debug_files::symbols::Symbols;
use crate::machine::{ByteOrder, Machine};
use crate::position::{Address, Position};
use crate::targets::Target;
use crate::thread::Registers;

type Slice<'d> = EndianSlice<'d, RunTimeEndian>;

/// Frames of a stack that are unwound at most.
const MOST_FRAMES: usize = 4096;
/// Steps of an expression of a rule at most.
const MOST_STEPS: u32 = 1000;
/// Bytes of compressed debug information that are unpacked for lines: what is not compressed is read where it is.
const MOST_UNPACKED: u64 = 8 << 20;
/// A user's address on AArch64, without what pointer authentication puts above them (48 bits).
const AARCH64_ADDRESS: u64 = (1 << 48) - 1;

/// What is known of the frame that holds a place of a stack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Its number, 0 for the innermost; `None` behind frames that could not be unwound. Functions that were inlined have no frame
    /// of their own.
    pub number: Option<usize>,
    /// The function, demangled.
    pub function: Option<String>,
    /// The source file of the place that it was at.
    pub file: Option<String>,
    /// The line.
    pub line: Option<u32>,
}

/// The frames that hold places of stacks.
pub(crate) type Frames = HashMap<(usize, Address), Frame>;

/// Frames that follow one another on one stack.
struct Run {
    /// The stack pointer of the innermost.
    start: Address,
    frames: Vec<Unwound>,
}

/// A frame as it was unwound.
#[derive(Clone, Copy)]
struct Unwound {
    number: Option<usize>,
    /// Where it ends: the stack pointer of its caller.
    end: Address,
    /// The place that it was at: of a caller a byte of its call.
    at: Address,
}

/// The frames that hold `wanted` places, each on a stack of the thread of the index before it.
pub(crate) fn name(
    target: &dyn Target,
    memory: &Places<'_>,
    symbols: &Symbols,
    folders: &DebugFolders,
    wanted: &[(usize, Address)],
) -> Frames {
    let modules = Modules::of(target, folders);
    let mut by_thread = BTreeMap::<usize, Vec<Address>>::new();
    for (thread, address) in wanted {
        by_thread.entry(*thread).or_default().push(*address);
    }
    let mut frames = Frames::new();
    let mut places = BTreeMap::<usize, Vec<(u64, Address)>>::new();
    let mut at = HashMap::new();
    for (index, addresses) in by_thread {
        let runs = modules.unwind(target, index, memory.signal_frames(index));
        for address in addresses {
            let Some(frame) = holding(&runs, address) else { continue };
            let function = symbols.at(frame.at).map(|symbol| symbol.name);
            if let Some((module, linked)) = modules.place(frame.at) {
                places.entry(module).or_default().push((linked, frame.at));
            }
            at.insert((index, address), frame.at);
            let number = frame.number;
            frames.insert((index, address), Frame { number, function, ..Frame::default() });
        }
    }
    let lines = modules.lines(folders, &places);
    for (key, frame) in &mut frames {
        if let Some((file, line)) = at.get(key).and_then(|at| lines.get(at)) {
            frame.file = Some(file.clone());
            frame.line = Some(*line);
        }
    }
    frames
}

/// The programs of a target, and the file of each, opened when it is needed.
struct Modules {
    machine: Machine,
    /// By address.
    programs: Vec<Program>,
    files: Vec<std::cell::OnceCell<Option<Module>>>,
    folders: DebugFolders,
}

/// The file of a program.
struct Module {
    file: ElfFile,
    /// The address of the file's first byte, as the linker counts.
    first: u64,
    bases: BaseAddresses,
}

impl Modules {
    fn of(target: &dyn Target, folders: &DebugFolders) -> Self {
        let mut programs = programs::mapped(target);
        programs.sort_by_key(|program| program.start);
        let files = programs.iter().map(|_| std::cell::OnceCell::new()).collect();
        Self { machine: target.identity().machine, programs, files, folders: folders.clone() }
    }

    fn module(&self, index: usize) -> Option<&Module> {
        let program = self.programs.get(index)?;
        self.files.get(index)?.get_or_init(|| Module::open(program, &self.folders, self.machine)).as_ref()
    }

    /// The index of the program that has `address`, and the address there as the linker counts.
    fn place(&self, address: Address) -> Option<(usize, u64)> {
        let index = self.programs.partition_point(|program| program.start <= address).checked_sub(1)?;
        let program = self.programs.get(index)?;
        program.end.is_none_or(|end| address < end).then_some(())?;
        Some((index, self.module(index)?.first.checked_add(address.offset_from(program.start)?)?))
    }

    /// The frames of the thread of this index, the innermost first; each ends above the one before it. Where a signal's handler
    /// interrupted, and where the rules end before `handlers`, the frames of handlers that stand on the stack, a new run begins.
    fn unwind<'s>(
        &self,
        target: &dyn Target,
        thread: usize,
        handlers: impl Iterator<Item = &'s SignalFrame>,
    ) -> Vec<Run> {
        let registers = target.threads().get(thread).and_then(|thread| thread.registers.as_ref());
        let Some(mut state) = registers.and_then(|registers| State::new(target, self.machine, registers))
        else {
            return Vec::new();
        };
        let mut handlers = handlers.peekable();
        let mut run = Run { start: state.stack_pointer(), frames: Vec::new() };
        let (mut runs, mut exact, mut number) = (Vec::new(), true, Some(0_usize));
        for _ in 0..MOST_FRAMES {
            let at = if exact { state.counter } else { state.counter.saturating_sub(1) };
            let below = run.frames.last().map_or(run.start, |frame| frame.end);
            let step = match state.counter {
                0 => None,
                _ => self.step(&mut state, at).filter(|step| step.signal || step.end > below),
            };
            let interrupted = match step {
                Some(Step { end, signal: false }) => {
                    run.frames.push(Unwound { number, end, at: Address::new(at) });
                    exact = false;
                    number = number.and_then(|number| number.checked_add(1));
                    continue;
                }
                Some(Step { signal: true, .. }) => {
                    let here = handlers.peek().filter(|handler| leads_to(handler, &state)).copied();
                    handlers.next_if(|handler| leads_to(handler, &state));
                    here
                }
                None => {
                    let Some(handler) = handlers.next() else { break };
                    // The rules lead right to it, or what is between could not be unwound.
                    let adjoins = handler.at.get().abs_diff(below.get()) <= BESIDE_HANDLER;
                    number = number.filter(|_| adjoins);
                    let Some(next) = State::new(target, self.machine, &handler.registers) else { break };
                    state = next;
                    Some(handler)
                }
            };
            // What the kernel pushed counts as a frame, as gdb counts it.
            let end = interrupted.map_or(below, |handler| handler.at.max(below));
            let end =
                Address::new(end.get().saturating_add(HANDLER_FRAME)).min(match state.stack_pointer() {
                    pointer if pointer > below => pointer,
                    _ => Address::new(u64::MAX),
                });
            run.frames.push(Unwound { number, end, at: Address::new(at) });
            number = number.and_then(|number| number.checked_add(1));
            runs.push(std::mem::replace(&mut run, Run { start: state.stack_pointer(), frames: Vec::new() }));
            exact = true;
        }
        runs.push(run);
        runs
    }

    /// Goes to the caller of the frame at `at`.
    fn step(&self, state: &mut State<'_>, at: u64) -> Option<Step> {
        let (index, linked) = self.place(Address::new(at))?;
        let module = self.module(index)?;
        let section = module.file.section(".eh_frame").ok().flatten()?;
        let bytes = module.file.bytes_of(&section);
        let mut frames = gimli::EhFrame::new(bytes, endian(self.machine));
        frames.set_address_size(u8::try_from(self.machine.class.long()).ok()?);
        let index = module.file.section(".eh_frame_hdr").ok().flatten();
        let index = index.as_ref().map(|section| module.file.bytes_of(section));
        let entry = module.entry(&frames, index, linked, self.machine)?;
        let mut context = UnwindContext::new();
        let row = entry.unwind_info_for_address(&frames, &module.bases, &mut context, linked).ok()?;
        let signal = entry.is_signal_trampoline();
        let end = state.go_up(row, &frames, entry.cie().encoding(), entry.cie().return_address_register())?;
        Some(Step { end: Address::new(end), signal })
    }

    /// Source file and line of each place; of programs with debug information.
    fn lines(
        &self,
        folders: &DebugFolders,
        places: &BTreeMap<usize, Vec<(u64, Address)>>,
    ) -> HashMap<Address, (String, u32)> {
        let mut lines = HashMap::new();
        for (index, places) in places {
            let Some(module) = self.module(*index) else { continue };
            let separate = match module.file.section(".debug_info") {
                Ok(Some(_)) => None,
                _ => folders.separate(&module.file).ok(),
            };
            let file = separate.as_ref().unwrap_or(&module.file);
            let unpacked = SECTIONS.iter().map(|id| file.unpacked_size(id.name()));
            if unpacked.fold(0, u64::saturating_add) > MOST_UNPACKED {
                continue;
            }
            let mut sections = HashMap::new();
            for id in SECTIONS {
                sections.extend(file.section(id.name()).ok().flatten().map(|section| (id, section)));
            }
            let load = |id: gimli::SectionId| -> Result<Slice<'_>, gimli::Error> {
                let bytes = sections.get(&id).map_or(&[] as &[u8], |section| file.bytes_of(section));
                Ok(EndianSlice::new(bytes, endian(self.machine)))
            };
            let Ok(context) = gimli::Dwarf::load(load).and_then(addr2line::Context::from_dwarf) else {
                continue;
            };
            for (linked, at) in places {
                // The function itself, not what was inlined into it: the outermost.
                let Ok(mut frames) = context.find_frames(*linked).skip_all_loads() else { continue };
                let mut outermost = None;
                while let Ok(Some(frame)) = frames.next() {
                    outermost = frame.location.or(outermost);
                }
                let place = outermost.and_then(|place| place.file.zip(place.line));
                lines.extend(place.map(|(file, line)| (*at, (file.to_owned(), line))));
            }
        }
        lines
    }
}

/// Bytes between the end of a handler's frame and the frame that the kernel pushed for it: its return address.
const BESIDE_HANDLER: u64 = 16;
/// Bytes of what the kernel pushes at most, but for large vector registers.
const HANDLER_FRAME: u64 = 4096;

/// Whether `state` is that of the code that `handler` interrupted.
fn leads_to(handler: &SignalFrame, state: &State<'_>) -> bool {
    handler.registers.stack_pointer() == Some(state.stack_pointer())
}

/// The frame of `runs` that holds `address`.
fn holding(runs: &[Run], address: Address) -> Option<&Unwound> {
    let holds = |run: &&Run| {
        let start = run.start.get().saturating_sub(RED_ZONE);
        start <= address.get() && run.frames.last().is_some_and(|last| address < last.end)
    };
    // Of an interrupted function the red zone may lie in what the kernel pushed.
    let run = runs.iter().find(holds)?;
    run.frames.get(run.frames.partition_point(|frame| frame.end <= address))
}

/// Bytes below a stack pointer that may be in use (the longest of any ABI).
const RED_ZONE: u64 = 512;

/// Sections that lines are in, and what those need.
const SECTIONS: [gimli::SectionId; 10] = [
    gimli::SectionId::DebugInfo,
    gimli::SectionId::DebugAbbrev,
    gimli::SectionId::DebugStr,
    gimli::SectionId::DebugLineStr,
    gimli::SectionId::DebugStrOffsets,
    gimli::SectionId::DebugLine,
    gimli::SectionId::DebugAddr,
    gimli::SectionId::DebugAranges,
    gimli::SectionId::DebugRanges,
    gimli::SectionId::DebugRngLists,
];

struct Step {
    end: Address,
    signal: bool,
}

impl Module {
    fn open(program: &Program, folders: &DebugFolders, machine: Machine) -> Option<Self> {
        let file = program.open(folders).ok().filter(|file| file.machine() == machine)?;
        let object = file.object().ok()?;
        let align = object.segments().map(|segment| segment.align()).max().unwrap_or(1).max(1);
        let first = object.segments().map(|segment| segment.address()).min()?;
        let first = first.checked_sub(first.checked_rem(align)?)?;
        let address = |name| object.section_by_name(name).map_or(0, |section| section.address());
        let bases = BaseAddresses::default()
            .set_eh_frame(address(".eh_frame"))
            .set_eh_frame_hdr(address(".eh_frame_hdr"))
            .set_text(address(".text"))
            .set_got(address(".got"));
        drop(object);
        Some(Self { file, first, bases })
    }

    /// The entry for `linked`: by the sorted table, else one by one.
    fn entry<'d>(
        &self,
        frames: &gimli::EhFrame<Slice<'d>>,
        index: Option<&'d [u8]>,
        linked: u64,
        machine: Machine,
    ) -> Option<gimli::FrameDescriptionEntry<Slice<'d>>> {
        let width = u8::try_from(machine.class.long()).ok()?;
        let header = index.map(|bytes| gimli::EhFrameHdr::new(bytes, endian(machine)));
        let header = header.and_then(|header| header.parse(&self.bases, width).ok());
        let cie = |section: &gimli::EhFrame<Slice<'d>>, bases: &BaseAddresses, offset| {
            section.cie_from_offset(bases, offset)
        };
        match header.as_ref().and_then(|header| header.table()) {
            Some(table) => table.fde_for_address(frames, &self.bases, linked, cie).ok(),
            None => frames.fde_for_address(&self.bases, linked, cie).ok(),
        }
    }
}

fn endian(machine: Machine) -> RunTimeEndian {
    match machine.byte_order {
        ByteOrder::Little => RunTimeEndian::Little,
        ByteOrder::Big => RunTimeEndian::Big,
    }
}

/// Registers by the numbers that DWARF gives them (the psABI of each machine), and the numbers of the stack pointer.
struct Numbering {
    machine: u16,
    names: &'static [&'static str],
    stack_pointer: u16,
}

const NUMBERINGS: &[Numbering] = &[
    Numbering {
        machine: 62,
        names: &[
            "rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13",
            "r14", "r15", "rip",
        ],
        stack_pointer: 7,
    },
    Numbering {
        machine: 3,
        names: &["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "eip"],
        stack_pointer: 4,
    },
    Numbering {
        machine: 183,
        names: &[
            "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
            "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28",
            "x29", "x30", "sp",
        ],
        stack_pointer: 31,
    },
];

/// What stood in the registers of a frame.
struct State<'t> {
    target: &'t dyn Target,
    machine: Machine,
    numbering: &'static Numbering,
    values: Vec<Option<u64>>,
    counter: u64,
}

impl<'t> State<'t> {
    fn new(target: &'t dyn Target, machine: Machine, registers: &Registers) -> Option<Self> {
        let numbering = NUMBERINGS.iter().find(|one| one.machine == machine.number)?;
        let values = numbering.names.iter().map(|name| registers.get(name)).collect();
        Some(Self { target, machine, numbering, values, counter: registers.program_counter()?.get() })
    }

    fn stack_pointer(&self) -> Address {
        Address::new(self.get(Register(self.numbering.stack_pointer)).unwrap_or(0))
    }

    fn get(&self, register: Register) -> Option<u64> {
        *self.values.get(usize::from(register.0))?
    }

    fn wrap(&self, value: u64) -> u64 {
        if self.machine.class.long() == 4 { value & u64::from(u32::MAX) } else { value }
    }

    /// The word at `address`.
    fn word(&self, address: u64, width: usize) -> Option<u64> {
        let mut bytes = [0; 8];
        let into = bytes.get_mut(..width)?;
        let count = self.target.read(Address::new(self.wrap(address)), into).ok()?;
        (count == width).then_some(())?;
        let mut reader = crate::core_file::Reader::new(bytes.get(..width)?, self.machine);
        if width == 4 { reader.u32().map(u64::from) } else { reader.u64() }
    }

    /// Becomes the state of the caller; answers the canonical frame address, where the frame ends.
    fn go_up(
        &mut self,
        row: &UnwindTableRow<usize>,
        section: &gimli::EhFrame<Slice<'_>>,
        encoding: gimli::Encoding,
        return_address: Register,
    ) -> Option<u64> {
        let end = match row.cfa() {
            CfaRule::RegisterAndOffset { register, offset } => {
                self.wrap(self.get(*register)?.wrapping_add_signed(*offset))
            }
            CfaRule::Expression(expression) => {
                self.evaluate(expression.get(section).ok()?, encoding, None)?
            }
        };
        let width = self.machine.class.long();
        let value = |register: Register| -> Option<u64> {
            match row.register(register) {
                Some(RegisterRule::Offset(offset)) => self.word(end.wrapping_add_signed(offset), width),
                Some(RegisterRule::ValOffset(offset)) => Some(self.wrap(end.wrapping_add_signed(offset))),
                Some(RegisterRule::Register(other)) => self.get(other),
                Some(RegisterRule::Expression(expression)) => {
                    let at = self.evaluate(expression.get(section).ok()?, encoding, Some(end))?;
                    self.word(at, width)
                }
                Some(RegisterRule::ValExpression(expression)) => {
                    self.evaluate(expression.get(section).ok()?, encoding, Some(end))
                }
                Some(RegisterRule::Constant(value)) => Some(value),
                Some(RegisterRule::Undefined) => None,
                // What no rule names is as it was, or will not be asked for.
                _ => self.get(register),
            }
        };
        let registers = (0..u16::try_from(self.values.len()).ok()?).map(Register);
        let mut values: Vec<_> = registers.map(&value).collect();
        // The first frame of a thread says by an undefined return address that it has no caller.
        let counter = value(return_address).unwrap_or(0);
        if let Some(pointer) = values.get_mut(usize::from(self.numbering.stack_pointer))
            && row.register(Register(self.numbering.stack_pointer)).is_none()
        {
            *pointer = Some(end);
        }
        self.values = values;
        self.counter = if self.machine.number == 183 { counter & AARCH64_ADDRESS } else { counter };
        Some(end)
    }

    /// The value of an expression, which begins with `initial` on its stack.
    fn evaluate(
        &self,
        expression: Expression<Slice<'_>>,
        encoding: gimli::Encoding,
        initial: Option<u64>,
    ) -> Option<u64> {
        let mut evaluation = expression.evaluation(encoding);
        evaluation.set_max_iterations(MOST_STEPS);
        if let Some(initial) = initial {
            evaluation.set_initial_value(initial);
        }
        let mut result = evaluation.evaluate().ok()?;
        for _ in 0..MOST_STEPS {
            result = match result {
                EvaluationResult::Complete => break,
                EvaluationResult::RequiresRegister { register, .. } => {
                    evaluation.resume_with_register(Value::Generic(self.get(register)?)).ok()?
                }
                EvaluationResult::RequiresMemory { address, size, .. } => {
                    let value = self.word(address, usize::from(size))?;
                    evaluation.resume_with_memory(Value::Generic(value)).ok()?
                }
                _ => return None,
            };
        }
        match evaluation.as_result() {
            [piece] => match piece.location {
                Location::Address { address } => Some(self.wrap(address)),
                Location::Value { value } => value.to_u64(u64::MAX).ok(),
                _ => None,
            },
            _ => None,
        }
    }
}

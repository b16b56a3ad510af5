//! The innermost frames of threads that wait in a system call, up to the first that is none of a library's.

use std::collections::{BTreeMap, HashMap};

use super::{Modules, State};
use crate::debug_files::DebugFolders;
use crate::debug_files::symbols::{Symbol, Symbols};
use crate::position::{Address, Position};
use crate::targets::Target;

/// Where a thread was called.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stack {
    /// The functions of libraries, innermost first.
    pub(crate) libraries: Vec<Symbol>,
    /// The function that called them.
    pub(crate) caller: Option<Symbol>,
    /// Its source file and the line of the call, if there is debug information.
    pub(crate) line: Option<(String, u32)>,
}

/// Frames of a stack that are looked at.
const MOST_FRAMES: usize = 32;

/// Up to where the pages of the vDSO of an i386 reach.
const VDSO: u64 = 2 * 4096;

/// The innermost frames of the threads of these indices, as far as they can be unwound. `is_library` says which functions are
/// passed over.
pub(crate) fn innermost(
    target: &dyn Target,
    symbols: &Symbols,
    folders: &DebugFolders,
    threads: &[usize],
    is_library: &dyn Fn(&Symbol) -> bool,
) -> HashMap<usize, Stack> {
    let modules = Modules::of(target, folders);
    let mut places = BTreeMap::<usize, Vec<(u64, Address)>>::new();
    let (mut stacks, mut callers) = (HashMap::new(), Vec::new());
    for thread in threads {
        let Some(mut state) = modules.state(target, *thread) else { continue };
        let mut stack = Stack::default();
        for depth in 0..MOST_FRAMES {
            let at = Address::new(if depth == 0 { state.counter } else { state.counter.saturating_sub(1) });
            match symbols.at(at) {
                Some(symbol) if is_library(&symbol) => stack.libraries.push(symbol),
                Some(symbol) => {
                    stack.caller = Some(symbol);
                    if let Some((module, linked)) = modules.place(at) {
                        places.entry(module).or_default().push((linked, at));
                        callers.push((*thread, at));
                    }
                    break;
                }
                None => {}
            }
            if state.leave_vdso(target).is_none() && modules.step(&mut state, at.get()).is_none() {
                break;
            }
        }
        stacks.insert(*thread, stack);
    }
    let lines = modules.lines(folders, &places);
    for (thread, at) in callers {
        if let Some(stack) = stacks.get_mut(&thread) {
            stack.line = lines.get(&at).cloned();
        }
    }
    stacks
}

impl Modules {
    fn state<'t>(&self, target: &'t dyn Target, thread: usize) -> Option<State<'t>> {
        let known = target.threads().get(thread)?.registers.clone();
        let registers = known.or_else(|| target.system_call(thread)?.registers(self.machine))?;
        State::new(target, self.machine, &registers)
    }
}

impl State<'_> {
    /// Goes from `__kernel_vsyscall` of an i386, which is in no file, to its caller: before it enters the kernel it pushes %ecx,
    /// %edx and %ebp (arch/x86/entry/vdso/vdso32/system_call.S).
    fn leave_vdso(&mut self, target: &dyn Target) -> Option<()> {
        const I386: u16 = 3;
        let vdso = target.auxiliary().vdso.filter(|_| self.machine.number == I386)?;
        Address::new(self.counter).offset_from(vdso).filter(|inside| *inside < VDSO)?;
        let pointer = self.stack_pointer().get();
        let pushed = [(5, 0), (2, 4), (1, 8)];
        for (register, behind) in pushed {
            let value = self.word(pointer.checked_add(behind)?, 4);
            *self.values.get_mut(register)? = value;
        }
        self.counter = self.word(pointer.checked_add(12)?, 4)?;
        *self.values.get_mut(usize::from(self.numbering.stack_pointer))? = Some(pointer.checked_add(16)?);
        Some(())
    }
}

//! Types of the C library: as the prelude has them, and as `gcc -E` spells them out, they are as large as gcc says.

use std::fmt::Write;
use std::process::Command;

use coreinspect::internals::notation::c_header::Header;
use coreinspect::machine::{ByteOrder, Class, Machine};
use coreinspect::types::{Meaning, TimeUnit, Type};

use super::errors::X86_64;
use super::generated::Truth;
use crate::tools::have;

const HEADERS: &[&str] = &[
    "stdint.h",
    "stddef.h",
    "stdbool.h",
    "sys/types.h",
    "time.h",
    "sys/time.h",
    "pthread.h",
    "semaphore.h",
    "wchar.h",
    "uchar.h",
    "sys/uio.h",
    "netinet/in.h",
    "sys/un.h",
    "sys/select.h",
    "signal.h",
    "stdio.h",
    "stdatomic.h",
    "sys/ipc.h",
    "sys/shm.h",
];

/// What the prelude has, in the words of C.
const TYPES: &[&str] = &[
    "int8_t",
    "uint8_t",
    "int16_t",
    "uint16_t",
    "int32_t",
    "uint32_t",
    "int64_t",
    "uint64_t",
    "intmax_t",
    "uintmax_t",
    "int_least16_t",
    "uint_least64_t",
    "int_fast8_t",
    "int_fast16_t",
    "uint_fast32_t",
    "int_fast64_t",
    "intptr_t",
    "uintptr_t",
    "ptrdiff_t",
    "size_t",
    "ssize_t",
    "wchar_t",
    "wint_t",
    "char16_t",
    "char32_t",
    "max_align_t",
    "bool",
    "u_int8_t",
    "u_int16_t",
    "u_int32_t",
    "u_int64_t",
    "u_char",
    "u_short",
    "u_int",
    "u_long",
    "ushort",
    "uint",
    "ulong",
    "quad_t",
    "u_quad_t",
    "pid_t",
    "key_t",
    "uid_t",
    "gid_t",
    "id_t",
    "mode_t",
    "dev_t",
    "clockid_t",
    "timer_t",
    "useconds_t",
    "loff_t",
    "caddr_t",
    "socklen_t",
    "sa_family_t",
    "in_addr_t",
    "in_port_t",
    "sig_atomic_t",
    "time_t",
    "suseconds_t",
    "clock_t",
    "off_t",
    "ino_t",
    "blksize_t",
    "blkcnt_t",
    "nlink_t",
    "struct timeval",
    "struct timespec",
    "struct itimerval",
    "struct itimerspec",
    "struct tm",
    "struct iovec",
    "struct in_addr",
    "struct in6_addr",
    "struct sockaddr",
    "struct sockaddr_in",
    "struct sockaddr_in6",
    "struct sockaddr_un",
    "struct sockaddr_storage",
    "fd_set",
    "sigset_t",
    "pthread_t",
    "pthread_key_t",
    "pthread_once_t",
    "pthread_mutex_t",
    "pthread_mutexattr_t",
    "pthread_cond_t",
    "pthread_condattr_t",
    "pthread_rwlock_t",
    "pthread_rwlockattr_t",
    "pthread_barrier_t",
    "pthread_barrierattr_t",
    "pthread_attr_t",
    "pthread_spinlock_t",
    "sem_t",
    "atomic_bool",
    "atomic_char",
    "atomic_int",
    "atomic_uint",
    "atomic_long",
    "atomic_ulong",
    "atomic_llong",
    "atomic_ullong",
    "atomic_size_t",
    "atomic_flag",
    "FILE *",
    "__builtin_va_list",
];
/// What only the library's own headers have.
const SPELLED_OUT: &[&str] =
    &["struct shmid_ds", "struct ipc_perm", "siginfo_t", "struct sigaction", "FILE", "stack_t"];

#[test]
fn types_of_the_library_are_as_large_as_gcc_says() {
    if !have("gcc") {
        return;
    }
    let i386 = Machine { number: 3, class: Class::Bits32, byte_order: ByteOrder::Little };
    for (mode, machine) in [("-m64", X86_64), ("-m32", i386)] {
        let includes: String = HEADERS.iter().map(|header| format!("#include <{header}>\n")).collect();
        let mut source = String::from("#define _GNU_SOURCE\n");
        source.push_str(&includes);
        source.push_str("struct all {\n");
        let all: Vec<&str> = TYPES.iter().chain(SPELLED_OUT).copied().collect();
        all.iter().enumerate().for_each(|(index, name)| writeln!(source, "{name} a{index};").unwrap());
        source.push_str("};\nunsigned long long facts[] __attribute__((section(\".facts\"))) = {\n");
        all.iter().for_each(|name| writeln!(source, "sizeof({name}),").unwrap());
        source.push_str("};\n");
        let folder = tempfile::tempdir().unwrap();
        // What gcc-multilib alone links: the kernel's headers are the same for both.
        let kernel = ["-idirafter", "/usr/include/x86_64-linux-gnu"];
        let mut truth = Truth::of(folder.path(), &["gcc", mode, kernel[0], kernel[1]], &source, 0);
        let mut gcc = Command::new("gcc");
        gcc.args([mode, "-E", "ask.c"]).args(kernel).current_dir(folder.path());
        let flat = String::from_utf8(gcc.output().unwrap().stdout).unwrap();
        assert!(flat.len() > 50_000, "{mode}");

        let plain = format!("{includes}struct any {{ int a; }};");
        let prelude = Header::parse("plain.h", &plain).unwrap_or_else(|problem| panic!("{problem}"));
        let flat = Header::parse("flat.h", &flat).unwrap_or_else(|problem| panic!("{mode}: {problem}"));
        assert_eq!(flat.only(), Some("struct all"));
        let given = prelude.types_of(TYPES, machine).unwrap_or_else(|problem| panic!("{problem}"));
        let spelled = flat.types_of(&all, machine).unwrap_or_else(|problem| panic!("{problem}"));
        for (index, name) in all.iter().enumerate() {
            let size = truth.next();
            assert_eq!(spelled[index].size(machine), Some(size), "{mode} -E: {name}");
            if let Some(given) = given.get(index) {
                assert_eq!(given.size(machine), Some(size), "{mode}: {name}");
            }
        }
        // Alignment shows behind a char.
        let names = TYPES;
        let pairs: String = names
            .iter()
            .enumerate()
            .map(|(index, name)| format!("struct p{index} {{ char a; {name} b; }};\n"))
            .collect();
        let mut source = format!("#define _GNU_SOURCE\n{includes}{pairs}");
        let pairs = Header::parse("pairs.h", &format!("{includes}{pairs}"))
            .unwrap_or_else(|problem| panic!("{problem}"));
        source.push_str("unsigned long long facts[] __attribute__((section(\".facts\"))) = {\n");
        (0..names.len()).for_each(|index| writeln!(source, "sizeof(struct p{index}),").unwrap());
        source.push_str("};\n");
        let mut truth = Truth::of(folder.path(), &["gcc", mode, kernel[0], kernel[1]], &source, 0);
        let asked: Vec<String> = (0..names.len()).map(|index| format!("struct p{index}")).collect();
        let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
        for (kind, name) in pairs.types_of(&asked, machine).unwrap().iter().zip(names) {
            assert_eq!(kind.size(machine), Some(truth.next()), "{mode}: {name} behind a char");
        }
    }
}

#[test]
fn a_time_is_a_time_through_typedefs() {
    let text =
        "typedef long __time_t; typedef __time_t time_t; struct q { time_t a; struct { time_t b[2]; }; };";
    let header = Header::parse("q.h", text).unwrap();
    let Type::Struct(fields) = header.type_of("struct q", X86_64).unwrap() else { panic!("no struct") };
    let Type::Integer(time) = &fields.fields[0].kind else { panic!("no number") };
    assert_eq!(time.meaning, Meaning::Time(TimeUnit::Seconds));
}

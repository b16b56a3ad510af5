/* System calls of Linux without a C library: syscall(2), "Architecture calling conventions".
 *
 * What a call returns is what the kernel says: a negative errno where it failed. Everything is inlined, so that two
 * threads can share one stack (see guest.c). */
#include <linux/unistd.h>

#define ALWAYS static inline __attribute__((always_inline))

#if defined(__aarch64__)
#define START ".globl _start\n_start:\n\tbl run\n"
ALWAYS long call(long n, long a, long b, long c, long d, long e)
{
	register long x8 __asm__("x8") = n, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d, x4 __asm__("x4") = e;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
	return x0;
}

#elif defined(__arm__)
#define START ".globl _start\n_start:\n\tbl run\n"
ALWAYS long call(long n, long a, long b, long c, long d, long e)
{
	register long r7 __asm__("r7") = n, r0 __asm__("r0") = a, r1 __asm__("r1") = b, r2 __asm__("r2") = c;
	register long r3 __asm__("r3") = d, r4 __asm__("r4") = e;
	__asm__ volatile("svc 0" : "+r"(r0) : "r"(r7), "r"(r1), "r"(r2), "r"(r3), "r"(r4) : "memory");
	return r0;
}

#elif defined(__riscv)
#define START ".globl _start\n_start:\n\tcall run\n"
ALWAYS long call(long n, long a, long b, long c, long d, long e)
{
	register long a7 __asm__("a7") = n, a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c;
	register long a3 __asm__("a3") = d, a4 __asm__("a4") = e;
	__asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4) : "memory");
	return a0;
}

#elif defined(__loongarch__)
#define START ".globl _start\n_start:\n\tbl run\n"
ALWAYS long call(long n, long a, long b, long c, long d, long e)
{
	register long a7 __asm__("a7") = n, a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c;
	register long a3 __asm__("a3") = d, a4 __asm__("a4") = e;
	__asm__ volatile("syscall 0"
			 : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4)
			 : "memory", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8");
	return a0;
}

#elif defined(__s390x__)
#define START ".globl _start\n_start:\n\taghi %r15,-160\n\tbrasl %r14,run\n"
ALWAYS long call(long n, long a, long b, long c, long d, long e)
{
	register long r1 __asm__("r1") = n, r2 __asm__("r2") = a, r3 __asm__("r3") = b, r4 __asm__("r4") = c;
	register long r5 __asm__("r5") = d, r6 __asm__("r6") = e;
	__asm__ volatile("svc 0" : "+d"(r2) : "d"(r1), "d"(r3), "d"(r4), "d"(r5), "d"(r6) : "memory", "cc");
	return r2;
}

#elif defined(__powerpc__)
#if defined(__powerpc64__)
#define START                                                                                       \
	".globl _start\n_start:\n\taddis 2,12,.TOC.-_start@ha\n\taddi 2,2,.TOC.-_start@l\n"         \
	"\tstdu 1,-128(1)\n\tbl run\n\tnop\n"
#else
#define START ".globl _start\n_start:\n\tstwu 1,-64(1)\n\tbl run\n"
#endif
ALWAYS long call(long n, long a, long b, long c, long d, long e)
{
	register long r0 __asm__("r0") = n, r3 __asm__("r3") = a, r4 __asm__("r4") = b, r5 __asm__("r5") = c;
	register long r6 __asm__("r6") = d, r7 __asm__("r7") = e;
	__asm__ volatile("sc\n\tbns+ 1f\n\tneg 3,3\n1:"
			 : "+r"(r0), "+r"(r3), "+r"(r4), "+r"(r5), "+r"(r6), "+r"(r7)
			 :
			 : "memory", "cr0", "r8", "r9", "r10", "r11", "r12", "ctr", "xer");
	return r3;
}

#elif defined(__mips__)
#include <asm/sgidefs.h>
#define START ".globl __start\n__start:\n\t.set noreorder\n\tjal run\n\tnop\n"
ALWAYS long call(long n, long a, long b, long c, long d, long e)
{
	register long v0 __asm__("$2") = n, a0 __asm__("$4") = a, a1 __asm__("$5") = b, a2 __asm__("$6") = c;
	register long a3 __asm__("$7") = d;
#if _MIPS_SIM != _MIPS_SIM_ABI32
	register long a4 __asm__("$8") = e;
	__asm__ volatile("syscall"
			 : "+r"(v0), "+r"(a3) : "r"(a0), "r"(a1), "r"(a2), "r"(a4)
			 : "memory", "$1", "$3", "$10", "$11", "$12", "$13", "$14", "$15", "$24", "$25", "hi", "lo");
#else
	/* The fifth argument is on the stack, behind the places of the first four. */
	__asm__ volatile("subu $29,32\n\tsw %5,16($29)\n\tsyscall\n\taddiu $29,32"
			 : "+r"(v0), "+r"(a3) : "r"(a0), "r"(a1), "r"(a2), "r"(e)
			 : "memory", "$1", "$3", "$8", "$9", "$10", "$11", "$12", "$13", "$14", "$15", "$24", "$25",
			   "hi", "lo");
#endif
	return a3 ? -v0 : v0;
}

#elif defined(__x86_64__)
#define START ".globl _start\n_start:\n\tcall run\n"
ALWAYS long call(long n, long a, long b, long c, long d, long e)
{
	/* Where a long has 32 bits, an address must not be taken for a negative number. */
	register unsigned long long rax __asm__("rax") = (unsigned long)n, rdi __asm__("rdi") = (unsigned long)a;
	register unsigned long long rsi __asm__("rsi") = (unsigned long)b, rdx __asm__("rdx") = (unsigned long)c;
	register unsigned long long r10 __asm__("r10") = (unsigned long)d, r8 __asm__("r8") = (unsigned long)e;
	__asm__ volatile("syscall"
			 : "+r"(rax) : "r"(rdi), "r"(rsi), "r"(rdx), "r"(r10), "r"(r8) : "rcx", "r11", "memory");
	return rax;
}

#elif defined(__i386__)
#define START ".globl _start\n_start:\n\tcall run\n"
ALWAYS long call(long n, long a, long b, long c, long d, long e)
{
	__asm__ volatile("int $0x80" : "+a"(n) : "b"(a), "c"(b), "d"(c), "S"(d), "D"(e) : "memory");
	return n;
}

#elif defined(__m68k__)
#define START ".globl _start\n_start:\n\tjsr run\n"
ALWAYS long call(long n, long a, long b, long c, long d, long e)
{
	register long d0 __asm__("d0") = n, d1 __asm__("d1") = a, d2 __asm__("d2") = b, d3 __asm__("d3") = c;
	register long d4 __asm__("d4") = d, d5 __asm__("d5") = e;
	__asm__ volatile("trap #0" : "+d"(d0) : "d"(d1), "d"(d2), "d"(d3), "d"(d4), "d"(d5) : "memory");
	return d0;
}

#elif defined(__sh__)
#define START ".globl _start\n_start:\n\tmov.l 1f,r0\n\tjsr @r0\n\tnop\n\t.align 2\n1:\t.long run\n"
ALWAYS long call(long n, long a, long b, long c, long d, long e)
{
	register long r3 __asm__("r3") = n, r4 __asm__("r4") = a, r5 __asm__("r5") = b, r6 __asm__("r6") = c;
	register long r7 __asm__("r7") = d, r0 __asm__("r0") = e;
	__asm__ volatile("trapa #0x15" : "+r"(r0) : "r"(r3), "r"(r4), "r"(r5), "r"(r6), "r"(r7) : "memory");
	return r0;
}
#else
#error "no system call of this machine here"
#endif

__asm__(".text\n" START);

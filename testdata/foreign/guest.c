/* A process with System V segments that dies of a fault, on any machine, without a C library.
 *
 * As process 1 (the only program of a machine under qemu-system) it starts itself anew with arguments, waits until that
 * one has died, and prints the core that the kernel wrote. Else it tells what it has, and dies of SIGSEGV while a second
 * thread runs. It prints lines: "NAME=HEX" and, for bytes, "@OFFSET HEX"; zeroes are left out. Prefixed by "!", as a
 * console may have lines of others.
 *
 * UID is the user that it becomes, KEY the first of its keys. */
#include "syscall.h"

typedef unsigned char byte;

enum {
	CREATE = 01000 | 02000 | 0600, /* IPC_CREAT | IPC_EXCL, linux/ipc.h */
	READ_ONLY = 010000,	       /* SHM_RDONLY, linux/shm.h */
	/* CLONE_VM, FS, FILES, SIGHAND, THREAD, SYSVSEM: sched.h; qemu-user knows no thread but of all of them */
	THREAD = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000,
	CHILD = 17, /* SIGCHLD, by which fork(2) is told from vfork(2) and threads */
	BLOCK = 32, /* bytes a line */
	LARGE = 3 << 16,
	SMALL = 5000,
};

static char line[2 * BLOCK + 32];

static void print(const char *name, const byte *bytes, unsigned count, unsigned long number, char between)
{
	static const char digits[] = "0123456789abcdef";
	unsigned length = 0;
	line[length++] = '!';
	while (*name)
		line[length++] = *name++;
	for (int shift = 8 * sizeof number - 4; shift >= 0; shift -= 4)
		line[length++] = digits[number >> shift & 15];
	line[length++] = between;
	for (unsigned i = 0; i < count; i++) {
		line[length++] = digits[bytes[i] >> 4];
		line[length++] = digits[bytes[i] & 15];
	}
	line[length++] = '\n';
	call(__NR_write, 1, (long)line, length, 0, 0);
}

static void tell(const char *name, unsigned long number)
{
	print(name, 0, 0, number, ' ');
}

static void show(const byte *bytes, unsigned size, unsigned long offset)
{
	for (unsigned at = 0; at < size; at += BLOCK) {
		unsigned count = size - at < BLOCK ? size - at : BLOCK, any = 0;
		for (unsigned i = 0; i < count; i++)
			any |= bytes[at + i];
		if (any)
			print("@", bytes + at, count, offset + at, ' ');
	}
}

static _Noreturn void end(int status)
{
	for (;;)
		call(__NR_exit, status, 0, 0, 0, 0);
}

static long shmget(int key, unsigned long size)
{
#ifdef __NR_ipc
	return call(__NR_ipc, 23, key, size, CREATE, 0);
#else
	return call(__NR_shmget, key, size, CREATE, 0, 0);
#endif
}

static byte *shmat(int shmid, int flags)
{
#ifdef __NR_ipc
	unsigned long address;
	if (call(__NR_ipc, 21, shmid, flags, (long)&address, 0) < 0)
		end(3);
	return (byte *)address;
#else
	return (byte *)call(__NR_shmat, shmid, 0, flags, 0, 0);
#endif
}

static void removed(int shmid)
{
#ifdef __NR_ipc
	call(__NR_ipc, 24, shmid, 0, 0, 0);
#else
	call(__NR_shmctl, shmid, 0, 0, 0, 0);
#endif
}

static byte *attach(const char *name, long shmid, int flags)
{
	byte *base = shmat(shmid, flags);
	if (shmid < 0)
		end(4);
	tell(name, (unsigned long)base);
	return base;
}

/* A flag, and a message that ends by a NUL. */
static void fill(byte *base, byte flag, const char *message)
{
	*base++ = flag;
	while (*message)
		*base++ = *message++;
}

static void print_core(void)
{
	static byte block[4096];
	unsigned long offset = 0;
	long file = -1, count;
#ifdef __NR_open
	file = call(__NR_open, (long)"/core", 0, 0, 0, 0);
#else
	file = call(__NR_openat, -100, (long)"/core", 0, 0, 0);
#endif
	while ((count = call(__NR_read, file, (long)block, sizeof block, 0, 0)) > 0) {
		show(block, count, offset);
		offset += count;
	}
	tell("core=", offset);
}

static _Noreturn void oversee(void)
{
	static const unsigned long long no_limit[2] = { ~0ull, ~0ull };
	static char *const arguments[] = { "guest", "of", MACHINE, 0 }, *const none[] = { 0 };
	long child;
	byte ended = 0;
	call(__NR_prlimit64, 0, 4 /* RLIMIT_CORE */, (long)no_limit, 0, 0);
#ifdef __s390x__
	child = call(__NR_clone, 0, CHILD, 0, 0, 0);
#else
	child = call(__NR_clone, CHILD, 0, 0, 0, 0);
#endif
	if (child == 0) {
		call(__NR_execve, (long)"/guest", (long)arguments, (long)none, 0, 0);
		end(5);
	}
	tell("child=", child);
	for (int tries = 0; !ended && tries < 1000; tries++)
		ended = call(__NR_wait4, child, 0, 0, 0, 0) == child;
	print_core();
	tell("end=", 0);
	for (;;)
		call(__NR_wait4, -1, 0, 0, 0, 0);
}

__attribute__((used)) _Noreturn void run(void)
{
	long shmid[4], thread;
	byte *base[4], *read_only;
	unsigned long page = 4096;

	if (call(__NR_getpid, 0, 0, 0, 0, 0) == 1)
		oversee();
	shmid[0] = shmget(KEY, SMALL);
	shmid[1] = shmget((int)(0xf0000000u + KEY), LARGE);
	shmid[2] = shmget(0, SMALL);
	shmid[3] = shmget(0, SMALL);
	base[0] = attach("a=", shmid[0], 0);
	base[1] = attach("b=", shmid[1], 0);
	read_only = attach("r=", shmid[1], READ_ONLY);
	base[2] = attach("c=", shmid[2], 0);
	base[3] = attach("d=", shmid[3], 0);
	fill(base[0], 1, "hello from " MACHINE);
	base[0][SMALL - 1] = 0x7e;
	for (unsigned i = 0; i < LARGE / 4; i += 1024)
		((unsigned *)base[1])[i] = i * 7 + 1;
	fill(base[2], 2, "private");
	fill(base[3], 2, "private too");
	for (int i = 0; i < 4; i++) {
		static const char *const names[] = { "shmid_a=", "shmid_b=", "shmid_c=", "shmid_d=" };
		tell(names[i], shmid[i]);
		show(base[i], i == 1 ? LARGE : SMALL, 0);
		removed(shmid[i]);
	}
	/* madvise(2): EINVAL for an address that does not stand at a page. */
	while (page < 1 << 16 && call(__NR_madvise, (long)(base[1] + page), 4096, 0, 0, 0) < 0)
		page *= 2;
	tell("page=", page);
#ifdef __NR_setuid32
	call(__NR_setuid32, UID, 0, 0, 0, 0);
#else
	call(__NR_setuid, UID, 0, 0, 0, 0);
#endif
	call(__NR_prctl, 4 /* PR_SET_DUMPABLE, which setuid(2) took away */, 1, 0, 0, 0);
	tell("pid=", call(__NR_getpid, 0, 0, 0, 0, 0));
	tell("tid=", call(__NR_gettid, 0, 0, 0, 0, 0));
#ifdef __NR_getuid32
	tell("uid=", call(__NR_getuid32, 0, 0, 0, 0, 0));
#else
	tell("uid=", call(__NR_getuid, 0, 0, 0, 0, 0));
#endif
	/* The thread stands on the same stack: it has nothing to do with it, as all is in registers. */
#ifdef __s390x__
	thread = call(__NR_clone, 0, THREAD, 0, 0, 0);
#else
	thread = call(__NR_clone, THREAD, 0, 0, 0, 0);
#endif
	while (thread == 0)
		__asm__ volatile("" : "+r"(thread));
	tell("thread=", thread);
	tell("fault=", (unsigned long)(read_only + (1 << 16)));
	*(volatile byte *)(read_only + (1 << 16)) = 1;
	end(6);
}

/* fault CASE: attaches segments, says where, and makes the fault that the argument names. The segments are removed as soon as
 * they are attached: nothing is left of them. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

enum { PAGE = 4096, SIZE = 4 * PAGE };

static void check(int failed, const char *what)
{
	if (failed) {
		perror(what);
		exit(1);
	}
}

/* With a quarter of a MiB of nothing on both sides. */
static char *attach(int flags)
{
	size_t room = 128 * PAGE;
	char *free = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(free == MAP_FAILED || munmap(free, room), "mmap");
	int shmid = shmget(0x4a000000 | (getpid() & 0xffffff), SIZE, IPC_CREAT | IPC_EXCL | 0600);
	check(shmid < 0, "shmget");
	char *base = shmat(shmid, free + 64 * PAGE, flags);
	check(shmctl(shmid, IPC_RMID, NULL), "shmctl");
	check(base == (char *)-1, "shmat");
	printf("base %p\n", (void *)base);
	fflush(stdout);
	return base;
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "";
	if (!strcmp(kind, "write-read-only"))
		((volatile char *)attach(SHM_RDONLY))[0x1123] = 1;
	volatile char *base = attach(!strcmp(kind, "instruction") ? SHM_EXEC : 0);
	if (!strcmp(kind, "past-end"))
		base[SIZE + 8] = 1;
	if (!strcmp(kind, "just-past"))
		return base[SIZE];
	if (!strcmp(kind, "far-past"))
		base[SIZE + 100000] = 1;
	if (!strcmp(kind, "before-start"))
		base[-8] = 1;
	if (!strcmp(kind, "unmapped")) {
		check(munmap((char *)base + PAGE, PAGE), "munmap");
		base[PAGE + 5] = 1;
	}
	if (!strcmp(kind, "inaccessible")) {
		check(mprotect((char *)base + PAGE, PAGE, PROT_NONE), "mprotect");
		base[PAGE + 5] = 1;
	}
	if (!strcmp(kind, "mprotected")) {
		check(mprotect((char *)base + PAGE, PAGE, PROT_READ), "mprotect");
		base[PAGE + 5] = 1;
	}
	if (!strcmp(kind, "all-mprotected")) {
		check(mprotect((char *)base, SIZE, PROT_READ), "mprotect");
		base[PAGE + 5] = 1;
	}
	if (!strcmp(kind, "execute"))
		((void (*)(void))(base + 0x40))();
	if (!strcmp(kind, "instruction")) {
		base[0x80] = 0x0f; /* ud2 */
		base[0x81] = 0x0b;
		((void (*)(void))(base + 0x80))();
	}
	if (!strcmp(kind, "shorter")) {
		base = mremap((char *)base, SIZE, 4 * SIZE, MREMAP_MAYMOVE);
		check(base == MAP_FAILED, "mremap");
		printf("moved %p\n", (void *)base);
		fflush(stdout);
		base[SIZE + 8] = 1;
	}
	if (!strcmp(kind, "elsewhere"))
		*(volatile char *)0x10 = 1;
	abort();
}

/* holder SEGMENTS SEGMENT_BYTES FILE_MAPPINGS ANONYMOUS_BYTES [first|unknown]
 *
 * A process worth dumping: attaches SEGMENTS System V segments of SEGMENT_BYTES each, every one a
 * mailbox (flag 1 in byte 0, a message from byte 1), maps one page of a file FILE_MAPPINGS times
 * and fills ANONYMOUS_BYTES of private memory, at lower addresses than the segments, or with "first"
 * at higher ones: dumps are in the order of addresses. With "unknown" the segments hold numbers of which no layout knows
 * anything, and no mailbox. Prints "READY KEY ADDRESS" of its first segment
 * (hexadecimal), then waits to be dumped.
 *
 * Nothing outlives it: every segment is removed as soon as it is attached (the mapping keeps the
 * key in its name), the mapped file is a memfd, and it dies with the process that started it.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <unistd.h>

#define FIRST_KEY 0x62656e00 /* "ben" */
#define POINTER_EVERY (1 << 20) /* bytes of private memory to one pointer into the first segment */
#define FILL 0xa5            /* no zero page: a dumper could leave that out */

static void *or_die(void *address, const char *what)
{
	if (address == (void *)-1) {
		perror(what);
		exit(1);
	}
	return address;
}

static void *attach_and_remove(int shmid)
{
	void *address = or_die(shmid == -1 ? (void *)-1 : shmat(shmid, NULL, 0), "shmget, shmat");

	shmctl(shmid, IPC_RMID, NULL);
	return address;
}

static char *fill_private_memory(size_t size)
{
	char *memory = size ? or_die(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
				     "mmap") : NULL;

	return size ? memset(memory, FILL, size) : memory;
}

/* Pointers into the first segment, for who looks for them. */
static void point_into(char *segment, size_t segment_bytes, char *memory, size_t size)
{
	for (size_t at = 0; at < size; at += POINTER_EVERY)
		*(char **)(memory + at) = segment + at % segment_bytes;
}

int main(int argc, char **argv)
{
	if (argc != 5 && argc != 6) {
		fprintf(stderr, "usage: holder SEGMENTS SEGMENT_BYTES FILE_MAPPINGS ANONYMOUS_BYTES [first|unknown]\n");
		return 2;
	}
	long segments = atol(argv[1]), file_mappings = atol(argv[3]);
	size_t segment_bytes = strtoul(argv[2], NULL, 0), anonymous = strtoul(argv[4], NULL, 0);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY); /* Yama lets gdb attach to its children only */

	int unknown = argc == 6 && !strcmp(argv[5], "unknown");
	if (argc == 6 && !unknown)
		fill_private_memory(anonymous);

	/* gcore leaves out the name of the segment whose shmid is 0: let this one be it. */
	void *placeholder = attach_and_remove(shmget(IPC_PRIVATE, 1, 0600));
	char *first = NULL;

	for (long i = 0; i < segments; i++) {
		char *data = attach_and_remove(
			shmget(FIRST_KEY + i, segment_bytes, IPC_CREAT | IPC_EXCL | 0600));

		memset(data, FILL, segment_bytes);
		for (size_t at = 0; unknown && at < segment_bytes; at += sizeof(unsigned))
			*(unsigned *)(data + at) = at % 16 == 4 ? at * 2654435761u : at / 16 % 1000 * 3;
		data[0] = unknown ? 77 : 1;
		if (!unknown)
			sprintf(data + 1, "segment %ld of the benchmark", i);
		first = first ? first : data;
	}
	shmdt(placeholder);

	/* The same page again and again: neighbours with equal offsets are never merged. */
	int file = memfd_create("mapped", 0);
	if (ftruncate(file, sysconf(_SC_PAGESIZE)) == -1)
		return 1;
	for (long i = 0; i < file_mappings; i++)
		or_die(mmap(NULL, 1, PROT_READ, MAP_PRIVATE, file, 0), "mmap");

	if (argc == 5 || unknown)
		point_into(first, segment_bytes, fill_private_memory(anonymous), anonymous);

	printf("READY %x %lx\n", FIRST_KEY, (unsigned long)first);
	fflush(stdout);
	pause();
	return 0;
}

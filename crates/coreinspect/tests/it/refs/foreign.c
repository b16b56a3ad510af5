/* foreign CASE: another program attaches a segment elsewhere and stores addresses in it; this one attaches it, says where, and
 * follows the first of them, or ends itself. The segment is removed as soon as both have it. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, SIZE = 6 * PAGE, NODES = 60, WORDS = SIZE / sizeof(void *) };

struct node {
	long number;
	struct node *next;
	char text[40];
	int checksum;
};

struct ring {
	char head[0x78];
	struct node *first;
	char more[8];
	struct node nodes[NODES];
};

static void check(int failed, const char *what)
{
	if (failed) {
		perror(what);
		exit(1);
	}
}

static void store(char *base, const char *kind)
{
	struct ring *ring = (void *)base;
	void **words = (void *)base;
	if (!strcmp(kind, "list") || !strcmp(kind, "read-only") || !strcmp(kind, "abort")) {
		ring->first = ring->nodes;
		for (int at = 0; at < NODES; at++) {
			ring->nodes[at].number = at + 1;
			ring->nodes[at].next = at + 1 < NODES ? &ring->nodes[at + 1] : NULL;
			snprintf(ring->nodes[at].text, sizeof ring->nodes[at].text, "order %d", at);
		}
	}
	/* A table of names, which stand in the fourth page. */
	if (!strcmp(kind, "table"))
		for (int at = 0; at < 20; at++) {
			words[8 + at] = base + 3 * PAGE + 0x100 + at * 24;
			snprintf(words[8 + at], 24, "the name %d", at);
		}
	/* Two are not enough. */
	if (!strcmp(kind, "two"))
		for (int at = 0; at < 2; at++)
			words[8 + at] = base + 0x400 + at * 64;
	if (!strcmp(kind, "random"))
		for (int at = 0; at < SIZE; at += 256)
			check(getrandom(base + at, 256, 0) != 256, "getrandom");
	/* Numbers, text and times that could be taken for addresses. */
	if (!strcmp(kind, "numbers"))
		for (unsigned at = 0; at < WORDS; at += 2) {
			uint64_t milliseconds = 1732000000000 + at * 8;
			memcpy(&words[at], &milliseconds, sizeof words[0]);
			snprintf((char *)&words[at + 1], sizeof words[0], "%ce", 'a' + at % 26);
		}
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "";
	if (argc > 2) {
		/* The writer: where this process has nothing, also where few addresses are at random, or none. */
		size_t room = 16384 * PAGE;
		char *free = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		check(free == MAP_FAILED || munmap(free, room), "mmap");
		char *base = shmat(atoi(argv[2]), free + room / 2, 0);
		check(base == (char *)-1, "shmat");
		store(base, kind);
		printf("writer %p\n", (void *)base);
		return 0;
	}
	int shmid = shmget(0x4b000000 | (getpid() & 0xffffff), SIZE, IPC_CREAT | IPC_EXCL | 0600);
	check(shmid < 0, "shmget");
	char *base = shmat(shmid, NULL, strcmp(kind, "read-only") ? 0 : SHM_RDONLY);
	char number[16];
	snprintf(number, sizeof number, "%d", shmid);
	pid_t child = fork();
	if (child == 0) {
		execl("/proc/self/exe", "writer", kind, number, NULL);
		_exit(127);
	}
	int status;
	check(child < 0 || waitpid(child, &status, 0) != child || status != 0, "writer");
	check(shmctl(shmid, IPC_RMID, NULL) || base == (char *)-1, "shmat");
	printf("reader %p\n", (void *)base);
	fflush(stdout);
	struct ring *ring = (void *)base;
	if (!strcmp(kind, "own"))
		store(base, "list");
	if (!strcmp(kind, "list") || !strcmp(kind, "read-only"))
		return ring->first->checksum;
	abort();
}

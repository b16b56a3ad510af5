/* subject OPERATION...: does what the arguments say, prints a line for each, prints "ready", and waits.
 *
 * A line on standard input makes its second thread write into the first attachment, at the offset that the line holds.
 * The end of standard input ends it: it does not outlive the test, however the test ends. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <unistd.h>

enum { PAGE = 4096, MOST = 16 };

static char *attachments[MOST];
static int count;
static int orders[2];

static void check(int failed, const char *what)
{
	if (failed) {
		perror(what);
		exit(1);
	}
}

static void attach(int shmid, int flags)
{
	char *base = shmat(shmid, NULL, flags);
	check(base == (char *)-1 || count == MOST, "shmat");
	attachments[count++] = base;
	printf("%p\n", (void *)base);
}

/* The thread that writes where it must not: the fault is not the main thread's. */
static void *obey(void *unused)
{
	size_t offset;
	check(read(orders[0], &offset, sizeof offset) != sizeof offset, "read");
	((volatile char *)attachments[0])[offset] = 1;
	return unused;
}

static void *idle(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void thread(void *(*run)(void *))
{
	pthread_t thread;
	check(pthread_create(&thread, NULL, run, NULL), "pthread_create");
}

static int rights(const char *name)
{
	return !strcmp(name, "rw") ? PROT_READ | PROT_WRITE : !strcmp(name, "r") ? PROT_READ : PROT_NONE;
}

/* make:KEY:SIZE, attach:SHMID, attach-ro:SHMID, dontdump:N:PAGE:PAGES, unmap:N:PAGE:PAGES, protect:N:PAGE:PAGES:RIGHTS,
 * threads. N counts attachments from 0. */
static void operate(const char *word)
{
	unsigned key;
	size_t size, page, pages;
	int number;
	char name[8];

	if (sscanf(word, "make:%x:%zu", &key, &size) == 2) {
		int shmid = shmget((key_t)key, size, 0600 | IPC_CREAT | IPC_EXCL | SHM_HUGETLB);
		check(shmid == -1, "shmget");
		printf("%d\n", shmid);
	} else if (sscanf(word, "attach:%d", &number) == 1) {
		attach(number, 0);
	} else if (sscanf(word, "attach-ro:%d", &number) == 1) {
		attach(number, SHM_RDONLY);
	} else if (sscanf(word, "dontdump:%d:%zu:%zu", &number, &page, &pages) == 3) {
		check(madvise(attachments[number] + page * PAGE, pages * PAGE, MADV_DONTDUMP), "madvise");
		printf("done\n");
	} else if (sscanf(word, "unmap:%d:%zu:%zu", &number, &page, &pages) == 3) {
		check(munmap(attachments[number] + page * PAGE, pages * PAGE), "munmap");
		printf("done\n");
	} else if (sscanf(word, "protect:%d:%zu:%zu:%7s", &number, &page, &pages, name) == 4) {
		check(mprotect(attachments[number] + page * PAGE, pages * PAGE, rights(name)), "mprotect");
		printf("done\n");
	} else if (!strcmp(word, "threads")) {
		thread(obey);
		thread(idle);
		printf("done\n");
	} else {
		fprintf(stderr, "no operation %s\n", word);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	char line[32];

	check(setrlimit(RLIMIT_CORE, &all), "setrlimit");
	check(pipe(orders), "pipe");
	for (int i = 1; i < argc; i++)
		operate(argv[i]);
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		size_t offset = strtoul(line, NULL, 0);
		check(write(orders[1], &offset, sizeof offset) != sizeof offset, "write");
	}
	_exit(0);
}

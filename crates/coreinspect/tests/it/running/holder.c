/* holder OPERATION...: does what the arguments say, prints a line for each, prints "ready", and waits for the end of its
 * standard input, each line of which goes behind the first byte of its first attachment, so that it does not outlive the test. Segments are removed as soon as they are attached.
 *
 *   make:KEY:SIZE        a segment, attached; prints its shmid and the address
 *   text:OFFSET:TEXT     into the first attachment
 *   again:rw, again:ro   attaches the first segment once more
 *   file:PATH            maps a file, and unlinks it
 *   none:PAGE            takes all rights from a page of the first attachment
 *   keep:KEY:SIZE        a segment that is neither attached nor removed; prints its shmid
 *   turn                 a thread that writes one number into two ends of the first attachment, as fast as it can
 *   name:NAME            of the process
 *   hidden               PR_SET_DUMPABLE 0 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <unistd.h>

static char *first;
static int first_id = -1;
static size_t first_size;

static void check(int failed, const char *what)
{
	if (failed) {
		perror(what);
		exit(1);
	}
}

static void *turn(void *unused)
{
	volatile unsigned long *front = (void *)first;
	volatile unsigned long *back = (void *)(first + first_size - sizeof *back);

	for (unsigned long i = 1;; i++) {
		*front = i;
		*back = i;
	}
	return unused;
}

static void operate(char *word)
{
	unsigned key;
	size_t size;
	int end = 0;

	if (sscanf(word, "make:%x:%zu", &key, &size) == 2) {
		int id = shmget((key_t)key, size, 0640 | IPC_CREAT | IPC_EXCL);
		check(id == -1, "shmget");
		char *base = shmat(id, NULL, 0);
		shmctl(id, IPC_RMID, NULL);
		check(base == (void *)-1, "shmat");
		if (!first) {
			first = base;
			first_id = id;
			first_size = size;
		}
		printf("%d %p\n", id, (void *)base);
	} else if (sscanf(word, "keep:%x:%zu", &key, &size) == 2) {
		int id = shmget((key_t)key, size, 0640 | IPC_CREAT | IPC_EXCL);
		check(id == -1, "shmget");
		printf("%d\n", id);
	} else if (sscanf(word, "text:%zu:%n", &size, &end) == 1 && end) {
		strcpy(first + size, word + end);
		puts("done");
	} else if (!strncmp(word, "again:", 6)) {
		char *base = shmat(first_id, NULL, strcmp(word + 6, "ro") ? 0 : SHM_RDONLY);
		check(base == (void *)-1, "shmat");
		printf("%p\n", (void *)base);
	} else if (!strncmp(word, "file:", 5)) {
		int file = open(word + 5, O_RDWR | O_CREAT | O_EXCL, 0600);
		check(file == -1 || ftruncate(file, 4096), word);
		check(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) == MAP_FAILED, "mmap");
		check(unlink(word + 5), "unlink");
		puts("done");
	} else if (sscanf(word, "none:%zu", &size) == 1) {
		check(mprotect(first + size * 4096, 4096, PROT_NONE), "mprotect");
		puts("done");
	} else if (!strcmp(word, "turn")) {
		pthread_t thread;
		check(pthread_create(&thread, NULL, turn, NULL), "pthread_create");
		check(pthread_setname_np(thread, "turner"), "pthread_setname_np");
		puts("done");
	} else if (!strncmp(word, "name:", 5)) {
		check(prctl(PR_SET_NAME, word + 5), "prctl");
		puts("done");
	} else if (!strcmp(word, "hidden")) {
		check(prctl(PR_SET_DUMPABLE, 0), "prctl");
		puts("done");
	} else {
		fprintf(stderr, "no operation %s\n", word);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	char line[64];

	for (int i = 1; i < argc; i++)
		operate(argv[i]);
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = 0;
		strcpy(first + 1, line);
	}
	_exit(0);
}

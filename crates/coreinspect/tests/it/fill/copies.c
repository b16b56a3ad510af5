/* copies [PAGES]: a parent that wrote a segment, and a child that has it attached read-only elsewhere; both end themselves, in
 * the folders `writer` and `reader`. Of the reader's core the kernel keeps the first page. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 6 * 4096 };

static void check(int failed, const char *what)
{
	if (failed) {
		perror(what);
		exit(1);
	}
}

int main(void)
{
	int shmid = shmget(0x4d000000 | (getpid() & 0xffffff), SIZE, IPC_CREAT | IPC_EXCL | 0600);
	check(shmid < 0, "shmget");
	char *base = shmat(shmid, NULL, 0);
	int failed = base == (char *)-1 || mkdir("writer", 0700) || mkdir("reader", 0700);
	for (int at = 0; !failed && at < SIZE; at += 16)
		sprintf(base + at, "at %06x", at);
	pid_t child = failed ? -1 : fork();
	if (child == 0) {
		char *elsewhere = shmat(shmid, NULL, SHM_RDONLY);
		check(shmdt(base) || chdir("reader"), "reader");
		printf("reader %p\n", (void *)elsewhere);
		fflush(stdout);
		abort();
	}
	int status;
	failed = failed || child < 0 || waitpid(child, &status, 0) != child;
	check(shmctl(shmid, IPC_RMID, NULL) || failed || chdir("writer"), "writer");
	printf("writer %p\n", (void *)base);
	fflush(stdout);
	abort();
}

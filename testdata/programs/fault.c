/* fault KEY: three threads; on SIGUSR1 the second one writes into a read-only attachment, at offset 0x2123. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>

#include "ready.h"

static sigset_t usr1;

static void *fault(void *segment)
{
	int signal;
	sigwait(&usr1, &signal);
	((volatile char *)segment)[0x2123] = 1;
	return NULL;
}

static void *idle(void *segment)
{
	for (;;)
		pause();
	return segment;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	pthread_attr_t small; /* the stack: it lies in the core */
	int shmid = shmget(argc == 2 ? strtoul(argv[1], NULL, 16) : 0, 3 * 4096, 0640 | IPC_CREAT | IPC_EXCL);
	char *p = shmat(shmid, NULL, 0);

	if (shmid == -1 || p == (char *)-1)
		die("shmget");
	strcpy(p + 1, "look, but do not touch");
	p[0] = 2;
	shmdt(p);
	p = shmat(shmid, NULL, SHM_RDONLY);
	if (p == (char *)-1)
		die("shmat");

	/* Blocked everywhere, so that only the waiting thread takes it. */
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &usr1, NULL);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 64 << 10);
	if (pthread_create(&thread, &small, fault, p) || pthread_setname_np(thread, "faulting") ||
	    pthread_create(&thread, &small, idle, p) || pthread_setname_np(thread, "idle"))
		die("pthread_create");
	ready_and_wait();
}

/* ticker SEGMENT_BYTES TOUCHED_BYTES PRIVATE_BYTES
 *
 * A process that notices when it stands still: attaches a System V segment of SEGMENT_BYTES, fills its first TOUCHED_BYTES and
 * PRIVATE_BYTES of private memory, prints "READY", and then looks at the clock for ever. At each SIGUSR1 it prints the longest
 * time between two looks since the last one, in nanoseconds.
 *
 * Nothing outlives it: the segment is removed as soon as it is attached, and it dies with the process that started it.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <time.h>

static volatile sig_atomic_t asked;

static void ask(int signal)
{
	(void)signal;
	asked = 1;
}

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	size_t size = strtoull(argv[1], NULL, 0), touched = strtoull(argv[2], NULL, 0);
	size_t private = strtoull(argv[3], NULL, 0);
	int shmid = shmget(IPC_PRIVATE, size, IPC_CREAT | 0600);
	char *segment = shmid == -1 ? (void *)-1 : shmat(shmid, NULL, 0);
	char *memory = malloc(private + 1);

	if (segment == (void *)-1 || !memory)
		return perror("ticker"), 1;
	shmctl(shmid, IPC_RMID, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	memset(segment, 0xa5, touched);
	memset(memory, 0xa5, private);
	signal(SIGUSR1, ask);
	puts("READY");
	fflush(stdout);
	for (long long last = now(), longest = 0;;) {
		long long time = now();

		if (time - last > longest)
			longest = time - last;
		last = time;
		if (asked) {
			asked = 0;
			printf("%lld\n", longest);
			fflush(stdout);
			longest = 0;
			last = now();
		}
	}
}

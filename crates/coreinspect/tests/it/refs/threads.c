/* Three threads, each with a number of its own in a register that calls preserve; the last of them dies. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static pthread_barrier_t all;

static void *wait(void *number)
{
	pthread_barrier_wait(&all);
	for (;;)
		pause();
	return number;
}

static void *die(void *number)
{
	pthread_barrier_wait(&all);
	sleep(1);
	abort();
	return number;
}

int main(void)
{
	pthread_t thread;
	if (pthread_barrier_init(&all, NULL, 3) || pthread_create(&thread, NULL, wait, (void *)0x51) ||
	    pthread_create(&thread, NULL, die, (void *)0x52))
		return 1;
	wait((void *)0x50);
}

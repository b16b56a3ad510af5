/* counting: three threads that count a little and sleep a little, and a handler that counts a real-time signal and SIGUSR1.
 *
 * Prints "ready"; at the end of standard input, when no signal is under way any more, prints how often each came. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static atomic_ulong counted, realtime, usual;

static void on_signal(int signal)
{
	if (signal == SIGUSR1)
		usual++;
	else
		realtime++;
}

static void *count(void *unused)
{
	for (;; usleep(50))
		for (int i = 0; i < 1000; i++)
			counted++;
	return unused;
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	pthread_t thread;
	char byte;

	if (sigaction(SIGRTMIN + 3, &action, NULL) || sigaction(SIGUSR1, &action, NULL))
		return 1;
	for (int i = 0; i < 3; i++)
		if (pthread_create(&thread, NULL, count, NULL))
			return 1;
	puts("ready");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	printf("%lu %lu\n", (unsigned long)realtime, (unsigned long)usual);
	fflush(stdout);
	_exit(0);
}

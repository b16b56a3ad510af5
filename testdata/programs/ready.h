/* How every program here ends its setup: it tells testdata/make, and then holds still to be dumped. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void ready_and_wait(void)
{
	if (write(STDOUT_FILENO, "ready\n", 6) != 6)
		die("ready");
	for (;;)
		pause();
}

/* measure [-s] COMMAND [ARGUMENT...]
 *
 * Runs COMMAND with its three standard streams on /dev/null and prints one line: wall time and
 * processor time (ru_utime + ru_stime) in nanoseconds, peak resident memory in KiB (wait4's
 * ru_maxrss), 512-byte blocks read from disk (ru_inblock), peak anonymous memory in KiB and the exit
 * status (128 + signal where one ended it).
 *
 * It exists because ru_maxrss counts what the child was before exec: forked from Python it never
 * shows less than the 10 MiB of Python, forked from this program less than 1 MiB.
 *
 * -s samples RssAnon of /proc/PID/status every 100 microseconds while COMMAND runs, which slows
 * it: without -s that column is 0, with -s the time is worthless.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static long long in_nanoseconds(struct timeval time)
{
	return time.tv_sec * 1000000000LL + time.tv_usec * 1000LL;
}

static void run(char **command)
{
	int null = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int stream = 0; stream < 3; stream++)
		dup2(null, stream);
	execvp(command[0], command);
	_exit(127);
}

/* RssAnon of a process in KiB; 0 once it has exited. */
static long anonymous_now(int status_file)
{
	char text[4096];
	ssize_t length = pread(status_file, text, sizeof text - 1, 0);
	char *line;

	if (length <= 0)
		return 0;
	text[length] = 0;
	line = strstr(text, "\nRssAnon:");
	return line ? atol(line + strlen("\nRssAnon:")) : 0;
}

static long sample(pid_t child)
{
	const struct timespec pause = {0, 100000};
	siginfo_t exited = {0};
	char path[64];
	long peak = 0;

	snprintf(path, sizeof path, "/proc/%d/status", child);
	int status_file = open(path, O_RDONLY | O_CLOEXEC);

	while (waitid(P_PID, child, &exited, WEXITED | WNOHANG | WNOWAIT) == 0 && !exited.si_pid) {
		long now = anonymous_now(status_file);

		peak = now > peak ? now : peak;
		nanosleep(&pause, NULL);
	}
	close(status_file);
	return peak;
}

int main(int argc, char **argv)
{
	int sampling = argc > 1 && strcmp(argv[1], "-s") == 0;
	char **command = argv + 1 + sampling;
	struct rusage usage;
	long anonymous = 0;
	int status;

	if (command >= argv + argc) {
		fprintf(stderr, "usage: measure [-s] COMMAND [ARGUMENT...]\n");
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);

	long long start = nanoseconds();
	pid_t child = fork();

	if (child == -1) {
		perror("fork");
		return 1;
	}
	if (child == 0)
		run(command);
	if (sampling)
		anonymous = sample(child);
	if (wait4(child, &status, 0, &usage) == -1) {
		perror("wait4");
		return 1;
	}
	long long end = nanoseconds();

	printf("%lld %lld %ld %ld %ld %d\n", end - start,
	       in_nanoseconds(usage.ru_utime) + in_nanoseconds(usage.ru_stime),
	       usage.ru_maxrss, usage.ru_inblock, anonymous,
	       WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
	return 0;
}

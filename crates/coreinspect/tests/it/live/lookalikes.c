/* lookalikes KEY, in a root directory of its own: one segment, and mappings of files that are named like one. Dies. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

static void check(int failed, const char *what)
{
	if (failed) {
		perror(what);
		exit(1);
	}
}

static void map(int fd, int flags)
{
	check(fd == -1 || ftruncate(fd, 3 * 4096), "open");
	check(pwrite(fd, "\1decoy", 7, 0) != 7, "write");
	check(mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, flags, fd, 0) == MAP_FAILED, "mmap");
}

static void file(const char *path, int mode, int flags, int gone)
{
	map(open(path, O_RDWR | O_CREAT | O_EXCL, mode), flags);
	check(gone && unlink(path), path);
}

int main(int argc, char **argv)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	int shmid = shmget(argc == 2 ? (key_t)strtoul(argv[1], NULL, 16) : 0, 3 * 4096, 0600 | IPC_CREAT | IPC_EXCL);
	char *base = shmat(shmid, NULL, 0);

	check(shmid == -1 || base == (char *)-1, "shmat");
	strcpy(base, "\1the real one");
	check(shmctl(shmid, IPC_RMID, NULL), "shmctl");
	check(setrlimit(RLIMIT_CORE, &all), "setrlimit");
	umask(0);
	check(mkdir("/dir", 0777), "mkdir");
	file("/dir/SYSV12345678", 0600, MAP_SHARED, 1);
	file("/SYSV123456789", 0600, MAP_SHARED, 1);
	file("/SYSV1234567", 0600, MAP_SHARED, 1);
	file("/SYSVABCDEF01", 0600, MAP_SHARED, 1);
	file("/SYSV4", 0600, MAP_SHARED, 1);
	file("/SYSVOL", 0600, MAP_SHARED, 0);
	file("/SYSVabcdef02", 0600, MAP_SHARED, 0);
	map(memfd_create("SYSVabcdef03", 0), MAP_SHARED);
	/* These two have the name of a segment. */
	file("/SYSVcafef00d", 0600, MAP_SHARED, 1);
	file("/SYSVcafef00e", 0700, MAP_PRIVATE, 1);
	abort();
}

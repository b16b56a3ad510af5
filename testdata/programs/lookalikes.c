/* lookalikes KEY: one segment, and mappings of other things that are named like one. testdata/make removes the files
 * that are left in the root directory. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include "ready.h"

static void map(int fd, const char *message)
{
	if (fd == -1 || ftruncate(fd, 4096))
		die(message);
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		die(message);
	strcpy(p + 1, message);
	p[0] = 1;
}

static void map_file(const char *path, int and_unlink)
{
	map(open(path, O_RDWR | O_CREAT | O_EXCL, 0600), path);
	if (and_unlink && unlink(path))
		die(path);
}

int main(int argc, char **argv)
{
	int shmid = shmget(argc == 2 ? strtoul(argv[1], NULL, 16) : 0, 4096, 0640 | IPC_CREAT | IPC_EXCL);
	char *p = shmat(shmid, NULL, 0);

	if (shmid == -1 || p == (char *)-1)
		die("shmget");
	strcpy(p + 1, "the real one");
	p[0] = 1;

	map_file("/SYSVcafef00d", 1);
	map_file("/SYSVCAFEF00D", 1);
	map_file("/SYSV4", 1);
	map_file("/SYSVOL", 0);
	map_file("/SYSV12345678", 0);
	map_file("SYSV12345678", 1);
	map(memfd_create("SYSV12345678", 0), "memfd");
	ready_and_wait();
}

/* posix: no System V segment at all, but POSIX shared memory: one object that still has its name, one that has not. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "ready.h"

static void map(const char *name, int and_unlink)
{
	int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd == -1 || ftruncate(fd, 4096))
		die(name);
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED || (and_unlink && shm_unlink(name)))
		die(name);
	strcpy(p + 1, name);
	p[0] = 1;
}

int main(void)
{
	map("/coreinspect-testdata", 0);
	map("/coreinspect-testdata-unlinked", 1);
	ready_and_wait();
}

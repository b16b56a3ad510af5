/* dumps_itself FILE: attaches two segments and writes a core of itself with google-coredumper. */
#include <sys/ipc.h>
#include <sys/shm.h>
#include <string.h>
#include "ready.h"

int WriteCoreDump(const char *file);

static char *segment(key_t key, size_t size, const char *text, int flags)
{
	int shmid = shmget(key, size, 0640 | IPC_CREAT | IPC_EXCL);
	char *p = shmat(shmid, NULL, 0);
	if (p == (char *)-1)
		die("shmat");
	p[0] = 1;
	strcpy(p + 1, text);
	if (flags) {
		shmdt(p);
		p = shmat(shmid, NULL, flags);
	}
	return p;
}

int main(int argc, char **argv)
{
	segment(0x5d0d0001, 12288, "read and write", 0);
	segment(0x5d0d0002, 20480, "read only", SHM_RDONLY);
	if (argc != 2 || WriteCoreDump(argv[1]))
		die("WriteCoreDump");
	ready_and_wait();
}

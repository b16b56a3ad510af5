/* ftok HOW [PATH]: makes a key of a path that it knows by HOW, attaches a segment of it, prints the key, and waits.
 *
 * The end of standard input ends it. The segment is removed at once: it goes with the process. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/resource.h>
#include <sys/shm.h>

int main(int argc, char **argv)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	const char *how = argc > 1 ? argv[1] : "";
	char *heap = malloc(256);
	key_t key = -1;

	setrlimit(RLIMIT_CORE, &all);
	if (!strcmp(how, "argument"))
		key = ftok(argv[2], 'x');
	else if (!strcmp(how, "folder"))
		key = ftok(".", 'x');
	else if (!strcmp(how, "environment"))
		key = ftok(getenv("KEY_FILE"), 'x');
	else if (!strcmp(how, "memory")) {
		/* In the heap alone: the path as a whole was never anywhere else. */
		snprintf(heap, 256, "%s/in the heap", getenv("KEY_FOLDER"));
		key = ftok(heap, 'x');
	}
	int shmid = shmget(key, 4096, IPC_CREAT | IPC_EXCL | 0600);
	if (key == -1 || shmid == -1 || shmat(shmid, NULL, 0) == (void *)-1) {
		perror(how);
		return 1;
	}
	shmctl(shmid, IPC_RMID, NULL);
	printf("%08x\n", (unsigned)key);
	fflush(stdout);
	getchar();
	return 0;
}

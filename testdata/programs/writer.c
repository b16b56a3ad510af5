/* writer: the usual mailbox. 2,048 bytes under ftok("writer", 'w'): flag 1 (ready) in byte 0, a message from byte 1. */
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>

#include "ready.h"

static char *mailbox;

int main(void)
{
	key_t key = ftok("writer", 'w');
	int shmid = shmget(key, 2048, 0666 | IPC_CREAT | IPC_EXCL);

	mailbox = shmat(shmid, NULL, 0);
	if (key == -1 || shmid == -1 || mailbox == (char *)-1)
		die("writer");
	strcpy(mailbox + 1, "Order 4711: two coffees");
	mailbox[0] = 1;
	ready_and_wait();
}

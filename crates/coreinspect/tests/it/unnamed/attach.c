/* Attaches private segments as its arguments say, SIZE:RIGHTS:FILL, tells where each lies, and waits.
   RIGHTS: w or r. FILL: t a text behind a flag, n numbers, z nothing. */
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

int main(int count, char **arguments)
{
    for (int i = 1; i < count; i++) {
        long size;
        char rights, fill;
        if (sscanf(arguments[i], "%ld:%c:%c", &size, &rights, &fill) != 3)
            return 1;
        int id = shmget(IPC_PRIVATE, size, IPC_CREAT | 0600);
        char *start = shmat(id, 0, 0);
        if (fill == 't') {
            start[0] = 1;
            strcpy(start + 1, "a text in a segment without a name");
        }
        for (long k = 0; fill == 'n' && k < size / 8; k += 3)
            ((long *)start)[k] = k * 7 + i;
        if (rights == 'r') {
            char *other = shmat(id, 0, SHM_RDONLY);
            shmdt(start);
            start = other;
        }
        shmctl(id, IPC_RMID, 0);
        printf("%p %ld\n", (void *)start, size);
    }
    puts("ready");
    fflush(stdout);
    pause();
}

// Attaches the segment of a key read-only, as a crashing reader has it: the kernel's core keeps its first page.
#include <stdio.h>
#include <stdlib.h>
#include <sys/shm.h>

int main(int, char **arguments) {
    int shmid = shmget((key_t)strtoul(arguments[1], NULL, 0), 0, 0);
    if (shmat(shmid, NULL, SHM_RDONLY) == (void *)-1)
        return 1;
    puts("ready");
    fflush(stdout);
    getchar();
}

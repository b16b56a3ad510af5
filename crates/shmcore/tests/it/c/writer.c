/* The writer of the tutorials: plain stores, no care. Ends after 20 s whatever happens. */
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

int main(void)
{
    alarm(20);
    key_t key = ftok(".", 'x');
    int shmid = shmget(key, 1024, 0666 | IPC_CREAT);
    if (shmid == -1) {
        perror("shmget");
        return 1;
    }
    char *data = shmat(shmid, NULL, 0);
    if (data == (char *)-1) {
        perror("shmat");
        return 1;
    }
    strcpy(data + 1, "Hello from C!");
    data[0] = 1;
    printf("%d %d\n", key, shmid);
    fflush(stdout);
    while (data[0] != 2)
        usleep(1000);
    shmdt(data);
    return shmctl(shmid, IPC_RMID, NULL) == -1;
}

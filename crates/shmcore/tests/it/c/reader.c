/* The reader of the tutorials. Ends after 20 s whatever happens. */
#include <stdio.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

int main(void)
{
    alarm(20);
    key_t key = ftok(".", 'x');
    int shmid = shmget(key, 1024, 0666);
    if (shmid == -1) {
        perror("shmget");
        return 1;
    }
    char *data = shmat(shmid, NULL, 0);
    if (data == (char *)-1) {
        perror("shmat");
        return 1;
    }
    while (data[0] != 1)
        usleep(1000);
    puts(data + 1);
    data[0] = 2;
    return shmdt(data);
}

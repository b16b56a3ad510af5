/* Memory that is no segment and looks like one here and there: threads, big and small blocks, maps with guards, pages that
   cannot be written to. It is all private. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void *work(void *unused)
{
    char *block = malloc(100000);
    block[5] = 3;
    pause();
    return unused;
}

int main(void)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    for (int i = 0; i < 4; i++) {
        pthread_t thread;
        pthread_create(&thread, 0, work, 0);
    }
    memset(malloc(3 << 20), 7, 1 << 20);
    char *text = mmap(0, 1 << 16, PROT_READ | PROT_WRITE, flags, -1, 0);
    strcpy(text, "a text");
    char *numbers = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, flags, -1, 0);
    for (int i = 0; i < 5000; i++)
        ((int *)numbers)[i] = i;
    mprotect(mmap(0, 1 << 16, PROT_READ | PROT_WRITE, flags, -1, 0), 4096, PROT_NONE);
    puts("ready");
    fflush(stdout);
    pause();
}

// A System V segment that apr_rmm manages: blocks in use, and free ones.
#include <apr_general.h>
#include <apr_rmm.h>
#include <stdio.h>
#include <string.h>
#include <sys/shm.h>

enum { KEY = 0x5a17e021, SIZE = 16384 };

int main(void) {
    apr_pool_t *pool;
    apr_rmm_t *rmm;
    void *segment = shmat(shmget(KEY, SIZE, IPC_CREAT | 0600), NULL, 0);
    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (apr_rmm_init(&rmm, NULL, segment, SIZE, pool) != APR_SUCCESS)
        return 1;
    apr_rmm_off_t first = apr_rmm_malloc(rmm, 100), second = apr_rmm_malloc(rmm, 200);
    apr_rmm_off_t third = apr_rmm_malloc(rmm, 50), fourth = apr_rmm_malloc(rmm, 1000);
    strcpy(apr_rmm_addr_get(rmm, first), "first");
    strcpy(apr_rmm_addr_get(rmm, third), "third");
    apr_rmm_free(rmm, second);
    printf("used %zu\nused %zu\nused %zu\nready\n", first, third, fourth);
    fflush(stdout);
    getchar();
}

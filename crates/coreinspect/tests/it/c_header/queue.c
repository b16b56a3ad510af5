/* Fills a queue in a segment of the key that it is given, says in JSON what it holds, and waits. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>

#include "queue.h"

#define TAIL ((4096 - offsetof(struct queue, tail)) / 4)

int main(int count, char **arguments)
{
	if (count != 2)
		return 2;
	int id = shmget((key_t)strtoul(arguments[1], NULL, 16), 4096, IPC_CREAT | IPC_EXCL | 0600);
	struct queue *q = id < 0 ? (void *)-1 : shmat(id, NULL, 0);
	if (q == (void *)-1)
		return 1;
	/* It lives as long as it is attached. */
	shmctl(id, IPC_RMID, NULL);

	q->magic = QUEUE_MAGIC;
	q->state = BROKEN;
	strcpy(q->name, "gr\xc3\xbc\xc3\x9f \"dich\"");
	q->changed.tv_sec = 1700000000;
	q->changed.tv_nsec = 999999999;
	q->open = true;
	q->closed = 1;
	q->tiny = -3;
	memcpy(q->wide, L"W\u00f6", sizeof L"W\u00f6");
	q->ratio = 0.25f;
	q->precise = -1.5L;
	q->self = q;
	for (int i = 0; i < 6; i++)
		q->grid[i / 3][i % 3] = i * 100000 - 1;
	memcpy(q->words, "abcdef\0", 8);
	for (int i = 0; i < ITEMS; i++) {
		item_t *item = &q->items[i];
		item->kind = 5 + i;
		item->urgent = i & 1;
		item->serial = 0xfedcba9876ull - i;
		item->real = i + 0.5;
		item->point.x = (short)(i - 1);
		item->point.y = (short)(i * 1000);
	}
	q->count = 65535;
	q->tail[0] = 4000000000u;
	q->tail[TAIL - 1] = 1;

	printf("{\"magic\": %u, \"state\": {\"value\": %d, \"name\": \"BROKEN\"}, \"name\": \"gr\\u00fc\\u00df \\\"dich\\\"\",", q->magic, q->state);
	printf("\"changed\": {\"tv_sec\": %ld, \"tv_nsec\": %ld}, \"lock\": \"", (long)q->changed.tv_sec, q->changed.tv_nsec);
	for (size_t i = 0; i < sizeof q->lock; i++)
		printf("%02x", ((unsigned char *)&q->lock)[i]);
	printf("\", \"open\": %d, \"closed\": %d, \"tiny\": %d, \"wide\": \"W\\u00f6\",", q->open, q->closed, q->tiny);
	printf("\"ratio\": %g, \"precise\": %Lg, \"self\": \"%p\",", q->ratio, q->precise, (void *)q->self);
	printf("\"notify\": \"0x0\", \"nothing\": \"0x0\", \"grid\": [");
	for (int i = 0; i < 2; i++)
		printf("%s[%d, %d, %d]", i ? ", " : "", q->grid[i][0], q->grid[i][1], q->grid[i][2]);
	printf("], \"words\": [\"%.4s\", \"%.4s\"], \"items\": [", q->words[0], q->words[1]);
	for (int i = 0; i < ITEMS; i++) {
		item_t *item = &q->items[i];
		printf("%s{\"kind\": %u, \"urgent\": %u, \"serial\": %llu,", i ? ", " : "", item->kind, item->urgent, (unsigned long long)item->serial);
		printf("\"number\": \"%lld\", \"real\": ", (long long)item->number);
		printf("%.17g", item->real);
		printf(", \"raw\": [");
		for (int j = 0; j < 8; j++)
			printf("%s%u", j ? ", " : "", item->raw[j]);
		printf("], \"point\": {\"x\": %d, \"y\": %d}}", item->point.x, item->point.y);
	}
	printf("], \"count\": %u, \"tail\": [", queue_count(q));
	for (size_t i = 0; i < TAIL; i++)
		printf("%s%u", i ? ", " : "", q->tail[i]);
	printf("]}\n");
	fflush(stdout);
	getchar();
	return 0;
}

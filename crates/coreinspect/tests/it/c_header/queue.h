/* A queue in shared memory: the header that the program is compiled with is the layout that it is read by. */
#ifndef QUEUE_H
#define QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define QUEUE_MAGIC 0x51554555u
#define NAME_LENGTH (16 * 2)
#define ITEMS 3

#ifdef __cplusplus
extern "C" {
#endif

enum state { EMPTY, READY, BUSY = 7, BROKEN = -1 };

typedef struct item {
	uint8_t kind : 3, : 2, urgent : 1;
	unsigned long long serial : 40;
	union {
		int64_t number;
		double real;
		unsigned char raw[8];
	};
	struct { short x, y; } point __attribute__((packed));
} item_t;

struct queue {
	unsigned magic;
	enum state state;
	char name[NAME_LENGTH];
	struct timespec changed;
	pthread_mutex_t lock;
	bool open;
	_Bool closed : 1;
	signed char tiny;
	wchar_t wide[4];
	float ratio;
	long double precise;
	struct queue *self;
	void (*notify)(struct queue *, int);
	const char *const nothing;
	int grid[2][3];
	char words[2][4];
	_Alignas(32) item_t items[ITEMS];
	uint16_t count;
	uint32_t tail[];
};

static inline unsigned queue_count(const struct queue *queue) { return queue->count; }

#ifdef __cplusplus
}
#endif
#endif
